"""The control socket of the twins, over real Unix sockets."""

import socket
import threading
from pathlib import Path

import pytest

from hardware.sim.control import Answer, ControlClient, ControlServer, Refused, Request, text, whole


def _echo(request: Request) -> Answer:
    if request["do"] == "add":
        return {"sum": whole(request, "a") + whole(request, "b", 1)}
    if request["do"] == "name":
        return {"name": text(request, "name")}
    raise Refused(f"unknown: {request['do']}")


def test_each_line_is_answered_on_one_connection(tmp_path: Path) -> None:
    with ControlServer(tmp_path / "s", _echo), ControlClient(tmp_path / "s") as client:
        assert client.ask({"do": "add", "a": 2}) == {"ok": True, "sum": 3}
        with pytest.raises(Refused, match="unknown: fly"):
            client.ask({"do": "fly"})
        with pytest.raises(Refused, match="a must be a whole number"):
            client.ask({"do": "add", "a": True})
        with pytest.raises(Refused, match="name must be text"):
            client.ask({"do": "name"})
        assert client.ask({"do": "name", "name": "ä"})["name"] == "ä"


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"{\n", b'{"do": 3}\n', b"\xff\n", b"x" * 70_000 + b"\n"])
def test_nonsense_is_answered_not_fatal(tmp_path: Path, line: bytes) -> None:
    with ControlServer(tmp_path / "s", _echo), socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(tmp_path / "s"))
        raw.sendall(line)
        assert raw.makefile("rb").readline().startswith(b'{"ok": false, "error": ')
        with ControlClient(tmp_path / "s") as client:
            assert client.ask({"do": "add", "a": 1})["sum"] == 2


def test_one_client_may_wait_for_what_another_brings(tmp_path: Path) -> None:
    arrived = threading.Event()

    def handle(request: Request) -> Answer:
        if request["do"] == "wait":
            return {"arrived": arrived.wait(10)}
        arrived.set()
        return {}

    with (
        ControlServer(tmp_path / "s", handle),
        ControlClient(tmp_path / "s") as one,
        ControlClient(tmp_path / "s") as two,
    ):
        answers: list[Answer] = []
        waiting = threading.Thread(target=lambda: answers.append(one.ask({"do": "wait"})))
        waiting.start()
        two.ask({"do": "bring"})
        waiting.join(10)
        assert answers == [{"ok": True, "arrived": True}]


def test_a_socket_left_by_a_killed_server_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))
    with ControlServer(tmp_path / "s", _echo):
        with pytest.raises(OSError, match="another process listens there"):
            ControlServer(tmp_path / "s", _echo)
        with ControlClient(tmp_path / "s") as client:
            assert client.ask({"do": "add", "a": 1})["sum"] == 2
    assert not (tmp_path / "s").exists()


def test_a_client_learns_that_the_server_closed(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / "s", _echo)
    with ControlClient(tmp_path / "s") as client:
        client.ask({"do": "add", "a": 1})
        server.close()
        server.close()
        with pytest.raises(ConnectionError):
            client.ask({"do": "add", "a": 1})
    with pytest.raises(OSError, match="No such file"):
        ControlClient(tmp_path / "s")
