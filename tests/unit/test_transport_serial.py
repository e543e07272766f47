"""Serial lines over real pseudo-terminals, and a line in memory."""

import errno
import fcntl
import os
import select
import struct
import termios
from pathlib import Path
from typing import Any

import pytest
import serial

from hardware.sim.lines import PtyLine
from hardware.transport import LineBusy, LineLost, MemoryLine, SerialLine
from hardware.transport.serial_line import _lockers, holders

TIOCGEXCL = 0x80045440


@pytest.fixture
def cable(tmp_path: Path) -> Any:
    cable = PtyLine(tmp_path / "port")
    cable.plug_in()
    yield cable
    cable.unplug()


def _arrived(line: SerialLine | PtyLine) -> bytes:
    assert select.select([line.fileno()], [], [], 5)[0]
    return line.read()


def test_bytes_pass_both_ways(cable: PtyLine) -> None:
    line = SerialLine(cable.link)
    line.open()
    line.write(b"\x02\x08")
    assert _arrived(cable) == b"\x02\x08"
    cable.write(b"\x02\x0b")
    assert _arrived(line) == b"\x02\x0b"
    assert line.read() == b""
    assert cable.read() == b""
    line.close()
    line.close()


def test_what_lay_in_the_port_before_is_forgotten(cable: PtyLine) -> None:
    cable.write(b"old")
    line = SerialLine(cable.link)
    line.open()
    cable.write(b"new")
    assert _arrived(line) == b"new"
    line.close()


def test_a_pulled_cable_is_noticed_and_another_terminal_is_found_behind_the_link(cable: PtyLine) -> None:
    line = SerialLine(cable.link)
    line.open()
    before = os.readlink(cable.link)
    cable.unplug()
    with pytest.raises(LineLost):
        _arrived(line)
    with pytest.raises(LineLost):
        line.write(b"x")
    with pytest.raises(LineLost, match="not there"):
        line.open()
    taken = os.openpty()  # so that the next terminal is another one
    cable.plug_in()
    cable.plug_in()
    line.open()
    assert os.readlink(cable.link) != before
    cable.write(b"y")
    assert _arrived(line) == b"y"
    line.close()
    for end in taken:
        os.close(end)


def test_a_port_is_held_alone(cable: PtyLine) -> None:
    first, second = SerialLine(cable.link), SerialLine(cable.link)
    first.open()
    with pytest.raises(LineBusy, match="held by another process"):
        second.open()
    first.close()
    second.open()
    second.close()


def test_who_holds_a_file_is_found(tmp_path: Path) -> None:
    assert holders(tmp_path / "nothing") == ""


def test_who_has_a_lock_is_known_from_the_kernel(tmp_path: Path) -> None:
    """Of processes of other users the open files cannot be seen; their locks can."""
    path = tmp_path / "port"
    path.touch()
    with path.open() as file:
        assert _lockers(path) == set()
        fcntl.flock(file, fcntl.LOCK_EX)
        assert _lockers(path) == {os.getpid()}
    assert _lockers(path) == set()
    assert _lockers(tmp_path / "nothing") == set()


def test_a_closed_line_says_so(tmp_path: Path) -> None:
    line = SerialLine(tmp_path / "port")
    for use in (line.fileno, line.read, lambda: line.write(b"")):
        with pytest.raises(LineLost, match="closed"):
            use()


def test_a_terminal_that_refuses_seven_bits_is_opened_with_eight(cable: PtyLine) -> None:
    asked: list[tuple[int, str]] = []

    def refuse(port: str, baud: int, size: int, parity: str, *rest: Any, **more: Any) -> serial.Serial:
        asked.append((size, parity))
        if size == serial.SEVENBITS:
            raise termios.error(errno.EINVAL, "Invalid argument")
        return serial.Serial(port, baud, size, parity, *rest, **more)

    line = SerialLine(cable.link, connect=refuse)
    line.open()
    assert asked == [(7, "E"), (8, "N")]
    line.close()


@pytest.mark.parametrize("error", [termios.error(errno.EINVAL, "no"), serial.SerialException("no"), OSError(5, "no")])
def test_a_terminal_that_refuses_everything_is_lost(cable: PtyLine, error: Exception) -> None:
    def refuse(*_: Any, **__: Any) -> serial.Serial:
        raise error

    with pytest.raises(LineLost):
        SerialLine(cable.link, connect=refuse).open()


def test_a_real_port_is_not_tried_with_other_settings(tmp_path: Path) -> None:
    asked: list[int] = []

    def refuse(port: str, baud: int, size: int, *rest: Any, **more: Any) -> serial.Serial:
        asked.append(size)
        raise OSError(errno.EINVAL, "Invalid argument")

    (tmp_path / "port").touch()
    with pytest.raises(LineLost, match="Invalid argument"):
        SerialLine(tmp_path / "port", connect=refuse).open()
    assert asked == [7]


def test_a_port_that_does_not_keep_seven_bits_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As the mini-UART of the Pi: here a terminal that only looks like a real port."""
    cable = PtyLine(tmp_path / "hidden")
    cable.plug_in()
    (tmp_path / "port").touch()

    def disguise(_port: str, *rest: Any, **more: Any) -> serial.Serial:
        return serial.Serial(os.readlink(tmp_path / "hidden"), 9600, 8, "N", 1, timeout=0)

    line = SerialLine(tmp_path / "port", connect=disguise)
    line.open()
    assert "does not keep 7E" in caplog.text
    assert held_alone(line.fileno()), "the kernel refuses it to others"
    line.close()
    cable.unplug()


def held_alone(descriptor: int) -> bool:
    return bool(struct.unpack("i", fcntl.ioctl(descriptor, TIOCGEXCL, bytes(4)))[0])


def test_a_pseudo_terminal_is_held_by_its_lock_alone(cable: PtyLine) -> None:
    """Its other end would keep it closed for us too, if we were killed."""
    line = SerialLine(cable.link)
    line.open()
    assert not held_alone(line.fileno())
    line.close()


def test_a_link_left_behind_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "port").symlink_to("/nowhere")
    cable = PtyLine(tmp_path / "port")
    with pytest.raises(OSError, match="cable is out"):
        cable.fileno()
    assert cable.read() == b""
    cable.plug_in()
    assert os.readlink(tmp_path / "port").startswith("/dev/")
    cable.unplug()
    cable.unplug()


def test_the_line_in_memory_comes_and_goes() -> None:
    line = MemoryLine()
    with pytest.raises(LineLost, match="closed"):
        line.read()
    with pytest.raises(LineLost, match="closed"):
        line.fileno()
    line.open()
    assert line.peer is not None
    assert line.read() == b""
    line.peer.sendall(b"a")
    assert line.read() == b"a"
    line.pull()
    with pytest.raises(LineLost, match="hung up"):
        line.read()
    with pytest.raises(LineLost):
        line.open()
    with pytest.raises(LineLost):
        line.write(b"x")
