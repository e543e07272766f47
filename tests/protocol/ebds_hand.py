"""A hand that plays the device: it answers the codec frame by frame."""

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
from hardware.acceptors.ebds import EbdsCodec, Profile
from hardware.acceptors.ebds.frames import FLAGS, Frame, parse

ALL = frozenset(range(1, 8))
SILENT_PROFILE = Profile("quiet", (), self_tests=True)  # nothing is asked: Connected follows the second good poll


def status(*flags: str, channel: int = 0, cassette: bool = True) -> bytes:
    data = bytearray([0, 0, 0, 0, 0x54, 0x2A])
    for name in (*flags, *(["cassette"] if cassette else [])):
        byte, mask = FLAGS[name]
        data[byte] |= mask
    data[2] |= channel << 3
    return bytes(data)


class Hand:
    """Answers the codec frame by frame; `polls` what it sent, as (time, frame)."""

    def __init__(self, profile: Profile = SILENT_PROFILE, toggle: int | None = None) -> None:
        self.codec = EbdsCodec(profile, toggle=toggle)
        self.now_ms = 0
        self.sent: list[bytes] = []
        self.events: list[Event] = []
        self.codec.line_opened(0)

    def poll(self) -> Frame:
        """Let time pass until the codec sends; return what it sent."""
        for _ in range(50):
            self.now_ms = max(self.now_ms, self.codec.due_ms())
            data, events = self.codec.tick(self.now_ms)
            self.events += events
            if data:
                self.sent.append(data)
                return parse(data)
        raise AssertionError("it does not send")

    def say(self, raw: bytes) -> list[Event]:
        self.now_ms += 20
        events = self.codec.feed(raw, self.now_ms)
        self.events += events
        return events

    def answer(self, *flags: str, channel: int = 0, cassette: bool = True) -> list[Event]:
        """Answer the next poll with a status; return the events that it brought."""
        self.poll()
        return self.answer_last(*flags, channel=channel, cassette=cassette)

    def answer_last(self, *flags: str, channel: int = 0, cassette: bool = True) -> list[Event]:
        """Answer the poll that was sent last."""
        toggle = parse(self.sent[-1]).toggle
        return self.say(Frame(2, toggle, status(*flags, channel=channel, cassette=cassette)).encode())

    def connected(self) -> "Hand":
        self.answer("idling")
        self.answer("idling")
        assert any(isinstance(event, Connected) for event in self.events)
        self.do(Enable(ALL))
        return self

    def do(self, command: Command) -> None:
        self.codec.command(command)

    def acknowledge(self) -> None:
        for event in self.events:
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
                self.do(Acknowledge(event.report))
