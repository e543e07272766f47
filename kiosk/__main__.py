"""The kiosk's command line, and the only place that wires everything together.

    kiosk --config FILE [--ui none] [--control SOCKET]    engine, screen and reader as three processes
          [--capture FILE]                                also write down the acceptor's line
    kiosk engine|screen --config FILE                     one of them (what the systemd units start)
    kiosk reader --socket PATH --camera ADDRESS ...       the third, which must not read the configuration: it has PINs
    kiosk enrol --config FILE --code CODE                 make the key, tell the server, keep what it gives
          [--again]                                       the server forgot this enrolment: make it known once more
    kiosk pin                                             turn a PIN into what the configuration keeps
    kiosk check --config FILE [--devices]                 every error of the configuration at once
    kiosk doctor --config FILE | --port PORT              which acceptor hangs on the port, and is it as configured
    kiosk journal verify|export FILE                      check or write out the journal of a kiosk that is stopped
    kiosk journal verify|export --config FILE             the same of one that runs
    kiosk journal drain FILE --config FILE                send the city what it lacks of an old journal or an export
    kiosk read [--any] IMAGE...                           what the scanner makes of pictures
    kiosk demo [--headless]                               a demo city with simulated devices

Each command imports what it needs and nothing else: start-up time and memory are measured.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiosk.config.model import Config

PROCESSES = ("engine", "screen", "reader")
FAILPOINT = "KIOSK_FAILPOINT"  # see kiosk/engine/failpoint.py
SCREEN_NICE, READER_NICE = 5, 10  # a decision about a note comes before a picture of it


def main(argv: list[str]) -> int:
    """Run one command; returns the exit code (2: wrong usage or configuration)."""
    command = argv[0] if argv and not argv[0].startswith("-") else "all"
    if argv and argv[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    if command not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    return COMMANDS[command](argv if command == "all" else argv[1:])


def _arguments(argv: list[str]) -> tuple["Config", argparse.Namespace]:
    """Parse what all processes share. Exits with 2 and every error of the configuration in one list."""
    from kiosk.config.load import load
    from kiosk.config.wrong import ConfigWrong

    parser = argparse.ArgumentParser(prog="kiosk")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--ui", choices=("window", "none"), default="window")
    parser.add_argument("--control", type=Path)
    parser.add_argument("--capture", type=Path)
    parser.add_argument("--code")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--touch-map", action="store_true")
    parser.add_argument("--devices", action="store_true")
    options = parser.parse_args(argv)
    try:
        config = load(options.config, options.devices)
    except ConfigWrong as wrong:
        _refuse(wrong.errors)
    if config.production and (options.ui == "none" or options.control or options.touch_map):
        _refuse(["--ui none, --control and --touch-map are for tests and are refused when production = true"])
    _check_failpoint(config.production)
    return config, options


def _check_failpoint(production: bool) -> None:
    text = os.environ.get(FAILPOINT)
    if not text:
        return
    if production:
        _refuse([f"{FAILPOINT} is set: it is for tests and is refused when production = true"])
    from kiosk.engine.failpoint import Failpoints, FailpointWrong

    try:
        Failpoints(text)
    except FailpointWrong as wrong:
        _refuse([f"{FAILPOINT}: {wrong}"])


def _refuse(errors: list[str]) -> None:
    print("The configuration is wrong:", *(f"  {error}" for error in errors), sep="\n", file=sys.stderr)
    raise SystemExit(2)


def _all(argv: list[str]) -> int:
    from kiosk.engine.supervise import supervise

    config, options = _arguments(argv)
    shared = ["--config", str(options.config)]
    extra = ["--ui", options.ui]
    for name in ("control", "capture"):
        path = getattr(options, name)
        extra += [f"--{name}", str(path)] if path else []
    arguments = {"engine": shared + extra, "reader": _reader_arguments(config), "screen": shared}
    if options.touch_map:
        arguments["screen"] = [*shared, "--touch-map"]
    names = [name for name in PROCESSES if not (name == "screen" and options.ui == "none")]
    if not (config.reader.camera or config.reader.imager or config.reader.wedge):
        names.remove("reader")
    return supervise(names, arguments)


def _engine(argv: list[str]) -> int:
    from kiosk.engine.process import Options, die_on_failure, run_engine

    config, options = _arguments(argv)
    die_on_failure()
    return run_engine(config, Options(options.ui, options.control, options.capture, os.environ.get(FAILPOINT, "")))


def _screen(argv: list[str]) -> int:
    from kiosk.ui.process import ScreenConfig, run

    config, options = _arguments(argv)
    os.nice(SCREEN_NICE)
    os.environ["TZ"] = config.kiosk.time_zone
    time.tzset()
    screen = config.screen
    run(
        ScreenConfig(
            socket_path=str(config.screen_socket),
            width=screen.width,
            height=screen.height,
            density=screen.pixels_per_mm,
            fullscreen=screen.fullscreen,
            rotation=screen.rotation,
            pointer=not screen.touch_panel,
            left=screen.left,
            top=screen.top,
            touch_map=options.touch_map,
            city=config.office.name,
            kiosk=config.kiosk.name,
        )
    )
    return 0


def _reader_arguments(config: "Config") -> list[str]:
    reader = config.reader
    given = {"socket": str(config.reader_socket), "camera": reader.camera, "imager": reader.imager}
    given |= {"wedge": reader.wedge, "profiles": ",".join(reader.profiles)}
    return [f"--{name}={value}" for name, value in given.items()]


def _reader(argv: list[str]) -> int:
    from kiosk.scanning.reader import main as reader_main

    return reader_main(argv)


def _enrol(argv: list[str]) -> int:
    from kiosk.engine.city import enrol, enrol_again
    from kiosk.journal.keys import KeyUnusable

    config, options = _arguments(argv)
    if not options.code:
        _refuse(["enrol needs --code: the one-time code that the server's staff page shows"])
    try:
        return enrol_again(config, options.code) if options.again else enrol(config, options.code)
    except (FileNotFoundError, KeyUnusable) as error:
        _refuse([f"the key or the enrolment cannot be used: {error}"])
        raise


def _pin(argv: list[str]) -> int:
    from getpass import getpass

    from kiosk.engine.pins import hash_pin

    del argv
    try:
        print(hash_pin(getpass("PIN (4 to 12 digits): ") if sys.stdin.isatty() else sys.stdin.readline().strip()))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _check(argv: list[str]) -> int:
    _arguments(argv)
    print("The configuration is good.")
    return 0


def _doctor(argv: list[str]) -> int:
    from kiosk.engine.doctor import main as doctor_main

    return doctor_main(argv)


def _journal(argv: list[str]) -> int:
    if argv[:1] == ["drain"]:
        from kiosk.engine.drain import main as drain_main

        return drain_main(argv[1:])
    if "--config" in argv:
        from kiosk.engine.ask import main as ask_main

        return ask_main(argv)
    from kiosk.journal.cli import main as journal_main

    return journal_main(argv)


def _read(argv: list[str]) -> int:
    from kiosk.scanning.cli import main as read_main

    return read_main(argv)


def _demo(argv: list[str]) -> int:
    from kiosk.demo.cli import main as demo_main

    return demo_main(argv)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "all": _all,
    "engine": _engine,
    "screen": _screen,
    "reader": _reader,
    "enrol": _enrol,
    "pin": _pin,
    "check": _check,
    "doctor": _doctor,
    "journal": _journal,
    "read": _read,
    "demo": _demo,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
