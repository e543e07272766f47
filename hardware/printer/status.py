"""What a printer says of itself: DLE EOT n, GS r n and automatic status, decoded without a port or a clock.

Source: Epson ESC/POS command reference, DLE EOT, GS r, GS a, DLE DC4 (fn 8). The kinds of reply are told apart by
their fixed bits: 0xx1xx10 answers DLE EOT, 0xx1xx00 starts four bytes of automatic status, 0xx0xxxx answers GS r.
"""

from collections import deque
from dataclasses import dataclass, replace

ASKED = (1, 2, 3, 4)  # the DLE EOT requests that make one whole status

_XON, _XOFF = 0x11, 0x13
_CLEARED = b"\x37\x25\x00"


@dataclass(frozen=True)
class PrinterStatus:
    """`paper`: ok, low, out or unknown. `error`: "", recoverable or unrecoverable.

    `feeding` means that somebody holds the feed button. A printer may be offline without giving any cause.
    """

    online: bool = False
    paper: str = "unknown"
    cover_open: bool = False
    cutter_error: bool = False
    error: str = ""
    feeding: bool = False

    @property
    def trouble(self) -> str:
        """Why nothing can be printed now: paper_out, cover_open, cutter_error, error, offline, or "" if it can."""
        causes = (
            (self.cover_open, "cover_open"),
            (self.paper == "out", "paper_out"),
            (self.cutter_error, "cutter_error"),
            (bool(self.error), "error"),
            (not self.online, "offline"),
        )
        return next((name for holds, name in causes if holds), "")


@dataclass(frozen=True)
class Lost:
    """Nobody answers: the port is gone or the printer has no power."""

    reason: str


class StatusDecoder:
    """Replies in, status out. Survives any byte sequence; made anew for every opening of the line.

    `bare_offline_is_paper_out` is for models that report paper end as a plain "offline".
    `barriers` counts the answers to GS r, which the printer gives only after all that was sent before is printed.
    `strange` counts what no printer says: more than a disturbed line makes means that something else is there.
    """

    def __init__(self, bare_offline_is_paper_out: bool = False) -> None:
        self._bare_offline_is_paper_out = bare_offline_is_paper_out
        self._asked: deque[int] = deque()
        self._status = PrinterStatus()
        self._automatic = bytearray()
        self._cleared = bytearray()
        self._barriers_asked = 0
        self.barriers = 0
        self.strange = 0

    @property
    def waiting(self) -> bool:
        """Is an answer to DLE EOT still to come?"""
        return bool(self._asked)

    @property
    def status(self) -> PrinterStatus:
        """What is known now."""
        status = self._status
        if self._bare_offline_is_paper_out and status.trouble == "offline" and not status.feeding:
            return replace(status, paper="out")
        return status

    def ask(self, request: int) -> bytes:
        """Return DLE EOT `request` and remember that its answer is due. Answers come in the order of the questions."""
        self._asked.append(request)
        return bytes((0x10, 0x04, request))

    def ask_barrier(self) -> None:
        """GS r 1 goes out with a job: its answer is due."""
        self._barriers_asked += 1

    def feed(self, data: bytes) -> PrinterStatus:
        """Take bytes from the printer; return what is known now."""
        for byte in data:
            self._take(byte)
        return self.status

    def _take(self, byte: int) -> None:
        if self._cleared:
            self._take_cleared(byte)
        elif self._automatic:
            self._take_automatic(byte)
        elif byte in (_XON, _XOFF):
            self._status = replace(self._status, online=byte == _XON)
        elif byte == _CLEARED[0]:
            self._cleared.append(byte)
        elif byte & 0x93 == 0x12:
            self._take_answer(byte)
        elif byte & 0x93 == 0x10:
            self._automatic.append(byte)
        elif byte & 0x90 == 0x00 and self._barriers_asked > self.barriers:
            self.barriers += 1
            self._take_paper(near_end=bool(byte & 0x03), end=bool(byte & 0x0C))
        else:
            self.strange += 1

    def _take_cleared(self, byte: int) -> None:
        """Pass over the answer to "clear buffers"; if it is something else, read the byte for what it is."""
        if byte == _CLEARED[len(self._cleared)]:
            self._cleared.append(byte)
            if len(self._cleared) == len(_CLEARED):
                self._cleared.clear()
        else:
            self._cleared.clear()
            self._take(byte)

    def _take_automatic(self, byte: int) -> None:
        if byte & 0x90:
            self._automatic.clear()
            self._take(byte)
            return
        self._automatic.append(byte)
        if len(self._automatic) == 4:
            first, second, third, _ = self._automatic
            self._automatic.clear()
            self._status = replace(
                self._status, online=not first & 0x08, cover_open=bool(first & 0x20), feeding=bool(first & 0x40)
            )
            self._take_errors(second)
            self._take_paper(near_end=bool(third & 0x03), end=bool(third & 0x0C))

    def _take_answer(self, byte: int) -> None:
        if not self._asked:
            self.strange += 1
            return
        request = self._asked.popleft()
        if request == 1:
            self._status = replace(self._status, online=not byte & 0x08)
        elif request == 2:
            self._status = replace(self._status, cover_open=bool(byte & 0x04), feeding=bool(byte & 0x08))
            if byte & 0x20:
                self._status = replace(self._status, paper="out")
        elif request == 3:
            self._take_errors(byte)
        elif request == 4:
            self._take_paper(near_end=bool(byte & 0x0C), end=bool(byte & 0x60))

    def _take_errors(self, byte: int) -> None:
        error = "unrecoverable" if byte & 0x20 else "recoverable" if byte & 0x44 else ""
        self._status = replace(self._status, cutter_error=bool(byte & 0x08), error=error)

    def _take_paper(self, near_end: bool, end: bool) -> None:
        self._status = replace(self._status, paper="out" if end else "low" if near_end else "ok")
