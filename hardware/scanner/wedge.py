"""A keyboard-wedge scanner: grabbed exclusively, so that a barcode can never type into the program.

Key codes are decoded here on a US layout, whatever layout the console has (issues of peers, 77 and 78).
"""

import fcntl
import os
import select
import struct
from collections.abc import Callable
from threading import Event

from hardware.scanner.reading import GS, Reading, from_aim
from hardware.transport.serial_line import held_elsewhere

# linux/input-event-codes.h: code of the first key of a row, then the row plain and shifted on a US layout.
_ROWS = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", " "),
    (55, "*", "*"),
    (71, "789-456+1230.", "789-456+1230."),
    (98, "/", "/"),
)
_KEYS = {
    start + place: (plain[place], shifted[place]) for start, plain, shifted in _ROWS for place in range(len(plain))
}
_ENTER = frozenset((28, 96))
_SHIFT = frozenset((42, 54))
_CONTROL = frozenset((29, 97))
_CAPS_LOCK = 58
_BRACKET = 27  # Ctrl and ] is how scanners type GS

_LENGTH_MAX = 4500
_SILENCE_MS = 300  # a scanner types a key every few milliseconds; a pause means that the line was cut off

# struct input_event on 64-bit: seconds, microseconds, type, code, value.
EVENT = struct.Struct("qqHHi")
EV_KEY = 1
EVIOCGRAB = 0x40044590


class WedgeCodec:
    """Key events in, readings out. With `aim` every message must start with an AIM prefix; otherwise it may not.

    Pressing shift or control lasts until its release; repeats of a held key count nothing.
    """

    def __init__(self, aim: bool = False) -> None:
        self._aim = aim
        self._text: list[str] = []
        self._held: set[int] = set()
        self._caps = False
        self._garbled = False
        self._started_ms = 0
        self._last_ms = 0

    def feed(self, code: int, value: int, now_ms: int) -> Reading | None:
        """Take one key event (`value` 1 pressed, 0 released, 2 repeated); return the reading that Enter completes."""
        if code in _SHIFT | _CONTROL:
            self._held = self._held | {code} if value else self._held - {code}
            return None
        if value != 1:
            return None
        if now_ms - self._last_ms > _SILENCE_MS:
            self._clear(now_ms)
        self._last_ms = now_ms
        if code in _ENTER:
            return self._message(now_ms)
        if code == _CAPS_LOCK:
            self._caps = not self._caps
        else:
            self._key(code)
        return None

    def _key(self, code: int) -> None:
        plain, shifted = _KEYS.get(code, ("", ""))
        if self._held & _CONTROL:
            character = GS if code == _BRACKET else ""
        else:
            # Caps lock, which some scanners send to change case, concerns letters only.
            upper = bool(self._held & _SHIFT) != (self._caps and plain.isalpha())
            character = shifted if upper else plain
        if not character or len(self._text) >= _LENGTH_MAX:
            self._garbled = True  # an unknown key inside a message spoils it: never guess
        else:
            self._text.append(character)

    def _message(self, now_ms: int) -> Reading | None:
        text, garbled, ms = "".join(self._text), self._garbled, now_ms - self._started_ms
        self._clear(now_ms)
        if garbled or not text:
            return None
        return from_aim(text, ms) if self._aim else Reading(text, "", ms)

    def _clear(self, now_ms: int) -> None:
        self._text.clear()
        self._garbled = False
        self._started_ms = now_ms


class WedgeDriver:
    """Grabs the event device at `path` and reports readings; one blocking thread runs `run`.

    `grab` and `monotonic_ms` stand for the kernel in tests; times are taken from the clock, not from the events.
    A scanner that is typing when the device is opened is waited for: half a number may look like a whole one.
    """

    _BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0)
    _SETTLE_MS_MAX = 5_000

    def __init__(
        self,
        path: str,
        on_reading: Callable[[Reading], None],
        on_health: Callable[[str, str], None],
        monotonic_ms: Callable[[], int],
        aim: bool = False,
        grab: Callable[[int], object] = lambda device: fcntl.ioctl(device, EVIOCGRAB, 1),
    ) -> None:
        self._path = path
        self._on_reading = on_reading
        self._on_health = on_health
        self._monotonic_ms = monotonic_ms
        self._aim = aim
        self._grab = grab

    def run(self, stop: Event) -> None:
        """Read until `stop` is set, opening and grabbing the device again whenever it is lost."""
        failures = 0
        while not stop.is_set():
            try:
                device = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    self._hold(device)
                    self._settle(device)
                    failures = 0
                    self._on_health("ready", "")
                    self._read(device, stop)
                finally:
                    os.close(device)
            except OSError as error:
                self._on_health("lost", str(error))
                stop.wait(self._BACKOFF_S[min(failures, len(self._BACKOFF_S) - 1)])
                failures += 1

    def _hold(self, device: int) -> None:
        try:
            self._grab(device)
        except OSError as error:
            raise OSError(held_elsewhere(self._path, error) or str(error)) from error

    def _settle(self, device: int) -> None:
        """Drop what is typed until nothing is. OSError if that does not happen: it is no scanner."""
        until_ms = self._monotonic_ms() + self._SETTLE_MS_MAX
        while select.select([device], [], [], _SILENCE_MS / 1000)[0]:
            self._events(device)
            if self._monotonic_ms() >= until_ms:
                raise OSError(f"what is on {self._path} does not fall silent")

    @staticmethod
    def _events(device: int) -> bytes:
        data = os.read(device, EVENT.size * 64)  # the kernel hands over whole events only
        if not data:
            raise OSError("the device is gone")
        return data

    def _read(self, device: int, stop: Event) -> None:
        codec = WedgeCodec(self._aim)
        while not stop.is_set():
            if not select.select([device], [], [], 0.2)[0]:
                continue
            for _, _, kind, code, value in EVENT.iter_unpack(self._events(device)):
                reading = codec.feed(code, value, self._monotonic_ms()) if kind == EV_KEY else None
                if reading:
                    self._on_reading(reading)
