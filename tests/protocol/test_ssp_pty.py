"""SSP over a real pseudo-terminal: our driver with the twin, and with the twin a host that others wrote.

The other host is ITL's own C code as the package eSSP6 builds it. It needs a C compiler at its installation, so it is
no dependency: where it is not installed, its tests are skipped and say so.
"""

import ctypes
import importlib.util
import json
import queue
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
    Connected,
    Enable,
    Event,
    Levels,
    Lost,
    NoteEscrowed,
    NotePaidOut,
    NoteStacked,
    PayOut,
    PayoutEnded,
    StackNote,
)
from hardware.acceptors.ebds.toggle import ToggleFile
from hardware.acceptors.families import FAMILIES, Options
from hardware.acceptors.ssp import USA
from hardware.sim.control import ControlClient
from hardware.sim.ssp import SspTwin
from hardware.sim.ssp_parts import Settings
from hardware.transport.driver import Driver

ROOT = Path(__file__).parents[2]
WAIT_S = 20
FAST = 20.0


class Kiosk:
    """The driver on its thread, and what it told; every note is stacked and every report is durable at once."""

    def __init__(self, link: Path, folder: Path, profile: str) -> None:
        self.events: list[Event] = []
        self._told: queue.Queue[Event] = queue.Queue()
        family, kept = FAMILIES["ssp"], ToggleFile(folder / "kept")
        codec = family.make(Options(profile, stored=frozenset({1, 3})), USA, kept.read())
        keep = kept.keeper(lambda: family.keep(codec))
        self.driver: Driver[Any] = Driver(codec, family.line(link), on_event=self._hear, before_write=keep)
        self._thread = threading.Thread(target=self.driver.run, daemon=True)
        self._thread.start()

    def _hear(self, event: Event) -> None:
        if isinstance(event, NoteEscrowed):
            self.driver.submit(StackNote(event.escrow))
        if isinstance(event, (NoteStacked, NotePaidOut, PayoutEnded)):
            self.driver.submit(Acknowledge(event.report))
        self._told.put(event)

    def wait(self, reached: Callable[[], object]) -> None:
        end_s = time.monotonic() + WAIT_S
        while not reached():
            self.events.append(self._told.get(timeout=max(0.01, end_s - time.monotonic())))

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def stop(self) -> None:
        self.driver.stop()
        self._thread.join(WAIT_S)


@contextmanager
def kiosk(link: Path, folder: Path, profile: str) -> Iterator[Kiosk]:
    host = Kiosk(link, folder, profile)
    try:
        yield host
    finally:
        host.stop()


@pytest.mark.parametrize("profile", ["nv", "nv-encrypted", "smart-payout"])
def test_a_note_goes_in_over_a_pseudo_terminal_and_over_a_pulled_cable(profile: str, tmp_path: Path) -> None:
    device = "smart-payout" if profile == "smart-payout" else "nv"
    link = tmp_path / "acceptor"
    with SspTwin(link, Settings(device, speed=FAST)) as twin, kiosk(link, tmp_path, profile) as host:
        for count, value_minor in ((1, 2000), (2, 500)):
            host.wait(lambda count=count: len(host.of(Connected)) == count)
            host.driver.submit(Enable(frozenset(USA)))
            twin.handle({"do": "wait_enabled", "value_minor": value_minor})
            twin.handle({"do": "insert", "value_minor": value_minor})
            host.wait(lambda count=count: len(host.of(NoteStacked)) == count)
            if count == 1:
                twin.handle({"do": "cable_out"})
                host.wait(lambda: host.of(Lost))
                twin.handle({"do": "cable_in"})
    assert [USA[note.channel][1] for note in host.of(NoteStacked)] == [2000, 500]


def test_change_comes_out_over_a_pseudo_terminal(tmp_path: Path) -> None:
    link = tmp_path / "acceptor"
    with SspTwin(link, Settings("smart-payout", speed=FAST)) as twin, kiosk(link, tmp_path, "smart-payout") as host:
        twin.handle({"do": "load", "value_minor": 500, "count": 2})
        twin.handle({"do": "load", "value_minor": 100, "count": 2})
        host.wait(lambda: host.of(Levels) and host.of(Levels)[-1].counts.get(1) == 2)
        host.driver.submit(PayOut(3, {3: 1, 1: 2}))
        host.wait(lambda: host.of(PayoutEnded))
        assert [note.channel for note in host.of(NotePaidOut)] == [3, 1, 1]
        assert host.of(PayoutEnded)[0].result == "done"
        assert twin.state()["handed_out"] == {"100": 2, "500": 1}


@contextmanager
def program(words: list[object]) -> Iterator[str]:
    """Run the program of these words; yield its first line. It must end well when it is asked to."""
    run = subprocess.Popen(
        [sys.executable, "-m", "hardware", *map(str, words)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert run.stdout is not None
        yield run.stdout.readline().strip()
        run.terminate()
        assert run.wait(WAIT_S) == 0
    finally:
        run.kill()
        run.communicate()


def test_the_twin_is_a_program_and_its_notes_outlive_it(tmp_path: Path) -> None:
    link, control, state = tmp_path / "acceptor", tmp_path / "control", tmp_path / "state.json"
    words = ["simulate", "ssp", "--link", link, "--control", control, "--state", state, "--speed", "20"]
    for count in (1, 2):
        with program(words) as first_line:
            assert first_line == str(link)
            with kiosk(link, tmp_path, "nv") as host, ControlClient(control) as twin:
                host.wait(lambda host=host: host.of(Connected))
                host.driver.submit(Enable(frozenset(USA)))
                twin.ask({"do": "wait_enabled", "value_minor": 1000})
                twin.ask({"do": "insert", "value_minor": 1000})
                host.wait(lambda host=host: host.of(NoteStacked))
                assert twin.ask({"do": "state"})["cassette_minor"] == 1000 * count
    assert json.loads(state.read_text())["notes"] == {"1000": 2}


def test_frames_are_decoded_by_the_program() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "hardware", "decode", "ssp"],
        input="D: 7F 80 04 F0 EE 01 EB B9 48\nH: 7F\n",
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_S,
    )
    first, second = map(json.loads, run.stdout.splitlines())
    assert first["events"][0] == {"event": "credit", "channel": 1}
    assert not second["ok"]


# The other host


class PollEvent(ctypes.Structure):
    _fields_ = (
        ("event", ctypes.c_ubyte),
        ("data1", ctypes.c_ulong),
        ("data2", ctypes.c_ulong),
        ("cc", ctypes.c_char * 4),
    )


class PollData(ctypes.Structure):
    _fields_ = (("events", PollEvent * 20), ("event_count", ctypes.c_ubyte))


class ChannelData(ctypes.Structure):
    _fields_ = (("security", ctypes.c_ubyte), ("value", ctypes.c_uint), ("cc", ctypes.c_char * 4))


class SetupData(ctypes.Structure):
    _fields_ = (
        ("unit", ctypes.c_ubyte),
        ("firmware", ctypes.c_char * 5),
        ("channels", ctypes.c_uint),
        ("channel", ChannelData * 20),
        ("multiplier", ctypes.c_ulong),
        ("version", ctypes.c_ubyte),
    )


class ItlHost:
    """ITL's C code; every method returns the generic reply byte."""

    def __init__(self, library: Path, port: Path) -> None:
        self._c = ctypes.CDLL(str(library))
        self._c.ssp_init.restype = ctypes.c_void_p
        self._host = ctypes.c_void_p(self._c.ssp_init(str(port).encode(), b"0", 0))

    def do(self, name: str, *arguments: Any) -> int:
        return int(getattr(self._c, f"ssp6_{name}")(self._host, *arguments))

    def setup(self) -> SetupData:
        found = SetupData()
        assert self.do("setup_request", ctypes.byref(found)) == 0xF0
        return found

    def poll(self) -> list[tuple[int, int]]:
        found = PollData()
        assert self.do("poll", ctypes.byref(found)) == 0xF0
        return [(event.event, event.data1) for event in found.events[: found.event_count]]

    def poll_until(self, code: int) -> list[tuple[int, int]]:
        """Poll until an event of this code; return all that was told."""
        told: list[tuple[int, int]] = []
        end_s = time.monotonic() + WAIT_S
        while code not in [event for event, _ in told]:
            assert time.monotonic() < end_s, told
            told += self.poll()
        return told

    def close(self) -> None:
        self._c.close_ssp_port()


@contextmanager
def itl_host(port: Path) -> Iterator[ItlHost]:
    package = importlib.util.find_spec("eSSP")
    if package is None or package.origin is None:
        pytest.skip("the package eSSP6 (ITL's C code) is not installed; it needs a C compiler")
    host = ItlHost(Path(package.origin).with_name("libessp.so"), port)
    try:
        yield host
    finally:
        host.close()


@pytest.mark.parametrize("required", ["payout_commands", "everything"])
def test_the_makers_host_takes_a_note_from_the_twin(required: str, tmp_path: Path) -> None:
    link = tmp_path / "acceptor"
    with SspTwin(link, Settings(speed=FAST, require_key=required)) as twin, itl_host(link) as host:
        twin.handle({"do": "wait_state", "state": "idling"})
        assert host.do("sync") == 0xF0
        assert host.do("setup_encryption", ctypes.c_ulonglong(0x0123456701234567)) == 0xF0
        assert host.do("host_protocol", 9) == 0xF8
        assert host.do("host_protocol", 6) == 0xF0
        setup = host.setup()
        assert (setup.unit, setup.firmware, setup.channels, setup.multiplier) == (0, b"0459", 7, 100)
        assert [(setup.channel[at].value, setup.channel[at].cc) for at in (0, 4, 6)] == [
            (1, b"USD"),
            (20, b"USD"),
            (100, b"USD"),
        ]
        assert host.do("enable") == 0xF0
        assert host.do("set_inhibits", 0xFF, 0xFF) == 0xF0
        assert (0xF1, 0) in host.poll()
        twin.handle({"do": "insert", "value_minor": 2000})
        told = host.poll_until(0xEB)
        assert (0xEF, 5) in told
        assert (0xEE, 5) in told
        assert told.count((0xEE, 5)) == 1
        twin.handle({"do": "insert", "value_minor": 500})
        told = []
        while (0xEF, 3) not in told:
            told = host.poll()
        assert host.do("reject") == 0xF0
        assert (0xEC, 0) in host.poll_until(0xEC)
        assert twin.state()["cassette_minor"] == 2000


def test_the_makers_host_is_refused_with_another_key(tmp_path: Path) -> None:
    link = tmp_path / "acceptor"
    with SspTwin(link, Settings(speed=FAST)) as twin, itl_host(link) as host:
        twin.handle({"do": "wait_state", "state": "idling"})
        assert host.do("sync") == 0xF0
        assert host.do("setup_encryption", ctypes.c_ulonglong(0x0123456701234568)) == 0xF0
        assert host.do("host_protocol", 6) != 0xF0


def test_the_makers_host_gets_change_from_the_twin(tmp_path: Path) -> None:
    link = tmp_path / "acceptor"
    with SspTwin(link, Settings("smart-payout", speed=FAST)) as twin, itl_host(link) as host:
        twin.handle({"do": "load", "value_minor": 500, "count": 1})
        twin.handle({"do": "wait_state", "state": "idling"})
        assert host.do("sync") == 0xF0
        assert host.do("set_route", 500, b"USD", 0) == 0xFA
        assert host.do("setup_encryption", ctypes.c_ulonglong(0x0123456701234567)) == 0xF0
        assert host.do("host_protocol", 6) == 0xF0
        assert host.do("set_route", 500, b"USD", 0) == 0xF0
        assert host.do("enable_payout", 6) == 0xF0
        assert host.do("payout", 700, b"USD", 0x19) == 0xF5
        assert host.do("payout", 500, b"USD", 0x19) == 0xF0
        assert host.do("payout", 500, b"USD", 0x58) == 0xF0
        host.poll_until(0xD2)
        assert twin.state()["handed_out"] == {"500": 1}
