"""ID-003 with the twin over a real pseudo-terminal: a note, a cable, a process that dies, the program."""

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

from hardware.acceptors.contract import (
    Acknowledge,
    Connected,
    Enable,
    Event,
    Lost,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    StackNote,
)
from hardware.acceptors.ebds.toggle import ToggleFile
from hardware.acceptors.families import FAMILIES, Options
from hardware.acceptors.id003 import USA
from hardware.sim.control import ControlClient, ControlServer, Refused
from hardware.sim.id003 import Id003Twin
from hardware.sim.id003_parts import Settings
from hardware.transport.driver import Driver

ROOT = Path(__file__).parents[2]
FAMILY = FAMILIES["id003"]
ALL = frozenset(USA)
FAST = Settings(speed=20, silence_ms=60_000)
WAIT_S = 15


class Host:
    """What stands above the driver: stacks what is held, and acknowledges what is reported if it is `awake`."""

    def __init__(self, port: Path, kept: ToggleFile, awake: bool = True) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self.seen: list[Event] = []
        self.awake = awake
        codec = FAMILY.make(Options(), USA, kept.read())
        keep = kept.keeper(lambda: FAMILY.keep(codec))
        self.driver = Driver(codec, FAMILY.line(port), on_event=self._hear, before_write=keep)
        self.thread = threading.Thread(target=self.driver.run, daemon=True)
        self.thread.start()

    def _hear(self, event: Event) -> None:
        if isinstance(event, NoteEscrowed):
            self.driver.submit(StackNote(event.escrow))
        if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)) and self.awake:
            self.driver.submit(Acknowledge(event.report))
        self.events.put(event)

    def wait(self, kind: type[Event]) -> Any:
        while True:
            event = self.events.get(timeout=WAIT_S)
            self.seen.append(event)
            if isinstance(event, kind):
                return event


@contextmanager
def running(port: Path, awake: bool = True) -> Iterator[Host]:
    """Run a host; what its process keeps outside is beside the port."""
    kept = ToggleFile(port.with_name("kept"))
    host = Host(port, kept, awake)
    try:
        yield host
    finally:
        host.driver.stop()
        host.thread.join(WAIT_S)
        kept.close()
        assert not host.thread.is_alive()


def ready(host: Host, twin: Id003Twin) -> None:
    host.wait(Connected)
    host.driver.submit(Enable(ALL))
    twin.handle({"do": "wait_enabled", "value_minor": 2000})


def test_one_note_over_a_real_pseudo_terminal(tmp_path: Path) -> None:
    with Id003Twin(tmp_path / "port", FAST) as twin, running(tmp_path / "port") as host:
        ready(host, twin)
        twin.handle({"do": "insert", "value_minor": 2000})
        assert host.wait(NoteStacked) == NoteStacked(1, 5)
        state = twin.handle({"do": "wait_state", "state": "idling"})
        assert state["cassette"] == [{"value_minor": 2000, "count": 1}]
        assert state["profile"] == "wba"


def test_cable_pulled_and_plugged_over_a_real_pseudo_terminal(tmp_path: Path) -> None:
    with Id003Twin(tmp_path / "port", FAST) as twin, running(tmp_path / "port") as host:
        ready(host, twin)
        twin.handle({"do": "drop_reply", "count": 50, "when": "stacked"})
        twin.handle({"do": "insert", "value_minor": 5000})
        twin.handle({"do": "wait_state", "cassette_minor": 5000})
        twin.handle({"do": "cable_out"})
        host.wait(Lost)
        twin.handle({"do": "drop_reply", "count": 0})
        twin.handle({"do": "cable_in"})
        assert host.wait(NoteStacked) == NoteStacked(1, 6)
        host.wait(Connected)
    assert sum(isinstance(event, NoteStacked) for event in host.seen) == 1


def test_a_process_that_dies_before_its_commit_is_followed_by_one_that_knows_the_value(tmp_path: Path) -> None:
    with Id003Twin(tmp_path / "port", FAST) as twin:
        with running(tmp_path / "port", awake=False) as host:
            ready(host, twin)
            twin.handle({"do": "insert", "value_minor": 1000})
            assert host.wait(NoteStacked) == NoteStacked(1, 4)
        with running(tmp_path / "port") as host:
            assert host.wait(NoteStacked) == NoteStacked(1, 4, replay=True)
            host.wait(Connected)
        with running(tmp_path / "port") as host:
            host.wait(Connected)
    assert not any(isinstance(event, NoteStacked) for event in host.seen)


def test_what_ebds_kept_is_no_note_of_id003() -> None:
    for kept, stacking in ((None, 0), (0, 0), (1, 0), (16, 0), (21, 5)):
        codec: Any = FAMILY.make(Options(), USA, kept)
        assert codec.stacking == stacking
        assert FAMILY.keep(codec) == 16 + stacking
    ebds: Any = FAMILIES["ebds"].make(Options(), USA, 21)
    assert ebds.toggle == 0


def test_the_twin_and_its_socket_as_programs(tmp_path: Path) -> None:
    """The command line, the control socket, and the file that outlives the process."""
    options = ["--link", "port", "--control", "control", "--state", "kept.json", "--speed", "20", "--vend-data"]
    command = [sys.executable, "-m", "hardware", "simulate", "id003", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as twin:
        assert twin.stdout is not None
        assert twin.stdout.readline() == b"port\n"  # it listens
        with ControlClient(tmp_path / "control") as client, running(tmp_path / "port") as host:
            host.wait(Connected)
            host.driver.submit(Enable(ALL))
            client.ask({"do": "wait_enabled"})
            client.ask({"do": "insert", "value_minor": 1000})
            assert host.wait(NoteStacked).channel == 4
        twin.send_signal(signal.SIGTERM)
        assert twin.wait(WAIT_S) == 0
    assert json.loads((tmp_path / "kept.json").read_text())["notes"] == {"1000": 1}
    assert not os.path.lexists(tmp_path / "port")


def test_every_control_request_of_its_line_is_answered(tmp_path: Path) -> None:
    with (
        Id003Twin(tmp_path / "port", FAST) as twin,
        ControlServer(tmp_path / "c", twin.handle),
        ControlClient(tmp_path / "c") as client,
    ):
        for request in (
            {"do": "drop_reply", "count": 2, "when": "escrowed"},
            {"do": "corrupt"},
            {"do": "echo", "count": 2},
            {"do": "echoes"},
            {"do": "echoes", "on": False},
            {"do": "noise"},
            {"do": "noise", "hex": "fcff"},
            {"do": "fragment"},
            {"do": "state"},
        ):
            assert client.ask(request)["ok"]
        for request in ({"do": "drop_reply", "when": "noon"}, {"do": "noise", "hex": "x"}, {"do": "fly"}):
            with pytest.raises(Refused):
                client.ask(request)
