"""What booking works with: the books as they are known, and what a record comes to. Pure."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from billing.claims.reading import Filed
from billing.journal import facts
from billing.journal.records import Record
from billing.ledger.posting import Draft, Line

POSTED, SUSPENDED, MEMO, KEPT = "posted", "suspense", "memo", "kept"
# What besides a note is booked once.
SALE, VOID, REFUND, CHECK, PAYOUT = "sale", "void", "refund", "check", "payout"
CARD_UNKNOWN, VOID_UNKNOWN, REFUND_UNKNOWN = "card-unknown", "void-unknown", "refund-unknown"


@dataclass(frozen=True)
class Open:
    """Something for staff: `memo` when no ledger line holds it."""

    reason: str
    subject: str
    amount_minor: int
    currency: str
    memo: bool = False


@dataclass(frozen=True)
class Completion:
    """A payment that is now complete; `account_id` is None if the account is unknown.

    What each tender gave is the kiosk's word. Cash is what stayed in the box: change is taken off.
    """

    payment_id: str
    receipt_number: str
    account_id: int | None
    total_minor: int
    currency: str
    value_date: date
    cash_minor: int = 0
    card_minor: int = 0
    check_minor: int = 0
    change_minor: int = 0
    fee_minor: int = 0


@dataclass(frozen=True)
class KnownTender:
    """A sale, void, refund, check or payout that is booked. `fork`: a losing branch told of it."""

    payment_id: str
    amount_minor: int
    fork: bool = False


@dataclass(frozen=True)
class Tender:
    """One to be remembered as booked; `name` is the attempt's reference, the check's id or the payout's note."""

    what: str
    name: str
    known: KnownTender


@dataclass(frozen=True)
class CardStep:
    """What a record says of one attempt to pay by card; `values` are columns of CardAttempt."""

    reference: str
    payment_id: str
    state: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """The open memo under `reason` about `subject`, if its record names `payment_id`, is answered by this record."""

    reason: str
    subject: str
    payment_id: str


@dataclass(frozen=True)
class Booking:
    """What one record comes to."""

    disposition: str
    reason: str = ""
    draft: Draft | None = None
    opened: tuple[Open, ...] = ()
    note_id: str = ""  # a note whose cash `draft` books
    settled_note: str = ""  # a note whose open memo this record answers
    completion: Completion | None = None
    claim: Filed | None = None
    tender: Tender | None = None  # a sale, void, refund, check or payout that `draft` books
    step: CardStep | None = None
    answer: Answer | None = None


@dataclass(frozen=True)
class KnownAccount:
    id: int
    number: str
    closed: bool


@dataclass
class KnownInvoice:
    account_id: int
    owed_minor: int


@dataclass
class Books:
    """What is known before a batch, by reference; `Booker` keeps it current from record to record."""

    currency: str
    clearing: dict[tuple[str, str], int] = field(default_factory=dict)  # (payment, currency) -> held, in cents
    notes: set[str] = field(default_factory=set)
    tenders: dict[tuple[str, str], list[KnownTender]] = field(default_factory=dict)  # (what, name) -> booked
    voiding: dict[str, dict[str, int]] = field(default_factory=dict)  # payment -> sales under a void, by reference
    unknown: set[tuple[str, str, str]] = field(default_factory=set)  # (reason, reference, payment) that had its memo
    given: dict[tuple[str, str], dict[tuple[str, str], int]] = field(
        default_factory=dict
    )  # (payment, currency) -> what it placed and no refund took back, by ledger account and subject
    refunded: dict[tuple[str, str], int] = field(default_factory=dict)  # (sale's reference, payment) -> given back
    receipts: dict[str, tuple[str, int]] = field(default_factory=dict)  # receipt number -> payment, total
    completed: set[str] = field(default_factory=set)  # payments with a receipt
    accounts: dict[str, KnownAccount] = field(default_factory=dict)  # by token and by "num:<number>"
    invoices: dict[str, KnownInvoice] = field(default_factory=dict)


class Desk:
    """What every kind of booking needs: the chain's name, the books, and the form of a draft."""

    def __init__(self, kiosk_id: str, epoch: int, books: Books) -> None:
        self._kiosk_id, self._epoch, self._books = kiosk_id, epoch, books

    def _draft(self, record: Record, day: date, currency: str, lines: tuple[Line, ...]) -> Draft:
        # The hash keeps apart the two branches of a fork, which share kiosk, epoch and sequence.
        reference = f"{self._kiosk_id}/{self._epoch}/{record.seq}/{record.hash[:16]}"
        return Draft(reference, record.kind, currency, day, lines)

    def _unreadable(self, record: Record, error: facts.Unreadable) -> Booking:
        """A money fact without a usable sum: nothing can be booked, but staff must hear of it."""
        reason = f"unreadable:{error.field}"
        opened = Open(reason, f"{self._kiosk_id}/{self._epoch}/{record.seq}", 0, self._books.currency, memo=True)
        return Booking(MEMO, reason, opened=(opened,))

    def _clear(self, payment_id: str, currency: str, amount_minor: int) -> None:
        """Put `amount_minor` into the clearing of the payment, or take it out if below 0."""
        key = (payment_id, currency)
        self._books.clearing[key] = self._books.clearing.get(key, 0) + amount_minor
