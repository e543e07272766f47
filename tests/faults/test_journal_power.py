"""What a start of the journal has read stays, although the process before it died with nothing synced."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import pytest

from kiosk.journal.errors import JournalUnwritable
from kiosk.journal.store import Journal
from tests.simulation.disk import Disk, PowerLost
from tests.unit.test_journal_store import KEY, NONCE, SERVER, acknowledged, stacked

CHANCES = 12  # at each place where the process may die


@contextmanager
def machine(seed: object) -> Iterator[Disk]:
    disk = Disk(random.Random(repr(seed)))
    yield disk
    disk.close()


@contextmanager
def opened(disk: Disk) -> Iterator[Journal]:
    """The journal of a kiosk that dies at the end, without closing anything."""
    journal = Journal.open(
        disk.folder / "journal.db",
        key=KEY,
        kiosk_id="rb-07",
        epoch=1,
        nonce=NONCE,
        server_key=SERVER.public_key(),
        medium=disk.medium,
    )
    try:
        yield journal
    finally:
        disk.crash()
        with suppress(PowerLost):
            journal.close()


def work(disk: Disk) -> None:
    with opened(disk) as journal:
        made = journal.append([stacked(1), stacked(2)])
        journal.acknowledge(acknowledged(1, made[0].hash))
        journal.checkpoint()
        made = journal.append([stacked(3)])
        journal.acknowledge(acknowledged(3, made[0].hash))


def ways_to_die() -> Iterator[Callable[[Disk], None]]:
    """Before each operation, and of each sync that fails."""
    with machine("whole") as disk:
        syncs: list[int] = []
        disk.on_sync = lambda: syncs.append(disk.operations)
        work(disk)
        operations = disk.operations
    for number in range(operations):
        yield lambda disk, number=number: setattr(disk, "cut_at", number)
    for number in range(len(syncs)):
        yield lambda disk, number=number: fail(disk, number)


def fail(disk: Disk, number: int) -> None:
    """Let the sync of that number fail."""
    left = [number]

    def count() -> None:
        disk.fail_sync = not left[0]
        left[0] -= 1

    disk.on_sync = count


@pytest.mark.parametrize("chance", range(CHANCES))
def test_what_a_start_has_read_is_durable(chance: int) -> None:
    for number, way in enumerate(ways_to_die()):
        with machine((chance, number)) as disk:
            way(disk)
            with suppress(PowerLost, JournalUnwritable):
                work(disk)
            disk.crash()
            disk.cut_at, disk.on_sync, disk.fail_sync = None, lambda: None, False
            with opened(disk) as journal:
                head, acked = journal.head, journal.acked_seq
            disk.power_cut()
            with opened(disk) as journal:
                assert (journal.head, journal.acked_seq) == (head, acked)
                journal.append([stacked(4)])


def test_what_the_witness_was_last_told_may_be_torn_and_the_journal_opens() -> None:
    for chance in range(200):
        with machine(chance) as disk:
            with opened(disk) as journal:
                made = journal.append([stacked(1), stacked(2), stacked(3)])
                journal.acknowledge(acknowledged(1, made[0].hash))
                journal.checkpoint()
                for number in (2, 3):
                    journal.acknowledge(acknowledged(number, made[number - 1].hash))
                    journal.append([stacked(number)])
            disk.power_cut()
            with opened(disk) as journal:
                assert journal.head.seq == 5
                assert journal.acked_seq >= 1


@pytest.mark.parametrize("before", range(1, 14))
def test_what_a_start_did_not_find_does_not_come_back(before: int) -> None:
    """Half a transaction lies in the log. Half of the next one, in the same place, must not make it whole.

    Where a page of the table is full, both begin with the same frames.
    """
    log = "journal.db-wal"
    with machine(before) as disk:
        with opened(disk) as journal:
            journal.append([stacked(1)] * before)
        with opened(disk) as journal:
            syncs = iter((False, True))  # that of the log's head, and the commit
            disk.on_sync = lambda: die() if next(syncs) else None
            with suppress(PowerLost):
                journal.append([stacked(2)] * 2)
            disk.on_sync = lambda: None
        disk.medium.open(disk.folder / log).pwrite(b"torn", 32)  # the head of its first frame
        with opened(disk) as journal:
            assert journal.head.seq == before
            disk.cut_at = disk.operations + 6  # the log's head and its sync, and two frames
            with suppress(PowerLost):
                journal.append([stacked(3)])
        disk.cut_at = None
        with opened(disk) as journal:
            found = [record.envelope().moment.mono_ms for record in journal.records()]
        assert found[before:] in ([], [3])


def die() -> NoReturn:
    raise PowerLost
