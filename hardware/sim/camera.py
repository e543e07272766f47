"""The twin of the camera: pictures in a folder, each new file a frame, as the folder camera of the reader takes them.

    python -m hardware simulate camera --folder DIR --control SOCKET

Control requests: show {"image": path of a picture or PDF} or show {"payload", "symbology"}, either with "tilt_deg",
"skew_permille", "blur_tenths", "noise" and "seed"; clear (the empty shelf); cable_out, cable_in; state.
"""

import argparse
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from hardware.sim.camera_optics import Hold, desk, photograph
from hardware.sim.camera_symbols import draw
from hardware.sim.control import ControlServer, Refused, text, whole

_KEPT = 3  # frames in the folder: the reader may still be opening the one before the newest
_PDF_DPI = 200


class CameraTwin:
    """A running twin, looking at the empty shelf first. `handle` may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._frames = 0
        self._showing = ""
        self._plug_in()

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do one control request. Refused if there is no such request, or nothing to show under that name."""
        act = request["do"]
        with self._lock:
            if act == "show":
                self._show(request)
            elif act == "clear":
                self._clear()
            elif act == "cable_in":
                self._plug_in()
            elif act == "cable_out":
                self._unplug()
            elif act != "state":
                raise Refused(f"a camera cannot {act!r}")
            return {"frames": self._frames, "showing": self._showing, "plugged_in": self._folder.is_dir()}

    def _show(self, request: dict[str, Any]) -> None:
        hold = Hold(
            whole(request, "tilt_deg", 3),
            whole(request, "skew_permille", 15),
            whole(request, "blur_tenths", 6) / 10,
            whole(request, "noise", 6),
            whole(request, "seed", self._frames + 1),
        )
        if "image" in request:
            shown = text(request, "image")
            sheet = _open(Path(shown))
        else:
            shown = text(request, "payload")
            sheet = _printed(shown, text(request, "symbology", "qr"))
        self._write(photograph(sheet, hold))
        self._showing = shown

    def _clear(self) -> None:
        self._write(desk(seed=self._frames + 1))
        self._showing = ""

    def _write(self, frame: Image.Image) -> None:
        """Add a frame under its final name in one step, so that no reader sees half of it."""
        if not self._folder.is_dir():
            raise Refused("the cable is out")
        self._frames += 1
        name = f"frame-{self._frames:06d}.jpg"
        hidden = self._folder / f".{name}"
        frame.save(hidden, "JPEG", quality=90)
        hidden.rename(self._folder / name)
        for old in sorted(self._folder.glob("frame-*.jpg"))[:-_KEPT]:
            old.unlink()

    def _plug_in(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.glob("frame-*.jpg"):
            old.unlink()  # of a twin before us: its numbers would stand beside ours
        self._clear()

    def _unplug(self) -> None:
        """The folder goes, as a device node does."""
        if self._folder.is_dir():
            for frame in self._folder.glob("*frame-*.jpg"):
                frame.unlink()
            try:
                self._folder.rmdir()
            except OSError as error:
                raise Refused(str(error)) from error
        self._showing = ""


def _printed(payload: str, symbology: str) -> Image.Image:
    """Return a sheet with the code alone on it."""
    try:
        code = draw(payload, symbology)
    except ValueError as error:
        raise Refused(str(error)) from error
    sheet = Image.new("L", (max(code.width + 80, 900), max(code.height + 80, 600)), 250)
    sheet.paste(code, ((sheet.width - code.width) // 2, (sheet.height - code.height) // 2))
    return sheet


def _open(path: Path) -> Image.Image:
    """Return a picture, or the first page of a PDF, in grey."""
    try:
        if path.suffix.lower() == ".pdf":
            return _page(path)
        with Image.open(path) as picture:
            grey: Image.Image = picture.convert("L")
            return grey
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise Refused(f"{path}: {error}") from error


def _page(path: Path) -> Image.Image:
    with tempfile.TemporaryDirectory() as scratch:
        target = os.path.join(scratch, "page")
        command = ["pdftoppm", "-gray", "-png", "-singlefile", "-r", str(_PDF_DPI), "-f", "1", str(path), target]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        with Image.open(f"{target}.png") as picture:
            grey: Image.Image = picture.convert("L")
            return grey


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate camera", description="the twin of the camera")
    parser.add_argument("--folder", type=Path, required=True, help="folder that the reader takes as camera")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    options = parser.parse_args(argv)
    done = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, done)
    twin = CameraTwin(options.folder)
    with ControlServer(options.control, twin.handle):
        signal.sigwait(done)
    return 0
