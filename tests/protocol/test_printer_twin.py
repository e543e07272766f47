"""The printer's twin: the command reference, the pseudo-terminal and the control socket.

What must hold: bytes split anywhere print the same; noise never raises; what was sent without paper is kept and printed
later, unless it was cleared. Method: bytes written out by hand; the real program over its real terminal and socket.
"""

import os
import select
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hardware.sim.control import ControlClient, Refused
from hardware.sim.printer_machine import CLEAR, CLEARED, PrinterMachine
from hardware.sim.printer_paper import Code, Picture, TextLine

ROOT = Path(__file__).resolve().parents[2]
CUT = b"\x1dVB\x00"
JOB = (
    b"\x1b@\x1bt\x13\x1ba\x01\x1d!\x11\x1bE\x01City\n\x1b@\x1bt\x13a\xa4o $5\n\x1bd\x01"
    b"\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x04\x1d(k\x03\x001E1\x1d(k\x05\x001P0ok\x1d(k\x03\x001Q0"
    b"\x1dv0\x00\x02\x00\x01\x00\xf0\x0f" + CUT
)
STATUS = [b"\x10\x04" + bytes((n,)) for n in (1, 2, 3, 4)]


def test_a_job_as_written() -> None:
    machine = PrinterMachine()
    assert machine.receive(JOB) == b""
    (strip,) = machine.finished
    head, line, blank, code, picture = strip.printed
    assert isinstance(head, TextLine)
    assert (head.text, head.align, head.wide, head.high, head.runs[0].bold) == ("City", "center", 8, 2, True)
    assert isinstance(line, TextLine)
    assert (line.text, line.align, line.high, line.runs[0].bold) == ("año $5", "left", 1, False)
    assert blank == TextLine(())
    assert code == Code("ok", 4, "M")
    assert picture == Picture(16, 1, b"\xf0\x0f")


@settings(deadline=None)
@given(st.lists(st.integers(1, len(JOB)), max_size=12))
def test_bytes_split_anywhere_print_the_same(cuts: list[int]) -> None:
    whole, parts = PrinterMachine(), PrinterMachine()
    whole.receive(JOB)
    for start, end in pairwise(sorted({0, len(JOB), *cuts})):
        parts.receive(JOB[start:end])
    assert parts.finished == whole.finished


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_noise_never_raises_and_power_ends_it(noise: bytes) -> None:
    machine = PrinterMachine()
    machine.receive(noise)
    machine.power(False)
    machine.power(True)
    machine.receive(JOB)
    assert "City\naño $5\n" in machine.finished[-1].text()


@pytest.mark.parametrize(
    ("state", "answers"),
    [
        ({}, "12 12 12 12"),
        ({"paper": "low"}, "12 12 12 1e"),
        ({"paper": "out"}, "1a 32 12 7e"),
        ({"cover_open": True}, "1a 16 12 12"),
        ({"cutter_jammed": True}, "1a 52 1a 12"),
        ({"paper": "out", "bare_offline": True}, "1a 12 12 12"),
        ({"powered": False}, ""),
    ],
)
def test_status_in_real_time(state: dict[str, object], answers: str) -> None:
    machine = PrinterMachine(**state)  # type: ignore[arg-type]
    assert b"".join(map(machine.receive, STATUS)) == bytes.fromhex(answers)


def test_a_question_split_in_two_is_answered_when_it_is_whole() -> None:
    machine = PrinterMachine()
    assert machine.receive(b"\x10") == b""
    assert machine.receive(b"\x04") == b""
    assert machine.receive(b"\x01") == b"\x12"


def test_without_paper_a_job_waits_and_comes_out_later() -> None:
    """The fault that the driver must not fall for."""
    machine = PrinterMachine(paper="out")
    assert machine.receive(JOB + b"\x1dr\x01") == b""
    assert machine.finished == []
    machine.paper = "ok"
    assert machine.run() == b"\x00"
    assert len(machine.finished) == 1


def test_a_cleared_job_does_not_come_out_later() -> None:
    machine = PrinterMachine(paper="out")
    machine.receive(JOB)
    assert machine.receive(CLEAR) == CLEARED
    machine.paper = "ok"
    machine.run()
    assert machine.finished == []
    assert machine.strip.blank


def test_a_jam_is_recovered_from_and_the_job_dropped() -> None:
    machine = PrinterMachine(cutter_jammed=True)
    machine.receive(JOB + b"\x10\x05\x02")
    assert not machine.cutter_jammed
    assert machine.waiting == 0


def test_power_loss_forgets_the_job_but_not_the_paper() -> None:
    machine = PrinterMachine()
    machine.receive(b"first\nsecond")
    machine.power(False)
    machine.power(True)
    machine.receive(b"\n" + CUT)
    assert machine.finished[0].text() == "first\n"


def test_a_line_wider_than_the_paper_goes_on_in_the_next() -> None:
    machine = PrinterMachine(columns=32)
    machine.receive(b"\x1d!\x10" + b"ABCDEFGHIJKLMNOPQR\n" + CUT)
    assert machine.finished[0].text() == "ABCDEFGHIJKLMNOP\nQR\n"


def test_the_paper_runs_out_after_so_many_lines() -> None:
    machine = PrinterMachine(out_after=2)
    machine.receive(b"1\n2\n3\n4\n")
    assert machine.paper == "out"
    assert machine.strip.text() == "1\n2\n"
    assert machine.waiting == 4


def read(fd: int, count: int) -> bytes:
    data = b""
    while len(data) < count and select.select([fd], [], [], 10)[0]:
        data += os.read(fd, count - len(data))
    return data


def test_the_program_prints_over_its_terminal_and_obeys_its_socket(tmp_path: Path) -> None:
    link, socket, out = tmp_path / "printer", tmp_path / "s", tmp_path / "out"
    arguments = ["--link", str(link), "--control", str(socket), "--out", str(out), "--columns", "42"]
    program = "import sys; from hardware.sim.printer import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, cwd=ROOT) as twin:
        assert twin.stdout is not None
        try:
            assert b"link" in twin.stdout.readline()
            fd = os.open(link, os.O_RDWR | os.O_NOCTTY)
            os.write(fd, JOB + b"\x1dr\x01")
            assert read(fd, 1) == b"\x00"
            with ControlClient(socket) as control:
                state = control.ask({"do": "wait_receipt", "count": 1, "timeout_ms": 20_000})
                assert state["receipts"] == 1
                assert "año $5" in state["text"]
                assert (out / "receipt-001.txt").read_text(encoding="utf-8") == state["text"]
                with Image.open(out / "receipt-001.png") as picture:
                    assert picture.width > 42 * 12
                assert control.ask({"do": "paper_low"})["paper"] == "low"
                os.write(fd, STATUS[3])
                assert read(fd, 1) == b"\x1e"
                with pytest.raises(Refused, match="dance"):
                    control.ask({"do": "dance"})
                with pytest.raises(Refused, match="lines"):
                    control.ask({"do": "paper_out_after", "lines": 0})
                with pytest.raises(Refused, match="not 2"):
                    control.ask({"do": "wait_receipt", "count": 2, "timeout_ms": 1})
                assert not control.ask({"do": "cable_out"})["plugged_in"]
                assert not link.is_symlink()
                with pytest.raises(OSError, match="Input/output"):
                    os.write(fd, b"x")
                assert control.ask({"do": "cable_in"})["plugged_in"]
                assert link.exists()
            os.close(fd)
        finally:
            twin.send_signal(signal.SIGTERM)
            assert twin.wait(20) == 0
    assert not link.is_symlink()
