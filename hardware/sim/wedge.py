"""The twin of a keyboard-wedge scanner: a virtual keyboard through the kernel's uinput.

    python -m hardware simulate wedge --link PATH --control SOCKET

Control requests: scan {"payload"} types the payload and Enter; state. Needs write access to /dev/uinput.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evdev import UInput, ecodes

from hardware.sim.control import ControlServer, Refused, text
from hardware.sim.lines import sole_server

# Keys by what is printed on a US keyboard; the shifted ones apart.
_NAMES = {
    "-": "MINUS", "=": "EQUAL", "[": "LEFTBRACE", "]": "RIGHTBRACE", ";": "SEMICOLON", "'": "APOSTROPHE",
    "`": "GRAVE", "\\": "BACKSLASH", ",": "COMMA", ".": "DOT", "/": "SLASH", " ": "SPACE",
}  # fmt: skip
_SHIFTED = dict(zip('!@#$%^&*()_+{}:"~|<>?', "1234567890-=[];'`\\,./", strict=True))
_GROUP_SEPARATOR = "\x1d"  # typed as control and the right bracket


def strokes(payload: str) -> Iterator[tuple[int, int]]:
    """Yield (key code, value) of every press and release that types `payload` and Enter; Refused for other text."""
    for character in payload:
        if character == _GROUP_SEPARATOR:
            yield from _with(ecodes.KEY_LEFTCTRL, ecodes.KEY_RIGHTBRACE)
            continue
        plain = _SHIFTED.get(character, character.lower())
        name = _NAMES.get(plain, plain.upper())
        code = ecodes.ecodes.get(f"KEY_{name}")
        if code is None or not character.isascii():
            raise Refused(f"a keyboard cannot type {character!r}")
        shifted = character in _SHIFTED or character.isupper()
        yield from _with(ecodes.KEY_LEFTSHIFT, code) if shifted else _press(code)
    yield from _press(ecodes.KEY_ENTER)


def _press(code: int) -> Iterator[tuple[int, int]]:
    yield code, 1
    yield code, 0


def _with(modifier: int, code: int) -> Iterator[tuple[int, int]]:
    yield modifier, 1
    yield from _press(code)
    yield modifier, 0


class WedgeTwin:
    """A running twin; `link` becomes a symbolic link to its event device. OSError without uinput."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._scans = 0
        keys = [code for name, code in ecodes.ecodes.items() if name.startswith("KEY_") and code < 128]
        self._keyboard: Any = UInput({ecodes.EV_KEY: keys}, name="kiosk wedge twin")
        link.unlink(missing_ok=True)
        link.symlink_to(self._keyboard.device.path)

    def close(self) -> None:
        """Remove the keyboard."""
        self._link.unlink(missing_ok=True)
        self._keyboard.close()

    def __enter__(self) -> "WedgeTwin":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do one control request. Refused if there is no such request or the payload cannot be typed."""
        act = request["do"]
        with self._lock:
            if act == "scan":
                for code, value in list(strokes(text(request, "payload"))):
                    self._keyboard.write(ecodes.EV_KEY, code, value)
                    self._keyboard.syn()
                self._scans += 1
            elif act != "state":
                raise Refused(f"a wedge cannot {act!r}")
            return {"scans": self._scans}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT; 1 if it cannot be served, as without uinput."""
    parser = argparse.ArgumentParser(prog="hardware simulate wedge", description="the twin of a wedge scanner")
    parser.add_argument("--link", type=Path, required=True, help="symbolic link to the event device")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    options = parser.parse_args(argv)
    done = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, done)
    try:
        with (
            sole_server(options.link),
            WedgeTwin(options.link) as twin,
            ControlServer(options.control, twin.handle),
        ):
            signal.sigwait(done)
    except OSError as error:
        print(f"simulate wedge: {error}", file=sys.stderr)
        return 1
    return 0
