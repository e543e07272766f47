"""One request and its answer: acknowledgements, repetition and timers (sheet section 4).

A request that moves money leaves once, whatever comes back or does not. Any other is repeated up to three times. A good
answer is acknowledged by `confirm` and not before.
"""

from dataclasses import dataclass
from enum import Enum

from hardware.cards.pax.frames import ACK, EOT, NAK, Body, Control, Malformed, Receiver, Response, parse

ACK_MS = 7_000
EOT_MS = 3_000
GAP_MS = 1_000  # a frame that stands still this long is damaged
ENDED_MS = 10_000  # after EOT in place of an answer, or after A14, the answer may still come
SENDS_MAX = 3
BAD_MAX = 3
ACKS_MAX = 4
PACKETS_MAX = 16
NEVER_MS = 1 << 62

MADE_BEFORE = ("100011", "100021")  # a duplicate; already voided


class Step(Enum):
    IDLE = "nothing is under way"
    SENDING = "the request leaves with the next tick"
    SENT = "no word of it yet"
    TAKEN = "the terminal has it"
    ANSWERED = "the answer is here and not confirmed"
    CONFIRMED = "the terminal has not said that it heard so"


@dataclass(frozen=True)
class Taken:
    """The terminal has the request."""


@dataclass(frozen=True)
class Answered:
    """The answer to the request; `stray` is one to a request of before."""

    response: Response
    stray: bool = False


@dataclass(frozen=True)
class Failed:
    """No answer will be waited for: `reason` is nak, refused, silent, garbled or timeout."""

    reason: str


Happening = Taken | Answered | Failed


@dataclass(frozen=True)
class Request:
    """`answer` is the command of its response. `once`: it moves money. `reference` is echoed by its answer."""

    frame: bytes
    answer: str
    answer_ms: int
    once: bool = False
    reference: str = ""
    ends_with_eot: bool = False  # EOT alone is an answer too
    sends_max: int = SENDS_MAX
    ack_ms: int = ACK_MS


class Link:
    """`handshake` False: the line itself says what arrived, and control bytes do not exist (HTTP)."""

    def __init__(self, handshake: bool) -> None:
        self._handshake = handshake
        self._receiver = Receiver()
        self.opened()

    def opened(self) -> None:
        """Forget what was under way."""
        self._receiver.clear()
        self.step = Step.IDLE
        self._request = Request(b"", "", 0)
        self._out = bytearray()
        self._due_ms = NEVER_MS
        self._heard_ms = 0
        self._sends = self._bad = self._acks = 0
        self._ended = False  # EOT has come
        self._packets: list[bytes] = []

    # From the codec

    def start(self, request: Request) -> None:
        self.step, self._request = Step.SENDING, request
        self._sends = self._bad = self._acks = 0
        self._ended = False
        self._packets = []
        self._due_ms = 0

    def confirm(self) -> None:
        """The answer is durable, or needs not be: let the terminal know."""
        if self.step is not Step.ANSWERED:
            return
        if self._ended or not self._handshake:
            self._rest()
        else:
            self.step, self._due_ms = Step.CONFIRMED, 0

    def interrupt(self, frame: bytes, now_ms: int) -> None:
        """Send `frame` while an answer is waited for, which from now on has little time left."""
        if self.step in (Step.SENT, Step.TAKEN) and self._handshake:
            self._out += frame
            self._due_ms = min(self._due_ms, now_ms + ENDED_MS)

    def withdraw(self) -> None:
        """Wait for no answer any more."""
        self._rest()

    @property
    def busy(self) -> bool:
        return self.step is not Step.IDLE

    @property
    def sent(self) -> bool:
        """Whether the request has left."""
        return self.step not in (Step.IDLE, Step.SENDING)

    # Bytes

    def feed(self, data: bytes, now_ms: int) -> list[Happening]:
        self._heard_ms = now_ms
        happened: list[Happening] = []
        for item in self._receiver.feed(data):
            happened += self._frame(item, now_ms) if isinstance(item, Body) else self._control(item, now_ms)
        return happened

    def tick(self, now_ms: int) -> tuple[bytes, list[Happening]]:
        happened: list[Happening] = []
        if self._receiver.inside and now_ms >= self._heard_ms + GAP_MS:
            self._receiver.clear()
            happened += self._damaged(now_ms)
        if now_ms >= self._due_ms:
            happened += self._elapsed(now_ms)
        data = bytes(self._out)
        self._out.clear()
        return data, happened

    def due_ms(self) -> int:
        if self._out:
            return 0
        return min(self._due_ms, self._heard_ms + GAP_MS if self._receiver.inside else NEVER_MS)

    # What comes

    def _control(self, control: Control, now_ms: int) -> list[Happening]:
        if control.byte == EOT:
            return self._over(now_ms)
        if self.step is not Step.SENT:
            return []
        if control.byte == ACK:
            return self._taken(now_ms)
        if control.byte == NAK:
            if self._request.once or self._sends >= self._request.sends_max:
                return self._fail("nak")
            self._send(now_ms)
        return []

    def _taken(self, now_ms: int) -> list[Happening]:
        self.step, self._due_ms = Step.TAKEN, now_ms + self._request.answer_ms
        self._ended = False  # an EOT before was that of the exchange before
        return [Taken()]

    def _over(self, now_ms: int) -> list[Happening]:
        if self.step is Step.CONFIRMED:
            self._rest()
        elif self.sent:
            self._ended = True
            if self._request.ends_with_eot:
                return self._fail("refused")
            if self.step is Step.TAKEN:
                self._due_ms = min(self._due_ms, now_ms + ENDED_MS)
        return []

    def _frame(self, body: Body, now_ms: int) -> list[Happening]:
        if not body.good:
            return self._damaged(now_ms)
        if self._packets and body.raw == self._packets[-1]:
            self._reply(ACK)
            return []
        try:
            response = parse([*self._packets, body.raw])
        except Malformed:
            return self._damaged(now_ms)
        if response.more:
            return self._collect(body, response, now_ms)
        if self._answers(response):
            return self._answered(response)
        if self.step is not Step.ANSWERED:
            self._reply(ACK)  # the terminal tells of something past; it is acknowledged, so that it can go on
        return [Answered(response, stray=True)] if not self._repeated(response) else []

    def _collect(self, body: Body, response: Response, now_ms: int) -> list[Happening]:
        """Keep one packet of several."""
        if self.step is not Step.TAKEN or response.command != self._request.answer:
            self._reply(ACK)
            return []
        if len(self._packets) >= PACKETS_MAX:
            return self._damaged(now_ms)
        self._packets.append(body.raw)
        self._reply(ACK)
        return []

    def _answers(self, response: Response) -> bool:
        """Whether this is the answer: it echoes our reference, or echoes none and comes after the request was taken.

        What comes before that is a repetition of the answer to another request. Of another transaction tells only the
        refusal of one that was made before.
        """
        if self.step not in (Step.SENT, Step.TAKEN) or response.command != self._request.answer:
            return False
        if self.step is Step.TAKEN and response.code in MADE_BEFORE:
            return True
        echo = response.text(9, 1) if self._request.reference else ""
        return (self.step is Step.TAKEN and not echo) or (bool(echo) and echo == self._request.reference)

    def _repeated(self, response: Response) -> bool:
        return self.step in (Step.ANSWERED, Step.CONFIRMED) and response.command == self._request.answer

    def _answered(self, response: Response) -> list[Happening]:
        self.step, self._due_ms = Step.ANSWERED, NEVER_MS
        self._ended = False
        return [Answered(response)]

    def _damaged(self, now_ms: int) -> list[Happening]:
        """Ask for it again, but not for ever."""
        self._packets = []
        if self.step is not Step.TAKEN or not self._handshake:
            return self._fail("garbled") if self.step is Step.TAKEN else []
        self._bad += 1
        if self._bad < BAD_MAX:
            self._reply(NAK)
            return []
        self._reply(EOT)
        return self._fail("garbled")

    # What does not come

    def _elapsed(self, now_ms: int) -> list[Happening]:
        if self.step is Step.SENDING:
            return self._send(now_ms)
        if self.step is Step.SENT:
            return self._unheard(now_ms)
        if self.step is Step.TAKEN:
            return self._fail("timeout")
        if self.step is Step.CONFIRMED:
            self._confirm_again(now_ms)
        return []

    def _send(self, now_ms: int) -> list[Happening]:
        self._sends += 1
        self._out += self._request.frame
        self.step, self._due_ms = Step.SENT, now_ms + self._request.ack_ms
        if self._handshake:
            return []
        return self._taken(now_ms)

    def _unheard(self, now_ms: int) -> list[Happening]:
        if self._ended:
            return self._fail("refused")
        if self._request.once or self._sends >= self._request.sends_max:
            return self._fail("silent")
        return self._send(now_ms)

    def _confirm_again(self, now_ms: int) -> None:
        if self._acks >= ACKS_MAX:
            self._rest()  # the answer counts all the same
            return
        self._acks += 1
        self._reply(ACK)
        self._due_ms = now_ms + EOT_MS

    def _reply(self, byte: int) -> None:
        if self._handshake:
            self._out.append(byte)

    def _fail(self, reason: str) -> list[Happening]:
        self._rest()
        return [Failed(reason)]

    def _rest(self) -> None:
        self.step, self._due_ms = Step.IDLE, NEVER_MS
        self._packets = []
