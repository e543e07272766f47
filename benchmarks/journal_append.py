"""What the journal adds to a durable commit: canonical bytes, hash, signature and witness.

Ours and a bare apsw commit of the same bytes take turns in one run, each on its own file in the same folder, so
that the medium's moods fall on both alike.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.domain.facts import NoteStacked
from kiosk.journal.ids import uuid7
from kiosk.journal.record import Moment, Record
from kiosk.journal.store import Journal

LIMIT_MS = 0.3
ROUNDS = 400
WARM_UP = 20  # the first commits also grow the files


def measure() -> dict[str, Any]:
    """Return medians in milliseconds: ours, bare, and what ours is above bare."""
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = _run(Path(folder))
    ours_ms, bare_ms = (statistics.median(times[WARM_UP:]) for times in (ours, bare))
    above_ms = ours_ms - bare_ms
    return {
        "name": "journal append",
        "ours_ms": round(ours_ms, 4),
        "bare_ms": round(bare_ms, 4),
        "above_ms": round(above_ms, 4),
        "limit_ms": LIMIT_MS,
        "ok": above_ms <= LIMIT_MS,
    }


def _run(folder: Path) -> tuple[list[float], list[float]]:
    journal = Journal.open(
        folder / "journal.db",
        key=Ed25519PrivateKey.generate(),
        kiosk_id="rb-07",
        epoch=1,
        nonce="0" * 64,
        allow_volatile=True,
    )
    plain = _bare(folder / "bare.db")
    ours: list[float] = []
    bare: list[float] = []
    for number in range(1, ROUNDS + WARM_UP + 1):
        records, spent_ms = _timed(partial(journal.append, [_stacked(number)]))
        ours.append(spent_ms)
        bare.append(_timed(partial(_commit, plain, records[0]))[1])
    journal.close()
    plain.close()
    return ours, bare


def _bare(path: Path) -> apsw.Connection:
    """Return a connection with the journal's durability and nothing else of it."""
    connection = apsw.Connection(str(path))
    settings = {"locking_mode": "EXCLUSIVE", "journal_mode": "WAL", "synchronous": "FULL", "wal_autocheckpoint": 0}
    for name, value in settings.items():
        connection.pragma(name, value)
    connection.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY, kind TEXT, entry BLOB, hash TEXT, sig BLOB)")
    return connection


def _commit(connection: apsw.Connection, record: Record) -> None:
    values = (record.seq, record.kind, record.entry, record.hash, record.sig)
    connection.execute("INSERT INTO records VALUES (?,?,?,?,?)", values)


def _stacked(number: int) -> tuple[NoteStacked, Moment]:
    note_id, entry_id = (uuid7(1_764_000_000_000 + number, number.to_bytes(9, "big") + tail) for tail in (b"n", b"e"))
    fact = NoteStacked(note_id, note_id, 2000, "USD", cassette_period=12, recovered=False)
    return fact, Moment(entry_id, "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, 1000 * number)


def _timed(action: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter_ns()
    result = action()
    return result, (time.perf_counter_ns() - start) / 1e6


if __name__ == "__main__":
    outcome = measure()
    print(json.dumps(outcome))
    sys.exit(0 if outcome["ok"] else 1)
