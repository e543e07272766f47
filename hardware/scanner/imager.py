"""A serial 2D imager (USB CDC or RS-232): AIM prefix switched on, a fixed end mark, nothing else on the line.

The grammar is strict: prefix, data, end mark. Anything else is reported as garbled and never passed on, so that a
scanner that lost its settings cannot turn prefix or control characters into digits (issues of peers, 79).
"""

import select
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import serial

from hardware.scanner.reading import GS, Reading, from_aim
from hardware.transport.line import LineLost
from hardware.transport.serial_line import SerialLine

_BYTES_MAX = 4500  # the longest QR holds 4296 characters
_SILENCE_MS = 500  # a message has no pause this long in it, also at 9600 baud
# What a payload may hold below the blank: GS, and line feeds, which part the lines of slips in QR and PDF417.
_ALLOWED = frozenset((GS, "\n", "\r"))


@dataclass(frozen=True)
class Garbled:
    """Bytes that are no message: `reason` is prefix, control, length or timeout."""

    reason: str


class ImagerCodec:
    """Bytes in, readings out. `end` is the scanner's end mark; sites whose slips hold CRs choose another, as EOT.

    A line feed right after an end mark of CR is taken as part of it.
    """

    def __init__(self, end: bytes = b"\r") -> None:
        self._end = end
        self._buffer = bytearray()
        self._started_ms = 0
        self._overlong = False

    def feed(self, data: bytes, now_ms: int) -> list[Reading | Garbled]:
        """Take bytes from the line at monotonic `now_ms`; return what they complete."""
        found = self.tick(now_ms)
        for byte in data:
            if not self._buffer and self._end == b"\r" and byte == 0x0A:
                continue
            if not self._buffer:
                self._started_ms = now_ms
            self._buffer.append(byte)
            if self._buffer.endswith(self._end):
                found.append(self._message(now_ms))
            elif len(self._buffer) > _BYTES_MAX:
                # Forget what came but stay deaf up to the end mark: the rest is no message of its own.
                self._overlong = True
                del self._buffer[: -len(self._end)]
        self._last_ms = now_ms
        return found

    def tick(self, now_ms: int) -> list[Reading | Garbled]:
        """Drop a message that stopped half-way."""
        if not self._buffer or now_ms - self._last_ms < _SILENCE_MS:
            return []
        self._buffer.clear()
        self._overlong = False
        return [Garbled("timeout")]

    def _message(self, now_ms: int) -> Reading | Garbled:
        text = _text(bytes(self._buffer[: -len(self._end)]))
        overlong, self._overlong = self._overlong, False
        self._buffer.clear()
        if overlong:
            return Garbled("length")
        reading = from_aim(text, now_ms - self._started_ms)
        if reading is None:
            return Garbled("prefix")
        if any(character < " " and character not in _ALLOWED for character in text):
            return Garbled("control")
        return reading

    _last_ms = 0


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


class ImagerDriver:
    """Keeps the port of a serial imager open and reports what it reads; one blocking thread runs `run`.

    `on_reading` gets every reading, `on_health` "ready", "garbled" or "lost" with a reason, at each change: "garbled"
    after some messages in a row that are none, until the next good one. `monotonic_ms` is the clock of the codec.
    What lay in the port before, and the rest of a message that was being sent, is dropped at the opening.
    """

    _BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0)
    _WAIT_S = 0.2  # how late `stop` may be noticed
    _QUIET_S = 0.1  # no message has a pause this long in it
    _SETTLE_MS_MAX = 5_000
    _GARBLED_MAX = 3

    def __init__(
        self,
        port: str,
        on_reading: Callable[[Reading], None],
        on_health: Callable[[str, str], None],
        monotonic_ms: Callable[[], int],
        baud: int = 115_200,
        end: bytes = b"\r",
    ) -> None:
        self._line = SerialLine(port, baud, serial.EIGHTBITS, "N")
        self._on_reading = on_reading
        self._on_health = on_health
        self._monotonic_ms = monotonic_ms
        self._end = end

    def run(self, stop: Event) -> None:
        """Read until `stop` is set, opening the port again whenever it is lost."""
        failures = 0
        while not stop.is_set():
            try:
                self._line.open()
                self._settle()
                failures = 0
                self._on_health("ready", "")
                self._read(stop)
            except LineLost as loss:
                self._line.close()
                self._on_health("lost", str(loss))
                stop.wait(self._BACKOFF_S[min(failures, len(self._BACKOFF_S) - 1)])
                failures += 1
        self._line.close()

    def _settle(self) -> None:
        """Drop what comes until nothing comes. LineLost if that does not happen: it is no imager."""
        until_ms, count = self._monotonic_ms() + self._SETTLE_MS_MAX, 0
        while self._arrives(self._QUIET_S):
            count += len(self._line.read())
            if self._monotonic_ms() >= until_ms or count > 2 * _BYTES_MAX:
                raise LineLost(f"what is on {self._line.name} does not fall silent")

    def _arrives(self, timeout_s: float) -> bool:
        return bool(select.select([self._line.fileno()], [], [], timeout_s)[0])

    def _read(self, stop: Event) -> None:
        codec, garbled = ImagerCodec(self._end), 0
        while not stop.is_set():
            data = self._line.read() if self._arrives(self._WAIT_S) else b""
            now_ms = self._monotonic_ms()
            for found in codec.feed(data, now_ms) if data else codec.tick(now_ms):
                if isinstance(found, Reading):
                    if garbled >= self._GARBLED_MAX:
                        self._on_health("ready", "")
                    garbled = 0
                    self._on_reading(found)
                else:
                    garbled += 1
                    self._on_health("garbled" if garbled >= self._GARBLED_MAX else "ready", found.reason)
