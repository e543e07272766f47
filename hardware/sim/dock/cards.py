"""The cards of the dock: one for each twin, with its standing, its buttons and its readings; and what was done."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from kivy.clock import Clock
from kivy.graphics import Color, Line
from kivy.graphics.texture import Texture
from kivy.metrics import dp
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.image import Image
from kivy.uix.scrollview import ScrollView
from PIL.Image import Transpose

from hardware.sim.dock.bills import as_image, as_payload, bill_pictures, thumbnail
from hardware.sim.dock.devices import Act, Device, Reading, Row, State, held, readings, standing
from hardware.sim.dock.look import (
    BODY_SP,
    BORDER,
    BUTTON_DP,
    BUTTON_ON,
    LABEL_DP,
    LINE_DP,
    MUTED,
    SMALL_SP,
    TEXT,
    TITLE_SP,
    TONES,
    Card,
    Dot,
    Push,
    Words,
)

BILLS_MAX = 60  # thumbnails; a folder of a whole city's bills would only make a strip nobody scrolls
THUMBNAIL_DP = (84, 108)

Ask = Callable[[dict[str, Any]], None]


class DeviceCard(Card):
    """One twin. `ask` sends a request to it, `complain` tells the person; `show` draws a state."""

    def __init__(self, device: Device, ask: Ask, complain: Callable[[str], None], bills: Path | None) -> None:
        super().__init__()
        self.device = device
        self._pushes: list[tuple[Push, Act]] = []
        self._ask = ask
        self._complain = complain
        self._add_head()
        for row in device.rows:
            self._add_row(row)
        self._strip = BillStrip(bills, self._hold) if device.bill and bills is not None else None
        if self._strip is not None:
            self.add_widget(self._strip)
        self._lines = BoxLayout(orientation="vertical", size_hint_y=None)
        self._lines.bind(minimum_height=self._lines.setter("height"))
        self.add_widget(self._lines)
        self._shown: tuple[Reading, ...] = ()
        self.show(None)

    def show(self, state: State | None) -> None:
        """Draw the twin's state; None means that it does not answer."""
        word = standing(state)
        self._standing.text, self._standing.color = word.text, TONES[word.tone] if state is not None else MUTED
        self._dot.show(self._standing.color)
        for push, act in self._pushes:
            push.show(bool(state is not None and act.is_on and act.is_on(state)), state is None)
        if self._strip is not None:
            self._strip.mark(held(state or {}))
        lines = readings(self.device, state) if state is not None else ()
        if lines != self._shown:
            self._shown = lines
            self._lines.clear_widgets()
            for line in lines:
                self._lines.add_widget(_reading(line))

    def places(self) -> dict[str, tuple[int, int]]:
        """Return the centre of each button in window pixels from the top left, by its label."""
        return {act.label: _from_top_left(push) for push, act in self._pushes}

    def _hold(self, bill: Path) -> None:
        try:
            self._ask(as_image(bill) if self.device.bill == "image" else as_payload(bill))
        except ValueError as problem:
            self._complain(str(problem))

    def _add_head(self) -> None:
        head = BoxLayout(size_hint_y=None, height=dp(LINE_DP), spacing=dp(6))
        head.add_widget(Words(self.device.title, TITLE_SP, bold=True))
        self._dot = Dot()
        head.add_widget(self._dot)
        self._standing = Words("", SMALL_SP, bold=True, fit=True)
        head.add_widget(self._standing)
        self.add_widget(head)

    def _add_row(self, row: Row) -> None:
        box = BoxLayout(size_hint_y=None, height=dp(BUTTON_DP), spacing=dp(6))
        box.add_widget(Words(row.title, SMALL_SP, color=MUTED, size_hint_x=None, width=dp(LABEL_DP)))
        for act in row.acts:
            push = Push(act.label, act.tone, partial(self._ask, act.request))
            self._pushes.append((push, act))
            box.add_widget(push)
        self.add_widget(box)


class BillStrip(ScrollView):
    """The bills of a folder as thumbnails; a press holds one out. Pictures are read one a frame."""

    def __init__(self, folder: Path, hold: Callable[[Path], None]) -> None:
        super().__init__(size_hint_y=None, height=dp(THUMBNAIL_DP[1] + LINE_DP + 8), do_scroll_y=False, bar_width=dp(4))
        self._row = BoxLayout(size_hint_x=None, spacing=dp(8), padding=(0, 0, 0, dp(8)))
        self._row.bind(minimum_width=self._row.setter("width"))
        self.add_widget(self._row)
        self._hold = hold
        self._marked = ""
        self._waiting = iter(bill_pictures(folder)[:BILLS_MAX])
        Clock.schedule_interval(self._add_next, 0)

    def mark(self, name: str) -> None:
        """Frame the bill of this file name, and no other."""
        if name != self._marked:
            self._marked = name
            for bill in self._row.children:
                bill.mark(bill.path.name == name)

    def _add_next(self, _elapsed_s: float) -> bool:
        path = next(self._waiting, None)
        if path is not None:
            self._add(path)
        return path is not None  # False ends the schedule

    def _add(self, path: Path) -> None:
        try:
            bill = _Bill(path, self._hold)
        except (OSError, SubprocessError):  # no picture after all
            return
        bill.mark(path.name == self._marked)
        self._row.add_widget(bill)


class _Bill(ButtonBehavior, BoxLayout):
    def __init__(self, path: Path, hold: Callable[[Path], None]) -> None:
        super().__init__(orientation="vertical", size_hint_x=None, width=dp(THUMBNAIL_DP[0]), padding=dp(3))
        self.path = path
        self._name = Words(path.stem, SMALL_SP - 2, "center", size_hint_y=None, height=dp(LINE_DP))
        self.add_widget(Image(texture=_texture(path)))
        self.add_widget(self._name)
        with self.canvas.after:
            self._colour = Color()
            self._frame = Line(width=dp(1.1))
        self.bind(pos=self._draw, size=self._draw, on_press=lambda _: hold(path))

    def mark(self, is_held: bool) -> None:
        self._colour.rgba = BUTTON_ON if is_held else BORDER
        self._frame.width = dp(2 if is_held else 1.1)
        self._name.color = TEXT if is_held else MUTED

    def _draw(self, *_: object) -> None:
        self._frame.rounded_rectangle = (self.x + 2, self.y + 2, self.width - 4, self.height - 4, dp(6))


class Happenings(Card):
    """The last things done from the dock, newest first."""

    LINES = 5

    def __init__(self, **looks: object) -> None:
        super().__init__(**looks)
        self.add_widget(Words("Done here", TITLE_SP, bold=True, size_hint_y=None, height=dp(LINE_DP)))
        self._lines = [Words("", SMALL_SP, size_hint_y=None, height=dp(LINE_DP - 4)) for _ in range(self.LINES)]
        for line in self._lines:
            self.add_widget(line)
        self._lines[0].text, self._lines[0].color = "Nothing yet. Press a button, or hold a bill to the camera.", MUTED

    def add(self, text: str, tone: str) -> None:
        for below, above in zip(reversed(self._lines[1:]), reversed(self._lines[:-1]), strict=True):
            below.text, below.color = above.text, MUTED
        if self._lines[1].text.startswith("Nothing yet"):
            self._lines[1].text = ""
        self._lines[0].text, self._lines[0].color = text, TONES[tone]


def _texture(path: Path) -> Texture:
    small = thumbnail(path).transpose(Transpose.FLIP_TOP_BOTTOM)  # textures begin at the bottom
    texture = Texture.create(size=small.size, colorfmt="rgb")
    texture.blit_buffer(small.tobytes(), colorfmt="rgb", bufferfmt="ubyte")
    return texture


def _reading(line: Reading) -> BoxLayout:
    box = BoxLayout(size_hint_y=None, height=dp(LINE_DP - 2))
    box.add_widget(Words(line.label, SMALL_SP, color=MUTED))
    box.add_widget(Words(line.text, BODY_SP, "right", bold=True, color=TONES[line.tone]))
    return box


def _from_top_left(push: Push) -> tuple[int, int]:
    x, y = push.to_window(*push.center)
    return int(x), int(push.get_root_window().height - y)
