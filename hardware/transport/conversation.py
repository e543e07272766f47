"""What every codec with a line of its own offers to the driver, and the few words that the driver itself understands.

A codec is pure (architecture, rule 1): bytes and the monotonic time go in, bytes and events come out. Which commands
and events it speaks is said by the contract of its kind: `hardware.acceptors.contract`, `hardware.cards.contract`.
"""

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

CommandT_contra = TypeVar("CommandT_contra", contravariant=True)


@dataclass(frozen=True)
class Lost:
    """Nobody answers any more, or the port is gone. It is always the last event."""

    reason: str


class Met:
    """What a codec says when it has found its device: every contract's `Connected` is one."""


class Refused(Exception):
    """A command came too late or in the wrong state: a mistake of ours, not of the device."""


class Codec(Protocol[CommandT_contra]):
    """One protocol. Times are monotonic milliseconds; no method raises on any byte sequence."""

    def feed(self, data: bytes, now_ms: int) -> list[Any]:
        """Take bytes from the line; return the events they mean."""

    def command(self, command: CommandT_contra) -> None:
        """Take a decision; its bytes leave with a later `tick`. Raises Refused."""

    def tick(self, now_ms: int) -> tuple[bytes, list[Any]]:
        """Return the bytes to send now (maybe none) and events that time alone brings (Lost)."""

    def due_ms(self) -> int:
        """Return the monotonic time at which `tick` wants to be called next."""

    def line_opened(self, now_ms: int) -> None:
        """The line was (re)opened: forget half frames, start the opening sequence, keep numbers given out."""
