"""What differs between the devices that speak EBDS (sheet section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from hardware.acceptors.ebds.frames import MEI_ONLY

Table = Mapping[int, tuple[str, int]]

# Note types of the United States sets (section 6): channel to (ISO currency, cents).
USA: Table = {
    1: ("USD", 100),
    2: ("USD", 200),
    3: ("USD", 500),
    4: ("USD", 1000),
    5: ("USD", 2000),
    6: ("USD", 5000),
    7: ("USD", 10000),
}


@dataclass(frozen=True)
class Profile:
    """`queries` names what is asked at start (`queries.py`); `ignored` the status flags without meaning here."""

    name: str
    queries: tuple[str, ...]
    ignored: frozenset[str] = frozenset()
    one_state: bool = False  # exactly one state bit is set in a well-formed status
    revision: str = "tenths"  # how d5 is read: tenths, nibbles or hundredths
    self_tests: bool = False  # trying its stacker it reports a stacked note without a value (section 9)


MEI_SC = Profile("mei-sc", ("type", "serial", "variant", "application", "table", "escrow_timeout"), self_tests=True)
MEI_S2K = Profile("mei-s2k", ("type", "serial", "variant", "application"), revision="nibbles")
PYRAMID = Profile("pyramid", ("telemetry_serial",), ignored=MEI_ONLY, one_state=True, revision="hundredths")

PROFILES = {profile.name: profile for profile in (MEI_SC, MEI_S2K, PYRAMID)}


def revision_text(profile: Profile, revision: int) -> str:
    """Return d5 as people write it: SC 0x23 is 3.5, Series 2000 0x23 is 2.3, Pyramid 17 is 1.17 (section 6)."""
    if profile.revision == "nibbles":
        return f"{revision >> 4}.{revision & 0x0F}"
    if profile.revision == "hundredths":
        return f"1.{revision:02d}"
    return f"{revision // 10}.{revision % 10}"
