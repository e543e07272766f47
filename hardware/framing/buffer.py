"""A receive buffer that finds frames in whatever a line delivers.

It knows only the start byte; the protocol says, through `measure`, what a candidate is. A candidate that turns
out to be none costs its start byte alone: the search goes on with the very next byte, because the start byte
also occurs inside data.
"""

from collections.abc import Callable
from enum import Enum


class Verdict(Enum):
    MORE = "more bytes are needed"
    WRONG = "no frame starts here"


Measure = Callable[[bytes], int | Verdict]


class ReceiveBuffer:
    """Cut a byte stream into frames.

    `measure(candidate)` is given all bytes from a start byte on and returns the length of the frame that begins
    there, or a Verdict. `mask` is applied to every byte that comes in. What is held stays below the longest frame
    that `measure` asks for, plus one chunk.
    """

    def __init__(self, start: int, measure: Measure, mask: int = 0xFF) -> None:
        self._start = start
        self._measure = measure
        self._masking = bytes(value & mask for value in range(256))
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; return the frames completed by them, in order."""
        self._held += data.translate(self._masking)
        return self._cut()

    def flush(self) -> list[bytes]:
        """The other side has stopped sending: return the frames hidden behind false starts, forget the rest.

        A stray start byte followed by a large length would otherwise swallow the next good frames.
        """
        frames: list[bytes] = []
        while self._held:
            self._held = self._held[1:]
            frames += self._cut()
        return frames

    def clear(self) -> None:
        self._held = b""

    def _cut(self) -> list[bytes]:
        frames: list[bytes] = []
        while (begin := self._held.find(self._start)) >= 0:
            candidate = self._held[begin:]
            length = self._measure(candidate)
            if length is Verdict.MORE:
                self._held = candidate
                return frames
            if isinstance(length, int):
                frames.append(candidate[:length])
                self._held = candidate[length:]
            else:
                self._held = candidate[1:]
        self._held = b""
        return frames
