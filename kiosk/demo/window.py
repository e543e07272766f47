"""A display without a monitor, and a finger on it."""

import os
import subprocess
from pathlib import Path

from PIL import ImageGrab

from kiosk.demo.processes import DemoFailed


class Display:
    """An Xvfb of its own, on a number that it picks itself."""

    def __init__(self, width: int, height: int) -> None:
        read_end, write_end = os.pipe()
        self._process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
            pass_fds=[write_end],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise DemoFailed("Xvfb did not start")
        self.name = f":{number}"

    def touch(self, x: float, y: float) -> None:
        """Press and release at a point of the display, in pixels from the upper left corner."""
        subprocess.run(
            ["xdotool", "mousemove", str(round(x)), str(round(y)), "click", "1"],
            env=os.environ | {"DISPLAY": self.name},
            check=True,
            timeout=20,
        )

    def picture(self, path: Path) -> None:
        """Save what is on the display now."""
        ImageGrab.grab(xdisplay=self.name).save(path)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
