"""The conversation under the meaning: acknowledge toggle, repetition, timing (sheet section 4).

The host sends toggle T and turns it only after a good reply with the same T, which is what tells the device that
its reply arrived. On silence, damage, echo or the other T the identical frame is sent again.
"""

from collections.abc import Callable
from enum import Enum

from hardware.acceptors.ebds.frames import Frame, MessageType, parse, receive_buffer

POLL_MS = 100
DECISION_MS = 50  # a decision about a note need not wait for the full poll; the shortest poll that a vendor allows
GAP_MS = 5  # least time between two frames of the host
REPLY_MS = 200  # vendors' libraries use 50 to 500; a reply that is late is not a lost one
SETTLE_MS = 100  # after the port was opened
MISMATCHES_MAX = 8  # consecutive; a pair that disagrees on T would hang otherwise

Content = Callable[[], tuple[MessageType, bytes]]


class Reply(Enum):
    FRESH = "the first good reply to the frame sent"
    REPEATED = "one more reply to the same toggle"
    NONE = "an echo, or a reply with the other toggle"


class Link:
    """`held` keeps the toggle, and with it the frame, although it was answered: the report is not durable yet."""

    def __init__(self, toggle: int | None) -> None:
        self.toggle = toggle or 0  # of the frame sent last, or of the first to send
        self.held = False
        self.echoes = 0  # in a row
        self.strange = False  # bytes came since the port was opened, and not one good reply
        self._good = False  # since the port was opened
        self._buffer = receive_buffer()
        self._sent = b""
        self._answered = False
        self._rebuild = True
        self._waiting = False
        self._sent_ms = 0
        self._next_ms = 0
        self._retry_ms = REPLY_MS
        self._mismatches = 0

    def opened(self, now_ms: int) -> None:
        """The line is new: forget half a frame and make the next one anew, with the toggle where it stood."""
        self._buffer.clear()
        self._good = self.strange = False
        self._waiting = False
        self._rebuild = True
        self._next_ms = now_ms + SETTLE_MS
        self._retry_ms = REPLY_MS

    def renew(self) -> None:
        """Make the next frame anew, still with the toggle where it stands: what was ordered is no longer meant."""
        self._rebuild = True

    def hurry(self) -> None:
        """Something was decided: let the next poll come sooner, if the last one is answered."""
        if not self._waiting and not self.held:
            self._next_ms = min(self._next_ms, self._sent_ms + DECISION_MS)

    def rest(self, until_ms: int, retry_ms: int) -> None:
        """Expect no reply to the frame sent; say nothing until `until_ms`, then every `retry_ms` until answered."""
        self._waiting, self._answered = False, True
        self._next_ms, self._retry_ms = until_ms, retry_ms

    def receive(self, data: bytes) -> list[bytes]:
        self.strange = self.strange or (bool(data) and not self._good)
        return self._buffer.feed(data)

    def flush(self) -> list[bytes]:
        return self._buffer.flush()

    def take(self, raw: bytes, now_ms: int) -> tuple[Reply, Frame]:
        """Say what a well-formed frame is to us."""
        frame = parse(raw)
        if raw == self._sent or frame.type in (MessageType.COMMAND, MessageType.BOOKMARK):
            self.echoes += 1
            return Reply.NONE, frame
        if not self._sent or frame.toggle != self.toggle:
            self._mismatches += 1
            return Reply.NONE, frame
        self._good, self.strange = True, False
        first = not self._answered
        if self._waiting:
            self._next_ms = max(self._sent_ms + POLL_MS, now_ms + GAP_MS)
        self._waiting, self._answered = False, True
        self._mismatches = self.echoes = 0
        self._retry_ms = REPLY_MS
        return (Reply.FRESH if first else Reply.REPEATED), frame

    def overdue(self, now_ms: int) -> bool:
        """Return whether the frame sent has waited its full time for a reply."""
        return self._waiting and now_ms >= self._sent_ms + REPLY_MS

    def unanswered(self) -> None:
        """Nobody replied: the frame is due again."""
        self._waiting = False
        self._next_ms = self._sent_ms + self._retry_ms

    def due_ms(self) -> int:
        return self._sent_ms + REPLY_MS if self._waiting else self._next_ms

    def send(self, now_ms: int, content: Content) -> bytes:
        """Return the bytes to send now, none if it is not time; `content` is asked only for a new frame."""
        if self._waiting or now_ms < self._next_ms:
            return b""
        if self._may_turn():
            self.toggle ^= 1
            self._mismatches = 0
            self._rebuild = True
            self._answered = False
        if self._rebuild:
            kind, data = content()
            self._sent = Frame(kind, self.toggle, data).encode()
            self._rebuild = False
        self._waiting, self._sent_ms = True, now_ms
        return self._sent

    def _may_turn(self) -> bool:
        if not self._sent or self.held:
            return False
        return self._answered or self._mismatches >= MISMATCHES_MAX
