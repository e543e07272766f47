"""The Stripe driver's threads and the twin's server: real sockets, HTTP and HTTPS."""

import datetime
import ipaddress
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hardware.cards.contract import (
    APPROVED,
    CANCELLED,
    NOT_STARTED,
    Acknowledge,
    Cancel,
    Command,
    Connected,
    Ended,
    Event,
    Lost,
    Prompt,
    Query,
    Refused,
    Sale,
    Void,
)
from hardware.cards.stripe import Call, Reply, Request, Settings, StripeDriver, StripeMachine, calls
from hardware.cards.stripe.driver import Caller
from hardware.sim.control import ControlClient, ControlServer
from hardware.sim.control import Refused as ControlRefused
from hardware.sim.stripe import StripeTwin
from hardware.sim.stripe_account import Settings as TwinSettings

ROOT = Path(__file__).parents[2]
FAST = TwinSettings(speed=20)
SALE = Sale("LK7A00000001", 5318)
WAIT_S = 15
Kind = TypeVar("Kind")


class Host:
    """What stands above the driver: it acknowledges what has ended."""

    def __init__(self, address: str, folder: Path, trust: Path | None = None, **settings: Any) -> None:
        key = folder / "stripe.key"
        key.touch(mode=0o600)
        key.write_text("rk_live_twin")
        self.events: queue.Queue[Event] = queue.Queue()
        self.refused: queue.Queue[tuple[Command, Refused]] = queue.Queue()
        self.driver = StripeDriver(
            StripeMachine(Settings(TwinSettings.reader, poll_ms=50, **settings)),
            key,
            address,
            on_event=self._hear,
            trust=trust,
            on_refused=lambda command, why: self.refused.put((command, why)),
        )
        self.thread = threading.Thread(target=self.driver.run, daemon=True)
        self.thread.start()

    def _hear(self, event: Event) -> None:
        if isinstance(event, Ended):
            self.driver.submit(Acknowledge(event.report))
        self.events.put(event)

    def wait(self, kind: type[Kind]) -> Kind:
        while True:
            event = self.events.get(timeout=WAIT_S)
            if isinstance(event, kind):
                return event

    def order(self, command: Command) -> Ended:
        self.driver.submit(command)
        return self.wait(Ended)


@contextmanager
def running(*args: Any, **settings: Any) -> Iterator[Host]:
    host = Host(*args, **settings)
    try:
        yield host
    finally:
        host.driver.stop()
        host.thread.join(WAIT_S)
        assert not host.thread.is_alive()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a certificate for this machine, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stripe twin")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


def test_a_sale_and_a_void_over_http_with_every_byte_by_itself(tmp_path: Path) -> None:
    with StripeTwin(settings=FAST) as twin, running(twin.address, tmp_path) as host:
        twin.handle({"do": "fragment", "on": True})
        host.wait(Connected)
        host.driver.submit(SALE)
        assert host.wait(Prompt).code == "present_card"
        twin.handle({"do": "wait_state", "phase": "waiting"})
        twin.handle({"do": "present", "outcome": "partial", "amount_minor": 2000})
        sale = host.wait(Ended)
        assert (sale.result, sale.amount_minor, sale.slip.brand) == (APPROVED, 2000, "Visa")
        void = host.order(Void("LK7A00000002", SALE.reference, 2000, sale.terminal_ref))
        assert (void.result, void.amount_minor) == (APPROVED, 2000)
        state = twin.handle({"do": "wait_state", "refunded_minor": 2000})
    assert state["approved_minor"] == 2000


def test_tls_is_verified(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    with StripeTwin(settings=FAST, tls=certificate) as twin:
        twin.account.auto = "approve"
        with running(twin.address, tmp_path, certificate[0]) as host:
            host.wait(Connected)
            assert host.order(SALE).amount_minor == 5318
        look = Call(1, calls.reader(TwinSettings.reader))
        with Caller(tmp_path / "stripe.key", twin.address, certificate[0]) as believer:
            assert believer.make(look).status == 200
        seen = twin.door.log.count("reader")
        with Caller(tmp_path / "stripe.key", twin.address, None) as stranger:
            assert stranger.make(look) == Reply(1)
        assert twin.door.log.count("reader") == seen


def test_only_https_or_this_machine(tmp_path: Path) -> None:
    for address in ("http://api.stripe.com", "ftp://127.0.0.1", "api.stripe.com"):
        with pytest.raises(ValueError, match="only https"):
            StripeDriver(StripeMachine(Settings("tmr_LobbyReader01")), tmp_path, address)


def test_an_answer_that_is_lost_is_found_by_a_host_that_knows_nothing(tmp_path: Path) -> None:
    with StripeTwin(settings=FAST) as twin:
        twin.account.auto = "approve"
        with running(twin.address, tmp_path) as host:
            host.wait(Connected)
            twin.handle({"do": "lose_answer", "when": "process"})
            host.driver.submit(SALE)
            twin.handle({"do": "wait_state", "approved_minor": 5318})
        with running(twin.address, tmp_path) as host:
            host.wait(Connected)
            found = host.order(Query(SALE.reference))
        assert (found.result, found.amount_minor, found.found) == (APPROVED, 5318, True)
        assert twin.state()["intents"] == 1


def test_cancel_is_heard_while_a_call_takes_its_time(tmp_path: Path) -> None:
    with StripeTwin(settings=FAST) as twin, running(twin.address, tmp_path) as host:
        host.wait(Connected)
        twin.handle({"do": "slow", "ms": 200})
        host.driver.submit(SALE)
        host.driver.submit(Cancel(SALE.reference))
        ended = host.wait(Ended)
        assert ended.result == CANCELLED
        assert twin.handle({"do": "ledger"})["ledger"] == []
        twin.handle({"do": "calm"})


def test_a_refused_command_and_a_bad_key(tmp_path: Path) -> None:
    with StripeTwin(settings=FAST) as twin, running(twin.address, tmp_path) as host:
        host.wait(Connected)
        host.driver.submit(Sale("lower", 1))
        assert host.refused.get(timeout=WAIT_S)[0] == Sale("lower", 1)
        (tmp_path / "stripe.key").write_text("sk_live_secret")
        ended = host.order(SALE)
        assert (ended.result, ended.reason) == (NOT_STARTED, "key_refused")
        assert "create" not in twin.door.log


def test_a_service_that_hangs_up(tmp_path: Path) -> None:
    with StripeTwin(settings=FAST) as twin:
        twin.handle({"do": "key", "value": "rk_live_other"})
        with running(twin.address, tmp_path) as host:
            assert host.wait(Lost).reason == "the key is refused"


def test_what_was_not_sent_at_a_time_out_is_not_sent_later(tmp_path: Path) -> None:
    """The connection is reset, not closed: a closed one goes on sending what the system still holds."""
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text("rk_live_twin")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Caller(tmp_path / "key", address, None) as caller:
            assert caller.make(Call(1, Request("POST", "/v1/refunds", timeout_ms=50))) == Reply(1)
        line, _ = silent.accept()
        with line, line.makefile("rb") as sent, pytest.raises(ConnectionResetError):
            sent.read()


def test_the_program_keeps_the_account(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hardware", "simulate", "stripe", "--control", "control", "--state", "kept.json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for start in range(2):
        options = [*command, "--speed", "20", "--auto", "approve"]
        with subprocess.Popen(options, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as twin:
            assert twin.stdout is not None
            address = twin.stdout.readline().decode().strip()
            with ControlClient(tmp_path / "control") as client, running(address, tmp_path) as host:
                host.wait(Connected)
                assert host.order(Sale(f"LK7A0000000{start}", 100)).result == APPROVED
                assert host.order(Query("LK7A00000000")).result == APPROVED  # from the first start
                assert client.ask({"do": "state"})["approved_minor"] == 100 * (start + 1)
                with pytest.raises(ControlRefused, match="cannot 'fly'"):
                    client.ask({"do": "fly"})
            twin.send_signal(signal.SIGTERM)
            assert twin.wait(WAIT_S) == 0
    assert len(json.loads((tmp_path / "kept.json").read_text())["intents"]) == 2


def test_every_control_request_is_answered(tmp_path: Path) -> None:
    with (
        StripeTwin(settings=FAST) as twin,
        ControlServer(tmp_path / "c", twin.handle),
        ControlClient(tmp_path / "c") as client,
    ):
        for request in (
            {"do": "state"},
            {"do": "ledger"},
            {"do": "auto", "outcome": "cancel"},
            {"do": "auto"},
            {"do": "slow_host", "ms": 1},
            {"do": "die_at", "when": "after_authorising"},
            {"do": "power_cut"},
            {"do": "power_on"},
            {"do": "offline"},
            {"do": "offline", "on": False},
            {"do": "busy"},
            {"do": "busy", "on": False},
            {"do": "false_timeout"},
            {"do": "refuse_refund"},
            {"do": "key", "value": ""},
            *({"do": what, "when": "create"} for what in ("lose_request", "lose_answer", "garble", "conflict")),
            {"do": "throttle"},
            {"do": "fail", "count": 0},
            {"do": "down"},
            {"do": "leaky"},
            {"do": "fragment"},
            {"do": "slow", "ms": 0},
            {"do": "calm"},
            {"do": "wait_state", "phase": ""},
        ):
            assert client.ask(request)["ok"]
        for request in (
            {"do": "present"},
            {"do": "cancel"},
            {"do": "auto", "outcome": "dance"},
            {"do": "die_at", "when": "noon"},
            {"do": "garble", "when": "noon"},
            {"do": "wait_state", "phase": "x", "timeout_ms": 1},
            {"do": "wait_state", "colour": "red"},
        ):
            with pytest.raises(ControlRefused):
                client.ask(request)
