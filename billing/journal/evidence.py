"""What staff need to judge a suspense item: the records around it, the frames, the payment and what lies near it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from billing.claims.evidence import claims_near
from billing.claims.models import Claim
from billing.customers.models import Account
from billing.journal.facts import period
from billing.journal.models import CardAttempt, ForkRecord, Payment, Record, SuspenseItem
from billing.journal.records import moment
from billing.journal.wording import shown_time
from billing.kiosks.models import Chain

AROUND = 20  # records either side
WITHIN = timedelta(minutes=15)  # or so long either side,
REACH = 300  # but not more records than this
_PAYMENT_REACH = 5_000  # records before the item in which its payment began


@dataclass(frozen=True)
class Slice:
    """One record as it is shown. `fork` marks the losing branch."""

    seq: int
    kind: str
    device_time: str
    disposition: str
    body: str
    here: bool
    fork: bool = False


@dataclass(frozen=True)
class Frame:
    """A frame on the acceptor's line as `hardware decode` reads it: D or H, then hex."""

    from_ms: int
    until_ms: int
    times: int
    line: str


@dataclass(frozen=True)
class Evidence:
    records: list[Slice]
    frames: list[Frame]
    payment_id: str
    session_id: str
    account: str  # as the kiosk wrote it
    last4: str
    period: str  # the cassette's, "unknown" if no record says
    payer: Account | None
    receipts: list[Payment]
    near: list[SuspenseItem]
    claims: list[Claim]
    attempts: list[CardAttempt]


def evidence(item: SuspenseItem) -> Evidence:
    """Return what the server has about `item`."""
    records = _around(item.chain, item.seq)
    own = _own(item, records)
    payment_id = _text(own, "payment_id")
    chosen = _chosen(item, payment_id)
    account = _text(chosen, "account") or _text(own, "account")
    receipts = list(
        Payment.objects.filter(kiosk=item.chain.kiosk, payment_id=payment_id).select_related("account")
        if payment_id
        else []
    )
    return Evidence(
        records=_slices(item, records),
        frames=_frames(item),
        payment_id=payment_id,
        session_id=_text(chosen, "session_id") or _text(own, "session_id"),
        account=account,
        last4=_text(chosen, "last4"),
        period=period(own),
        payer=_payer(receipts, account),
        receipts=receipts,
        near=_near(item),
        claims=claims_near(item, (item.subject, payment_id, _text(own, "note_id"))),
        attempts=_attempts(item, payment_id),
    )


def _attempts(item: SuspenseItem, payment_id: str) -> list[CardAttempt]:
    """Return the attempts to pay by card that the item names, and the others of its payment."""
    about = Q(reference=item.subject) | Q(void_reference=item.subject)
    if payment_id:
        about |= Q(payment_id=payment_id)
    return list(CardAttempt.objects.filter(about, kiosk=item.chain.kiosk_id).order_by("pk")[:20])


def _payer(receipts: list[Payment], reference: str) -> Account | None:
    """Return the account that the payment was for, None if the server does not know it."""
    for payment in receipts:
        if payment.account is not None:
            known: Account = payment.account
            return known
    if not reference:
        return None
    typed = "".join(c for c in reference if c.isascii() and c.isdigit()) if reference.startswith("num:") else ""
    named: Account | None = Account.objects.filter(Q(token=reference) | Q(number=typed)).first()
    return named


def _around(chain: Chain, seq: int) -> list[Record]:
    """Return the records within AROUND of `seq`, and those within WITHIN of its time by the kiosk's clock."""
    wide = Record.objects.filter(chain=chain, seq__gte=seq - REACH, seq__lte=seq + REACH).order_by("seq")
    rows = list(wide)
    centre = next((moment(row.device_time) for row in rows if row.seq == seq), None)
    return [row for row in rows if abs(row.seq - seq) <= AROUND or _is_within(row, centre)]


def _is_within(row: Record, centre: datetime | None) -> bool:
    at = moment(row.device_time)
    return at is not None and centre is not None and abs(at - centre) <= WITHIN


def _slices(item: SuspenseItem, records: list[Record]) -> list[Slice]:
    lost = item.reason == "journal-fork"
    slices = [slice_of(row, row.seq == item.seq and not lost) for row in records]
    branch = ForkRecord.objects.filter(chain=item.chain, seq__gte=item.seq - AROUND, seq__lte=item.seq + AROUND)
    slices += [slice_of(row, lost and row.seq == item.seq) for row in branch.order_by("seq", "pk")]
    return sorted(slices, key=lambda part: (part.seq, part.fork))


def slice_of(row: Record | ForkRecord, here: bool) -> Slice:
    """Return a record of either branch for reading."""
    if isinstance(row, ForkRecord):
        at = shown_time(_text(_parsed(row.entry), "device_time"))
        return Slice(row.seq, row.kind, at, "losing branch", _shown(row.entry), here, fork=True)
    return Slice(row.seq, row.kind, shown_time(row.device_time), row.disposition, _shown(row.entry), here)


def _own(item: SuspenseItem, records: list[Record]) -> dict[str, Any]:
    """Return the body of the record that opened the item."""
    if item.reason == "journal-fork":
        branch = ForkRecord.objects.filter(chain=item.chain, seq=item.seq, transaction__isnull=False)
        bodies = [_body(row.entry) for row in branch]
        sums = [(body.get("value_minor") or body.get("amount_minor"), body) for body in bodies]
        return next((body for sum_, body in sums if sum_ == abs(item.amount_minor)), {})
    return next((_body(row.entry) for row in records if row.seq == item.seq), {})


def _frames(item: SuspenseItem) -> list[Frame]:
    """Return the frames kept about the item's note, on whatever branch."""
    about = f'"about":"{item.subject}"'
    kept = Record.objects.filter(chain=item.chain, kind="FramesKept", entry__contains=about).order_by("seq")
    lost = ForkRecord.objects.filter(chain=item.chain, kind="FramesKept", entry__contains=about).order_by("seq")
    bodies = [_body(row.entry) for row in (*kept, *lost)]
    found = [frame for body in bodies if body.get("about") == item.subject for frame in _list(body, "frames")]
    return [_frame(frame) for frame in found if isinstance(frame, dict)]


def _frame(frame: dict[str, Any]) -> Frame:
    digits = str(frame.get("hex", ""))
    pairs = " ".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()
    sender = "D" if frame.get("direction") == "in" else "H"
    whole = [value if type(value := frame.get(name)) is int else 0 for name in ("at_ms", "until_ms", "times")]
    return Frame(whole[0], whole[1], whole[2], f"{sender} {pairs}")


def _chosen(item: SuspenseItem, payment_id: str) -> dict[str, Any]:
    """Return the body of the InvoiceChosen with which the payment began."""
    if not payment_id:
        return {}
    rows = Record.objects.filter(
        chain=item.chain,
        kind="InvoiceChosen",
        seq__gt=item.seq - _PAYMENT_REACH,
        seq__lte=item.seq,
        entry__contains=f'"payment_id":"{payment_id}"',
    )
    first = rows.order_by("seq").first()
    return _body(first.entry) if first else {}


def _near(item: SuspenseItem) -> list[SuspenseItem]:
    """Return other items of the kiosk that could belong to this one: same sum or same subject, open ones first."""
    like = Q(amount_minor__in=(item.amount_minor, -item.amount_minor), currency=item.currency)
    others = SuspenseItem.objects.filter(chain__kiosk=item.chain.kiosk).exclude(pk=item.pk)
    rows = others.filter(like | Q(subject=item.subject)).select_related("chain").order_by("-pk")[:200]
    return sorted(rows, key=lambda other: (other.resolved_at is not None, abs(other.opened_at - item.opened_at)))[:10]


def _shown(entry: str) -> str:
    """Return a record's body for reading; frames have their own table."""
    body = {name: value for name, value in _body(entry).items() if name != "frames"}
    return ", ".join(f"{name}: {_brief(value)}" for name, value in body.items())


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _parsed(entry: str) -> dict[str, Any]:
    content = json.loads(entry)
    return content if isinstance(content, dict) else {}


def _body(entry: str) -> dict[str, Any]:
    body = _parsed(entry).get("body")
    return body if isinstance(body, dict) else {}


def _list(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    return value if isinstance(value, list) else []


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
