"""The twin of an SSP note device on a pseudo-terminal, steered over a Unix socket.

    python -m hardware simulate ssp --link PATH --control SOCKET [--profile nv] [--state FILE]

It takes the control requests of every acceptor's twin (`hardware.sim.acceptor`), and for its line and its store:

  drop_reply {"count", "when"?}; corrupt {"count"}; echo {"count"}; other_toggle {"count"}; twice {"count"};
  deaf {"count"}; noise {"hex"}; fragment {"on"}; load {"value_minor", "count"}; payout_fails {"how", "after"?}

`when` of drop_reply: stacked, escrowed, returned or stacking. `load` puts notes into a recycler's payout store. A power
cut, a jam may come at "dispensing" too. `payout_fails` lets the next payout end in one of PAYOUT_FAILURES, after as
many notes came out.
"""

import argparse
import secrets
from collections.abc import Sequence
from pathlib import Path

from hardware.sim.acceptor import AcceptorTwin
from hardware.sim.control import Answer, Refused, Request, text, whole
from hardware.sim.ssp_device import Acceptor
from hardware.sim.ssp_parts import KEYS, PROFILES, Settings, load
from hardware.sim.ssp_wire import FLAGS, Wire
from hardware.sim.twin import Act, doing, serve, unhex


class SspTwin(AcceptorTwin):
    """The acceptor's twin with the line of SSP."""

    device: Acceptor
    wire: Wire

    def __init__(self, link: str | Path, settings: Settings | None = None, state: str | Path | None = None) -> None:
        store = Path(state) if state else None
        device = Acceptor(settings, load(store))
        super().__init__(link, device, Wire(device, seed=secrets.randbits(64)), store)

    def own_state(self) -> Answer:
        body = self.device.own
        return {
            "polls": self.wire.polls,
            "profile": self.device.settings.profile,
            "store": {str(value): count for value, count in sorted(body.store.items()) if count},
            "handed_out": {str(value): count for value, count in sorted(body.handed_out.items()) if count},
        }

    def line_acts(self, do: str, request: Request) -> Act | None:
        trouble = self.wire.trouble
        match do:
            case "drop_reply":
                return self._drop(whole(request, "count", 1), text(request, "when", ""))
            case "corrupt" | "echo" | "other_toggle" | "twice" | "deaf":
                count = whole(request, "count", 1)
                return doing(lambda: setattr(trouble, do, count))
            case "noise":
                noise = unhex(text(request, "hex", "05"))
                return doing(lambda: setattr(trouble, "noise", noise))
            case "fragment":
                on = bool(request.get("on", True))
                return doing(lambda: setattr(trouble, "fragment", on))
            case "load":
                return self._load(whole(request, "value_minor"), whole(request, "count", 1))
            case "payout_fails":
                how, after = text(request, "how"), whole(request, "after", 0)
                return doing(lambda: self.device.payout.fail(how, after))
        return None

    def _drop(self, count: int, when: str) -> Act:
        if when and when not in FLAGS:
            raise Refused(f"no such thing to tell: {when}; there are {', '.join(FLAGS)}")

        def drop() -> None:
            self.wire.trouble.drop, self.wire.trouble.when = count, when

        return doing(drop)

    def _load(self, value_minor: int, count: int) -> Act:
        def put_in() -> None:
            if not self.device.settings.recycles or value_minor not in self.device.settings.table.values():
                raise Refused("it has no payout store for such notes")
            self.device.own.store[value_minor] += count

        return doing(put_in)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate ssp", description="the twin of an SSP note device")
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the pseudo-terminal")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    parser.add_argument("--profile", choices=PROFILES, default="nv", help="which device it is (nv)")
    parser.add_argument("--state", type=Path, help="file that keeps notes and cassette over a restart")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster notes move (1)")
    parser.add_argument("--require-key", choices=KEYS, default="payout_commands", help="what it refuses in clear")
    options = parser.parse_args(argv)
    settings = Settings(options.profile, speed=options.speed, require_key=options.require_key)
    return serve(options.link, options.control, lambda: SspTwin(options.link, settings, options.state))
