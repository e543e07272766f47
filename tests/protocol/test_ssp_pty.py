"""SSP over a real pseudo-terminal: our driver with the twin."""

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
