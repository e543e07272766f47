"""The events and commands that every bill acceptor codec speaks; what it offers is `transport.conversation.Codec`.

A device reports channels; what a channel is worth is not known here. Recyclers are acceptors that can also pay out.
"""

from dataclasses import dataclass, field

from hardware.transport.conversation import Codec as LineCodec
from hardware.transport.conversation import Lost, Met, Refused


@dataclass(frozen=True)
class Identity:
    """What the device says it is; "" where it does not say. `table` maps channel to (ISO currency, cents).

    `counters` are its own, by the sheet's names in snake_case; {} if it keeps none.
    """

    protocol: str
    model: str = ""
    serial: str = ""
    firmware: str = ""
    variant: str = ""
    table: dict[int, tuple[str, int]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)


# Events. `report` numbers a report that the codec holds, repeating its frame, until Acknowledge(report).


@dataclass(frozen=True)
class Connected(Met):
    """Two good polls and interrogation are done. `in_escrow` means that a note is held right now."""

    identity: Identity
    in_escrow: bool = False


@dataclass(frozen=True)
class PoweredUp:
    """The device (re)started; what follows until `Idle` is power-up evidence."""


@dataclass(frozen=True)
class Idle:
    """No note is anywhere in the path (three idle polls in a row); once per stretch, and again after Disable."""


@dataclass(frozen=True)
class Accepting:
    """A note is being drawn in."""


@dataclass(frozen=True)
class NoteEscrowed:
    """A note is held. `escrow` is its number on this device; `channel` 0 means the device gives no value."""

    escrow: int
    channel: int


@dataclass(frozen=True)
class NoteStacked:
    """`channel` 0 is a blank report. `clean` is True if no escrowed, returned or rejected was seen since power-up.

    `power_up` is True while the device is in its power-up phase or has not been idle since. `replay` is True when it
    came with the first reply after the line was opened, and so may repeat what an earlier process already knew.
    `recycled` is True when the note lies in the payout store and not in the cassette. `self_test` is True for a blank
    report that the device makes also when it tries its stacker without a note; any other blank report is a note of
    which the device cannot say the value.
    """

    report: int
    channel: int
    power_up: bool = False
    clean: bool = True
    replay: bool = False
    recycled: bool = False
    self_test: bool = False


@dataclass(frozen=True)
class NoteReturned:
    report: int
    power_up: bool = False


@dataclass(frozen=True)
class NoteRejected:
    report: int
    power_up: bool = False


@dataclass(frozen=True)
class Returning:
    """The note in the path is on its way back to the customer; NoteReturned or NoteRejected follows."""


@dataclass(frozen=True)
class Paused:
    """The customer feeds a second note while one is being processed."""


@dataclass(frozen=True)
class Fault:
    """`code`: jammed, cassette_full, cassette_removed, failure, stalled, transport_open, cheated, out_of_service,
    wrong_table. `cheated` is a single event; the others hold until `FaultCleared`."""

    code: str
    detail: str = ""


@dataclass(frozen=True)
class FaultCleared:
    code: str


@dataclass(frozen=True)
class Levels:
    """Recyclers: how many notes of each channel can be paid out. After Connected and after every change."""

    counts: dict[int, int]


@dataclass(frozen=True)
class NotePaidOut:
    """Recyclers: a note of `channel` is in the person's hand or lies in the bezel. Held until Acknowledge.

    `payout` is the number of the PayOut it belongs to, 0 if the device tells of one that this run of the host did not
    order. `replay` is True when it came with the first reply, and so may repeat what an earlier run already knew.
    """

    report: int
    payout: int
    channel: int
    replay: bool = False


@dataclass(frozen=True)
class PayoutEnded:
    """Recyclers: nothing more comes out. Held until Acknowledge.

    `result`: "done"; "partial", the notes told by NotePaidOut are all that came; "refused", none came; "unknown", the
    device cannot say how many came (they are counted by people).
    """

    report: int
    payout: int
    result: str
    detail: str = ""
    replay: bool = False


@dataclass(frozen=True)
class Cashbox:
    """Recyclers: notes of the payout store went into the cassette, channel to count. Held until Acknowledge."""

    report: int
    counts: dict[int, int]


Event = (
    Connected
    | Lost
    | PoweredUp
    | Idle
    | Accepting
    | NoteEscrowed
    | NoteStacked
    | NoteReturned
    | NoteRejected
    | Returning
    | Paused
    | Fault
    | FaultCleared
    | Levels
    | NotePaidOut
    | PayoutEnded
    | Cashbox
)


# Commands


@dataclass(frozen=True)
class Enable:
    channels: frozenset[int]


@dataclass(frozen=True)
class Disable:
    pass


@dataclass(frozen=True)
class StackNote:
    """Refused (`NotInEscrow`) unless note number `escrow` is in escrow and undecided."""

    escrow: int


@dataclass(frozen=True)
class ReturnNote:
    escrow: int


@dataclass(frozen=True)
class Acknowledge:
    """The report is durable: the device may be told that we know."""

    report: int


@dataclass(frozen=True)
class Reset:
    pass


@dataclass(frozen=True)
class PayOut:
    """Recyclers only: pay out these notes, largest first. `payout` numbers it; `notes` maps channel to count.

    Refused unless a Levels said that so many are there, and while a note or another payout is under way.
    """

    payout: int
    notes: dict[int, int]


Command = Enable | Disable | StackNote | ReturnNote | Acknowledge | Reset | PayOut


class NotInEscrow(Refused):
    """StackNote or ReturnNote named a note that is not held now."""


Codec = LineCodec[Command]

__all__ = [
    "Accepting",
    "Acknowledge",
    "Cashbox",
    "Codec",
    "Command",
    "Connected",
    "Disable",
    "Enable",
    "Event",
    "Fault",
    "FaultCleared",
    "Identity",
    "Idle",
    "Levels",
    "Lost",
    "NotInEscrow",
    "NoteEscrowed",
    "NotePaidOut",
    "NoteRejected",
    "NoteReturned",
    "NoteStacked",
    "Paused",
    "PayOut",
    "PayoutEnded",
    "PoweredUp",
    "Refused",
    "Reset",
    "ReturnNote",
    "Returning",
    "StackNote",
]
