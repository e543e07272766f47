"""The CCNET codec in the driver's thread, with the twin over a real pseudo-terminal; and the twin as a program."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hardware.acceptors.ccnet import CcnetCodec
from hardware.acceptors.ccnet.frames import Code, parse
from hardware.acceptors.contract import (
    Acknowledge,
    Command,
    Connected,
    Disable,
    Enable,
    Event,
    Idle,
    Lost,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    StackNote,
)
from hardware.acceptors.families import FAMILIES
from hardware.sim.ccnet import CcnetTwin
from hardware.sim.ccnet_parts import Settings
from hardware.sim.control import ControlClient, ControlServer, Refused
from hardware.transport.driver import Driver

ROOT = Path(__file__).parents[2]
ALL = frozenset(range(1, 8))
FAST = Settings(speed=20)
WAIT_S = 15


class Host:
    """What stands above the driver: stacks what is held, acknowledges what is reported."""

    def __init__(self, port: Path, **hooks: Any) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self.seen: list[Event] = []
        self.driver: Driver[Command] = Driver(CcnetCodec(), FAMILIES["ccnet"].line(port), on_event=self._hear, **hooks)
        self.thread = threading.Thread(target=self.driver.run, daemon=True)
        self.thread.start()

    def _hear(self, event: Event) -> None:
        if isinstance(event, NoteEscrowed):
            self.driver.submit(StackNote(event.escrow))
        if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
            self.driver.submit(Acknowledge(event.report))
        self.events.put(event)

    def wait(self, kind: type[Event], matches: Callable[[Any], bool] = lambda event: True) -> Any:
        while True:
            event = self.events.get(timeout=WAIT_S)
            self.seen.append(event)
            if isinstance(event, kind) and matches(event):
                return event


@contextmanager
def running(port: Path, **hooks: Any) -> Iterator[Host]:
    host = Host(port, **hooks)
    try:
        yield host
    finally:
        host.driver.stop()
        host.thread.join(WAIT_S)
        assert not host.thread.is_alive()


def test_one_note_over_a_real_pseudo_terminal(tmp_path: Path) -> None:
    wire: list[tuple[str, bytes, int]] = []
    with (
        CcnetTwin(tmp_path / "port", FAST) as twin,
        running(tmp_path / "port", on_wire=lambda *heard: wire.append(heard)) as host,
    ):
        assert host.wait(Connected).identity.firmware == "1353"
        host.driver.submit(Enable(ALL))
        twin.handle({"do": "wait_enabled", "value_minor": 2000})
        twin.handle({"do": "insert", "value_minor": 2000})
        assert host.wait(NoteStacked).channel == 5
        host.driver.submit(Disable())
        host.wait(Idle)
        state = twin.handle({"do": "wait_state", "enabled": [], "cassette_minor": 2000})
    assert state["cassette"] == [{"value_minor": 2000, "count": 1}]
    assert parse(next(data for direction, data, _ in wire if direction == "out")) == bytes([Code.POLL])


def test_cable_pulled_and_plugged_over_a_real_pseudo_terminal(tmp_path: Path) -> None:
    with CcnetTwin(tmp_path / "port", FAST) as twin, running(tmp_path / "port") as host:
        host.wait(Connected)
        host.driver.submit(Enable(ALL))
        twin.handle({"do": "wait_enabled"})
        twin.handle({"do": "drop_reply", "count": 50, "when": "stacked"})
        twin.handle({"do": "insert", "value_minor": 5000})
        twin.handle({"do": "wait_state", "cassette_minor": 5000})
        twin.handle({"do": "cable_out"})
        host.wait(Lost)
        assert not os.path.lexists(tmp_path / "port")
        twin.handle({"do": "drop_reply", "count": 0})
        twin.handle({"do": "cable_in"})
        assert host.wait(NoteStacked).channel == 6
        host.wait(Connected)
    assert sum(isinstance(event, NoteStacked) for event in host.seen) == 1


def test_the_twin_and_its_socket_as_programs(tmp_path: Path) -> None:
    """The command line, the control socket, and the file that outlives the process."""
    options = ["--link", "port", "--control", "control", "--state", "kept.json", "--speed", "20", "--model", "gx"]
    command = [sys.executable, "-m", "hardware", "simulate", "ccnet", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for start in range(2):
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as twin:
            assert twin.stdout is not None
            assert twin.stdout.readline() == b"port\n"  # it listens
            with ControlClient(tmp_path / "control") as client, running(tmp_path / "port") as host:
                assert host.wait(Connected).identity.model == "GX-US1101"
                host.driver.submit(Enable(ALL))
                client.ask({"do": "wait_enabled"})
                client.ask({"do": "insert", "value_minor": 1000})
                host.wait(NoteStacked)
                assert client.ask({"do": "state"})["cassette_minor"] == 1000 * (start + 1)
            twin.send_signal(signal.SIGTERM)
            assert twin.wait(WAIT_S) == 0
    assert json.loads((tmp_path / "kept.json").read_text())["notes"] == {"1000": 2}
    assert not os.path.lexists(tmp_path / "port")


def test_every_control_request_is_answered(tmp_path: Path) -> None:
    with (
        CcnetTwin(tmp_path / "port", FAST) as twin,
        ControlServer(tmp_path / "c", twin.handle),
        ControlClient(tmp_path / "c") as client,
    ):
        for request in (
            {"do": "jam", "when": "stacking"},
            {"do": "reject", "when": "stacking"},
            {"do": "disarm"},
            {"do": "cheat"},
            {"do": "cassette_out"},
            {"do": "cassette_in"},
            {"do": "fail"},
            {"do": "clear"},
            {"do": "corrupt"},
            {"do": "echo", "count": 2},
            {"do": "double"},
            {"do": "late"},
            {"do": "noise"},
            {"do": "noise", "hex": ""},
            {"do": "fragment"},
            {"do": "drop_reply", "when": "escrowed"},
        ):
            assert client.ask(request)["ok"]
        assert client.ask({"do": "state"})["model"] == "sm"
        for request in (
            {"do": "insert", "value_minor": 100},
            {"do": "drop_reply", "when": "noon"},
            {"do": "noise", "hex": "x"},
            {"do": "fly"},
        ):
            with pytest.raises(Refused):
                client.ask(request)
