"""The screen process: draws the engine's snapshots, returns what was pressed. Nothing is decided here."""

import os
import signal
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import Snapshot
from kiosk.pages.dispatch import page
from kiosk.pages.language import translator
from kiosk.ui.link import Link
from kiosk.ui.setup import prepare_kivy
from kiosk.voice.speaker import Espeak, Voice

if TYPE_CHECKING:
    from kiosk.pages.page import Page

ALIVE_S = 1.0


@dataclass(frozen=True)
class ScreenConfig:
    """How one screen is built in.

    `density` is in pixels per millimetre of the glass. `rotation` in degrees, 0, 90, 180 or 270. `pointer` True takes
    a mouse or X's pointer, False the touches of a panel. `touch_map` sends where everything to press stands.
    `screenshot_dir` "" or a folder that gets a PNG of every page drawn. `left`, `top`: the window's place, -1 anywhere.
    """

    socket_path: str
    width: int = 1080
    height: int = 1920
    density: float = 5.57
    fullscreen: bool = False
    rotation: int = 0
    pointer: bool = True
    touch_map: bool = False
    screenshot_dir: str = ""
    city: str = ""
    kiosk: str = ""
    left: int = -1
    top: int = -1
    title: str = "City kiosk"


def run(config: ScreenConfig) -> None:
    """Show the screen until the window is closed or SIGTERM comes. Blocks; needs the main thread."""
    prepare_kivy(
        config.width, config.height, config.fullscreen, config.rotation, config.pointer, place=(config.left, config.top)
    )
    Screen(config).run()


class Screen:
    """One window and its link. Everything but the link's thread runs on Kivy's main thread (peers 63)."""

    def __init__(self, config: ScreenConfig) -> None:
        from kivy.clock import Clock
        from kivy.core.window import Window

        from kiosk.ui.view import PageView

        if Window is None:
            raise RuntimeError("no display: neither X nor KMSDRM gave a window")
        self._config = config
        self._clock = Clock
        self._window = Window
        self._trigger = Clock.create_trigger(self._update)
        self._link = Link(config.socket_path, self._trigger)
        size = (config.width, config.height) if not config.fullscreen else tuple(Window.size)
        self.view: PageView = PageView(size, config.density, self._act, _time_of_day)
        self._shown: Snapshot | None = None
        self._page: Page | None = None
        self._undrawn: int | None = None
        self._layout: dict[str, Any] = {}
        self.frames = 0
        self._voice = Voice(Espeak())
        self._voice_told = ""

    def run(self) -> None:
        from kivy.base import runTouchApp, stopTouchApp

        window = self._window
        window.set_title(self._config.title)
        window.bind(on_flip=self._flipped, on_key_down=self._key, on_resize=self._resized)
        signal.signal(signal.SIGTERM, lambda *_: self._clock.schedule_once(lambda _dt: stopTouchApp(), 0))
        self._show(_away(self._config))
        self._link.start()
        self._clock.schedule_interval(self._alive, ALIVE_S)
        self._minute()
        try:
            runTouchApp(self.view)
        finally:
            self._voice.interrupt()
            self._link.close()

    # From the engine

    def _update(self, _dt: float) -> None:
        connected, snapshot = self._link.state()
        if snapshot is not None:
            self._show(snapshot)
        elif not connected:
            self._voice_told, self._layout = "", {}
            self._show(_away(self._config))

    def _show(self, snapshot: Snapshot) -> None:
        """Draw only what differs: a revision that changes no word costs no frame."""
        self._shown = snapshot
        self._undrawn = snapshot.revision if snapshot.revision > 0 else None
        new = page(snapshot, translator(snapshot.language))
        if new != self._page:
            self._page = new
            self.view.show(new)
            self._voice.follow(new, snapshot.sound)
        elif self._undrawn is not None:
            self._drawn()

    def _flipped(self, *_: Any) -> None:
        self.frames += 1
        if self._undrawn is not None:
            self._drawn()
        elif self._layout and self._layout_now() != self._layout:
            # The next part of the page, or another size of the window.
            self._send_layout()

    def _drawn(self) -> None:
        """The frame with this revision is on the glass."""
        revision, self._undrawn = self._undrawn, None
        self._link.send({"drawn": revision})
        if self._config.touch_map:
            self._send_layout()
        if self._config.screenshot_dir and self._page:
            self._clock.schedule_once(self._screenshot, 0)

    def _send_layout(self) -> None:
        self._layout = self._layout_now()
        self._link.send({"layout": self._layout})

    def _layout_now(self) -> dict[str, Any]:
        """Return where everything to press stands, in pixels of the window."""
        targets = [
            {
                "intent": target.intent.name if target.intent else "more",
                "value": target.intent.value if target.intent else "",
                "x": round(target.box.x),
                "y": round(target.box.y),
                "w": round(target.box.w),
                "h": round(target.box.h),
            }
            for target in self.view.drawn.targets
        ]
        name = self._page.name if self._page else ""
        revision = self._shown.revision if self._shown else 0
        return {"targets": targets, "revision": revision, "page": name, "part": self.view.part}

    def _screenshot(self, _dt: float) -> None:
        """Keep what the window shows now, named by revision and page."""
        if self._page is None or self._shown is None:
            return
        os.makedirs(self._config.screenshot_dir, exist_ok=True)
        name = f"{self._shown.revision:05d}-{self._page.name}.png"
        self.view.picture(os.path.join(self._config.screenshot_dir, name))

    # From the person

    def _act(self, intent: Intent) -> None:
        self._voice.interrupt()
        revision = self._shown.revision if self._shown else 0
        self._link.send({"intent": asdict(intent), "revision": revision})

    def _key(self, _window: Any, code: int, _scancode: int, _text: str | None, modifiers: list[str]) -> bool:
        from kivy.core.window import Keyboard

        name = Keyboard.keycode_to_string(None, code)
        if name == "tab" and "shift" in modifiers:
            name = "up"
        self.view.on_key(name)
        # No key may reach Kivy's own handlers.
        return True

    # Time and size

    def _alive(self, _dt: float) -> None:
        """Tell the engine that this thread still turns, and when it changes, whether the voice can speak."""
        self._link.send({"alive": True})
        if self._link.state()[0] and self._voice.state != self._voice_told:
            self._voice_told = self._voice.state
            self._link.send({"voice": self._voice_told})

    def _minute(self, *_: Any) -> None:
        """Draw the time of day when it changes, once a minute."""
        self.view.redraw()
        self._clock.schedule_once(self._minute, 60 - time.time() % 60 + 0.05)

    def _resized(self, _window: Any, width: int, height: int) -> None:
        self.view.size = (width, height)
        self.view.redraw()


def _time_of_day() -> str:
    now = time.localtime()
    return f"{now.tm_hour % 12 or 12}:{now.tm_min:02d} {'AM' if now.tm_hour < 12 else 'PM'}"


def _away(config: ScreenConfig) -> Snapshot:
    """Return the page of a screen without engine: closed, in the default language, knowing nobody."""
    closed = Snapshot(0, "out_of_service", config.city, config.kiosk, cash=False, reasons=("engine_away",))
    return replace(closed, printer=False, scanner=False)
