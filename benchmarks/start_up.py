"""Does a start take longer when the journal is longer? 10,000 records against 1,000,000, in turns.

What is timed is opening the journal and folding it, in a fresh process with its files out of the page cache, as after
a power-up; the rest of a start knows nothing of the journal. Both journals are as long after their last fold as they
get in a lobby. Every record is a good one: payments of ten records each, canonical, chained and signed. They are
inserted straight into the table, ten thousand a transaction, which takes about a minute for the million.

START_UP_JOURNALS=DIR keeps the journals (a gigabyte) in DIR and finds them there again.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import astuple
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.brain.apply import apply
from kiosk.brain.books import FOLD
from kiosk.brain.state import Books
from kiosk.domain import facts as f
from kiosk.engine.history import History, believes, body_of, read_history
from kiosk.engine.upkeep import FOLD_EVERY
from kiosk.journal import database, folds
from kiosk.journal.chain import Expectation
from kiosk.journal.folds import Fold
from kiosk.journal.record import Record, is_canonical
from kiosk.journal.store import Journal, witness_path
from kiosk.journal.witness import Witness

SHORT, LONG = 10_000, 1_000_000
LIMIT = 1.2
ROUNDS = 15
NONCE = "ab" * 32
TIME, BOOT = "2026-11-23T19:42:07.123Z", "5f" * 16
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SERVER = Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96)))
_BATCH = 10_000


def measure() -> dict[str, Any]:
    """Return medians in milliseconds and MB, and the median ratio of two starts that followed each other."""
    kept = os.environ.get("START_UP_JOURNALS")
    with tempfile.TemporaryDirectory() as passing:
        folder = Path(kept or passing)
        for count in (SHORT, LONG):
            build(_place(folder, count), count)
        runs: dict[int, list[dict[str, float]]] = {SHORT: [], LONG: []}
        for _ in range(ROUNDS):
            for count, found in runs.items():
                found.append(_started(_place(folder, count)))
    short, long = ([run["ms"] for run in runs[count]] for count in (SHORT, LONG))
    ratio = statistics.median(after / before for before, after in zip(short, long, strict=True))
    return {
        "name": "start-up, 1,000,000 against 10,000 records",
        "short_ms": round(statistics.median(short), 1),
        "long_ms": round(statistics.median(long), 1),
        "ratio": round(ratio, 2),
        "short_mb": round(statistics.median(run["mb"] for run in runs[SHORT]), 1),
        "long_mb": round(statistics.median(run["mb"] for run in runs[LONG]), 1),
        "limit": LIMIT,
        "ok": ratio <= LIMIT,
    }


def _place(folder: Path, count: int) -> Path:
    """Folds of older code are not believed: a journal that was kept serves one FOLD."""
    return folder / f"{count}-{FOLD}"


def build(folder: Path, count: int) -> None:
    """Make a journal of `count` records, with two folds, the witness and the server's promise, unless it is there."""
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "journal.db"
    database.create(path)
    connection = apsw.Connection(str(path))
    connection.pragma("synchronous", "OFF")
    last = _fill(connection, count)
    connection.close()
    _witness(path, last)
    (folder / "done").touch()


def open_as_a_kiosk(folder: Path) -> History:
    """Open and fold as the engine does."""
    journal = Journal.open(
        folder / "journal.db",
        key=KEY,
        kiosk_id="rb-07",
        epoch=1,
        nonce=NONCE,
        server_key=SERVER.public_key(),
        allow_volatile=True,
        believe=believes,
    )
    history = read_history(journal)
    journal.close()
    return history


def _fill(connection: apsw.Connection, count: int) -> Record:
    folded_at = (count - 2 * FOLD_EVERY + 1, count - FOLD_EVERY + 1)
    books, previous, batch = Books(), NONCE, list[Record]()
    for seq, fact in zip(range(1, count + 1), _payments(), strict=False):
        record = _sealed(seq, fact, previous)
        books, previous = apply(books, fact), record.hash
        batch.append(record)
        if len(batch) == _BATCH or seq == count or seq in folded_at:
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO records VALUES (?,?,?,?,?)", [astuple(row) for row in batch])
            connection.execute("COMMIT")
            batch.clear()
        if seq in folded_at:
            fold = Fold(seq, record.hash, FOLD, body_of(History(seq, books, 1, TIME)))
            folds.keep(connection, fold, Expectation("rb-07", 1, NONCE), KEY)
    return record


def _payments() -> Iterator[f.Fact]:
    """Give the records of one resident after the other: sixty dollars in two notes."""
    number = 0
    while True:
        number += 1
        session, payment = f"0193591c-{number:012x}-5", f"0193591c-{number:012x}-9"
        line = f.LinePaid("tok-4417", f"INV-{number}", 6000)
        notes = tuple(f.NoteInPayment(f"{payment}-{at}", value) for at, value in enumerate((5000, 1000)))
        yield f.SessionOpened(session)
        yield f.InvoiceChosen(session, payment, "tok-4417", "4417", (line,), 6000, True, "en")
        yield f.AmountAgreed(payment, 6000)
        for note in notes:
            yield f.NoteStackRequested(note.note_id, payment, 6, note.value_minor, "USD", 1)
            yield f.NoteStacked(note.note_id, payment, note.value_minor, "USD", 1, False)
        receipt = f"RB-07-1-{number:06d}"
        about = (payment, session, receipt, "tok-4417", (line,), notes, 6000, "USD", "met", "2026-11-23", True)
        yield f.PaymentCompleted(*about)
        yield f.ReceiptPrinted(payment, receipt, True)
        yield f.SessionClosed(session, "done")


def _sealed(seq: int, fact: f.Fact, previous: str) -> Record:
    """Seal as `kiosk.journal.record.seal` does, but with the standard library's JSON: the same bytes for plain text."""
    content = {
        "v": 1,
        "kiosk_id": "rb-07",
        "epoch": 1,
        "seq": seq,
        "entry_id": f"0193591c-6f11-7000-8000-{seq:012d}",
        "kind": type(fact).__name__,
        "device_time": TIME,
        "clock_state": "trusted",
        "boot_id": BOOT,
        "mono_ms": 1000 * seq,
        "body": f.body(fact),
        "prev_hash": previous,
    }
    entry = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    assert seq > 100 or is_canonical(entry)
    digest = sha256(entry)
    return Record(seq, type(fact).__name__, entry, digest.hexdigest(), KEY.sign(digest.digest()))


def _witness(path: Path, last: Record) -> None:
    about: dict[str, Any] = {"kiosk_id": "rb-07", "epoch": 1, "head_seq": last.seq, "head_hash": last.hash}
    text = rfc8785.dumps(about | {"ledger_txn_id": 1, "server_time": TIME})
    witness = Witness.create(witness_path(path), NONCE)
    witness.note_head(last.seq, last.hash)
    witness.note_acknowledgement(text.decode(), b64encode(SERVER.sign(text)).decode())
    witness.sync()
    witness.close()


def _started(folder: Path) -> dict[str, float]:
    for path in folder.iterdir():
        _forget(path)
    command = [sys.executable, "-m", "benchmarks.start_up", "open", str(folder)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]).stdout
    return json.loads(said)  # type: ignore[no-any-return]


def _forget(path: Path) -> None:
    """Ask the kernel to drop a file from its cache."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def _open(folder: Path) -> dict[str, float]:
    start = time.perf_counter_ns()
    history = open_as_a_kiosk(folder)
    spent_ms = (time.perf_counter_ns() - start) / 1e6
    assert history.books.cash_minor == history.books.receipts * 6000
    return {"ms": spent_ms, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    if sys.argv[1:2] == ["open"]:
        print(json.dumps(_open(Path(sys.argv[2]))))
    else:
        outcome = measure()
        print(json.dumps(outcome))
        sys.exit(0 if outcome["ok"] else 1)
