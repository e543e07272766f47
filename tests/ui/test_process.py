"""The screen as the process it is: a real window under Xvfb, a real socket, touches by the X server."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kiosk.ui.fake_engine import FakeEngine, fake_engine
from kiosk.ui.samples import ATTRACT, CASH, SAMPLES

pytestmark = pytest.mark.display
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(display: str) -> dict[str, str]:
    return os.environ | {"DISPLAY": display, "PYTHONPATH": str(ROOT), "LIBGL_ALWAYS_SOFTWARE": "1"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path / "engine.sock") as engine:
        yield engine


@pytest.fixture
def screen(engine: FakeEngine, tmp_path: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command: list[str | Path] = [sys.executable, "-m", "kiosk.ui", "--socket", tmp_path / "engine.sock", "--touch-map"]
    process = subprocess.Popen([*command, "--screenshots", tmp_path / "shots"], env=environment)
    engine.accept()
    yield process
    process.terminate()
    process.wait(20)


def place(layout: dict[str, Any], intent: str) -> tuple[int, int]:
    target = next(target for target in layout["targets"] if target["intent"] == intent)
    return target["x"] + target["w"] // 2, target["y"] + target["h"] // 2


def pointer(environment: dict[str, str], *acts: object) -> None:
    subprocess.run(["xdotool", *map(str, acts)], env=environment, check=True, timeout=20)


def test_a_touch_in_the_window_sends_its_intent_with_the_revision_seen(
    screen: subprocess.Popen[bytes], engine: FakeEngine, environment: dict[str, str], tmp_path: Path
) -> None:
    engine.show(ATTRACT)
    layout = engine.hear("layout")["layout"]
    assert (layout["page"], layout["revision"]) == ("attract", 1)
    x, y = place(layout, "type_account")
    pointer(environment, "mousemove", x, y, "click", 1)
    assert engine.hear("intent") == {"intent": {"name": "type_account", "value": ""}, "revision": 1}

    engine.drawn(replace(CASH, revision=2))
    layout = engine.hear("layout")["layout"]
    x, y = place(layout, "stop")
    # Pressed, dragged off, let go: nothing. Then pressed twice fast: once.
    pointer(environment, "mousemove", x, y, "mousedown", 1, "mousemove", x, 60, "mouseup", 1)
    pointer(environment, "mousemove", x, y, "click", 1, "click", 1)
    x, y = place(layout, "help")
    pointer(environment, "mousemove", x, y, "click", 1)
    assert engine.hear("intent")["intent"]["name"] == "stop"
    assert engine.hear("intent")["intent"]["name"] == "help"
    assert engine.hear("alive") == {"alive": True}

    (shot,) = (tmp_path / "shots").glob("00002-cash.png")
    with Image.open(shot) as picture:
        assert picture.size == (1080, 1920)
        assert picture.convert("RGB").getpixel((4, 400)) == (0xFA, 0xF6, 0xEF)
        assert picture.convert("RGB").getpixel((60, 1600)) != (0xFA, 0xF6, 0xEF), "the money strip is at the bottom"


def test_it_survives_the_engine_and_stops_on_sigterm(
    screen: subprocess.Popen[bytes], engine: FakeEngine, environment: dict[str, str]
) -> None:
    engine.drawn(ATTRACT)
    engine.hang_up()
    engine.accept()
    assert engine.hear("voice")["voice"] in ("ready", "not installed")
    for revision, name in enumerate(("invoice", "cash", "done"), start=5):
        engine.drawn(replace(SAMPLES[name], revision=revision))
    screen.send_signal(signal.SIGTERM)
    assert screen.wait(20) == 0


def test_the_next_part_and_a_new_size_send_their_layout(
    screen: subprocess.Popen[bytes], engine: FakeEngine, environment: dict[str, str]
) -> None:
    engine.show(replace(CASH, text_size=3))
    first = engine.hear("layout")["layout"]
    x, y = place(first, "more")
    pointer(environment, "mousemove", x, y, "click", 1)
    second = engine.hear("layout")["layout"]
    assert (first["part"], second["part"], second["revision"]) == (0, 1, first["revision"])
    assert first["targets"] != second["targets"]

    where = subprocess.run(
        ["xdotool", "getmouselocation", "--shell"], env=environment, check=True, timeout=20, capture_output=True
    )
    window = dict(line.split("=") for line in where.stdout.decode().split())["WINDOW"]
    pointer(environment, "windowsize", window, 720, 1280)
    while max(target["y"] + target["h"] for target in second["targets"]) > 1280:
        second = engine.hear("layout")["layout"]
    assert max(target["x"] + target["w"] for target in second["targets"]) <= 720


SCREEN = """
import sys
from kiosk.ui.process import Screen, ScreenConfig
from kiosk.ui.setup import prepare_kivy

prepare_kivy(1080, 1920)
from kivy.clock import Clock

screen = Screen(ScreenConfig(sys.argv[1]))
"""

AT_REST = (
    SCREEN
    + """
seen = []

def look(_dt):
    if screen.view.page is None or screen.view.page.name != "attract":
        return
    seen.append(screen.frames)
    at_rest = len(seen) >= 8 and len(set(seen[-7:])) == 1
    if at_rest or len(seen) == 50:
        print(*seen[-7:], flush=True)

Clock.schedule_interval(look, 0.2)
screen.run()
"""
)

ALONE = (
    SCREEN
    + """
def look(_dt):
    if screen.view.page is not None:
        print(screen.view.page.name, screen.view.page.title, flush=True)

Clock.schedule_interval(look, 0.2)
screen.run()
"""
)


def test_a_page_at_rest_draws_no_frame(engine: FakeEngine, tmp_path: Path, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", AT_REST, tmp_path / "engine.sock"], env=environment, stdout=subprocess.PIPE
    )
    try:
        engine.accept()
        engine.drawn(ATTRACT)
        # The same words under a new revision are acknowledged without a frame.
        engine.drawn(replace(ATTRACT, revision=2))
        assert process.stdout is not None
        frames = [int(count) for count in process.stdout.readline().split()]
    finally:
        process.terminate()
        process.wait(20)
    # A new window is exposed late on a slow machine, and the minute may change: it looks for up to ten seconds.
    assert frames[-1] == frames[0]


def test_without_an_engine_a_calm_page_stands(tmp_path: Path, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ALONE, tmp_path / "nobody.sock"], env=environment, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().decode().strip() == "out_of_service This kiosk is closed for now"
    finally:
        process.terminate()
        process.wait(20)
