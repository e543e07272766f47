"""A virtual X display of our own, for pictures and tests on a machine without a screen."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def virtual_display(width: int = 1280, height: int = 2000) -> Iterator[str]:
    """Start Xvfb on a free display number, set DISPLAY, and stop it at the end. FileNotFoundError without Xvfb."""
    read_end, write_end = os.pipe()
    command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write_end)
    try:
        # The server writes the number it chose once it takes connections.
        with os.fdopen(read_end) as number:
            display = f":{number.readline().strip()}"
        if display == ":":
            raise RuntimeError("Xvfb did not start")
        before = os.environ.get("DISPLAY")
        os.environ["DISPLAY"] = display
        try:
            yield display
        finally:
            os.environ.pop("DISPLAY", None)
            if before is not None:
                os.environ["DISPLAY"] = before
    finally:
        server.terminate()
        server.wait(timeout=10)
