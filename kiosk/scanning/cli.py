"""`kiosk read`: what the scanner makes of pictures, one JSON line each, tried against all profiles."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from hardware.scanner.decode import decode_image
from hardware.scanner.reading import Reading
from kiosk.scanning.library import load
from kiosk.scanning.matching import fits, prefer
from kiosk.scanning.outcome import Match, Refused
from kiosk.scanning.profile import Profile

# Pillow tells damaged pictures by these, depending on format and place of the damage.
_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def main(argv: Sequence[str] | None = None) -> int:
    """Print one JSON line for each image named; return 1 if a file could not be opened as a picture, else 0."""
    parser = argparse.ArgumentParser(prog="kiosk read", description="Decode pictures of bills.")
    parser.add_argument("--any", action="store_true", help="look for every symbology, not only those of payments")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    arguments = parser.parse_args(argv)
    profiles = load()
    failed = False
    for name in arguments.images:
        line = read(name, profiles, arguments.any)
        failed |= "error" in line
        print(json.dumps(line, ensure_ascii=False), flush=True)
    return 1 if failed else 0


def read(name: str, profiles: Sequence[Profile], any_symbology: bool = False) -> dict[str, Any]:
    """Return the line for the picture `name`: the code that fits a profile first, all others under "others"."""
    started = time.perf_counter()
    try:
        with Image.open(Path(name)) as picture:
            readings = decode_image(picture, any_symbology, partial(fits, profiles=profiles))
    except _UNREADABLE as error:
        return {"image": name, "error": str(error) or type(error).__name__}
    described = [_describe(reading, outcome) for reading, outcome in prefer(readings, profiles)]
    best = described[0] if described else {"payload": None, "symbology": None, "profile": None, "fields": {}}
    line = {"image": name, **best, "ms": round((time.perf_counter() - started) * 1000)}
    return line | ({"others": described[1:]} if len(described) > 1 else {})


def _describe(reading: Reading, outcome: Match | Refused) -> dict[str, Any]:
    seen: dict[str, Any] = {"payload": reading.payload, "symbology": reading.symbology}
    if isinstance(outcome, Match):
        return seen | {"profile": outcome.profile, "fields": dict(outcome.fields)}
    return seen | {"profile": None, "fields": {}, "refused": outcome.code}


if __name__ == "__main__":
    sys.exit(main())
