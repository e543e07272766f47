"""SSP under the contract of every acceptor, one class a device or a way to speak with it."""

import random

from hardware.acceptors.contract import Codec
from hardware.acceptors.ssp import PROFILES, USA, SspCodec
from hardware.sim.acceptor import Device, Wire
from hardware.sim.ssp_device import Acceptor
from hardware.sim.ssp_parts import Settings
from hardware.sim.ssp_wire import Wire as SspWire
from tests.protocol.acceptor_contract import AcceptorContract


class _Ssp(AcceptorContract):
    profile = "nv"
    settings = Settings()
    channels = {channel: value_minor for channel, (_, value_minor) in USA.items()}  # noqa: RUF012

    def device(self) -> Device:
        return Acceptor(self.settings)

    def wire(self, device: Device) -> Wire:
        assert isinstance(device, Acceptor)
        return SspWire(device)

    def codec(self, before: Codec | None = None) -> SspCodec:
        memory = before.memory if isinstance(before, SspCodec) else None
        return SspCodec(PROFILES[self.profile], memory=memory, entropy=random.Random(1).randbytes)


class TestInClear(_Ssp):
    pass


class TestInClearTersely(_Ssp):
    """It tells less than it could, and what it tells comes together."""

    settings = Settings(
        tells_stacking=False,
        joins_credit_and_stacked=True,
        names_channel_at_power_up=False,
        encryption=False,
        refuses_version_with=0xF4,
        version_max=6,
    )


class TestEncrypted(_Ssp):
    profile = "nv-encrypted"


class TestEncryptedThroughout(_Ssp):
    profile = "nv-encrypted"
    settings = Settings(require_key="everything", unacknowledged_survive=True, removed_repeats=True)


class TestEncryptionUnknown(_Ssp):
    profile = "nv-encrypted"
    settings = Settings(encryption=False)


class TestSmartPayout(_Ssp):
    profile = "smart-payout"
    settings = Settings("smart-payout", require_key="everything")
