"""The SQLite file under a journal: how it is opened, what must be true of it, and reading rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw

from kiosk.journal.errors import JournalDamaged, JournalInUse, JournalUnwritable
from kiosk.journal.medium import SYSTEM, Medium, reason_of
from kiosk.journal.record import Record

APPLICATION_ID = 0x4C4B4A31  # "LKJ1"
SCHEMA = (
    "CREATE TABLE records (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
    "entry BLOB NOT NULL, hash TEXT NOT NULL, sig BLOB NOT NULL) STRICT"
)
# Came later than the journals: made with the first row in it, so that opening a damaged journal changes nothing.
FOLDS = "CREATE TABLE IF NOT EXISTS folds (seq INTEGER PRIMARY KEY, content BLOB NOT NULL, sig BLOB NOT NULL) STRICT"
_TABLES = {("records", SCHEMA), ("folds", FOLDS.replace("IF NOT EXISTS ", ""))}
_COLUMNS = "SELECT seq, kind, entry, hash, sig FROM records"
_TO_READ = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
_PAGE = 500  # rows held in memory while walking the whole table

# Asked for, then read back: a file system or a build that does not give them is refused.
_PROMISES: tuple[tuple[str, str, object], ...] = (
    ("locking_mode", "EXCLUSIVE", "exclusive"),
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("wal_autocheckpoint", "0", 0),
)


def create(path: Path, medium: Medium = SYSTEM) -> None:
    """Make an empty journal under a passing name and put it in place whole: a power cut leaves none or all of it."""
    draft = path.with_name(path.name + ".new")
    if medium.size(draft) is not None:
        medium.unlink(draft)
    try:
        connection = apsw.Connection(str(draft), vfs=medium.vfs or None)
        try:
            connection.pragma("application_id", APPLICATION_ID)
            connection.execute(SCHEMA)
        finally:
            connection.close()
    except apsw.Error as error:
        raise JournalUnwritable(f"{path}: {error}", reason_of(error)) from error
    medium.rename(draft, path)
    medium.sync_directory(path.parent)


def connect(path: Path, medium: Medium = SYSTEM) -> apsw.Connection:
    """Open the file alone, with every promise kept. Raises JournalInUse, JournalDamaged or JournalUnwritable."""
    try:
        connection = apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE, medium.vfs or None)
    except apsw.Error as error:
        raise JournalUnwritable(f"{path}: {error}", reason_of(error)) from error
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path, medium: Medium = SYSTEM) -> apsw.Connection:
    """Open a file that nobody can write to, without touching it. Raises JournalDamaged when SQLite cannot.

    Reading a log asks for locks that a read-only file cannot have, so SQLite is told to take none. It keeps what it
    finds in the log in memory.
    """
    logged = medium.size(path.with_name(path.name + "-wal")) is not None
    name = f"file:{quote(str(path))}?" + ("mode=ro" if logged else "immutable=1")
    try:
        connection = apsw.Connection(name, _TO_READ, medium.vfs or "unix-none")
        connection.pragma("locking_mode", "EXCLUSIVE")
    except apsw.Error as error:
        raise JournalDamaged(f"unreadable: {error}") from error
    return connection


def rows(connection: apsw.Connection, after_seq: int, limit: int) -> list[Record]:
    """Return up to `limit` records after `after_seq`, in order. Raises JournalDamaged if SQLite cannot read them."""
    query = f"{_COLUMNS} WHERE seq > ? ORDER BY seq LIMIT ?"
    try:
        return [_record(row) for row in connection.execute(query, (after_seq, limit))]
    except (apsw.Error, UnicodeDecodeError, MemoryError) as error:
        # A length in a broken page may ask for any amount of memory.
        raise JournalDamaged(f"unreadable: {error}") from error


def all_rows(connection: apsw.Connection, after_seq: int = -(1 << 63)) -> Iterator[Record]:
    """Walk the table from its first row, whatever its number. Raises JournalDamaged, naming the row not reached."""
    last = after_seq
    while True:
        try:
            page = rows(connection, last, _PAGE)
        except JournalDamaged as damage:
            raise JournalDamaged(damage.reason, max(last, 0) + 1) from damage
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1].seq


def first_seq(connection: apsw.Connection) -> int:
    """Return the number of the first row, 0 if there is none."""
    try:
        return int(connection.execute("SELECT coalesce(min(seq), 0) FROM records").get)
    except apsw.Error as error:
        raise JournalDamaged(f"unreadable: {error}") from error


def newest(connection: apsw.Connection, kind: str) -> Record | None:
    """Return the last record of a kind. Looks through the whole table if there is none."""
    query = f"{_COLUMNS} WHERE kind = ? ORDER BY seq DESC LIMIT 1"
    try:
        found = list(connection.execute(query, (kind,)))
    except (apsw.Error, UnicodeDecodeError, MemoryError) as error:
        raise JournalDamaged(f"unreadable: {error}") from error
    return _record(found[0]) if found else None


def delete(connection: apsw.Connection, up_to_seq: int, limit: int) -> None:
    """Commit the going of the first `limit` rows up to `up_to_seq`. Their pages are used again by later rows."""
    connection.execute(
        "DELETE FROM records WHERE seq IN (SELECT seq FROM records WHERE seq <= ? ORDER BY seq LIMIT ?)",
        (up_to_seq, limit),
    )


def insert(connection: apsw.Connection, records: list[Record]) -> None:
    """Commit `records` together: one statement is one transaction, and one sync."""
    places = ",".join(["(?,?,?,?,?)"] * len(records))
    values: list[Any] = []
    for record in records:
        values += (record.seq, record.kind, record.entry, record.hash, record.sig)
    connection.execute(f"INSERT INTO records VALUES {places}", values)


def require_ours(connection: apsw.Connection) -> None:
    """Raise JournalDamaged unless the file has our mark and exactly our tables."""
    try:
        mark = connection.pragma("application_id")
        schema = list(connection.execute("SELECT name, sql FROM sqlite_schema"))
    except apsw.BusyError as error:
        raise JournalInUse("a running kiosk holds the journal") from error
    except (apsw.Error, UnicodeDecodeError, MemoryError) as error:
        raise JournalDamaged(f"unreadable: {error}") from error
    if mark != APPLICATION_ID or ("records", SCHEMA) not in schema or not _TABLES.issuperset(schema):
        raise JournalDamaged("this file is not a journal")


def _prepare(connection: apsw.Connection) -> None:
    connection.set_busy_timeout(2000)
    # A damaged file is evidence: closing it must not move the log into it.
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.pragma("locking_mode", "EXCLUSIVE")
    require_ours(connection)
    try:
        for name, wanted, answer in _PROMISES:
            connection.pragma(name, wanted)
            given = connection.pragma(name)
            if given != answer:
                raise JournalUnwritable(f"SQLite gives {name} {given!r} where {answer!r} is needed")
    except apsw.BusyError as error:
        raise JournalInUse("a running kiosk holds the journal") from error
    except apsw.Error as error:
        raise JournalUnwritable(str(error), reason_of(error)) from error


def _record(row: tuple[Any, ...]) -> Record:
    seq, kind, entry, digest, sig = row
    if type(seq) is not int or type(entry) is not bytes or type(sig) is not bytes or type(kind) is not str:
        raise JournalDamaged("a row has the wrong types", seq if type(seq) is int else 0)
    return Record(seq, kind, entry, digest, sig)
