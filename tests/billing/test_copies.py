"""Goal: of two kiosks from one copied state directory the loser stops with every note in the ledger, and gets out.

Method: the shipped engine, journal and posting on a live server; staff use the real commands.
"""

from pathlib import Path
from typing import Any

import pytest

from billing import clock
from billing.customers.models import Account
from billing.journal.models import ForkRecord, Payment, Quarantined, Record
from billing.kiosks import enrolment
from billing.kiosks.models import Chain, Kiosk
from billing.ledger import balances
from billing.ledger.chart import CLEARING
from kiosk.__main__ import main
from kiosk.brain import events
from kiosk.engine.drain import main as drain_main
from kiosk.engine.refill import MARK_NAME
from tests.billing.kiosk import new_account, new_kiosk
from tests.billing.lobby import Lobby, configured, new_lobby
from tests.billing.test_refill import cash, fork_suspense, pay


@pytest.fixture
def bill(server: str) -> Account:
    return new_account(500_000)


@pytest.fixture
def pair(server: str, tmp_path: Path, bill: Account) -> tuple[Lobby, Lobby]:
    """The original, which has taken a payment, and a copy of its card; neither is started."""
    original = new_lobby(tmp_path / "original", server, enrolment.new_code(new_kiosk(), clock.now()))
    original.start()
    pay(original, bill, 500)
    original.kill()
    return original, original.copy(tmp_path / "copy")


def in_boxes(*lobbies: Lobby) -> int:
    return sum(sum(lobby.box) for lobby in lobbies)


def clearing(lobby: Lobby) -> int:
    payments = [fact.payment_id for fact in facts_of(lobby, "InvoiceChosen")]
    return sum(balances.by_subject(CLEARING, payments, "USD").values())


def facts_of(lobby: Lobby, kind: str) -> list[Any]:
    return [record.envelope().fact() for record in lobby.journal.all_records() if record.kind == kind]


@pytest.mark.parametrize("first", ["original", "copy"])
def test_the_one_that_posts_second_loses_in_the_middle_of_a_payment(
    pair: tuple[Lobby, Lobby], bill: Account, first: str
) -> None:
    """Both are started offline, so that neither can know of the other; a person stands at each."""
    winner, loser = pair if first == "original" else pair[::-1]
    for lobby in pair:
        lobby.line.up = False
        lobby.known = new_account_view(lobby, bill)
        lobby.start()
        lobby.to_cash(bill.number, bill.house_number)
        lobby.insert(2000)
    winner.line.up = True
    winner.run(400)
    assert loser.offer(1000)
    loser.line.up = True
    loser.run(400)
    assert (winner.frozen, loser.frozen) == ("", "fork")
    loser.box.append(1000)  # it was on its way when the answer came, and it counts
    loser.tell(events.NoteStackedReport, report=loser.report, channel=4, power_up=False, clean=False, replay=False)
    loser.run()
    assert not loser.offer(500), "no new money"
    loser.touch("stop", "confirm")
    loser.run(400)
    receipt = loser.receipts()[-1]
    loser.touch("done")
    loser.run()
    assert loser.picture is not None
    assert (loser.picture.screen, loser.printed[-1]) == ("out_of_service", receipt)
    assert winner.insert(500)
    winner.touch("stop", "confirm")
    winner.run()
    assert (cash(winner), fork_suspense(winner)) == (in_boxes(*pair), 3000)
    assert clearing(winner) == 0
    assert ForkRecord.objects.filter(chain__kiosk=loser.enrolment.kiosk_id).count() > 0
    winner.run(130)
    assert winner.frozen == ""
    assert Payment.objects.filter(kiosk=winner.enrolment.kiosk_id).count() == 2
    loser.kill()
    assert loser.start()
    loser.run(130)
    assert (loser.frozen, cash(winner)) == ("fork", in_boxes(*pair))


def new_account_view(lobby: Lobby, bill: Account) -> Any:
    """What a look-up answers, kept for a kiosk whose line is cut (it would have scanned the bill)."""
    return lobby.line.server.resolve(number=bill.number, check=bill.house_number).account  # type: ignore[union-attr]


def test_a_day_offline_drains_into_fork_suspense(pair: tuple[Lobby, Lobby], bill: Account) -> None:
    original, copy = pair
    original.line.up = False
    original.known = new_account_view(original, bill)
    original.start()
    copy.start()
    assert pay(copy, bill, 1000)
    for _ in range(14):
        pay(original, bill, 100, 2000)
    original.run(86_400)
    own = original.journal.head.seq - 12
    assert own > 100, "more than one batch"
    original.line.up = True
    original.run(700)
    assert original.frozen == "fork"
    copy.run(120)
    assert pay(copy, bill, 5000)
    assert copy.frozen == ""
    assert cash(copy) == in_boxes(*pair)
    assert fork_suspense(copy) == 14 * 2100
    kept = ForkRecord.objects.filter(chain__kiosk=copy.enrolment.kiosk_id)
    assert kept.order_by("-seq")[0].hash == original.journal.head.hash


def test_an_idle_original_hears_of_the_copy_with_its_next_heartbeat(pair: tuple[Lobby, Lobby], bill: Account) -> None:
    original, copy = pair
    copy.line.up = False
    copy.start()
    original.start()
    copy.line.up = True
    copy.run(400)
    assert copy.frozen == "fork"
    assert Chain.objects.get(kiosk=copy.enrolment.kiosk_id).frozen == "journal-fork"
    original.run(200)
    assert original.frozen == "", "it was first"
    assert pay(original, bill, 500)


def test_records_under_our_key_that_we_did_not_write_stop_an_idle_kiosk(
    pair: tuple[Lobby, Lobby], bill: Account
) -> None:
    """The copy began where the original stood idle, and was believed: there is nothing to refill in that."""
    original, copy = pair
    original.start()
    copy.folder.rename(copy.folder.with_name("first"))
    twin = original.copy(copy.folder)
    twin.open()
    twin.begin()  # at the very head, as one that compared before the original wrote
    original.run(61)
    assert original.frozen.startswith("head_")
    assert (twin.frozen, cash(twin)) == ("", 500)
    original.run(61)
    assert ForkRecord.objects.filter(chain__kiosk=original.enrolment.kiosk_id, kind="KioskFrozen").count() == 1
    assert pay(twin, bill, 500)


def test_a_loser_that_starts_beside_the_living_winner_drains_its_branch(
    pair: tuple[Lobby, Lobby], bill: Account
) -> None:
    """The city is ahead of it, too, but it has records of its own: it must not wait for the other to fall silent."""
    original, copy = pair
    copy.line.up = False
    copy.known = new_account_view(copy, bill)
    copy.start()
    pay(copy, bill, 1000)
    copy.kill()
    original.start()
    original.chatter(30)
    copy.line.up = True
    copy.open()
    assert original.journal.head.seq > copy.journal.head.seq
    assert copy.refill(1)
    assert not (copy.folder / MARK_NAME).exists()
    copy.begin()
    copy.run(10)
    assert copy.frozen in ("fork", "head_ahead")
    assert fork_suspense(copy) == 1000
    assert cash(copy) == in_boxes(*pair)


def test_staff_get_the_loser_out_and_the_old_epoch_drains(
    pair: tuple[Lobby, Lobby], bill: Account, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Frozen while the line is down: its last records are on the old medium alone."""
    original, copy = pair
    original.start()
    pay(original, bill, 500)
    copy.line.up = False
    copy.known = new_account_view(copy, bill)
    copy.start()
    pay(copy, bill, 2000)
    pay(copy, bill, 1000)
    copy.kill()
    kiosk = Kiosk.objects.get(pk=copy.enrolment.kiosk_id)
    code = enrolment.new_code(kiosk, clock.now())
    config = configured(copy.folder, server)
    assert main(["enrol", "--config", str(config), "--code", code]) == 1
    assert "move every file of its folder away" in capsys.readouterr().out
    old = copy.folder.with_name("old")
    copy.folder.rename(old)
    assert main(["enrol", "--config", str(config), "--code", code]) == 0
    renewed = Lobby(copy.folder, server)
    assert renewed.enrolment.epoch == 2
    renewed.start()
    receipt = pay(renewed, bill, 100)
    assert receipt.startswith(f"{renewed.enrolment.receipt_prefix}-2-")
    capsys.readouterr()
    command = ["journal", "drain", str(old / "journal.db"), "--config", str(config)]
    before = {file.name: file.read_bytes() for file in old.iterdir()}
    for _ in range(2):
        assert main(command) == 0
        assert "kept as a branch that lost: it has them all" in capsys.readouterr().out
    assert {file.name: file.read_bytes() for file in old.iterdir()} == before
    assert cash(original) == in_boxes(original, copy, renewed)
    assert fork_suspense(original) == 3000
    original.run(130)
    renewed.run(130)
    assert (original.frozen, renewed.frozen) == ("", "")
    assert Quarantined.objects.filter(kiosk=kiosk).count() == 0


def test_an_export_drains_as_the_journal_does(
    pair: tuple[Lobby, Lobby], bill: Account, server: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    original, _ = pair
    original.line.up = False
    original.known = new_account_view(original, bill)
    original.start()
    pay(original, bill, 5000)
    original.kill()
    export = tmp_path / "export.jsonl"
    journal = original.folder / "journal.db"
    assert main(["journal", "export", str(journal), "--out", str(export)]) == 0
    config = str(configured(original.folder, server))
    lines = export.read_text().splitlines(keepends=True)
    part = tmp_path / "part.jsonl"
    part.write_text("".join(lines[-2:]))
    assert main(["journal", "drain", str(part), "--config", config]) == 1
    assert "misses records" in capsys.readouterr().err
    broken = tmp_path / "broken.jsonl"
    broken.write_text("".join(lines[:-3]) + lines[-3].replace("SessionClosed", "SessionOpened") + lines[-1])
    held = Record.objects.filter(chain__kiosk=original.enrolment.kiosk_id).count()
    assert main(["journal", "drain", str(broken), "--config", config]) == 1
    assert "were sent" in capsys.readouterr().err
    assert held < Record.objects.filter(chain__kiosk=original.enrolment.kiosk_id).count() < len(lines)
    assert main(["journal", "drain", str(export), "--config", config, "--identity", str(original.folder)]) == 0
    assert cash(original) == sum(original.box)
    assert Quarantined.objects.filter(kiosk=original.enrolment.kiosk_id).count() == 0


def test_a_journal_of_another_epoch_needs_its_own_key(
    pair: tuple[Lobby, Lobby], server: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    original, _ = pair
    kiosk = Kiosk.objects.get(pk=original.enrolment.kiosk_id)
    renewed = new_lobby(tmp_path / "renewed", server, enrolment.new_code(kiosk, clock.now()))
    journal = str(original.folder / "journal.db")
    config = str(configured(renewed.folder, server))
    assert main(["journal", "drain", journal, "--config", config, "--identity", str(renewed.folder)]) == 2
    assert "written by" in capsys.readouterr().err
    nowhere = str(configured(renewed.folder, "http://127.0.0.1:9"))
    assert drain_main([journal, "--config", nowhere], pause=lambda seconds: None) == 2
    assert "does not answer" in capsys.readouterr().err
