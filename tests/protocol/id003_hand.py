"""A hand that plays the device: it answers the codec frame by frame."""

from hardware.acceptors.contract import (
    Acknowledge,
    Command,
    Connected,
    Enable,
    Event,
    Idle,
    NoteRejected,
    NoteReturned,
    NoteStacked,
)
from hardware.acceptors.id003 import Id003Codec
from hardware.acceptors.id003.frames import Frame, parse

ALL = frozenset(range(1, 8))
IDLE, ACCEPTING, STACKING, VEND_VALID, STACKED = 0x11, 0x12, 0x14, 0x15, 0x16
RETURNING, DISABLED, INITIALIZE = 0x18, 0x1A, 0x1B
TABLE = bytes.fromhex("61010100 62000000 63010500 64010A00 65011400 66013200 67010A01 68000000")
QUERIES = {0x88: b"W(USA)13-SS ID003-05V112-31 14MAR19 2B4E", 0x8A: TABLE, 0x91: b"190300004417", 0x83: b"\x00"}


class Hand:
    """`sent` is what the codec said; settings and queries are answered by themselves, if they are not in `refused`."""

    def __init__(self, stacking: int = 0) -> None:
        self.codec = Id003Codec(stacking=stacking)
        self.now_ms = 0
        self.sent: list[Frame] = []
        self.events: list[Event] = []
        self.queries = dict(QUERIES)
        self.refused: set[int] = set()
        self._status: tuple[int, bytes] = (DISABLED, b"")
        self.codec.line_opened(0)

    def next(self) -> Frame:
        """Let time pass until the codec sends; return what it sent."""
        for _ in range(50):
            self.now_ms = max(self.now_ms, self.codec.due_ms())
            data, events = self.codec.tick(self.now_ms)
            self.events += events
            if data:
                self.sent.append(parse(data))
                return self.sent[-1]
        raise AssertionError("it does not send")

    def say(self, code: int, data: bytes = b"") -> list[Event]:
        self.now_ms += 20
        events = self.codec.feed(Frame(code, data).encode(), self.now_ms)
        self.events += events
        return events

    def until(self, code: int) -> Frame:
        """Answer as before until the codec sends `code`; return that frame, unanswered. Orders are taken meanwhile."""
        for _ in range(60):
            frame = self.next()
            if frame.code == code:
                return frame
            if frame.code in self.refused:
                self.say(0x4B)
            elif 0xC0 <= frame.code <= 0xC7:
                self.say(frame.code, frame.data)
            elif frame.code in self.queries:
                self.say(frame.code, self.queries[frame.code])
            elif frame.code == 0x11:
                self.say(*self._status)
            elif frame.code != 0x50:
                self.say(0x50)
        raise AssertionError(f"{code:02X} does not come")

    def status(self, code: int, data: bytes = b"") -> list[Event]:
        """Answer the next status request; return the events that this brought."""
        self.until(0x11)
        self._status = (code, data)
        return self.say(code, data)

    def rest(self, code: int = DISABLED, polls: int = 3) -> list[Event]:
        """Rest for so many polls; return the events."""
        return [event for _ in range(polls) for event in self.status(code)]

    def connected(self) -> "Hand":
        self.rest(polls=4)
        assert any(isinstance(event, Connected) for event in self.events)
        self.do(Enable(ALL))
        self.rest()
        self.rest(IDLE)
        assert any(isinstance(event, Idle) for event in self.events)
        self.events.clear()
        return self

    def holding(self, code: int = 0x65) -> "Hand":
        """A note is in escrow."""
        self.status(ACCEPTING)
        self.status(0x13, bytes([code]))
        return self

    def do(self, command: Command) -> None:
        self.codec.command(command)

    def acknowledge(self) -> None:
        for event in self.events:
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
                self.do(Acknowledge(event.report))


def codes(hand: Hand) -> list[int]:
    return [frame.code for frame in hand.sent]


def kinds(events: object) -> list[str]:
    return [type(event).__name__ for event in events]  # type: ignore[attr-defined]
