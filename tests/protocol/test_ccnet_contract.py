"""CCNET under the contract of every acceptor, one class a way of telling that the sheet leaves open."""

from hardware.acceptors.ccnet import USA, CcnetCodec
from hardware.acceptors.contract import Codec
from hardware.sim.acceptor import Device, Wire
from hardware.sim.ccnet_device import Validator
from hardware.sim.ccnet_parts import Settings
from hardware.sim.ccnet_wire import Wire as CcnetWire
from tests.protocol.acceptor_contract import AcceptorContract


class _Ccnet(AcceptorContract):
    channels = {channel: value_minor for channel, (_, value_minor) in USA.items()}  # noqa: RUF012
    settings = Settings()

    def device(self) -> Device:
        return Validator(self.settings)

    def wire(self, device: Device) -> Wire:
        assert isinstance(device, Validator)
        return CcnetWire(device)

    def codec(self, before: Codec | None = None) -> CcnetCodec:
        return CcnetCodec()


class TestCashCode(_Ccnet):
    settings = Settings()


class TestClone(_Ccnet):
    """Silent about broken frames, busy at first, and unwilling to say much."""

    settings = Settings(
        "blank", busy_ms=800, nak_broken=False, waits_for_reset=False, told_on_start=False, shows_holding=False
    )
