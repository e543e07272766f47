"""The twin of an EBDS bill acceptor on a pseudo-terminal, steered over a Unix socket.

    python -m hardware simulate ebds --link PATH --control SOCKET [--profile mei-sc] [--state FILE] [--policy A]

It takes the control requests of every acceptor's twin (`hardware.sim.acceptor`), and for its line:

  drop_reply {"count", "when"?}; corrupt {"count"}; echo {"count"}; other_toggle {"count"}; noise {"hex"};
  fragment {"on"}

`when` of drop_reply is a flag of the status, as stacked or escrowed.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hardware.sim.acceptor import AcceptorTwin
from hardware.sim.control import Answer, Refused, Request, text, whole
from hardware.sim.ebds_device import Acceptor
from hardware.sim.ebds_parts import POLICIES, PROFILES, Settings
from hardware.sim.ebds_wire import BITS, Wire
from hardware.sim.notes import load
from hardware.sim.twin import Act, serve, setting


class EbdsTwin(AcceptorTwin):
    """The acceptor's twin with the line of EBDS."""

    device: Acceptor
    wire: Wire

    def __init__(self, link: str | Path, settings: Settings | None = None, state: str | Path | None = None) -> None:
        store = Path(state) if state else None
        device = Acceptor(settings, load(store))
        super().__init__(link, device, Wire(device), store)

    def own_state(self) -> Answer:
        return {"polls": self.wire.polls, "profile": self.device.settings.profile}

    def line_acts(self, do: str, request: Request) -> Act | None:
        trouble = self.wire.trouble
        match do:
            case "drop_reply":
                return self._drop(whole(request, "count", 1), text(request, "when", ""))
            case "corrupt" | "echo" | "other_toggle":
                return setting(trouble, do, whole(request, "count", 1))
            case "noise":
                return setting(trouble, "noise", _hex(text(request, "hex", "05")))
            case "fragment":
                return setting(trouble, "fragment", bool(request.get("on", True)))
        return None

    def _drop(self, count: int, when: str) -> Act:
        if when and when not in BITS:
            raise Refused(f"no such flag: {when}; there are {', '.join(BITS)}")

        def drop() -> Answer:
            self.wire.trouble.drop, self.wire.trouble.when = count, when
            return {}

        return drop


def _hex(digits: str) -> bytes:
    try:
        return bytes(byte & 0x7F for byte in bytes.fromhex(digits))
    except ValueError as error:
        raise Refused(f"not hexadecimal: {digits}") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate ebds", description="the twin of an EBDS bill acceptor")
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the pseudo-terminal")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    parser.add_argument("--profile", choices=PROFILES, default="mei-sc", help="which device it is (mei-sc)")
    parser.add_argument("--policy", choices=POLICIES, default="A", help="power-up policy of MEI-SC (A)")
    parser.add_argument("--state", type=Path, help="file that keeps notes and cassette over a restart")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster notes move (1)")
    parser.add_argument("--silence-ms", type=int, default=5_000, help="silence after which it takes no notes (5000)")
    options = parser.parse_args(argv)
    settings = Settings(options.profile, options.policy, speed=options.speed, silence_ms=options.silence_ms)
    return serve(options.link, options.control, lambda: EbdsTwin(options.link, settings, options.state))
