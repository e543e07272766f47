"""Facts: what happened, as it is journalled. Field names are the JSON names of a record's body.

Sums are cents, lists are tuples, times are RFC 3339 UTC. A fact that moves money says so in its docstring
with what the server books for it (architecture, rule 8).
"""

from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from kiosk.domain.invoice import LinePaid as LinePaid
from kiosk.domain.refunds import CardRefunded, RefundEnded, RefundStarted, RefundUnknown
from kiosk.domain.tenders import (
    BatchClosed,
    CardInPayment,
    CardSaleApproved,
    CardSaleEnded,
    CardSaleStarted,
    CardSaleUnknown,
    CardSaleVoided,
    CardSearchEnded,
    CheckAwaited,
    CheckInPayment,
    CheckTaken,
    FeeAgreed,
    NotePaidOut,
    PayoutEnded,
    VoidEnded,
    VoidStarted,
    VoidUnknown,
)


@dataclass(frozen=True)
class NoteCount:
    value_minor: int  # 0 for notes of which nobody knows the value
    count: int


@dataclass(frozen=True)
class NoteInPayment:
    note_id: str
    value_minor: int


@dataclass(frozen=True)
class FrameSeen:
    """A frame on the acceptor's line, in hex, and how often it came in an unbroken repetition of its round."""

    at_ms: int  # monotonic, the first time
    until_ms: int  # the last time
    times: int
    direction: str  # "out": kiosk to device | "in"
    hex: str


@dataclass(frozen=True)
class KioskStarted:
    version: str
    reason: str  # "boot" | "restart"


@dataclass(frozen=True)
class SessionOpened:
    session_id: str


@dataclass(frozen=True)
class SessionClosed:
    session_id: str
    reason: str  # "done" | "cancelled" | "idle" | "restart" | "stopping"


@dataclass(frozen=True)
class InvoiceChosen:
    """A payment exists from here on. `account` is the server's token or "num:<as printed>"."""

    session_id: str
    payment_id: str
    account: str
    last4: str
    invoices: tuple[LinePaid, ...]  # of all its accounts, in the order in which they are paid, with the balance shown
    balance_minor: int
    live: bool
    language: str


@dataclass(frozen=True)
class AmountAgreed:
    payment_id: str
    amount_minor: int


@dataclass(frozen=True)
class CreditAgreed:
    """The resident agreed to leave up to `up_to_minor` over the agreed amount as credit on the account."""

    payment_id: str
    up_to_minor: int


@dataclass(frozen=True)
class NoteStackRequested:
    """Committed before STACK goes out (rule 3)."""

    note_id: str
    payment_id: str
    channel: int
    value_minor: int
    currency: str
    cassette_period: int


@dataclass(frozen=True)
class NoteStacked:
    """Books: debit cash in kiosk of that period, credit clearing of that payment."""

    note_id: str
    payment_id: str
    value_minor: int
    currency: str
    cassette_period: int
    recovered: bool  # found after a restart or power cut


@dataclass(frozen=True)
class NoteReturned:
    """The note went back or was refused after the request: it counts nothing."""

    note_id: str
    payment_id: str
    reason: str


@dataclass(frozen=True)
class NoteInDoubt:
    """A memo, never a ledger amount, until it is counted or resolved by two people."""

    note_id: str
    payment_id: str
    value_minor: int
    currency: str
    cassette_period: int
    reason: str


@dataclass(frozen=True)
class NoteUnexpected:
    """A stacked report without an open request. Books: debit cash in kiosk, credit suspense.

    `value_minor` 0: it lies in the cassette and nobody knows what it is worth. A memo, never a ledger amount.
    """

    note_id: str
    channel: int
    value_minor: int
    currency: str
    cassette_period: int
    reason: str


@dataclass(frozen=True)
class InvoiceAdded:
    """One more account in the payment. Its bills stand in InvoiceChosen among the others; once they stood here."""

    payment_id: str
    account: str
    last4: str
    invoices: tuple[LinePaid, ...]
    balance_minor: int
    live: bool


@dataclass(frozen=True)
class PayoutStarted:
    """Committed before the recycler is told to give change. `held` is what could be paid out just before."""

    payout_id: str
    payment_id: str
    amount_minor: int
    currency: str
    notes: tuple[NoteCount, ...]
    cassette_period: int
    held: tuple[NoteCount, ...] = ()


@dataclass(frozen=True)
class PaymentCompleted:
    """Books: debit clearing of the payment, credit receivables per line (credit on account where invoice is "").

    `total_minor` is what was put in for bills: notes, bill legs of cards and checks, less change. A fee taken as a
    transaction of its own stands apart in `fee_minor`: debit clearing, credit fees.
    """

    payment_id: str
    session_id: str
    receipt_number: str
    account: str
    lines: tuple[LinePaid, ...]
    notes: tuple[NoteInPayment, ...]  # evidence only
    total_minor: int
    currency: str
    reason: str  # "met" | "stopped" | "idle" | "restart" | "stopping" | "found"
    value_date: str  # YYYY-MM-DD in the city's time zone
    live: bool
    cards: tuple[CardInPayment, ...] = ()  # evidence, as the notes
    checks: tuple[CheckInPayment, ...] = ()
    change_minor: int = 0
    fee_minor: int = 0
    fee_kind: str = ""
    fee_rule: str = ""
    completed_at: str = ""  # RFC 3339 UTC


@dataclass(frozen=True)
class PaymentAbandoned:
    """No money was in it."""

    payment_id: str
    reason: str


@dataclass(frozen=True)
class ReceiptPrinted:
    payment_id: str
    receipt_number: str
    confirmed: bool


@dataclass(frozen=True)
class ReceiptFailed:
    payment_id: str
    receipt_number: str
    reason: str


@dataclass(frozen=True)
class ClaimOpened:
    """Somebody misses money, or the kiosk itself cannot say where a note is. A memo: it books nothing.

    `account` as in InvoiceChosen, "" when it is not known. `notes` are those in question, `notes_said` what the
    resident says was put in. `answer_by` is the date printed on the slip.
    """

    claim_number: str
    opened_by: str  # "resident" | "kiosk" | "recovery"
    session_id: str
    payment_id: str
    account: str
    last4: str
    what: str  # one of claim.WHATS | "note_in_doubt" | "note_unexpected" | "change_in_doubt"
    amount_minor: int  # 0: not known
    currency: str
    notes: tuple[NoteInPayment, ...]
    notes_said: tuple[NoteCount, ...]
    when: str  # "now" | "earlier"
    happened_at: str
    threatened: bool  # service is about to be shut off
    answer_by: str  # YYYY-MM-DD
    language: str


@dataclass(frozen=True)
class ClaimSlipEnded:
    """The numbered slip of a claim: printed, or not and why."""

    claim_number: str
    outcome: str  # "confirmed" | "sent" | "failed"
    reason: str


@dataclass(frozen=True)
class CassettePeriodClosed:
    period: int
    notes: tuple[NoteCount, ...]
    total_minor: int
    doubtful_minor: int
    by: str
    reason: str  # "swapped" | "removed"
    checks: int = 0  # in the pocket
    check_minor: int = 0
    cassette: tuple[NoteCount, ...] = ()  # with a recycler: what lies in the cassette, and
    recycler: tuple[NoteCount, ...] = ()  # what stays in its store


@dataclass(frozen=True)
class CassettePeriodOpened:
    period: int


@dataclass(frozen=True)
class StaffSignedIn:
    who: str


@dataclass(frozen=True)
class StaffSignedOut:
    who: str
    reason: str


@dataclass(frozen=True)
class DeviceFaultSeen:
    device: str
    fault: str
    detail: str


@dataclass(frozen=True)
class FramesKept:
    """Evidence for staff: what went over the acceptor's line before a note came in doubt. Books nothing."""

    device: str  # "acceptor": card terminals are never listened to
    about: str  # the note
    frames: tuple[FrameSeen, ...]


@dataclass(frozen=True)
class KioskFrozen:
    """No new money from here on: a fork, a gap that cannot be filled, or a damaged journal."""

    reason: str
    detail: str


@dataclass(frozen=True)
class MediumDistrusted:
    """The medium had lost records; they were fetched back from the city. No new money until enrolled anew."""

    reason: str  # "city_ahead"
    lost_from_seq: int
    records: int


@dataclass(frozen=True)
class JournalPruned:
    """Records `from_seq` to `to_seq` go from the journal: they stand in the archive file with this SHA-256."""

    from_seq: int
    to_seq: int
    last_hash: str  # of record `to_seq`: the next one follows it
    archive_sha256: str


Fact = (
    KioskStarted
    | SessionOpened
    | SessionClosed
    | InvoiceChosen
    | AmountAgreed
    | CreditAgreed
    | NoteStackRequested
    | NoteStacked
    | NoteReturned
    | NoteInDoubt
    | NoteUnexpected
    | FeeAgreed
    | CardSaleStarted
    | CardSaleApproved
    | CardSaleEnded
    | CardSaleUnknown
    | VoidStarted
    | CardSaleVoided
    | VoidEnded
    | VoidUnknown
    | CardSearchEnded
    | RefundStarted
    | CardRefunded
    | RefundEnded
    | RefundUnknown
    | BatchClosed
    | InvoiceAdded
    | CheckAwaited
    | CheckTaken
    | PayoutStarted
    | NotePaidOut
    | PayoutEnded
    | PaymentCompleted
    | PaymentAbandoned
    | ReceiptPrinted
    | ReceiptFailed
    | ClaimOpened
    | ClaimSlipEnded
    | CassettePeriodClosed
    | CassettePeriodOpened
    | StaffSignedIn
    | StaffSignedOut
    | DeviceFaultSeen
    | FramesKept
    | KioskFrozen
    | MediumDistrusted
    | JournalPruned
)

KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Fact)}


def body(fact: Fact) -> dict[str, Any]:
    """Return the fact's JSON body: strings, whole numbers, booleans, lists and objects only."""
    return _plain(asdict(fact))  # type: ignore[no-any-return]


def parse(kind: str, content: dict[str, Any]) -> Fact:
    """Return the fact that `body` made `content` from. Unknown fields are ignored; one that older records lack has its
    default; KeyError for any other that is missing."""
    return _build(KINDS[kind], content)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _build(kind: type[Any], content: dict[str, Any]) -> Any:
    hints = get_type_hints(kind)
    values = {}
    for field in fields(kind):
        if field.name not in content and field.default is not MISSING:
            continue
        value, hint = content[field.name], hints[field.name]
        if get_origin(hint) is tuple:
            value = tuple(_build(get_args(hint)[0], item) for item in value)
        elif is_dataclass(hint) and isinstance(hint, type):
            value = _build(hint, value)
        values[field.name] = value
    return kind(**values)
