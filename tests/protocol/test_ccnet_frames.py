"""Golden frames of CCNET: the host's codec, the decoder and the twin must each agree with them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.acceptors.ccnet.decode import decode_line
from hardware.acceptors.ccnet.frames import (
    Code,
    Malformed,
    Status,
    channels_in,
    enable_data,
    parse,
    read_state,
    receive_buffer,
    seal,
)
from hardware.acceptors.ccnet.queries import USA, firmware_of, read_plate, read_record, read_table
from hardware.framing.checksum import crc_kermit
from hardware.sim import ccnet_wire
from hardware.sim.ccnet_device import Validator
from hardware.sim.ccnet_parts import CODES, MODELS, Settings

ROOT = Path(__file__).parents[2]
GOLDEN: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/ccnet.json").read_text(encoding="utf-8"))
GOOD = [row for row in GOLDEN if row["type"] != "broken"]
BY_NUMBER = {row["number"]: bytes.fromhex(row["frame"]) for row in GOLDEN}


@pytest.mark.parametrize("row", GOOD, ids=lambda row: str(row["number"]))
def test_codec_and_twin_build_the_golden_frames(row: dict[str, Any]) -> None:
    raw = bytes.fromhex(row["frame"])
    data = parse(raw)
    assert seal(data) == raw
    assert ccnet_wire.seal(data) == raw


@pytest.mark.parametrize("row", GOOD, ids=lambda row: str(row["number"]))
def test_the_decoder_names_the_golden_frames(row: dict[str, Any]) -> None:
    side = "" if row["direction"] == "either" else row["direction"][0]
    for line in (f"{side.upper()}  {row['frame']}", f"{side}{':' * bool(side)}{row['frame'].lower().replace(' ', '')}"):
        answer = decode_line(line)
        assert answer["ok"], answer
        assert (answer["direction"], answer["type"]) == (row["direction"], row["type"])


def test_the_worked_checksum() -> None:
    registers = [crc_kermit(bytes.fromhex("02030633")[:count]) for count in range(5)]
    assert registers == [0x0000, 0x2312, 0x012B, 0xFAE6, 0x81DA]
    assert ccnet_wire.crc(bytes.fromhex("02030633")) == 0x81DA
    assert crc_kermit(BY_NUMBER[1]) == 0


def test_a_wrong_checksum_is_no_frame() -> None:
    with pytest.raises(Malformed, match="CRC: expected DA 81, found DA 80"):
        parse(BY_NUMBER[43])
    assert receive_buffer().feed(BY_NUMBER[43] + BY_NUMBER[1]) == [BY_NUMBER[1]]


@pytest.mark.parametrize(
    ("number", "name", "extra"),
    [
        (14, "idling", None),
        (15, "disabled", None),
        (16, "power_up", None),
        (17, "power_up_in_validator", None),
        (18, "power_up_in_stacker", None),
        (19, "initialize", None),
        (20, "returning", None),
        (21, "holding", None),
        (22, "busy", 5),
        (23, "rejected", 0x68),
        (24, "rejected", 0x66),
        (25, "escrowed", 4),
        (26, "stacked", 4),
        (27, "stacked", 3),
        (28, "returned", 3),
        (29, "full", None),
        (30, "cassette_out", None),
        (31, "jammed", None),
        (32, "cheated", None),
        (33, "paused", None),
        (34, "failure", 0x50),
        (41, "escrowed", 23),
    ],
)
def test_states_are_read_as_the_twin_writes_them(number: int, name: str, extra: int | None) -> None:
    assert read_state(parse(BY_NUMBER[number])) == Status(CODES[name], extra)


def test_the_hosts_masks_are_the_golden_ones() -> None:
    assert seal(enable_data(frozenset())) == BY_NUMBER[8]
    assert seal(enable_data(frozenset(range(1, 8)))) == BY_NUMBER[36]
    assert seal(enable_data(frozenset({3, 5, 7}))) == BY_NUMBER[37]
    assert enable_data(frozenset({0, 24, 25, 99})) == enable_data(frozenset())  # coupons are no money
    assert enable_data(frozenset({9})) == bytes([Code.ENABLE_BILL_TYPES, 0, 1, 0, 0, 1, 0])
    assert channels_in(parse(BY_NUMBER[38])[:3]) == frozenset(range(1, 8))


def test_the_identification_of_the_sheet() -> None:
    plate = read_plate(parse(BY_NUMBER[39]))
    assert plate is not None
    assert (plate.part, plate.serial, plate.asset) == ("FLS-EU10-693639", "07KI41AS7482", "75ED8DC8033F7B")
    assert firmware_of(plate.part) == "693639"
    assert [firmware_of(part) for part in ("SM-US1353", "", "ICTV77_US", "X_1350")] == ["1353", "", "", "1350"]
    assert read_plate(b" " * 34) is not None
    assert read_plate(b"\x19") is None


def test_the_bill_table_of_the_sheet() -> None:
    assert read_table(parse(BY_NUMBER[40])) == USA
    device = Validator()
    device.power_on()
    assert ccnet_wire.Wire(device).feed(BY_NUMBER[13]) == [BY_NUMBER[40]]
    assert read_table(parse(BY_NUMBER[39])) is None


@pytest.mark.parametrize(
    ("record", "value"),
    [
        (b"\x02USA\x01", ("USD", 2000)),
        (b"\x02USD\x01", ("USD", 2000)),
        (b"\x05EUR\x00", ("EUR", 500)),
        (b"\x05USA\x81", ("USD", 50)),
        (b"\x01USA\x83", None),
        (b"\x00USA\x01", None),
        (b"\x05USA\x7f", None),
        (bytes(5), None),
    ],
)
def test_records_of_the_bill_table(record: bytes, value: tuple[str, int] | None) -> None:
    assert read_record(record) == value


def test_what_the_twin_says_of_itself_is_read_for_every_model_and_table() -> None:
    for model in MODELS:
        table = {1: 100, 3: 50, 4: 10000, 24: 2000}
        device = Validator(Settings(model, table=table, letters="USD"))
        device.power_on()
        wire = ccnet_wire.Wire(device)
        [plate] = wire.feed(BY_NUMBER[11])
        read = read_plate(parse(plate))
        assert read is not None
        assert read.part == MODELS[model]
        [records] = wire.feed(BY_NUMBER[13])
        assert read_table(parse(records)) == {place: ("USD", value) for place, value in table.items()}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("", "empty"),
        ("H", "not hexadecimal"),
        ("zz", "not hexadecimal"),
        ("02 0", "odd"),
        ("03 03 06 33 DA 81", "SYNC"),
        ("02", "length"),
        ("02 01 06 33 DA 81", "address"),
        ("02 03 00 33 DA 81", "long frame"),
        ("02 03 07 33 DA 81", "length: LNG says 7"),
        ("02 03 06 33 DA 80", "CRC: expected DA 81"),
        ("H " + seal(b"\x34\x00").hex(), "length: ENABLE_BILL_TYPES"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(line: str, error: str) -> None:
    answer = decode_line(line)
    assert not answer["ok"]
    assert error in answer["error"]


def test_the_direction_decides_about_two_frames() -> None:
    assert decode_line("H " + BY_NUMBER[35].hex())["type"] == "reset"
    assert decode_line("D " + BY_NUMBER[35].hex())["type"] == "illegal_command"
    assert decode_line("D " + BY_NUMBER[29].hex())["state"] == "cassette_full"
    assert decode_line(BY_NUMBER[26].hex()) == {
        "ok": True,
        "direction": "device",
        "type": "state",
        "state": "stacked",
        "bill_type": 4,
    }
    assert decode_line(BY_NUMBER[23].hex())["reason"] == "inhibited type"
    assert decode_line(BY_NUMBER[34].hex())["failure"] == "stacking motor"
    assert decode_line(BY_NUMBER[37].hex())["enabled"] == [2, 4, 6]


@given(st.binary(max_size=40), st.sampled_from(["", "H ", "d: "]))
def test_every_frame_and_every_text_gets_an_answer(data: bytes, prefix: str) -> None:
    assert isinstance(decode_line(prefix + data.hex())["ok"], bool)
    assert isinstance(decode_line(data.decode("latin-1"))["ok"], bool)


@given(st.binary(min_size=1, max_size=200), st.sampled_from(["", "H ", "D "]))
def test_every_sealed_frame_is_described_or_its_length_blamed(data: bytes, prefix: str) -> None:
    answer = decode_line(prefix + seal(data).hex())
    assert answer["ok"] or answer["error"].startswith("length")
    json.dumps(answer)


@given(st.data())
def test_frames_are_found_however_they_are_split(data: st.DataObject) -> None:
    frames = [bytes.fromhex(row["frame"]) for row in data.draw(st.lists(st.sampled_from(GOOD), max_size=5))]
    stream = b"".join(frames)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))))
    buffer, found = receive_buffer(), list[bytes]()
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += buffer.feed(stream[begin:end])
    assert found == frames


@given(st.binary(max_size=30), st.sampled_from(GOOD))
def test_a_frame_behind_noise_is_found_at_the_latest_in_the_silence_after_it(noise: bytes, row: dict[str, Any]) -> None:
    raw = bytes.fromhex(row["frame"])
    buffer = receive_buffer()
    assert raw in buffer.feed(noise + raw) + buffer.flush()


def test_the_program_answers_line_by_line() -> None:
    lines = "".join(f"{row['direction'][0].upper()} {row['frame']}\n" for row in GOLDEN if row["direction"] != "either")
    done = subprocess.run(
        [sys.executable, "-m", "hardware", "decode", "ccnet"],
        cwd=ROOT,
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["ok"] for answer in answers] == [True] * (len(answers) - 1) + [False]
