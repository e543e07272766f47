"""The twin of an ID-003 bill acceptor on a pseudo-terminal, steered over a Unix socket.

    python -m hardware simulate id003 --link PATH --control SOCKET [--profile wba] [--state FILE]

It takes the control requests of every acceptor's twin (`hardware.sim.acceptor`), and for its line:

  drop_reply {"count", "when"?}; corrupt {"count"}; echo {"count"}; echoes {"on"}; noise {"hex"}; fragment {"on"}

`when` of drop_reply is a status in words, as stacked or escrowed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hardware.sim.acceptor import AcceptorTwin
from hardware.sim.control import Answer, Refused, Request, text, whole
from hardware.sim.id003_device import Acceptor
from hardware.sim.id003_parts import CASSETTE_BACK, CLEARS, NAMEPLATES, WORDS, Settings
from hardware.sim.id003_wire import Wire
from hardware.sim.notes import load
from hardware.sim.twin import Act, serve, setting, unhex


class Id003Twin(AcceptorTwin):
    """The acceptor's twin with the line of ID-003."""

    device: Acceptor
    wire: Wire

    def __init__(self, link: str | Path, settings: Settings | None = None, state: str | Path | None = None) -> None:
        store = Path(state) if state else None
        device = Acceptor(settings, load(store))
        super().__init__(link, device, Wire(device), store, device.settings.baud)

    def own_state(self) -> Answer:
        return {"polls": self.wire.polls, "profile": self.device.settings.profile}

    def line_acts(self, do: str, request: Request) -> Act | None:
        trouble = self.wire.trouble
        match do:
            case "drop_reply":
                return self._drop(whole(request, "count", 1), text(request, "when", ""))
            case "corrupt" | "echo":
                return setting(trouble, do, whole(request, "count", 1))
            case "echoes":
                return setting(self.wire, "echoes", bool(request.get("on", True)))
            case "noise":
                return setting(trouble, "noise", unhex(text(request, "hex", "05")))
            case "fragment":
                return setting(trouble, "fragment", bool(request.get("on", True)))
        return None

    def _drop(self, count: int, when: str) -> Act:
        words = sorted(set(WORDS.values()))
        if when and when not in words:
            raise Refused(f"no such status: {when}; there are {', '.join(words)}")

        def drop() -> Answer:
            self.wire.trouble.drop, self.wire.trouble.when = count, when
            return {}

        return drop


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate id003", description="the twin of an ID-003 bill acceptor")
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the pseudo-terminal")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    parser.add_argument("--profile", choices=sorted(NAMEPLATES), default="wba", help="which device it is (wba)")
    parser.add_argument("--state", type=Path, help="file that keeps notes and cassette over a restart")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster notes move (1)")
    parser.add_argument("--vend-data", action="store_true", help="VEND VALID carries the denomination")
    parser.add_argument(
        "--no-vend-after-start", action="store_true", help="none after a power-up with a note in the stacker"
    )
    parser.add_argument("--dumb-ms", type=int, default=0, help="silent after a VEND VALID of this age; 0 is never (0)")
    parser.add_argument("--clears", choices=CLEARS, default="by itself", help="how a jam or a full cassette ends")
    parser.add_argument(
        "--cassette-back", choices=CASSETTE_BACK, default="initialize", help="what a cassette put back does"
    )
    parser.add_argument("--baud", type=int, choices=(9600, 19200), default=0, help="the speed it is set to (any)")
    options = parser.parse_args(argv)
    settings = Settings(
        options.profile,
        speed=options.speed,
        baud=options.baud,
        vend_data=options.vend_data,
        vend_after_start=not options.no_vend_after_start,
        dumb_ms=options.dumb_ms,
        clears=options.clears,
        cassette_back=options.cassette_back,
    )
    return serve(options.link, options.control, lambda: Id003Twin(options.link, settings, options.state))
