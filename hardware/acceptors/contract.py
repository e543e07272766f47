"""What every bill acceptor codec offers, and the events and commands it speaks.

A codec is pure (architecture, rule 1): bytes and the monotonic time go in, bytes and events come out.
A device reports channels; what a channel is worth is not known here.
"""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Identity:
    """What the device says it is; "" where it does not say. `table` maps channel to (ISO currency, cents)."""

    protocol: str
    model: str = ""
    serial: str = ""
    firmware: str = ""
    variant: str = ""
    table: dict[int, tuple[str, int]] = field(default_factory=dict)


# Events. `report` numbers a report that the codec holds, repeating its frame, until Acknowledge(report).


@dataclass(frozen=True)
class Connected:
    """Two good polls and interrogation are done. `in_escrow` means that a note is held right now."""

    identity: Identity
    in_escrow: bool = False


@dataclass(frozen=True)
class Lost:
    reason: str


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
    """

    report: int
    channel: int
    power_up: bool = False
    clean: bool = True
    replay: bool = False


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


Command = Enable | Disable | StackNote | ReturnNote | Acknowledge | Reset


class NotInEscrow(Exception):
    """StackNote or ReturnNote named a note that is not held now: a mistake of ours, not of the device."""


class Codec(Protocol):
    """One protocol. Times are monotonic milliseconds; no method raises on any byte sequence."""

    def feed(self, data: bytes, now_ms: int) -> list[Event]:
        """Take bytes from the line; return what they mean."""

    def command(self, command: Command) -> None:
        """Take a decision; its bytes leave with a later `tick`. Raises NotInEscrow."""

    def tick(self, now_ms: int) -> tuple[bytes, list[Event]]:
        """Return the bytes to send now (maybe none) and events that time alone brings (Lost)."""

    def due_ms(self) -> int:
        """Return the monotonic time at which `tick` wants to be called next."""

    def line_opened(self, now_ms: int) -> None:
        """The line was (re)opened: forget half frames, start the opening sequence, keep note numbers."""
