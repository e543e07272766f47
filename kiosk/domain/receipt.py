"""What a receipt and a collection ticket say, before anyone chooses words or paper for it."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from kiosk.domain.facts import NoteCount
from kiosk.domain.refunds import CardRefunded
from kiosk.domain.tenders import CardSaleApproved, CheckInPayment

POSTED = "posted"
QUEUED = "queued"


def verification_code(receipt_number: str, payment_id: str, total_minor: int) -> str:
    """Return the ten characters by which the city knows a receipt as its own (docs/wire.md, receipt numbers)."""
    digest = hashlib.sha256(f"{receipt_number}|{payment_id}|{total_minor}".encode()).digest()
    return base64.b32encode(digest).decode("ascii")[:10]


@dataclass(frozen=True)
class Office:
    """The city as it signs its papers. `claim_phone` and `claim_address` are where a complaint goes."""

    name: str
    address: tuple[str, ...]
    phone: str
    claim_phone: str
    claim_address: str = ""


@dataclass(frozen=True)
class ReceiptLine:
    """What one bill got. `invoice` "" is credit on the account; `balance_after_minor` None when the server was away."""

    label: str
    last4: str
    invoice: str
    amount_minor: int
    balance_after_minor: int | None = None

    def __post_init__(self) -> None:
        if len(self.last4) > 4:
            raise ValueError("a receipt shows at most four digits of an account")


@dataclass(frozen=True)
class Receipt:
    """A payment as the resident takes it home. The first of `lines` is what was applied first.

    `at` is the local time with its zone. `posting` is "posted" or "queued": received, and sent to the city when the
    line is back, with `value_date` as its date either way. `recovered` marks a receipt made after an interruption.
    `verify_url` is the city's page for checking receipts, "" if it has none.
    ValueError if the time has no zone or lines, fee and notes do not add up.
    """

    office: Office
    kiosk_id: str
    place: str
    number: str
    at: datetime
    lines: tuple[ReceiptLine, ...]
    notes: tuple[NoteCount, ...]
    posting: str
    value_date: date
    code: str
    language: str = "en"
    fee_minor: int = 0
    cards: tuple[CardSaleApproved, ...] = ()
    checks: tuple[CheckInPayment, ...] = ()
    change_minor: int = 0
    applied: str = ""  # what was paid first, by the city's rule: oldest, shut_off or utility
    verify_url: str = ""
    reprint: bool = False
    recovered: bool = False

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a receipt's time needs its zone")
        if self.posting not in (POSTED, QUEUED):
            raise ValueError(f"unknown posting state {self.posting!r}")
        if self.total_minor != sum(line.amount_minor for line in self.lines) + self.fee_minor:
            raise ValueError("the lines and the fee of a receipt must add up to its tenders")

    @property
    def total_minor(self) -> int:
        """The cents that were put in, less change."""
        cards = sum(card.amount_minor for card in self.cards)
        checks = sum(check.amount_minor for check in self.checks)
        return self.cash_minor + cards + checks - self.change_minor

    @property
    def cash_minor(self) -> int:
        return sum(note.value_minor * note.count for note in self.notes)

    @property
    def bills(self) -> tuple[ReceiptLine, ...]:
        """The lines that paid a bill."""
        return tuple(line for line in self.lines if line.invoice)

    @property
    def credits(self) -> tuple[ReceiptLine, ...]:
        """The lines that stay on an account as credit."""
        return tuple(line for line in self.lines if not line.invoice)

    @property
    def qr(self) -> str:
        """The text of the code: the city's page for this receipt, or number and code for typing in."""
        if self.verify_url:
            return f"{self.verify_url}/{self.number}?code={self.code}"
        return f"{self.number} {self.code}"


@dataclass(frozen=True)
class ClaimSlip:
    """What a person takes home who misses money. `what` as in ClaimOpened; `amount_minor` 0 when it is not known."""

    office: Office
    kiosk_id: str
    place: str
    number: str
    at: datetime
    what: str
    amount_minor: int
    answer_by: date
    last4: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a slip's time needs its zone")
        if len(self.last4) > 4:
            raise ValueError("a slip shows at most four digits of an account")


@dataclass(frozen=True)
class IncidentSlip:
    """What a person takes home whose card may have been charged or not, or undone or not.

    `operation`: sale or void. `leg`: bill or fee.
    """

    office: Office
    kiosk_id: str
    place: str
    reference: str
    at: datetime
    amount_minor: int
    last4: str = ""
    operation: str = "sale"
    leg: str = "bill"

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a slip's time needs its zone")
        if len(self.last4) > 4:
            raise ValueError("a slip shows at most four digits of an account")


@dataclass(frozen=True)
class RefundSlip:
    """What a person takes home whose card got money back. `receipt_number` is that of the payment."""

    office: Office
    kiosk_id: str
    place: str
    receipt_number: str
    at: datetime
    refund: CardRefunded
    copy: bool = False

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a slip's time needs its zone")


@dataclass(frozen=True)
class CassetteTicket:
    """The ticket that goes into the bag. It counts notes and hides their value, so the count stays blind.

    `opened_record` and `closed_record` are the journal's sequence numbers of the period's ends. `store_count` are the
    notes that stay in a recycler, None without one.
    """

    office: Office
    kiosk_id: str
    place: str
    number: str
    period: int
    opened_record: int
    closed_record: int
    at: datetime
    who: tuple[str, ...]
    note_count: int
    language: str = "en"
    checks: int = 0  # in the pocket
    store_count: int | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a ticket's time needs its zone")


@dataclass(frozen=True)
class CassetteTicketCopy:
    """The copy that staff keep, with the figures. `doubtful_minor` is what may or may not lie in the cassette.

    `booked_minor` is what the period took in less change, where that differs from what lies in the cassette.

    ValueError if the figures are of another number of notes than the ticket.
    """

    ticket: CassetteTicket
    notes: tuple[NoteCount, ...]
    doubtful_minor: int = 0
    check_minor: int = 0
    store: tuple[NoteCount, ...] = ()
    booked_minor: int | None = None

    def __post_init__(self) -> None:
        if sum(note.count for note in self.notes) != self.ticket.note_count:
            raise ValueError("ticket and copy count different notes")

    @property
    def total_minor(self) -> int:
        return sum(note.value_minor * note.count for note in self.notes)
