"""What the brain orders. Commands go out only after the facts of the same decision are on disk."""

from dataclasses import dataclass

from kiosk.domain.facts import CassettePeriodClosed, ClaimOpened
from kiosk.domain.invoice import InvoiceReference
from kiosk.domain.refunds import CardRefunded
from kiosk.domain.tenders import CardSlip


@dataclass(frozen=True)
class EnableAcceptor:
    channels: frozenset[int]


@dataclass(frozen=True)
class DisableAcceptor:
    pass


@dataclass(frozen=True)
class StackNote:
    note_id: str
    escrow: int


@dataclass(frozen=True)
class ReturnNote:
    escrow: int


@dataclass(frozen=True)
class AcknowledgeReport:
    report: int


@dataclass(frozen=True)
class PayOut:
    """Give change: `notes` are (channel, count). `payout` numbers the order for ever."""

    payout: int
    notes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class KeepFrames:
    """Take what went over the acceptor's line lately as evidence about note `about`."""

    about: str


@dataclass(frozen=True)
class CheckTyped:
    """Is `number` an account number as printed on bills, and `check` a house number?"""

    request: str
    number: str
    check: str


@dataclass(frozen=True)
class LookUp:
    request: str
    reference: InvoiceReference


@dataclass(frozen=True)
class CheckHead:
    request: str


@dataclass(frozen=True)
class CheckPin:
    request: str
    pin: str


@dataclass(frozen=True)
class PrintReceipt:
    """Print the receipt of this completed payment. `kind`: receipt, recovered or reprint."""

    job: str
    receipt_number: str
    kind: str
    posted: bool
    language: str


@dataclass(frozen=True)
class PrintSlip:
    """Print the numbered slip of a claim."""

    job: str
    claim: ClaimOpened


@dataclass(frozen=True)
class PrintTicket:
    """Print the collection ticket of a period that was just closed."""

    job: str
    closed: CassettePeriodClosed


@dataclass(frozen=True)
class SellByCard:
    reference: str
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class CancelCard:
    """A request: how the sale ends is said by the terminal."""

    reference: str


@dataclass(frozen=True)
class VoidCard:
    reference: str
    of: str
    amount_minor: int
    terminal_ref: str
    slip: CardSlip


@dataclass(frozen=True)
class RefundCard:
    """Give back a part or all of the sale `of`. `terminal_ref` and `slip` are that sale's."""

    reference: str
    of: str
    amount_minor: int
    currency: str
    terminal_ref: str
    slip: CardSlip


@dataclass(frozen=True)
class FindCard:
    """What became of it? Goes out in place of a second sale, always."""

    reference: str
    operation: str
    amount_minor: int
    of: str
    after: str | None  # what the terminal called the transaction before; None if that is not known


@dataclass(frozen=True)
class AcknowledgeCard:
    report: int


@dataclass(frozen=True)
class CloseCardBatch:
    """The terminal's day end."""

    reference: str


@dataclass(frozen=True)
class PrintIncident:
    """Print the slip of a card transaction whose end nobody knows: a sale's or a void's."""

    job: str
    reference: str
    amount_minor: int
    last4: str
    language: str
    operation: str = "sale"
    leg: str = "bill"


@dataclass(frozen=True)
class PrintRefund:
    """Print the slip of a refund for the resident. `receipt_number` is the payment's, `at` "" is now."""

    job: str
    refund: CardRefunded
    receipt_number: str
    at: str
    language: str
    copy: bool


@dataclass(frozen=True)
class FindPayments:
    """Look back in the journal for the payment by card of this receipt, "" for the newest `count`; `days` back."""

    request: str
    receipt_number: str
    days: int
    count: int


@dataclass(frozen=True)
class ListenForCheck:
    pass


@dataclass(frozen=True)
class RestCheckReader:
    """What goes through the check reader now is nobody's payment."""


@dataclass(frozen=True)
class FrankCheck:
    """Print on the check's back that it is for deposit only, if somebody puts it into the printer."""

    job: str
    number: str


@dataclass(frozen=True)
class SetTimer:
    name: str
    after_ms: int


@dataclass(frozen=True)
class CancelTimer:
    name: str


@dataclass(frozen=True)
class Look:
    """How hard the reader looks: off, idle or active."""

    mode: str


@dataclass(frozen=True)
class Exit:
    pass


Command = (
    EnableAcceptor
    | DisableAcceptor
    | StackNote
    | ReturnNote
    | AcknowledgeReport
    | PayOut
    | KeepFrames
    | CheckTyped
    | LookUp
    | CheckHead
    | CheckPin
    | PrintReceipt
    | PrintSlip
    | PrintTicket
    | SellByCard
    | CancelCard
    | VoidCard
    | RefundCard
    | FindCard
    | AcknowledgeCard
    | CloseCardBatch
    | PrintIncident
    | PrintRefund
    | FindPayments
    | ListenForCheck
    | RestCheckReader
    | FrankCheck
    | SetTimer
    | CancelTimer
    | Look
    | Exit
)
