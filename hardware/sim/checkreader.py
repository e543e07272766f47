"""The twin of a serial check reader on a pseudo-terminal.

    python -m hardware simulate checkreader --link PATH --control SOCKET

Control requests: check {"line", "status"?} (a check goes through; T transit, U on-us, $ amount, - dash, ? unread);
raw {"hex"} (any bytes); mute {"on"}; forget {"on"} (settings are not kept); power_cycle; cable_out; cable_in; state;
wait_ready {"timeout_ms"?} (until the host has set it up).
"""

import argparse
import os
import select
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from hardware.sim.checkreader_device import CheckReaderDevice
from hardware.sim.control import Answer, ControlServer, Refused, Request, text, whole
from hardware.sim.lines import PtyLine, sole_server

WAIT_MS = 10_000
_SIGNS = frozenset("0123456789TU$-? ")

Act = Callable[[], None]


class CheckReaderTwin:
    """A running twin. One thread owns device and line; `handle` may be called from any other."""

    def __init__(self, link: str | Path) -> None:
        self.device = CheckReaderDevice()
        self._line = PtyLine(link)
        self._line.plug_in()
        self._jobs: deque[tuple[Act, Future[None]]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="check reader twin", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Unplug and end the thread."""
        if not self._closed:
            self._closed = True
            os.write(self._wake_write, b"!")
            self._thread.join()
            for end in (self._wake_read, self._wake_write):
                os.close(end)

    def __enter__(self) -> "CheckReaderTwin":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self) -> None:
        while not self._closed:
            ends = [self._wake_read] + ([self._line.fileno()] if self._line.plugged else [])
            ready, _, _ = select.select(ends, [], [])
            with self._changed:
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                    self._work()
                self._line.write(self.device.feed(self._line.read()))
                self._changed.notify_all()
        self._work()
        self._line.unplug()

    def _work(self) -> None:
        while self._jobs:
            act, result = self._jobs.popleft()
            try:
                result.set_result(act())
            except Refused as refusal:
                result.set_exception(refusal)

    # Control

    def handle(self, request: Request) -> Answer:
        """Do one control request. Refused if it makes no sense now, or at all."""
        do = request["do"]
        if do == "wait_ready":
            return self._wait(whole(request, "timeout_ms", WAIT_MS))
        if do != "state":
            result: Future[None] = Future()
            act = self._act(do, request)
            if self._closed:
                raise Refused("the twin is stopping")
            self._jobs.append((act, result))
            os.write(self._wake_write, b"!")
            result.result()
        return self.state()

    def state(self) -> Answer:
        switches = self.device.switches
        return {
            "reads": self.device.reads,
            "plugged_in": self._line.plugged,
            "framing": switches.framing,
            "format": switches.format,
            "ready": self._ready(),
        }

    def _ready(self) -> bool:
        return (self.device.switches.framing, self.device.switches.format) == ("01110100", "0000")

    def _wait(self, timeout_ms: int) -> Answer:
        with self._changed:
            if not self._changed.wait_for(self._ready, timeout_ms / 1_000):
                raise Refused(f"not within {timeout_ms} ms: {self.state()}")
        return self.state()

    def _act(self, do: str, request: Request) -> Act:
        device, on = self.device, bool(request.get("on", True))
        match do:
            case "check":
                line, status = text(request, "line"), text(request, "status", "")
                if not _SIGNS.issuperset(line):
                    raise Refused("a line has digits, T, U, $, -, ? and blanks")
                return lambda: self._send(device.read(line, status))
            case "raw":
                data = _hex(text(request, "hex"))
                return lambda: self._send(data)
            case "mute":
                return lambda: setattr(device, "mute", on)
            case "forget":
                return lambda: setattr(device, "settle", not on)
            case "power_cycle":
                return device.power_cycle
            case "cable_out":
                return self._line.unplug
            case "cable_in":
                return self._line.plug_in
        raise Refused(f"a check reader cannot {do!r}")

    def _send(self, data: bytes) -> None:
        if not self._line.plugged:
            raise Refused("the cable is out")
        self._line.write(data)


def _hex(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise Refused(f"not hexadecimal: {digits}") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate checkreader", description="the twin of a check reader")
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the pseudo-terminal")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    options = parser.parse_args(argv)
    done = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, done)
    try:
        with (
            sole_server(options.link),
            CheckReaderTwin(options.link) as twin,
            ControlServer(options.control, twin.handle),
        ):
            print(options.link, flush=True)
            signal.sigwait(done)
    except OSError as error:
        print(f"simulate checkreader: {error}", file=sys.stderr)
        return 1
    return 0
