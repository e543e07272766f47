"""SSP codec and twin on one bench in virtual time; also with a hand that plays the device."""

import random

from hardware.acceptors.contract import (
    Acknowledge,
    Cashbox,
    Command,
    Connected,
    Enable,
    Event,
    NotePaidOut,
    PayoutEnded,
)
from hardware.acceptors.ssp import NV, SMART_PAYOUT, Profile, SspCodec
from hardware.acceptors.ssp.frames import Frame, Receiver
from hardware.sim.lines import Weather
from hardware.sim.ssp_device import Acceptor
from hardware.sim.ssp_parts import Settings
from hardware.sim.ssp_wire import Wire
from tests.protocol.acceptor_bench import REPORTS, Bench

ALL = frozenset(range(1, 8))
PAID_REPORTS = (NotePaidOut, PayoutEnded, Cashbox)
STORED = frozenset({1, 3, 4})  # $1, $5 and $10 are kept for change


def codec(profile: Profile = NV, memory: int | None = None, seed: int = 1) -> SspCodec:
    stored = STORED if profile is SMART_PAYOUT else frozenset[int]()
    return SspCodec(profile, memory=memory, stored=stored, entropy=random.Random(seed).randbytes)


class SspBench(Bench):
    """A bench whose device's inside can be looked at. Reports of a recycler are acknowledged too."""

    device: Acceptor
    wire: Wire
    codec: SspCodec

    def __init__(
        self,
        settings: Settings | None = None,
        profile: Profile = NV,
        weather: Weather | None = None,
        seed: int = 0,
        device: Acceptor | None = None,
    ) -> None:
        self.profile = profile
        device = device or Acceptor(settings)
        super().__init__(codec(profile), device, Wire(device, seed=seed), weather, seed)

    def _take(self, events: list[Event]) -> None:
        super()._take(events)
        for event in events:
            if isinstance(event, PAID_REPORTS) and self.acknowledging:
                self._acks.append((self.now_ms + self.ack_after_ms, event.report))

    def acknowledge_all(self) -> None:
        self.acknowledging = True
        for event in self.events:
            if isinstance(event, (*REPORTS, *PAID_REPORTS)):
                self.codec.command(Acknowledge(event.report))

    def ready(self) -> "SspBench":
        self.device.power_on()
        self.until(lambda: self.of(Connected))
        self.codec.command(Enable(ALL))
        self.until(lambda: self.device.enabled)
        self.run(1_000)
        self.events.clear()
        return self

    def reborn(self) -> None:
        """The host's process dies, and the next one knows what was kept outside."""
        self.restart_host(codec(self.profile, self.codec.memory, seed=2))


def recycler(settings: Settings | None = None, **store: int) -> SspBench:
    """Return a bench with a SMART Payout that holds notes: `v500=2` are two of five dollars."""
    bench = SspBench(settings or Settings("smart-payout", require_key="everything"), SMART_PAYOUT)
    for name, count in store.items():
        bench.device.own.store[int(name[1:])] = count
    return bench


class Hand:
    """Answers the codec frame by frame, in clear."""

    def __init__(self, profile: Profile = NV, memory: int | None = None, greet: bool = True) -> None:
        self.codec = codec(profile, memory)
        self.now_ms = 0
        self.sent: list[bytes] = []
        self.events: list[Event] = []
        self.codec.line_opened(0)
        if greet:
            self.greet()

    def asked(self) -> Frame:
        """Let time pass until the codec sends; return what."""
        for _ in range(50):
            self.now_ms = max(self.now_ms, self.codec.due_ms())
            data, events = self.codec.tick(self.now_ms)
            self.events += events
            if data:
                self.sent.append(data)
                [frame] = Receiver().feed(data)
                return frame
        raise AssertionError("it does not send")

    def say(self, raw: bytes) -> list[Event]:
        self.now_ms += 15
        events = self.codec.feed(raw, self.now_ms)
        self.events += events
        return events

    def answer(self, data: str = "F0") -> list[Event]:
        """Answer what was asked last."""
        [frame] = Receiver().feed(self.sent[-1])
        return self.say(Frame(frame.flag, bytes.fromhex(data)).encode())

    def next(self, data: str = "F0") -> list[Event]:
        """Wait for the next frame and answer it."""
        self.asked()
        return self.answer(data)

    def exchange(self, command: str, data: str = "F0") -> list[Event]:
        """Expect this command next, and answer it."""
        self.asked()
        return self.exchange_of(command, data)

    def exchange_of(self, command: str, data: str = "F0") -> list[Event]:
        """Expect that this command was the last, and answer it."""
        [frame] = Receiver().feed(self.sent[-1])
        assert frame.data == bytes.fromhex(command), f"{frame.data.hex()} came, not {command}"
        return self.answer(data)

    def greet(self, setup: str = "") -> None:
        """Answer everything up to Connected, with three idle polls."""
        for command, data in GREETING:
            self.exchange(command, setup if setup and command == "05" else data)
        for _ in range(3):
            self.exchange("07")
        assert any(isinstance(event, Connected) for event in self.events)
        self.exchange("09")
        self.events.clear()

    def enable(self, channels: frozenset[int] = ALL) -> None:
        self.codec.command(Enable(channels))

    def enabled(self) -> "Hand":
        self.enable()
        self.exchange("02 7F 00")
        self.exchange("0A")
        return self

    def do(self, command: Command) -> None:
        self.codec.command(command)

    def acknowledge(self) -> None:
        for event in self.events:
            if isinstance(event, (*REPORTS, *PAID_REPORTS)):
                self.do(Acknowledge(event.report))


SETUP = (
    "F0 00 30 34 35 39 55 53 44 00 00 01 07 01 02 05 0A 14 32 64 02 02 02 02 02 02 02 00 00 64 06"
    + " 55 53 44" * 7
    + " 01 00 00 00 02 00 00 00 05 00 00 00 0A 00 00 00 14 00 00 00 32 00 00 00 64 00 00 00"
)
GREETING = (
    ("11", "F0"),
    ("11", "F0"),
    ("18", "F5"),
    ("09", "F0"),
    ("06 08", "F8"),
    ("06 07", "F4"),
    ("06 06", "F0"),
    ("05", SETUP),
    ("0C", "F0 00 1C 96 2C"),
    ("20", "F0 4E 56 30 32 30 30 34 31 34 31 34 39 38 30 30 30"),
    ("21", "F0 55 53 44 30 31 44 30 31"),
    ("58", "F0 05 0C 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 01 00 00"),
)
