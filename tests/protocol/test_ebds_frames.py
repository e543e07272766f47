"""Golden frames: the host's codec, the decoder and the twin must each agree with them."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.acceptors.ebds.decode import decode_line
from hardware.acceptors.ebds.frames import Frame, Malformed, command_data, parse, parse_status, receive_buffer
from hardware.acceptors.ebds.profiles import MEI_S2K, MEI_SC, PYRAMID, revision_text
from hardware.acceptors.ebds.queries import read_part_number, read_text, read_value_table, read_variant
from hardware.sim.ebds_wire import seal

ROOT = Path(__file__).parents[2]
GOLDEN: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/ebds.json").read_text(encoding="utf-8"))
FRAMES = [bytes.fromhex(row["frame"]) for row in GOLDEN]
BY_NUMBER = {row["number"]: bytes.fromhex(row["frame"]) for row in GOLDEN}


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: str(row["number"]))
def test_codec_and_twin_build_the_golden_frames(row: dict[str, Any]) -> None:
    raw = bytes.fromhex(row["frame"])
    frame = parse(raw)
    assert frame.encode() == raw
    assert seal(raw[2], raw[3:-2]) == raw


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: str(row["number"]))
def test_the_decoder_names_the_golden_frames(row: dict[str, Any]) -> None:
    for line in (row["frame"], row["frame"].lower().replace(" ", ""), f"{row['direction'][0].upper()}  {row['frame']}"):
        answer = decode_line(line)
        assert answer["ok"], answer
        assert (answer["direction"], answer["type"]) == (row["direction"], row["type"])


@pytest.mark.parametrize(
    ("number", "states", "events", "channel"),
    [
        (10, ["idling"], [], 0),
        (13, ["idling"], ["stacked"], 0),
        (14, ["escrowed"], [], 0),
        (15, ["accepting"], [], 0),
        (16, ["escrowed"], [], 5),
        (17, ["stacking"], [], 0),
        (18, ["idling"], ["stacked"], 5),
        (19, ["returning"], [], 0),
        (20, ["idling"], ["returned"], 0),
        (21, ["idling"], ["rejected"], 0),
        (25, ["idling"], ["stacked"], 1),
    ],
)
def test_states_events_and_note_types(number: int, states: list[str], events: list[str], channel: int) -> None:
    answer = decode_line(BY_NUMBER[number].hex())
    assert (answer["states"], answer["events"], answer["note_type"]) == (states, events, channel)


def test_the_cassette_is_there_when_its_bit_is_set() -> None:
    assert parse_status(BY_NUMBER[10][3:]).cassette
    assert not parse_status(BY_NUMBER[11][3:]).cassette
    assert parse_status(BY_NUMBER[12][3:]).power_up
    assert parse_status(BY_NUMBER[28][3:]).jammed


def test_the_hosts_commands_are_the_golden_ones() -> None:
    everything = frozenset(range(1, 8))
    assert Frame(1, 0, command_data(everything)).encode() == BY_NUMBER[6]
    assert Frame(1, 1, command_data(everything, 0x20)).encode() == BY_NUMBER[7]
    assert Frame(1, 1, command_data(everything, 0x40)).encode() == BY_NUMBER[8]
    assert Frame(1, 0, command_data(frozenset({1, 2, 3, 4, 5}))).encode() == BY_NUMBER[9]
    assert command_data(frozenset({0, 8, 99})) == bytes([0, 0x1C, 0])


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("", "empty"),
        ("H", "not hexadecimal"),
        ("zz", "not hexadecimal"),
        ("02 0", "odd"),
        ("03 08 10 7F 1C 10 03 6B", "STX"),
        ("02", "length"),
        ("02 04 10 14", "length"),
        ("02 09 10 7F 1C 10 03 6B", "length: LEN says 9"),
        ("02 08 10 7F 1C 10 04 6B", "ETX"),
        ("02 08 10 7F 1C 10 03 6A", "checksum: expected 6B"),
        ("D 02 08 10 7F 1C 10 03 6B", "comes from the host"),
        ("H 02 0B 20 01 10 00 00 54 2A 03 44", "comes from the device"),
        (seal(0x10, b"\x00").hex(), "length: a command"),
        (seal(0x20, b"\x00").hex(), "length: a status"),
        (seal(0x70, b"").hex(), "length: an extended"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(line: str, error: str) -> None:
    answer = decode_line(line)
    assert not answer["ok"]
    assert error in answer["error"]


def test_parity_bits_of_an_eight_bit_capture_are_masked() -> None:
    line = bytes(byte | 0x80 for byte in BY_NUMBER[18]).hex()
    assert decode_line(line)["masked"]
    assert decode_line(line)["events"] == ["stacked"]


@given(st.binary(max_size=40), st.sampled_from(["", "H ", "d: "]))
def test_every_frame_and_every_text_gets_an_answer(data: bytes, prefix: str) -> None:
    assert isinstance(decode_line(prefix + data.hex())["ok"], bool)
    assert isinstance(decode_line(data.decode("latin-1"))["ok"], bool)


@given(st.integers(0, 0x7F), st.binary(max_size=90))
def test_every_sealed_frame_is_described_or_its_length_blamed(control: int, data: bytes) -> None:
    answer = decode_line(seal(control, bytes(byte & 0x7F for byte in data)).hex())
    assert answer["ok"] or answer["error"].startswith("length")


def test_the_command_line_answers_line_by_line() -> None:
    lines = b"H 02 08 10 7F 1C 10 03 6B\n\xff\xfe\n\n020b20011000005 42a0344"
    done = subprocess.run(
        [sys.executable, "-m", "hardware", "decode", "ebds"], cwd=ROOT, input=lines, capture_output=True, check=True
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["ok"] for answer in answers] == [True, False, False, True]


# The receive buffer


def _feed(pieces: list[bytes]) -> list[bytes]:
    buffer = receive_buffer()
    return [frame for piece in pieces for frame in buffer.feed(piece)] + buffer.flush()


@given(st.data())
def test_frames_are_found_however_they_are_split(data: st.DataObject) -> None:
    frames = data.draw(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=4))
    stream = b"".join(frames)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=10)) | {0, len(stream)})
    assert _feed([stream[a:b] for a, b in pairwise(cuts)]) == frames


@given(
    st.binary(max_size=30).map(lambda noise: noise.replace(b"\x02", b"").replace(b"\x82", b"")), st.sampled_from(FRAMES)
)
def test_noise_without_a_start_byte_hides_nothing(noise: bytes, frame: bytes) -> None:
    assert _feed([noise + frame + noise + frame]) == [frame, frame]


@pytest.mark.parametrize(
    "noise", [b"\x02", b"\x02\x02\x02", b"\x02\x04", b"\x02\x7f", b"\x05\x02\x0b\x20", b"\x02\x00\x02\x7e\x02"]
)
def test_a_false_start_costs_only_itself(noise: bytes) -> None:
    frame = BY_NUMBER[18]
    assert _feed([noise, frame]) == [frame]


def test_the_high_bit_is_taken_off() -> None:
    assert _feed([bytes(byte | 0x80 for byte in BY_NUMBER[16])]) == [BY_NUMBER[16]]


@pytest.mark.parametrize("at", range(len(BY_NUMBER[18])))
def test_any_single_damaged_bit_makes_it_no_frame(at: int) -> None:
    for bit in range(7):
        frame = bytearray(BY_NUMBER[18])
        frame[at] ^= 1 << bit
        assert BY_NUMBER[18] not in _feed([bytes(frame)])
        with pytest.raises(Malformed):
            parse(bytes(frame))


# Answers to queries


def test_texts_end_at_the_first_control_byte() -> None:
    assert read_text(b"SC83\x00\x41") == "SC83"
    assert read_text(b"A" * 30) == "A" * 20
    assert read_text(bytes([1, 2, 3, 4, 0, 0])) is None
    assert read_variant(b"SC USA_USD".ljust(32, b"\0")) == "SC USA_USD"
    assert read_variant(b"short") is None


@pytest.mark.parametrize(
    ("digits", "text"),
    [(b"280000123", "28000 V1.23"), (b"286001204", "286001 V2.04"), (b"28000012", None), (b"28000012x", None)],
)
def test_part_numbers(digits: bytes, text: str | None) -> None:
    assert read_part_number(digits) == text


def test_the_value_table_is_read_in_cents() -> None:
    table = read_value_table(parse(BY_NUMBER[41]))
    assert table == {n: ("USD", cents) for n, cents in enumerate((100, 200, 500, 1000, 2000, 5000, 10000), 1)}
    assert read_value_table(parse(BY_NUMBER[34])) is None
    assert read_value_table(parse(BY_NUMBER[10])) is None
    broken = bytearray(BY_NUMBER[41][3:-2])
    broken[7 + 4] = ord("x")
    assert 1 not in (read_value_table(Frame(7, 0, bytes(broken))) or {1: None})


def test_fractions_of_a_unit_are_cents_or_nothing() -> None:
    def table(row: bytes) -> object:
        return read_value_table(Frame(7, 0, bytes([6, *[1] * 6]) + row.ljust(70, b"\0")))

    assert table(b"\x01USD005-01") == {1: ("USD", 50)}
    assert table(b"\x01USD005-03") is None


def test_revisions_are_written_as_their_makers_do() -> None:
    assert [revision_text(MEI_SC, 0x2A), revision_text(MEI_S2K, 0x21), revision_text(PYRAMID, 17)] == [
        "4.2",
        "2.1",
        "1.17",
    ]
