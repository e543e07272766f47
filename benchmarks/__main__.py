"""`./run measure`: every benchmark in turn, as a table and as JSON.

./run measure [NAME...] [--out FILE]
"""

import argparse
import importlib
import json
import platform
import sys
from pathlib import Path
from typing import Any

MODULES = (
    "journal_append",
    "start_up",
    "note_decision",
    "screen_start",
    "screen_idle",
    "kiosk_idle",
    "drivers_polling",
    "journal_post",
)


def main(argv: list[str]) -> int:
    """Run the named benchmarks, or all. Returns 1 if a limit is not kept."""
    parser = argparse.ArgumentParser(prog="./run measure")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODULES)}")
    parser.add_argument("--out", type=Path, default=Path("measured.json"))
    options = parser.parse_args(argv)
    if unknown := set(options.names) - set(MODULES):
        parser.error(f"not known: {', '.join(sorted(unknown))}")
    results: list[dict[str, Any]] = []
    for name in options.names or MODULES:
        measured = importlib.import_module(f"benchmarks.{name}").measure()
        for result in measured if isinstance(measured, list) else [measured]:
            results.append(result)
            print(_row(result), flush=True)
    about = {"machine": platform.machine(), "python": platform.python_version(), "results": results}
    options.out.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return 0 if all(result["ok"] for result in results) else 1


def _row(result: dict[str, Any]) -> str:
    figures = ", ".join(f"{name} {value}" for name, value in result.items() if name not in ("name", "ok"))
    return f"{'ok  ' if result['ok'] else 'OVER'} {result['name']:44} {figures}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
