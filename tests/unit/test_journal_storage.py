"""Goal: a medium that refuses is named for what it is, and what a start reads back is durable before more is written.

Method: the simulated disk under the real journal.
"""

import errno
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from kiosk.journal.chain import Expectation
from kiosk.journal.errors import JournalDamaged, JournalUnwritable
from kiosk.journal.medium import reason_of
from kiosk.journal.reading import ReadJournal
from kiosk.journal.store import Journal
from tests.simulation.disk import Disk, PowerLost
from tests.unit.test_journal_store import KEY, NONCE, stacked

EXPECT = Expectation("rb-07", 1, NONCE)


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk(random.Random(7))
    yield made
    made.close()


def opened(disk: Disk) -> Journal:
    return Journal.open(disk.folder / "journal.db", key=KEY, kiosk_id="rb-07", epoch=1, nonce=NONCE, medium=disk.medium)


def died(disk: Disk, journal: Journal, power: bool = False) -> None:
    if power:
        disk.power_cut()
    else:
        disk.crash()
    with suppress(PowerLost):
        journal.close()


def test_what_is_read_back_after_a_failed_sync_survives_a_power_cut() -> None:
    """The kernel forgets what it could not write: a start that believed its memory would lose what it then goes on."""
    read_back = set()
    for seed in range(20):
        disk = Disk(random.Random(seed))
        journal = opened(disk)
        journal.append([stacked(1)])
        disk.fail_sync = True
        with pytest.raises(JournalUnwritable) as refused:
            journal.append([stacked(2)])
        assert refused.value.reason == "disk_failed"
        died(disk, journal)
        journal = opened(disk)
        head = journal.append([stacked(3)])[-1].seq
        read_back.add(head)
        died(disk, journal, power=True)
        assert opened(disk).head.seq == head, f"seed {seed}"
        disk.close()
    assert 3 in read_back, "the record of the failed sync was never read back: nothing was tested"


def test_a_full_disk_is_named_at_an_append_and_at_the_opening(disk: Disk) -> None:
    journal = opened(disk)
    journal.append([stacked(number) for number in range(40)])
    disk.full_after = 0
    with pytest.raises(JournalUnwritable) as refused:
        journal.append([stacked(number) for number in range(40, 80)])
    assert refused.value.reason == "disk_full"
    died(disk, journal)
    with pytest.raises(JournalUnwritable) as refused:
        opened(disk)
    assert refused.value.reason == "disk_full"
    disk.full_after = None
    assert opened(disk).head.seq == 40


def test_a_read_only_disk_is_no_damage_and_its_records_can_be_read(disk: Disk) -> None:
    journal = opened(disk)
    made = journal.append([stacked(number) for number in range(3)])
    died(disk, journal)
    disk.read_only = True
    with pytest.raises(JournalUnwritable) as refused:
        opened(disk)
    assert refused.value.reason == "disk_read_only"
    reading = ReadJournal.open(disk.folder / "journal.db", EXPECT, KEY.public_key(), medium=disk.medium)
    assert (reading.records(), reading.acked_seq) == (made, 0)
    reading.close()


def test_reading_touches_nothing_on_a_real_file_system(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = Journal.open(path, key=KEY, kiosk_id="rb-07", epoch=1, nonce=NONCE, allow_volatile=True)
    made = journal.append([stacked(number) for number in range(3)])
    journal._failure = "so that closing leaves the log as it is"
    journal.close()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    reading = ReadJournal.open(path, EXPECT, KEY.public_key())
    assert reading.records(1) == made[1:]
    reading.close()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("harm", ["cut off", "nothing there", "not a journal"])
def test_what_is_damaged_is_not_posted(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "journal.db"
    if harm != "nothing there":
        journal = Journal.open(path, key=KEY, kiosk_id="rb-07", epoch=1, nonce=NONCE, allow_volatile=True)
        journal.append([stacked(number) for number in range(3)])
        journal.close()
        (tmp_path / "journal.db-wal").unlink()
    if harm == "cut off":
        edited = apsw.Connection(str(path))
        edited.pragma("journal_mode", "DELETE")
        edited.execute("DELETE FROM records WHERE seq = 3")
        edited.close()
    elif harm == "not a journal":
        path.write_bytes(b"\0" * 8192)
    with pytest.raises(JournalDamaged):
        ReadJournal.open(path, EXPECT, KEY.public_key())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, ""), "disk_full"),
        (OSError(errno.EDQUOT, ""), "disk_full"),
        (apsw.FullError(), "disk_full"),
        (OSError(errno.EROFS, ""), "disk_read_only"),
        (OSError(errno.EACCES, ""), "disk_read_only"),
        (apsw.ReadOnlyError(), "disk_read_only"),
        (OSError(errno.EIO, ""), "disk_failed"),
        (apsw.IOError(), "disk_failed"),
        (OSError("only words"), "disk_failed"),
    ],
)
def test_refusals_have_names(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
