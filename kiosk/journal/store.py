"""The journal of a running kiosk: the only place where facts become durable.

One table, one connection, one writer; also the outbox of posting. An append is on the medium when it returns
(WAL, synchronous=FULL). The engine's thread alone calls it.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, TextIO

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kiosk.domain import facts
from kiosk.journal import database, folds, lines
from kiosk.journal.acknowledgement import Acknowledgement, read
from kiosk.journal.archive import Archive, ArchiveWrong, Label, folder_of
from kiosk.journal.chain import ChainCheck, Expectation, Gone, Report, check, check_in_parts
from kiosk.journal.errors import JournalDamaged, JournalUnwritable
from kiosk.journal.folds import Fold
from kiosk.journal.medium import SYSTEM, VOLATILE, Medium, reason_of, write_again
from kiosk.journal.opened import OPEN
from kiosk.journal.pruning import Span, file_away, oldest
from kiosk.journal.record import Envelope, Moment, Record, seal
from kiosk.journal.start import check_at_start
from kiosk.journal.witness import Witness

APPEND_LIMIT = 1000  # records in one transaction; SQLite takes 32766 parameters
EXPORT_PART = 100
PRUNE_LIMIT = 200  # records that go in one transaction: a few milliseconds


@dataclass(frozen=True)
class Head:
    """The last record; `seq` 0 with the nonce of enrolment before the first."""

    seq: int
    hash: str


class NotOurChain(ValueError):
    """An acknowledgement that speaks of another chain than ours, or of records that we do not have."""


def witness_path(path: Path) -> Path:
    return path.with_name(path.name + ".witness")


@dataclass(frozen=True)
class Terms:
    """How a journal is opened: the arguments of `Journal.open`."""

    path: Path
    medium: Medium
    key: Ed25519PrivateKey
    expect: Expectation
    server_key: Ed25519PublicKey | None
    believe: Callable[[Fold], bool]
    beat: Callable[[], None]


class Journal:
    """An open journal. Made by `open`; every method may raise JournalDamaged when SQLite cannot read the file."""

    def __init__(self, terms: Terms, connection: apsw.Connection, witness: Witness) -> None:
        self._path = terms.path
        self._db = connection
        self._witness = witness
        self._key = terms.key
        self._expect = terms.expect
        self._server_key = terms.server_key
        self._archive = Archive(folder_of(terms.path), terms.expect, terms.key.public_key(), terms.medium)
        self._head = Head(0, terms.expect.nonce)
        self._first_seq = 1
        self._acked_seq = 0
        self._confirmed_seq = 0
        self._folds: list[Fold] = []
        self._gone: Gone | None = None
        self._proven: Gone | None = None  # its archive was looked at
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
        believe: Callable[[Fold], bool] = lambda fold: False,
        beat: Callable[[], None] = lambda: None,
    ) -> "Journal":
        """Open the journal of this kiosk and epoch, or begin it, and check its chain against the witness.

        The chain is checked from the newest fold on that `believe` can read, and whole where there is none; `beat` is
        called meanwhile. Raises JournalDamaged (the files stay as they are), JournalUnwritable, or JournalInUse. A file
        system that forgets is refused unless `allow_volatile`.
        """
        kind = medium.filesystem(path.parent)
        if kind in VOLATILE and not allow_volatile:
            raise JournalUnwritable(f"{path} is on {kind}, which forgets at a power cut", "wrong_medium")
        OPEN.enter(path)
        try:
            terms = Terms(path, medium, key, Expectation(kiosk_id, epoch, nonce), server_key, believe, beat)
            return cls._open(terms)
        except OSError as error:
            OPEN.leave(path)
            raise JournalUnwritable(str(error), reason_of(error)) from error
        except BaseException:
            OPEN.leave(path)
            raise

    @classmethod
    def _open(cls, terms: Terms) -> "Journal":
        path, medium = terms.path, terms.medium
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
            return cls._checked(terms, connection, witness)
        except BaseException:
            connection.close()
            if witness:
                witness.close()
            raise

    @classmethod
    def _checked(cls, terms: Terms, connection: apsw.Connection, witness: Witness | None) -> "Journal":
        public_key, expect = terms.key.public_key(), terms.expect
        kept = [fold for fold in folds.load(connection, expect, public_key) if terms.believe(fold)]
        newest, seen = kept[0] if kept else None, witness.seen if witness else None
        report, gone = check_at_start(connection, seen, public_key, expect, terms.server_key, newest, terms.beat)
        _settle(terms.path, terms.medium)
        if witness is None:
            witness = Witness.create(witness_path(terms.path), expect.nonce, terms.medium)
        journal = cls(terms, connection, witness)
        journal._head = Head(report.head_seq, report.head_hash)
        journal._acked_seq = report.acked_seq
        journal._folds, journal._gone = kept, gone
        journal._first_seq = database.first_seq(connection) or 1
        # What a torn transaction left in the log goes, or half of the next one could make it whole.
        journal._move_log(apsw.SQLITE_CHECKPOINT_TRUNCATE)  # and a full disk says so now, not at the first note
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
        if self._head.seq:
            chain.go_on_after(self._head.seq, self._head.hash)
        for record in records:
            chain.take(record)
        for start in range(0, len(records), APPEND_LIMIT):
            self._commit(list(records[start : start + APPEND_LIMIT]))

    def records(self, after_seq: int = 0, limit: int = 100) -> list[Record]:
        """Return up to `limit` records after `after_seq`, in order: out of the archive where they have gone.

        They begin with the first one here if their archive has gone too.
        """
        if after_seq + 1 < self._first_seq:
            with suppress(ArchiveWrong, OSError):
                return list(islice(self.walk(after_seq), limit))
        return database.rows(self._db, after_seq, limit)

    def all_records(self) -> Iterator[Record]:
        """Walk the records that are kept here, a part of them in memory at a time."""
        return database.all_rows(self._db)

    def walk(self, after_seq: int = 0) -> Iterator[Record]:
        """Walk all records after `after_seq`, those that have gone out of the archive.

        Raises ArchiveWrong or OSError when its files are not there or not as they were written.
        """
        if self._gone and after_seq + 1 < self._first_seq:
            yield from self._archive.records(self._gone, after_seq, self._first_seq)
        yield from database.all_rows(self._db, max(after_seq, self._first_seq - 1))

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
        record is neither here nor in the archive.
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

    @property
    def folds(self) -> Sequence[Fold]:
        """The folds that can be believed, the newest first."""
        return tuple(self._folds)

    @property
    def first_seq(self) -> int:
        """The first record that is kept here: above 1 when older ones have gone to the archive."""
        return self._first_seq

    def keep_fold(self, version: int, body: Mapping[str, Any]) -> None:
        """Keep what all records up to the head come to. `body` is read by the code of the same `version` alone."""
        self._require_sound()
        fold = Fold(self._head.seq, self._head.hash, version, body, self._gone)
        try:
            folds.keep(self._db, fold, self._expect, self._key)
        except apsw.Error as error:
            self._fail(error)
        self._folds = [fold, *(older for older in self._folds if older.seq < fold.seq)][: folds.KEPT]

    def prunable(self, count: int, before: str) -> Span | None:
        """Return the oldest `count` records if all may go: older than `before`, acknowledged, under both folds.

        None while there are fewer, or while those archived last have not gone yet. The record acknowledged last and
        those of the folds stay, to be compared with.
        """
        ceiling = self._ceiling()
        if self._going() or not ceiling:
            return None
        return oldest(self._db, count, ceiling, before)

    def archive(self, span: Span) -> Generator[None, None, Label]:
        """Write the records of `span` to the archive and read them back, a part at each step.

        Raises JournalDamaged or OSError; the journal is as before then. They go when a JournalPruned says so.
        """
        return file_away(self._db, span, self._gone, self._archive, self._key)

    def prune(self, limit: int = PRUNE_LIMIT) -> bool:
        """Delete up to `limit` of the records that a JournalPruned says go; return True if there were any.

        Raises ArchiveWrong or OSError, with nothing deleted, if their file is not there any more.
        """
        self._require_sound()
        gone = self._going()
        if gone is None or gone.to_seq >= self._ceiling():
            return False
        if self._proven != gone:
            self._archive.check(gone)
            self._note(self._witness.sync)  # never less in it than what has gone
            self._proven = gone
        try:
            database.delete(self._db, gone.to_seq, limit)
        except apsw.Error as error:
            self._fail(error)
        self._first_seq = database.first_seq(self._db)
        return True

    def _going(self) -> Gone | None:
        """What a record says goes and has not all gone."""
        return self._gone if self._gone and self._first_seq <= self._gone.to_seq else None

    def _ceiling(self) -> int:
        """The record under which others may go, 0 if none may."""
        if len(self._folds) < folds.KEPT:
            return 0
        return min(self._acked_seq, self._confirmed_seq, *(fold.seq for fold in self._folds))

    def verify(self) -> Report:
        """Check everything, every signature included, through the connection that holds the file."""
        return check(self.all_records(), self._witness.seen, self._thorough_check(), self._server_key)

    def verify_in_parts(self) -> Generator[int, None, Report]:
        """Check as `verify` does, a hundred records a step, so that appends can come in between."""
        return check_in_parts(self.all_records(), self._witness.seen, self._thorough_check(), self._server_key)

    def export_in_parts(self, out: TextIO) -> Generator[int, None, int]:
        """Write one JSON line a record, a hundred of them a step; return how many."""
        count, records = 0, self.all_records()
        while part := lines.write(islice(records, EXPORT_PART), out):
            count += part
            yield count
        return count

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
        return ChainCheck(self._key.public_key(), self._expect, thorough=True, gone=self._gone)

    def _move_log(self, mode: int = apsw.SQLITE_CHECKPOINT_PASSIVE) -> None:
        try:
            self._db.wal_checkpoint(mode=mode)
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
        for record in records:
            if record.kind == "JournalPruned":
                self._gone = Gone.told_by(record)
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
