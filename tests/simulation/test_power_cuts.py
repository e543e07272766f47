"""3,000 power cuts under the real journal: nothing committed is lost, nothing is corrupt; two controls must fail.

POWER_CUTS_SEED=N repeats a run; without it every run has a seed of its own.
"""

import os
import random
import secrets
from collections.abc import Callable

import apsw
import pytest

from kiosk.journal import database
from kiosk.journal.record import Record
from kiosk.journal.store import Journal
from tests.simulation.disk import PowerLost
from tests.simulation.power_cuts import COUNT, World, synchronous_normal, walks

SEED = int(os.environ.get("POWER_CUTS_SEED") or secrets.randbelow(1 << 32))
PARTS = 4
FEW = 300  # power cuts that are enough to find a fault
CHANCES = 3  # for each operation of a beginning
COMMIT, NOTE, INSERT = Journal._commit, Journal._note, database.insert


@pytest.fixture(autouse=True)
def seed() -> int:
    print(f"POWER_CUTS_SEED={SEED}")
    return SEED


@pytest.mark.parametrize("part", range(PARTS))
def test_no_power_cut_loses_a_committed_record(seed: int, part: int) -> None:
    outcome = walks(seed + part, COUNT // PARTS)
    assert (outcome.lost, outcome.wrong) == (0, {})
    assert outcome.cuts == COUNT // PARTS
    assert outcome.records > outcome.cuts, "hardly anything was committed between the cuts"


def test_less_than_full_sync_loses_records(seed: int) -> None:
    with synchronous_normal():
        assert walks(seed, FEW).lost > 0


def test_a_disk_that_ignores_sync_loses_records(seed: int) -> None:
    assert walks(seed, FEW, honest=False).lost > 0


def begin(world: World) -> None:
    for act in (world.start, world.append, world.acknowledge, world.checkpoint, world.append, world.reopen):
        act()


def test_a_journal_can_be_begun_whenever_the_power_goes(seed: int) -> None:
    whole = World(random.Random(seed))
    begin(whole)
    whole.die()
    for number in range(whole.disk.operations):
        for fate in range(CHANCES):
            chance = random.Random(seed)
            world = World(chance)
            world.disk.cut_at = number
            with pytest.raises(PowerLost):
                begin(world)
            world.die()
            chance.seed(f"{seed}/{number}/{fate}")
            world.disk.power_cut()
            world.disk.cut_at = world.disk.operations + fate * 5
            world.live()
            world.disk.power_cut()
            world.end()
            world.disk.close()


def early(journal: Journal, records: list[Record]) -> None:
    """Tell the witness before the medium has it."""
    journal._witness.note_head(records[-1].seq, records[-1].hash)
    COMMIT(journal, records)


def one_by_one(connection: apsw.Connection, records: list[Record]) -> None:
    for record in records:
        INSERT(connection, [record])


def unsynced(journal: Journal, write: Callable[[], None]) -> None:
    """Delete without the witness knowing what has to stay."""
    if write != journal._witness.sync:
        NOTE(journal, write)


FAULTS = [
    (Journal, "_commit", early),
    (Journal, "_note", unsynced),
    (database, "insert", one_by_one),
]


@pytest.mark.parametrize(("place", "name", "planted"), FAULTS)
def test_a_planted_fault_is_found(
    seed: int, monkeypatch: pytest.MonkeyPatch, place: object, name: str, planted: object
) -> None:
    monkeypatch.setattr(place, name, planted)
    assert any(walks(seed + more, FEW).wrong for more in range(6))  # some find it only in the third
