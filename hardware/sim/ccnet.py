"""The twin of a CCNET bill validator on a pseudo-terminal, steered over a Unix socket.

    python -m hardware simulate ccnet --link PATH --control SOCKET [--model sm] [--state FILE] [--once]

It takes the control requests of every acceptor's twin (`hardware.sim.acceptor`), and for its line:

  drop_reply {"count", "when"?}; corrupt {"count"}; echo {"count"}; double {"count"}; late {"count"}; noise {"hex"};
  fragment {"on"}; fail (the stacking motor, until RESET)

`when` of drop_reply is a state, as stacked or escrowed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hardware.sim.acceptor import AcceptorTwin
from hardware.sim.ccnet_device import Validator
from hardware.sim.ccnet_parts import CODES, MODELS, Settings
from hardware.sim.ccnet_wire import Wire
from hardware.sim.control import Answer, Refused, Request, text, whole
from hardware.sim.notes import load
from hardware.sim.twin import Act, doing, serve, setting, unhex


class CcnetTwin(AcceptorTwin):
    """The acceptor's twin with the line of CCNET."""

    device: Validator
    wire: Wire

    def __init__(self, link: str | Path, settings: Settings | None = None, state: str | Path | None = None) -> None:
        store = Path(state) if state else None
        device = Validator(settings, load(store))
        super().__init__(link, device, Wire(device), store, device.settings.baud)

    def own_state(self) -> Answer:
        return {"polls": self.wire.polls, "model": self.device.settings.model}

    def line_acts(self, do: str, request: Request) -> Act | None:
        trouble = self.wire.trouble
        match do:
            case "drop_reply":
                return self._drop(whole(request, "count", 1), text(request, "when", ""))
            case "corrupt" | "echo" | "double" | "late":
                return setting(trouble, do, whole(request, "count", 1))
            case "noise":
                return setting(trouble, "noise", unhex(text(request, "hex", "02")))
            case "fragment":
                return setting(trouble, "fragment", bool(request.get("on", True)))
            case "fail":
                return doing(self.device.fail)
        return None

    def _drop(self, count: int, when: str) -> Act:
        if when and when not in CODES:
            raise Refused(f"no such state: {when}; there are {', '.join(CODES)}")

        def drop() -> Answer:
            self.wire.trouble.drop, self.wire.trouble.when = count, when
            return {}

        return drop


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate ccnet", description="the twin of a CCNET bill validator")
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the pseudo-terminal")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    parser.add_argument("--model", choices=MODELS, default="sm", help="which device it says it is (sm)")
    parser.add_argument("--once", action="store_true", help="say each report once, acknowledged or not")
    parser.add_argument("--state", type=Path, help="file that keeps notes and cassette over a restart")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster notes move (1)")
    parser.add_argument("--escrow-ms", type=int, default=10_000, help="how long a note is held undecided (10000)")
    parser.add_argument("--silence-ms", type=int, default=0, help="silence after which it takes no notes (0: none)")
    parser.add_argument("--baud", type=int, choices=(9600, 19200), default=0, help="the speed it is set to (any)")
    options = parser.parse_args(argv)
    settings = Settings(
        options.model,
        speed=options.speed,
        baud=options.baud,
        latch=not options.once,
        escrow_ms=options.escrow_ms,
        silence_ms=options.silence_ms,
    )
    return serve(options.link, options.control, lambda: CcnetTwin(options.link, settings, options.state))
