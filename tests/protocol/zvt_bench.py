"""The ZVT codec and its twin on the bench of all terminals."""

from collections import deque
from dataclasses import replace
from typing import Any

from hardware.cards.contract import Codec
from hardware.cards.zvt import Attempt, Profile, ZvtCodec
from hardware.sim.lines import Weather
from hardware.sim.zvt_device import Terminal
from hardware.sim.zvt_parts import Memory, Settings
from hardware.sim.zvt_wire import SerialWire, TcpWire
from tests.protocol.terminal_bench import Bench, Twin

PLANS = {
    "approve": "approve",
    "decline": "decline",
    "partial": "partial",
    "cancel": "customer_cancels",
    "walk_away": "walks_away",
    "stays_silent": "stays_silent",
}
MOMENTS = {"card": "dies_before", "host": "dies_before", "booked": "dies_after"}


class ZvtTwin(Twin):
    def __init__(self, settings: Settings) -> None:
        self.device = Terminal(settings)
        self.wire = SerialWire(self.device) if settings.serial else TcpWire(self.device)
        self._written: deque[bytes] = deque()

    def power_on(self) -> None:
        if not self.device.powered:
            self.device.memory = Memory.from_json(self.device.memory.to_json())
            self.device.power_on()

    def power_cut(self) -> None:
        self.device.power_cut()

    def power_cut_at(self, when: str) -> None:
        if when:
            self.device.plan(MOMENTS[when])
        else:
            self.device.plans = deque(plan for plan in self.device.plans if plan[0] not in MOMENTS.values())

    def customer(self, does: str, **more: Any) -> None:
        self.device.plan(PLANS[does], more.get("part_minor", 0))
        self.device.slow_ms = max(0, more.get("host_ms", 0) - self.device.settings.host_ms)

    def returns(self, does: str, host_ms: int = 300) -> None:
        self.device.settings = replace(self.device.settings, returns=PLANS[does])
        self.device.slow_ms = max(0, host_ms - self.device.settings.host_ms)

    def customer_waits(self) -> bool:
        return self.device.state() == "waiting for card"

    def busy(self) -> bool:
        return self.device.state() not in ("idle", "off")

    def standing(self) -> list[int]:
        """A payment that waits for the kiosk's answer is approved; it is undone if none comes."""
        sales = [entry for entry in self.device.memory.entries if entry.kind == "sale"]
        return [entry.amount_minor for entry in sales if entry.state in ("pending", "stored")]

    def refunded(self) -> list[tuple[str, int]]:
        refunds = [entry for entry in self.device.memory.entries if entry.kind == "refund"]
        return [("", entry.amount_minor) for entry in refunds if entry.state in ("pending", "stored")]

    def made(self) -> int:
        return len([entry for entry in self.device.memory.entries if entry.kind == "sale"])

    def known(self) -> int:
        return len(self.device.memory.standing())

    def batches_closed(self) -> int:
        return self.device.memory.closed

    def in_batch(self) -> list[int]:
        return [entry.amount_minor for entry in self.device.memory.standing() if entry.open]

    def step(self, dt_ms: int) -> None:
        self._written += self.wire.step(dt_ms)

    def feed(self, data: bytes) -> None:
        self._written += self.wire.feed(data)

    def take(self) -> list[bytes]:
        written = list(self._written)
        self._written.clear()
        return written

    def connected(self) -> None:
        self.wire.opened()

    def disconnected(self) -> None:
        self._written.clear()
        self.wire.closed()


class ZvtBench(Bench):
    """`keeps` says whether a codec made after a crash gets what the one before kept outside the process."""

    codec: ZvtCodec

    def __init__(
        self,
        settings: Settings | None = None,
        profile: Profile | None = None,
        weather: Weather | None = None,
        seed: int = 0,
        keeps: bool = True,
    ) -> None:
        settings = settings or Settings()
        self.profile = profile or Profile(serial=settings.serial)
        self.keeps = keeps
        self.kept: Attempt | None = None
        twin = ZvtTwin(settings)
        self.device = twin.device
        super().__init__(self._fresh, twin, weather, seed)

    def _fresh(self) -> Codec:
        return ZvtCodec(self.profile, self.kept if self.keeps else None)

    def _send(self, direction: str, data: bytes) -> None:
        if direction == "out" and data:
            self.kept = self.codec.attempt  # what MemoryFile does before each write
        super()._send(direction, data)
