"""How the dock looks: colours, type and the few widgets its cards are made of."""

from collections.abc import Callable
from pathlib import Path

from kivy.core.text import LabelBase
from kivy.graphics import Color, Ellipse, Line, RoundedRectangle
from kivy.metrics import dp, sp
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label
from kivy.uix.widget import Widget
from kivy.utils import get_color_from_hex

GROUND = get_color_from_hex("#EEF1F3")
BAND = get_color_from_hex("#14243B")
BAND_TEXT = get_color_from_hex("#FFFFFF")
SURFACE = get_color_from_hex("#FFFFFF")
BORDER = get_color_from_hex("#C8D0D8")
TEXT = get_color_from_hex("#14243B")
MUTED = get_color_from_hex("#51606F")

# Tone of a reading: the colour of its word and dot. The word says it too, so colour never stands alone.
TONES = {
    "plain": TEXT,
    "good": get_color_from_hex("#1F6B3A"),
    "caution": get_color_from_hex("#8A4B08"),
    "error": get_color_from_hex("#8C1D18"),
}

# Tone of a button: ground, text and border; then the same while its state holds.
BUTTONS = {
    "plain": (("#F4F6F8", "#14243B", "#C8D0D8"), ("#0B5D62", "#FFFFFF", "#0B5D62")),
    "note": (("#E3F0E6", "#1F4D2E", "#9CC3A7"), ("#1F6B3A", "#FFFFFF", "#1F6B3A")),
    "fault": (("#FBF1EC", "#7A2417", "#E2BDB0"), ("#8C1D18", "#FFFFFF", "#8C1D18")),
}

BUTTON_ON = get_color_from_hex("#0B5D62")

TITLE_SP, BODY_SP, SMALL_SP = 17, 14, 13
BUTTON_DP, LINE_DP, LABEL_DP = 38, 24, 92

_INTER = Path("/usr/share/fonts/opentype/inter")


def font() -> str:
    """Return the name of the dock's font: Inter where Debian's package is installed, else Kivy's own."""
    regular, bold = _INTER / "Inter-Regular.otf", _INTER / "Inter-SemiBold.otf"
    if not (regular.exists() and bold.exists()):
        return "Roboto"
    LabelBase.register("Inter", fn_regular=str(regular), fn_bold=str(bold))
    return "Inter"


FONT = font()


class Words(Label):
    """A text on one line: cut with dots at its own width, or with `fit` as wide as it is."""

    def __init__(
        self, text: str, size_sp: int = BODY_SP, align: str = "left", fit: bool = False, **looks: object
    ) -> None:
        looks.setdefault("color", TEXT)
        super().__init__(
            text=text, font_name=FONT, font_size=sp(size_sp), halign=align, valign="middle", shorten=not fit, **looks
        )
        self.shorten_from = "right"
        if fit:
            self.size_hint_x = None
            self.bind(texture_size=lambda _, size: setattr(self, "width", size[0]))
        else:
            self.bind(size=lambda _, size: setattr(self, "text_size", size))


class Card(BoxLayout):
    """A white sheet with a thin border, as high as what stands on it."""

    def __init__(self, **looks: object) -> None:
        super().__init__(orientation="vertical", padding=dp(14), spacing=dp(8), size_hint_y=None, **looks)
        self.bind(minimum_height=self.setter("height"))
        with self.canvas.before:
            Color(*SURFACE)
            self._sheet = RoundedRectangle(radius=[dp(10)])
            Color(*BORDER)
            self._edge = Line(width=dp(1.1))
        self.bind(pos=self._draw, size=self._draw)

    def _draw(self, *_: object) -> None:
        self._sheet.pos, self._sheet.size = self.pos, self.size
        self._edge.rounded_rectangle = (*self.pos, *self.size, dp(10))


class Push(ButtonBehavior, Label):
    """A button. `on` draws it filled: the state that it would bring about holds already."""

    def __init__(self, text: str, tone: str, press: Callable[[], None], **looks: object) -> None:
        self._tone, self._on, self._dead = tone, False, False
        super().__init__(text=text, font_name=FONT, font_size=sp(BODY_SP), bold=tone == "note", **looks)
        with self.canvas.before:
            self._ground = Color()
            self._face = RoundedRectangle(radius=[dp(8)])
            self._border = Color()
            self._edge = Line(width=dp(1.1))
        self.bind(pos=self._draw, size=self._draw, state=self._draw)
        self.bind(on_press=lambda _: press())
        self._draw()

    def show(self, is_on: bool, is_dead: bool) -> None:
        """Draw as holding or not; `is_dead` greys it out while its twin is away."""
        if (self._on, self._dead) != (is_on, is_dead):
            self._on, self._dead = is_on, is_dead
            self.disabled = is_dead
            self._draw()

    def _draw(self, *_: object) -> None:
        is_filled = self._on or self.state == "down"
        ground, text, border = map(get_color_from_hex, BUTTONS[self._tone][is_filled])
        fade = 0.45 if self._dead else 1.0
        self._ground.rgba = (*ground[:3], fade)
        self._border.rgba = (*border[:3], fade)
        self.color = self.disabled_color = (*text[:3], fade)
        self._face.pos, self._face.size = self.pos, self.size
        self._edge.rounded_rectangle = (*self.pos, *self.size, dp(8))


class Dot(Widget):
    """A coloured dot before a word that says the same."""

    def __init__(self, **looks: object) -> None:
        super().__init__(size_hint_x=None, width=dp(12), **looks)
        with self.canvas:
            self._colour = Color(*MUTED)
            self._ellipse = Ellipse(size=(dp(10), dp(10)))
        self.bind(pos=self._draw, size=self._draw)

    def show(self, colour: list[float]) -> None:
        self._colour.rgba = colour

    def _draw(self, *_: object) -> None:
        self._ellipse.pos = (self.x, self.center_y - dp(5))
