"""`python -m hardware.sim.dock` opens the window; `... say DEVICE REQUEST [name=value ...]` says one thing to one twin.

    python -m hardware.sim.dock --acceptor SOCKET --camera SOCKET --bills DIR
    python -m hardware.sim.dock say acceptor insert value_minor=2000

A socket that is not given is looked for as DEVICE.sock in the folder of --sockets.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hardware.sim.control import ControlClient, Refused
from hardware.sim.dock.devices import DEVICES

SOCKETS = Path(__file__).resolve().parents[3] / "var" / "twins"  # where the demo puts them


def main(argv: Sequence[str]) -> int:
    """Run the dock. Exit 0; for `say` 1 if the twin refuses or is away, 2 for a mistake in the arguments."""
    parser = _parser()
    options = parser.parse_args(argv)
    sockets = _sockets(options)
    if options.what == "say":
        return _say(parser, sockets, options)
    present = {name: path for name, path in sockets.items() if getattr(options, name) or path.exists()}
    return _open(present or sockets, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dock", description="Drive the simulated devices.")
    for name, device in DEVICES.items():
        parser.add_argument(f"--{name}", type=Path, metavar="SOCKET", help=f"control socket: {device.title.lower()}")
    parser.add_argument("--sockets", type=Path, default=SOCKETS, metavar="DIR", help="folder of DEVICE.sock files")
    parser.add_argument("--bills", type=Path, metavar="DIR", help="bills to hold to the camera: pictures or PDF")
    parser.add_argument("--geometry", type=_geometry, default=None, metavar="WxH+X+Y", help="the window's place")
    acts = parser.add_subparsers(dest="what", metavar="say")
    say = acts.add_parser("say", help="send one request to one twin and print its answer")
    say.add_argument("device", choices=DEVICES)
    say.add_argument("request", help="as insert, cable_out, down, state")
    say.add_argument("fields", nargs="*", metavar="name=value", help="as value_minor=2000; whole numbers stay numbers")
    return parser


def _sockets(options: argparse.Namespace) -> dict[str, Path]:
    return {name: getattr(options, name) or options.sockets / f"{name}.sock" for name in DEVICES}


def _open(sockets: dict[str, Path], options: argparse.Namespace) -> int:
    # Kivy reads these as it is imported: our arguments are ours, and the user's settings stay alone.
    os.environ |= {"KIVY_NO_ARGS": "1", "KIVY_NO_CONFIG": "1", "KIVY_NO_FILELOG": "1", "KIVY_LOG_MODE": "PYTHON"}
    from hardware.sim.dock.window import open_dock  # takes a second to load: not for `say`

    open_dock(sockets, options.bills, options.geometry)
    return 0


def _say(parser: argparse.ArgumentParser, sockets: dict[str, Path], options: argparse.Namespace) -> int:
    try:
        request = {"do": options.request} | dict(map(_field, options.fields))
    except ValueError as error:
        parser.error(str(error))
    try:
        with ControlClient(sockets[options.device]) as client:
            answer = client.ask(request)
    except (Refused, OSError) as problem:
        print(f"dock: {options.device}: {problem}", file=sys.stderr)
        return 1
    print(json.dumps(answer, ensure_ascii=False))
    return 0


def _field(text: str) -> tuple[str, Any]:
    """Return ("value_minor", 2000) for "value_minor=2000"; true and false are booleans, other values text."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ValueError(f"not name=value: {text!r}")
    if re.fullmatch(r"-?[0-9]+", value):
        return name, int(value)
    return name, {"true": True, "false": False}.get(value, value)


def _geometry(text: str) -> tuple[int, int, int, int]:
    match = re.fullmatch(r"([0-9]+)x([0-9]+)\+([0-9]+)\+([0-9]+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"not WxH+X+Y: {text!r}")
    width, height, left, top = map(int, match.groups())
    return width, height, left, top


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
