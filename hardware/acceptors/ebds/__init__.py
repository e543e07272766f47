"""EBDS: MEI / CPI Cashflow SC and Series 2000, Pyramid Apex."""

from hardware.acceptors.ebds.codec import EbdsCodec
from hardware.acceptors.ebds.profiles import MEI_S2K, MEI_SC, PROFILES, PYRAMID, USA, Profile

__all__ = ["MEI_S2K", "MEI_SC", "PROFILES", "PYRAMID", "USA", "EbdsCodec", "Profile"]
