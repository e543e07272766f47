"""Goal: a slow disk loses nothing, starves no watchdog, takes no note; a failed write ends the engine without effect.

Method: the closed loop in virtual time for slowness; for failures the real engine and journal on the simulated disk.
"""

import random
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kiosk.brain import events
from kiosk.brain.state import State
from kiosk.domain.facts import NoteStacked
from kiosk.domain.intents import Intent
from kiosk.domain.invoice import InvoiceReference
from kiosk.domain.snapshot import DeviceHealth
from kiosk.engine.engine import CHECKPOINT_AFTER_MS, Engine
from kiosk.engine.history import read_history
from kiosk.engine.inbox import Inbox, Told
from kiosk.engine.storage import Room
from kiosk.journal.errors import JournalUnwritable
from kiosk.journal.store import Journal
from tests.faults.closed_loop import Loop, to_cash
from tests.flows.test_engine import KEY, GivenClock, Watching
from tests.simulation.disk import Disk, PowerLost
from tests.unit.brain_world import USD, account, settings

WATCHDOG_MS = 30_000  # of the unit
SLOW_MS = 500


def in_cash(folder: Path) -> Loop:
    loop = Loop(folder)
    to_cash(loop, 5000)
    loop.until(lambda: loop.device.enabled)
    return loop


@pytest.mark.parametrize("commit_ms", [50, 1_000, 10_000, 20_000])
def test_a_slow_commit_loses_nothing_and_stops_cash_while_it_lasts(tmp_path: Path, commit_ms: int) -> None:
    """20 s: two syncs of 10 s, as the first commit after a checkpoint takes."""
    loop = in_cash(tmp_path)
    loop.commit_ms = commit_ms
    assert loop.insert(2000)
    loop.until(lambda: loop.of(NoteStacked) or loop.device.body.returned)
    loop.run(2 * commit_ms + 1_000)
    assert loop.picture is not None
    slow = commit_ms > SLOW_MS
    assert (loop.picture.cash, loop.picture.cash_reason) == (not slow, "disk_slow" if slow else "")
    assert loop.insert(1000) is not slow, "a note is taken exactly while commits are fast"
    loop.run(3 * commit_ms)
    loop.commit_ms = 0
    loop.until(lambda: loop.picture is not None and loop.picture.cash)
    loop.touch("stop")
    loop.run(1_000)
    loop.touch("confirm")
    loop.come_to_rest()
    loop.check()
    assert max(after - before for before, after in pairwise(loop.beats)) < WATCHDOG_MS - WATCHDOG_MS // 10


def test_a_disk_that_fills_up_between_two_notes_ends_cash_and_is_paid_out(tmp_path: Path) -> None:
    loop = in_cash(tmp_path)
    assert loop.insert(2000)
    loop.until(lambda: loop.of(NoteStacked))
    loop.room = Room(1)
    loop.until(lambda: not loop.device.enabled and loop.picture is not None and not loop.picture.cash)
    assert not loop.insert(1000)
    assert loop.picture is not None
    assert loop.picture.notice == "cash_unsafe"
    loop.touch("stop")
    loop.run(1_000)
    loop.touch("confirm")
    loop.until(lambda: loop.screen == "done")
    loop.until(lambda: loop.screen == "out_of_service", 90_000)
    loop.room = Room(1 << 40)
    loop.come_to_rest()
    loop.check()


class Bench:
    """The engine on a disk that can be spoiled."""

    def __init__(self, disk: Disk, clock: GivenClock) -> None:
        self.disk, self.clock = disk, clock
        path = disk.folder / "journal.db"
        self.journal = Journal.open(path, key=KEY, kiosk_id="rb-07", epoch=1, nonce="0" * 64, medium=disk.medium)
        self.hands = Watching(self.journal)
        self.beats: list[int] = []
        self.hands.beat = self.beats.append  # type: ignore[method-assign]
        books = read_history(self.journal).books
        self.engine = Engine(State(settings(), books), self.journal, clock, Inbox(), self.hands)

    def tell(self, kind: type[events.Event], **values: Any) -> None:
        self.engine.turn(Told(kind, values))

    def to_cash(self) -> None:
        self.tell(events.Started, reason="boot")
        for name in ("printer", "scanner", "screen"):
            self.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
        self.tell(events.AcceptorConnected, table=USD, detail="twin")
        self.tell(events.BillScanned, reference=InvoiceReference("00004417", "riverbend", "scan", "INV1"))
        self.tell(events.AccountFound, request=self.engine.state.scene.request, account=account(2500))
        for name in ("pay_full", "pay_cash"):
            self.tell(events.IntentReceived, intent=Intent(name))

    def restarted(self) -> "Bench":
        self.disk.crash()
        with suppress(PowerLost, JournalUnwritable):
            self.journal.close()
        return Bench(self.disk, self.clock)


@pytest.fixture
def bench() -> Iterator[Bench]:
    disk = Disk(random.Random(11))
    yield Bench(disk, GivenClock())
    disk.close()


def spoil(disk: Disk, how: str) -> None:
    if how == "full":
        disk.full_after = 0
    else:
        disk.fail_sync = True


HARMS = ["failed sync", "full"]


@pytest.mark.parametrize("how", HARMS)
def test_a_note_is_not_stacked_when_its_request_cannot_be_kept(bench: Bench, how: str) -> None:
    bench.to_cash()
    commands, pictures = len(bench.hands.seen), len(bench.hands.pictures)
    spoil(bench.disk, how)
    with pytest.raises(JournalUnwritable):
        bench.tell(events.NoteEscrowed, escrow=1, channel=5)
    assert (len(bench.hands.seen), len(bench.hands.pictures)) == (commands, pictures), "something left"
    bench.disk.full_after = None
    again = bench.restarted()
    assert again.engine.state.books == read_history(again.journal).books


@pytest.mark.parametrize("how", HARMS)
def test_a_credit_is_not_shown_nor_acknowledged_when_it_cannot_be_kept(bench: Bench, how: str) -> None:
    bench.to_cash()
    bench.tell(events.NoteEscrowed, escrow=1, channel=5)
    before = len(bench.hands.seen)
    spoil(bench.disk, how)
    with pytest.raises(JournalUnwritable):
        bench.tell(events.NoteStackedReport, report=1, channel=5, power_up=False, clean=False, replay=False)
    assert [name for name, _ in bench.hands.seen[before:]] == []
    shown = bench.hands.pictures[-1].payment
    assert shown is not None
    assert shown.in_minor == 0
    bench.disk.full_after = None
    again = bench.restarted()
    books = again.engine.state.books
    kinds = [record.kind for record in again.journal.records(0, 1000)]
    assert books.cash_minor == 2000 * kinds.count("NoteStacked")
    assert (books.note is None) == ("NoteStacked" in kinds)


def test_the_watchdog_is_fed_between_the_syncs_of_a_checkpoint(bench: Bench) -> None:
    """Three syncs of 10 s in one turn of the loop would outlast it."""
    bench.tell(events.Started, reason="boot")
    bench.clock.now_ms += CHECKPOINT_AFTER_MS + 1

    def sync() -> None:
        bench.clock.now_ms += 10_000

    bench.disk.on_sync = sync
    for _ in range(3):
        bench.engine._inbox.tell(events.AcceptorIdle)
        bench.engine.step()
    assert bench.clock.now_ms >= 30_000, "no checkpoint was made"
    bench.beats.append(bench.clock.now_ms)
    assert max(after - before for before, after in pairwise(bench.beats)) <= 20_000
