"""The network's twin between a real HTTP client and a real HTTP server.

What must hold: bytes pass unchanged; unplugged means refused and cut; a lost answer was carried out by the server; each
fault ends when told. Method: plain sockets on loopback, faults set through the same calls as the control socket's.
"""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hardware.sim.control import ControlClient, Refused
from hardware.sim.network import NetworkTwin

ROOT = Path(__file__).resolve().parents[2]
BIG = bytes(range(256)) * 4096  # 1 MiB: many chunks


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(body)  # type: ignore[attr-defined]
        self.server.arrived.set()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        server.seen = []  # type: ignore[attr-defined]
        server.arrived = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def twin(server: ThreadingHTTPServer) -> Iterator[NetworkTwin]:
    twin = NetworkTwin(0, server.server_port)
    yield twin
    twin.close()


@contextmanager
def connected(twin: NetworkTwin) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", twin.port, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def post(connection: http.client.HTTPConnection, body: bytes) -> bytes:
    connection.request("POST", "/", body)
    return connection.getresponse().read()


def test_bytes_pass_unchanged_over_one_kept_connection(twin: NetworkTwin) -> None:
    with connected(twin) as connection:
        assert [post(connection, body) for body in (b"", b"a", BIG)] == [b"", b"a", BIG]
        assert twin.state()["open"] == 1


def test_unplugged_cuts_the_open_line_and_refuses_new_ones(twin: NetworkTwin, server: ThreadingHTTPServer) -> None:
    with connected(twin) as connection:
        post(connection, b"before")
        assert twin.handle({"do": "down"})["up"] is False
        with pytest.raises(OSError):  # noqa: PT011 the system says reset, broken pipe or disconnected
            post(connection, b"cut")
    with connected(twin) as connection, pytest.raises(ConnectionRefusedError):
        post(connection, b"refused")
    assert server.seen == [b"before"]  # type: ignore[attr-defined]


def test_plugged_in_again_it_listens_on_the_same_port(twin: NetworkTwin) -> None:
    port = twin.port
    twin.handle({"do": "down"})
    assert twin.handle({"do": "up"})["port"] == port
    assert twin.handle({"do": "up"})["up"] is True  # twice is once
    with connected(twin) as connection:
        assert post(connection, b"back") == b"back"


def test_lost_answers_were_carried_out_by_the_server(twin: NetworkTwin, server: ThreadingHTTPServer) -> None:
    twin.handle({"do": "lose_answers", "count": 2})
    for body in (b"one", b"two"):
        with connected(twin) as connection, pytest.raises(ConnectionError):
            post(connection, body)
    with connected(twin) as connection:
        assert post(connection, b"three") == b"three"
    assert server.seen == [b"one", b"two", b"three"]  # type: ignore[attr-defined]
    assert (twin.state()["losing"], twin.state()["lost"]) == (0, 2)


def test_slow_delays_an_answer_until_set_back(twin: NetworkTwin) -> None:
    with connected(twin) as connection:
        twin.handle({"do": "slow", "ms": 150})
        begin = time.monotonic()
        assert post(connection, b"slow") == b"slow"
        assert time.monotonic() - begin >= 0.15
        assert twin.handle({"do": "slow", "ms": 0})["slow_ms"] == 0


def test_unplugging_ends_a_slow_answer_at_once(twin: NetworkTwin, server: ThreadingHTTPServer) -> None:
    twin.handle({"do": "slow", "ms": 600_000})
    with connected(twin) as connection:
        connection.request("POST", "/", b"held")
        assert server.arrived.wait(20)  # type: ignore[attr-defined]
        twin.handle({"do": "down"})
        with pytest.raises(ConnectionError):
            connection.getresponse()


def test_a_server_that_is_away_hangs_up_on_the_client(server: ThreadingHTTPServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]
    twin = NetworkTwin(0, nobody)
    with connected(twin) as connection, pytest.raises(ConnectionError):
        post(connection, b"hello")
    assert twin.state()["unreachable"] == 1
    twin.close()


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"do": "burn"}, "burn"),
        ({"do": "slow"}, "ms must be a whole number"),
        ({"do": "slow", "ms": -1}, "from 0"),
        ({"do": "slow", "ms": 600_001}, "to 600000"),
        ({"do": "lose_answers", "count": True}, "count must be a whole number"),
    ],
)
def test_what_it_cannot_do_is_refused_and_changes_nothing(
    twin: NetworkTwin, request_: dict[str, object], words: str
) -> None:
    before = twin.state()
    with pytest.raises(Refused, match=words):
        twin.handle(request_)
    assert twin.state() == before


def test_a_taken_port_is_an_error_at_once(twin: NetworkTwin) -> None:
    with pytest.raises(OSError, match="in use"):
        NetworkTwin(twin.port, 1)


def test_as_a_program_it_obeys_its_socket_and_ends_on_sigterm(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    control = tmp_path / "network.sock"
    code = "import sys; from hardware.sim.network import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["--listen", "0", "--to", str(server.server_port), "--control", str(control)]
    with subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        port = json.loads(program.stdout.readline())["port"]
        with ControlClient(control) as client:
            assert client.ask({"do": "state"})["port"] == port
            assert client.ask({"do": "down"})["up"] is False
            with pytest.raises(Refused):
                client.ask({"do": "burn"})
        program.send_signal(signal.SIGTERM)
        assert program.wait(20) == 0
    assert not control.exists()
