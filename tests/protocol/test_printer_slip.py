"""A check's back in a hybrid printer: driver and twin over a real pseudo-terminal."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.printer.document import Cut, Text
from hardware.printer.driver import CONFIRMED, FAILED, Outcome, Patience, PrinterDriver
from hardware.printer.ports import port_at
from hardware.printer.slip import slip_job
from hardware.sim.printer import PrinterTwin

LINES = ("FOR DEPOSIT ONLY", "City of Riverbend")
RECEIPT = (Text("Receipt"), Cut())
WAIT_S = 15
HASTY = Patience(slip_s=0.4, ask_again_s=0.05, finish_s=5)


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[PrinterTwin]:
    with PrinterTwin(tmp_path / "port", tmp_path / "out") as twin:
        twin.handle({"do": "model", "slip_station": True})
        yield twin


def driver(tmp_path: Path, patience: Patience | None = None, slip: bool = True) -> PrinterDriver:
    return PrinterDriver(port_at("serial", str(tmp_path / "port"), 38_400), patience=patience, slip=slip)


def test_the_bytes_select_the_slip_and_leave_the_roll() -> None:
    assert slip_job(("A", "Ñ")) == b"\x1b@\x1bc0\x04A\n\xa5\n\x0c\x1bc0\x01"


def test_a_check_is_franked_and_the_receipt_goes_to_the_roll(twin: PrinterTwin, tmp_path: Path) -> None:
    printer = driver(tmp_path)
    outcomes: list[Outcome] = []
    franking = threading.Thread(target=lambda: outcomes.append(printer.frank(LINES)))
    franking.start()
    twin.handle({"do": "wait_slip"})
    twin.handle({"do": "slip_in"})
    franking.join(WAIT_S)
    assert outcomes == [Outcome(CONFIRMED)]
    assert printer.print(RECEIPT).state == CONFIRMED
    state = twin.handle({"do": "state"})
    assert state["slips"] == ["FOR DEPOSIT ONLY\nCity of Riverbend"]
    assert (state["receipts"], "DEPOSIT" in state["text"]) == (1, False)
    printer.close()


def test_nobody_puts_a_check_in_and_nothing_of_it_comes_out_later(twin: PrinterTwin, tmp_path: Path) -> None:
    printer = driver(tmp_path, HASTY)
    assert printer.frank(LINES) == Outcome(FAILED, "no_slip")
    assert printer.print(RECEIPT).state == CONFIRMED
    state = twin.handle({"do": "state"})
    assert (state["slips"], state["waits_for_slip"], "DEPOSIT" in state["text"]) == ([], False, False)
    printer.close()


def test_a_cover_that_is_opened_ends_the_wait(twin: PrinterTwin, tmp_path: Path) -> None:
    printer = driver(tmp_path, Patience(ask_again_s=0.05))
    assert printer.status().trouble == ""  # type: ignore[union-attr]

    def open_cover() -> None:
        twin.handle({"do": "wait_slip"})
        twin.handle({"do": "cover_open"})

    opened = threading.Thread(target=open_cover)
    opened.start()
    assert printer.frank(LINES) == Outcome(FAILED, "cover_open")
    opened.join()
    twin.handle({"do": "cover_close"})
    assert twin.handle({"do": "state"})["slips"] == []
    assert printer.print(RECEIPT).state == CONFIRMED
    printer.close()


def test_a_printer_without_the_station_is_never_asked(twin: PrinterTwin, tmp_path: Path) -> None:
    printer = driver(tmp_path, slip=False)
    assert printer.frank(LINES) == Outcome(FAILED, "no_slip_station")
    assert twin.handle({"do": "state"})["waiting_bytes"] == 0


def test_a_wait_that_a_lost_line_left_behind_is_cancelled(twin: PrinterTwin, tmp_path: Path) -> None:
    lost = driver(tmp_path, HASTY)
    lost.status()
    lost._port.write(slip_job(LINES), 1.0)
    lost.close()
    printer = driver(tmp_path)
    assert printer.print(RECEIPT).state == CONFIRMED
    state = twin.handle({"do": "state"})
    assert (state["waits_for_slip"], "DEPOSIT" in state["text"]) == (False, False)
    printer.close()
