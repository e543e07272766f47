"""The dock's window under a real X server: what is pressed reaches the twin, what the twin does is drawn.

Method: the program in its own process, its buttons found by asking it where they are, pressed by the X server.
"""

import json
import os
import queue
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hardware.sim.control import ControlServer

ROOT = Path(__file__).resolve().parents[2]

# Runs the dock and prints the places of the buttons once the twin was heard and a whole frame with it is drawn.
# Handlers of on_flip run before the buffers are swapped: what is read there is the frame just drawn.
PROGRAM = """
import json, sys
from pathlib import Path
from hardware.sim.dock import window
from kivy.core.window import Window

window._settle_input()
Window.size = (960, 840)
app = window.DockApp({"acceptor": Path(sys.argv[1]), "camera": Path(sys.argv[1])}, Path(sys.argv[2]))

frames = []

def flipped(_):
    card = app.cards.get("acceptor")
    if card is None or not card._shown or len(frames) == SETTLED:
        return
    # The first frame with the twin's state may come before its layout: draw on until it rests.
    frames.append(card.places())
    if len(frames) < SETTLED:
        Window.canvas.ask_update()
        return
    Window.screenshot(name=sys.argv[3])
    print(json.dumps([Window.left, Window.top, card.places()]), flush=True)

SETTLED = 3
Window.bind(on_flip=flipped)
app.run()
"""

pytestmark = pytest.mark.display


@pytest.fixture
def display() -> Iterator[str]:
    assert shutil.which("Xvfb"), "the package xvfb is missing"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1100x900x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert server.stdout is not None
    yield f":{server.stdout.readline().decode().strip()}"
    server.terminate()
    server.wait(20)


class Twin:
    def __init__(self) -> None:
        self.asked: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.state = {"powered": True, "plugged_in": True, "jammed": False, "cassette_minor": 0}

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] != "state":
            self.state["cassette_minor"] += request.get("value_minor", 0)
            self.asked.put(request)
        return self.state


def test_a_press_reaches_the_twin_and_the_panel_is_drawn(display: str, tmp_path: Path) -> None:
    twin, control, bills = Twin(), tmp_path / "acceptor.sock", tmp_path / "bills"
    bills.mkdir()
    (bills / "torn.pdf").write_text("not a page")
    Image.new("RGB", (850, 1100), "white").save(bills / "whole.png")
    environment = os.environ | {
        "DISPLAY": display,
        "PYTHONPATH": str(ROOT),
        "KIVY_NO_ARGS": "1",
        "KIVY_NO_CONFIG": "1",
        "KIVY_NO_FILELOG": "1",
        "KIVY_LOG_MODE": "PYTHON",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    with ControlServer(control, twin.handle):
        dock = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, control, bills, tmp_path / "dock.png"],
            env=environment,
            stdout=subprocess.PIPE,
        )
        try:
            assert dock.stdout is not None
            left, top, places = json.loads(dock.stdout.readline())
            for label, expected in (
                ("$20", {"do": "insert", "value_minor": 2000}),
                ("Jammed", {"do": "jam"}),
                ("$100", {"do": "insert", "value_minor": 10000}),
            ):
                x, y = places[label]
                press = ["xdotool", "mousemove", str(left + x), str(top + y), "click", "1"]
                subprocess.run(press, env=environment, check=True, timeout=20)
                assert twin.asked.get(timeout=20) == expected
            assert twin.state["cassette_minor"] == 12000
            (drawn,) = tmp_path.glob("dock*.png")
            assert len(_colours(drawn)) > 20, "the window is blank"
        finally:
            dock.terminate()
            dock.wait(20)


def _colours(picture: Path) -> set[Any]:
    with Image.open(picture) as image:
        return {colour for _, colour in image.convert("RGB").getcolors(1_000_000) or []}
