"""Golden messages: the kiosk's codec, the decoder and the twin must each agree with them."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.cards.masking import holds_card_number, without_card_numbers
from hardware.cards.zvt import Profile, requests
from hardware.cards.zvt.decode import decode_line
from hardware.cards.zvt.fields import bcd, read_container, read_fields
from hardware.cards.zvt.frames import Message, Noise, Receiver, crc, framed, length_of, parse
from hardware.cards.zvt.link import TcpLink
from hardware.cards.zvt.prompts import patience_ms, prompt
from hardware.cards.zvt.status import Likeness, compare, read_information, read_status
from hardware.sim import zvt_wire

ROOT = Path(__file__).parents[2]
GOLDEN: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/zvt.json").read_text(encoding="utf-8"))
MESSAGES = {row["number"]: bytes.fromhex(row["message"]) for row in GOLDEN}
FRAMES = [framed(message) for message in MESSAGES.values()]
PROFILE = Profile()
CARD = "4111111111111111"


def data_of(number: int) -> bytes:
    return parse(MESSAGES[number]).data


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: str(row["number"]))
def test_codec_and_twin_build_the_golden_messages(row: dict[str, Any]) -> None:
    raw = MESSAGES[row["number"]]
    message = parse(raw)
    assert message.encode() == zvt_wire.message(message.code, message.data) == raw
    assert zvt_wire.split(raw + b"\x80") == ((message.code, message.data), b"\x80")
    assert framed(raw) == zvt_wire.seal(raw)
    if "serial" in row:
        assert framed(raw) == bytes.fromhex(row["serial"])


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: str(row["number"]))
def test_the_decoder_names_the_golden_messages(row: dict[str, Any]) -> None:
    plain = row["message"]
    for line in (
        plain,
        plain.lower().replace(" ", ""),
        row.get("serial", plain),
        framed(MESSAGES[row["number"]]).hex(),
    ):
        answer = decode_line(line)
        assert answer["ok"], answer
        assert answer["type"] == row["type"]
    if answer["direction"]:
        assert decode_line(f"{answer['direction'][0].upper()}  {plain}")["ok"]


def test_the_checksum_is_the_one_of_the_sheet() -> None:
    assert crc(b"123456789") == 0x2189
    assert crc(bytes.fromhex("80 00 00 03")) == 0x1FF5


def test_the_kiosk_says_the_golden_commands() -> None:
    assert requests.registration(PROFILE).encode() == MESSAGES[26]
    assert requests.sale(PROFILE, 4725).encode() == MESSAGES[27]
    assert requests.reversal(PROFILE, "0043", 4725).encode() == MESSAGES[28]
    assert requests.repeat(PROFILE).encode() == MESSAGES[30]
    assert requests.end_of_day(PROFILE).encode() == MESSAGES[31]
    assert requests.CANCEL.encode() == MESSAGES[32]
    assert requests.POSITIVE.encode() == MESSAGES[2]
    assert requests.PLEASE_WAIT.encode() == MESSAGES[3]
    assert requests.NOT_ISSUED.encode() == MESSAGES[35]
    euro = Profile(password="123456", currency="EUR")
    assert requests.enquiry(euro).encode() == MESSAGES[5]
    assert "123456" not in repr(euro)


def test_no_command_asks_for_card_data() -> None:
    forbidden = {0x22, 0x23, 0x24, 0x2D, 0x0E, 0x3A}
    for amount_minor in (1, 4725, 10**12 - 1):
        said = requests.sale(PROFILE, amount_minor)
        assert said.code not in (0x06C0, 0x06C6)
        assert not forbidden & set(read_fields(said.data).bmps)


def test_an_approval_is_read_whole() -> None:
    said = read_information(data_of(18))
    assert (said.good, said.amount_minor, said.currency, said.mark) == (True, 2040, "0978", "R0470T000470D1006223953")
    slip = said.slip
    assert (slip.brand, slip.last4, slip.approval, slip.terminal_id) == ("Maestro", "4771", "611804", "28004869")
    assert (slip.merchant_id, slip.trace) == ("100461763", "000470")


def test_an_approval_with_tags_is_read_whole() -> None:
    said = read_information(data_of(20))
    assert (said.good, said.amount_minor, said.mark) == (True, None, "R0008T10015008D1029231355")
    slip = said.slip
    assert (slip.brand, slip.application, slip.aid) == ("Mastercard", "Debit Mastercard", "A0000000041010")
    assert (slip.entry, slip.verified, slip.trace, slip.last4) == ("contactless", "none", "10015008", "4771")


def test_the_payment_type_may_stand_at_the_top() -> None:
    inside = read_container(bytes.fromhex("2F 08 1F 12 01 02 1F 10 01 00"))
    assert inside.tags == read_container(bytes.fromhex("1F 12 01 02 1F 10 01 00")).tags


def test_the_end_of_day_counts_payments() -> None:
    said = read_information(data_of(22))
    assert (said.good, said.amount_minor, said.count) == (True, 2600, 4)


def test_completions_are_read_by_what_they_end() -> None:
    assert read_status(data_of(6)) == (0x00, "2.14.15")
    assert read_status(bytes([0xDC])) == (0xDC, "")
    assert read_status(bytes([0xF0])) == (0xF0, "")
    assert read_status(b"")[0] != 0


def test_progress_with_and_without_minutes() -> None:
    said = prompt("A1", data_of(11))
    assert said is not None
    assert (said.code, said.text, patience_ms(data_of(11))) == ("wait", "00 Approved", 180_000)
    without = bytes.fromhex("0A 06 06 24 04 07 02 4F 4B")
    said = prompt("A1", without)
    assert said is not None
    assert (said.code, said.text, patience_ms(without)) == ("present_card", "OK", None)
    assert prompt("A1", b"\x41") is not None
    assert prompt("A1", b"\x1d") is None
    assert prompt("A1", b"") is None


def test_an_unknown_field_ends_the_reading() -> None:
    said = read_fields(bytes.fromhex("27 00 87 00 43 99 01 02 49 08 40"))
    assert said.unread == 0x99
    assert set(said.bmps) == {0x27, 0x87}


@pytest.mark.parametrize(
    ("one", "other", "like"),
    [
        ("R0470T000470D1006223953", "R0470T000470D1006223953", Likeness.SAME),
        ("R0470T000470", "R0470T000470D1006223953", Likeness.SAME),
        ("R0470T000470D1006223953", "R0471T000471D1006224011", Likeness.OTHER),
        ("R0470", "R0471T000471D1006224011", Likeness.OTHER),
        ("R0001T000001D1006223953", "R0001T000001D1007090000", Likeness.DOUBTFUL),
        ("R0470", "T000470", Likeness.DOUBTFUL),
        ("", "", Likeness.SAME),
        ("", "R0470", Likeness.OTHER),
        ("R0470", "no mark", Likeness.DOUBTFUL),
    ],
)
def test_two_transactions_are_told_apart(one: str, other: str, like: Likeness) -> None:
    assert compare(one, other) is compare(other, one) is like


# Card data


def test_no_card_data_leaves_the_parser() -> None:
    number = bytes.fromhex(CARD)
    track = bytes.fromhex(CARD + "d3012201")
    leaky = b"\x27\x00\x22\xf0\xf8" + number + b"\x0e\x30\x12" + b"\x23\xf1\xf2" + track
    leaky += b"\x3c\xf0\xf2\xf1CARD " + CARD.encode() + b"\x8b\xf1\xf7" + CARD.encode() + b"\0"
    leaky += b"\x06\x13\x1f\x08\x10" + CARD.encode()
    said = read_information(leaky)
    assert said.tracks == ("track 1", "track 2")
    assert (said.good, said.slip.last4, said.slip.brand) == (True, "1111", "")
    fields = read_fields(leaky)
    shown = repr(
        (said, fields, parse(Message(0x040F, leaky).encode()), decode_line(Message(0x040F, leaky).encode().hex()))
    )
    assert CARD not in shown
    assert number.hex() not in shown
    assert str(number) not in shown
    assert "3012" not in shown


@pytest.mark.parametrize(
    "text", [CARD, "4111 1111 1111 1111", "4111-1111-1111-1111", f"no. {CARD}.", "378282246310005", f"00{CARD}99"]
)
def test_what_looks_like_a_card_number_is_dropped(text: str) -> None:
    assert holds_card_number(text)
    assert not any(CARD[at : at + 8] in without_card_numbers(text) for at in range(8))


@pytest.mark.parametrize(
    "text", ["4111111111111112", "611804", "2026-11-23 18:44", "000470", "0000000000000000", "100461763123456"]
)
def test_other_numbers_stay(text: str) -> None:
    assert without_card_numbers(text) == text


# The decoder


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("", "empty"),
        ("H", "not hexadecimal"),
        ("80 0", "odd"),
        ("80 00", "length"),
        ("80 00 01", "length"),
        ("10 03 80", "DLE STX"),
        ("10 02 80 00 00 10 03 F5", "does not end"),
        ("10 02 80 00 00 10 03 F5 1E", "CRC: expected F5 1F"),
        ("10 02 80 00 00 10 03 F5 1F 06", "more than one"),
        ("D 06 01 09 04 00 00 00 00 33 00 02 0A", "comes from the host"),
        (framed(b"\x80\x00\x01").hex(), "length"),
    ],
)
def test_what_is_wrong_with_a_message_is_named(line: str, error: str) -> None:
    answer = decode_line(line)
    assert not answer["ok"]
    assert error in answer["error"]


@given(st.binary(max_size=60), st.sampled_from(["", "H ", "d: "]))
def test_every_message_and_every_text_gets_an_answer(data: bytes, prefix: str) -> None:
    assert isinstance(decode_line(prefix + data.hex())["ok"], bool)
    assert isinstance(decode_line(data.decode("latin-1"))["ok"], bool)
    for code in (0x040F, 0x04FF, 0x060F, 0x0600, 0x0630, 0x06D1, 0x06D3):
        assert decode_line(Message(code, data).encode().hex())["ok"]


def test_the_command_line_answers_line_by_line() -> None:
    lines = b"H 06 B0 00\n\xff\xfe\n\n10 02 80 00 00 10 03 F5 1F\n"
    done = subprocess.run(
        [sys.executable, "-m", "hardware", "decode", "zvt"], cwd=ROOT, input=lines, capture_output=True, check=True
    )
    assert [json.loads(line)["ok"] for line in done.stdout.splitlines()] == [True, False, False, True]


# Streams


@given(st.data())
def test_frames_are_found_however_they_are_split(data: st.DataObject) -> None:
    messages = data.draw(st.lists(st.sampled_from(list(MESSAGES.values())), min_size=1, max_size=4))
    link = TcpLink()
    for stream, feed in (
        (b"\x06".join(framed(message) for message in messages), Receiver().feed),
        (b"".join(messages), lambda piece: [message.encode() for message in link.receive(piece, 0)]),
    ):
        cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=10)) | {0, len(stream)})
        found = [item for a, b in pairwise(cuts) for item in feed(stream[a:b])]
        assert [item for item in found if item is not Noise.ACK] == messages


@given(st.binary(max_size=30).map(lambda noise: noise.replace(b"\x10", b"")), st.sampled_from(FRAMES))
def test_noise_without_a_start_hides_nothing(noise: bytes, frame: bytes) -> None:
    found = [item for item in Receiver().feed(noise + frame + noise + frame) if isinstance(item, bytes)]
    assert [framed(item) for item in found] == [frame, frame]


@pytest.mark.parametrize("noise", [b"\x10", b"\x10\x10", b"\x10\x02", b"\x10\x02\x06\x0f", b"\x10\x02\x80\x00\x00"])
def test_a_false_start_costs_only_itself(noise: bytes) -> None:
    found = [item for item in Receiver().feed(noise + FRAMES[0]) if isinstance(item, bytes)]
    assert found == [MESSAGES[1]]


@pytest.mark.parametrize("at", range(2, len(framed(MESSAGES[28]))))
def test_any_single_damaged_bit_makes_it_no_frame(at: int) -> None:
    for bit in range(8):
        frame = bytearray(framed(MESSAGES[28]))
        frame[at] ^= 1 << bit
        assert MESSAGES[28] not in Receiver().feed(bytes(frame))


@given(st.integers(0, 0xFFFF), st.binary(max_size=400))
def test_messages_of_any_length_survive_both_framings(code: int, data: bytes) -> None:
    raw = Message(code, data).encode()
    assert raw == zvt_wire.message(code, data)
    assert length_of(raw) == len(raw)
    assert Receiver().feed(zvt_wire.seal(raw)) == [raw]
    assert parse(raw).data == data


@given(st.integers(0, 10**12 - 1))
def test_amounts_are_twelve_digits(amount_minor: int) -> None:
    assert int(bcd(amount_minor, 6).hex()) == amount_minor
