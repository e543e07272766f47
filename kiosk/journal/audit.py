"""Verify and export the journal of a kiosk that is not running, without changing a byte of it.

SQLite cannot open a write-ahead log without being ready to write beside it, so a private copy is opened.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain as chained
from pathlib import Path
from typing import BinaryIO, TextIO

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.journal import archive, database, lines
from kiosk.journal.chain import ChainCheck, Expectation, Gone, Report, check
from kiosk.journal.errors import JournalDamaged, JournalInUse
from kiosk.journal.opened import OPEN
from kiosk.journal.record import Record
from kiosk.journal.start import whole_chain
from kiosk.journal.store import witness_path
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
    with_archive: bool = False,
) -> Report:
    """Check chain, hashes, signatures and witness of a closed journal, also from its archive on.

    `expect` adds what enrolment says the chain must be. Raises JournalInUse for the journal of a running kiosk and
    OSError when the file cannot be read; damage stands in the report.
    """
    expect = expect or Expectation()
    with _copied(path) as copy:
        connection = None
        try:
            seen = look(witness_path(path))
            connection = _connect(copy)
            chain = whole_chain(connection, public_key, expect, thorough=True)
            records = database.all_rows(connection)
            if with_archive:
                first, gone = database.first_seq(connection), chain.gone
                chain = ChainCheck(public_key, expect, thorough=True)
                records = chained(_archived(path, public_key, connection, gone, first), records)
            return check(records, seen, chain, server_key)
        except JournalDamaged as damage:
            return Report(ok=False, records=0, head_seq=0, head_hash="", bad_seq=damage.seq, reason=damage.reason)
        finally:
            if connection:
                connection.close()


def verify_archive(path: Path, public_key: Ed25519PublicKey, *, expect: Expectation | None = None) -> Report:
    """Check one file of an archive: label, SHA-256, chain and signatures. Raises OSError; damage is in the report."""
    expect = expect or Expectation()
    chain = ChainCheck(public_key, expect, thorough=True)
    try:
        label = archive.read_label(archive.label_of(path), public_key)
        if expect.kiosk_id and (label.kiosk_id, label.epoch) != (expect.kiosk_id, expect.epoch):
            raise archive.ArchiveWrong(f"written by {label.kiosk_id!r} in epoch {label.epoch}")
        if label.from_seq > 1:
            chain.go_on_after(label.from_seq - 1, label.prev_hash)
        for record in archive.read(label, path.parent):
            chain.take(record)
        if (chain.seq, chain.hash) != (label.to_seq, label.last_hash):
            raise archive.ArchiveWrong("does not end as its label says", chain.seq + 1)
    except JournalDamaged as damage:
        return Report(False, chain.taken, chain.seq, chain.hash, damage.seq, damage.reason, first_seq=chain.first_seq)
    return Report(True, chain.taken, chain.seq, chain.hash, first_seq=chain.first_seq)


def export(path: Path, out: TextIO, public_key: Ed25519PublicKey | None = None) -> int:
    """Write one JSON line a record of a closed journal, with `public_key` those of its archive first; return how many.

    Raises JournalDamaged at the first record that cannot be read (those before it are written), JournalInUse, OSError.
    """
    with _copied(path) as copy:
        connection = _connect(copy)
        try:
            records = database.all_rows(connection)
            if public_key is not None:
                first = database.first_seq(connection)
                gone = whole_chain(connection, public_key, Expectation(), thorough=False).gone
                records = chained(_archived(path, public_key, connection, gone, first), records)
            return lines.write(records, out)
        finally:
            connection.close()


def _archived(
    path: Path, public_key: Ed25519PublicKey, connection: apsw.Connection, gone: Gone | None, before_seq: int
) -> Iterator[Record]:
    if gone is None:
        return iter(())
    envelope = database.rows(connection, gone.seq - 1, 1)[0].envelope()
    expect = Expectation(envelope.kiosk_id, envelope.epoch)
    return archive.Archive(archive.folder_of(path), expect, public_key).records(gone, 0, before_seq)


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
