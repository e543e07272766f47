"""Goal: the engine keeps its journal short and its starts quick, and the books never notice.

Method: the real engine and journal of test_engine.py; small figures for what is a thousand records in a lobby.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kiosk.brain import events
from kiosk.brain.apply import Contradiction
from kiosk.brain.books import FOLD
from kiosk.brain.state import State
from kiosk.domain.intents import Intent
from kiosk.engine import history as histories
from kiosk.engine.engine import CHECKPOINT_AFTER_MS, Engine
from kiosk.engine.history import History, advanced, believes, read_history
from kiosk.engine.inbox import Inbox
from kiosk.engine.upkeep import PRUNE_EVERY_MS, VERIFY_EVERY_MS, Upkeep
from kiosk.journal.archive import ArchiveWrong
from kiosk.journal.folds import Fold
from kiosk.journal.store import Journal
from tests.flows.test_engine import KEY, Bench, Watching
from tests.unit.brain_world import settings
from tests.unit.journal_bench import SERVER, promise

EVERY, FILE = 20, 30


def open_journal(folder: Path) -> Journal:
    return Journal.open(
        folder / "journal.db",
        key=KEY,
        kiosk_id="rb-07",
        epoch=1,
        nonce="0" * 64,
        server_key=SERVER.public_key(),
        allow_volatile=True,
        believe=believes,
    )


@dataclass
class Kept(Bench):
    """The bench with a journal that is folded every 20 records and pruned by files of 30 when they are a day old."""

    notes: int = 0

    def __post_init__(self) -> None:
        self.journal = open_journal(self.folder)
        self.hands = Watching(self.journal)
        self.inbox = Inbox()
        self.history = read_history(self.journal)
        upkeep = Upkeep(self.journal, self.history, retention_days=1, fold_every=EVERY, archive_records=FILE)
        self.upkeep = upkeep
        state = State(settings(), self.history.books)
        self.engine = Engine(state, self.journal, self.clock, self.inbox, self.hands, upkeep)

    def live(self, days: int = 0) -> None:
        """`days` pass, then somebody pays a bill with two notes and goes."""
        self.clock.day += days
        self.to_cash()
        for channel in (5, 3):
            self.notes += 1
            self.tell(events.NoteEscrowed, escrow=self.notes, channel=channel)
            flags = {"power_up": False, "clean": False, "replay": False}
            self.tell(events.NoteStackedReport, report=self.notes, channel=channel, **flags)
        self.tell(events.AcceptorIdle)
        self.tell(events.PrintFinished, job=self.engine.state.scene.print_job, outcome="confirmed", reason="")
        self.tell(events.IntentReceived, intent=Intent("done"))
        assert (self.engine.state.books.session_id, self.engine.state.books.unprinted) == ("", ())

    def rest(self, turns: int = 300) -> None:
        """The quiet loop turns; the server has everything."""
        for _ in range(turns):
            self.clock.now_ms += CHECKPOINT_AFTER_MS + 1
            self.engine._tidy(self.clock.now_ms)
            head = self.journal.head
            self.journal.acknowledge(promise(head.seq, head.hash))

    def again(self) -> "Kept":
        self.journal.close()
        return Kept(self.folder, self.clock)


@pytest.fixture
def bench(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def filled(bench: Kept, times: int = 20) -> Kept:
    for _ in range(times):
        bench.live(days=1)
        bench.rest(5)
    return bench


def test_a_restart_goes_on_from_the_fold_with_the_same_books(bench: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(bench, 6)
    bench.live()
    books = bench.engine.state.books
    assert len(bench.journal.folds) == 2
    bench.journal.close()
    folded: list[int] = []
    real = histories.apply
    monkeypatch.setattr(histories, "apply", lambda books, fact: folded.append(1) or real(books, fact))
    journal = open_journal(bench.folder)
    history = read_history(journal)
    assert (history.books, history.seq) == (books, journal.head.seq)
    assert len(folded) == journal.head.seq - journal.folds[0].seq < journal.head.seq / 2
    assert history == advanced(History(), journal.walk())
    journal.close()


def test_the_journal_gets_shorter_and_nothing_is_lost(bench: Kept) -> None:
    filled(bench)
    bench.clock.now_ms += PRUNE_EVERY_MS
    bench.rest()
    journal = bench.journal
    assert journal.first_seq > 3 * FILE
    assert journal.verify().ok
    assert [record.seq for record in journal.walk()] == list(range(1, journal.head.seq + 1))
    assert advanced(History(), journal.walk()).books == bench.engine.state.books
    again = bench.again()
    assert again.engine.state.books == bench.engine.state.books
    assert again.journal.first_seq > 3 * FILE
    again.journal.close()


def test_every_fold_that_is_kept_equals_the_fold_of_everything(bench: Kept) -> None:
    for _ in range(8):
        filled(bench, 1)
        for fold in bench.journal.folds:
            whole = [record for record in bench.journal.walk() if record.seq <= fold.seq]
            assert histories.history_in(fold) == advanced(History(), whole)
    bench.journal.close()


def test_live_books_that_are_not_the_journals_end_the_process(bench: Kept) -> None:
    filled(bench, 1)
    books = replace(bench.engine.state.books, cash_minor=1)
    bench.engine.state = replace(bench.engine.state, books=books)
    with pytest.raises(Contradiction, match="live books"):
        bench.rest()
    bench.journal.close()


def test_nothing_is_done_while_somebody_is_here(bench: Kept) -> None:
    filled(bench, 6)
    newest = bench.journal.folds[0].seq
    bench.to_cash()
    for _ in range(100):
        bench.clock.now_ms += CHECKPOINT_AFTER_MS + 1
        bench.engine._tidy(bench.clock.now_ms)
    assert bench.journal.folds[0].seq == newest
    bench.journal.close()


def test_an_untrusted_clock_and_young_records_prune_nothing(bench: Kept) -> None:
    bench.clock.state = "untrusted"
    filled(bench)
    bench.clock.now_ms += PRUNE_EVERY_MS
    bench.rest()
    assert bench.journal.first_seq == 1
    bench.clock.state = "trusted"
    bench.live()
    bench.clock.now_ms += PRUNE_EVERY_MS
    bench.rest()
    assert bench.journal.first_seq > 1
    bench.journal.close()


def test_the_daily_check_waits_for_the_archive_and_finds_nothing(bench: Kept) -> None:
    filled(bench)
    bench.clock.now_ms += VERIFY_EVERY_MS
    bench.rest(600)
    assert bench.journal.first_seq > 3 * FILE
    assert bench.engine.state.books.frozen == ""
    bench.journal.close()


def test_a_change_of_the_code_reads_everything_and_needs_the_archive(
    bench: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(bench)
    bench.clock.now_ms += PRUNE_EVERY_MS
    bench.rest()
    books = bench.engine.state.books
    bench.journal.close()
    monkeypatch.setattr(histories, "FOLD", FOLD + 1)
    journal = open_journal(bench.folder)
    beats: list[int] = []
    monkeypatch.setattr(histories, "_BEAT", 10)
    assert (journal.folds, journal.first_seq > 1) == ((), True)
    assert read_history(journal, lambda: beats.append(1)).books == books
    assert len(beats) > 10
    shutil.rmtree(bench.folder / "archive")
    with pytest.raises(ArchiveWrong, match="is not there"):
        read_history(journal)
    journal.close()


def test_an_archive_that_cannot_be_written_stops_nothing(bench: Kept) -> None:
    (bench.folder / "archive").write_text("in the way")
    filled(bench)
    bench.clock.now_ms += PRUNE_EVERY_MS
    bench.rest()
    assert (bench.journal.first_seq, bench.engine.state.books.frozen) == (1, "")
    (bench.folder / "archive").unlink()
    bench.clock.now_ms += PRUNE_EVERY_MS
    bench.rest()
    assert bench.journal.first_seq > 1
    bench.journal.close()


@pytest.mark.parametrize(
    "body", [{}, {"books": {}}, {"books": {}, "period_opened_seq": 1, "last_time": ""}, {"books": None}]
)
def test_a_fold_of_our_number_with_another_form_is_not_believed(body: dict[str, object]) -> None:
    assert not believes(Fold(1, "", FOLD, body))


@pytest.mark.parametrize("change", [{"period_opened_seq": "1"}, {"last_time": None}, {"more": 1}])
def test_a_fold_is_believed_whole_or_not_at_all(change: dict[str, object]) -> None:
    body = histories.body_of(History())
    assert believes(Fold(1, "", FOLD, body))
    assert not believes(Fold(1, "", FOLD, body | change))
    assert not believes(Fold(1, "", FOLD + 1, body))
