"""The last frames on the acceptor's line, kept in memory as evidence for a note in doubt.

Only acceptors are heard here: a card terminal's line never is, so no card data can get in (rule 14).
"""

import threading
from collections import deque
from dataclasses import dataclass, replace

from kiosk.domain.facts import FrameSeen

FRAMES_MAX = 64
BYTES_MAX = 64  # of one frame; a longer one is kept in pieces
GAP_MS = 20  # silence within what was read that ends a frame
_ROUNDS = (1, 2, 4)  # frames in a round that repeats: one asked in vain, a poll and its answer, one for each toggle


@dataclass(frozen=True)
class _Reading:
    """Bytes that came in and may go on: a port hands over a frame in as many parts as it likes."""

    first_ms: int
    last_ms: int
    data: bytes


class FrameRing:
    """Holds the newest frames. One thread hears, another may ask.

    A round of frames that repeats without a break is held once, each with the number of times, so hours of idle
    polls take four places. The order stays readable: a frame's place tells when it first came, `until_ms` when last.
    """

    def __init__(self, frames_max: int = FRAMES_MAX) -> None:
        self._frames: deque[FrameSeen] = deque(maxlen=frames_max)
        self._reading: _Reading | None = None
        self._since_break = 0  # frames added since a round last broke: only these can begin a new one
        self._round = 0  # frames in the round that is repeating, 0 if none is
        self._place = 0  # in that round, of the frame expected next
        self._lock = threading.Lock()

    def hear(self, direction: str, data: bytes, at_ms: int) -> None:
        """Take bytes just read ("in") or just written ("out")."""
        with self._lock:
            reading = self._reading
            if direction == "in" and reading is not None and at_ms - reading.last_ms <= GAP_MS:
                self._reading = replace(reading, last_ms=at_ms, data=reading.data + data)
            else:
                self._end_reading()
                if direction == "in":
                    self._reading = _Reading(at_ms, at_ms, data)
                else:
                    self._add(direction, data, at_ms)
            if self._reading is not None and len(self._reading.data) >= BYTES_MAX:
                self._end_reading()

    def frames(self) -> tuple[FrameSeen, ...]:
        """Return what is held, oldest first. What is just being read comes last, and is not cut off by the question."""
        with self._lock:
            kept = (self._reading, self._frames.copy(), self._since_break, self._round, self._place)
            self._end_reading()
            frames = tuple(self._frames)
            self._reading, self._frames, self._since_break, self._round, self._place = kept
            return frames

    def _end_reading(self) -> None:
        if self._reading is not None:
            self._add("in", self._reading.data, self._reading.first_ms)
            self._reading = None

    def _add(self, direction: str, data: bytes, at_ms: int) -> None:
        for frame in _seen(direction, data, at_ms):
            self._fold(frame)

    def _fold(self, frame: FrameSeen) -> None:
        """Count `frame` where it repeats, else add it."""
        if self._round and not self._same(-self._round + self._place, frame):
            self._round = self._since_break = 0
        if not self._round:
            known = (size for size in _ROUNDS if size <= self._since_break and self._same(-size, frame))
            self._round, self._place = next(known, 0), 0
        if not self._round:
            self._frames.append(frame)
            self._since_break = min(self._since_break + 1, len(self._frames))
            return
        at = -self._round + self._place
        held = self._frames[at]
        self._frames[at] = replace(held, until_ms=frame.until_ms, times=held.times + 1)
        self._place = (self._place + 1) % self._round

    def _same(self, at: int, frame: FrameSeen) -> bool:
        return (self._frames[at].direction, self._frames[at].hex) == (frame.direction, frame.hex)


def _seen(direction: str, data: bytes, at_ms: int) -> tuple[FrameSeen, ...]:
    pieces = (data[start : start + BYTES_MAX] for start in range(0, len(data), BYTES_MAX))
    return tuple(FrameSeen(at_ms, at_ms, 1, direction, piece.hex()) for piece in pieces)
