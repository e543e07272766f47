"""A sale, void, refund or day end that meets a terminal still busy with the one before is given again for a while.

What was refused never left, so giving it again is no second sale. But once anybody asks what became of it, or the
line is lost, it must not leave any more: it is then told as not started, and forgotten.
"""

import threading
import time
from collections.abc import Callable

from hardware.cards.contract import Cancel, CloseBatch, Command, Query, Refund, Refused, Sale, Void

AGAIN_S = 0.25
PATIENCE_S = 10.0

Begun = Sale | Void | Refund | CloseBatch
Later = Callable[[float, Callable[[], None]], None]
NeverBegan = Callable[[Begun, str], None]


def _later(seconds: float, act: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


class Patience:
    """`give` hands a command to the driver; `never_began(command, reason)` hears of one that was given up."""

    def __init__(
        self,
        give: Callable[[Command], None],
        never_began: NeverBegan,
        clock: Callable[[], float] = time.monotonic,
        later: Later = _later,
    ) -> None:
        self._give = give
        self._never_began = never_began
        self._clock = clock
        self._later = later
        self._lock = threading.RLock()
        self._until: dict[str, float] = {}  # by reference; 0.0 once it must not leave any more
        self._waiting: dict[str, Begun] = {}

    def ordered(self, command: Command) -> None:
        """Before `command` goes to the driver."""
        if isinstance(command, Begun):
            with self._lock:
                self._until[command.reference] = self._clock() + PATIENCE_S
        elif isinstance(command, (Cancel, Query)):
            self._give_up(command.reference)

    def refused(self, command: Command, reason: Refused) -> None:
        """On the driver's thread: it did not leave."""
        if not isinstance(command, Begun):
            return
        with self._lock:
            again = self._clock() < self._until.get(command.reference, 0.0)
            if again:
                self._waiting[command.reference] = command
        if again:
            self._later(AGAIN_S, lambda: self._again(command.reference))
        else:
            self._never_began(command, str(reason))

    def lost(self) -> None:
        """The line is gone: nothing may leave when it is back."""
        for reference in list(self._until):
            self._give_up(reference)

    def _again(self, reference: str) -> None:
        """Under the lock: a Cancel or a question that comes now goes to the driver after this, never before it."""
        with self._lock:
            command = self._waiting.pop(reference, None)
            if command is not None:
                self._give(command)

    def _give_up(self, reference: str) -> None:
        with self._lock:
            if reference in self._until:
                self._until[reference] = 0.0
            command = self._waiting.pop(reference, None)
        if command is not None:
            self._never_began(command, "given up")
