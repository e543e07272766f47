"""The rule for a note in escrow that all acceptors share: it is decided once, by its number, and in time."""

from typing import Protocol, TypeVar

from hardware.acceptors.contract import NotInEscrow

DECISION_MS = 5_000  # nobody decided: the customer gets the note back, before the device's own limit of ten seconds
NEVER_MS = 1 << 62


class Undecided(Protocol):
    """A held note; `decision` is empty until somebody decides, `since_ms` when the layer above was told."""

    escrow: int
    since_ms: int

    @property
    def decision(self) -> int | str: ...


Note = TypeVar("Note", bound=Undecided)


def undecided(held: Note | None, escrow: int) -> Note:
    """Return the note with this number, which waits for a decision."""
    if held is None or held.escrow != escrow:
        raise NotInEscrow(f"note {escrow} is not in escrow")
    if held.decision:
        raise NotInEscrow(f"note {escrow} is already decided")
    return held


def lapse_ms(held: Undecided | None) -> int:
    """Return when an undecided note is to go back."""
    return NEVER_MS if held is None or held.decision else held.since_ms + DECISION_MS
