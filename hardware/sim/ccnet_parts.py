"""What the CCNET twin is made of: its settings, and what it is and says.

What the protocol sheet marks as uncertain or differing between sources is a field of `Settings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# Place in the bill table, counted from 1, to cents; on the wire the bill type is one less.
USA = MappingProxyType({1: 100, 2: 200, 3: 500, 4: 1000, 5: 2000, 6: 5000, 7: 10000})

# Part numbers of the models (section 1), padded to fifteen characters on the wire.
MODELS = {
    "sm": "SM-US1353",
    "msm": "MSM-US1000",
    "mvu": "MVU-US1453",
    "fls": "FLS-US10-693639",
    "mfl": "FL-US2715",
    "sl": "SL-US1020",
    "gx": "GX-US1101",
    "c100": "C100-US0204",
    "v7": "ICTV77_US",
    "nv9": "BV009-USD",
    "blank": "",  # some clones
}


@dataclass(frozen=True)
class Settings:
    """Times in milliseconds. The lower block holds what the sheet marks as uncertain or differing."""

    model: str = "sm"
    serial: str = "07KI41AS7482"
    table: Mapping[int, int] = field(default_factory=lambda: USA)
    letters: str = "USA"  # country or currency, in the bill table
    baud: int = 0  # the speed it is set to, 0 for any
    draw_in_ms: int = 600
    stack_ms: int = 700
    return_ms: int = 500
    initialize_ms: int = 1_500
    busy_ms: int = 0  # after RESET, before it initialises, it says BUSY
    pause_ms: int = 1_000
    reject_ms: int = 300  # it shows this for so long at least
    speed: float = 1.0  # of the mechanics; what is measured between commands is not changed
    latch: bool = True  # a report is said until one was acknowledged; else once (section 4)
    remembers: bool = True  # ... over a power cut, too; else a note that reached the cassette is never told
    told_on_start: bool = True  # what it gave back at power-up it reports as returned
    nak_broken: bool = True  # a broken frame is answered with NAK; else with silence
    waits_for_reset: bool = True  # after power-up; else it initialises by itself
    refuses_before_reset: bool = True  # ENABLE BILL TYPES then gets NAK
    shows_holding: bool = True  # HOLDING after HOLD; else ESCROW as before
    escrow_ms: int = 10_000  # documents; a user measured 11 s
    silence_ms: int = 0  # it disables itself when nobody polls for so long; 0: it goes on
    cheat_stays: bool = False  # the alarm stays until RESET; else it is said once
    gives_back_as: str = "returned"  # what it says of a note that it does not stack after all: returned or rejected
    jam_yields: bool = False  # RESET frees a jam

    def __post_init__(self) -> None:
        if self.model not in MODELS or self.gives_back_as not in ("returned", "rejected"):
            raise ValueError(f"no such model or report: {self.model}, {self.gives_back_as}")


# What a POLL is answered with, by name
CODES = {
    "power_up": 0x10,
    "power_up_in_validator": 0x11,
    "power_up_in_stacker": 0x12,
    "initialize": 0x13,
    "idling": 0x14,
    "accepting": 0x15,
    "stacking": 0x17,
    "returning": 0x18,
    "disabled": 0x19,
    "holding": 0x1A,
    "busy": 0x1B,
    "rejected": 0x1C,
    "full": 0x41,
    "cassette_out": 0x42,
    "jammed": 0x43,
    "cheated": 0x45,
    "paused": 0x46,
    "failure": 0x47,
    "escrowed": 0x80,
    "stacked": 0x81,
    "returned": 0x82,
}

# Rejecting reasons (section 7.1)
INSERTION, IDENTIFICATION, INHIBITED = 0x60, 0x65, 0x68
STACKING_MOTOR = 0x50


@dataclass(frozen=True)
class Report:
    """What the device says: the name of a state in CODES, and the second byte if it has one."""

    name: str
    extra: int | None = None

    def encode(self) -> bytes:
        head = bytes([CODES[self.name]])
        return head if self.extra is None else head + bytes([self.extra])
