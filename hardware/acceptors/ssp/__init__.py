"""SSP and eSSP: Innovative Technology's note validators and recyclers."""

from hardware.acceptors.ssp.codec import SspCodec
from hardware.acceptors.ssp.profiles import NV, NV_ENCRYPTED, PROFILES, SMART_PAYOUT, Profile
from hardware.acceptors.ssp.setup import USA

__all__ = ["NV", "NV_ENCRYPTED", "PROFILES", "SMART_PAYOUT", "USA", "Profile", "SspCodec"]
