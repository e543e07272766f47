"""The bench with a CCNET codec and its twin."""

from hardware.acceptors.ccnet import CcnetCodec
from hardware.sim.ccnet_device import Validator
from hardware.sim.ccnet_parts import Settings
from hardware.sim.ccnet_wire import Wire
from hardware.sim.lines import Weather
from tests.protocol import acceptor_bench

ALL = frozenset(range(1, 8))


class Bench(acceptor_bench.Bench):
    """`settings` are the twin's."""

    device: Validator
    wire: Wire
    codec: CcnetCodec

    def __init__(
        self,
        settings: Settings | None = None,
        weather: Weather | None = None,
        seed: int = 0,
        codec: CcnetCodec | None = None,
        device: Validator | None = None,
    ) -> None:
        device = device or Validator(settings)
        super().__init__(codec or CcnetCodec(), device, Wire(device), weather, seed)
