"""Starts engine, screen and reader as three processes and keeps them running; for machines without systemd's units."""

import signal
import subprocess
import sys
import time
from types import FrameType

RESTART_AFTER_S = (1.0, 15.0)
LOOK_EVERY_S = 0.2
STOP_S = 240.0


class Child:
    """One process, started again after it ended, with a growing pause."""

    def __init__(self, name: str, arguments: list[str]) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "kiosk", name, *arguments]
        self._pause_s = RESTART_AFTER_S[0]
        self._started_at = 0.0
        self._start_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def tend(self, now: float) -> None:
        if self.process is not None and self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            if now - self._started_at > 60:
                self._pause_s = RESTART_AFTER_S[0]
            print(f"kiosk: {self.name} ended ({code}), again in {self._pause_s:.0f} s", file=sys.stderr, flush=True)
            self._start_at = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, RESTART_AFTER_S[1])
        if self.process is None and now >= self._start_at:
            self._started_at = now
            self.process = subprocess.Popen(self._command)

    def stop(self, wait_s: float) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def supervise(names: list[str], arguments: dict[str, list[str]]) -> int:
    """Run until SIGTERM or SIGINT; the engine stops first, for it has money to settle. Returns the exit code.

    An engine that ends with 2 (its configuration is wrong) ends everything.
    """
    stopping: list[int] = []

    def stop(signum: int, frame: FrameType | None) -> None:
        del frame
        stopping.append(signum)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    children = [Child(name, arguments[name]) for name in names]
    code = 0
    while not stopping:
        engine = children[0].process
        if engine is not None and engine.poll() == 2:
            code = 2
            break
        for child in children:
            child.tend(time.monotonic())
        time.sleep(LOOK_EVERY_S)
    for child in children:
        child.stop(STOP_S if child.name == "engine" else 5.0)
    return code
