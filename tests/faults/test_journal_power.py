"""The journal of a machine whose power goes while some of what was written was never synced."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kiosk.journal.store import Journal
from tests.simulation.disk import Disk, PowerLost
from tests.unit.test_journal_store import KEY, NONCE, SERVER, acknowledged, stacked


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
