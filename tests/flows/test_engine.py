"""Goal: the loop keeps its promise of order: decide, commit, then act; and a restart continues where the file ends.

Method: the real engine and journal; clock and hands are given.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.brain import commands, events
from kiosk.brain.events import Moment
from kiosk.brain.state import State
from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import DeviceHealth, Snapshot
from kiosk.engine.engine import CHECKPOINT_AFTER_MS, Engine
from kiosk.engine.history import read_history
from kiosk.engine.inbox import Inbox, Timers, Told
from kiosk.engine.upkeep import VERIFY_EVERY_MS
from kiosk.journal.ids import uuid7
from kiosk.journal.record import Record
from kiosk.journal.store import Journal
from tests.unit.brain_world import USD, account, settings

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@dataclass
class GivenClock:
    now_ms: int = 1_000
    count: int = 0
    boot_id: str = "0" * 32
    day: int = 0
    state: str = "trusted"

    def mono_ms(self) -> int:
        return self.now_ms

    def fresh_id(self) -> str:
        self.count += 1
        return uuid7(1_763_900_000_000, self.count.to_bytes(10, "big"))

    def moment(self) -> Moment:
        ids = (self.fresh_id(), self.fresh_id(), self.fresh_id())
        day = date(2026, 11, 23) + timedelta(days=self.day)
        return Moment(self.now_ms, f"{day}T19:42:07.123Z", f"{day}T13:42:07-06:00", self.state, ids)

    def not_before(self, device_time: str) -> None:
        pass


@dataclass
class Watching:
    """Hands that look at the journal whenever they are told to act."""

    journal: Journal
    seen: list[tuple[str, list[str]]] = field(default_factory=list)
    pictures: list[Snapshot] = field(default_factory=list)
    offered: list[Record] = field(default_factory=list)
    beats: int = 0

    def carry_out(self, command: commands.Command, state: State, records: list[Record]) -> None:
        del state, records
        self.seen.append((type(command).__name__, [record.kind for record in self.journal.records(0, 1000)]))

    def publish(self, picture: Snapshot) -> None:
        self.pictures.append(picture)

    def committed(self, records: list[Record]) -> None:
        self.offered += records

    def beat(self, now_ms: int) -> None:
        self.beats += 1


def open_journal(folder: Path) -> Journal:
    return Journal.open(folder / "journal.db", key=KEY, kiosk_id="rb-07", epoch=1, nonce="0" * 64, allow_volatile=True)


@dataclass
class Bench:
    folder: Path
    clock: GivenClock = field(default_factory=GivenClock)

    def __post_init__(self) -> None:
        self.journal = open_journal(self.folder)
        self.hands = Watching(self.journal)
        self.inbox = Inbox()
        books = read_history(self.journal).books
        self.engine = Engine(State(settings(), books), self.journal, self.clock, self.inbox, self.hands)

    def tell(self, kind: type[events.Event], **values: Any) -> None:
        self.engine.turn(Told(kind, values))

    def to_cash(self) -> None:
        self.tell(events.Started, reason="boot")
        for name in ("printer", "scanner", "screen"):
            self.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
        self.tell(events.AcceptorConnected, table=USD, detail="twin")
        self.tell(events.IntentReceived, intent=Intent("type_account"))
        self.engine.state = replace(
            self.engine.state, scene=replace(self.engine.state.scene, stage="finding", request="r")
        )
        self.tell(events.AccountFound, request="r", account=account(2500))
        for name in ("pay_full", "pay_again", "pay_cash"):
            self.tell(events.IntentReceived, intent=Intent(name))

    def last_seen(self, command: str) -> list[str]:
        return next(kinds for name, kinds in reversed(self.hands.seen) if name == command)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_request_is_on_disk_when_stack_leaves_and_the_credit_when_it_is_acknowledged(bench: Bench) -> None:
    bench.to_cash()
    bench.tell(events.NoteEscrowed, escrow=1, channel=5)
    assert bench.last_seen("StackNote")[-1] == "NoteStackRequested"
    bench.tell(events.NoteStackedReport, report=1, channel=5, power_up=False, clean=False, replay=False)
    assert bench.last_seen("AcknowledgeReport")[-1] == "NoteStacked"
    shown = bench.hands.pictures[-1].payment
    assert shown is not None
    assert shown.in_minor == 2000


def test_every_record_is_offered_for_posting_in_order(bench: Bench) -> None:
    bench.to_cash()
    assert [record.seq for record in bench.hands.offered] == list(range(1, bench.journal.head.seq + 1))


def test_a_restart_folds_the_file_and_closes_the_payment(bench: Bench) -> None:
    bench.to_cash()
    bench.tell(events.NoteEscrowed, escrow=1, channel=5)
    bench.tell(events.NoteStackedReport, report=1, channel=5, power_up=False, clean=False, replay=False)
    bench.journal.close()
    again = Bench(bench.folder)
    payment = again.engine.state.books.payment
    assert payment is not None
    assert payment.in_minor == 2000
    again.tell(events.Started, reason="restart")
    kinds = [record.kind for record in again.journal.records(0, 1000)]
    assert kinds[-3:] == ["KioskStarted", "PaymentCompleted", "SessionClosed"]
    assert again.journal.verify().ok


def test_the_same_picture_is_not_published_twice(bench: Bench) -> None:
    bench.tell(events.Started, reason="boot")
    before = len(bench.hands.pictures)
    bench.tell(events.AcceptorIdle)
    bench.tell(events.AcceptorIdle)
    assert len(bench.hands.pictures) == before
    revisions = [picture.revision for picture in bench.hands.pictures]
    assert revisions == sorted(set(revisions))


def test_an_acknowledgement_names_the_receipts_it_covers(bench: Bench) -> None:
    bench.to_cash()
    bench.tell(events.OnlineChanged, online=True)
    for escrow, channel in ((1, 5), (2, 3)):
        bench.tell(events.NoteEscrowed, escrow=escrow, channel=channel)
        bench.tell(events.NoteStackedReport, report=escrow, channel=channel, power_up=False, clean=False, replay=False)
    bench.tell(events.AcceptorIdle)
    bench.engine.acknowledged(bench.journal.head.seq)
    receipt = bench.hands.pictures[-1].receipt
    assert receipt is not None
    assert receipt.posted == "posted"
    assert bench.hands.seen[-1][0] == "PrintReceipt"


def test_run_ends_when_told_to_stop_and_checkpoints_when_quiet(bench: Bench) -> None:
    bench.clock.now_ms += CHECKPOINT_AFTER_MS + 1
    bench.inbox.job(lambda: bench.inbox.tell(events.StopRequested))
    bench.engine.run("boot")
    assert bench.hands.beats >= 1


def test_timers_fire_in_order_once_and_can_be_moved() -> None:
    timers = Timers()
    timers.set("idle", 100)
    timers.set("done", 50)
    timers.set("idle", 300)
    timers.set("head", 80)
    timers.cancel("head")
    assert timers.wait_ms(0, 1000) == 50
    assert timers.pop_due(49) is None
    assert timers.pop_due(60) == "done"
    assert timers.pop_due(299) is None
    assert timers.pop_due(300) == "idle"
    assert timers.wait_ms(300, 1000) == 1000


def test_the_journal_is_looked_over_once_a_day_while_nobody_is_here(bench: Bench) -> None:
    """A bad record that appeared behind our back stops money; it is found in pieces, between other work."""
    bench.tell(events.Started, reason="boot")
    bench.journal._db.execute("UPDATE records SET hash = ? WHERE seq = 1", ("0" * 64,))
    bench.engine._quiet_since_ms = None
    bench.engine._tidy(bench.clock.now_ms)
    assert bench.engine.state.books.frozen == ""
    bench.clock.now_ms += VERIFY_EVERY_MS
    for _ in range(5):
        bench.engine._tidy(bench.clock.now_ms)
    assert bench.engine.state.books.frozen == "journal_damaged"
