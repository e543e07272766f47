"""Lines over the network, with real sockets on loopback."""

import base64
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hardware.transport import HttpLine, LineLost, TcpLine

LOOPBACK = "127.0.0.1"
WAIT_S = 10


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.settimeout(WAIT_S)
        yield listener


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def free_port() -> int:
    with listening() as listener:
        return port_of(listener)


def read(line: TcpLine | HttpLine) -> bytes:
    """Wait for something to read; return it."""
    assert select.select([line.fileno()], [], [], WAIT_S)[0]
    return line.read()


@contextmanager
def answering(reply: Callable[[bytes], bytes]) -> Iterator[int]:
    """A server that answers one request with `reply(request)`; gives its port."""
    with listening() as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(WAIT_S)
                request = b""
                while b"\r\n\r\n" not in request and (data := connection.recv(4096)):
                    request += data
                connection.sendall(reply(request))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield port_of(listener)
        thread.join(WAIT_S)
        assert not thread.is_alive()


def test_tcp_carries_bytes_both_ways_and_never_waits_to_read() -> None:
    with listening() as listener:
        line = TcpLine(LOOPBACK, port_of(listener))
        line.open()
        far, _ = listener.accept()
        with far:
            far.settimeout(WAIT_S)
            assert line.read() == b""
            line.write(b"\x02A00")
            assert far.recv(10) == b"\x02A00"
            assert line.read() == b""
            far.sendall(b"\x06")
            assert read(line) == b"\x06"
        line.close()
        line.close()


def test_tcp_is_lost_when_the_far_end_hangs_up_and_can_be_opened_again() -> None:
    with listening() as listener:
        line = TcpLine(LOOPBACK, port_of(listener))
        for _ in range(2):
            line.open()
            listener.accept()[0].close()
            with pytest.raises(LineLost, match="hung up"):
                read(line)
        line.close()
        for use in (line.fileno, line.read, lambda: line.write(b"x")):
            with pytest.raises(LineLost, match="closed"):
                use()


def test_tcp_is_lost_when_it_is_pulled() -> None:
    with listening() as listener:
        line = TcpLine(LOOPBACK, port_of(listener))
        line.open()
        listener.accept()
        line.pull()
        with pytest.raises(LineLost):
            read(line)
        with pytest.raises(LineLost):
            line.write(b"x")
        line.close()


def test_tcp_has_an_end_when_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.transport.tcp_line.WRITE_S_MAX", 0.2)
    with listening() as listener:
        line = TcpLine(LOOPBACK, port_of(listener))
        line.open()
        far, _ = listener.accept()
        with far, pytest.raises(LineLost, match="timed out"):
            line.write(bytes(50_000_000))
        line.close()


def test_nobody_there_is_a_lost_line() -> None:
    port = free_port()
    with pytest.raises(LineLost, match=f"{port}.*refused"):
        TcpLine(LOOPBACK, port).open()
    line = HttpLine(LOOPBACK, port)
    line.open()
    line.write(b"\x02")
    with pytest.raises(LineLost, match="refused"):
        read(line)
    line.close()


def test_http_sends_the_frame_as_raw_base64_and_reads_the_body() -> None:
    requests: list[bytes] = []

    def reply(request: bytes) -> bytes:
        requests.append(request)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x020\x03\x33"

    frame = b"\x02A00\x1c1.35\x1c\x03\x5b"
    with answering(reply) as port:
        line = HttpLine(LOOPBACK, port)
        line.open()
        assert line.read() == b""
        line.write(frame)
        assert read(line) == b"\x020\x03\x33"
        assert line.read() == b""
        line.close()
    assert requests[0].startswith(b"GET /?" + base64.b64encode(frame) + b" HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 500 Broken\r\nContent-Length: 2\r\n\r\nno", "500"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "0 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + bytes(70_000), "65537 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "5 bytes .* missing"),
        (b"what?\r\n\r\n", "what"),
        (b"", "closed"),
    ],
)
def test_an_answer_that_is_none_is_a_lost_line(answer: bytes, reason: str) -> None:
    with answering(lambda request: answer) as port:
        line = HttpLine(LOOPBACK, port)
        line.open()
        line.write(b"\x02")
        with pytest.raises(LineLost, match=reason):
            read(line)
        line.close()


def test_closing_ends_a_request_that_nobody_answers() -> None:
    with listening() as listener:
        line = HttpLine(LOOPBACK, port_of(listener))
        line.open()
        line.write(b"\x02")
        far, _ = listener.accept()
        with far:
            far.settimeout(WAIT_S)
            assert far.recv(4096).startswith(b"GET /?Ag==")
            line.close()
            while far.recv(4096):
                pass
