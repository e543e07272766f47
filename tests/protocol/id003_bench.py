"""The bench with an ID-003 codec and its twin."""

from hardware.acceptors.contract import Connected, Enable
from hardware.acceptors.id003 import Id003Codec
from hardware.sim.id003_device import Acceptor
from hardware.sim.id003_parts import Settings
from hardware.sim.id003_wire import Wire
from hardware.sim.lines import Weather
from tests.protocol import acceptor_bench

ALL = frozenset({1, 3, 4, 5, 6, 7})


class Bench(acceptor_bench.Bench):
    """`settings` are the twin's."""

    device: Acceptor
    wire: Wire
    codec: Id003Codec

    def __init__(
        self,
        settings: Settings | None = None,
        weather: Weather | None = None,
        seed: int = 0,
        device: Acceptor | None = None,
    ) -> None:
        device = device or Acceptor(settings)
        super().__init__(Id003Codec(), device, Wire(device), weather, seed)

    def start(self) -> None:
        """Power on, and connect."""
        self.device.power_on()
        self.until(lambda: self.of(Connected))

    def ready(self) -> "Bench":
        """Start, and take every note."""
        self.start()
        self.enable()
        return self

    def enable(self) -> None:
        self.codec.command(Enable(ALL))
        self.until(lambda: 2000 in self.device.enabled)
        self.run(500)
        self.events.clear()

    def reconnect(self) -> None:
        """Wait for the next Connected, and take every note."""
        count = len(self.of(Connected))
        self.until(lambda: len(self.of(Connected)) > count)
        self.codec.command(Enable(ALL))
        self.until(lambda: 2000 in self.device.enabled)
