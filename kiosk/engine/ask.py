"""`journal verify|export --config FILE`: the journal of a running kiosk, which only its engine may touch."""

import argparse
import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kiosk.config.load import load
from kiosk.config.wrong import ConfigWrong

GOOD, DAMAGED, UNUSABLE = 0, 1, 2
WAIT_S = 3_600.0  # the engine looks at a long journal in small parts, between its other work


def main(argv: Sequence[str]) -> int:
    """Ask the engine of the configuration. Returns 0 for a good journal, 1 for a damaged one, 2 when nobody answers."""
    parser = argparse.ArgumentParser(prog="kiosk journal")
    parser.add_argument("what", choices=("verify", "export"))
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(argv)
    try:
        answer = ask(load(options.config).control_socket, {"journal": options.what})
    except (OSError, ConfigWrong, ValueError) as error:
        print(f"the kiosk does not answer: {error}", file=sys.stderr)
        return UNUSABLE
    if options.what == "verify":
        print(json.dumps(answer.get("report", answer)))
    elif options.out:
        options.out.write_text(answer["lines"], encoding="utf-8")
    else:
        sys.stdout.write(answer["lines"])
    return GOOD if answer["ok"] else DAMAGED


def ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to a control socket and return its answer, passing over pictures. ValueError if it hangs up."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(WAIT_S)
        connection.connect(str(path))
        connection.sendall(json.dumps(request).encode() + b"\n")
        for line in connection.makefile("rb"):
            answer: dict[str, Any] = json.loads(line)
            if "ok" in answer:
                return answer
    raise ValueError("the control socket closed")
