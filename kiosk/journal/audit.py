"""Verify and export the journal of a kiosk that is not running, without changing a byte of it.

SQLite cannot open a write-ahead log without being ready to write beside it, so a private copy is opened.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.journal import database, lines
from kiosk.journal.chain import ChainCheck, Expectation, Report, check
from kiosk.journal.errors import JournalDamaged, JournalInUse
from kiosk.journal.record import Record
from kiosk.journal.store import OPEN, witness_path
from kiosk.journal.witness import look

# SQLite's locks on the database file (os.h of SQLite, SHARED_FIRST and SHARED_SIZE).
_SHARED_FIRST = 0x40000000 + 2
_SHARED_SIZE = 510


def verify(
    path: Path,
    public_key: Ed25519PublicKey,
    *,
    expect: Expectation | None = None,
    server_key: Ed25519PublicKey | None = None,
) -> Report:
    """Check chain, hashes, signatures and witness of a closed journal.

    `expect` adds what enrolment says the chain must be. Raises JournalInUse for the journal of a running kiosk and
    OSError when the file cannot be read; damage stands in the report.
    """
    chain = ChainCheck(public_key, expect or Expectation(), thorough=True)
    with _copied(path) as copy:
        try:
            seen = look(witness_path(path))
            connection = _connect(copy)
        except JournalDamaged as damage:
            return Report(ok=False, records=0, head_seq=0, head_hash="", reason=damage.reason)
        try:
            return check(database.all_rows(connection), seen, chain, server_key)
        finally:
            connection.close()


def export(path: Path, out: TextIO) -> int:
    """Write one JSON line a record of a closed journal; return how many.

    Raises JournalDamaged at the first record that cannot be read (those before it are written), JournalInUse, OSError.
    """
    with _copied(path) as copy:
        connection = _connect(copy)
        try:
            return lines.write(database.all_rows(connection), out)
        finally:
            connection.close()


@contextmanager
def reading(path: Path) -> Iterator[Callable[[], Iterator[Record]]]:
    """Give the records of a closed journal from the first on, each time they are called for.

    Raises JournalDamaged, at once or at the first record that cannot be read, JournalInUse, OSError.
    """
    with _copied(path) as copy:
        connection = _connect(copy)
        try:
            yield lambda: database.all_rows(connection)
        finally:
            connection.close()


@contextmanager
def _copied(path: Path) -> Iterator[Path]:
    """Copy database and log while holding SQLite's shared lock, so that no kiosk starts in between."""
    if path in OPEN:
        raise JournalInUse(f"{path} is open in this process")
    with tempfile.TemporaryDirectory(prefix="journal-") as folder:
        copy = Path(folder) / "journal.db"
        with path.open("rb") as source:
            _lock(source, path)
            with copy.open("wb") as target:
                shutil.copyfileobj(source, target)
            log = path.with_name(path.name + "-wal")
            if log.exists():
                shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
        yield copy


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
    except BlockingIOError as error:
        raise JournalInUse(f"a running kiosk holds {path}; ask it through its control socket") from error


def _connect(copy: Path) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error as error:
        raise JournalDamaged(f"unreadable: {error}") from error
    try:
        database.require_ours(connection)
    except BaseException:
        connection.close()
        raise
    return connection
