"""Goal: a server set back to a back-up is filled again by its kiosks alone, and its books are what they were.

Method: the live server's database is kept and put back under it; shipped engines post to it, each finding out in
another way. What it holds is read by SQL, row by row, before and after.
"""

from collections.abc import Generator
from pathlib import Path

import pytest

from billing import clock
from billing.customers.models import Account
from billing.journal.models import Record
from billing.kiosks import enrolment
from billing.kiosks.models import Kiosk
from kiosk.__main__ import main
from kiosk.brain import events
from kiosk.brain.books import FOLD
from kiosk.engine.history import History, advanced, body_of
from kiosk.journal.archive import Label
from tests.billing.kiosk import new_account, new_kiosk
from tests.billing.lobby import Lobby, configured, new_lobby
from tests.billing.restoring import SqliteFile
from tests.billing.test_refill import cash, pay


@pytest.fixture
def file(database: Path, server: str, tmp_path: Path) -> SqliteFile:
    return SqliteFile(database, tmp_path / "backup.sqlite3")


@pytest.fixture
def bills(server: str) -> list[Account]:
    """One account a kiosk: who pays an invoice first decides what is too much, and the order is not kept."""
    return [new_account(500_000) for _ in range(3)]


@pytest.fixture
def lobbies(server: str, tmp_path: Path) -> list[Lobby]:
    return [
        new_lobby(tmp_path / f"kiosk-{number}", server, enrolment.new_code(new_kiosk(), clock.now()))
        for number in range(3)
    ]


def busy(lobby: Lobby, bill: Account) -> None:
    """A payment, a note nobody asked for, a note in doubt, and a payment for an account that is unknown."""
    pay(lobby, bill, 1000)
    lobby.tell(events.NoteStackedReport, report=900, channel=3, power_up=False, clean=False, replay=False)
    lobby.box.append(500)
    lobby.to_cash(bill.number, bill.house_number)
    assert lobby.offer(2000)
    lobby.tell(events.TimerFired, name="note_open")
    lobby.insert(100)
    lobby.touch("stop", "confirm", "done")
    lobby.run()


def test_idle_kiosks_fill_a_restored_server_by_their_heartbeats_alone(
    lobbies: list[Lobby], bills: list[Account], file: SqliteFile
) -> None:
    for lobby, bill in zip(lobbies, bills, strict=True):
        lobby.start()
        pay(lobby, bill, 2000, 500)
    file.keep()
    for lobby, bill in zip(lobbies, bills, strict=True):
        busy(lobby, bill)
    before = file.holds()
    boxes = [sum(lobby.box) for lobby in lobbies]
    assert [cash(lobby) for lobby in lobbies] == boxes
    file.put_back()
    assert [cash(lobby) for lobby in lobbies] == [2500, 2500, 2500]
    records = [lobby.journal.head.seq for lobby in lobbies]
    for lobby in lobbies:
        lobby.run(61)
    assert file.holds() == before
    assert [lobby.journal.head.seq for lobby in lobbies] == records, "nobody paid anything meanwhile"
    assert [lobby.journal.acked_seq for lobby in lobbies] == records
    assert [lobby.journal.confirmed_seq for lobby in lobbies] == records
    assert [lobby.frozen for lobby in lobbies] == ["", "", ""]


def test_each_way_of_finding_out_ends_with_the_same_books(
    lobbies: list[Lobby], bills: list[Account], file: SqliteFile
) -> None:
    """By the head before the first note, by the gap of a new record, and after a restart that knows only its cursor."""
    by_head, by_gap, restarted = lobbies
    for lobby, bill in zip(lobbies, bills, strict=True):
        lobby.start()
        pay(lobby, bill, 500)
    file.keep()
    for lobby, bill in zip(lobbies, bills, strict=True):
        busy(lobby, bill)
    before = file.holds()["ledger"]
    by_gap.line.up = False
    busy(by_gap, bills[1])
    restarted.kill()
    file.put_back()
    by_head.to_cash(bills[0].number, bills[0].house_number)
    assert by_head.insert(100), "a server that lost something is no reason to refuse money"
    by_head.touch("stop", "confirm", "done")
    by_head.run()
    assert cash(by_head) == sum(by_head.box)
    by_gap.line.up = True
    by_gap.run(400)
    assert cash(by_gap) == sum(by_gap.box)
    acked = restarted.start()
    assert acked
    assert restarted.journal.acked_seq == restarted.journal.head.seq
    assert cash(restarted) == sum(restarted.box)
    for lobby in lobbies:
        lobby.run(130)
        assert (lobby.frozen, cash(lobby)) == ("", sum(lobby.box))
        numbers = lobby.receipts()
        assert len(numbers) == len(set(numbers))
    after = file.holds()
    ours = {lobby.enrolment.kiosk_id for lobby in lobbies}
    cash_before = {row[1]: row[2] for row in before if row[0] == "cash" and row[1].split("/")[0] in ours}
    cash_after = {row[1]: row[2] for row in after["ledger"] if row[0] == "cash" and row[1].split("/")[0] in ours}
    assert sum(cash_after.values()) - sum(cash_before.values()) == 100 + 1600
    seqs = Record.objects.filter(chain__kiosk__in=ours).count()
    assert seqs == sum(lobby.journal.head.seq for lobby in lobbies)


def test_a_restore_in_the_middle_of_a_payment_loses_no_note(
    lobbies: list[Lobby], bills: list[Account], file: SqliteFile
) -> None:
    lobby, bill = lobbies[0], bills[0]
    lobby.start()
    pay(lobby, bill, 500)
    file.keep()
    pay(lobby, bill, 1000)
    lobby.to_cash(bill.number, bill.house_number)
    lobby.insert(2000)
    file.put_back()
    lobby.insert(5000)
    lobby.touch("stop", "confirm", "done")
    lobby.run()
    assert cash(lobby) == sum(lobby.box) == 8500
    assert lobby.journal.acked_seq == lobby.journal.confirmed_seq == lobby.journal.head.seq


def test_a_kiosk_enrolled_after_the_backup_is_known_again_and_sends_all(
    lobbies: list[Lobby],
    bills: list[Account],
    file: SqliteFile,
    server: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kiosk = Kiosk.objects.get(pk=lobbies[0].enrolment.kiosk_id)
    file.keep()
    lobby = new_lobby(tmp_path / "renewed", server, enrolment.new_code(kiosk, clock.now()))
    assert lobby.enrolment.epoch == 2
    lobby.start()
    pay(lobby, bills[0], 1000)
    before = file.holds()
    file.put_back()
    lobby.run(130)
    assert lobby.frozen == ""
    assert cash(lobby) == 0
    config = str(configured(lobby.folder, server))
    foreign = enrolment.new_code(Kiosk.objects.get(pk=lobbies[1].enrolment.kiosk_id), clock.now())
    stolen = str(configured(lobbies[1].folder, server))
    again = ["enrol", "--again", "--code"]
    assert main([*again, foreign, "--config", config]) == 1
    assert Kiosk.objects.get(pk=lobbies[1].enrolment.kiosk_id).chains.count() == 1, "one code, one kiosk"
    code = enrolment.new_code(kiosk, clock.now())
    assert main([*again, code, "--config", config]) == 0
    assert "the city knows" in capsys.readouterr().out
    for _ in range(2):
        lobby.run(400)
        assert file.holds()["ledger"] == before["ledger"]
        assert main([*again, enrolment.new_code(kiosk, clock.now()), "--config", config]) == 0
    assert file.holds()["receipts"] == before["receipts"]
    assert main([*again, enrolment.new_code(kiosk, clock.now()), "--config", stolen]) == 1, "another key of that epoch"
    assert new_lobby(tmp_path / "third", server, enrolment.new_code(kiosk, clock.now())).enrolment.epoch == 3


def finished(steps: Generator[None, None, Label]) -> Label:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            label: Label = end.value
            return label


def pruned(lobby: Lobby, file: SqliteFile, bill: Account) -> int:
    """Make a back-up of the server, then prune all that the kiosk wrote before and soon after; return how far."""
    lobby.start()
    pay(lobby, bill, 500)
    file.keep()
    pay(lobby, bill, 1000)
    journal, to_seq = lobby.journal, lobby.journal.head.seq
    for _ in range(2):
        pay(lobby, bill, 100)
        journal.keep_fold(FOLD, body_of(advanced(History(), journal.walk())))
    span = journal.prunable(to_seq, "9999")
    assert span is not None
    label = finished(journal.archive(span))
    lobby.tell(
        events.RecordsArchived,
        from_seq=label.from_seq,
        to_seq=label.to_seq,
        last_hash=label.last_hash,
        archive_sha256=label.sha256,
    )
    lobby.run()
    while journal.prune():
        pass
    assert journal.first_seq == to_seq + 1
    return to_seq


def test_what_was_pruned_comes_from_the_archive(lobbies: list[Lobby], bills: list[Account], file: SqliteFile) -> None:
    lobby = lobbies[0]
    to_seq = pruned(lobby, file, bills[0])
    before = file.holds()
    file.put_back()
    assert cash(lobby) == 500
    lobby.run(130)
    assert file.holds() == before
    assert lobby.journal.confirmed_seq == lobby.journal.head.seq > to_seq
    assert lobby.journal.verify().ok


def test_an_archive_that_was_carried_away_is_drained_by_hand(
    lobbies: list[Lobby],
    bills: list[Account],
    file: SqliteFile,
    server: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lobby = lobbies[0]
    to_seq = pruned(lobby, file, bills[0])
    shelf = tmp_path / "shelf"
    (lobby.folder / "archive").rename(shelf)
    before = file.holds()
    file.put_back()
    lobby.run(130)
    assert cash(lobby) == 500
    assert "journal-pruned: the server misses records" in Kiosk.objects.get(pk=lobby.enrolment.kiosk_id).health
    assert lobby.engine.state.devices.unposted > to_seq - 20
    assert lobby.journal.confirmed_seq < to_seq < lobby.journal.acked_seq, "what may be deleted has shrunk"
    assert lobby.journal.prunable(5, "9999") is None
    assert pay(lobby, bills[0], 2000), "money is taken and waits"
    (archived,) = shelf.glob("*.jsonl.gz")
    config = str(configured(lobby.folder, server))
    assert main(["journal", "drain", str(archived), "--config", config]) == 0
    assert "it has them all" in capsys.readouterr().out
    lobby.run(130)
    after = file.holds()
    assert set(before["receipts"]) < set(after["receipts"])
    assert set(before["records"]) < set(after["records"])
    assert before["suspense"] == after["suspense"]
    assert cash(lobby) == sum(lobby.box)
    assert "journal-pruned" not in Kiosk.objects.get(pk=lobby.enrolment.kiosk_id).health
    assert lobby.engine.state.devices.unposted == 0
