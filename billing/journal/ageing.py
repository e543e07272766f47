"""What waits in suspense and in clearing, by age, and whether the ledger agrees with it to the cent."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from billing import clock
from billing.journal import suspense
from billing.journal.models import Payment, Record, SuspenseItem
from billing.journal.terms import CARD_UNKNOWN
from billing.journal.ways import held_in
from billing.ledger import balances
from billing.ledger.chart import CLEARING, FORK_SUSPENSE, SUSPENSE

BANDS = (("0-1 days", 1), ("2-7 days", 7), ("8-30 days", 30), ("over 30 days", None))
_IN_DOUBT = ("note-in-doubt", CARD_UNKNOWN)  # money that may have come in
CLEARING_PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class Waiting:
    """One open item. `waits_for` names the proposal that stands for it."""

    id: int
    opened: str
    days: int
    band: str
    kiosk: str
    epoch: int
    seq: int
    reason: str
    subject: str
    memo: bool
    amount_minor: int
    currency: str
    waits_for: str


@dataclass(frozen=True)
class Band:
    """Money of one currency and age. Held and missing are kept apart: one never hides the other."""

    currency: str
    band: str
    items: int
    held_minor: int
    missing_minor: int
    memos: int
    in_doubt_minor: int


@dataclass(frozen=True)
class Unfinished:
    """A payment whose cash still lies in clearing: its completion never came."""

    payment_id: str
    kiosk: str
    since: str
    days: int
    held_minor: int
    currency: str
    receipts: int


@dataclass(frozen=True)
class Difference:
    """Open items and ledger lines that do not agree."""

    account: str
    subject: str
    currency: str
    ledger_minor: int
    items_minor: int


def days_open(since: datetime, now: datetime) -> int:
    return max(0, (now - since).days)


def band_of(days: int) -> str:
    return next(name for name, most in BANDS if most is None or days <= most)


def waiting(now: datetime) -> list[Waiting]:
    """Return the open items, oldest first."""
    items = SuspenseItem.objects.filter(resolved_at=None).select_related("chain").order_by("opened_at", "pk")
    proposed = _proposed()
    return [_waiting(item, proposed.get(item.pk, ""), now) for item in items]


def bands(items: Iterable[Waiting]) -> list[Band]:
    """Return the sums of every band, also empty ones, for each currency."""
    grouped: dict[tuple[str, str], list[Waiting]] = {}
    for item in items:
        grouped.setdefault((item.currency, item.band), []).append(item)
    currencies = sorted({currency for currency, _ in grouped})
    return [_band(currency, name, grouped.get((currency, name), [])) for currency in currencies for name, _ in BANDS]


def unfinished(now: datetime) -> list[Unfinished]:
    """Return the payments that have lain in clearing for longer than a day, oldest first."""
    rows = [row for row in balances.standing(CLEARING) if now - row["since"] > CLEARING_PATIENCE]
    names = [row["subject"] for row in rows]
    receipts = Counter(Payment.objects.filter(payment_id__in=names).values_list("payment_id", flat=True))
    kiosks = _kiosks_of(names)
    return [
        Unfinished(
            payment_id=row["subject"],
            kiosk=kiosks.get(row["subject"], ""),
            since=clock.stamp(row["since"]),
            days=days_open(row["since"], now),
            held_minor=-row["balance_minor"],
            currency=row["currency"],
            receipts=receipts[row["subject"]],
        )
        for row in rows
    ]


def differences() -> list[Difference]:
    """Return where the open items' sum is not what the ledger holds, subject by subject. Empty when all is well.

    Items and ledger are read one after the other, and a kiosk may post in between: what differs is looked at again.
    """
    found = _compared()
    again = set(_compared()) if found else set()
    return [difference for difference in found if difference in again]


def _compared() -> list[Difference]:
    items: Counter[tuple[str, str, str]] = Counter()
    for item in SuspenseItem.objects.filter(resolved_at=None, memo=False):
        items[held_in(item), item.subject, item.currency] += item.amount_minor
    ledger = {
        (account, row["subject"], row["currency"]): -row["balance_minor"]
        for account in (SUSPENSE, FORK_SUSPENSE)
        for row in balances.standing(account)
    }
    return [
        Difference(*key, ledger_minor=ledger.get(key, 0), items_minor=items[key])
        for key in sorted({*items, *ledger})
        if ledger.get(key, 0) != items[key]
    ]


def report(now: datetime) -> dict[str, Any]:
    """Return everything as plain values, for JSON and for the page."""
    items = waiting(now)
    return {
        "as_of": clock.stamp(now),
        "bands": [asdict(band) for band in bands(items)],
        "items": [asdict(item) for item in items],
        "clearing": [asdict(payment) for payment in unfinished(now)],
        "differences": [asdict(difference) for difference in differences()],
    }


def _waiting(item: SuspenseItem, proposed: str, now: datetime) -> Waiting:
    days = days_open(item.opened_at, now)
    return Waiting(
        id=item.pk,
        opened=clock.stamp(item.opened_at),
        days=days,
        band=band_of(days),
        kiosk=item.chain.kiosk_id,
        epoch=item.chain.epoch,
        seq=item.seq,
        reason=item.reason,
        subject=item.subject,
        memo=item.memo,
        amount_minor=item.amount_minor,
        currency=item.currency,
        waits_for=proposed,
    )


def _proposed() -> dict[int, str]:
    """Return the standing proposals' summaries, by each item they concern."""
    proposals = suspense.all_standing()
    return {key: p.summary for p in proposals for key in (p.item_id, p.other_id) if key is not None}


def _band(currency: str, name: str, items: list[Waiting]) -> Band:
    money = [item.amount_minor for item in items if not item.memo]
    return Band(
        currency=currency,
        band=name,
        items=len(money),
        held_minor=sum(amount for amount in money if amount > 0),
        missing_minor=sum(amount for amount in money if amount < 0),
        memos=len(items) - len(money),
        in_doubt_minor=sum(item.amount_minor for item in items if item.memo and item.reason in _IN_DOUBT),
    )


def _kiosks_of(payments: list[str]) -> dict[str, str]:
    """Return the kiosk that posted the first line of each payment."""
    lines = Record.objects.filter(
        transaction__entries__account=CLEARING, transaction__entries__subject__in=payments
    ).order_by("-pk")
    return dict(lines.values_list("transaction__entries__subject", "chain__kiosk_id"))
