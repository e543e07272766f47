"""Kivy as a kiosk needs it. To be called before anything of Kivy is imported."""

import atexit
import os
import shutil
import tempfile

# The loop sleeps between ticks; a touch is seen at the next one. Drawing happens only when something changed.
TICKS_PER_SECOND = 40


def prepare_kivy(
    width: int,
    height: int,
    fullscreen: bool = False,
    rotation: int = 0,
    mouse: bool = True,
    place: tuple[int, int] = (-1, -1),
) -> None:
    """Write Kivy's configuration: own home, no log file, no settings panel, one input provider.

    `mouse` True takes the window's pointer (X, a desktop). False takes touches from SDL alone (a touch panel): with
    both, each tap would arrive twice (peers 65).
    """
    os.environ.update(
        KIVY_HOME=_home(),
        KIVY_NO_ARGS="1",
        # Kivy would take over Python's logging and standard error.
        KIVY_LOG_MODE="PYTHON",
        KIVY_NO_FILELOG="1",
        KIVY_NO_CONSOLELOG="1",
        KIVY_NO_ENV_CONFIG="1",
        # SDL would make a pointer of every touch, and Kivy a second touch of that pointer.
        SDL_TOUCH_MOUSE_EVENTS="0",
        SDL_MOUSE_TOUCH_EVENTS="0",
        # SDL takes the first press after the window got the focus for a wish to focus, and swallows it.
        SDL_MOUSE_FOCUS_CLICKTHROUGH="1",
    )
    from kivy.config import Config

    graphics = {
        "width": width,
        "height": height,
        "fullscreen": "auto" if fullscreen else 0,
        "borderless": int(fullscreen),
        "resizable": 0,
        "rotation": rotation,
        "show_cursor": 0 if fullscreen else 1,
        "maxfps": TICKS_PER_SECOND,
        "multisamples": 0,
        "vsync": 0,
    }
    if min(place) >= 0:
        graphics.update(position="custom", left=place[0], top=place[1])
    for name, value in graphics.items():
        Config.set("graphics", name, str(value))
    Config.set("kivy", "exit_on_escape", "0")
    Config.set("kivy", "log_enable", "0")
    Config.set("kivy", "pause_on_minimize", "0")
    Config.set("kivy", "window_icon", "")
    Config.remove_section("modules")
    Config.add_section("modules")
    Config.remove_section("input")
    Config.add_section("input")
    if mouse:
        Config.set("input", "mouse", "mouse,disable_multitouch")


def _home() -> str:
    """Return a home for Kivy that lives as long as the process: nothing is kept from one start to the next."""
    home = tempfile.mkdtemp(prefix="kiosk-screen-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home
