"""EBDS under the contract of every acceptor, one class a device."""

from hardware.acceptors.contract import Codec
from hardware.acceptors.ebds import PROFILES, EbdsCodec
from hardware.acceptors.ebds.profiles import USA
from hardware.sim.acceptor import Device, Wire
from hardware.sim.ebds_device import Acceptor
from hardware.sim.ebds_parts import Settings
from hardware.sim.ebds_wire import Wire as EbdsWire
from tests.protocol.acceptor_contract import AcceptorContract


class _Ebds(AcceptorContract):
    profile = ""
    channels = {channel: value_minor for channel, (_, value_minor) in USA.items()}  # noqa: RUF012

    def device(self) -> Device:
        return Acceptor(Settings(self.profile))

    def wire(self, device: Device) -> Wire:
        assert isinstance(device, Acceptor)
        return EbdsWire(device)

    def codec(self, before: Codec | None = None) -> EbdsCodec:
        toggle = before.toggle if isinstance(before, EbdsCodec) else None
        return EbdsCodec(PROFILES[self.profile], toggle=toggle)


class TestMeiSc(_Ebds):
    profile = "mei-sc"


class TestMeiS2k(_Ebds):
    profile = "mei-s2k"


class TestPyramid(_Ebds):
    profile = "pyramid"
