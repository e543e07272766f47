"""The check reader's codec in the driver's thread, with the twin over a real pseudo-terminal; the twin as a program."""

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

from hardware.checks.contract import CheckRead, Command, Connected, Event, Listen, Lost
from hardware.checks.magtek import MagtekCodec
from hardware.sim.checkreader import CheckReaderTwin
from hardware.sim.control import ControlClient, ControlServer, Refused
from hardware.transport.driver import Driver
from hardware.transport.serial_line import SerialLine

ROOT = Path(__file__).parents[2]
LINE = "T111000025T 123456789U 1045"
WAIT_S = 15


@contextmanager
def running(port: Path) -> Iterator[tuple[Driver[Command], "queue.Queue[Event]"]]:
    events: queue.Queue[Event] = queue.Queue()
    driver: Driver[Command] = Driver(MagtekCodec(), SerialLine(port, 9600, 8, "N"), on_event=events.put)
    thread = threading.Thread(target=driver.run, daemon=True)
    thread.start()
    try:
        driver.submit(Listen())
        yield driver, events
    finally:
        driver.stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()


def wait(events: "queue.Queue[Event]", kind: type[Any]) -> Any:
    while True:
        event = events.get(timeout=WAIT_S)
        if isinstance(event, kind):
            return event


def test_a_check_and_a_pulled_cable_over_a_real_pseudo_terminal(tmp_path: Path) -> None:
    with CheckReaderTwin(tmp_path / "port") as twin, running(tmp_path / "port") as (_, events):
        wait(events, Connected)
        twin.handle({"do": "check", "line": LINE})
        assert wait(events, CheckRead).check.number == "1045"
        twin.handle({"do": "cable_out"})
        wait(events, Lost)
        with pytest.raises(Refused):
            twin.handle({"do": "check", "line": LINE})
        twin.handle({"do": "cable_in"})
        wait(events, Connected)
        twin.handle({"do": "check", "line": LINE})
        assert wait(events, CheckRead).check.account == "123456789"


def test_the_twin_and_its_socket_as_programs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hardware", "simulate", "checkreader", "--link", "port", "--control", "control"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as twin:
        assert twin.stdout is not None
        assert twin.stdout.readline() == b"port\n"
        with ControlClient(tmp_path / "control") as client, running(tmp_path / "port") as (_, events):
            wait(events, Connected)
            assert client.ask({"do": "wait_ready"})["format"] == "0000"
            assert client.ask({"do": "check", "line": LINE})["reads"] == 1
            wait(events, CheckRead)
        twin.send_signal(signal.SIGTERM)
        assert twin.wait(WAIT_S) == 0
    assert not os.path.lexists(tmp_path / "port")


def test_every_control_request_is_answered(tmp_path: Path) -> None:
    with (
        CheckReaderTwin(tmp_path / "port") as twin,
        ControlServer(tmp_path / "c", twin.handle),
        ControlClient(tmp_path / "c") as client,
    ):
        for do in ("mute", "forget", "power_cycle", "state", "cable_out", "cable_in"):
            assert client.ask({"do": do})["ok"]
        assert client.ask({"do": "raw", "hex": "02"})["ready"] is False
        for request in (
            {"do": "check", "line": "abc"},
            {"do": "raw", "hex": "x"},
            {"do": "fly"},
            {"do": "wait_ready", "timeout_ms": 1},
        ):
            with pytest.raises(Refused):
                client.ask(request)
