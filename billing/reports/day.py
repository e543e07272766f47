"""What kiosks took on a day, by tender, and where it went. From the ledger alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Case, Count, F, Q, Sum, When

from billing.journal.models import Payment
from billing.ledger.chart import CARD, CASH, CHECKS, CLEARING, CREDIT, FEES, FORK_SUSPENSE, RECEIVABLE, SUSPENSE
from billing.ledger.models import Entry

BY_HAND = "two people"
_REFUND = "CardRefunded"
_CAME_IN = (  # account, sign of the line, of a refund, what it is
    (CASH, 1, False, "cash in"),
    (CASH, -1, False, "cash out (change)"),
    (CARD, 1, False, "card sales"),
    (CARD, -1, False, "card sales voided"),
    (CARD, -1, True, "card sales refunded"),
    (CHECKS, 1, False, "checks"),
)
_WENT = (  # account, of a refund (None: of any record), what it is
    (RECEIVABLE, False, "bills"),
    (RECEIVABLE, True, "bills owed again"),
    (CREDIT, False, "credit on accounts"),
    (CREDIT, True, "credit taken back"),
    (FEES, False, "card fees"),
    (FEES, True, "card fees refunded"),
    (SUSPENSE, None, "suspense"),
    (FORK_SUSPENSE, None, "suspense of losing branches"),
    (CLEARING, None, "payments not complete"),
)


@dataclass(frozen=True)
class Part:
    """Lines of one kind: how many, and over how much."""

    what: str
    count: int
    amount_minor: int


@dataclass(frozen=True)
class Kiosk:
    """One kiosk (or two people's resolutions) on the day, in one currency."""

    name: str
    currency: str
    tenders: list[Part]
    went: list[Part]
    receipts: int
    first_receipt: str
    last_receipt: str

    @property
    def taken_minor(self) -> int:
        return sum(part.amount_minor for part in self.tenders)

    @property
    def placed_minor(self) -> int:
        return sum(part.amount_minor for part in self.went)


def report(day: date) -> list[Kiosk]:
    """Return the kiosks with lines of this value date, and the resolutions of suspense, last."""
    lines = _lines(day)
    names = sorted({(line["kiosk"] or "", line["currency"]) for line in lines}, key=lambda key: (not key[0], key))
    receipts = _receipts(day)
    found = []
    for name, currency in names:
        own = [line for line in lines if (line["kiosk"] or "", line["currency"]) == (name, currency)]
        found.append(_kiosk(name, currency, own, receipts.get((name, currency), (0, "", ""))))
    return found


def totals(kiosks: Iterable[Kiosk]) -> list[tuple[str, list[Part], int]]:
    """Return the sums over all kiosks by currency: (currency, tenders, taken)."""
    kiosks = list(kiosks)
    found = []
    for currency in sorted({kiosk.currency for kiosk in kiosks}):
        parts = [part for kiosk in kiosks if kiosk.currency == currency for part in kiosk.tenders]
        summed = [_added(what, [part for part in parts if part.what == what]) for *_, what in _CAME_IN]
        found.append((currency, summed, sum(part.amount_minor for part in summed)))
    return found


def _added(what: str, parts: list[Part]) -> Part:
    return Part(what, sum(part.count for part in parts), sum(part.amount_minor for part in parts))


def _lines(day: date) -> list[dict[str, Any]]:
    """Return the sums of the day's lines by kiosk, currency, account and sign. What is not of kiosks is left out."""
    of_kiosk = Q(transaction__record__isnull=False) | Q(transaction__fork_record__isnull=False)
    by_hand = Q(transaction__resolution_end__isnull=False)
    rows = (
        Entry.objects.filter(of_kiosk | by_hand, transaction__value_date=day)
        .annotate(
            kiosk=Case(
                When(transaction__record__isnull=False, then=F("transaction__record__chain__kiosk_id")),
                When(transaction__fork_record__isnull=False, then=F("transaction__fork_record__chain__kiosk_id")),
            ),
            sign=Case(When(amount_minor__gt=0, then=1), default=-1),
            refund=Case(When(transaction__description=_REFUND, then=True), default=False),
        )
        .values("kiosk", "account_id", "sign", "refund", currency=F("transaction__currency"))
        .annotate(sum=Sum("amount_minor"), count=Count("pk"))
    )
    return list(rows)


def _receipts(day: date) -> dict[tuple[str, str], tuple[int, str, str]]:
    """Return, by kiosk and currency, how many receipts there are and the numbers of the first and the last."""
    found: dict[tuple[str, str], list[str]] = {}
    payments = Payment.objects.filter(value_date=day).order_by("pk")
    for kiosk, currency, number in payments.values_list("kiosk_id", "currency", "receipt_number"):
        found.setdefault((kiosk, currency), []).append(number)
    return {key: (len(numbers), numbers[0], numbers[-1]) for key, numbers in found.items()}


def _kiosk(name: str, currency: str, lines: list[dict[str, Any]], receipts: tuple[int, str, str]) -> Kiosk:
    def part(what: str, account: str, turned: int, sign: int = 0, refund: bool | None = None) -> Part:
        fits = [line for line in lines if line["account_id"] == account]
        fits = [line for line in fits if sign in (0, line["sign"]) and refund in (None, line["refund"])]
        return Part(what, sum(line["count"] for line in fits), turned * sum(line["sum"] for line in fits))

    tenders = [part(what, account, 1, sign, refund) for account, sign, refund, what in _CAME_IN]
    went = [part(what, account, -1, refund=refund) for account, refund, what in _WENT]
    named = {account for account, *_ in (*_CAME_IN, *_WENT)}
    others = sorted({line["account_id"] for line in lines} - named)
    went += [part(account, account, -1) for account in others]
    # What went through clearing and out again says nothing.
    said = [one for one in went if one.amount_minor or (one.count and one.what != _WENT[-1][-1])]
    return Kiosk(name or BY_HAND, currency, tenders, said, *receipts)
