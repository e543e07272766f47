"""Goal: a port that vanishes, comes back as something else, or belongs to somebody else is said clearly and got over.

Method: real pseudo-terminals and the real drivers on their threads. What is on a port by mistake is a terminal that
says nothing, or one that talks without end. Nothing sleeps: a test waits for what a driver says.
"""

import errno
import os
import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import serial

from hardware.acceptors.contract import Connected, Lost
from hardware.printer.driver import Outcome, PrinterDriver
from hardware.printer.ports import PortLost, UsbPort
from hardware.printer.status import Lost as PrinterLost
from hardware.printer.status import PrinterStatus
from hardware.scanner.imager import ImagerDriver
from hardware.scanner.reading import Reading
from hardware.scanner.wedge import EV_KEY, EVENT, WedgeDriver
from hardware.sim.control import ControlServer
from hardware.sim.ebds import EbdsTwin
from hardware.sim.imager import ImagerTwin
from hardware.sim.lines import PtyLine, sole_server
from hardware.sim.wedge import strokes
from hardware.transport import LineLost, SerialLine
from tests.faults.test_printer_faults import DEAF, Bench, one_resident_each, receipt
from tests.protocol.test_ebds_driver import FAST, running

ROOT = Path(__file__).parents[2]
WAIT_S = 20
NOISE = bytes(range(256))


@contextmanager
def talking(link: Path, words: bytes = NOISE) -> Iterator[None]:
    """A device of another kind under the name `link`: it talks on, whatever it is asked."""
    line = PtyLine(link)
    line.plug_in()
    done_read, done_write = os.pipe()

    def talk() -> None:
        while True:
            ready, _, _ = select.select([done_read], [line.fileno()], [])
            if ready:
                return
            line.read()
            line.write(words)

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield
    finally:
        os.write(done_write, b"!")
        thread.join()
        line.unplug()
        os.close(done_read)
        os.close(done_write)


@contextmanager
def mute(link: Path) -> Iterator[PtyLine]:
    """A device of another kind that answers nothing."""
    line = PtyLine(link)
    line.plug_in()
    try:
        yield line
    finally:
        line.unplug()


@contextmanager
def held_by_another(link: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the port open as ours do. Closing its input lets it go."""
    program = (
        "import sys; from hardware.transport import SerialLine; line = SerialLine(sys.argv[1]); line.open();"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(link)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"held\n"
        yield other


def let_go(other: subprocess.Popen[bytes]) -> None:
    assert other.stdin is not None
    other.stdin.close()
    other.wait(WAIT_S)


# The line itself


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_port_that_vanishes_while_it_is_opened(tmp_path: Path, step: str) -> None:
    cable = PtyLine(tmp_path / "port")
    cable.plug_in()

    def connect(*rest: Any, **more: Any) -> serial.Serial:
        if step == "before":
            cable.unplug()
        port = serial.Serial(*rest, **more)
        cable.unplug()
        return port

    line = SerialLine(tmp_path / "port", connect=connect)
    with pytest.raises(LineLost):
        line.open()
    cable.plug_in()
    SerialLine(tmp_path / "port").open()
    cable.unplug()


# The acceptor


@pytest.mark.parametrize(("device", "reason"), [(mute, "no reply"), (talking, "does not speak EBDS")])
def test_something_else_on_the_acceptors_port(tmp_path: Path, device: Callable[..., Any], reason: str) -> None:
    port = tmp_path / "port"
    with running(SerialLine(port)) as host:
        with EbdsTwin(port, FAST):
            host.wait(Connected)
        host.wait(Lost)
        with device(port):
            host.skip(3)
            while reason not in host.lost_within(6):
                pass
        with EbdsTwin(port, FAST):
            host.skip(3)
            host.wait(Connected)


# The printer


# On a busy machine what talks now and then is read as talking without end: either reason is true of it.
@pytest.mark.parametrize(
    ("device", "reasons"), [(mute, ("no answer",)), (talking, ("what answers is no printer", "does not fall silent"))]
)
def test_something_else_on_the_printers_port(
    tmp_path: Path, device: Callable[..., Any], reasons: tuple[str, ...]
) -> None:
    bench = Bench(tmp_path)
    assert bench.driver.print(receipt(101)) == Outcome("confirmed")
    bench.do("cable_out")
    bench.driver._patience = DEAF
    with device(tmp_path / "printer"):
        assert bench.driver.print(receipt(102)) == Outcome("failed", "lost")
        bench.clock.ahead_s += 10
        lost = bench.driver.status()
        assert isinstance(lost, PrinterLost)
        assert any(reason in lost.reason for reason in reasons)
        assert bench.driver.status() == lost, "the reason stands while the next attempt is waited for"
    bench.do("cable_in")
    bench.clock.ahead_s += 10
    assert bench.driver.status() == PrinterStatus(online=True, paper="ok")
    assert bench.driver.print(receipt(103)) == Outcome("confirmed")
    assert bench.whole() == [101, 103]
    assert one_resident_each(bench.texts)
    bench.driver.close()
    bench.twin.close()


def test_a_printers_port_that_never_falls_silent_is_not_read_for_ever() -> None:
    with pytest.raises(PortLost, match="/dev/zero does not fall silent"):
        UsbPort("/dev/zero").open()


def test_a_port_that_calls_itself_readable_and_is_not_is_nobody_elses() -> None:
    """As some kernels' USB printer device: it would not be opened, and said to be held by another process."""
    near, far = os.pipe2(os.O_NONBLOCK)

    class Eager(UsbPort):
        def _open_device(self) -> int:
            return os.dup(near)

        def _select(self, write: bool, timeout_s: float) -> tuple[list[int], list[int], list[int]]:
            return [near], [], []

    port = Eager("/dev/usb/lp0")
    port.open()
    assert port.read(0) == b""
    port.close()
    for end in (near, far):
        os.close(end)


@pytest.mark.parametrize("words", [b"\x12", b"]C07111000441400044\r", b"\x02\x0b\x20\x01\x10\x00\x00\x54\x2a\x03\x44"])
def test_what_answers_like_a_printer_now_and_then_is_none(tmp_path: Path, words: bytes) -> None:
    """Some of these bytes look like a status; a whole answer to each question and nothing else they are not."""

    class Parrot:
        answers = True

        def open(self) -> None: ...

        def write(self, data: bytes, timeout_s: float) -> None: ...

        def read(self, timeout_s: float) -> bytes:
            return words * 10

        def close(self) -> None: ...

    driver = PrinterDriver(Parrot(), patience=DEAF)
    lost = driver.status()
    assert isinstance(lost, PrinterLost)
    assert lost.reason == "what answers is no printer"


def test_two_processes_on_the_printers_port(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with held_by_another(tmp_path / "printer") as other:
        assert bench.driver.print(receipt(101)) == Outcome("failed", "lost")
        lost = bench.driver.status()
        assert isinstance(lost, PrinterLost)
        assert f"{tmp_path / 'printer'} is held by another process" in lost.reason
        assert str(other.pid) in lost.reason
        let_go(other)
    bench.clock.ahead_s += 10
    assert bench.driver.print(receipt(102)) == Outcome("confirmed")
    assert bench.whole() == [102]
    bench.driver.close()
    bench.twin.close()


# The scanners


class Scanner:
    """A scanner's driver on its thread; what it says comes out of a queue."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.reports: queue.Queue[Reading | tuple[str, str]] = queue.Queue()
        self.hurry_ms = 0  # by how much the clock jumps whenever it is read
        self._ahead_ms = 0
        self._stop = threading.Event()
        self._driver = make(self.reports.put, lambda *health: self.reports.put(health), self._clock)
        self._driver._BACKOFF_S = (0.02,)
        self._thread = threading.Thread(target=self._driver.run, args=(self._stop,))
        self._thread.start()

    def _clock(self) -> int:
        self._ahead_ms += self.hurry_ms
        return time.monotonic_ns() // 1_000_000 + self._ahead_ms

    def until(self, state: str, reason: str = "") -> None:
        """Wait for a health; no reading may come before it."""
        while True:
            report = self.reports.get(timeout=WAIT_S)
            assert isinstance(report, tuple), report
            if report[0] == state and reason in report[1]:
                return

    def reading(self) -> str:
        report = self.reports.get(timeout=WAIT_S)
        assert isinstance(report, Reading), report
        return report.payload

    def close(self) -> None:
        self._stop.set()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()


@contextmanager
def scanning(make: Callable[..., Any]) -> Iterator[Scanner]:
    scanner = Scanner(make)
    try:
        yield scanner
    finally:
        scanner.close()


def imager_on(link: Path) -> Callable[..., ImagerDriver]:
    return lambda *hooks: ImagerDriver(str(link), *hooks)


def test_half_a_scan_is_forgotten_with_the_cable(tmp_path: Path) -> None:
    with ImagerTwin(tmp_path / "port") as twin, scanning(imager_on(tmp_path / "port")) as scanner:
        scanner.until("ready")
        twin.handle({"do": "cut_after", "bytes": 9})
        twin.handle({"do": "scan", "payload": "7111000441400044"})
        twin.handle({"do": "cable_out"})
        scanner.until("lost")
        twin.handle({"do": "cable_in"})
        twin.handle({"do": "raw", "hex": b"]Q1441400044\r".hex()})  # lay in the port before it was opened
        scanner.until("ready")
        twin.handle({"do": "scan", "payload": "22031454"})
        assert scanner.reading() == "22031454"


def test_an_imager_that_is_sending_when_it_is_opened_is_waited_for(tmp_path: Path) -> None:
    with scanning(imager_on(tmp_path / "port")) as scanner:
        scanner.until("lost", "not there")
        with talking(tmp_path / "port", b"]Q1441400044\r"):
            scanner.until("lost", "does not fall silent")
        with ImagerTwin(tmp_path / "port") as twin:
            scanner.until("ready")
            twin.handle({"do": "scan", "payload": "22031454"})
            assert scanner.reading() == "22031454"


def test_two_processes_on_the_imagers_port(tmp_path: Path) -> None:
    port = tmp_path / "port"
    with ImagerTwin(port) as twin, held_by_another(port) as other, scanning(imager_on(port)) as scanner:
        scanner.until("lost", f"{port} is held by another process")
        let_go(other)
        scanner.until("ready")
        twin.handle({"do": "scan", "payload": "22031454"})
        assert scanner.reading() == "22031454"


def typed(payload: str) -> bytes:
    return b"".join(EVENT.pack(0, 0, EV_KEY, code, value) for code, value in strokes(payload))


@pytest.fixture
def keyboard(tmp_path: Path) -> Iterator[int]:
    """A pipe that stands for an event device."""
    os.mkfifo(tmp_path / "event0")
    end = os.open(tmp_path / "event0", os.O_RDWR)
    yield end
    os.close(end)


def wedge_on(path: Path, grab: Callable[[int], object] = lambda device: None) -> Callable[..., WedgeDriver]:
    return lambda *hooks: WedgeDriver(str(path), *hooks, grab=grab)


def test_a_number_that_a_wedge_is_typing_when_it_is_opened_is_not_taken(tmp_path: Path, keyboard: int) -> None:
    os.write(keyboard, typed("441400044"))  # the rest of a number
    with scanning(wedge_on(tmp_path / "event0")) as scanner:
        scanner.until("ready")
        os.write(keyboard, typed("22031454"))
        assert scanner.reading() == "22031454"


def test_a_wedge_that_another_process_has_grabbed_is_said(tmp_path: Path, keyboard: int) -> None:
    free = threading.Event()

    def grab(device: int) -> None:
        if not free.is_set():
            raise OSError(errno.EBUSY, "Device or resource busy")

    with scanning(wedge_on(tmp_path / "event0", grab)) as scanner:
        scanner.until("lost", "event0 is held by another process")
        free.set()
        scanner.until("ready")
        os.write(keyboard, typed("22031454"))
        assert scanner.reading() == "22031454"


def test_what_types_without_end_is_no_scanner(tmp_path: Path, keyboard: int) -> None:
    os.set_blocking(keyboard, False)
    done = threading.Event()

    def type_on() -> None:
        while not done.is_set():
            if select.select([], [keyboard], [], 0.05)[1]:
                os.write(keyboard, typed("4"))

    thread = threading.Thread(target=type_on)
    thread.start()
    try:
        with scanning(wedge_on(tmp_path / "event0")) as scanner:
            scanner.hurry_ms = 1_000
            scanner.until("lost", "does not fall silent")
            scanner.hurry_ms = 0
            done.set()
            scanner.until("ready")
    finally:
        done.set()
        thread.join()


# The tools of a bench


@pytest.mark.parametrize("device", ["ebds", "printer", "imager"])
def test_a_second_simulated_device_fails_loudly_and_the_first_goes_on(tmp_path: Path, device: str) -> None:
    """It used to take the name away from the first, and the host with it."""
    link = tmp_path / "port"
    out = ["--out", str(tmp_path)] if device == "printer" else []
    with sole_server(link), mute(link):
        here = os.readlink(link)
        assert "is served by another simulated device" in refusal(device, link, tmp_path / "c", *out)
        assert os.readlink(link) == here


def test_a_simulated_device_does_not_take_the_name_of_a_real_one(tmp_path: Path) -> None:
    link = tmp_path / "port"
    link.symlink_to("../ttyUSB0")  # as udev makes it
    assert "not the link of a simulated device" in refusal("ebds", link, tmp_path / "c")
    assert os.readlink(link) == "../ttyUSB0"


def test_a_control_socket_that_another_process_serves_is_named(tmp_path: Path) -> None:
    with ControlServer(tmp_path / "c", lambda request: {}):
        assert f"another process listens there: '{tmp_path / 'c'}'" in refusal("imager", tmp_path / "p", tmp_path / "c")


def refusal(device: str, link: Path, control: Path, *more: str) -> str:
    """Start a simulated device that must end at once with a word about it; return the word."""
    command = [sys.executable, "-m", "hardware", "simulate", device, "--link", str(link), "--control", str(control)]
    done = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, check=False, timeout=WAIT_S)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr
