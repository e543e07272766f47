"""Goal: the real processes together, without a window: money goes in, the city's ledger has it, through every failure.

Method: server, network, twins and kiosk as the demo starts them; intents over the control socket; no sleeping but in
waits with an end. One world for all tests of this module, so each begins and ends at the page that waits.
"""

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kiosk.demo.processes import answers
from kiosk.demo.world import World

pytestmark = pytest.mark.xdist_group("system")


class Kiosk:
    """A person at the control socket."""

    def __init__(self, world: World) -> None:
        self.world = world

    def touch(self, *names: str) -> None:
        for name in names:
            self.world.tell(name)

    def see(self, seconds: float = 30, **wanted: Any) -> dict[str, Any]:
        return self.world.view.wait("test", seconds, **wanted)

    def to_cash(self, account: str) -> None:
        self.see(screen="attract")
        camera = self.world.twin("camera")
        camera.ask("show", image=str(self.world.bill_of(account)))
        self.see(screen="invoice")
        camera.ask("clear")
        self.touch("pay_full", "pay_again", "pay_cash")
        self.see(screen="cash")

    def insert(self, value_minor: int) -> None:
        self.world.put_in(value_minor)

    def stop_short(self) -> dict[str, Any]:
        self.touch("stop")
        self.see(screen="review")
        self.touch("confirm")
        receipt: dict[str, Any] = self.see(screen="done")["receipt"]
        return receipt

    def leave(self) -> None:
        self.see(screen="done")
        self.touch("done")
        self.see(screen="attract")

    def logged(self) -> str:
        """Return what the kiosk has written into its log."""
        return (self.world.base / "logs" / "kiosk.log").read_text("utf-8")

    def lost(self, device: str) -> list[str]:
        """Return what the log says of the times when a device was away."""
        return [line for line in self.logged().splitlines() if f"name={device} " in line and "state=lost" in line]

    def agree(self) -> None:
        """The twin's cassette equals the ledger, once all is posted."""
        held = self.world.cassette_minor()
        self.world.wait_until("the ledger to have it", lambda: self.world.ledger_minor() == held, 30)


@pytest.fixture(scope="module")
def kiosk() -> Iterator[Kiosk]:
    with tempfile.TemporaryDirectory(prefix="lobby-") as folder:
        world = World(Path(folder), "", extra=("--ui", "none"))
        try:
            world.start(bills=12)
            yield Kiosk(world)
        finally:
            world.stop()


def test_exact_cash_is_in_the_ledger(kiosk: Kiosk) -> None:
    kiosk.to_cash("10293843")
    kiosk.insert(2000)
    kiosk.see(payment__in_minor=2000)
    kiosk.insert(500)
    kiosk.see(screen="done", receipt__posted="posted", receipt__printed="printed")
    kiosk.leave()
    kiosk.agree()


def test_a_reply_lost_on_stacked_is_one_credit(kiosk: Kiosk) -> None:
    kiosk.to_cash("33182072")
    kiosk.world.twin("acceptor").ask("drop_reply", count=2, when="stacked")
    kiosk.insert(2000)
    kiosk.see(payment__in_minor=2000)
    assert kiosk.stop_short()["paid_minor"] == 2000
    kiosk.leave()
    kiosk.agree()


def test_a_killed_engine_recovers_with_a_note_under_way(kiosk: Kiosk) -> None:
    """SIGKILL between STACK and stacked: the next start finds the note and the payment gets it."""
    kiosk.to_cash("55264188")
    kiosk.insert(1000)
    kiosk.see(payment__in_minor=1000)
    kiosk.insert(2000)
    kiosk.world.twin("acceptor").ask("wait_state", state="stacking", timeout_ms=10_000)
    before = kiosk.world.ledger_minor()
    kiosk.world.kill("engine", signal.SIGKILL)
    told = kiosk.see(60, screen="attract", cash=True)["aftermath"]
    assert {item["what"] for item in told} == {"applied"}
    kiosk.agree()
    assert kiosk.world.ledger_minor() - before in (2000, 3000)


def test_the_network_away_queues_and_drains(kiosk: Kiosk) -> None:
    kiosk.world.twin("network").ask("down")
    kiosk.see(60, online=False)
    kiosk.to_cash("99678526")
    kiosk.insert(5000)
    kiosk.see(payment__in_minor=5000)
    receipt = kiosk.stop_short()
    assert receipt["posted"] == "queued"
    kiosk.leave()
    kiosk.world.twin("network").ask("up")
    kiosk.agree()


def test_the_cables_of_acceptor_printer_and_scanner_pulled_one_after_the_other(kiosk: Kiosk) -> None:
    """A note on its way counts once and the person stays; a receipt that failed stays so; the next pays as ever."""
    acceptor, printer, camera = (kiosk.world.twin(name) for name in ("acceptor", "printer", "camera"))
    kiosk.to_cash("44170934")
    kiosk.insert(2000)
    acceptor.ask("wait_state", state="stacking", timeout_ms=10_000)
    acceptor.ask("cable_out")
    kiosk.see(screen="cash", cash=False, cash_reason="acceptor_lost", notice="cash_lost")
    acceptor.ask("cable_in")
    kiosk.see(screen="cash", cash=True, payment__in_minor=2000)
    printer.ask("cable_out_after", lines=3)
    assert kiosk.stop_short()["paid_minor"] == 2000
    failed = kiosk.see(screen="done", receipt__printed="failed", printer=False)["receipt"]["number"]
    kiosk.leave()
    camera.ask("cable_out")
    kiosk.see(screen="attract", scanner=False, cash=True)
    printer.ask("cable_in")
    camera.ask("cable_in")
    kiosk.see(printer=True, scanner=True)
    kiosk.to_cash("88567417")
    kiosk.insert(1000)
    kiosk.see(payment__in_minor=1000)
    kiosk.stop_short()
    following = kiosk.see(screen="done", receipt__printed="printed")["receipt"]["number"]
    kiosk.leave()
    text = printer.ask("state")["text"]
    assert following in text
    assert failed not in text
    kiosk.agree()
    for name in ("acceptor", "printer", "scanner"):
        assert kiosk.lost(name), "the log says so"


def test_a_port_that_another_process_holds_is_said_and_taken_over(kiosk: Kiosk) -> None:
    kiosk.world.processes.stop("kiosk", 60)
    port = kiosk.world.base / "dev" / "acceptor"
    program = (
        "import sys; from hardware.transport import SerialLine; line = SerialLine(sys.argv[1]); line.open();"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        kiosk.world.start_kiosk()
        kiosk.see(screen="out_of_service", cash_reason="acceptor_lost")
        said = f"{port} is held by another process"
        kiosk.world.wait_until("the log to say who", lambda: said in kiosk.logged(), 10)
        assert str(other.pid) in kiosk.logged().partition(said)[2].splitlines()[0]
        other.stdin.close()
    kiosk.see(screen="attract", cash=True)
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert second.returncode == 1, "the kiosk holds it now"
    assert said in second.stderr


def test_the_journal_is_whole_and_exports_while_running(kiosk: Kiosk) -> None:
    config = str(kiosk.world.config)
    report = json.loads(kiosk.world.processes.run("kiosk", "journal", "verify", "--config", config))
    assert report["ok"]
    assert report["records"] >= 1
    exported = kiosk.world.processes.run("kiosk", "journal", "export", "--config", config).splitlines()
    assert [json.loads(line)["seq"] for line in exported] == list(range(1, len(exported) + 1))


def test_a_stop_in_the_middle_of_a_payment_settles_it(kiosk: Kiosk) -> None:
    """SIGTERM is a state: the note in the box is paid for before the process ends (rule 13)."""
    kiosk.to_cash("22031454")
    kiosk.insert(1000)
    kiosk.see(payment__in_minor=1000)
    kiosk.world.processes.stop("kiosk", 60)
    journal = kiosk.world.base / "kiosk" / "journal.db"
    exported = kiosk.world.processes.run("kiosk", "journal", "export", str(journal)).splitlines()
    completed = [json.loads(line) for line in exported if json.loads(line)["kind"] == "PaymentCompleted"]
    assert completed[-1]["entry"]["body"]["reason"] == "stopping"
    kiosk.world.start_kiosk()
    kiosk.see(60, screen="attract", cash=True)
    kiosk.agree()


def test_an_old_image_is_refilled_and_staff_replace_the_medium(kiosk: Kiosk) -> None:
    """With the real commands from the page that says so to the last cent in the ledger."""
    world = kiosk.world
    state, image, old = (world.base / name for name in ("kiosk", "image", "old"))
    kiosk.see(screen="attract")
    shutil.copytree(state, image)  # of a machine that rests
    kiosk.to_cash("99678526")
    kiosk.insert(1000)
    kiosk.see(payment__in_minor=1000)
    number = kiosk.stop_short()["number"]
    kiosk.leave()
    kiosk.agree()
    world.processes.stop("kiosk", 60)
    shutil.rmtree(state)
    image.rename(state)
    world.processes.python("kiosk", "kiosk", "--config", str(world.config), "--ui", "none")
    screen = world.base / "run" / "screen" / "screen.sock"
    world.wait_until("the page meanwhile", lambda: first_picture(screen)["cash_reason"] == "refilling", 30)
    world.processes.wait_for("kiosk", lambda: answers(world.base / "run" / "control.sock"), 60)
    kiosk.see(60, screen="out_of_service", cash_reason="frozen_medium", online=True)
    kiosk.agree()
    config = str(world.config)
    exported = world.processes.run("kiosk", "journal", "export", "--config", config).splitlines()
    assert any(number in line for line in exported)
    assert [json.loads(line)["kind"] for line in exported].count("MediumDistrusted") == 1
    world.processes.stop("kiosk", 60)
    state.rename(old)
    code = world.processes.run("billing", "enrol-code", "--state", str(world.base / "city")).split()[-1]
    assert "epoch 2" in world.processes.run("kiosk", "enrol", "--config", config, "--code", code)
    world.start_kiosk()
    assert "it has them all" in world.processes.run(
        "kiosk", "journal", "drain", str(old / "journal.db"), "--config", config
    )
    kiosk.to_cash("99678526")
    kiosk.insert(1000)
    kiosk.see(payment__in_minor=1000)
    assert "-2-000001" in kiosk.stop_short()["number"]
    kiosk.leave()
    kiosk.agree()


def test_a_server_that_says_freeze_stops_new_money(kiosk: Kiosk) -> None:
    kiosk.see(screen="attract", cash=True)
    with closing(sqlite3.connect(kiosk.world.database, timeout=20)) as database:
        database.execute("UPDATE kiosks_chain SET frozen = 'malformed'")
        database.commit()
    assert kiosk.see(30, screen="out_of_service")["cash_reason"] == "frozen_server"
    kiosk.agree()


def test_an_edited_journal_takes_no_money_and_stays_as_it_is(kiosk: Kiosk) -> None:
    kiosk.world.processes.stop("kiosk", 60)
    journal = kiosk.world.base / "kiosk" / "journal.db"
    with closing(sqlite3.connect(journal)) as database:
        query = "UPDATE records SET entry = CAST(replace(CAST(entry AS TEXT), :old, :new) AS BLOB)"
        database.execute(query, {"old": '"value_minor":1000', "new": '"value_minor":9000'})
        database.commit()
    content = journal.read_bytes()
    verify = subprocess.run(
        [sys.executable, "-m", "kiosk", "journal", "verify", str(journal)], capture_output=True, text=True, check=False
    )
    assert verify.returncode == 1
    kiosk.world.processes.python("kiosk", "kiosk", "--config", str(kiosk.world.config), "--ui", "none")
    screen = kiosk.world.base / "run" / "screen" / "screen.sock"
    kiosk.world.processes.wait_for("kiosk", screen.exists, 30)
    kiosk.world.wait_until(
        "the page that says so", lambda: first_picture(screen)["cash_reason"] == "journal_damaged", 30
    )
    assert journal.read_bytes() == content


def first_picture(path: Path) -> dict[str, Any]:
    """Return what a screen is told when it connects; an empty reason while nobody listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        try:
            connection.connect(str(path))
        except OSError:
            return {"cash_reason": ""}
        snapshot: dict[str, Any] = json.loads(connection.makefile("rb").readline())["snapshot"]
        return snapshot
