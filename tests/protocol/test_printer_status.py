"""What a printer says of itself: golden answers of the command reference, and noise.

What must hold: each bit of each answer means what the reference says; bytes may come split anywhere; noise never
raises. Method: bytes written out by hand, and hypothesis for what nobody wrote.
"""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.printer.status import PrinterStatus, StatusDecoder

FINE = PrinterStatus(online=True, paper="ok")


def asked(answers: bytes, bare_offline: bool = False) -> PrinterStatus:
    decoder = StatusDecoder(bare_offline)
    for request in (1, 2, 3, 4):
        assert decoder.ask(request) == bytes((0x10, 0x04, request))
    return decoder.feed(answers)


@pytest.mark.parametrize(
    ("answers", "status", "trouble"),
    [
        ("12 12 12 12", FINE, ""),
        ("16 12 12 12", FINE, ""),  # the drawer's pin says nothing
        ("12 12 12 1e", PrinterStatus(True, "low"), ""),
        ("1a 32 12 7e", PrinterStatus(False, "out"), "paper_out"),
        ("1a 32 12 72", PrinterStatus(False, "out"), "paper_out"),
        ("1a 16 12 12", PrinterStatus(False, "ok", cover_open=True), "cover_open"),
        ("1a 52 1a 12", PrinterStatus(False, "ok", cutter_error=True), "cutter_error"),
        ("1a 52 32 12", PrinterStatus(False, "ok", error="unrecoverable"), "error"),
        ("1a 52 52 12", PrinterStatus(False, "ok", error="recoverable"), "error"),
        ("5a 1a 12 12", PrinterStatus(False, "ok", feeding=True), "offline"),
        ("1a 12 12 12", PrinterStatus(False, "ok"), "offline"),
    ],
)
def test_each_answer(answers: str, status: PrinterStatus, trouble: str) -> None:
    got = asked(bytes.fromhex(answers))
    assert got == status
    assert got.trouble == trouble


def test_a_model_that_says_offline_when_the_paper_ends() -> None:
    assert asked(bytes.fromhex("1a 12 12 12"), bare_offline=True).trouble == "paper_out"
    assert asked(bytes.fromhex("1a 16 12 12"), bare_offline=True).trouble == "cover_open"
    assert asked(bytes.fromhex("12 12 12 12"), bare_offline=True).trouble == ""


def test_before_any_answer_nothing_is_known_and_nothing_is_printed() -> None:
    decoder = StatusDecoder()
    assert decoder.status.trouble == "offline"
    decoder.ask(1)
    assert decoder.waiting
    decoder.feed(b"\x12")
    assert not decoder.waiting
    assert decoder.status.paper == "unknown"


def test_an_answer_that_nobody_asked_for_means_nothing() -> None:
    decoder = StatusDecoder()
    assert decoder.feed(b"\x1a\x12\x72") == PrinterStatus()


@pytest.mark.parametrize(("answer", "paper"), [("00", "ok"), ("03", "low"), ("0f", "out"), ("0c", "out")])
def test_the_sensors_told_in_turn(answer: str, paper: str) -> None:
    decoder = StatusDecoder()
    decoder.feed(bytes.fromhex(answer))
    assert (decoder.status.paper, decoder.strange) == ("unknown", 1), "nobody asked"
    decoder.ask_barrier()
    assert decoder.feed(bytes.fromhex(answer)).paper == paper
    assert decoder.barriers == 1


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        ("10 00 00 0f", FINE),
        ("38 00 0f 0f", PrinterStatus(False, "out", cover_open=True)),
        ("18 08 00 00", PrinterStatus(False, "ok", cutter_error=True)),
        ("10 00 03 00", PrinterStatus(True, "low")),
    ],
)
def test_automatic_status(frame: str, status: PrinterStatus) -> None:
    decoder = StatusDecoder()
    assert decoder.feed(bytes.fromhex(frame)) == status
    assert decoder.barriers == 0


def test_answers_between_other_talk() -> None:
    """Flow control, "buffers cleared" and automatic status stand between the question and its answer."""
    decoder = StatusDecoder()
    decoder.ask(1)
    decoder.ask(4)
    got = decoder.feed(bytes.fromhex("13 11 37 25 00 10 00 00 0f 12 12"))
    assert got == FINE
    assert decoder.barriers == 0


def test_an_automatic_status_cut_short_does_not_eat_the_answer() -> None:
    decoder = StatusDecoder()
    decoder.ask(1)
    assert decoder.feed(bytes.fromhex("10 00 12")).online
    assert not decoder.waiting


@settings(deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8), st.lists(st.integers(1, 4), max_size=6))
def test_noise_split_anywhere(noise: bytes, cuts: list[int], requests: list[int]) -> None:
    whole, parts = StatusDecoder(), StatusDecoder()
    for request in requests:
        whole.ask(request)
        parts.ask(request)
    edges = sorted({0, len(noise), *(cut for cut in cuts if cut < len(noise))})
    for start, end in pairwise(edges):
        parts.feed(noise[start:end])
    assert whole.feed(noise) == parts.status
    assert whole.barriers == parts.barriers


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_after_noise_a_whole_question_round_is_believed(noise: bytes) -> None:
    decoder = StatusDecoder()
    decoder.feed(noise)
    decoder.feed(b"\x11\x11\x11")  # ends whatever the noise began
    for request in (1, 2, 3, 4):
        decoder.ask(request)
    assert decoder.feed(bytes.fromhex("1a 32 12 72")) == PrinterStatus(False, "out")
