"""The events and commands that every card terminal speaks, whatever its protocol.

PAX and ZVT are codecs on a line (`transport.conversation.Codec`); a terminal behind HTTPS has a driver of its own with
the same `submit` and `on_event`. No card number is ever in these words (architecture, rule 14).

A terminal does one thing at a time. What it answers is held until `Acknowledge`: the terminal itself is told that we
know only then (rule 6), and where a protocol cannot wait, the answer can be found again by Query.
"""

from dataclasses import dataclass, field

from hardware.transport.conversation import Codec as LineCodec
from hardware.transport.conversation import Lost, Met, Refused

# What a result may be. Unknown is none of the others: no time-out is ever "declined".
APPROVED = "approved"
DECLINED = "declined"  # the terminal or its host said no: certainly no money
CANCELLED = "cancelled"  # ended by the person, by Cancel or by the terminal's own wait: certainly no money
NOT_STARTED = "not_started"  # the request certainly never reached the terminal, or it refused to begin
ABSENT = "absent"  # of a Query: the terminal certainly has no such transaction
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Identity:
    """What the terminal says it is; "" where it does not say. `store_and_forward` True: it may approve offline.

    `central` True: what became of a transaction is known to its service, whichever reader is asked.
    """

    protocol: str
    model: str = ""
    serial: str = ""
    firmware: str = ""
    terminal_id: str = ""
    store_and_forward: bool = False
    central: bool = False


@dataclass(frozen=True)
class Slip:
    """What a receipt says of a card transaction: strings as the terminal gave them, "" where it did not.

    `brand` is a name ("Visa"), `last4` four digits. `entry`: chip, contactless, swipe, fallback or "". `verified`: pin,
    device, none, signature or "".
    """

    brand: str = ""
    last4: str = ""
    entry: str = ""
    approval: str = ""
    application: str = ""  # preferred name or label
    aid: str = ""
    tvr: str = ""
    tsi: str = ""
    response_code: str = ""
    cryptogram: str = ""
    verified: str = ""
    terminal_id: str = ""
    merchant_id: str = ""
    batch: str = ""
    trace: str = ""
    host_reference: str = ""


# Events. `report` numbers an answer that is held until Acknowledge(report).


@dataclass(frozen=True)
class Connected(Met):
    """The terminal answered its opening questions and does nothing now."""

    identity: Identity


@dataclass(frozen=True)
class Prompt:
    """What the person at the terminal is to do, or what it does. `code`: present_card, insert_card, remove_card,
    enter_pin, try_again, use_chip, authorising, wait or message; `text` is the terminal's own line, "" if none."""

    reference: str
    code: str
    text: str = ""


@dataclass(frozen=True)
class Ended:
    """A Sale, Void or Refund has ended, or a Query of one found its end.

    `operation` is sale, void or refund; `reference` is that of the operation (for a Query: of the one looked for).
    `result` is one of the words above. `amount_minor` is what was really moved: less than asked for is a partial
    approval, 0 unless approved. `terminal_ref` is what the terminal calls it: give it back in Void, Refund and Query.
    `found` is True for the answer of a Query. `reason` is a code of the protocol for staff, never shown to residents.
    """

    report: int
    operation: str
    reference: str
    result: str
    amount_minor: int = 0
    terminal_ref: str = ""
    found: bool = False
    reason: str = ""
    slip: Slip = field(default_factory=Slip)


@dataclass(frozen=True)
class Reversed:
    """The terminal undid an approved sale by itself: no money of it is left, although its Ended said approved.

    ZVT does so when the line went before it heard that we know. Held until Acknowledge, and told again at each start
    until then; a Query may be asked meanwhile.
    """

    report: int
    reference: str
    amount_minor: int
    terminal_ref: str = ""
    reason: str = ""


@dataclass(frozen=True)
class BatchClosed:
    """The day's batch is closed, or (`result` declined or unknown) it is not, or may not be."""

    report: int
    reference: str
    result: str
    count: int = 0
    total_minor: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Fault:
    """The terminal answers and cannot take cards: `code` busy, offline, out_of_service, wrong_terminal,
    store_and_forward or printer. It holds until FaultCleared."""

    code: str
    detail: str = ""


@dataclass(frozen=True)
class FaultCleared:
    code: str


Event = Connected | Lost | Prompt | Ended | Reversed | BatchClosed | Fault | FaultCleared


# Commands. A reference names one attempt for ever: 1 to 16 characters of A-Z and 0-9, journalled before it is sent.


@dataclass(frozen=True)
class Sale:
    """Take `amount_minor` of `currency`. Never sent twice with one reference: a lost one is looked up by Query."""

    reference: str
    amount_minor: int
    currency: str = "USD"


@dataclass(frozen=True)
class Cancel:
    """Ask the terminal to end what it does. A request only: the Ended that follows decides. Never refused."""

    reference: str


@dataclass(frozen=True)
class Void:
    """Undo the approved sale `of`, whole. `terminal_ref` and `slip` are those of its Ended."""

    reference: str
    of: str
    amount_minor: int
    terminal_ref: str
    slip: Slip = field(default_factory=Slip)


@dataclass(frozen=True)
class Refund:
    """Give back `amount_minor` of the sale `of`. By staff only."""

    reference: str
    of: str
    amount_minor: int
    terminal_ref: str
    currency: str = "USD"
    slip: Slip = field(default_factory=Slip)


@dataclass(frozen=True)
class Query:
    """What became of `operation` (sale, void or refund) `reference`? Its Ended has `found`.

    `terminal_ref` is "" when none was ever told. `of` names the sale that a void or refund was about. `after`, for
    terminals that do not keep our references: the terminal_ref of the transaction before this one, "" if there was
    none at all, None if that is not known or another one was begun since.
    """

    reference: str
    operation: str = "sale"
    amount_minor: int = 0
    terminal_ref: str = ""
    of: str = ""
    after: str | None = None


@dataclass(frozen=True)
class CloseBatch:
    """Close the day's batch. Refused while anything is under way."""

    reference: str


@dataclass(frozen=True)
class Show:
    """Show two short lines on the terminal until the next command; none at all brings back its own screen."""

    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Acknowledge:
    """The answer is durable: the terminal may be told that we know."""

    report: int


Command = Sale | Cancel | Void | Refund | Query | CloseBatch | Show | Acknowledge


class Busy(Refused):
    """Another operation is under way, or its answer is not acknowledged yet, or the terminal is not connected."""


Codec = LineCodec[Command]

__all__ = [
    "ABSENT",
    "APPROVED",
    "CANCELLED",
    "DECLINED",
    "NOT_STARTED",
    "UNKNOWN",
    "Acknowledge",
    "BatchClosed",
    "Busy",
    "Cancel",
    "CloseBatch",
    "Codec",
    "Command",
    "Connected",
    "Ended",
    "Event",
    "Fault",
    "FaultCleared",
    "Identity",
    "Lost",
    "Prompt",
    "Query",
    "Refund",
    "Refused",
    "Reversed",
    "Sale",
    "Show",
    "Slip",
    "Void",
]
