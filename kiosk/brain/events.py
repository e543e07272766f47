"""What the brain is told. Every event carries its moment: the brain has no clock and mints no id itself."""

from dataclasses import dataclass, field

from kiosk.domain.card_payment import CardPayment
from kiosk.domain.facts import FrameSeen
from kiosk.domain.intents import Intent
from kiosk.domain.invoice import Account, InvoiceReference
from kiosk.domain.snapshot import DeviceHealth
from kiosk.domain.tenders import CardSlip


@dataclass(frozen=True)
class Moment:
    """`ids` are fresh UUIDv7s. `local` is the city's time as ISO 8601 with offset: ten characters of date first."""

    mono_ms: int
    utc: str
    local: str
    clock_state: str
    ids: tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Event:
    moment: Moment


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """The journal is folded and whole; devices come later."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class StopRequested(Event):
    pass


@dataclass(frozen=True, kw_only=True)
class TimerFired(Event):
    name: str


@dataclass(frozen=True, kw_only=True)
class IntentReceived(Event):
    intent: Intent


@dataclass(frozen=True, kw_only=True)
class BillScanned(Event):
    reference: InvoiceReference


@dataclass(frozen=True, kw_only=True)
class ScanRefused(Event):
    code: str


@dataclass(frozen=True, kw_only=True)
class AccountTyped(Event):
    """The engine's check of a typed account number: `reference` None when it cannot be one."""

    request: str
    reference: InvoiceReference | None


@dataclass(frozen=True, kw_only=True)
class AccountFound(Event):
    request: str
    account: Account


@dataclass(frozen=True, kw_only=True)
class AccountNotFound(Event):
    request: str


@dataclass(frozen=True, kw_only=True)
class LookUpFailed(Event):
    request: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class HeadChecked(Event):
    """`result`: same, ahead, differs or away."""

    request: str
    result: str


@dataclass(frozen=True, kw_only=True)
class PinChecked(Event):
    request: str
    who: str


@dataclass(frozen=True, kw_only=True)
class PaymentsFound(Event):
    """The answer to FindPayments, newest first: () when there is none here that is young enough."""

    request: str
    payments: tuple[CardPayment, ...]


@dataclass(frozen=True, kw_only=True)
class OnlineChanged(Event):
    online: bool


@dataclass(frozen=True, kw_only=True)
class PostingRefused(Event):
    """`reason`: fork or malformed. The kiosk must take no new money."""

    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Acknowledged(Event):
    """`receipts` are those whose PaymentCompleted the server has now."""

    receipts: tuple[str, ...]
    unposted: int


@dataclass(frozen=True, kw_only=True)
class RecordsArchived(Event):
    """Old records stand in a file that was read back, and may go from the journal."""

    from_seq: int
    to_seq: int
    last_hash: str
    archive_sha256: str


@dataclass(frozen=True, kw_only=True)
class HealthChanged(Event):
    """Health of printer, scanner, screen, voice or the journal's storage."""

    health: DeviceHealth


@dataclass(frozen=True, kw_only=True)
class PrintFinished(Event):
    """`outcome`: confirmed, sent or failed."""

    job: str
    outcome: str
    reason: str


# The acceptor. Values of channels are the brain's settings.


@dataclass(frozen=True, kw_only=True)
class AcceptorConnected(Event):
    """`table` is the device's own (channel, cents) list, () if it has none; `detail` its names for staff."""

    table: tuple[tuple[int, int], ...]
    detail: str


@dataclass(frozen=True, kw_only=True)
class AcceptorLost(Event):
    reason: str


@dataclass(frozen=True, kw_only=True)
class AcceptorPoweredUp(Event):
    pass


@dataclass(frozen=True, kw_only=True)
class AcceptorIdle(Event):
    pass


@dataclass(frozen=True, kw_only=True)
class NoteApproaching(Event):
    pass


@dataclass(frozen=True, kw_only=True)
class NoteEscrowed(Event):
    escrow: int
    channel: int


@dataclass(frozen=True, kw_only=True)
class NoteStackedReport(Event):
    report: int
    channel: int
    power_up: bool
    clean: bool
    replay: bool
    self_test: bool = False  # a blank report that may be the stacker trying itself, without a note


@dataclass(frozen=True, kw_only=True)
class NoteReturnedReport(Event):
    """The note went back: `reason` returned or rejected."""

    report: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class NoteReturning(Event):
    """The note is on its way back; the report that says so may yet be lost."""


@dataclass(frozen=True, kw_only=True)
class SecondNotePushed(Event):
    pass


@dataclass(frozen=True, kw_only=True)
class LevelsChanged(Event):
    """A recycler's notes that can be paid out: (channel, count)."""

    counts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class NotePaidOutReport(Event):
    """`payout` is the number of the order, 0 if nobody here gave it."""

    report: int
    payout: int
    channel: int


@dataclass(frozen=True, kw_only=True)
class PayoutEndedReport(Event):
    """`result`: done, partial, refused or unknown. `report` 0 needs no acknowledgement: the order never left."""

    report: int
    payout: int
    result: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class CashboxFilled(Event):
    """A recycler moved notes of its store into the cassette: (channel, count)."""

    report: int
    counts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class AcceptorFault(Event):
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class AcceptorFaultCleared(Event):
    code: str


@dataclass(frozen=True, kw_only=True)
class FramesTaken(Event):
    """The answer to KeepFrames."""

    about: str
    frames: tuple[FrameSeen, ...]


# The card terminal


@dataclass(frozen=True, kw_only=True)
class TerminalConnected(Event):
    """`terminal` is what it calls itself; `detail` its names for staff."""

    terminal: str
    detail: str
    central: bool = False  # what became of a transaction is known to its service, whichever reader is asked


@dataclass(frozen=True, kw_only=True)
class TerminalLost(Event):
    reason: str


@dataclass(frozen=True, kw_only=True)
class TerminalFault(Event):
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class TerminalFaultCleared(Event):
    code: str


@dataclass(frozen=True, kw_only=True)
class CardPrompted(Event):
    """What the terminal asks of the person: `code` as in the contract of card terminals."""

    reference: str
    code: str


@dataclass(frozen=True, kw_only=True)
class CardEnded(Event):
    """The end of the sale, void or refund `reference`: approved, declined, cancelled, not_started, absent or unknown.

    `report` 0 needs no acknowledgement: the command was refused on our side and never left.
    """

    report: int
    operation: str
    reference: str
    result: str
    amount_minor: int = 0
    terminal_ref: str = ""
    found: bool = False
    reason: str = ""
    slip: CardSlip = field(default_factory=CardSlip)


@dataclass(frozen=True, kw_only=True)
class CardReversed(Event):
    """The terminal undid an approved sale by itself."""

    report: int
    reference: str
    amount_minor: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class BatchEnded(Event):
    report: int
    reference: str
    result: str
    count: int
    total_minor: int
    reason: str


# The check reader


@dataclass(frozen=True, kw_only=True)
class CheckReaderConnected(Event):
    detail: str


@dataclass(frozen=True, kw_only=True)
class CheckReaderLost(Event):
    reason: str


@dataclass(frozen=True, kw_only=True)
class CheckRead(Event):
    """Of the account no more than four digits; `fingerprint` is the same for the same check, and says nothing else."""

    routing: str
    number: str
    account_last4: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class CheckUnread(Event):
    """A check went through and cannot be taken: `code` as in the contract of check readers."""

    code: str
