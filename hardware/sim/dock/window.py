"""The dock's window: a card for each twin in two columns, and what was done."""

import time
from pathlib import Path
from typing import Any

from kivy.app import App
from kivy.clock import mainthread
from kivy.config import Config
from kivy.core.window import Window
from kivy.graphics import Color, Rectangle
from kivy.metrics import dp
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.scrollview import ScrollView

from hardware.sim.dock.cards import DeviceCard, Happenings
from hardware.sim.dock.devices import DEVICES, dollars
from hardware.sim.dock.link import Heard, Link
from hardware.sim.dock.look import BAND, BAND_TEXT, GROUND, SMALL_SP, TITLE_SP, Words

SIZE = (960, 880)
# The acceptor's card is the tallest, so the network alone stands under it.
COLUMNS = (("acceptor", "network"), ("printer", "camera", "imager"))


class DockApp(App):
    """The program: links to the twins for as long as the window is open."""

    def __init__(self, sockets: dict[str, Path], bills: Path | None) -> None:
        super().__init__()
        self.title = "Operator's dock"
        self.cards: dict[str, DeviceCard] = {}
        self._sockets = sockets
        self._bills = bills
        self._links: dict[str, Link] = {}

    def build(self) -> BoxLayout:
        Window.clearcolor = GROUND
        self._happenings = Happenings()
        root = BoxLayout(orientation="vertical")
        root.add_widget(_band())
        root.add_widget(self._scrolled())
        return root

    def on_start(self) -> None:
        self._links = {name: Link(name, path, self._heard) for name, path in self._sockets.items()}

    def on_stop(self) -> None:
        for link in self._links.values():
            link.close()

    def open_settings(self, *_: object) -> bool:
        """F1 would open Kivy's own panel: not here."""
        return False

    def _scrolled(self) -> ScrollView:
        scroll = ScrollView(do_scroll_x=False, bar_width=dp(6), scroll_type=["bars", "content"])
        scroll.add_widget(self._columns())
        return scroll

    def _columns(self) -> BoxLayout:
        columns = BoxLayout(padding=dp(14), spacing=dp(12), size_hint_y=None)
        columns.bind(minimum_height=columns.setter("height"))
        for names in COLUMNS:
            columns.add_widget(self._column(names))
        shorter = 1 if "imager" in self._sockets else 0  # children[0] is the last added, the right column
        columns.children[shorter].add_widget(self._happenings)
        return columns

    def _column(self, names: tuple[str, ...]) -> BoxLayout:
        column = BoxLayout(orientation="vertical", spacing=dp(12), size_hint_y=None, pos_hint={"top": 1})
        column.bind(minimum_height=column.setter("height"))
        for name in names:
            if name in self._sockets:
                column.add_widget(self._card(name))
        return column

    def _card(self, name: str) -> DeviceCard:
        def ask(request: dict[str, Any]) -> None:
            self._links[name].ask(request)

        def complain(problem: str) -> None:
            self._note(DEVICES[name].title, problem, "error")

        self.cards[name] = DeviceCard(DEVICES[name], ask, complain, self._bills)
        return self.cards[name]

    def _note(self, title: str, what: str, tone: str) -> None:
        self._happenings.add(f"{time.strftime('%H:%M:%S')}   {title}: {what}", tone)

    @mainthread  # type: ignore[untyped-decorator]
    def _heard(self, heard: Heard) -> None:
        """Widgets are touched here alone, on Kivy's own thread."""
        self.cards[heard.device].show(heard.state)
        if heard.is_poll:
            return
        told = _told(heard.request)
        if heard.problem:
            self._note(DEVICES[heard.device].title, f"{told}: {heard.problem}", "error")
        else:
            self._note(DEVICES[heard.device].title, told, "plain")


def open_dock(sockets: dict[str, Path], bills: Path | None, geometry: tuple[int, int, int, int] | None) -> None:
    """Open the window and return when it is closed. `geometry` is width, height, left and top in pixels."""
    _settle_input()
    Window.size = geometry[:2] if geometry else SIZE
    if geometry:
        Window.left, Window.top = geometry[2:]
    DockApp(sockets, bills).run()


def _settle_input() -> None:
    """One provider for the pointer: two that read one device would give each press twice."""
    for name in Config.options("input"):
        Config.remove_option("input", name)
    Config.set("input", "mouse", "mouse,disable_multitouch")
    Config.set("kivy", "exit_on_escape", "0")


def _band() -> BoxLayout:
    band = BoxLayout(size_hint_y=None, height=dp(44), padding=(dp(18), 0))
    with band.canvas.before:
        Color(*BAND)
        ground = Rectangle()
    band.bind(pos=lambda _, pos: setattr(ground, "pos", pos), size=lambda _, size: setattr(ground, "size", size))
    band.add_widget(Words("Operator's dock", TITLE_SP, bold=True, color=BAND_TEXT))
    band.add_widget(Words("Simulated devices: no real money", SMALL_SP, "right", color=BAND_TEXT))
    return band


def _told(request: dict[str, Any]) -> str:
    """Return a request as a person would say it: "insert $20", "show bill-17.png"."""
    words = [str(request["do"]).replace("_", " ")]
    for name, value in request.items():
        if name.endswith("_minor"):
            words.append(dollars(value))
        elif name == "image":
            words.append(Path(value).name)
        elif name != "do":
            words.append(value if isinstance(value, str) else f"{value} {name}")
    return " ".join(words)
