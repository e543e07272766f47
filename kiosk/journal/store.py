"""The journal of a running kiosk: the only place where facts become durable.

One table, one connection, one writer; also the outbox of posting. An append is on the medium when it returns
(WAL, synchronous=FULL). The engine's thread alone calls it.
"""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kiosk.domain import facts
from kiosk.journal import database, lines
from kiosk.journal.acknowledgement import Acknowledgement, read
from kiosk.journal.chain import ChainCheck, Expectation, Report, check, check_in_parts
from kiosk.journal.errors import JournalDamaged, JournalInUse, JournalUnwritable
from kiosk.journal.medium import SYSTEM, VOLATILE, Medium, reason_of, write_again
from kiosk.journal.record import Envelope, Moment, Record, seal
from kiosk.journal.witness import Witness

APPEND_LIMIT = 1000  # records in one transaction; SQLite takes 32766 parameters


@dataclass(frozen=True)
class Head:
    """The last record; `seq` 0 with the nonce of enrolment before the first."""

    seq: int
    hash: str


class NotOurChain(ValueError):
    """An acknowledgement that speaks of another chain than ours, or of records that we do not have."""


class OpenJournals:
    """The journals open in this process, by resolved path.

    POSIX locks do not hold against their own process, and closing any descriptor of the file would drop them.
    So a second look at an open journal has to be turned away before the file is touched.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: set[Path] = set()

    def enter(self, path: Path) -> None:
        with self._lock:
            if path.resolve() in self._paths:
                raise JournalInUse(f"{path} is open in this process")
            self._paths.add(path.resolve())

    def leave(self, path: Path) -> None:
        with self._lock:
            self._paths.discard(path.resolve())

    def __contains__(self, path: Path) -> bool:
        with self._lock:
            return path.resolve() in self._paths


OPEN = OpenJournals()


def witness_path(path: Path) -> Path:
    return path.with_name(path.name + ".witness")


class Journal:
    """An open journal. Made by `open`; every method may raise JournalDamaged when SQLite cannot read the file."""

    def __init__(
        self,
        path: Path,
        connection: apsw.Connection,
        witness: Witness,
        key: Ed25519PrivateKey,
        expect: Expectation,
        server_key: Ed25519PublicKey | None,
    ) -> None:
        self._path = path
        self._db = connection
        self._witness = witness
        self._key = key
        self._expect = expect
        self._server_key = server_key
        self._head = Head(0, expect.nonce)
        self._acked_seq = 0
        self._confirmed_seq = 0
        self._failure = ""
        self._closed = False

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        key: Ed25519PrivateKey,
        kiosk_id: str,
        epoch: int,
        nonce: str,
        server_key: Ed25519PublicKey | None = None,
        allow_volatile: bool = False,
        medium: Medium = SYSTEM,
    ) -> "Journal":
        """Open the journal of this kiosk and epoch, or begin it, and check its whole chain against the witness.

        Raises JournalDamaged (the files stay as they are), JournalUnwritable, or JournalInUse. A file system that
        forgets is refused unless `allow_volatile`.
        """
        kind = medium.filesystem(path.parent)
        if kind in VOLATILE and not allow_volatile:
            raise JournalUnwritable(f"{path} is on {kind}, which forgets at a power cut", "wrong_medium")
        OPEN.enter(path)
        try:
            return cls._open(path, medium, key, Expectation(kiosk_id, epoch, nonce), server_key)
        except OSError as error:
            OPEN.leave(path)
            raise JournalUnwritable(str(error), reason_of(error)) from error
        except BaseException:
            OPEN.leave(path)
            raise

    @classmethod
    def _open(
        cls,
        path: Path,
        medium: Medium,
        key: Ed25519PrivateKey,
        expect: Expectation,
        server_key: Ed25519PublicKey | None,
    ) -> "Journal":
        known = medium.size(witness_path(path)) is not None
        witness = Witness.open(witness_path(path), medium) if known else None
        try:
            if not medium.size(path):
                _begin(path, medium, witness)
            connection = database.connect(path, medium)
        except BaseException:
            if witness:
                witness.close()
            raise
        try:
            return cls._checked(path, medium, connection, witness, key, expect, server_key)
        except BaseException:
            connection.close()
            if witness:
                witness.close()
            raise

    @classmethod
    def _checked(
        cls,
        path: Path,
        medium: Medium,
        connection: apsw.Connection,
        witness: Witness | None,
        key: Ed25519PrivateKey,
        expect: Expectation,
        server_key: Ed25519PublicKey | None,
    ) -> "Journal":
        chain = ChainCheck(key.public_key(), expect, thorough=False)
        report = check(database.all_rows(connection), witness.seen if witness else None, chain, server_key)
        if not report.ok:
            raise JournalDamaged(report.reason, report.bad_seq)
        _settle(path, medium)
        if witness is None:
            witness = Witness.create(witness_path(path), expect.nonce, medium)
        journal = cls(path, connection, witness, key, expect, server_key)
        journal._head = Head(report.head_seq, report.head_hash)
        journal._acked_seq = report.acked_seq
        journal._move_log()  # a full disk says so now, not at the first note
        witness.note_head(report.head_seq, report.head_hash)
        witness.sync()
        return journal

    @property
    def head(self) -> Head:
        return self._head

    @property
    def acked_seq(self) -> int:
        """The last record that the server has promised to hold; what comes after is still to be posted."""
        return self._acked_seq

    @property
    def confirmed_seq(self) -> int:
        """How far the server holds our chain by its newest word since this process started, 0 before any.

        A server set back to an older state keeps no promise that it gave later: what is deleted here must be at or
        below this, not below `acked_seq` alone.
        """
        return self._confirmed_seq

    def append(self, decided: Sequence[tuple[facts.Fact, Moment]]) -> list[Record]:
        """Seal the facts and commit them together, in order.

        Raises ValueError with nothing written when a fact cannot be an entry. Raises JournalUnwritable when the
        medium fails; the process must then stop, because only reading back tells what was kept.
        """
        if len(decided) > APPEND_LIMIT:
            raise ValueError(f"{len(decided)} facts in one append")
        records: list[Record] = []
        seq, previous = self._head.seq, self._head.hash
        for fact, moment in decided:
            seq += 1
            envelope = Envelope(
                self._expect.kiosk_id,
                self._expect.epoch,
                seq,
                type(fact).__name__,
                moment,
                facts.body(fact),
                previous,
            )
            records.append(seal(envelope, self._key))
            previous = records[-1].hash
        self._commit(records)
        return records

    def restore(self, records: Sequence[Record]) -> None:
        """Append records of this very chain that the server kept and this medium lost (architecture, rule 7).

        Raises JournalDamaged, with nothing written, when they do not continue the chain under our signature.
        """
        chain = self._thorough_check()
        chain.seq, chain.hash = self._head.seq, self._head.hash
        for record in records:
            chain.take(record)
        for start in range(0, len(records), APPEND_LIMIT):
            self._commit(list(records[start : start + APPEND_LIMIT]))

    def records(self, after_seq: int = 0, limit: int = 100) -> list[Record]:
        """Return up to `limit` records after `after_seq`, in order."""
        return database.rows(self._db, after_seq, limit)

    def all_records(self) -> Iterator[Record]:
        """Walk the journal from its first record, a part of it in memory at a time."""
        return database.all_rows(self._db)

    def acknowledge(self, ack: Acknowledgement) -> None:
        """Move the cursor and keep the promise in the witness. An older one moves `confirmed_seq` alone.

        Raises NotOurChain when the server promises other records than ours: a fork, or a server ahead of us.
        """
        if (ack.kiosk_id, ack.epoch) != (self._expect.kiosk_id, self._expect.epoch):
            raise NotOurChain(f"acknowledged {ack.kiosk_id!r}, epoch {ack.epoch}")
        if ack.head_seq > self._head.seq:
            raise NotOurChain(f"the server holds record {ack.head_seq}, this journal ends at {self._head.seq}")
        if self.confirm(ack.head_seq, ack.head_hash) == "differs":
            raise NotOurChain(f"the server holds another record {ack.head_seq}")
        if ack.head_seq <= self._acked_seq:
            return
        read(ack.text, ack.sig, self._server_key)  # the witness keeps nothing that it would refuse to read
        self._note(lambda: self._witness.note_acknowledgement(ack.text, ack.sig))
        self._acked_seq = ack.head_seq

    def standing(self, seq: int, digest: str) -> str:
        """Compare a head that the server says it holds with our chain: "same", "ahead", "differs" or "pruned".

        A server that holds less of the same chain is "same": the rest is on its way. "pruned": so much less that the
        record is no more in this file.
        """
        if seq > self._head.seq:
            return "ahead"
        if seq == 0:
            return "same" if digest == self._expect.nonce else "differs"
        ours = self.records(seq - 1, 1)
        if not ours or ours[0].seq > seq + 1:
            return "pruned"
        # The first record that is left still tells the hash of the one before it.
        known = ours[0].hash if ours[0].seq == seq else ours[0].envelope().prev_hash
        return "same" if known == digest else "differs"

    def confirm(self, seq: int, digest: str) -> str:
        """Compare as `standing` does, and remember what the server can be relied on to hold from now on."""
        found = self.standing(seq, digest)
        self._confirmed_seq = seq if found in ("same", "pruned") else 0
        return found

    def checkpoint(self, between: Callable[[], None] = lambda: None) -> None:
        """Move the log into the table and sync the witness: takes three syncs, so only when the kiosk is idle.

        `between` is called before the last of them: on a slow medium all three outlast a watchdog.
        """
        self._require_sound()
        self._move_log()
        between()
        self._note(self._witness.sync)

    def verify(self) -> Report:
        """Check everything, every signature included, through the connection that holds the file."""
        return check(self.all_records(), self._witness.seen, self._thorough_check(), self._server_key)

    def verify_in_parts(self) -> Generator[int, None, Report]:
        """Check as `verify` does, a hundred records a step, so that appends can come in between."""
        return check_in_parts(self.all_records(), self._witness.seen, self._thorough_check(), self._server_key)

    def export(self, out: TextIO) -> int:
        """Write one JSON line a record; return how many."""
        return lines.write(self.all_records(), out)

    def close(self) -> None:
        """Checkpoint if the journal is sound, and let go of the files. Closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._failure:
                self.checkpoint()
        finally:
            self._db.close()
            self._witness.close()
            OPEN.leave(self._path)

    def _thorough_check(self) -> ChainCheck:
        return ChainCheck(self._key.public_key(), self._expect, thorough=True)

    def _move_log(self) -> None:
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            self._fail(error)

    def _commit(self, records: list[Record]) -> None:
        self._require_sound()
        if not records:
            return
        try:
            database.insert(self._db, records)
        except apsw.Error as error:
            self._fail(error)
        self._head = Head(records[-1].seq, records[-1].hash)
        self._note(lambda: self._witness.note_head(self._head.seq, self._head.hash))

    def _note(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._fail(error)

    def _require_sound(self) -> None:
        if self._failure:
            raise JournalUnwritable(self._failure)

    def _fail(self, error: Exception) -> NoReturn:
        # After a failed sync the kernel may have dropped the pages: trying again would only seem to work.
        self._failure = f"{type(error).__name__}: {error}"
        raise JournalUnwritable(self._failure, reason_of(error)) from error


def _begin(path: Path, medium: Medium, witness: Witness | None) -> None:
    """Make the file of a new journal, unless something says that there was one."""
    if witness and witness.seen.head_seq:
        raise JournalDamaged(f"cut off: the witness has seen record {witness.seen.head_seq}", 1)
    if medium.size(path.with_name(path.name + "-wal")) is not None:
        raise JournalDamaged("the journal's log is there, the journal is not")
    database.create(path, medium)


def _settle(path: Path, medium: Medium) -> None:
    """Make durable what was read at opening: it is shown and posted from now on, whoever wrote it and died."""
    for name in (path.with_name(path.name + "-wal"), witness_path(path)):
        if medium.size(name):
            write_again(medium, name)
    medium.sync_directory(path.parent)
