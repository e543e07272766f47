"""The bench with an EBDS codec and its twin."""

from hardware.acceptors.ebds import PROFILES, EbdsCodec
from hardware.sim.ebds_device import Acceptor
from hardware.sim.ebds_parts import Settings
from hardware.sim.ebds_wire import Wire
from hardware.sim.lines import Weather
from tests.protocol import acceptor_bench

ALL = frozenset(range(1, 8))


class Bench(acceptor_bench.Bench):
    """`settings` are the twin's; its profile is the codec's too."""

    device: Acceptor
    wire: Wire
    codec: EbdsCodec

    def __init__(
        self,
        settings: Settings | None = None,
        weather: Weather | None = None,
        seed: int = 0,
        codec: EbdsCodec | None = None,
        device: Acceptor | None = None,
    ) -> None:
        device = device or Acceptor(settings)
        codec = codec or EbdsCodec(PROFILES[device.settings.profile])
        super().__init__(codec, device, Wire(device), weather, seed)
