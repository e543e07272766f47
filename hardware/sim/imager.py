"""The twin of a serial imager: AIM prefix, data, end mark on a pseudo-terminal.

    python -m hardware simulate imager --link PATH --control SOCKET

Control requests: scan {"payload", "symbology"}; raw {"hex"} (any bytes); prefix_off, prefix_on (a scanner that lost
its settings); cut_after {"bytes": n} (the next scan stops there); cable_out, cable_in; state.
"""

import argparse
import os
import signal
import sys
import threading
import tty
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hardware.sim.control import ControlServer, Refused, text, whole
from hardware.sim.lines import sole_server

# What an imager with default modifiers puts in front, ISO/IEC 15424.
_PREFIXES = {
    "code39": "]A0",
    "code128": "]C0",
    "gs1_128": "]C1",
    "codabar": "]F0",
    "code93": "]G0",
    "itf": "]I0",
    "pdf417": "]L0",
    "qr": "]Q1",
    "gs1_qr": "]Q3",
    "datamatrix": "]d1",
    "gs1_datamatrix": "]d2",
    "ean13": "]E0",
    "aztec": "]z0",
    "imb": "]X0",
}


class ImagerTwin:
    """A running twin; `link` becomes a symbolic link to its pseudo-terminal. `handle` may be called by any thread."""

    def __init__(self, link: Path, end: bytes = b"\r") -> None:
        self._link = link
        self._end = end
        self._lock = threading.Lock()
        self._line: tuple[int, int] | None = None
        self._prefix = True
        self._cut_after: int | None = None
        self._scans = 0
        self._plug_in()

    def close(self) -> None:
        """Unplug."""
        with self._lock:
            self._unplug()

    def __enter__(self) -> "ImagerTwin":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do one control request. Refused if there is no such request, a field is wrong or the cable is out."""
        act = request["do"]
        with self._lock:
            if act == "scan":
                self._scan(text(request, "payload"), text(request, "symbology", "qr"))
            elif act == "raw":
                self._raw(text(request, "hex"))
            elif act == "cut_after":
                self._cut_after = whole(request, "bytes")
            elif act in ("prefix_on", "prefix_off"):
                self._prefix = act == "prefix_on"
            elif act == "cable_in":
                self._plug_in()
            elif act == "cable_out":
                self._unplug()
            elif act != "state":
                raise Refused(f"an imager cannot {act!r}")
            return {"scans": self._scans, "plugged_in": self._line is not None, "prefix": self._prefix}

    def _scan(self, payload: str, symbology: str) -> None:
        if symbology not in _PREFIXES:
            raise Refused(f"an imager does not read {symbology!r}")
        message = (_PREFIXES[symbology] if self._prefix else "").encode() + payload.encode() + self._end
        cut, self._cut_after = self._cut_after, None
        self._send(message[:cut])
        self._scans += 1

    def _raw(self, digits: str) -> None:
        try:
            self._send(bytes.fromhex(digits))
        except ValueError as error:
            raise Refused(f"not hex: {error}") from error

    def _send(self, data: bytes) -> None:
        if self._line is None:
            raise Refused("the cable is out")
        try:
            sent = os.write(self._line[0], data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            raise Refused(f"the host does not read: {sent} of {len(data)} bytes went out")

    def _plug_in(self) -> None:
        if self._line is None:
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._line = (master, slave)  # our own slave end keeps the line up while no host has it open
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(os.ttyname(slave))

    def _unplug(self) -> None:
        if self._line is not None:
            self._link.unlink(missing_ok=True)
            for end in self._line:
                os.close(end)
            self._line = None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate imager", description="the twin of a serial imager")
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the pseudo-terminal")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    options = parser.parse_args(argv)
    done = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, done)
    try:
        with (
            sole_server(options.link),
            ImagerTwin(options.link) as twin,
            ControlServer(options.control, twin.handle),
        ):
            signal.sigwait(done)
    except OSError as error:
        print(f"simulate imager: {error}", file=sys.stderr)
        return 1
    return 0
