"""The driver and the twin over real pseudo-terminals, TCP and HTTP; and the twin as a process."""

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hardware.cards.contract import (
    Acknowledge,
    BatchClosed,
    Cancel,
    Command,
    Connected,
    Ended,
    Event,
    Lost,
    Query,
    Sale,
)
from hardware.cards.pax import PaxCodec, PaxTcpLine
from hardware.cards.pax import Settings as HostSettings
from hardware.sim.control import ControlClient, Refused
from hardware.sim.pax import LOOPBACK, PaxTwin
from hardware.sim.pax_parts import Settings
from hardware.transport import HttpLine, SerialLine
from hardware.transport.driver import Driver

ROOT = Path(__file__).parents[2]
FAST = Settings(card_ms=30, host_ms=30, start_ms=0, gap_ms=5)
WAIT_S = 20
TRANSPORTS = ("serial", "tcp", "http")


class Host:
    """What stands above the driver: acknowledges what it is told."""

    def __init__(self, line: Any, settings: HostSettings) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self.driver: Driver[Command] = Driver(PaxCodec(settings), line, on_event=self._hear)
        self.thread = threading.Thread(target=self.driver.run, daemon=True)
        self.thread.start()

    def _hear(self, event: Event) -> None:
        if isinstance(event, Ended | BatchClosed):
            self.driver.submit(Acknowledge(event.report))
        self.events.put(event)

    def wait(self, kind: type[Event], matches: Callable[[Any], bool] = lambda event: True) -> Any:
        while True:
            event = self.events.get(timeout=WAIT_S)
            if isinstance(event, kind) and matches(event):
                return event

    def do(self, command: Command) -> None:
        self.driver.submit(command)

    def stop(self) -> None:
        self.driver.stop()
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()


@contextmanager
def joined(transport: str, tmp_path: Path, settings: Settings = FAST) -> Iterator[tuple[Host, PaxTwin]]:
    """A twin and a host that has met it."""
    with PaxTwin(tmp_path / "terminal", 0, settings) as twin:
        lines: dict[str, Callable[[], Any]] = {
            "serial": lambda: SerialLine(twin_link, 9600, 8, "N"),
            "tcp": lambda: PaxTcpLine(LOOPBACK, twin.port),
            "http": lambda: HttpLine(LOOPBACK, twin.port),
        }
        twin_link = tmp_path / "terminal"
        host = Host(lines[transport](), HostSettings(link=transport))  # type: ignore[arg-type]
        try:
            host.wait(Connected)
            yield host, twin
        finally:
            host.stop()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_sale_and_its_query(transport: str, tmp_path: Path) -> None:
    with joined(transport, tmp_path) as (host, twin):
        host.do(Sale("K1000001", 4725))
        end = host.wait(Ended)
        assert (end.result, end.amount_minor, end.slip.last4) == ("approved", 4725, "1111")
        host.do(Query("K1000001", "sale", 4725))
        assert host.wait(Ended).found
        assert twin.state()["sales_minor"] == 4725


@pytest.mark.parametrize("transport", ["serial", "tcp"])
def test_a_cancel_reaches_the_terminal_in_the_middle_of_a_sale(transport: str, tmp_path: Path) -> None:
    with joined(transport, tmp_path, replace(FAST, default="nobody")) as (host, twin):
        host.do(Sale("K1000001", 4725))
        twin.handle({"do": "wait_state", "state": "card"})
        host.do(Cancel("K1000001"))
        assert host.wait(Ended).result == "cancelled"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_cable_is_pulled_in_a_sale(transport: str, tmp_path: Path) -> None:
    with joined(transport, tmp_path, replace(FAST, card_ms=300)) as (host, twin):
        host.do(Sale("K1000001", 4725))
        twin.handle({"do": "wait_state", "state": "card"})
        twin.handle({"do": "cable_out"})
        assert host.wait(Lost).reason
        twin.handle({"do": "wait_state", "sales": 1})
        twin.handle({"do": "cable_in"})
        assert host.wait(Ended).result == "unknown"
        host.wait(Connected)
        host.do(Query("K1000001", "sale", 4725))
        end = host.wait(Ended)
        assert (end.result, end.found, end.amount_minor) == ("approved", True, 4725)


def test_a_terminal_that_hangs_up_after_each_exchange_is_not_lost(tmp_path: Path) -> None:
    with joined("tcp", tmp_path, replace(FAST, hangs_up=True, says_eot=False)) as (host, twin):
        for at in range(2):
            host.do(Sale(f"K100000{at}", 4725))
            assert host.wait(Ended).result == "approved"
        assert twin.state()["sales"] == 2
        assert not [event for event in list(host.events.queue) if isinstance(event, Lost)]


@pytest.mark.parametrize("trouble", ["hang_up", "lose_answer"])
def test_an_answer_that_never_comes_over_tcp_is_found(trouble: str, tmp_path: Path) -> None:
    with PaxTwin(None, 0, FAST) as twin:
        host = Host(PaxTcpLine(LOOPBACK, twin.port), HostSettings(link="tcp", answer_ms=1_500))
        host.wait(Connected)
        twin.handle({"do": trouble})
        host.do(Sale("K1000001", 4725))
        assert host.wait(Ended).result == "unknown"
        if trouble == "hang_up":
            host.wait(Connected)
        host.do(Query("K1000001", "sale", 4725))
        assert host.wait(Ended).result == "approved"
        host.stop()


def test_the_program_keeps_its_batch(tmp_path: Path) -> None:
    control = tmp_path / "control"
    words = [sys.executable, "-m", "hardware", "simulate", "pax", "--control", str(control), "--port", "0"]
    words += ["--state", str(tmp_path / "batch.json"), "--card-ms", "30", "--start-ms", "0"]
    for run in range(2):
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            port = int(program.stdout.readline().rpartition(":")[2])
            with ControlClient(control) as client:
                client.ask({"do": "set", "host_ms": 30})
                host = Host(PaxTcpLine(LOOPBACK, port), HostSettings(link="tcp"))
                host.wait(Connected)
                host.do(Query("K1000001", "sale", 4725) if run else Sale("K1000001", 4725))
                end = host.wait(Ended)
                assert (end.result, end.found) == ("approved", bool(run))
                host.stop()
                assert client.ask({"do": "state"})["sales_minor"] == 4725
                assert len(client.ask({"do": "ledger"})["records"]) == 1
            program.send_signal(signal.SIGKILL if run == 0 else signal.SIGTERM)
            program.wait(WAIT_S)
    assert json.loads((tmp_path / "batch.json").read_text())["made"] == 1


def test_control_requests_that_make_no_sense_are_refused() -> None:
    with PaxTwin(None, 0, FAST) as twin:
        wrong = [
            {"do": "fly"},
            {"do": "present", "does": "sing"},
            {"do": "power_cut_at", "when": "noon"},
            {"do": "set", "color": "red"},
            {"do": "set", "host_ms": "long"},
            {"do": "set", "busy": "singing"},
            {"do": "power_on"},
            {"do": "wait_state", "mood": "good"},
            {"do": "wait_state", "sales": 3, "timeout_ms": 1},
            {"do": "nak", "count": "many"},
        ]
        for request in wrong:
            with pytest.raises(Refused):
                twin.handle(request)
        twin.handle({"do": "packets"})
        twin.handle({"do": "calm"})
        twin.handle({"do": "present", "does": "partial", "part_minor": 2000, "host_ms": 10})
        assert not twin.trouble.packets
