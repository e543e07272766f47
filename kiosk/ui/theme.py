"""Colours of the screens, as tokens. Contrast is computed in the tests (accessibility S1 to S3)."""

from dataclasses import dataclass, replace

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Theme:
    """Colours as "#RRGGBB".

    `ground` is behind everything, `surface` is what can be pressed, `tint` a calm area, `band` the bottom band.
    `border` parts what can be pressed from its ground with at least 3:1; `hairline` only orders and needs no contrast.
    """

    ground: str
    ink: str
    muted: str
    primary: str
    on_primary: str
    accent: str
    surface: str
    border: str
    hairline: str
    band: str
    tint: str
    off: str
    success: str
    caution: str
    error: str
    success_tint: str
    caution_tint: str
    error_tint: str
    pressed: str
    focus: str
    staff_band: str
    on_staff_band: str

    def tone(self, name: str) -> str:
        """Return the colour of a tone: success, caution, error or info."""
        return {"success": self.success, "caution": self.caution, "error": self.error}.get(name, self.primary_ink)

    def tone_tint(self, name: str) -> str:
        tints = {"success": self.success_tint, "caution": self.caution_tint, "error": self.error_tint}
        return tints.get(name, self.tint)

    @property
    def primary_ink(self) -> str:
        """The accent as a colour of text and lines on ground and tint."""
        return self.accent


LIGHT = Theme(
    ground="#FAF6EF",
    ink="#14243B",
    muted="#44546B",
    primary="#0B5D62",
    on_primary="#FFFFFF",
    accent="#0B5D62",
    surface="#FFFFFF",
    border="#8F8571",
    hairline="#D2C9B9",
    band="#F1E9DB",
    tint="#E3EEEC",
    off="#656E7B",
    success="#1F6B3A",
    caution="#8A4B08",
    error="#8C1D18",
    success_tint="#E3EFE5",
    caution_tint="#FBEAD2",
    error_tint="#F9E2DE",
    pressed="#DDE9E7",
    focus="#0B5D62",
    staff_band="#14243B",
    on_staff_band="#FFFFFF",
)

BLACK = Theme(
    ground="#000000",
    ink="#FFFFFF",
    muted="#E3E3E3",
    primary="#FFD400",
    on_primary="#000000",
    accent="#FFD400",
    surface="#0C0C0C",
    border="#FFFFFF",
    hairline="#8A8A8A",
    band="#000000",
    tint="#1C1C1C",
    off="#9A9A9A",
    success="#7CF0A5",
    caution="#FFC266",
    error="#FF9B93",
    success_tint="#16211A",
    caution_tint="#211B12",
    error_tint="#261514",
    pressed="#3A3A3A",
    focus="#FFD400",
    staff_band="#FFD400",
    on_staff_band="#000000",
)

LOW_GLARE = Theme(
    ground="#20262B",
    ink="#EAE3D5",
    muted="#CBC5B8",
    primary="#8CC9C4",
    on_primary="#10201F",
    accent="#8CC9C4",
    surface="#2A3137",
    border="#98A0A3",
    hairline="#4C555B",
    band="#1A1F24",
    tint="#29373A",
    off="#A0A29F",
    success="#93D3A6",
    caution="#E9BC7E",
    error="#F0A79F",
    success_tint="#25362D",
    caution_tint="#3A3124",
    error_tint="#40292A",
    pressed="#3B464C",
    focus="#8CC9C4",
    staff_band="#E9BC7E",
    on_staff_band="#20262B",
)

THEMES = {"light": LIGHT, "black": BLACK, "low_glare": LOW_GLARE}

# Staff pages differ at first sight, in the light theme also by a cooler ground.
STAFF_LIGHT = replace(
    LIGHT,
    ground="#EDF1F5",
    band="#E1E7EE",
    hairline="#C3CCD6",
    border="#76818E",
    off="#5F6A77",
    primary="#14243B",
    accent="#14243B",
    focus="#14243B",
    tint="#DFE6ED",
    pressed="#DCE3EB",
)


def theme_of(name: str, staff: bool) -> Theme:
    """Return the theme of a page; an unknown name gives the light one."""
    if staff and name not in ("black", "low_glare"):
        return STAFF_LIGHT
    return THEMES.get(name, LIGHT)


def rgb(colour: str) -> Rgb:
    """Return "#RRGGBB" as three numbers from 0 to 1."""
    return (int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
