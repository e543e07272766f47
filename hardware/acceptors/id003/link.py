"""The conversation under the meaning: one frame, one answer, and the times between them (sheet section 6).

There is neither toggle nor number: an answer that is late passes for the answer to the next frame. So what a frame
means is decided by its own code, and a decision about a note rests on a status that was asked for after the last one.
"""

from collections import deque

from hardware.acceptors.id003.frames import SETTINGS, Command, Frame, parse, receive_buffer

POLL_MS = 150
NEXT_MS = 40  # after the answer to a question or a setting: there is more to come
ACKNOWLEDGED_MS = 100  # after the host's ACK of VEND VALID, which is not answered
REPLY_MS = 200
SLOW_REPLY_MS = 500  # while the device starts
GAP_MS = 5
SETTLE_MS = 100  # after the port was opened
ORDERS_KEPT = 3  # an echo may be late


class Link:
    """`sent` is the frame sent last, `waiting` whether its answer has not come yet."""

    def __init__(self) -> None:
        self.sent: Frame | None = None
        self.waiting = False
        self.slow = False  # the device starts: give it time
        self.echoes = 0  # in a row
        self.strange = False  # bytes came since the port was opened, and not one frame
        self._orders: deque[Frame | None] = deque(maxlen=ORDERS_KEPT)
        self._buffer = receive_buffer()
        self._sent_ms = 0
        self._next_ms = 0

    def opened(self, now_ms: int) -> None:
        """The line is new: forget half a frame."""
        self._buffer.clear()
        self._orders.clear()
        self.sent = None
        self.waiting = self.slow = self.strange = False
        self.echoes = 0
        self._next_ms = now_ms + SETTLE_MS

    def receive(self, data: bytes) -> list[Frame]:
        self.strange = self.strange or bool(data)
        return _frames(self._buffer.feed(data))

    def flush(self) -> list[Frame]:
        """Nothing came in time: return what hides behind a false start."""
        return _frames(self._buffer.flush())

    def is_echo(self, frame: Frame) -> bool:
        """Return whether a frame is only what was said lately. IDLE and an echoed status request are the same."""
        return frame in self._orders

    def answered(self, now_ms: int, more: bool) -> None:
        """A frame came. `more`: the next one need not wait for the poll."""
        self.strange = False
        if self.waiting:
            self._next_ms = max(self._sent_ms + (NEXT_MS if more else POLL_MS), now_ms + GAP_MS)
        self.waiting = False

    def hurry(self) -> None:
        """Something was decided: say it soon, if nothing is being waited for."""
        if not self.waiting:
            self._next_ms = min(self._next_ms, self._sent_ms + NEXT_MS)

    def overdue(self, now_ms: int) -> bool:
        return self.waiting and now_ms >= self._deadline_ms

    def unanswered(self, rest_ms: int) -> None:
        """Nobody answered: the next frame is due now, or `rest_ms` after the last if that is later."""
        self._next_ms = max(self._deadline_ms, self._sent_ms + rest_ms)
        self.waiting = False

    def due_ms(self) -> int:
        return self._deadline_ms if self.waiting else self._next_ms

    def may_send(self, now_ms: int) -> bool:
        return not self.waiting and now_ms >= self._next_ms

    def send(self, frame: Frame, now_ms: int) -> bytes:
        self.sent, self._sent_ms = frame, now_ms
        order = frame.code not in SETTINGS and frame.code != Command.STATUS
        self._orders.append(frame if order else None)
        self.waiting = frame.code != Command.ACK
        if not self.waiting:
            self._next_ms = now_ms + ACKNOWLEDGED_MS
        return frame.encode()

    @property
    def _deadline_ms(self) -> int:
        return self._sent_ms + (SLOW_REPLY_MS if self.slow else REPLY_MS)


def _frames(raws: list[bytes]) -> list[Frame]:
    return [parse(raw) for raw in raws]
