"""The keyboard wedge: key codes decoded on a US layout, and the grab on a real event device where there is one."""

import fcntl
import os
import queue
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.scanner.reading import Reading
from hardware.scanner.wedge import EV_KEY, EVENT, WedgeCodec, WedgeDriver
from hardware.sim.control import Refused
from hardware.sim.wedge import WedgeTwin, strokes

WAIT_S = 20
PRINTABLE = "".join(chr(code) for code in range(32, 127)) + "\x1d"


def typed(codec: WedgeCodec, events: Iterable[tuple[int, int]], start_ms: int = 0, step_ms: int = 2) -> list[Reading]:
    found = []
    for place, (code, value) in enumerate(events):
        reading = codec.feed(code, value, start_ms + place * step_ms)
        if reading:
            found.append(reading)
    return found


def test_golden_key_codes() -> None:
    # linux/input-event-codes.h: KEY_7 8, KEY_1 2, KEY_0 11, left shift 42, KEY_A 30, KEY_ENTER 28.
    codes = [(8, 1), (8, 0), (2, 1), (2, 0), (11, 1), (11, 0), (42, 1), (30, 1), (30, 0), (42, 0), (28, 1), (28, 0)]
    assert typed(WedgeCodec(), codes) == [Reading("710A", "", 20)]


@given(st.text(PRINTABLE, min_size=1, max_size=60))
def test_whatever_a_us_keyboard_types_comes_back(text: str) -> None:
    assert [reading.payload for reading in typed(WedgeCodec(), strokes(text))] == [text]


def test_keypad_and_caps_lock() -> None:
    keypad = [(code, 1) for code in (79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 98, 55, 74, 78, 96)]
    assert [reading.payload for reading in typed(WedgeCodec(), keypad)] == ["1234567890./*-+"]
    capitals = [(58, 1), (58, 0), (30, 1), (42, 1), (30, 1), (42, 0), (2, 1), (58, 1), (30, 1), (28, 1)]
    assert [reading.payload for reading in typed(WedgeCodec(), capitals)] == ["Aa1a"]


def test_with_aim_the_prefix_is_needed_and_taken_off() -> None:
    assert typed(WedgeCodec(aim=True), strokes("]C1415\x1d39")) == [Reading("415\x1d39", "gs1_128", 44)]
    assert typed(WedgeCodec(aim=True), strokes("7111")) == []


def test_an_unknown_key_spoils_the_message_but_not_the_next() -> None:
    codec = WedgeCodec()
    events = [(8, 1), (113, 1), (8, 1), (28, 1), *strokes("7111")]
    assert [reading.payload for reading in typed(codec, events)] == ["7111"]


def test_a_pause_ends_what_was_cut_off() -> None:
    codec = WedgeCodec()
    assert typed(codec, [(8, 1), (8, 0)]) == []
    assert [reading.payload for reading in typed(codec, strokes("12"), start_ms=1000)] == ["12"]


def test_enter_alone_and_repeats_are_nothing() -> None:
    assert typed(WedgeCodec(), [(28, 1), (28, 0), (8, 1), (8, 2), (8, 2), (8, 0), (28, 1)]) == [Reading("7", "", 12)]


@given(st.lists(st.tuples(st.integers(0, 767), st.integers(-1, 3))))
def test_no_events_raise(events: list[tuple[int, int]]) -> None:
    typed(WedgeCodec(), events)


def test_the_twin_cannot_type_what_no_key_has() -> None:
    with pytest.raises(Refused, match="ü"):
        list(strokes("Zürich"))


def clock_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def test_driver_grabs_reads_and_survives_the_loss_of_the_device(tmp_path: Path) -> None:
    pipe = tmp_path / "event0"
    os.mkfifo(pipe)
    reports: queue.Queue[object] = queue.Queue()
    grabbed: list[int] = []
    driver = WedgeDriver(
        str(pipe),
        reports.put,
        lambda state, _: reports.put(state),
        clock_ms,
        grab=grabbed.append,
    )
    stop = threading.Event()
    keyboard = os.open(pipe, os.O_RDWR)  # keeps the pipe open while the driver opens it
    thread = threading.Thread(target=driver.run, args=(stop,))
    thread.start()
    try:
        assert reports.get(timeout=WAIT_S) == "ready"
        assert len(grabbed) == 1
        os.write(keyboard, b"".join(EVENT.pack(0, 0, EV_KEY, code, value) for code, value in strokes("7111")))
        reading = reports.get(timeout=WAIT_S)
        assert isinstance(reading, Reading)
        assert reading.payload == "7111"
        os.close(keyboard)
        assert reports.get(timeout=WAIT_S) == "lost"
    finally:
        stop.set()
        thread.join()


def test_a_device_that_cannot_be_grabbed_is_lost(tmp_path: Path) -> None:
    plain = tmp_path / "event0"
    plain.touch()
    reports: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    driver = WedgeDriver(str(plain), lambda _: None, lambda state, _: reports.put(state), clock_ms)
    thread = threading.Thread(target=driver.run, args=(stop,))
    thread.start()
    assert reports.get(timeout=WAIT_S) == "lost"  # the kernel refuses EVIOCGRAB on what is no event device
    stop.set()
    thread.join()


@pytest.mark.skipif(not os.access("/dev/uinput", os.W_OK), reason="no uinput on this machine")
def test_grab_of_a_virtual_keyboard(tmp_path: Path) -> None:
    reports: queue.Queue[object] = queue.Queue()
    stop = threading.Event()
    with WedgeTwin(tmp_path / "wedge") as twin:
        driver = WedgeDriver(str(tmp_path / "wedge"), reports.put, lambda state, _: reports.put(state), clock_ms)
        thread = threading.Thread(target=driver.run, args=(stop,))
        thread.start()
        try:
            assert reports.get(timeout=WAIT_S) == "ready"
            second = os.open(tmp_path / "wedge", os.O_RDONLY | os.O_NONBLOCK)
            with pytest.raises(OSError, match="busy"):
                fcntl.ioctl(second, 0x40044590, 1)
            os.close(second)
            twin.handle({"do": "scan", "payload": "7111"})
            reading = reports.get(timeout=WAIT_S)
            assert isinstance(reading, Reading)
            assert reading.payload == "7111"
        finally:
            stop.set()
            thread.join()
