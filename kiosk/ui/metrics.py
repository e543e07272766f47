"""Sizes of one canvas: what stands where, how large text is, how large a finger's target must be."""

from dataclasses import dataclass
from functools import cached_property

# Text sizes 0 to 3; the largest doubles the default (S5). Titles start large and grow less.
TEXT_SCALES = (1.0, 1.25, 1.5, 2.0)
TITLE_SCALES = (1.0, 1.08, 1.16, 1.3)

# Pixels per millimetre of the panels these canvases are made for: 15.6 inch, and the 7 inch touch displays.
PANELS = {(1080, 1920): 5.57, (720, 1280): 8.27, (1280, 720): 8.27, (800, 480): 5.17}
CANVASES = tuple(PANELS)

TARGET_MM = 20.0
TARGET_GAP_MM = 5.0
# On a 7 inch panel five targets of 20 mm do not fit side by side, nor four above each other between the bands:
# there targets keep the 44 CSS pixels of WCAG 2.5.5.
SMALL_PANEL_MM = 120.0
SMALL_TARGET_MM = 11.6
SMALL_GAP_MM = 2.0

# Height of a capital letter as a part of the type size (Inter).
CAPITAL = 0.727


@dataclass(frozen=True)
class Metrics:
    """Sizes in pixels unless they say otherwise.

    `density` is in pixels per millimetre of the glass. `tight` below 1 draws the blocks of a full page smaller, so that
    it stays in one piece; what can be pressed keeps its least size.
    """

    width: int
    height: int
    density: float
    text_size: int = 0
    tight: float = 1.0

    @cached_property
    def landscape(self) -> bool:
        return self.width > self.height

    @cached_property
    def unit(self) -> float:
        """One unit of the design: 1080 of them across a portrait canvas, 1000 down a landscape one."""
        return self.height / 1000 if self.landscape else self.width / 1080

    def u(self, units: float) -> float:
        return units * self.unit * self.tight

    @property
    def scale(self) -> float:
        return TEXT_SCALES[self.text_size]

    @property
    def large(self) -> bool:
        """True when text is too large for things side by side."""
        return self.text_size >= 2

    def font(self, role: str) -> float:
        """Return the type size of a role: title, choice, body or note."""
        if role == "title":
            return self.u(68 if self.landscape else 92) * TITLE_SCALES[self.text_size]
        units = {"choice": 50, "body": 44, "note": 38}[role]
        return self.u(units * (1.08 if self.landscape else 1.0)) * self.scale

    @property
    def margin(self) -> float:
        return self.u(56)

    @property
    def gutter(self) -> float:
        """The gap between things that can be pressed: never less than a finger needs (S8)."""
        least = SMALL_GAP_MM if self.small_panel else TARGET_GAP_MM
        return max(self.u(24), least * self.density)

    @property
    def small_panel(self) -> bool:
        return min(self.width, self.height) / self.density < SMALL_PANEL_MM

    @property
    def target(self) -> float:
        """The least side of anything that can be pressed (S8)."""
        return (SMALL_TARGET_MM if self.small_panel else TARGET_MM) * self.density

    @property
    def top_band(self) -> float:
        return max(self.u(96 if self.landscape else 132), self.u(62) * self.band_scale)

    @property
    def bottom_band(self) -> float:
        return max(self.u(132 if self.landscape else 176), self.target + self.u(12))

    @property
    def band_scale(self) -> float:
        """Text in the bands grows less: five labels share one line on every canvas."""
        return (1.0, 1.08, 1.16, 1.25)[self.text_size]

    def capital_mm(self, role: str) -> float:
        """Return the height of a capital I on the glass (S4)."""
        return self.font(role) * CAPITAL / self.density
