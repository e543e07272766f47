"""The goods handshake of a sale (sheet section 6): the terminal waits for our answer to its approval.

Our answer is what makes the payment final, so it is kept back until the approval is on disk. A commit takes
milliseconds; only if it takes longer is the terminal told to wait, and it asks again.
"""

from dataclasses import dataclass

from hardware.cards.zvt.frames import Message
from hardware.cards.zvt.link import NEVER_MS
from hardware.cards.zvt.memory import Attempt
from hardware.cards.zvt.requests import NOT_ISSUED, PLEASE_WAIT, POSITIVE
from hardware.cards.zvt.status import Information, Likeness, compare

PATIENCE_MS = 500
PATIENCE_PLAIN_MS = 4_000  # without the handshake: the terminal gives up at 5 s and cannot be told to wait


@dataclass
class Handshake:
    """An approval that was told. `asked_ms` is when the terminal last asked, None if it has its answer."""

    asked_ms: int | None
    vending: bool
    known: bool = False  # the layer above has it on disk
    undone: bool = False  # a later message took it back

    def answer(self, now_ms: int) -> Message | None:
        """Return what is to be answered now, None to keep it back."""
        if self.asked_ms is None or now_ms < self.due_ms():
            return None
        self.asked_ms = None
        return POSITIVE if self.known or not self.vending else PLEASE_WAIT

    def due_ms(self) -> int:
        if self.asked_ms is None:
            return NEVER_MS
        patience_ms = PATIENCE_MS if self.vending else PATIENCE_PLAIN_MS
        return self.asked_ms if self.known else self.asked_ms + patience_ms


def answer_to_stray(information: Information, attempt: Attempt | None, commit_under_way: bool) -> Message:
    """Return the answer to a result of something that an earlier connection, or another process, began.

    An approval that the kiosk has on disk is final. One that it has not is taken back: nothing was promised for it.
    """
    if not information.good or (attempt and attempt.operation != "sale"):
        return POSITIVE
    if attempt and compare(information.mark, attempt.mark) is Likeness.SAME:
        if attempt.known:
            return POSITIVE
        if commit_under_way:
            return PLEASE_WAIT
    return NOT_ISSUED
