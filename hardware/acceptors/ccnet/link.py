"""The conversation under the meaning: one question at a time, ACK and NAK, patience (sheet sections 4 and 5).

A good reply with data is acknowledged within 10 ms or not at all: while a report is not durable yet (`held`) nothing is
acknowledged, and a device that waits for the ACK says it again. After a question that nobody answered a late answer
may still come. Until the line was quiet for a while an ACK could then be taken for another reply than the one it is
meant for, so none is sent.
"""

from enum import Enum

from hardware.acceptors.ccnet.frames import ACK, ILLEGAL, NAK, Code, Malformed, parse, receive_buffer, seal

POLL_MS = 100
REST_MS = 20  # least time between ACK or answer and the next command
ANSWER_MS = 250  # the device begins within 10 ms; this is for USB and pseudo-terminals
ANSWER_MS_MAX = 1_000
GAP_MS = 50  # silence inside a frame, after which it is damaged
ACK_MS = 10
SETTLE_MS = 100  # after the port was opened
NAKS_MAX = 2  # asked to repeat so often, then the question is put anew

ASKING = frozenset({Code.POLL, Code.GET_STATUS, Code.IDENTIFICATION, Code.GET_BILL_TABLE})  # answered with data


class Reply(Enum):
    ANSWER = "what came while a question was open"
    LATE = "nobody had asked"
    NONE = "an echo"


class Link:
    """`asked` is the command that waits for its answer, 0 if none does."""

    def __init__(self) -> None:
        self.asked = 0
        self.held = False  # a report is not durable: acknowledge nothing
        self.doubtful = False  # a late answer may be on its way
        self.echoes = 0  # in a row
        self.strange = False  # bytes came since the port was opened, and not one good frame
        self._good = False
        self._buffer = receive_buffer()
        self._sent = b""
        self._sent_ms = self._last_poll_ms = 0
        self._patience_ms = ANSWER_MS
        self._answer_ms = 0  # when the question will have waited long enough
        self._heard_ms: int | None = None  # last byte since the question that has not become a frame
        self._naks = 0
        self._quiet = False  # the line was doubtful, and nobody has spoken since the last answer
        self._owed_until_ms: int | None = None  # an ACK is owed
        self._free_ms = 0  # when the line is free for a command
        self.poll_ms = 0  # when the next poll is due

    def opened(self, now_ms: int) -> None:
        """The line is new: forget half a frame and what was asked."""
        self._buffer.clear()
        self._good = self.strange = self.doubtful = self._quiet = False
        self.asked, self._sent = 0, b""
        self._heard_ms = self._owed_until_ms = None
        self._free_ms = self.poll_ms = now_ms + SETTLE_MS

    # In

    def receive(self, data: bytes, now_ms: int) -> list[bytes]:
        """Take bytes; return the frames completed by them."""
        if data:
            self._heard_ms = now_ms
            self.strange = self.strange or not self._good
        return self._found(self._buffer.feed(data))

    def broken(self, now_ms: int) -> bool:
        """Return whether bytes came that did not become a frame, and no more follow."""
        return self._heard_ms is not None and now_ms >= self._heard_ms + GAP_MS

    def flush(self) -> list[bytes]:
        """Give the broken frame up; return what good frames its bytes hid."""
        self._heard_ms = None
        return self._found(self._buffer.flush())

    def _found(self, frames: list[bytes]) -> list[bytes]:
        if frames:
            self._heard_ms = None
        return frames

    def take(self, raw: bytes, now_ms: int) -> tuple[Reply, bytes]:
        """Say what a well-formed frame is to us, and its data."""
        try:
            data = parse(raw)
        except Malformed:
            return Reply.NONE, b""
        if raw == self._sent and data != ILLEGAL:  # the answer ILLEGAL COMMAND has the bytes of our RESET
            self.echoes += 1
            return Reply.NONE, data
        self._good, self.strange, self.echoes = True, False, 0
        if not self.asked:
            self._unquiet(now_ms)
            return Reply.LATE, data
        return Reply.ANSWER, data

    def answered(self, data: bytes, now_ms: int) -> None:
        """This was the answer: owe an ACK for it if it is one with data."""
        asked, self.asked = self.asked, 0
        if self.doubtful:
            self._unquiet(now_ms)
        else:
            self._patience_ms = min(max(ANSWER_MS, 2 * (now_ms - self._sent_ms)), ANSWER_MS_MAX)
            self._free_ms = now_ms + REST_MS
            if asked in ASKING and data not in (ACK, NAK, ILLEGAL):
                self._owed_until_ms = now_ms + ACK_MS
        self.poll_ms = max(self._free_ms, self._last_poll_ms + POLL_MS if asked == Code.POLL else 0)

    def strayed(self) -> None:
        """A frame came that answers an older question; the present one stays open."""
        self.doubtful, self._quiet = True, False

    def _unquiet(self, now_ms: int) -> None:
        """Let the line fall silent before anything is asked."""
        self._quiet = True
        self._free_ms = self.poll_ms = now_ms + self._patience_ms

    # Time

    def overdue(self, now_ms: int) -> bool:
        """Return whether the question waited in vain."""
        return bool(self.asked) and now_ms >= self._answer_ms

    def unanswered(self, now_ms: int) -> None:
        self.asked = 0
        self.doubtful, self._quiet = True, False
        self._patience_ms = min(2 * self._patience_ms, ANSWER_MS_MAX)
        self._heard_ms = None
        self._buffer.clear()
        self._free_ms = self.poll_ms = now_ms

    def due_ms(self, eager: bool) -> int:
        """Return when something is to be done; `eager`: there is a command to send."""
        due = [self._owed_until_ms] if self._owed_until_ms is not None else []
        if due and not self.held:
            return 0
        if self._heard_ms is not None:
            due.append(self._heard_ms + GAP_MS)
        if self.asked:
            due.append(self._answer_ms)
        else:
            due.append(self._free_ms if eager else self.poll_ms)
        return min(due)

    # Out

    def courtesy(self, now_ms: int) -> bytes:
        """Return the ACK that is owed. It is due within 10 ms: what is not durable by then is not acknowledged."""
        if self._owed_until_ms is None:
            return b""
        if not self.held and now_ms <= self._owed_until_ms:
            self._owed_until_ms = None
            self._free_ms = now_ms + REST_MS
            self.poll_ms = max(self.poll_ms, self._free_ms)
            return seal(ACK)
        if now_ms >= self._owed_until_ms:
            self._owed_until_ms = None
        return b""

    def refuse(self, now_ms: int) -> bytes:
        """Return NAK for a broken reply to a question with data, b"" if it is not to be asked for again."""
        if self.asked not in ASKING or self._naks >= NAKS_MAX or self.doubtful:
            return b""
        self._naks += 1
        self._answer_ms = now_ms + self._patience_ms
        return seal(NAK)

    def free(self, now_ms: int) -> bool:
        return not self.asked and self._owed_until_ms is None and now_ms >= self._free_ms

    def ask(self, data: bytes, now_ms: int, patience_ms: int = 0) -> bytes:
        """Return the frame of a command; from here on its answer is awaited."""
        if self._quiet:  # since the last answer: nothing older can come any more
            self.doubtful = self._quiet = False
        self.asked = data[0]
        self._sent = seal(data)
        self._sent_ms, self._heard_ms, self._naks = now_ms, None, 0
        if self.asked == Code.POLL:
            self._last_poll_ms = now_ms
        self._answer_ms = now_ms + max(self._patience_ms, patience_ms)
        return self._sent
