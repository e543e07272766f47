"""The power goes at every single operation of folding, archiving and pruning: nothing is lost, everything goes on.

The seed is fresh at each run and printed; UPKEEP_SEED repeats one.
"""

import os
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pytest

from kiosk.journal import archive as files_of_archive
from kiosk.journal import database
from kiosk.journal.errors import JournalDamaged, JournalUnwritable
from kiosk.journal.record import Record
from kiosk.journal.store import Journal
from tests.simulation.disk import Disk, PowerLost
from tests.unit.journal_bench import acknowledge, append, archive, keep, opened, ready

SEED = int(os.environ.get("UPKEEP_SEED", secrets.randbelow(10**9)))
LENGTH, GOING = 60, 45  # of which 20 are a part, in the archive and in the deletion


@dataclass(frozen=True)
class Evening:
    """The files of a journal and its records."""

    files: dict[str, bytes]
    made: list[Record]

    @property
    def size(self) -> int:
        return sum(map(len, self.files.values()))

    def disk(self, seed: str) -> Disk:
        """Return a new disk with these files on it."""
        disk = Disk(random.Random(seed))
        for name, content in self.files.items():
            file = disk.medium.open(disk.folder / name, os.O_RDWR | os.O_CREAT)
            file.pwrite(content, 0)
            file.sync()
        disk.medium.sync_directory(disk.folder)
        return disk


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_of_archive, "_PART", 20)


def start(disk: Disk) -> Journal:
    return opened(disk.folder, medium=disk.medium)


def fold_and_prune(journal: Journal) -> None:
    """The upkeep of a night: a fold, a file of the archive, its record, the deletion, another fold, a checkpoint."""
    append(journal, 3)
    keep(journal)
    acknowledge(journal)
    archive(journal, GOING)
    while journal.prune(limit=20):
        pass
    append(journal, 2)
    keep(journal)
    journal.checkpoint()
    journal.close()


@pytest.fixture(scope="module")
def evening() -> Evening:
    """A closed journal before its night."""
    disk = Disk(random.Random(SEED))
    journal = start(disk)
    made = ready(journal, LENGTH)
    journal.close()
    paths = [disk.folder / name for name in ("journal.db", "journal.db-wal", "journal.db.witness")]
    files = {path.name: disk.medium.open(path).pread(1 << 30, 0) for path in paths}
    disk.close()
    return Evening(files, made)


def check(disk: Disk, made: list[Record]) -> None:
    """After a cut: every committed record is there, the folds are of this chain, and the same night succeeds."""
    journal = start(disk)
    assert list(journal.walk())[:LENGTH] == made
    report = journal.verify()
    assert (report.ok, report.reason) == (True, "")
    hashes = {record.seq: record.hash for record in journal.walk()}
    assert [fold.hash for fold in journal.folds] == [hashes[fold.seq] for fold in journal.folds]
    assert [fold.body for fold in journal.folds] == [{"sum": fold.seq} for fold in journal.folds]
    assert len(journal.folds) == 2
    journal.close()
    journal = opened(disk.folder, medium=disk.medium, believe=lambda fold: False)
    assert len(list(journal.walk())) == len(hashes)
    journal.close()


def go_on(disk: Disk) -> None:
    journal = start(disk)
    if not journal.folds:
        keep(journal)
    acknowledge(journal)
    while journal.prune():
        pass
    if journal.first_seq == 1:
        fold_and_prune(journal)
    else:
        journal.close()
    journal = start(disk)
    assert journal.first_seq == GOING + 1
    assert [record.seq for record in journal.walk()] == list(range(1, journal.head.seq + 1))
    assert journal.verify().ok
    journal.close()


def night(disk: Disk, end: Callable[[], None]) -> type[BaseException] | None:
    """Start and do the upkeep; the process that `end`s it lets go of its files. Returns what stopped it."""
    journal, stopped = None, None
    try:
        journal = start(disk)
        fold_and_prune(journal)
    except (PowerLost, JournalUnwritable, OSError) as error:
        stopped = type(error)
    end()
    if journal:
        with suppress(PowerLost):
            journal.close()
    return stopped


def swept(evening: Evening, end: Callable[[Disk], None], step: int = 1) -> None:
    print("seed", SEED)
    disk = evening.disk("count")
    before = disk.operations
    assert night(disk, disk.crash) is None
    count = disk.operations - before
    disk.close()
    assert count > 40
    for number in range(SEED % step, count, step):
        disk = evening.disk(f"{SEED}/{number}")
        disk.cut_at = disk.operations + number
        try:
            assert night(disk, partial(end, disk)) in (PowerLost, JournalUnwritable)  # SQLite rolls back in the dark
            check(disk, evening.made)
            go_on(disk)
        except AssertionError as error:
            raise AssertionError(f"UPKEEP_SEED={SEED}, operation {number} of {count}") from error
        finally:
            disk.close()


def test_the_power_goes_at_any_operation(evening: Evening) -> None:
    swept(evening, lambda disk: disk.power_cut())


def test_the_process_dies_at_any_operation(evening: Evening) -> None:
    """A third of them in a run: only what was synced differs from the test before."""

    def die(disk: Disk) -> None:
        disk.crash()
        disk.cut_at = None

    swept(evening, die, step=3)


def test_the_disk_is_full_at_any_point(evening: Evening) -> None:
    """Then money is refused until there is room; what was committed is there."""
    stopped = set()
    for spare in range(0, 80_000, 4_000):
        disk = evening.disk(f"{SEED}/full/{spare}")
        disk.full_after = evening.size + spare
        stopped.add(night(disk, disk.crash))
        disk.full_after = None
        check(disk, evening.made)
        go_on(disk)
        disk.close()
    assert {None, JournalUnwritable} <= stopped


def test_a_deletion_before_its_record_is_found(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    """A control: this order of the two loses the reason why the beginning is not there."""
    commit = Journal._commit

    def at_once(journal: Journal, records: list[Record]) -> None:
        for record in records:
            if record.kind == "JournalPruned":
                database.delete(journal._db, record.envelope().body["to_seq"], 1000)
        commit(journal, records)

    monkeypatch.setattr(Journal, "_commit", at_once)
    with pytest.raises((AssertionError, JournalDamaged)):
        swept(evening, lambda disk: disk.power_cut())
