"""What the SSP twin is made of: its settings, its events, and what survives a power cut.

What the protocol sheet marks as uncertain or differing between sources is a field of `Settings`.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hardware.sim.notes import MOMENTS as NOTE_MOMENTS
from hardware.sim.notes import Body, Place

USA = MappingProxyType({1: 100, 2: 200, 3: 500, 4: 1000, 5: 2000, 6: 5000, 7: 10000})  # channel to cents

PROFILES = ("nv", "smart-payout")
MOMENTS = (*NOTE_MOMENTS, "dispensing")
PAYOUT_FAILURES = ("refused", "jammed", "halted", "timed_out", "power_cut")
KEYS = ("none", "payout_commands", "everything")

# Events that POLL WITH ACK tells until they are acknowledged.
NEEDS_ACK = frozenset(
    {
        "credit",
        "cleared_into_cashbox",
        "fraud",
        "dispensed",
        "payout_jammed",
        "payout_halted",
        "payout_timeout",
        "incomplete_payout",
        "dispensed_at_power_up",
        "paid_into_store_at_power_up",
        "paid_into_stacker_at_power_up",
    }
)


@dataclass(frozen=True)
class Settings:
    """Times in milliseconds. The lower block holds what the sheet marks as uncertain or differing."""

    profile: str = "nv"
    table: Mapping[int, int] = field(default_factory=lambda: USA)
    currency: str = "USD"
    serial: int = 1_873_452
    encryption: bool = True  # it knows the key commands at all
    require_key: str = "payout_commands"
    fixed_key: int = 0x0123456701234567
    version_max: int = 8
    capacity: int = 70  # of the payout store
    draw_in_ms: int = 600
    stack_ms: int = 700
    settle_ms: int = 300  # from the credit to the cashbox
    return_ms: int = 500
    dispense_ms: int = 900
    boot_ms: int = 1_000  # silent
    clear_ms: int = 500  # what was in the path is seen to
    escrow_ms: int = 10_000
    speed: float = 1.0  # of the mechanics
    escrow_ends: str = "returned"  # on silence: returned after escrow_ms, or "stacked" after 2 s without HOLD (17.7)
    escrow_at_power_up: str = "returned"  # or "stacked"
    names_channel_at_power_up: bool = True  # E1 and E2 carry the channel, or 0
    tells_stacking: bool = True  # CC may be missed completely (10, rule 8)
    joins_credit_and_stacked: bool = False  # in one reply
    unacknowledged_survive: bool = False  # a power loss (9.2)
    removed_repeats: bool = False  # E3 in each poll, or once
    disable_returns: bool = True  # DISABLE in escrow returns the note (10, rule 6)
    refuses_version_with: int = 0xF8  # or F4 (17.11)
    counts_before_value: bool = False  # CA, CB and CD carry a count first (17.4)
    transit_at_power_up: str = "store"  # the note on its way out goes back to the "store", or is paid "out"

    def __post_init__(self) -> None:
        if self.profile not in PROFILES or self.require_key not in KEYS:
            raise ValueError(f"no such profile or setting: {self.profile}, {self.require_key}")

    @property
    def recycles(self) -> bool:
        return self.profile == "smart-payout"


@dataclass
class SspBody(Body):
    """A recycler keeps notes of value to count in `store`. `settling` is a credited note not yet at rest, 0 if none.

    `paying` and `paid` are of the payout that is under way: what was asked for and what came out, in cents; `transit`
    is the note on its way out. `handed_out` are all that customers took.
    """

    store: Counter[int] = field(default_factory=Counter)
    handed_out: Counter[int] = field(default_factory=Counter)
    settling: int = 0
    into_store: bool = False  # where the note on its way in goes, or went
    paying: int = 0
    paid: int = 0
    transit: int = 0

    def to_json(self) -> dict[str, Any]:
        counters = {name: _listed(getattr(self, name)) for name in ("notes", "store", "handed_out")}
        return asdict(self) | {"place": self.place.value} | counters

    @staticmethod
    def from_json(content: dict[str, Any]) -> "SspBody":
        counters = {name: _counted(content[name]) for name in ("notes", "store", "handed_out")}
        return SspBody(**(content | {"place": Place(content["place"])} | counters))


def _listed(counter: Counter[int]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(counter.items())}


def _counted(content: dict[str, int]) -> Counter[int]:
    return Counter({int(value): int(count) for value, count in content.items()})


def load(path: Path | None) -> SspBody | None:
    """Return the body that an earlier process kept in the file, None if there is none."""
    if path is None or not path.exists():
        return None
    return SspBody.from_json(json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Event:
    """One event of a poll reply. `channel`, `minor` and `asked` where the event carries such a thing."""

    name: str
    channel: int = 0
    minor: int = 0
    asked: int = 0
