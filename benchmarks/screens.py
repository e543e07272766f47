"""Starts the screen process and a bare Kivy window in turn, on one display, for the benchmarks of the screen."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kiosk.ui.fake_engine import FakeEngine, fake_engine
from kiosk.ui.samples import ATTRACT
from kiosk.ui.xvfb import virtual_display

SIZE = (1080, 1920)
ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def display() -> Iterator[dict[str, str]]:
    """Yield an environment with a display of our own and an empty home for Kivy."""
    with virtual_display(SIZE[0], SIZE[1]) as name, tempfile.TemporaryDirectory() as home:
        yield os.environ | {"DISPLAY": name, "PYTHONPATH": str(ROOT), "KIVY_HOME": home}


@contextmanager
def bare(environment: dict[str, str]) -> Iterator[tuple[int, float]]:
    """Yield the process id of a bare window and the seconds from its start to its first frame."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.bare_window", *map(str, SIZE)]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE)
    with _ended(process):
        assert process.stdout is not None
        if process.stdout.readline().strip() != b"drawn":
            raise RuntimeError("the bare window did not draw")
        yield process.pid, time.perf_counter() - start


@contextmanager
def screen(environment: dict[str, str]) -> Iterator[tuple[int, float, FakeEngine]]:
    """Yield the process id of the screen, seconds from its start to the attract page, and its engine."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        path = Path(folder) / "engine.sock"
        engine = stack.enter_context(fake_engine(path))
        start = time.perf_counter()
        command = [sys.executable, "-m", "kiosk.ui", "--socket", str(path), "--size", f"{SIZE[0]}x{SIZE[1]}"]
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
        stack.enter_context(_ended(process))
        engine.accept()
        engine.drawn(ATTRACT)
        yield process.pid, time.perf_counter() - start, engine


@contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)
