"""The twin of a serial check reader on a pseudo-terminal.

    python -m hardware simulate checkreader --link PATH --control SOCKET

Control requests: check {"line", "status"?} (a check goes through; T transit, U on-us, $ amount, - dash, ? unread);
raw {"hex"} (any bytes); mute {"on"}; forget {"on"} (settings are not kept); power_cycle; cable_out; cable_in; state;
wait_ready {"timeout_ms"?} (until the host has set it up).
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hardware.sim.checkreader_device import CheckReaderDevice
from hardware.sim.control import Answer, Refused, Request, text
from hardware.sim.lines import PtyLine
from hardware.sim.twin import Act, Twin, serve, unhex

IDLE_S = 60.0  # nothing in it waits for time to pass
SET_UP = ("01110100", "0000")  # framing and format, as the kiosk sets them
_SIGNS = frozenset("0123456789TU$-? ")


class CheckReaderTwin(Twin):
    """A running twin. Nothing of it outlives the process."""

    def __init__(self, link: str | Path) -> None:
        super().__init__(store=None)
        self.device = CheckReaderDevice()
        self._line = PtyLine(link)
        self._line.plug_in()
        self.start("check reader twin")

    def kept(self) -> dict[str, Any]:
        return {}

    def ends(self) -> list[Any]:
        return [self._line.fileno()] if self._line.plugged else []

    def patience_s(self) -> float:
        return IDLE_S

    def step(self, dt_ms: int) -> None:
        """It knows no time."""

    def answer(self, ready: list[Any]) -> None:
        del ready
        self._line.write(self.device.feed(self._line.read()))

    def unplug(self) -> None:
        self._line.unplug()

    # Control

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
        return (self.device.switches.framing, self.device.switches.format) == SET_UP

    def awaited(self, request: Request) -> Callable[[], bool] | None:
        return self._ready if request["do"] == "wait_ready" else super().awaited(request)

    def act(self, do: str, request: Request) -> Act:
        deed = self._deed(do, request)

        def answer() -> Answer:
            deed()
            return self.state()

        return answer

    def _deed(self, do: str, request: Request) -> Callable[[], object]:
        device, on = self.device, bool(request.get("on", True))
        match do:
            case "check":
                line, status = text(request, "line"), text(request, "status", "")
                if not _SIGNS.issuperset(line):
                    raise Refused("a line has digits, T, U, $, -, ? and blanks")
                return lambda: self._send(device.read(line, status))
            case "raw":
                data = unhex(text(request, "hex"))
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
            case "state":
                return lambda: None
        raise Refused(f"a check reader cannot {do!r}")

    def _send(self, data: bytes) -> None:
        if not self._line.plugged:
            raise Refused("the cable is out")
        self._line.write(data)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate checkreader", description="the twin of a check reader")
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the pseudo-terminal")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    options = parser.parse_args(argv)
    return serve(options.link, options.control, lambda: CheckReaderTwin(options.link))
