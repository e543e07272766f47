"""From escrow on the wire to STACK on the wire, journal commit included; and from stacked to the money drawn.

Times come from the engine's own capture of the line (monotonic clock, one machine) and from the screen's word that
a picture is drawn. Under load the screen draws without pause and another process decodes pictures.
"""

import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lobby import open_slot, running
from hardware.acceptors.ebds.frames import Status, parse_status
from kiosk.config.model import ACCEPTORS
from kiosk.demo.steps import Lobby

NOTES = 60
OTHERS_NOTES = 30
POLL_MS = 100
LIMITS = {"rest": 5.0, "load": 15.0}
DRAWN_LIMIT_MS = 150.0
STACK_BIT = 0x20


@dataclass(frozen=True)
class Line:
    """One line of the capture."""

    at_ns: int
    who: str
    what: str


def measure() -> list[dict[str, Any]]:
    """Return one row for each share and state: p50 and p99 in milliseconds; then the decision with each acceptor."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, running("--capture", f"{folder}/line.txt") as lobby:
        capture = Path(folder) / "line.txt"
        for state, account in (("rest", "55264188"), ("load", "88567417")):
            began = time.monotonic_ns()
            drawn = _insert_notes(lobby, account, NOTES, state == "load")
            lines = [line for line in read(capture) if line.at_ns >= began]
            rows += [_wire_row(lines, state), _share_row(lines, state, NOTES)]
            if state == "rest":
                rows.append(_drawn_row(lines, drawn))
    return rows + [_other(acceptor) for acceptor in ACCEPTORS if acceptor != "ebds"]


def _other(acceptor: str) -> dict[str, Any]:
    """Return the decision's share with another protocol, at rest."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running("--capture", f"{folder}/line.txt", acceptor=acceptor) as lobby,
    ):
        _insert_notes(lobby, "55264188", OTHERS_NOTES, load=False)
        return _share_row(read(Path(folder) / "line.txt"), f"rest, {acceptor}", OTHERS_NOTES)


def _insert_notes(lobby: Lobby, account: str, notes: int, load: bool) -> list[int]:
    """Put the notes in; return when (monotonic ns) each new sum was first drawn."""
    open_slot(lobby, account)
    busy = _Busy(lobby) if load else None
    drawn: list[int] = []
    for count in range(1, notes + 1):
        lobby.world.put_in(100)
        lobby.see("the note counted", payment__in_minor=100 * count)
        drawn.append(lobby.world.view.drawn_at())
    if busy:
        busy.stop()
    lobby.touch("stop")
    lobby.see("the question", screen="review")
    lobby.touch("confirm")
    lobby.see("the end", screen="done")
    lobby.touch("done")
    lobby.see("the page that waits", screen="attract")
    return drawn


class _Busy:
    """Keeps the screen drawing (its text size changes all the time) and a decoder decoding, as nice as the reader."""

    def __init__(self, lobby: Lobby) -> None:
        self._stop = threading.Event()
        images = [str(path) for path in sorted((lobby.world.base / "camera").glob("*"))][:1]
        script = (
            f"import os\nfrom kiosk.scanning.cli import main\nos.nice(10)\nwhile True: main(['--any', *{images!r}])"
        )
        self._decoder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL)
        self._painter = threading.Thread(target=self._paint, args=(lobby,))
        self._painter.start()

    def _paint(self, lobby: Lobby) -> None:
        number = 0
        while not self._stop.wait(0.2):
            number += 1
            lobby.world.tell("text_size", str(number % 2))

    def stop(self) -> None:
        self._stop.set()
        self._painter.join()
        self._decoder.kill()
        self._decoder.wait()


def read(capture: Path) -> list[Line]:
    lines = []
    for text in capture.read_text(encoding="ascii").splitlines():
        at_ns, who, what = text.split(" ", 2)
        lines.append(Line(int(at_ns), who, what))
    return lines


def status_of(line: Line) -> Status | None:
    """Return the status in a device's frame, None for other frames and for pieces."""
    frame = bytes.fromhex(line.what) if line.who == "D" else b""
    return parse_status(frame[3:9], frozenset()) if len(frame) == 11 else None


def escrow_to(lines: list[Line], last: Any) -> list[float]:
    """Return milliseconds from each first escrow report to the next line that `last` accepts."""
    spans, since = [], None
    for line in lines:
        status = status_of(line)
        if status is not None and status.escrowed and since is None:
            since = line.at_ns
        elif since is not None and last(line):
            spans.append((line.at_ns - since) / 1e6)
            since = None
    return spans


def _wire_row(lines: list[Line], state: str) -> dict[str, Any]:
    def is_stack(line: Line) -> bool:
        return line.who == "H" and bool(bytes.fromhex(line.what)[4] & STACK_BIT)

    return _row(f"escrow to STACK on the wire, {state}", escrow_to(lines, is_stack), POLL_MS)


def _share_row(lines: list[Line], state: str, notes: int) -> dict[str, Any]:
    """From the frame that said escrow until the decision is handed to the codec: all of it is ours."""
    spans, frame, since = list[float](), 0, 0
    for line in lines:
        if line.who == "D":
            frame = line.at_ns
        elif line.what == "NoteEscrowed":
            since = frame
        elif line.what == "StackNote" and since:
            spans.append((line.at_ns - since) / 1e6)
            since = 0
    return _row(f"escrow to decision, {state}", spans, LIMITS[state.split(",")[0]], notes)


def _drawn_row(lines: list[Line], drawn: list[int]) -> dict[str, Any]:
    stacked = [line.at_ns for line in lines if (status := status_of(line)) is not None and status.stacked]
    firsts = [at for at, before in zip(stacked, [0, *stacked], strict=False) if at - before > 500_000_000]
    spans = []
    for at_ns in drawn:
        earlier = [at for at in firsts if at <= at_ns]
        if earlier:
            spans.append((at_ns - earlier[-1]) / 1e6)
    return _row("stacked on the wire to money drawn", spans, DRAWN_LIMIT_MS)


def _row(name: str, spans: list[float], limit_ms: float, notes: int = NOTES) -> dict[str, Any]:
    if len(spans) < notes // 2:
        raise RuntimeError(f"{name}: only {len(spans)} of {notes} notes were seen")
    ordered = sorted(spans)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return {
        "name": name,
        "notes": len(spans),
        "p50_ms": round(ordered[len(ordered) // 2], 2),
        "p99_ms": round(p99, 2),
        "limit_ms": limit_ms,
        "ok": p99 <= limit_ms,
    }
