"""Kivy as a kiosk needs it. To be called before anything of Kivy is imported."""

import os
import tempfile
from pathlib import Path

# The loop sleeps between ticks; a touch is seen at the next one. Drawing happens only when something changed.
TICKS_PER_SECOND = 40


def prepare_kivy(
    width: int, height: int, fullscreen: bool = False, rotation: int = 0, mouse: bool = True, home: str = ""
) -> None:
    """Write Kivy's configuration: own home, no log file, no settings panel, one input provider.

    `mouse` True takes the window's pointer (X, a desktop). False takes touches from SDL alone (a touch panel): with
    both, each tap would arrive twice (peers 65).
    """
    os.environ.update(
        KIVY_HOME=home or tempfile.mkdtemp(prefix="kiosk-screen-"),
        KIVY_NO_ARGS="1",
        KIVY_NO_FILELOG="1",
        KIVY_NO_CONSOLELOG="1",
        KIVY_NO_ENV_CONFIG="1",
        # SDL would make a pointer of every touch, and Kivy a second touch of that pointer.
        SDL_TOUCH_MOUSE_EVENTS="0",
        SDL_MOUSE_TOUCH_EVENTS="0",
    )
    Path(os.environ["KIVY_HOME"]).mkdir(parents=True, exist_ok=True)

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
