"""A hand that plays the device: it answers the codec frame by frame."""

from hardware.acceptors.ccnet import CcnetCodec
from hardware.acceptors.ccnet.frames import ACK, Code, parse, seal
from hardware.acceptors.ccnet.queries import USA, Table
from hardware.acceptors.contract import (
    Acknowledge,
    Command,
    Connected,
    Enable,
    Event,
    NoteRejected,
    NoteReturned,
    NoteStacked,
)
from tests.protocol.test_ccnet_frames import BY_NUMBER

ALL = frozenset(range(1, 8))
POLL = bytes([Code.POLL])
IDLE, DISABLED, ACCEPTING, STACKING, RETURNING = b"\x14", b"\x19", b"\x15", b"\x17", b"\x18"
ESCROW, STACKED, RETURNED = b"\x80\x04", b"\x81\x04", b"\x82\x04"  # $20: channel 5
ACKNOWLEDGED = seal(ACK)
PLATE, TABLE = parse(BY_NUMBER[39]), parse(BY_NUMBER[40])


class Hand:
    """`sent` is what the codec sent, as (time, frame)."""

    def __init__(self, table: Table = USA) -> None:
        self.codec = CcnetCodec(table)
        self.now_ms = 0
        self.sent: list[tuple[int, bytes]] = []
        self.events: list[Event] = []
        self.codec.line_opened(0)

    def hear(self) -> bytes:
        """Let time pass until the codec sends something other than ACK; return its data."""
        while True:
            data = self.hear_anything()
            if data != ACK:
                return data

    def hear_anything(self) -> bytes:
        for _ in range(200):
            self.now_ms = max(self.now_ms, self.codec.due_ms())
            data, events = self.codec.tick(self.now_ms)
            self.events += events
            if data:
                self.sent.append((self.now_ms, data))
                return parse(data)
        raise AssertionError("it does not send")

    def pass_ms(self, ms: int) -> None:
        """Let time pass; what is sent meanwhile gets no answer."""
        end_ms = self.now_ms + ms
        while (due_ms := self.codec.due_ms()) <= end_ms:
            self.now_ms = max(self.now_ms, due_ms)
            data, events = self.codec.tick(self.now_ms)
            self.events += events
            self.sent += [(self.now_ms, data)] if data else []
        self.now_ms = end_ms

    def say(self, raw: bytes) -> list[Event]:
        """Send bytes, five milliseconds later."""
        self.now_ms += 5
        events = self.codec.feed(raw, self.now_ms)
        self.events += events
        return events

    def answer(self, *data: bytes) -> list[Event]:
        """Answer polls with these states, one each, and what is commanded between them with ACK; return the events."""
        events: list[Event] = []
        for state in data:
            while (asked := self.hear()) != POLL:
                events += self.say(seal({Code.IDENTIFICATION: PLATE, Code.GET_BILL_TABLE: TABLE}.get(asked[0], ACK)))
            events += self.say(seal(state))
        return events

    def commands(self) -> list[bytes]:
        """Return what was commanded so far, without polls and ACK."""
        return [data for _, raw in self.sent if (data := parse(raw)) not in (POLL, ACK)]

    def connected(self) -> "Hand":
        self.answer(DISABLED, DISABLED, DISABLED, DISABLED)
        assert any(isinstance(event, Connected) for event in self.events)
        self.do(Enable(ALL))
        self.answer(IDLE, IDLE)
        self.answer_status()
        self.answer(IDLE)
        self.sent.clear()
        self.events.clear()
        return self

    def answer_status(self) -> None:
        """It is asked what it has enabled."""
        assert self.hear() == bytes([Code.GET_STATUS])
        self.say(BY_NUMBER[38])

    def do(self, command: Command) -> None:
        self.codec.command(command)

    def acknowledge(self) -> None:
        for event in self.events:
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
                self.do(Acknowledge(event.report))

    def next(self) -> bytes:
        """Return the very next thing it sends within the ACK's time, b"" if that is nothing."""
        end_ms = self.now_ms + 15
        while (due_ms := self.codec.due_ms()) <= end_ms:
            self.now_ms = max(self.now_ms, due_ms)
            data, events = self.codec.tick(self.now_ms)
            self.events += events
            if data:
                self.sent.append((self.now_ms, data))
                return data
        return b""
