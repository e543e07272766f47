"""The conversation under the meaning: sequence flag, repetition, timing, secrecy (sheet sections 4 and 6).

Each new command turns the flag; on silence or damage the identical bytes go again, and a device that has executed
them already repeats its reply. A frame with the other flag tells the device that its reply arrived.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from hardware.acceptors.ssp.frames import Frame, Receiver
from hardware.acceptors.ssp.secrecy import STEX, Entropy, Illegible, Session
from hardware.acceptors.ssp.words import FIRST_REPLY, KEY_COMMANDS, Command, Reply

POLL_MS = 200
GAP_MS = 20  # least time between a reply and the next frame
LATE_MS = 200  # ... if the frame had to be repeated: its other replies must not pass for the next one's
REPLY_MS = 1_000
SETTLE_MS = 100  # after the port was opened
FLAG, POLLED = 1, 2  # in `memory`
MEMORIES = range(4)

Content = Callable[[], tuple[bytes, int]]
POLLS = (Command.POLL, Command.POLL_WITH_ACK)


class Kind(Enum):
    FRESH = "the first good reply to the frame sent"
    REPEATED = "one more reply to it"
    NONE = "an echo, another flag, or nothing that can be believed"


@dataclass(frozen=True)
class Heard:
    kind: Kind
    data: bytes = b""


class Link:
    """`held` keeps the frame although it was answered: a report in its reply is not durable yet."""

    def __init__(self, memory: int | None, entropy: Entropy, address: int = 0) -> None:
        self._entropy = entropy
        self._address = address
        self._flag = (memory or 0) & FLAG
        self.asked = b""  # the command sent last, in clear
        self.session: Session | None = None
        self.held = False
        self.echoes = 0
        self.strange = False  # bytes came since the port was opened, and not one good reply
        self.tries = 0  # of the frame sent last
        self.illegible = 0  # encrypted replies in a row that could not be believed
        self._polled = bool(memory and memory & POLLED)
        self._good = False
        self._receiver = Receiver()
        self._sent = b""
        self._secret = False  # the frame sent last is encrypted
        self._answered = False
        self._waiting = False
        self._sent_ms = self._next_ms = self._ready_ms = 0
        self._interval_ms = 0

    @property
    def memory(self) -> int:
        """Flag of the last frame, and whether it was a poll in clear: to be kept outside the process."""
        return self._flag | (POLLED if self._polled else 0)

    @property
    def undelivered(self) -> bool:
        """Whether the reply to the last poll may not have arrived; asked with the same flag it comes again."""
        return self._polled and not self._answered

    def opened(self, now_ms: int) -> None:
        """The line is new: forget half a frame. What was sent is not repeated; its flag stays where it stands."""
        self._receiver.clear()
        self._good = self.strange = self._waiting = False
        self.echoes = self.tries = 0
        self._next_ms = self._ready_ms = now_ms + SETTLE_MS

    def rest(self, until_ms: int) -> None:
        """Expect no reply to the frame sent; say nothing until then."""
        self._waiting, self._answered = False, True
        self._next_ms = self._ready_ms = until_ms

    def hurry(self) -> None:
        """There is something to say: do not wait for the next poll, if the last frame is answered."""
        if not self._waiting and not self.held:
            self._next_ms = min(self._next_ms, self._ready_ms)

    # Hearing

    def receive(self, data: bytes) -> list[Frame]:
        self.strange = self.strange or (bool(data) and not self._good)
        return self._receiver.feed(data)

    def take(self, frame: Frame, now_ms: int) -> Heard:
        """Say what a well-formed frame is to us."""
        if frame.encode() == self._sent:
            self.echoes += 1
            return Heard(Kind.NONE)
        if not self._sent or (frame.flag, frame.address) != (self._flag, self._address):
            return Heard(Kind.NONE)
        if self._answered:
            return Heard(Kind.REPEATED, b"" if self._secret else frame.data)
        data = self._legible(frame.data)
        if not data:
            return Heard(Kind.NONE)
        self._good, self.strange, self.echoes = True, False, 0
        self._ready_ms = now_ms + (LATE_MS if self.tries > 1 else GAP_MS)
        self._next_ms = max(self._sent_ms + self._interval_ms, self._ready_ms)
        self._waiting, self._answered = False, True
        return Heard(Kind.FRESH, data)

    def _legible(self, data: bytes) -> bytes:
        """Return a reply in clear, b"" if it must not be believed. A device without keys says so in clear."""
        if self._secret and self.session is not None:
            if data == bytes([Reply.NO_KEY]):
                return data
            try:
                data = self.session.open(data)
            except Illegible:
                self.illegible += 1
                return b""
            self.illegible = 0
        elif data[0] == STEX:
            return b""
        return data if data and data[0] >= FIRST_REPLY else b""

    # Sending

    def overdue(self, now_ms: int) -> bool:
        """Return whether the frame sent has waited its full time for a reply."""
        return self._waiting and now_ms >= self._sent_ms + REPLY_MS

    def unanswered(self, now_ms: int) -> None:
        """Nobody replied: the frame is due again."""
        self._waiting = False
        self._next_ms = now_ms

    def due_ms(self) -> int:
        return self._sent_ms + REPLY_MS if self._waiting else self._next_ms

    def send(self, now_ms: int, content: Content) -> bytes:
        """Return the bytes to send now, none if it is not time. `content` gives a new command, and the time until
        the next one; it is asked only if the last was answered."""
        if self._waiting or now_ms < self._next_ms:
            return b""
        if self.held and self._answered:
            self._next_ms = now_ms + POLL_MS
            self._sent_ms = now_ms
            return self._sent
        if self._answered or not self._sent:
            self._build(*content())
        self.tries += 1
        self._waiting, self._sent_ms = True, now_ms
        return self._sent

    def ask_again(self, command: bytes) -> None:
        """Make the next frame `command` with the flag of the last one: a device that executed that repeats its reply,
        one that did not executes this harmless command."""
        self._secret = False
        self._sent = Frame(self._flag, command, self._address).encode()
        self.asked = command
        self._answered = self._waiting = False
        self.tries, self._interval_ms = 0, 0

    def renew(self) -> None:
        """What was sent is no longer meant: the next frame is a new one."""
        self._answered, self._waiting = True, False

    def _build(self, command: bytes, interval_ms: int) -> None:
        self._secret = self.session is not None and command[0] not in KEY_COMMANDS
        # A SYNC is sent with the flag set: the next command has it clear (section 4).
        self._flag = 1 if command[0] == Command.SYNC else self._flag ^ 1
        self._polled = command[0] in POLLS and not self._secret
        data = self.session.seal(command, self._entropy) if self._secret and self.session else command
        self._sent = Frame(self._flag, data, self._address).encode()
        self.asked, self._interval_ms = command, interval_ms
        self._answered, self.tries = False, 0
