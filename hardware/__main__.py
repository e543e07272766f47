"""Devices from the shell.

python -m hardware simulate DEVICE [options]   run the twin of a device (its own --help says more)
python -m hardware decode PROTOCOL             one hexadecimal frame a line in, one JSON object a line out
"""

import importlib
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

# Each is the module of a twin with `main(argv) -> int`, found when it is asked for: most need libraries of their own.
TWINS = (
    "ebds",
    "id003",
    "ccnet",
    "ssp",
    "printer",
    "camera",
    "imager",
    "wedge",
    "network",
    "stripe",
    "pax",
    "zvt",
    "checkreader",
)
DECODERS = {  # modules with `decode_line(text) -> dict`
    "ebds": "hardware.acceptors.ebds.decode",
    "id003": "hardware.acceptors.id003.decode",
    "ccnet": "hardware.acceptors.ccnet.decode",
    "zvt": "hardware.cards.zvt.decode",
    "pax": "hardware.cards.pax.decode",
    "ssp": "hardware.acceptors.ssp.decode",
    "magtek": "hardware.checks.magtek.decode",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the first two words say; return the exit code, 2 for words that are not known."""
    words = list(sys.argv[1:] if argv is None else argv)
    match words:
        case ["simulate", device, *rest] if device in TWINS:
            return int(importlib.import_module(f"hardware.sim.{device}").main(rest))
        case ["decode", protocol] if protocol in DECODERS:
            return decode(importlib.import_module(DECODERS[protocol]).decode_line)
        case ["-h" | "--help"]:
            print(_usage())
            return 0
    print(_usage(), file=sys.stderr)
    return 2


def decode(decode_line: Callable[[str], dict[str, Any]]) -> int:
    """Answer every line of standard input with a JSON object; whatever the line holds, it gets one."""
    for line in sys.stdin.buffer:
        print(json.dumps(decode_line(line.decode("ascii", "replace").rstrip("\r\n"))), flush=True)
    return 0


def _usage() -> str:
    return "\n".join(
        (
            "usage: hardware simulate DEVICE [options]   (--help for the options)",
            f"         devices: {', '.join(TWINS)}",
            "       hardware decode PROTOCOL   frames in hexadecimal, one a line on standard input",
            f"         protocols: {', '.join(DECODERS)}",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
