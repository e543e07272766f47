"""The driver's thread: over a line in memory, and with the twin over a real pseudo-terminal."""

import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

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
    NotInEscrow,
    ReturnNote,
    StackNote,
)
from hardware.acceptors.ebds import EbdsCodec
from hardware.acceptors.ebds.frames import Frame, parse
from hardware.acceptors.ebds.toggle import ToggleFile
from hardware.sim.control import ControlClient, ControlServer, Refused
from hardware.sim.ebds import EbdsTwin
from hardware.sim.ebds_parts import Settings
from hardware.sim.lines import PtyLine
from hardware.transport import MemoryLine, SerialLine
from hardware.transport.driver import Driver

ROOT = Path(__file__).parents[2]
ALL = frozenset(range(1, 8))
FAST = Settings(speed=20)
WAIT_S = 15


class Clock:
    """The real monotonic clock, which a test may put forward; the driver notices at its next command."""

    def __init__(self) -> None:
        self.ahead_ns = 0

    def __call__(self) -> int:
        return time.monotonic_ns() + self.ahead_ns


class Host:
    """What stands above the driver: stacks what is held, acknowledges what is reported."""

    def __init__(self, line: Any, codec: EbdsCodec | None = None, **hooks: Any) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self.seen: list[Event] = []
        self.refused: queue.Queue[tuple[Command, NotInEscrow]] = queue.Queue()
        self.codec = codec or EbdsCodec()
        self.clock = Clock()
        self.driver = Driver(
            self.codec,
            line,
            self.clock,
            self._hear,
            on_refused=lambda command, why: self.refused.put((command, why)),
            **hooks,
        )
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

    def skip(self, seconds: float) -> None:
        """Let time pass at once."""
        self.clock.ahead_ns += round(seconds * 1e9)
        self.driver.submit(Disable())

    def lost_within(self, seconds: float) -> str:
        """Let time pass until the line is lost once more; return why."""
        while True:
            self.skip(seconds)
            try:
                event = self.events.get(timeout=0.1)
            except queue.Empty:
                continue
            if isinstance(event, Lost):
                return event.reason

    def stop(self) -> None:
        self.driver.stop()
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()


@contextmanager
def running(line: Any, codec: EbdsCodec | None = None, **hooks: Any) -> Iterator[Host]:
    host = Host(line, codec, **hooks)
    try:
        yield host
    finally:
        host.stop()


def valued(host: Host) -> Any:
    return host.wait(NoteStacked, lambda note: note.channel > 0)


def test_one_note_over_a_real_pseudo_terminal(tmp_path: Path) -> None:
    wire: list[tuple[str, bytes, int]] = []
    with (
        EbdsTwin(tmp_path / "port", FAST) as twin,
        running(SerialLine(tmp_path / "port"), on_wire=lambda *heard: wire.append(heard)) as host,
    ):
        host.wait(Connected)
        host.driver.submit(Enable(ALL))
        twin.handle({"do": "wait_enabled", "value_minor": 2000})
        twin.handle({"do": "insert", "value_minor": 2000})
        assert valued(host).channel == 5
        host.driver.submit(Disable())
        host.wait(Idle)
        state = twin.handle({"do": "wait_state", "enabled": [], "cassette_minor": 2000})
    assert state["cassette"] == [{"value_minor": 2000, "count": 1}]
    assert {direction for direction, _, _ in wire} == {"in", "out"}
    assert [at for _, _, at in wire] == sorted(at for _, _, at in wire)
    stack = next(data for direction, data, _ in wire if direction == "out" and parse(data).data[1:2] == b"\x3c")
    assert parse(stack).type == 1


def test_cable_pulled_and_plugged_over_a_real_pseudo_terminal(tmp_path: Path) -> None:
    with EbdsTwin(tmp_path / "port", FAST) as twin, running(SerialLine(tmp_path / "port")) as host:
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
        assert valued(host).channel == 6
        host.wait(Connected)
    assert sum(isinstance(event, NoteStacked) and event.channel > 0 for event in host.seen) == 1


def spoke(line: PtyLine) -> bytes:
    """Wait for the host to say something."""
    assert select.select([line.fileno()], [], [], WAIT_S)[0]
    return line.read()


def test_a_silent_port_is_opened_anew_for_the_name_may_mean_another_by_now(tmp_path: Path) -> None:
    """The adapter moved to another socket: it stays open and silent there, and another one has its name."""
    moved = PtyLine(tmp_path / "port")
    moved.plug_in()
    with EbdsTwin(tmp_path / "other", FAST), running(SerialLine(tmp_path / "port")) as host:
        assert spoke(moved)
        (tmp_path / "port").unlink()
        (tmp_path / "port").symlink_to(os.readlink(tmp_path / "other"))
        host.skip(6)
        assert "no reply" in host.wait(Lost).reason
        host.skip(3)
        host.wait(Connected)
    moved.unplug()


def test_silence_is_said_once_however_often_the_port_is_opened(tmp_path: Path) -> None:
    silent = PtyLine(tmp_path / "port")
    silent.plug_in()
    with running(SerialLine(tmp_path / "port")) as host:
        for _ in range(4):
            assert spoke(silent)
            host.skip(6)
            host.skip(3)
    silent.unplug()
    assert list(host.events.queue) == [Lost("no reply for 5 s")]


def test_a_port_that_is_not_there_yet_is_said_once_and_found_later(tmp_path: Path) -> None:
    with running(SerialLine(tmp_path / "port")) as host:
        assert "not there" in host.wait(Lost).reason
        host.driver.submit(Enable(ALL))  # taken while there is no line
        with EbdsTwin(tmp_path / "port", FAST):
            host.wait(Connected)
    assert sum(isinstance(event, Lost) for event in host.seen) == 1


def test_two_processes_on_one_port(tmp_path: Path) -> None:
    holder = (
        "import sys; from hardware.transport import SerialLine; line = SerialLine(sys.argv[1]); line.open();"
        "print('held', flush=True); sys.stdin.read()"
    )
    program = [sys.executable, "-c", holder, str(tmp_path / "port")]
    with (
        EbdsTwin(tmp_path / "port", FAST),
        subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other,
    ):
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"held\n"
        with running(SerialLine(tmp_path / "port")) as host:
            reason = host.wait(Lost).reason
            assert "held by another process" in reason
            assert str(other.pid) in reason
            other.stdin.close()
            other.wait(WAIT_S)
            host.wait(Connected)


def test_the_twin_and_its_socket_as_programs(tmp_path: Path) -> None:
    """The command line, the control socket, and the file that outlives the process."""
    options = ["--link", "port", "--control", "control", "--state", "kept.json", "--speed", "20"]
    command = [sys.executable, "-m", "hardware", "simulate", "ebds", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for start in range(2):
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as twin:
            assert twin.stdout is not None
            assert twin.stdout.readline() == b"port\n"  # it listens
            with ControlClient(tmp_path / "control") as client, running(SerialLine(tmp_path / "port")) as host:
                host.wait(Connected)
                host.driver.submit(Enable(ALL))
                client.ask({"do": "wait_enabled"})
                client.ask({"do": "insert", "value_minor": 1000})
                valued(host)
                assert client.ask({"do": "state"})["cassette_minor"] == 1000 * (start + 1)
                with pytest.raises(Refused, match="cannot 'fly'"):
                    client.ask({"do": "fly"})
            twin.send_signal(signal.SIGTERM)
            assert twin.wait(WAIT_S) == 0
    assert json.loads((tmp_path / "kept.json").read_text())["notes"] == {"1000": 2}
    assert not os.path.lexists(tmp_path / "port")


def test_every_control_request_is_answered(tmp_path: Path) -> None:
    with (
        EbdsTwin(tmp_path / "port", FAST) as twin,
        ControlServer(tmp_path / "c", twin.handle),
        ControlClient(tmp_path / "c") as client,
    ):
        for request in (
            {"do": "jam"},
            {"do": "clear"},
            {"do": "jam", "when": "stacking"},
            {"do": "full", "when": "stacking"},
            {"do": "reject", "when": "stacking"},
            {"do": "cheat"},
            {"do": "cassette_out"},
            {"do": "cassette_in"},
            {"do": "full"},
            {"do": "empty"},
            {"do": "hold"},
            {"do": "hold", "on": False},
            {"do": "corrupt"},
            {"do": "echo", "count": 2},
            {"do": "other_toggle"},
            {"do": "noise"},
            {"do": "noise", "hex": ""},
            {"do": "fragment"},
            {"do": "power_cut_at", "when": "escrow"},
            {"do": "power_cut"},
            {"do": "power_on"},
            {"do": "cable_out"},
            {"do": "cable_in"},
        ):
            assert client.ask(request)["ok"]
        for request in (
            {"do": "insert", "value_minor": 100},
            {"do": "insert"},
            {"do": "power_cut_at", "when": "noon"},
            {"do": "drop_reply", "when": "noon"},
            {"do": "noise", "hex": "x"},
            {"do": "power_on"},
            {"do": "wait_enabled", "timeout_ms": 1},
            {"do": "wait_state", "colour": "red"},
        ):
            with pytest.raises(Refused):
                client.ask(request)


# Over a line in memory, the device played by hand


def _answer(line: MemoryLine, data: bytes = b"\x01\x10\x00\x00\x54\x2a", count: int = 1) -> None:
    """Answer the next `count` frames with this status."""
    peer = line.wait_peer(WAIT_S)
    peer.settimeout(WAIT_S)
    for _ in range(count):
        frame = parse(peer.recv(64))
        peer.sendall(Frame(2, frame.toggle, data).encode())


def test_a_late_decision_is_refused_and_the_thread_lives_on() -> None:
    host = Host(MemoryLine())
    host.driver.submit(ReturnNote(7))
    command, reason = host.refused.get(timeout=WAIT_S)
    assert command == ReturnNote(7)
    assert "not in escrow" in str(reason)
    assert host.thread.is_alive()
    host.stop()
    host.driver.submit(Disable())  # after the end: no one hears, nothing breaks


def test_a_line_that_dies_is_opened_again() -> None:
    line = MemoryLine()
    with running(line) as host:
        _answer(line, count=2)
        line.pull()
        assert "hung up" in host.wait(Lost).reason
        assert "not there" in host.wait(Lost).reason
        line.present = True
        _answer(line, count=2)
        assert line.opened == 2


def test_a_bug_above_ends_the_thread() -> None:
    line = MemoryLine()
    line.present = False
    ended: list[BaseException] = []

    def fail(event: Event) -> None:
        raise RuntimeError(str(event))

    def run() -> None:
        try:
            Driver(EbdsCodec(), line, on_event=fail).run()
        except RuntimeError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(WAIT_S)
    assert len(ended) == 1


def test_the_toggle_is_stored_before_it_is_sent(tmp_path: Path) -> None:
    kept = ToggleFile(tmp_path / "toggle")
    assert kept.read() is None
    codec = EbdsCodec(toggle=kept.read())
    stored: list[int | None] = []
    line = MemoryLine()
    keep = kept.keeper(lambda: codec.toggle)

    def before_write() -> None:
        keep()
        stored.append(kept.read())

    with running(line, codec, before_write=before_write):
        _answer(line, count=3)
    assert stored[:3] == [0, 1, 0]
    kept.close()
    again = ToggleFile(tmp_path / "toggle")
    assert again.read() in (0, 1)
    again.close()
