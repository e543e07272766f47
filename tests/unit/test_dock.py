"""The dock without its window: the words on the shell, the links to the twins, and how a state reads.

Method: real control sockets with a recording twin behind them; the shell's words through `main` itself.
"""

import json
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import segno
from PIL import Image

from hardware.sim.camera import CameraTwin
from hardware.sim.checkreader import CheckReaderTwin
from hardware.sim.control import ControlServer, Refused
from hardware.sim.dock.__main__ import main
from hardware.sim.dock.bills import as_image, as_payload, bill_pictures, thumbnail
from hardware.sim.dock.devices import DEVICES, NOTES_MINOR, dollars, held, is_connected, readings, standing
from hardware.sim.dock.link import Heard, Link
from hardware.sim.ebds import EbdsTwin
from hardware.sim.network import NetworkTwin
from hardware.sim.printer import PrinterTwin


class RecordingTwin:
    """Answers each request and keeps it; refuses what is named "jam"."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {"powered": True, "plugged_in": True}

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "jam":
            raise Refused("no note is in the path")
        if request["do"] != "state":
            self.requests.append(request)
            self.state["plugged_in"] = request["do"] != "cable_out"
        return self.state


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[RecordingTwin]:
    twin = RecordingTwin()
    with ControlServer(tmp_path / "acceptor.sock", twin.handle):
        yield twin


def say(folder: Path, *words: str) -> int:
    return main(["--sockets", str(folder), "say", *words])


def test_a_word_on_the_shell_reaches_the_twin_and_prints_its_answer(
    twin: RecordingTwin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(tmp_path, "acceptor", "insert", "value_minor=2000", "ragged=true", "why=a=b") == 0
    assert twin.requests == [{"do": "insert", "value_minor": 2000, "ragged": True, "why": "a=b"}]
    assert json.loads(capsys.readouterr().out) == {"ok": True, "powered": True, "plugged_in": True}


def test_a_socket_of_its_own_comes_before_the_folder(twin: RecordingTwin, tmp_path: Path) -> None:
    arguments = ["--sockets", "/nowhere", "--acceptor", str(tmp_path / "acceptor.sock"), "say", "acceptor", "empty"]
    assert main(arguments) == 0
    assert twin.requests == [{"do": "empty"}]


def test_a_refusal_and_an_absent_twin_exit_1_and_say_why(
    twin: RecordingTwin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(tmp_path, "acceptor", "jam") == 1
    assert "no note is in the path" in capsys.readouterr().err
    assert say(tmp_path, "printer", "state") == 1
    assert "printer" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["coffee", "brew"], ["acceptor", "insert", "2000"], ["acceptor"]])
def test_a_mistake_exits_2(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        say(tmp_path, *words)
    assert end.value.code == 2


def next_act(heard: "queue.SimpleQueue[Heard]") -> Heard:
    while (one := heard.get(timeout=20)).is_poll:
        pass
    return one


def test_a_link_polls_acts_and_tells_refusals(twin: RecordingTwin, tmp_path: Path) -> None:
    heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
    link = Link("acceptor", tmp_path / "acceptor.sock", heard.put, poll_s=0.01)
    assert heard.get(timeout=20).state == {"ok": True, "powered": True, "plugged_in": True}
    link.ask({"do": "cable_out"})
    done = next_act(heard)
    assert (done.request, done.problem) == ({"do": "cable_out"}, "")
    assert done.state is not None
    assert done.state["plugged_in"] is False
    link.ask({"do": "jam"})
    assert next_act(heard).problem == "no note is in the path"
    link.close()


def test_a_link_outlives_its_twin_and_finds_it_again(tmp_path: Path) -> None:
    heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
    path = tmp_path / "acceptor.sock"
    link = Link("acceptor", path, heard.put, poll_s=0.01)
    assert heard.get(timeout=20).state is None
    for _ in range(2):
        with ControlServer(path, RecordingTwin().handle):
            while heard.get(timeout=20).state is None:
                pass
        while heard.get(timeout=20).state is not None:
            pass
    link.close()


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (None, "No twin"),
        ({}, "Connected"),
        ({"powered": False, "plugged_in": False}, "No power"),
        ({"powered": True, "plugged_in": False}, "Cable out"),
        ({"up": False}, "Unplugged"),
    ],
)
def test_the_standing_says_the_worst(state: dict[str, Any] | None, word: str) -> None:
    assert standing(state).text == word
    assert is_connected(state or {}) is (word in ("Connected", "No twin"))


def test_a_state_reads_as_lines_and_unknown_fields_are_left_out() -> None:
    acceptor = DEVICES["acceptor"]
    state = {
        "escrow_minor": 2000,
        "cassette_minor": 123450,
        "cassette_notes": 5,
        "enabled": [100, 2000],
        "mood": "fine",
    }
    lines = {line.label: (line.text, line.tone) for line in readings(acceptor, state)}
    assert lines == {
        "Takes now": ("$1 $20", "good"),
        "In escrow": ("$20", "caution"),
        "In the cassette": ("$1,234.50 in 5 notes", "plain"),
    }
    assert readings(acceptor, {}) == ()


def press_all(device: str, handle: Callable[[dict[str, Any]], dict[str, Any]], refused: set[str]) -> None:
    """Press each button of a card, the good state of each pair last. What may be refused is named."""
    for row in DEVICES[device].rows:
        for act in (*row.acts[1:], row.acts[0]):
            try:
                handle(act.request)
            except Refused:
                assert act.label in refused, f"{device}: {act.label}"
                continue
            state = handle({"do": "state"})
            assert act.is_on is None or act.is_on(state), f"{device}: {act.label} {state}"
            assert readings(DEVICES[device], state)


def test_every_button_of_the_acceptor_is_known_to_its_twin(tmp_path: Path) -> None:
    notes = {dollars(value) for value in NOTES_MINOR}  # a twin whose host sleeps takes none
    with EbdsTwin(tmp_path / "acceptor") as twin:
        press_all("acceptor", twin.handle, refused=notes)


def test_every_button_of_the_printer_is_known_to_its_twin(tmp_path: Path) -> None:
    with PrinterTwin(tmp_path / "printer", tmp_path / "out") as twin:
        press_all("printer", twin.handle, refused=set())


def test_every_button_of_the_camera_is_known_to_its_twin_and_a_bill_shows(tmp_path: Path) -> None:
    twin = CameraTwin(tmp_path / "frames")
    press_all("camera", twin.handle, refused=set())
    segno.make_qr("ACCT 4417").save(str(tmp_path / "bill.png"), scale=8)
    assert held(twin.handle(as_image(tmp_path / "bill.png"))) == "bill.png"


def test_every_button_of_the_network_is_known_to_its_twin() -> None:
    twin = NetworkTwin(0, 1)
    press_all("network", twin.handle, refused=set())
    twin.close()


def test_every_button_of_the_check_reader_is_known_to_its_twin(tmp_path: Path) -> None:
    with CheckReaderTwin(tmp_path / "checks") as twin:
        press_all("checks", twin.handle, refused=set())


def test_dollars_show_cents_only_where_there_are_any() -> None:
    assert [dollars(value) for value in (0, 2000, 123456, 5)] == ["$0", "$20", "$1,234.56", "$0.05"]


def test_a_bill_is_held_out_as_picture_or_as_what_is_printed_on_it(tmp_path: Path) -> None:
    segno.make_qr("ACCT 4417").save(str(tmp_path / "b.png"), scale=8)
    (tmp_path / "a.txt").write_text("not a picture")
    (bill,) = bill_pictures(tmp_path)
    assert as_image(bill) == {"do": "show", "image": str(tmp_path / "b.png")}
    assert as_payload(bill) == {"do": "scan", "payload": "ACCT 4417", "symbology": "qr"}
    assert max(thumbnail(bill).size) <= 320


def test_a_printable_bill_is_held_out_by_its_first_page(tmp_path: Path) -> None:
    segno.make_qr("ACCT 4417").save(str(tmp_path / "bill.pdf"), scale=6)
    (bill,) = bill_pictures(tmp_path)
    assert as_payload(bill)["payload"] == "ACCT 4417"
    assert thumbnail(bill).mode == "RGB"


def test_a_picture_without_a_code_is_said_so(tmp_path: Path) -> None:
    Image.new("RGB", (200, 100), "white").save(tmp_path / "blank.png")
    with pytest.raises(ValueError, match=r"no barcode found on blank\.png"):
        as_payload(tmp_path / "blank.png")
