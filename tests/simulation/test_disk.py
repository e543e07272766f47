"""The simulated disk: the same answers as the system's while power lasts, and no more promises than POSIX after."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from kiosk.journal.errors import JournalUnwritable
from kiosk.journal.medium import SYSTEM, Medium
from kiosk.journal.store import Journal
from tests.simulation.disk import Disk, PowerLost
from tests.unit.test_journal_store import KEY, NONCE, stacked

NEW = os.O_RDWR | os.O_CREAT | os.O_TRUNC
WORLDS = 200


@pytest.fixture
def disks() -> Iterator[Callable[..., Disk]]:
    made: list[Disk] = []

    def make(seed: object = 0, **options: bool) -> Disk:
        made.append(Disk(random.Random(repr(seed)), **options))
        return made[-1]

    yield make
    for disk in made:
        disk.close()


def opened(disk: Disk) -> Journal:
    return Journal.open(disk.folder / "journal.db", key=KEY, kiosk_id="rb-07", epoch=1, nonce=NONCE, medium=disk.medium)


def acts(medium: Medium, folder: Path, chance: random.Random) -> Iterator[object]:
    """Do what a program may do with files, and tell every answer."""
    names = [folder / name for name in "abc"]
    for _ in range(300):
        path, other, place = chance.choice(names), chance.choice(names), chance.randrange(5000)
        flags = chance.choice((os.O_RDWR, os.O_RDWR, os.O_RDONLY, NEW, NEW | os.O_EXCL))
        try:
            file = medium.open(path, flags)
            try:
                if flags != os.O_RDONLY:
                    yield file.pwrite(chance.randbytes(chance.randrange(1, 3000)), place)
                    if chance.random() < 0.3:
                        file.truncate(chance.randrange(6000))
                file.sync()
                yield file.pread(chance.randrange(4000), chance.randrange(6000))
            finally:
                file.close()
            if chance.random() < 0.2:
                medium.rename(path, other)
            if chance.random() < 0.2:
                medium.unlink(path)
            medium.sync_directory(folder)
        except OSError as error:
            yield error.errno
        yield [medium.size(name) for name in names]


@pytest.mark.parametrize("seed", range(3))
def test_it_answers_as_the_systems_own(tmp_path: Path, disks: Callable[..., Disk], seed: int) -> None:
    disk = disks()
    simulated = list(acts(disk.medium, disk.folder, random.Random(seed)))
    assert simulated == list(acts(SYSTEM, tmp_path, random.Random(seed)))


def test_it_tells_sqlite_what_the_systems_own_tells(tmp_path: Path, disks: Callable[..., Disk]) -> None:
    flags = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_READWRITE
    real = apsw.VFSFile("", str(tmp_path / "x"), [flags, 0])
    mine = disks()._vfs.xOpen("/x", [flags, 0])
    assert mine.xDeviceCharacteristics() == real.xDeviceCharacteristics()
    assert mine.xSectorSize() == real.xSectorSize()
    real.xClose()


def test_what_was_not_synced_is_kept_dropped_or_torn(disks: Callable[..., Disk]) -> None:
    fates = set()
    for seed in range(WORLDS):
        disk = disks(seed)
        file = disk.medium.open(disk.folder / "a", NEW)
        file.pwrite(b"o" * 2048, 0)
        file.sync()
        disk.medium.sync_directory(disk.folder)
        file.pwrite(b"n" * 2048, 0)
        disk.power_cut()
        content = disk.medium.open(disk.folder / "a").pread(4096, 0)
        assert len(content) == 2048
        fates.add("torn" if set(content) == set(b"no") else content[:1])
    assert fates == {b"o", b"n", "torn"}


def test_a_file_that_grows_may_have_its_size_before_its_bytes(disks: Callable[..., Disk]) -> None:
    contents = set()
    for seed in range(WORLDS):
        disk = disks(seed)
        file = disk.medium.open(disk.folder / "a", NEW)
        disk.medium.sync_directory(disk.folder)
        file.pwrite(b"n" * 4, 0)
        file.pwrite(b"n" * 4, 4)
        disk.power_cut()
        contents.add(disk.medium.open(disk.folder / "a").pread(9, 0))
    assert {b"", b"n" * 4, b"n" * 8, bytes(4) + b"n" * 4} <= contents
    assert any(set(content) - set(b"n\0") for content in contents), "what lay there before shows through"


def test_a_name_is_durable_after_a_sync_of_its_directory(disks: Callable[..., Disk]) -> None:
    found: set[tuple[int | None, ...]] = set()
    for seed in range(WORLDS):
        disk = disks(seed)
        for name in ("old", "draft"):
            file = disk.medium.open(disk.folder / name, NEW)
            file.pwrite(name.encode(), 0)
            file.sync()
            if name == "old":
                disk.medium.sync_directory(disk.folder)
        disk.medium.rename(disk.folder / "draft", disk.folder / "old")
        disk.power_cut()
        sizes = [disk.medium.size(disk.folder / name) for name in ("old", "draft")]
        assert sizes[0] is not None, "a rename leaves the one or the other"
        found.add(tuple(sizes))
    assert found == {(3, None), (3, 5), (5, None)}


def test_what_was_synced_stays_and_a_lying_disk_forgets_it(disks: Callable[..., Disk]) -> None:
    for honest in (True, False):
        kept = 0
        for seed in range(WORLDS):
            disk = disks(seed, honest=honest)
            file = disk.medium.open(disk.folder / "a", NEW)
            file.pwrite(b"n" * 2048, 0)
            file.sync()
            disk.medium.sync_directory(disk.folder)
            disk.power_cut()
            kept += disk.medium.size(disk.folder / "a") == 2048
        assert kept == WORLDS if honest else kept < WORLDS


def test_a_process_that_dies_loses_its_handles_and_nothing_else(disks: Callable[..., Disk]) -> None:
    disk = disks()
    file = disk.medium.open(disk.folder / "a", NEW)
    file.pwrite(b"n" * 2048, 0)
    disk.crash()
    assert disk.medium.open(disk.folder / "a").pread(4096, 0) == b"n" * 2048
    for act in (lambda: file.pwrite(b"x", 0), file.sync, lambda: file.pread(1, 0), lambda: file.truncate(0)):
        with pytest.raises(PowerLost):
            act()
    file.close()


def test_a_failed_sync_reads_back_and_is_not_durable(disks: Callable[..., Disk]) -> None:
    kept = set()
    for seed in range(WORLDS):
        disk = disks(seed)
        file = disk.medium.open(disk.folder / "a", NEW)
        disk.medium.sync_directory(disk.folder)
        file.pwrite(b"n" * 2048, 0)
        disk.fail_sync = True
        with pytest.raises(OSError, match="Input/output"):
            file.sync()
        file.sync()  # says yes, and has nothing left to write
        assert file.pread(4096, 0) == b"n" * 2048
        disk.power_cut()
        kept.add(disk.medium.open(disk.folder / "a").pread(4096, 0) == b"n" * 2048)
    assert kept == {True, False}


def test_the_power_goes_before_the_chosen_operation(disks: Callable[..., Disk]) -> None:
    whole = disks()
    opened(whole).append([stacked(1)])
    for number in range(whole.operations):
        disk = disks()
        disk.cut_at = number
        with pytest.raises(PowerLost):
            opened(disk).append([stacked(1)])
        assert disk.operations == number
        with pytest.raises(PowerLost):
            disk.medium.size(disk.folder)
        disk.crash()
        assert disk.medium.size(disk.folder / "none") is None


@pytest.mark.parametrize(
    ("fault", "said"),
    [({"full_after": 0}, "Full"), ({"read_only": True}, "Read-only"), ({"fail_sync": True}, "IOError")],
)
def test_each_fault_reaches_the_journal(disks: Callable[..., Disk], fault: dict[str, int], said: str) -> None:
    disk = disks()
    journal = opened(disk)
    journal.append([stacked(1)])
    vars(disk).update(fault)
    with pytest.raises(JournalUnwritable, match=said):
        journal.append([stacked(number) for number in range(100)])
    with pytest.raises(JournalUnwritable):
        journal.checkpoint()
    journal.close()


def test_time_can_pass_at_a_sync(disks: Callable[..., Disk]) -> None:
    disk = disks()
    journal = opened(disk)
    passed: list[int] = []
    disk.on_sync = lambda: passed.append(1)
    journal.append([stacked(1)])
    assert len(passed) == 3, "the head of a new log, its name, and the commit"
    journal.append([stacked(2)])
    assert len(passed) == 4
    journal.close()
