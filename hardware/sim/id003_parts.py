"""What the ID-003 twin is made of: its settings, its nameplate and its status codes.

What the protocol sheet marks as uncertain or differing between sources is a field of `Settings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# Note type to cents: code 61 is type 1. Gaps in the sets are unassigned rows.
USA = MappingProxyType({1: 100, 3: 500, 4: 1000, 5: 2000, 6: 5000, 7: 10000})
EURO = MappingProxyType({2: 500, 3: 1000, 4: 2000, 5: 5000, 6: 10000, 7: 20000, 8: 50000})
ROWS = 8

IDLING, ACCEPTING, ESCROW, STACKING, VEND_VALID, STACKED = 0x11, 0x12, 0x13, 0x14, 0x15, 0x16
REJECTING, RETURNING, HOLDING, DISABLED, INITIALIZE = 0x17, 0x18, 0x19, 0x1A, 0x1B
POWER_UP, IN_ACCEPTOR, IN_STACKER = 0x40, 0x41, 0x42
FULL, OPEN, JAM_ACCEPTOR, JAM_STACKER, PAUSE, CHEATED = 0x43, 0x44, 0x45, 0x46, 0x47, 0x48
COMMUNICATION_ERROR, INVALID_COMMAND, ACK = 0x4A, 0x4B, 0x50

# One word for each, as people and control requests name them.
WORDS = {
    IDLING: "idling",
    ACCEPTING: "accepting",
    ESCROW: "escrowed",
    STACKING: "stacking",
    VEND_VALID: "stacked",
    STACKED: "stacked",
    REJECTING: "returned",
    RETURNING: "returned",
    HOLDING: "escrowed",
    DISABLED: "disabled",
    INITIALIZE: "starting",
    POWER_UP: "power_up",
    IN_ACCEPTOR: "power_up",
    IN_STACKER: "power_up",
    FULL: "full",
    OPEN: "cassette_removed",
    JAM_ACCEPTOR: "jammed",
    JAM_STACKER: "jammed",
    PAUSE: "paused",
    CHEATED: "cheated",
}

NOT_RECOGNISED, INHIBITED, CONVEYING = 0x76, 0x79, 0x75  # why a note is rejected


@dataclass(frozen=True)
class Nameplate:
    """What the device says it is."""

    version: str
    serial: str
    country: int


NAMEPLATES = {
    "wba": Nameplate("W(USA)13-SS ID003-05V112-31 14MAR19 2B4E", "190300004417", 0x01),
    "ivizion": Nameplate("i(EUR5)100-SS ID003-05V300-45 28JUN23 7F23", "230600000815", 0xE0),
}
TABLES = {"wba": USA, "ivizion": EURO}

CLEARS = ("by itself", "by reset")
CASSETTE_BACK = ("initialize", "power up", "by reset")
SHOWN = ("", "returning", "rejecting")


@dataclass(frozen=True)
class Settings:
    """Times in milliseconds. The lower block holds what the sheet marks as uncertain or differing."""

    profile: str = "wba"
    table: Mapping[int, int] = field(default_factory=dict)  # the profile's if empty
    baud: int = 0  # the speed it is set to, 0 for any
    draw_in_ms: int = 600
    stack_ms: int = 700
    return_ms: int = 500
    init_ms: int = 2_000
    paused_ms: int = 1_000
    cheated_ms: int = 1_000
    speed: float = 1.0  # of the mechanics; what is measured between frames is not changed
    silence_ms: int = 3_000  # without a frame a note in 12 or 13 goes back
    escrow_ms: int = 10_000  # without a command
    stacked_polls: int = 0  # how many polls see STACKED; a capture had none
    rejecting_ms: int = 1_500  # until its owner takes a rejected note
    vend_data: bool = False  # VEND VALID carries the denomination
    vend_after_start: bool = True  # ... and comes after RESET from "power up with bill in stacker"
    stacking_is_in: str = "stacker"  # where a power cut while stacking finds the note: acceptor or stacker
    forgets_stacked: bool = False  # after a cut before the ACK it shows a plain power-up
    drives_out_as: str = "rejecting"  # what shows while a note found in the acceptor is driven out
    dumb_ms: int = 0  # a VEND VALID for so long, and nothing is answered but RESET; 0 is never
    knows_stack_2: bool = True
    clears: str = "by itself"  # a jam or a full cassette, when its cause is gone
    cassette_back: str = "initialize"
    answers_damage: bool = False  # a frame with a wrong CRC is answered 4A

    def __post_init__(self) -> None:
        places = ("acceptor", "stacker")
        known = self.profile in NAMEPLATES and self.stacking_is_in in places and self.drives_out_as in SHOWN
        if not (known and self.clears in CLEARS and self.cassette_back in CASSETTE_BACK):
            raise ValueError(f"no such ID-003 device: {self}")

    @property
    def notes(self) -> Mapping[int, int]:
        """Return note type to cents."""
        return self.table or TABLES[self.profile]
