"""Golden frames: the host's codec, the decoder and the twin must each agree with them."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.acceptors.id003.currency import COUNTRIES, USA, channel_of, contradiction, own_table, read_rows
from hardware.acceptors.id003.decode import decode_line
from hardware.acceptors.id003.frames import SETTINGS, Frame, Malformed, parse, receive_buffer
from hardware.acceptors.id003.queries import read_version
from hardware.acceptors.id003.settings import disabled_mask
from hardware.framing.checksum import crc_kermit
from hardware.sim.id003_device import Acceptor
from hardware.sim.id003_parts import Settings
from hardware.sim.id003_wire import Wire, seal

ROOT = Path(__file__).parents[2]
GOLDEN: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/id003.json").read_text(encoding="utf-8"))
FRAMES = [bytes.fromhex(row["frame"]) for row in GOLDEN]
BY_NUMBER = {row["number"]: bytes.fromhex(row["frame"]) for row in GOLDEN}


def test_the_checksum_is_kermit() -> None:
    assert crc_kermit(b"123456789") == 0x2189
    steps = [crc_kermit(bytes.fromhex(part)) for part in ("FC", "FC05", "FC0511")]
    assert steps == [0x3DE3, 0x8205, 0x5627]
    assert not any(crc_kermit(frame) for frame in FRAMES)


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: str(row["number"]))
def test_codec_and_twin_build_the_golden_frames(row: dict[str, Any]) -> None:
    raw = bytes.fromhex(row["frame"])
    frame = parse(raw)
    assert frame.encode() == raw
    assert seal(raw[2], raw[3:-2]) == raw


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: str(row["number"]))
def test_the_decoder_names_the_golden_frames(row: dict[str, Any]) -> None:
    directions = ("host", "device") if row["direction"] == "both" else (row["direction"],)
    for direction in directions:
        for line in (f"{direction[0].upper()}  {row['frame']}", f"{direction[0]}: {row['frame'].lower()}"):
            answer = decode_line(line)
            assert answer["ok"], answer
            assert (answer["direction"], answer["type"]) == (direction, row["type"])
    assert decode_line(row["frame"].replace(" ", ""))["ok"]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("D FC 05 11 27 56", {"status": "idling"}),
        ("FC 05 11 27 56", {"command": "status", "status": "idling", "direction": "host or device"}),
        ("FC 05 42 39 36", {"command": "stack_2", "status": "power_up_in_stacker"}),
        ("FC 05 50 AA 05", {"command": "ack", "status": "ack"}),
        ("FC 06 13 63 A2 D8", {"status": "escrow", "channel": 3, "code": "63"}),
        ("FC 06 17 79 19 00", {"status": "rejecting", "reason": "inhibited"}),
        ("FC 06 49 A2 A0 21", {"status": "failure", "failure": "stacker motor"}),
        ("FC 07 C0 60 00 78 D0", {"setting": "denominations", "disabled": ["66", "67"]}),
        ("FC 06 C3 00 04 D6", {"setting": "inhibit", "accept": True}),
        ("FC 06 C7 02 76 92", {"notes": True, "tickets": False}),
        (seal(0x83).hex(), {"query": "read_inhibit", "type": "query"}),
        (seal(0x13, b"\x6f12345678").hex(), {"ticket": "12345678"}),
        (seal(0x4B).hex(), {"type": "answer", "status": "invalid_command"}),
        (seal(0xF0, b"\x20").hex(), {"type": "unknown", "data": "20"}),
    ],
)
def test_what_a_frame_says(line: str, fields: dict[str, Any]) -> None:
    answer = decode_line(line)
    assert fields.items() <= answer.items()


def test_the_version_and_the_table_are_read() -> None:
    version = "i(EUR5)100-SS ID003-05V300-45 28JUN23 7F23"
    answer = decode_line(seal(0x88, version.encode()).hex())
    assert (answer["model"], answer["country"], answer["text"]) == ("i100-SS", "EUR5", version)
    assert read_version("i(EUR5)-100-SS ID003-05V300-45 28JUN23 7F23")[0] == "i-100-SS"
    assert read_version("something else") == ("something", "", "else")
    table = decode_line(BY_NUMBER[24].hex())["table"]
    assert {int(channel): row["value_minor"] for channel, row in table.items()} == {
        channel: value_minor for channel, (_, value_minor) in USA.items()
    }


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("", "empty"),
        ("H", "not hexadecimal"),
        ("zz", "not hexadecimal"),
        ("FC 0", "odd"),
        ("FD 05 11 27 56", "SYNC"),
        ("FC", "length"),
        ("FC 04 11 27", "length"),
        ("FC 06 11 27 56", "length: LNG says 6"),
        ("FC 05 11 27 57", "checksum: expected 27 56"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(line: str, error: str) -> None:
    answer = decode_line(line)
    assert not answer["ok"]
    assert error in answer["error"]


@given(st.binary(max_size=40), st.sampled_from(["", "H ", "d: "]))
def test_every_frame_and_every_text_gets_an_answer(data: bytes, prefix: str) -> None:
    assert isinstance(decode_line(prefix + data.hex())["ok"], bool)
    assert isinstance(decode_line(data.decode("latin-1"))["ok"], bool)


@given(st.integers(0, 0xFF), st.binary(max_size=250), st.sampled_from(["", "H ", "D "]))
def test_every_sealed_frame_is_described(command: int, data: bytes, prefix: str) -> None:
    assert decode_line(prefix + seal(command, data).hex())["ok"]


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


@given(st.binary(max_size=30).map(lambda noise: noise.replace(b"\xfc", b"")), st.sampled_from(FRAMES))
def test_noise_without_a_start_byte_hides_nothing(noise: bytes, frame: bytes) -> None:
    assert _feed([noise + frame + noise + frame]) == [frame, frame]


@pytest.mark.parametrize("noise", [b"\xfc", b"\xfc\xfc\xfc", b"\xfc\x04", b"\xfc\xff", b"\x05\xfc\x07\xc0", b"\x05"])
def test_a_false_start_costs_only_itself(noise: bytes) -> None:
    assert _feed([noise, BY_NUMBER[14]]) == [BY_NUMBER[14]]


def test_the_start_byte_occurs_in_data() -> None:
    frame = seal(0x91, b"\xfc\xfc\x05\x15\x03\x10\xfc")
    assert _feed([frame[:6], frame[6:]]) == [frame]


@pytest.mark.parametrize("at", range(len(BY_NUMBER[12])))
def test_any_single_damaged_bit_makes_it_no_frame(at: int) -> None:
    for bit in range(8):
        frame = bytearray(BY_NUMBER[12])
        frame[at] ^= 1 << bit
        assert _feed([bytes(frame)]) == []
        with pytest.raises(Malformed):
            parse(bytes(frame))


# Settings and tables


def test_the_hosts_settings_are_the_golden_ones() -> None:
    everything = frozenset(range(1, 17))
    assert Frame(0xC0, disabled_mask(frozenset(range(1, 9)) | {9, 10})).data == b"\x00\xfc"
    assert Frame(0xC0, disabled_mask(everything)).data == b"\x00\x40"  # 6F is a ticket
    assert Frame(0xC0, disabled_mask(everything - {6, 7})).data == b"\x60\x40"
    assert disabled_mask(frozenset()) == b"\xff\xff"
    assert disabled_mask(frozenset({0, 17, 99})) == b"\xff\xff"
    assert {raw[2] for number, raw in BY_NUMBER.items() if number in (9, 10, 25, 26, 29)} <= SETTINGS


@pytest.mark.parametrize(("profile", "number"), [("wba", 24), ("ivizion", 8)])
def test_the_twins_tables_are_the_golden_ones(profile: str, number: int) -> None:
    device = Acceptor(Settings(profile))
    device.power_on()
    assert Wire(device).feed(BY_NUMBER[7]) == [BY_NUMBER[number]]


def test_values_are_base_times_ten_to_the_exponent() -> None:
    rows = read_rows(BY_NUMBER[8][3:-2])
    assert rows is not None
    assert {channel: value for channel, (_, value) in own_table(rows).items()} == {
        2: 500,
        3: 1000,
        4: 2000,
        5: 5000,
        6: 10000,
        7: 20000,
        8: 50000,
    }
    assert {currency for currency, _ in own_table(rows).values()} == {"EUR"}
    assert read_rows(b"") is None
    assert read_rows(b"\x61\x01\x01") is None
    assert read_rows(b"\x61\x01\x01\xff\x60\x01\x01\x00\x6f\x01\x01\x00") == {}


def test_a_country_has_several_numbers_and_belongs_to_one_currency() -> None:
    numbers = [number for some in COUNTRIES.values() for number in some]
    assert len(numbers) == len(set(numbers))
    for number in COUNTRIES["USD"]:
        assert contradiction(read_rows(bytes([0x65, number, 0x14, 0])), {5: ("USD", 2000)}) == ""


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b"", "does not say"),
        (b"\x62\x01\x02\x00", "none of the configured"),
        (b"\x65\x33\x14\x00", "country number 33 is not known"),
        (b"\x65\xe0\x14\x00", "configured USD 20.00, the device says EUR 20.00"),
        (b"\x65\x01\x32\x00\x61\x01\x01\x00", "code 65: configured USD 20.00, the device says USD 50.00"),
        (b"\x61\x01\x01\x00\x62\xe0\x05\x00", ""),  # what is not configured does not matter
    ],
)
def test_a_table_that_contradicts_the_configured_one_is_named(rows: bytes, said: str) -> None:
    found = contradiction(read_rows(rows), USA)
    assert said in found
    assert bool(said) == bool(found)


def test_codes_are_channels_but_for_the_tickets() -> None:
    assert [channel_of(code) for code in (0x60, 0x61, 0x68, 0x6E, 0x6F, 0x70, 0x71, 0)] == [0, 1, 8, 14, 0, 16, 0, 0]
