"""The printer driver against the printer's twin over a real pseudo-terminal, while things go wrong.

What must hold: "confirmed" is said only of paper that came out; a job that failed never comes out later, whatever was
the matter; the next receipt is whole and alone; a printer that was away is found again. Method: the twin's control
requests at exact lines of a job; no waiting, no sleeping: each call of the driver ends by its own deadlines.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from hardware.printer.document import Columns, Cut, Document, Qr, Rule, Text
from hardware.printer.driver import Outcome, Patience, PrinterDriver
from hardware.printer.ports import FilePort, NetworkPort, Port, PortLost, SerialPort, UsbPort, port_at
from hardware.printer.status import Lost, PrinterStatus
from hardware.sim.printer import PrinterTwin
from hardware.sim.printer_machine import PrinterMachine

QUICK = Patience(answer_s=2.0, write_s=2.0, finish_s=2.0, ask_again_s=0.01, reopen_s=(0.5, 4.0))
DEAF = Patience(answer_s=0.05, write_s=0.5, finish_s=0.1, ask_again_s=0.01, reopen_s=(0.5, 4.0))


class Clock:
    """The real monotonic clock, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    @property
    def now(self) -> float:
        return time.monotonic() + self.ahead_s

    def __call__(self) -> float:
        return self.now


def receipt(number: int) -> Document:
    lines = tuple(Columns(f"line {i} of {number}", "$1.00") for i in range(12))
    return (
        Text(f"RECEIPT {number}", "center", size=2),
        Rule(),
        *lines,
        Qr(f"R-{number}"),
        Text(f"END {number}"),
        Cut(),
    )


class Bench:
    """A twin, a driver on its line, and what came out."""

    def __init__(self, folder: Path, port: type[SerialPort] | type[UsbPort] = SerialPort) -> None:
        self.twin = PrinterTwin(folder / "printer", folder / "out")
        self.clock = Clock()
        self.port = port(str(folder / "printer"))
        self.driver = PrinterDriver(self.port, patience=QUICK, clock=self.clock)

    def do(self, act: str, **fields: object) -> dict[str, object]:
        return self.twin.handle({"do": act, **fields})

    @property
    def texts(self) -> list[str]:
        return list(self.twin._texts)

    def whole(self) -> list[int]:
        """The numbers of the receipts that came out whole, in order; a torn one shows only a part of its lines."""
        return [int(text.split("END ")[1]) for text in self.texts if "RECEIPT" in text and "END" in text]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.driver.close()
    bench.twin.close()


def one_resident_each(texts: list[str]) -> bool:
    """Does no strip of paper carry lines of two receipts?"""
    return all(len({word for word in text.split() if word.isdigit() and len(word) == 3}) <= 1 for text in texts)


def test_a_receipt_is_confirmed_when_it_is_on_paper(bench: Bench) -> None:
    assert bench.driver.status() == PrinterStatus(online=True, paper="ok")
    assert bench.driver.print(receipt(101)) == Outcome("confirmed")
    assert bench.driver.print(receipt(102)) == Outcome("confirmed")
    assert bench.whole() == [101, 102]
    assert len(bench.texts) == 2


def test_the_usb_device_file_works_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path, UsbPort)
    assert bench.driver.print(receipt(101)) == Outcome("confirmed")
    bench.do("cable_out")
    assert bench.driver.print(receipt(102)) == Outcome("failed", "lost")
    bench.do("cable_in")
    assert bench.driver.print(receipt(103)) == Outcome("confirmed")
    assert bench.whole() == [101, 103]
    bench.driver.close()
    bench.twin.close()


@pytest.mark.parametrize(
    ("act", "undo", "trouble"),
    [
        ("paper_out", "paper_ok", "paper_out"),
        ("cover_open", "cover_close", "cover_open"),
        ("cutter_jam", "cutter_free", "cutter_error"),
        ("power_cut", "power_on", "lost"),
        ("cable_out", "cable_in", "lost"),
    ],
)
def test_trouble_before_a_job_means_not_printed_now_and_not_later(
    bench: Bench, act: str, undo: str, trouble: str
) -> None:
    assert bench.driver.print(receipt(101)).state == "confirmed"
    bench.do(act)
    bench.driver._patience = DEAF if trouble == "lost" else QUICK
    assert bench.driver.print(receipt(102)) == Outcome("failed", trouble)
    bench.do(undo)
    bench.driver._patience = QUICK
    assert bench.driver.print(receipt(103)) == Outcome("confirmed")
    assert bench.whole() == [101, 103]
    assert "102" not in "".join(bench.texts)


@pytest.mark.parametrize("lines", range(1, 18))
def test_paper_that_ends_in_a_receipt_leaves_nothing_for_the_next_resident(bench: Bench, lines: int) -> None:
    assert isinstance(bench.driver.status(), PrinterStatus)
    bench.do("paper_out_after", lines=lines)
    assert bench.driver.print(receipt(101)) == Outcome("failed", "paper_out")
    assert bench.do("state")["waiting_bytes"] == 0
    bench.do("paper_ok")
    assert bench.driver.print(receipt(102)) == Outcome("confirmed")
    assert bench.whole() == [102]
    assert one_resident_each(bench.texts)


def test_paper_that_ends_before_the_cut_is_not_called_confirmed(bench: Bench) -> None:
    bench.driver.status()
    bench.do("paper_out_after", lines=18)
    assert bench.driver.print(receipt(101)) == Outcome("failed", "paper_out")


@pytest.mark.parametrize(("act", "undo"), [("cable_out", "cable_in"), ("power_cut", "power_on")])
@pytest.mark.parametrize("lines", [1, 7, 14])
def test_a_plug_pulled_in_a_receipt(bench: Bench, act: str, undo: str, lines: int) -> None:
    assert isinstance(bench.driver.status(), PrinterStatus)
    bench.do(f"{act}_after", lines=lines)
    bench.driver._patience = DEAF
    assert bench.driver.print(receipt(101)) == Outcome("failed", "lost")
    assert isinstance(bench.driver.status(), Lost)
    bench.do(undo)
    bench.clock.ahead_s += 0.6
    bench.driver._patience = QUICK
    assert bench.driver.status() == PrinterStatus(online=True, paper="ok")
    assert bench.driver.print(receipt(102)) == Outcome("confirmed")
    assert bench.whole() == [102]
    assert one_resident_each(bench.texts)


def test_a_lost_printer_is_asked_for_less_and_less_often(bench: Bench) -> None:
    bench.do("cable_out")
    opened = []
    bench.port.open = lambda: (opened.append(round(bench.clock.now, 1)), _refuse())  # type: ignore[method-assign]
    start = bench.clock.now
    while bench.clock.now < start + 20:
        assert isinstance(bench.driver.status(), Lost)
        bench.clock.ahead_s += 0.1
    waits = [later - sooner for sooner, later in pairwise(opened)]
    assert [round(wait * 2) / 2 for wait in waits[:4]] == [0.5, 1.0, 2.0, 4.0]
    assert max(waits) < 4.3


def _refuse() -> None:
    raise PortLost("no such device")


def test_a_job_is_tried_at_once_however_long_the_printer_was_away(bench: Bench) -> None:
    bench.do("cable_out")
    for _ in range(6):
        bench.driver.status()
        bench.clock.ahead_s += 10
    assert isinstance(bench.driver.status(), Lost)
    bench.do("cable_in")
    assert bench.driver.print(receipt(101)) == Outcome("confirmed")


def test_low_paper_still_prints(bench: Bench) -> None:
    bench.do("paper_low")
    assert bench.driver.print(receipt(101)) == Outcome("confirmed")
    assert bench.driver.status() == PrinterStatus(online=True, paper="low")


def test_what_a_process_before_us_left_is_thrown_away(bench: Bench) -> None:
    """A kiosk killed with a receipt in the printer, without paper: its next life must not hand it to somebody."""
    bench.do("paper_out")
    with open(bench.twin._link, "wb", buffering=0) as line:
        line.write(b"\x1b@RECEIPT 101\n\x1dVB\x00")
    assert isinstance(bench.driver.status(), PrinterStatus)
    bench.do("paper_ok")
    assert bench.driver.print(receipt(102)) == Outcome("confirmed")
    assert bench.whole() == [102]
    assert "101" not in "".join(bench.texts)


def test_what_a_process_before_us_printed_hangs_on_nobodys_receipt(bench: Bench) -> None:
    bench.do("paper_out_after", lines=1)
    with open(bench.twin._link, "wb", buffering=0) as line:
        line.write(b"\x1b@RECEIPT 101\nEND 101\n\x1dVB\x00")
    assert isinstance(bench.driver.status(), PrinterStatus)
    bench.do("paper_ok")
    assert bench.driver.print(receipt(102)) == Outcome("confirmed")
    assert bench.texts[0] == "RECEIPT 101\n"
    assert bench.whole() == [102]
    assert one_resident_each(bench.texts)


def test_a_line_that_takes_no_more_is_given_up_and_closed_at_once() -> None:
    nobody, line = os.openpty()
    port = SerialPort(os.ttyname(line))
    port.open()
    with pytest.raises(PortLost, match="not taken"):
        port.write(bytes(1_000_000), 0.05)
    port.close()
    with pytest.raises(PortLost, match="not open"):
        port.read(0)
    os.close(line)
    os.close(nobody)


def test_a_model_that_only_says_offline(bench: Bench) -> None:
    bench.do("model", bare_offline=True)
    bench.do("paper_out")
    assert bench.driver.print(receipt(101)) == Outcome("failed", "offline")
    knowing = PrinterDriver(bench.port, patience=QUICK, bare_offline_is_paper_out=True)
    assert knowing.print(receipt(101)) == Outcome("failed", "paper_out")


# The other ports


def test_a_file_takes_the_job_and_confirms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "jobs" / "printer.bin"
    driver = PrinterDriver(FilePort(path))
    assert driver.status() == PrinterStatus(online=True)
    assert driver.print(receipt(101)) == Outcome("sent", "unconfirmed")
    machine = PrinterMachine()
    machine.receive(path.read_bytes())
    assert "END 101" in machine.finished[0].text()


def test_a_file_that_cannot_be_written_is_a_lost_printer(tmp_path: Path) -> None:
    driver = PrinterDriver(FilePort(tmp_path))
    assert isinstance(driver.status(), Lost)
    assert driver.print(receipt(101)) == Outcome("failed", "lost")


@contextmanager
def on_the_network(machine: PrinterMachine, hang_up_after: int | None = None) -> Iterator[int]:
    """Serve `machine` on a TCP port, one connection after the other; the first may end after so many bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    limits = iter([hang_up_after])

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            limit, taken = next(limits, None), 0
            with connection:
                try:
                    while data := connection.recv(64):
                        taken += len(data)
                        connection.sendall(machine.receive(data))
                        if limit is not None and taken > limit:
                            break
                except OSError:
                    pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_over_the_network() -> None:
    machine = PrinterMachine()
    with on_the_network(machine) as port:
        driver = PrinterDriver(port_at("network", f"127.0.0.1:{port}"), patience=QUICK)
        assert driver.print(receipt(101)) == Outcome("confirmed")
        machine.paper = "out"
        assert driver.print(receipt(102)) == Outcome("failed", "paper_out")
        driver.close()
    assert "END 101" in machine.finished[0].text()
    assert len(machine.finished) == 1


def test_a_connection_cut_in_a_receipt() -> None:
    machine = PrinterMachine()
    with on_the_network(machine, hang_up_after=400) as port:
        driver = PrinterDriver(NetworkPort("127.0.0.1", port), patience=QUICK)
        assert driver.print(receipt(101)) == Outcome("failed", "lost")
        assert driver.print(receipt(102)) == Outcome("confirmed")
        driver.close()
    texts = [strip.text() for strip in machine.finished]
    assert one_resident_each(texts)
    assert [text for text in texts if "END" in text] == [texts[-1]]
    assert "END 102" in texts[-1]


def test_nobody_on_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    driver = PrinterDriver(NetworkPort("127.0.0.1", port, connect_s=1), patience=DEAF)
    assert isinstance(driver.status(), Lost)


@pytest.mark.parametrize(
    ("kind", "address", "port"),
    [
        ("serial", "/dev/kiosk-printer", SerialPort),
        ("usb", "/dev/usb/lp0", UsbPort),
        ("network", "192.0.2.7", NetworkPort),
        ("file", "receipts.bin", FilePort),
    ],
)
def test_a_configuration_names_its_port(kind: str, address: str, port: type) -> None:
    assert isinstance(port_at(kind, address), port)


@pytest.mark.parametrize(("kind", "address"), [("parallel", "/dev/lp0"), ("network", "printer:raw")])
def test_a_configuration_that_names_none(kind: str, address: str) -> None:
    with pytest.raises(ValueError, match=r"printer port|invalid literal"):
        port_at(kind, address)


class Mute:
    """A line that takes everything and answers status, but never says that it is done (no GS r in the model)."""

    answers = True

    def __init__(self) -> None:
        self.machine = PrinterMachine()
        self._answers = b""

    def open(self) -> None:
        self._answers = b""

    def write(self, data: bytes, timeout_s: float) -> None:
        self._answers += self.machine.receive(data.replace(b"\x1dr\x01", b""))

    def read(self, timeout_s: float) -> bytes:
        data, self._answers = self._answers, b""
        return data

    def close(self) -> None:
        pass


def test_a_model_that_cannot_confirm_is_believed_no_further_than_it_says() -> None:
    port: Port = Mute()
    driver = PrinterDriver(port, patience=DEAF, clock=Clock())
    assert driver.print(receipt(101)) == Outcome("sent", "unconfirmed")
    assert driver.print(receipt(102)) == Outcome("sent", "unconfirmed")
