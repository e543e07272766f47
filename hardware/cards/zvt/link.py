"""Messages on a line: over TCP as they are, on a serial line framed, acknowledged and repeated (sheet section 2)."""

import hashlib
from collections import deque
from typing import Protocol

from hardware.cards.zvt.frames import (
    ACK,
    CLASSES,
    NAK,
    Malformed,
    Message,
    Noise,
    Receiver,
    framed,
    length_of,
    parse,
)

GAP_MS = 200  # T1, between two bytes inside a frame
UNACKNOWLEDGED_MS = 5_000  # T2, from a frame to its acknowledge byte
SENDS_MAX = 3
QUIET_MS = 1_000  # nobody has sent for so long: a frame of ours meets none of theirs

NEVER_MS = 1 << 62


class Link(Protocol):
    """`failed` says why nothing can be said or heard any more, "" while something can."""

    failed: str

    def opened(self, now_ms: int) -> None:
        """The line was (re)opened."""

    def receive(self, data: bytes, now_ms: int) -> list[Message]: ...

    def say(self, message: Message) -> None:
        """Queue a message; its bytes leave with a later `send`."""

    def send(self, now_ms: int) -> bytes:
        """Return the bytes to send now."""

    @property
    def repeated(self) -> bool: ...

    def delivered(self) -> bool:
        """Whether everything said has reached the other side, as far as the line can tell."""

    def quiet_ms(self) -> int:
        """Return from when on a message that nobody asked for may be sent."""

    def due_ms(self) -> int: ...


def is_answer(message: Message) -> bool:
    return message.code >> 8 in (0x80, 0x84)


class TcpLink:
    """The stream does not lose or damage bytes: what is no message comes from something else."""

    def __init__(self) -> None:
        self.opened(0)

    def opened(self, now_ms: int) -> None:
        self.failed = ""
        self._held = b""
        self._out = b""

    def receive(self, data: bytes, now_ms: int) -> list[Message]:
        self._held += data
        messages: list[Message] = []
        while self._held and not self.failed:
            if self._held[0] not in CLASSES:
                self.failed = "what answers does not speak ZVT"
                break
            end = length_of(self._held)
            if end is None or end > len(self._held):
                return messages
            messages.append(parse(self._held[:end]))
            self._held = self._held[end:]
        return messages

    def say(self, message: Message) -> None:
        self._out += message.encode()

    def send(self, now_ms: int) -> bytes:
        out, self._out = self._out, b""
        return out

    @property
    def repeated(self) -> bool:
        return False

    def delivered(self) -> bool:
        return not self._out

    def quiet_ms(self) -> int:
        return 0

    def due_ms(self) -> int:
        return 0 if self._out else NEVER_MS


class SerialLink:
    """One frame at a time, each repeated until its acknowledge byte has come, or three times."""

    def __init__(self) -> None:
        self.opened(0)

    def opened(self, now_ms: int) -> None:
        self.failed = ""
        self._receiver = Receiver()
        self._heard_ms = self._sent_ms = now_ms
        self._queue: deque[Message] = deque()
        self._waiting: Message | None = None  # sent, and not acknowledged
        self._frame = b""
        self._sends = 0
        self._again = False
        self._bytes = b""  # acknowledge bytes of ours
        self._last = b""  # digest of the last frame heard: frames themselves are not kept
        self._moved_on = True  # a frame of ours arrived since: the same bytes again are news

    # Hearing

    def receive(self, data: bytes, now_ms: int) -> list[Message]:
        if not data:
            return []
        self._give_up_torn(now_ms)
        self._heard_ms = now_ms
        messages = [self._hear(item) for item in self._receiver.feed(data)]
        return [message for message in messages if message]

    def _hear(self, item: bytes | Noise) -> Message | None:
        match item:
            case Noise.ACK:
                self._acknowledged()
            case Noise.NAK:
                self._again = self._waiting is not None
            case Noise.DAMAGED:
                self._bytes += bytes([NAK])
            case bytes():
                return self._frame_in(item)
        return None

    def _frame_in(self, raw: bytes) -> Message | None:
        self._bytes += bytes([ACK])
        digest = hashlib.sha256(raw).digest()
        if digest == self._last and not self._moved_on:
            self._again = self._waiting is not None
            return None  # our acknowledge byte was lost
        try:
            message = parse(raw)
        except Malformed:  # the receiver lets none through
            return None
        self._last, self._moved_on = digest, False
        if self._waiting and (is_answer(message) or is_answer(self._waiting)):
            # It goes on from what we sent: the acknowledge byte of that was lost.
            self._waiting = None
        return message

    def _acknowledged(self) -> None:
        if self._waiting:
            self._waiting = None
            self._moved_on = True

    def _give_up_torn(self, now_ms: int) -> None:
        if self._receiver.inside and now_ms - self._heard_ms >= GAP_MS:
            self._receiver.reset()
            self._bytes += bytes([NAK])

    # Saying

    def say(self, message: Message) -> None:
        self._queue.append(message)

    def send(self, now_ms: int) -> bytes:
        self._give_up_torn(now_ms)
        out, self._bytes = self._bytes, b""
        if self._waiting:
            late = now_ms - self._sent_ms >= UNACKNOWLEDGED_MS
            if not (self._again or late):
                return out
            if self._sends >= SENDS_MAX:
                self._waiting = None
                self.failed = "the terminal does not acknowledge"
                return out
        elif self._queue:
            self._waiting = self._queue.popleft()
            self._frame = framed(self._waiting.encode())
            self._sends = 0
        else:
            return out
        self._again = False
        self._sends += 1
        self._sent_ms = now_ms
        return out + self._frame

    def delivered(self) -> bool:
        return not self._queue and self._waiting is None

    @property
    def repeated(self) -> bool:
        """What was said last had to be said again, and may have been heard twice."""
        return self._sends > 1

    def quiet_ms(self) -> int:
        silent = self.delivered() and not self._receiver.inside
        return max(self._heard_ms, self._sent_ms) + QUIET_MS if silent else NEVER_MS

    def due_ms(self) -> int:
        if self._bytes or self._again or (self._queue and not self._waiting):
            return 0
        due = [NEVER_MS]
        if self._waiting:
            due.append(self._sent_ms + UNACKNOWLEDGED_MS)
        if self._receiver.inside:
            due.append(self._heard_ms + GAP_MS)
        return min(due)
