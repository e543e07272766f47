"""ID-003 under the contract of every acceptor: a usual device, and one that does otherwise where sources disagree."""

from hardware.acceptors.contract import Codec
from hardware.acceptors.id003 import USA, Id003Codec
from hardware.sim.acceptor import Device, Wire
from hardware.sim.id003_device import Acceptor
from hardware.sim.id003_parts import Settings
from hardware.sim.id003_wire import Wire as Id003Wire
from tests.protocol.acceptor_contract import AcceptorContract


class _Id003(AcceptorContract):
    settings = Settings()
    channels = {channel: value_minor for channel, (_, value_minor) in USA.items()}  # noqa: RUF012

    def device(self) -> Device:
        return Acceptor(self.settings)

    def wire(self, device: Device) -> Wire:
        assert isinstance(device, Acceptor)
        return Id003Wire(device)

    def codec(self, before: Codec | None = None) -> Id003Codec:
        return Id003Codec(stacking=before.stacking if isinstance(before, Id003Codec) else 0)


class TestUsual(_Id003):
    pass


class TestOtherwise(_Id003):
    settings = Settings(
        stacked_polls=2,
        vend_data=True,
        vend_after_start=False,
        stacking_is_in="acceptor",
        drives_out_as="",
        knows_stack_2=False,
        clears="by reset",
        cassette_back="power up",
        answers_damage=True,
    )
