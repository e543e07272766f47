"""The serial imager: golden messages, bytes split anywhere, noise, and the driver on a real pseudo-terminal."""

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.scanner.imager import Garbled, ImagerCodec, ImagerDriver
from hardware.scanner.reading import Reading, from_aim
from hardware.sim.control import ControlClient, ControlServer, Refused
from hardware.sim.imager import ImagerTwin

WAIT_S = 20

# Messages as imagers send them, with prefix and CR, and what they mean.
GOLDEN = [
    (b"]C07111000441400044170000531826120198\r", Reading("7111000441400044170000531826120198", "code128")),
    (b"]C1415770999801371180201\x1d3902100\r", Reading("415770999801371180201\x1d3902100", "gs1_128")),
    (b"]Q1SPC\n0200\n1\r", Reading("SPC\n0200\n1", "qr")),
    (b"]Q3415770999801371180201\r", Reading("415770999801371180201", "gs1_qr")),
    (b"]d1ABC\r", Reading("ABC", "datamatrix")),
    (b"]d2415770999801371180201\r", Reading("415770999801371180201", "gs1_datamatrix")),
    (b"]I083860000005096\r", Reading("83860000005096", "itf")),
    (b"]A0AB-1\r", Reading("AB-1", "code39")),
    (b"]L0HRVHUB30\r", Reading("HRVHUB30", "pdf417")),
    (b"]X001234567094987654321\r", Reading("01234567094987654321", "postal")),
    ("]Q1Zürich\r".encode(), Reading("Zürich", "qr")),
    (b"]Q1Z\xfcrich\r", Reading("Zürich", "qr")),
]


@pytest.mark.parametrize(("message", "reading"), GOLDEN)
def test_golden_messages(message: bytes, reading: Reading) -> None:
    assert ImagerCodec().feed(message, 0) == [reading]


@given(st.lists(st.sampled_from(GOLDEN), min_size=1, max_size=5), st.data())
def test_split_anywhere(chosen: list[tuple[bytes, Reading]], data: st.DataObject) -> None:
    stream = b"".join(message + data.draw(st.sampled_from([b"", b"\n"])) for message, _ in chosen)
    codec, found, now_ms = ImagerCodec(), [], 0
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += codec.feed(stream[:size], now_ms)
        stream = stream[size:]
    assert found == [reading for _, reading in chosen]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"7111000441400044\r", "prefix"),
        (b"]C0\r", "prefix"),
        (b"]Z0123\r", "prefix"),
        (b"]C0123\x02456\r", "control"),
        (b"\x02]C0123\r", "prefix"),
        (b"\x00" * 20 + b"\r", "prefix"),
        (b"\r", "prefix"),
        (b"]C0" + b"1" * 5000 + b"\r", "length"),
    ],
)
def test_anything_else_is_garbled_and_the_next_message_is_read(message: bytes, reason: str) -> None:
    codec = ImagerCodec()
    assert codec.feed(message + b"]C0123\r", 0) == [Garbled(reason), Reading("123", "code128")]


def test_a_message_that_stops_is_dropped() -> None:
    codec = ImagerCodec()
    assert codec.feed(b"]C0711100", 1000) == []
    assert codec.tick(1499) == []
    assert codec.tick(1500) == [Garbled("timeout")]
    assert codec.feed(b"]C0123\r", 1600) == [Reading("123", "code128")]
    assert codec.feed(b"]C0456", 2000) == []
    assert codec.feed(b"]C0789\r", 3000) == [Garbled("timeout"), Reading("789", "code128")]


def test_another_end_mark_lets_carriage_returns_through() -> None:
    codec = ImagerCodec(end=b"\x04")
    assert codec.feed(b"]Q1SPC\r\n0200\r\n1\x04", 0) == [Reading("SPC\r\n0200\r\n1", "qr")]


def test_time_from_first_byte_to_end() -> None:
    codec = ImagerCodec()
    codec.feed(b"]C0", 100)
    assert codec.feed(b"123\r", 130) == [Reading("123", "code128", 30)]


@given(st.lists(st.binary(max_size=40)))
def test_no_bytes_raise_and_every_reading_had_its_prefix(chunks: list[bytes]) -> None:
    codec = ImagerCodec()
    for chunk in chunks:
        for found in codec.feed(chunk, 0):
            assert isinstance(found, Garbled) or found.symbology


@given(st.text(max_size=12))
def test_only_a_known_prefix_is_a_reading(text: str) -> None:
    reading = from_aim(text)
    assert reading is None or text == text[:3] + reading.payload


class Listener:
    """A driver on its own thread; what it reports comes out of a queue."""

    def __init__(self, port: Path) -> None:
        self.reports: queue.Queue[Reading | tuple[str, str]] = queue.Queue()
        self._stop = threading.Event()
        driver = ImagerDriver(
            str(port),
            self.reports.put,
            lambda state, reason: self.reports.put((state, reason)),
            lambda: time.monotonic_ns() // 1_000_000,
        )
        self._thread = threading.Thread(target=driver.run, args=(self._stop,))
        self._thread.start()

    def next(self) -> Reading | tuple[str, str]:
        return self.reports.get(timeout=WAIT_S)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[tuple[Path, ControlClient]]:
    link, control = tmp_path / "imager", tmp_path / "control"
    with ImagerTwin(link) as made, ControlServer(control, made.handle), ControlClient(control) as client:
        yield link, client


def test_driver_reads_the_twin_through_a_pulled_cable(twin: tuple[Path, ControlClient]) -> None:
    link, client = twin
    listener = Listener(link)
    try:
        assert listener.next() == ("ready", "")
        client.ask({"do": "scan", "payload": "7111000\x1d44", "symbology": "gs1_128"})
        reading = listener.next()
        assert isinstance(reading, Reading)
        assert (reading.payload, reading.symbology) == ("7111000\x1d44", "gs1_128")
        client.ask({"do": "cable_out"})
        lost = listener.next()
        assert isinstance(lost, tuple)
        assert lost[0] == "lost"
        client.ask({"do": "cable_in"})
        while (report := listener.next()) != ("ready", ""):
            assert isinstance(report, tuple)
            assert report[0] == "lost"
        client.ask({"do": "scan", "payload": "again", "symbology": "qr"})
        reading = listener.next()
        assert isinstance(reading, Reading)
        assert reading.payload == "again"
    finally:
        listener.close()


def test_driver_reports_what_is_no_message(twin: tuple[Path, ControlClient]) -> None:
    link, client = twin
    listener = Listener(link)
    try:
        assert listener.next() == ("ready", "")
        client.ask({"do": "prefix_off"})
        client.ask({"do": "scan", "payload": "7111", "symbology": "qr"})
        assert listener.next() == ("ready", "prefix")
        client.ask({"do": "prefix_on"})
        client.ask({"do": "cut_after", "bytes": 5})
        client.ask({"do": "scan", "payload": "7111", "symbology": "qr"})
        assert listener.next() == ("ready", "timeout")
        client.ask({"do": "raw", "hex": "0202020d"})
        assert listener.next() == ("garbled", "prefix")
        client.ask({"do": "scan", "payload": "7111", "symbology": "qr"})
        assert listener.next() == ("ready", "")
        assert isinstance(listener.next(), Reading)
        client.ask({"do": "raw", "hex": "0202020d"})
        assert listener.next() == ("ready", "prefix")
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"do": "scan", "payload": "1", "symbology": "morse"}, "morse"),
        ({"do": "scan"}, "payload"),
        ({"do": "raw", "hex": "0g"}, "not hex"),
        ({"do": "dance"}, "dance"),
    ],
)
def test_the_twin_refuses(twin: tuple[Path, ControlClient], request_: dict[str, str], error: str) -> None:
    with pytest.raises(Refused, match=error):
        twin[1].ask(request_)


def test_the_twin_without_its_cable_refuses_scans(twin: tuple[Path, ControlClient]) -> None:
    twin[1].ask({"do": "cable_out"})
    assert not twin[0].is_symlink()
    with pytest.raises(Refused, match="cable"):
        twin[1].ask({"do": "scan", "payload": "1"})
