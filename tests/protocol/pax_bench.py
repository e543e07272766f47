"""The PAX twin for the bench of all terminals."""

from dataclasses import replace
from typing import Any

from hardware.cards.pax import PaxCodec
from hardware.cards.pax import Settings as HostSettings
from hardware.sim.lines import Weather
from hardware.sim.pax_device import Terminal
from hardware.sim.pax_parts import Plan, Settings
from hardware.sim.pax_wire import Trouble, Wire
from tests.protocol.terminal_bench import Bench, Twin

ACK = b"\x06"


class PaxTwin(Twin):
    """`notices`: the terminal sees that the line was cut, as over TCP."""

    def __init__(self, settings: Settings | None = None, notices: bool = False, handshake: bool = True) -> None:
        self.terminal = Terminal(settings)
        self.trouble = Trouble()
        self._notices, self._handshake = notices, handshake
        self._known = 0
        self.wire = Wire(self.terminal, self.trouble, handshake)

    def power_on(self) -> None:
        if not self.terminal.powered:
            self.terminal.power_on()

    def power_cut(self) -> None:
        self.terminal.power_cut()

    def power_cut_at(self, when: str) -> None:
        self.terminal.armed.clear()
        if when:
            self.terminal.arm("power_cut", when)

    def customer(self, does: str, **more: Any) -> None:
        self.terminal.present(Plan(does, **more))

    def returns(self, does: str, host_ms: int = 300) -> None:
        self.terminal.settings = replace(self.terminal.settings, returns=does, void_ms=host_ms)

    def customer_waits(self) -> bool:
        return self.terminal.state() == "card"

    def busy(self) -> bool:
        return self.terminal.busy

    def standing(self) -> list[int]:
        return [record.amount_minor for record in self.terminal.memory.standing()]

    def refunded(self) -> list[tuple[str, int]]:
        return [(record.reference, record.amount_minor) for record in self.terminal.memory.refunds()]

    def made(self) -> int:
        return self.terminal.memory.made

    def batches_closed(self) -> int:
        return self.terminal.memory.wiped

    def in_batch(self) -> list[int]:
        records = self.terminal.memory.records
        return [record.amount_minor for record in records if record.kind == "01" and not record.voided]

    def step(self, dt_ms: int) -> None:
        self.terminal.step(dt_ms)
        self.wire.step(dt_ms)

    def references(self) -> list[str]:
        memory = self.terminal.memory
        return [record.reference for record in memory.settled + memory.records if record.kind == "01"]

    def known(self) -> int:
        return self._known

    def feed(self, data: bytes) -> None:
        untold = self.wire.approval_waits
        self.wire.feed(data)
        self._known += untold and data[:1] == ACK and not self.wire.approval_waits

    def take(self) -> list[bytes]:
        return self.wire.take()

    def connected(self) -> None:
        if self._notices:
            self.wire.hung_up()
            self.wire = Wire(self.terminal, self.trouble, self._handshake)

    def disconnected(self) -> None:
        if self._notices:
            self.wire.hung_up()


def pax_bench(
    settings: Settings | None = None,
    host: HostSettings | None = None,
    weather: Weather | None = None,
    seed: int = 0,
) -> Bench:
    """Return a bench whose terminal is off."""
    host = host or HostSettings()
    twin = PaxTwin(settings, notices=host.link != "serial", handshake=host.handshake)
    return Bench(lambda: PaxCodec(host), twin, weather, seed)
