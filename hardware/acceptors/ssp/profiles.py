"""What differs between the devices that speak SSP (sheet sections 1, 6.5 and 13)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """`encryption`: "never", "possible" (in clear if the device knows none), or "always"."""

    name: str
    encryption: str = "never"
    pays_out: bool = False


NV = Profile("nv")  # NV9USB, NV10USB, BV, NV200: pay-in needs no encryption
NV_ENCRYPTED = Profile("nv-encrypted", "possible")  # the same, with POLL WITH ACK
SMART_PAYOUT = Profile("smart-payout", "always", pays_out=True)

PROFILES = {profile.name: profile for profile in (NV, NV_ENCRYPTED, SMART_PAYOUT)}
