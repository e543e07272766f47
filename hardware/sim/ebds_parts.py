"""What the EBDS twin is made of: its settings, and what it reports.

What the protocol sheet marks as uncertain or differing between sources is a field of `Settings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

USA = MappingProxyType({1: 100, 2: 200, 3: 500, 4: 1000, 5: 2000, 6: 5000, 7: 10000})  # note type to cents

PROFILES = ("mei-sc", "mei-s2k", "pyramid")
POLICIES = ("A", "B", "C")
EXCLUSIVE: tuple[str, ...] = ("stacked", "returned", "rejected")  # at most one of them is set
ONE_SHOT: tuple[str, ...] = (*EXCLUSIVE, "cheated", "power_up", "invalid_command")


@dataclass(frozen=True)
class Settings:
    """Times in milliseconds. The lower block holds what the sheet marks as uncertain or differing."""

    profile: str = "mei-sc"
    policy: str = "A"
    table: Mapping[int, int] = field(default_factory=lambda: USA)
    draw_in_ms: int = 600
    stack_ms: int = 700
    return_ms: int = 500
    power_up_ms: int = 1_500
    self_test_ms: int = 500
    no_cassette_ms: int = 19_000
    paused_ms: int = 1_000
    rejected_polls: int = 4  # MEI holds the level; Pyramid shows it once
    slow_poll_ms: int = 400
    slow_polls: int = 3
    speed: float = 1.0  # of the mechanics; what is measured between polls is not changed
    silence_ms: int = 5_000  # sheet 16.2: 5 s (emulator) or 8 s (a comment); for MEI only indirect evidence
    give_back_ms: int = 10_000  # Series 2000: "after an extended silence"
    power_up_idles: bool = True  # d0 during power-up is 01 or 00
    given_back_as: str = "returned"  # what a device without policies reports for a note that a power cut left inside

    def __post_init__(self) -> None:
        if self.profile not in PROFILES or self.policy not in POLICIES or self.given_back_as not in ONE_SHOT:
            raise ValueError(f"no such profile, policy or event: {self.profile}, {self.policy}, {self.given_back_as}")

    @property
    def self_tests(self) -> bool:
        """Whether the stacker's self-test shows as a blank stacked report."""
        return self.profile == "mei-sc"


@dataclass(frozen=True)
class Report:
    """What the device would say now. `flags` are the names of the sheet's bits; `channel` the note type or 0."""

    flags: frozenset[str]
    channel: int
