"""Goal: a kiosk that the city is ahead of takes no money, gets its records back, and uses no number twice.

Method: the shipped engine, journal and posting on a live server; a card that forgets is a state directory put back.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from billing import clock
from billing.customers.models import Account
from billing.journal.models import ForkRecord, Payment, Record
from billing.kiosks import enrolment
from billing.kiosks.models import Kiosk
from billing.ledger import balances
from billing.ledger.chart import CASH, FORK_SUSPENSE, cash_of
from kiosk.brain import events
from kiosk.brain.settings import Settings
from kiosk.brain.snapshot import snapshot
from kiosk.brain.state import Books, Scene, State
from kiosk.engine.history import read_history
from kiosk.engine.refill import MARK_NAME
from kiosk.posting import outcomes
from tests.billing.kiosk import new_account, new_kiosk
from tests.billing.lobby import USD, Lobby, new_lobby


@pytest.fixture
def lobby(server: str, tmp_path: Path) -> Lobby:
    return new_lobby(tmp_path / "state", server, enrolment.new_code(new_kiosk(), clock.now()))


@pytest.fixture
def bill(server: str) -> Account:
    return new_account(500_000)


def pay(lobby: Lobby, bill: Account, *values: int) -> str:
    return lobby.pay(bill.number, bill.house_number, *values)


def cash(lobby: Lobby) -> int:
    """Return what the ledger has in this kiosk, over all its epochs."""
    subjects = [cash_of(lobby.enrolment.kiosk_id, epoch, 1) for epoch in range(1, 9)]
    return sum(balances.by_subject(CASH, subjects, "USD").values())


def fork_suspense(lobby: Lobby) -> int:
    subject = f"{lobby.enrolment.kiosk_id}/{lobby.enrolment.epoch}"
    return -balances.by_subject(FORK_SUSPENSE, [subject], "USD").get(subject, 0)


def kinds(lobby: Lobby) -> list[str]:
    return [record.kind for record in lobby.journal.all_records()]


def keep(lobby: Lobby, name: str) -> Path:
    """Take an image of the card."""
    image = lobby.folder.with_name(name)
    shutil.copytree(lobby.folder, image)
    return image


def put_back(lobby: Lobby, image: Path) -> None:
    shutil.rmtree(lobby.folder)
    shutil.copytree(image, lobby.folder)


def test_a_card_that_forgot_gets_its_records_back_and_takes_no_more_money(lobby: Lobby, bill: Account) -> None:
    lobby.start()
    first = pay(lobby, bill, 2000, 500)
    lobby.kill()
    image = keep(lobby, "image")
    lobby.start()
    lost = [pay(lobby, bill, 1000), pay(lobby, bill, 5000)]
    head = lobby.journal.head
    lobby.kill()
    put_back(lobby, image)
    assert lobby.start()
    records = list(lobby.journal.all_records())
    assert records[head.seq - 1].hash == head.hash
    assert [record.kind for record in records[head.seq : head.seq + 2]] == ["MediumDistrusted", "KioskStarted"]
    assert lobby.frozen == "medium"
    assert lobby.receipts() == [first, *lost]
    assert lobby.picture is not None
    assert (lobby.picture.screen, lobby.picture.reasons) == ("out_of_service", ("frozen_medium",))
    lobby.run(61)
    assert cash(lobby) == sum(lobby.box)
    assert Kiosk.objects.get(pk=lobby.enrolment.kiosk_id).health.count("frozen_medium") == 1
    assert lobby.journal.acked_seq == lobby.journal.head.seq
    assert not (lobby.folder / MARK_NAME).exists()
    assert lobby.restart()
    assert lobby.frozen == "medium"
    assert kinds(lobby).count("MediumDistrusted") == 1
    assert lobby.journal.verify().ok


def test_every_number_goes_on_from_the_restored_books(lobby: Lobby, bill: Account) -> None:
    """Receipts, claims, cassette periods and what lies in the box: the books are those of before, but for the mark."""
    lobby.start()
    lobby.kill()
    image = keep(lobby, "image")
    lobby.start()
    pay(lobby, bill, 1000)
    lobby.tell(events.AcceptorFault, code="cassette_removed", detail="")
    lobby.tell(events.AcceptorFaultCleared, code="cassette_removed")
    pay(lobby, bill, 500)
    books, head = lobby.engine.state.books, lobby.journal.head.seq
    assert (books.period, books.receipts) == (2, 2)
    lobby.kill()
    put_back(lobby, image)
    lobby.open()
    lost = head - lobby.journal.head.seq
    assert lobby.refill()
    assert read_history(lobby.journal).books == replace(books, frozen="medium", lost_records=lost)
    lobby.kill()


def test_staff_see_at_the_kiosk_what_the_medium_lost() -> None:
    books = Books(staff="Dana", frozen="medium", lost_records=12)
    state = State(Settings("Riverbend", "Lobby", "RB", 1, "test", USD), books, Scene(stage="staff_health"))
    staff = snapshot(state, 1).staff
    assert staff is not None
    assert [(device.state, device.reason) for device in staff.devices if device.name == "storage"] == [
        ("faulted", "lost_12_records")
    ]


def test_a_payment_open_when_the_card_forgot_is_settled_under_the_next_free_number(lobby: Lobby, bill: Account) -> None:
    """Notes and receipts go on from the restored books, never from the forgotten ones."""
    lobby.start()
    lobby.kill()
    image = keep(lobby, "image")
    lobby.start()
    numbers = [pay(lobby, bill, 1000), pay(lobby, bill, 500)]
    lobby.to_cash(bill.number, bill.house_number)
    lobby.insert(2000)
    assert lobby.offer(5000)  # and the power goes while it moves
    lobby.run()
    lobby.kill()
    put_back(lobby, image)
    assert lobby.start()
    assert kinds(lobby).count("NoteStackRequested") == 4
    assert len(lobby.receipts()) == len(set(lobby.receipts())) == 3
    assert lobby.receipts()[:2] == numbers
    lobby.box.append(5000)
    lobby.tell(events.NoteStackedReport, report=99, channel=6, power_up=True, clean=True, replay=False)
    lobby.run()
    assert len(lobby.receipts()) == len(set(lobby.receipts())) == 4
    assert cash(lobby) == sum(lobby.box) == 8500
    assert Payment.objects.filter(kiosk=lobby.enrolment.kiosk_id).count() == 4


def test_many_pages_come_back_and_a_line_that_breaks_between_them_keeps_it_closed(lobby: Lobby, bill: Account) -> None:
    lobby.start()
    lobby.kill()
    image = keep(lobby, "image")
    lobby.start()
    pay(lobby, bill, 100)
    lobby.chatter(110)
    head = lobby.journal.head
    assert head.seq > 104
    lobby.kill()
    put_back(lobby, image)
    lobby.open()
    asked = [0]
    tail = lobby.line.server.records_tail

    def breaks(after_seq: int, limit: int = 100) -> outcomes.Tail | outcomes.Failure:
        asked[0] += limit == 100
        return tail(after_seq, limit) if asked[0] < 2 else outcomes.Unavailable("cut")

    lobby.line.server.records_tail = breaks  # type: ignore[method-assign]
    assert not lobby.refill(20)
    partly = lobby.journal.head.seq
    assert 0 < partly < head.seq
    lobby.kill()
    lobby.line.up = False
    assert not lobby.start(), "offline, but known to be behind: a record now would be a fork"
    lobby.open()
    assert lobby.journal.head.seq == partly
    lobby.kill()
    lobby.line.up = True
    lobby.line.server.records_tail = tail  # type: ignore[method-assign]
    assert lobby.start()
    assert lobby.engine.state.books.lost_records >= head.seq - 4
    assert kinds(lobby).count("MediumDistrusted") == 1
    assert list(lobby.journal.all_records())[head.seq - 1].hash == head.hash


def test_killed_between_the_last_page_and_the_mark_it_is_marked_at_the_next_start(lobby: Lobby, bill: Account) -> None:
    lobby.start()
    lobby.kill()
    image = keep(lobby, "image")
    lobby.start()
    pay(lobby, bill, 100)
    head = lobby.journal.head.seq
    lobby.kill()
    put_back(lobby, image)
    lobby.open()
    while lobby.journal.head.seq < head:
        assert not lobby.refill(1)
        lobby.clock.now_ms += 200_000
        tail = lobby.line.records_tail(lobby.journal.head.seq)
        lobby.journal.restore(tail.records)
    lobby.kill()
    assert lobby.start()
    assert lobby.frozen == "medium"
    lobby.run()
    assert ForkRecord.objects.filter(chain__kiosk=lobby.enrolment.kiosk_id).count() == 0


def test_a_forgetful_card_that_starts_offline_is_a_fork_found_later(lobby: Lobby, bill: Account) -> None:
    """Nobody could know: it goes on, and what it takes lies in fork suspense to the cent."""
    lobby.start()
    pay(lobby, bill, 500)
    lobby.kill()
    image = keep(lobby, "image")
    lobby.start()
    pay(lobby, bill, 1000)
    lobby.kill()
    put_back(lobby, image)
    lobby.line.up = False
    assert lobby.start()
    pay(lobby, bill, 2000)
    lobby.to_cash(bill.number, bill.house_number)
    lobby.insert(100)
    lobby.line.up = True
    lobby.run(400)
    assert lobby.frozen == "fork"
    assert not lobby.insert(500), "no new money"
    lobby.touch("stop", "confirm")
    lobby.run(10)
    assert lobby.engine.state.books.payment is None
    assert (cash(lobby), fork_suspense(lobby)) == (3600, 2100)
    assert sum(lobby.box) == 3600
    restarted = lobby.restart()
    assert restarted
    lobby.run(10)
    assert (lobby.frozen, cash(lobby), fork_suspense(lobby)) == ("fork", 3600, 2100)
    assert "MediumDistrusted" not in kinds(lobby)


def test_a_copy_that_starts_while_the_original_runs_writes_nothing(lobby: Lobby, bill: Account) -> None:
    """An image booted on a bench must not freeze the kiosk in the lobby."""
    lobby.start()
    lobby.kill()
    copy = lobby.copy(lobby.folder.with_name("bench"))
    lobby.start()
    pay(lobby, bill, 500)
    held = Record.objects.filter(chain__kiosk=lobby.enrolment.kiosk_id).count()
    copy.open()
    for _ in range(6):
        assert not copy.refill(10), "closed for as long as the other one is heard"
        lobby.run(100)
    copy.journal.close()
    assert Record.objects.filter(chain__kiosk=lobby.enrolment.kiosk_id).count() == held
    assert pay(lobby, bill, 500)
    assert lobby.frozen == ""
