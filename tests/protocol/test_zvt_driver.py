"""ZVT over real lines: the driver, the codec with its memory file, and the twin on TCP and a pseudo-terminal."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hardware.cards.contract import Acknowledge, BatchClosed, Connected, Ended, Event, Lost, Query, Reversed, Sale
from hardware.cards.zvt import MemoryFile, Profile, ZvtCodec
from hardware.sim.control import ControlClient, ControlServer, Refused
from hardware.sim.zvt import PtyPort, TcpPort, ZvtTwin
from hardware.sim.zvt_parts import Settings
from hardware.transport import SerialLine
from hardware.transport.driver import Driver
from hardware.transport.line import Line
from hardware.transport.tcp_line import TcpLine

ROOT = Path(__file__).parents[2]
FAST = {"present_ms": 30, "host_ms": 30, "work_ms": 5}
WAIT_S = 15
AMOUNT = 4_725


class Host:
    """What stands above the driver: acknowledges what is reported."""

    def __init__(self, line: Line, memory: MemoryFile, serial: bool) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        codec = ZvtCodec(Profile(serial=serial), memory.read())
        self.acknowledging = True
        self.driver = Driver(codec, line, on_event=self._hear, before_write=memory.keeper(lambda: codec.attempt))
        self.thread = threading.Thread(target=self.driver.run, daemon=True)
        self.thread.start()

    def _hear(self, event: Event) -> None:
        if isinstance(event, (Ended, Reversed, BatchClosed)) and self.acknowledging:
            self.driver.submit(Acknowledge(event.report))
        self.events.put(event)

    def wait(self, kind: type[Event]) -> Any:
        while True:
            event = self.events.get(timeout=WAIT_S)
            if isinstance(event, kind):
                return event


@contextmanager
def host(line: Line, memory: MemoryFile, serial: bool = False) -> Iterator[Host]:
    above = Host(line, memory, serial)
    try:
        yield above
    finally:
        above.driver.stop()
        above.thread.join(WAIT_S)
        assert not above.thread.is_alive()


def line_to(address: str, serial: bool) -> Line:
    if serial:
        return SerialLine(address, 9600, 8, "N", 2)
    name, port = address.rsplit(":", 1)
    return TcpLine(name, int(port))


@pytest.mark.parametrize("serial", [False, True])
def test_a_sale_over_a_real_line_and_a_pulled_plug(serial: bool, tmp_path: Path) -> None:
    port = PtyPort(tmp_path / "port") if serial else TcpPort(0)
    memory = MemoryFile(tmp_path / "attempt.json")
    with (
        ZvtTwin(port, Settings(serial=serial, **FAST)) as twin,
        host(line_to(twin.address, serial), memory, serial) as above,
    ):
        assert above.wait(Connected).identity.terminal_id == "65000028"
        above.driver.submit(Sale("A1", AMOUNT))
        end = above.wait(Ended)
        assert (end.result, end.amount_minor, end.slip.brand) == ("approved", AMOUNT, "Visa")
        twin.handle({"do": "wait_state", "state": "idle", "sales_minor": AMOUNT})
        twin.handle({"do": "cable_out"})
        above.wait(Lost)
        twin.handle({"do": "cable_in"})
        above.wait(Connected)
        above.driver.submit(Query("A1", "sale", AMOUNT, end.terminal_ref))
        assert above.wait(Ended).result == "approved"
    assert memory.read() is not None


def test_the_plug_is_pulled_before_the_commit_and_the_reversal_is_told(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "attempt.json")
    with ZvtTwin(TcpPort(0), Settings(**FAST)) as twin, host(line_to(twin.address, False), memory) as above:
        above.acknowledging = False
        above.wait(Connected)
        above.driver.submit(Sale("A1", AMOUNT))
        above.wait(Ended)
        twin.handle({"do": "cable_out"})
        above.wait(Lost)
        twin.handle({"do": "cable_in"})
        assert above.wait(Reversed).reference == "A1"
        assert twin.handle({"do": "state"})["sales"] == 0


def test_the_program_keeps_its_batch_when_it_is_killed(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "attempt.json")
    with _program(tmp_path, "--port", "0") as (address, twin):
        with host(line_to(address, False), memory) as above:
            above.wait(Connected)
            with ControlClient(tmp_path / "control") as control:
                control.ask({"do": "set", **FAST})
                control.ask({"do": "present", "does": "stays_silent"})
                above.driver.submit(Sale("A1", AMOUNT))
                control.ask({"do": "wait_state", "sales": 1})
        os.kill(twin.pid, signal.SIGKILL)
        twin.wait(WAIT_S)
    with _program(tmp_path, "--port", "0") as (address, _), host(line_to(address, False), memory) as above:
        above.wait(Connected)
        above.driver.submit(Query("A1", "sale", AMOUNT))
        end = above.wait(Ended)
        assert (end.result, end.found, end.amount_minor) == ("approved", True, AMOUNT)


@contextmanager
def _program(folder: Path, *where: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    words = ["--control", str(folder / "control"), "--state", str(folder / "state.json"), *where]
    with subprocess.Popen(
        [sys.executable, "-m", "hardware", "simulate", "zvt", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        try:
            yield program.stdout.readline().strip(), program
        finally:
            program.terminate()
            program.wait(WAIT_S)


def test_control_requests_are_checked(tmp_path: Path) -> None:
    with (
        ZvtTwin(PtyPort(tmp_path / "port"), Settings(serial=True)) as twin,
        ControlServer(tmp_path / "control", twin.handle),
        ControlClient(tmp_path / "control") as control,
    ):
        for wrong in (
            {"do": "fly"},
            {"do": "present", "does": "dance"},
            {"do": "everybody", "does": "dance"},
            {"do": "set", "colour": "red"},
            {"do": "set", "serial": False},
            {"do": "set", "host_ms": "soon"},
            {"do": "set", "returns": "sing"},
            {"do": "noise", "hex": "xy"},
            {"do": "wait_state", "mood": "good"},
            {"do": "wait_state", "sales": 7, "timeout_ms": 1},
            {"do": "power_on"},
        ):
            with pytest.raises(Refused):
                control.ask(wrong)
        for right in (
            {"do": "set", "prints": 3, "waits": 5},
            {"do": "drop", "count": 1},
            {"do": "noise", "hex": "AA55"},
            {"do": "fragment"},
            {"do": "calm"},
            {"do": "status", "code": 81},
            {"do": "slow_host", "ms": 100},
            {"do": "refuse"},
            {"do": "power_cut"},
            {"do": "power_on"},
        ):
            control.ask(right)
        assert twin.trouble.drop == 0
        assert control.ask({"do": "ledger"})["entries"] == []
        assert json.dumps(control.ask({"do": "state"}))


def test_nobody_comes_until_somebody_does(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "attempt.json")
    with ZvtTwin(TcpPort(0), Settings(**FAST)) as twin, host(line_to(twin.address, False), memory) as above:
        twin.handle({"do": "everybody", "does": "nobody"})
        above.wait(Connected)
        above.driver.submit(Sale("A1", AMOUNT))
        twin.handle({"do": "wait_state", "state": "waiting for card"})
        twin.handle({"do": "present", "does": "decline", "number": 5})
        assert above.wait(Ended).result == "declined"
