"""Golden frames: the host's codec, the decoder and the twin must each agree with them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.cards.contract import Slip
from hardware.cards.pax import requests, responses
from hardware.cards.pax.decode import decode_line
from hardware.cards.pax.frames import Body, Control, Malformed, Receiver, parse, seal
from hardware.sim import pax_wire

ROOT = Path(__file__).parents[2]
GOLDEN: list[dict[str, Any]] = json.loads((ROOT / "tests/vectors/pax.json").read_text(encoding="utf-8"))
BY_NUMBER = {row["number"]: bytes.fromhex(row["frame"]) for row in GOLDEN}
CARD = "4111111111111111"


def told(number: int) -> Any:
    return parse([BY_NUMBER[number][1:-2]])


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: str(row["number"]))
def test_codec_and_twin_build_the_golden_frames(row: dict[str, Any]) -> None:
    raw = bytes.fromhex(row["frame"])
    assert seal(raw[1:-2].decode("ascii")) == raw
    assert pax_wire.seal(raw[1:-2]) == raw
    assert Receiver().feed(raw) == [Body(raw[1:-2], good=True)]


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: str(row["number"]))
def test_the_decoder_names_the_golden_frames(row: dict[str, Any]) -> None:
    for line in (row["frame"], bytes.fromhex(row["frame"]).hex(" ").upper(), f"{row['direction'][0]} {row['frame']}"):
        answer = decode_line(line)
        assert answer["ok"], answer
        assert (answer["direction"], answer["type"]) == (row["direction"], row["type"])


def test_the_hosts_requests_are_the_golden_ones() -> None:
    assert requests.plain("A00", "1.35") == BY_NUMBER[1]
    assert requests.plain("A14", "1.35") == BY_NUMBER[10]
    assert requests.plain("A16", "1.35") == BY_NUMBER[11]
    assert requests.void("1.35", "16", "2", "", "987654321") == BY_NUMBER[8]
    assert requests.by_reference("1.35", "K1000042") == BY_NUMBER[21]
    assert requests.void("1.35", "16", "K1000043", "7", "") == BY_NUMBER[23]
    assert requests.close_batch("1.32", "20260110170000") == BY_NUMBER[24]
    # Frame 20 has an invoice number too, which a kiosk does not send.
    assert requests.sale("1.35", "K1000042", 4725, False) == seal(
        BY_NUMBER[20][1:-2].decode().replace("\x1fUTIL-88213", "")
    )
    assert b"REPORTSTATUS=1" in requests.sale("1.35", "K1000042", 4725, True)


@pytest.mark.parametrize("command", ["A28", "A30", "A40", "A52", "B04", "T02", "T04", "T06", "T12", "A54"])
def test_what_a_kiosk_never_sends_cannot_be_built(command: str) -> None:
    with pytest.raises(ValueError, match="not for a kiosk"):
        requests.build(command, "1.35", "")


def test_no_account_can_be_sent_and_no_field_can_end_a_frame() -> None:
    with pytest.raises(ValueError, match="no account"):
        requests.build("T00", "1.35", "01", "100", CARD, "K1")
    for text in ("A\x03B", "A\x02", "A\x1cB", "é"):
        with pytest.raises(ValueError, match="no field"):
            requests.build("A10", "1.35", text)
    for reference in ("", "k1", "K" * 17, "K-1", CARD):
        with pytest.raises(ValueError, match="no reference"):
            requests.sale("1.35", reference, 100, False)
    for amount in (0, -1, 10**8):
        with pytest.raises(ValueError, match="an amount"):
            requests.sale("1.35", "K1", amount, False)


@pytest.mark.parametrize(
    ("number", "result", "amount_minor"),
    [(14, "cancelled", 0), (15, "cancelled", 0), (26, "declined", 0), (27, "approved", 2000), (28, "approved", 4725)],
)
def test_what_became_of_the_money(number: int, result: str, amount_minor: int) -> None:
    verdict = responses.judge(told(number), "sale", "K1000042", 4725)
    assert (verdict.result, verdict.amount_minor) == (result, amount_minor)


def test_a_captured_approval_and_record() -> None:
    verdict = responses.judge(told(17), "sale", "256549", 15_000)
    assert (verdict.result, verdict.amount_minor) == ("approved", 15_000)
    record = responses.record(told(18))
    assert (record.reference, record.number, record.amount_minor, record.kind) == ("AA011116231523", "1", 2460, "01")
    assert responses.judge_record(record, "sale", 2460).result == "approved"
    assert record.slip == Slip(
        brand="Visa",
        last4="0119",
        entry="contactless",
        approval="07773A",
        application="Visa Credit",
        aid="A0000000031010",
        tvr="0000000000",
        tsi="0000",
        cryptogram="F80D3A1AC252BE68",
        batch="2",
        host_reference="601118475324",
    )
    done = responses.closing(told(19))
    assert (done.result, done.count, done.total_minor) == ("approved", 8, 12_901)


@pytest.mark.parametrize(
    ("reference", "asked_minor"),
    [("K1000099", 15_000), ("256549", 14_999), ("256549", 15_001)],
    ids=["another's", "more than was asked for", "less, and not called partial"],
)
def test_an_approval_that_does_not_fit_is_unknown(reference: str, asked_minor: int) -> None:
    assert responses.judge(told(17), "sale", reference, asked_minor).result == "unknown"


def test_only_codes_that_are_listed_decide() -> None:
    sure = ("approved", "declined", "cancelled", "not_started")
    body = BY_NUMBER[17][1:-2].decode()
    found = {}
    for code in [f"{number:06d}" for number in (*range(400), *range(100_000, 100_100), 199_999, 999_999)]:
        response = parse([body.replace("000000", code, 1).encode()])
        found[code] = responses.judge(response, "sale", "256549", 15_000).result
    approved = {code for code, result in found.items() if result == "approved"}
    assert approved == {"000000", "000002", "000003", "100011"}
    unsure = {code for code, result in found.items() if result not in sure}
    assert {"000001", "000004", "100006", "100008", "100009", "100010", "100021", "100023", "199999"} <= unsure


def test_a_duplicate_of_anothers_is_no_sale_of_ours() -> None:
    assert responses.judge(told(28), "sale", "K1000099", 4725).result == "declined"


# Cutting the stream


def test_every_frame_is_found_however_it_is_split_and_glued() -> None:
    stream = b"\x00\x06" + b"\x00".join(BY_NUMBER.values()) + b"\x04\x15"
    whole = Receiver().feed(stream)
    receiver = Receiver()
    assert [item for byte in stream for item in receiver.feed(bytes([byte]))] == whole
    assert [item.raw for item in whole if isinstance(item, Body)] == [raw[1:-2] for raw in BY_NUMBER.values()]
    assert [item for item in whole if isinstance(item, Control)] == [Control(0x06), Control(0x04), Control(0x15)]
    for at in range(1, 200):
        receiver = Receiver()
        assert receiver.feed(stream[:at]) + receiver.feed(stream[at:]) == whole


@pytest.mark.parametrize("check", [0x02, 0x03, 0x04, 0x06, 0x15, 0x1C, 0x1F, 0x20, 0x0A, 0x00])
def test_a_checksum_may_be_any_byte(check: int) -> None:
    texts = (f"0\x1cA01\x1c{chr(first)}{chr(second)}" for first in range(33, 127) for second in range(33, 127))
    text = next(text for text in texts if seal(text)[-1] == check)
    stream = seal(text) + b"\x06" + seal("0\x1cA01")
    assert [type(item) for item in Receiver().feed(stream)] == [Body, Control, Body]
    assert all(item.good for item in Receiver().feed(stream) if isinstance(item, Body))


def test_a_stray_start_and_an_endless_frame_cost_nothing_more() -> None:
    receiver = Receiver()
    assert receiver.feed(b"\x02noise" + BY_NUMBER[14]) == [Body(BY_NUMBER[14][1:-2], good=True)]
    found = receiver.feed(b"\x02" + b"A" * 40_000)
    assert [item.good for item in found if isinstance(item, Body)] == [False]
    assert not receiver.inside


# No card number


@given(
    st.sampled_from([CARD, "5555555555554444", "378282246310005", "4111-1111-1111-1111", "6011 1111 1111 1117"]),
    st.sampled_from(["T01", "T03", "R03", "A01", "B01", "A79", "T07"]),
    st.integers(0, 18),
    st.integers(0, 12),
    st.sampled_from(["{}", "PAN={}", "TRACK2={}=2712101", "CARD {} OK", "{}D271210"]),
)
def test_no_card_number_survives(card: str, command: str, group: int, position: int, form: str) -> None:
    groups = [["0"], [command], ["1.35"], ["000000"], ["OK"], *([""] * 13 for _ in range(16))]
    groups[max(3, min(group, len(groups) - 1))] = [*[""] * position, form.format(card)]
    body = "\x1c".join("\x1f".join(texts) for texts in groups)
    response = parse([body.encode()])
    seen = [repr(response), *(text for texts in response.groups for text in texts), response.code, response.message]
    read = responses.record(response) if command == "R03" else responses.transaction(response)
    seen += [repr(read), repr(responses.identity(response, False)), json.dumps(decode_line(seal(body).hex()))]
    seen.append(json.dumps(decode_line(seal("T00\x1c1.35\x1c01\x1c100\x1c" + card).hex())))
    digits = "".join(filter(str.isdigit, card))
    assert not any(digits in "".join(filter(str.isalnum, text)) for text in seen)
    assert card not in repr(Receiver().feed(seal(body)))


def test_the_expiry_date_and_the_name_are_dropped() -> None:
    answer = json.dumps(decode_line(BY_NUMBER[17].hex())) + repr(told(17).groups)
    assert "1225" not in answer
    assert "Test Card" not in answer
    assert "541333" not in answer


# The decoder


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("", "empty"),
        ("H", "not hexadecimal"),
        ("02 0", "odd"),
        ("30 31", "STX"),
        ("02 41", "ETX"),
        (BY_NUMBER[1].hex() + "06", "ETX"),
        (BY_NUMBER[1].hex()[:-2] + "00", "checksum: expected 5B"),
        ("D " + BY_NUMBER[1].hex(), "comes from the host"),
        ("H " + BY_NUMBER[14].hex(), "comes from the device"),
        (seal("HELLO").hex(), "no command"),
        (seal("0\x1cHELLO").hex(), "no response"),
        (seal("A00\x1c\x15").hex(), "no field"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(line: str, error: str) -> None:
    answer = decode_line(line)
    assert not answer["ok"]
    assert error in answer["error"]


def test_control_bytes_have_names() -> None:
    assert [decode_line(byte)["type"] for byte in ("06", "H 15", "D: 04", "05")] == ["ack", "nak", "eot", "enq"]


@given(st.binary(max_size=60), st.sampled_from(["", "H ", "d: "]))
def test_every_frame_and_every_text_gets_an_answer(data: bytes, prefix: str) -> None:
    assert isinstance(decode_line(prefix + data.hex())["ok"], bool)
    assert isinstance(decode_line(data.decode("latin-1"))["ok"], bool)
    assert isinstance(decode_line(pax_wire.seal(data).hex())["ok"], bool)


@given(st.lists(st.text(st.characters(min_codepoint=28, max_codepoint=126), max_size=9), max_size=30))
def test_every_response_is_parsed_or_malformed(groups: list[str]) -> None:
    body = "\x1c".join(["0", "T01", *groups]).encode()
    try:
        response = parse([body])
    except Malformed:
        return
    for operation in ("sale", "void", "refund"):
        responses.judge(response, operation, "K1", 100)
    responses.judge_record(responses.record(response), "sale", 0)
    responses.closing(response)


def test_the_program_decodes_a_capture() -> None:
    lines = f"{BY_NUMBER[1].hex()}\n06\nnonsense\n"
    words = [sys.executable, "-m", "hardware", "decode", "pax"]
    done = subprocess.run(words, cwd=ROOT, input=lines, capture_output=True, text=True, check=True)
    assert [json.loads(line)["ok"] for line in done.stdout.splitlines()] == [True, True, False]
