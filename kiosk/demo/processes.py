"""The processes of a demo: started in order, watched, stopped in reverse. Their output goes to files."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO


class DemoFailed(Exception):
    """Something of the demo itself did not work: says what, and where its output is."""


class Processes:
    """Starts programs with their output in `logs`; stops all of them at the end."""

    def __init__(self, logs: Path, environment: dict[str, str]) -> None:
        self._logs = logs
        self._environment = environment
        self._running: dict[str, tuple[subprocess.Popen[bytes], IO[bytes]]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: list[str]) -> None:
        output = (self._logs / f"{name}.log").open("ab")
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | self._environment,
            start_new_session=True,
        )
        self._running[name] = (process, output)

    def python(self, name: str, *arguments: str) -> None:
        """Start one of our own programs: `module arguments...`."""
        self.start(name, [sys.executable, "-m", *arguments])

    def run(self, *arguments: str) -> str:
        """Run one of our own programs to its end and return what it printed. Raises DemoFailed."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            capture_output=True,
            text=True,
            env=os.environ | self._environment,
            check=False,
            timeout=300,
        )
        if done.returncode:
            raise DemoFailed(f"{' '.join(arguments)}: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def wait_for(self, name: str, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()`; raises DemoFailed when the process ends or the time is over."""
        until = time.monotonic() + seconds
        while not ready():
            process, _ = self._running[name]
            if process.poll() is not None or time.monotonic() > until:
                raise DemoFailed(f"{name} did not start; its output is in {self._logs / name}.log")
            time.sleep(0.05)

    def alive(self, name: str) -> bool:
        return name in self._running and self._running[name][0].poll() is None

    def pid(self, name: str) -> int:
        return self._running[name][0].pid

    def ended(self, name: str, seconds: float = 15.0) -> int:
        """Wait until a program that is ending has ended, and forget it; return its exit code, negative for a signal."""
        process, output = self._running.pop(name)
        output.close()
        return process.wait(seconds)

    def stop(self, name: str, seconds: float = 15.0) -> None:
        """End one program, gently first."""
        process, output = self._running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.close()

    def stop_all(self) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)


def free_port() -> int:
    """Return a TCP port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(path: Path) -> bool:
    """True when somebody listens on the Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
