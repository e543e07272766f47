"""The frames of the protocol sheet: host and twin, which share nothing, must both read and make each of them."""

import random
from pathlib import Path

import pytest

from hardware.acceptors.ssp.decode import decode_line
from hardware.acceptors.ssp.events import Code, read_events
from hardware.acceptors.ssp.frames import Frame, Malformed, Receiver, crc_of, parse, unstuff
from hardware.acceptors.ssp.secrecy import Negotiation, is_prime, prime, seal, unseal
from hardware.acceptors.ssp.setup import USA, contradiction, read_setup
from hardware.acceptors.ssp.words import channels_mask, payout, read_levels, route
from hardware.sim import ssp_wire

VECTORS = Path(__file__).parents[1] / "vectors" / "ssp_frames.txt"
KEY = bytes.fromhex("67 45 23 01 67 45 23 01 5B 7A 3B 3C 00 00 00 00")


def golden() -> list[tuple[str, str, bytes]]:
    lines = [line.partition("#")[0].split() for line in VECTORS.read_text().splitlines()]
    return [(name, who, bytes.fromhex("".join(digits))) for name, who, *digits in filter(None, lines)]


GOLDEN = golden()
BY_NAME = {name: raw for name, _, raw in GOLDEN if not name.startswith("S")}


def data_of(name: str) -> bytes:
    return parse(unstuff(BY_NAME[name])).data


@pytest.mark.parametrize(("name", "who", "raw"), GOLDEN, ids=[f"{name}{who}" for name, who, _ in GOLDEN])
def test_host_and_twin_agree_with_the_sheet(name: str, who: str, raw: bytes) -> None:
    [frame] = Receiver().feed(raw)
    assert frame.encode() == raw
    assert ssp_wire.seal(raw[1], frame.data) == raw
    assert ssp_wire.crc(unstuff(raw)[:-2]) == crc_of(unstuff(raw)[:-2])
    said = decode_line(f"{who}: {raw.hex(' ')}")
    assert said["ok"]
    assert said["direction"] == {"H": "host", "D": "device"}[who]


def test_the_file_holds_every_worked_frame() -> None:
    names = {name for name, _, _ in GOLDEN}
    assert {f"P{number}" for number in range(1, 49)} <= names
    assert {f"E{number}" for number in range(1, 11)} <= names
    assert len([name for name, _, _ in GOLDEN if name.startswith("S")]) == 30


def test_the_checksum_grows_as_in_the_sheet() -> None:
    assert [crc_of(bytes.fromhex("80 01 11")[:count]) for count in range(4)] == [0xFFFF, 0x7E01, 0x8001, 0x8265]


@pytest.mark.parametrize("seed", range(8))
def test_bytes_may_be_split_anywhere(seed: int) -> None:
    chance = random.Random(seed)
    stream = b"".join(raw for _, _, raw in GOLDEN)
    receiver, frames, at = Receiver(), list[Frame](), 0
    while at < len(stream):
        size = chance.randint(1, 9)
        frames += receiver.feed(stream[at : at + size])
        at += size
    assert [frame.encode() for frame in frames] == [raw for _, _, raw in GOLDEN]


@pytest.mark.parametrize("noise", ["7F", "7F 80", "7F 80 FF 01", "00 7F 7F", "7F 80 05 F0 7F 7F", "FF FF"])
def test_noise_before_a_frame_costs_nothing(noise: str) -> None:
    """A single 7F in the middle of a frame begins the next one."""
    [frame] = Receiver().feed(bytes.fromhex(noise) + BY_NAME["P5"])
    assert frame.encode() == BY_NAME["P5"]


def test_a_damaged_frame_is_no_frame() -> None:
    for at in range(len(BY_NAME["P32"])):
        for bit in range(8):
            damaged = bytearray(BY_NAME["P32"])
            damaged[at] ^= 1 << bit
            assert not Receiver().feed(bytes(damaged))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("80 01 F0", "too few"),
        ("80 03 F0 23 80", "LEN says 3"),
        ("80 01 F1 23 80", "CRC: expected"),
    ],
)
def test_a_malformed_frame_is_named(body: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse(bytes.fromhex(body))


@pytest.mark.parametrize(("raw", "reason"), [("80 01", "start"), ("7F 80 7F 01", "single 7F"), ("7F 80 7F", "single")])
def test_stuffing_is_checked(raw: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        unstuff(bytes.fromhex(raw))


# Secrecy


@pytest.mark.parametrize(
    ("name", "count", "plain"),
    [
        ("E5", 0, "06 06"),
        ("E6", 1, "F0"),
        ("E7", 1, "05"),
        ("E8", 12, "33 C4 09 00 00 55 53 44 19"),
        ("E9", 9, "07"),
        ("E10", 10, "F0 EE 05"),
    ],
)
def test_the_recorded_packets_open(name: str, count: int, plain: str) -> None:
    assert unseal(KEY, data_of(name)) == (count, bytes.fromhex(plain))


def test_a_packet_is_sealed_as_recorded() -> None:
    assert seal(KEY, 0, bytes.fromhex("0606"), lambda _: bytes.fromhex("5D7418BFC3B451")) == data_of("E5")
    assert seal(KEY, 12, bytes.fromhex("33C409000055534419"), lambda _: b"") == data_of("E8")


def test_the_recorded_exchange_gives_the_recorded_key() -> None:
    generator, modulus, ours, theirs = (
        int.from_bytes(data_of(name)[1:], "little") for name in ("E1", "E2", "E3", "E4")
    )
    assert (generator, modulus, ours, theirs) == (1657076287, 1657930523, 1562660382, 927373317)
    assert pow(ours, 10613, modulus).to_bytes(8, "little") == KEY[8:]


@pytest.mark.parametrize("seed", range(20))
def test_both_sides_come_to_the_same_key(seed: int) -> None:
    ours = Negotiation(random.Random(seed).randbytes)
    numbers = [int.from_bytes(part, "little") for part in (ours.generator, ours.modulus, ours.ours)]
    generator, modulus, host = numbers
    assert ssp_wire._prime(generator)
    assert ssp_wire._prime(modulus)
    slave = 4711 + seed
    session = ours.session(pow(generator, slave, modulus).to_bytes(8, "little"), KEY[:8])
    assert session.key == KEY[:8] + pow(host, slave, modulus).to_bytes(8, "little")


def test_primes_are_primes() -> None:
    known = {2, 3, 5, 7, 11, 13, 982451653, 1287821, 1657076287, 1657930523}
    assert all(is_prime(number) for number in known)
    assert not any(is_prime(number) for number in (0, 1, 4, 9, 12883, 25326001, 1105))
    small = [number for number in range(2, 2000) if all(number % divisor for divisor in range(2, number))]
    assert [number for number in range(2000) if is_prime(number)] == small
    assert is_prime(prime(lambda count: b"\xff" * count))


# Replies


def test_the_set_up_of_a_recycler_is_read() -> None:
    setup = read_setup(data_of("P32")[1:])
    assert setup is not None
    assert (setup.model, setup.firmware, setup.version, setup.pays_out) == ("SMART Payout", "4.59", 6, True)
    assert setup.table == dict(USA)
    assert not contradiction(setup.table, USA)


def test_a_set_up_that_is_cut_short_or_a_hoppers_is_none() -> None:
    whole = data_of("P32")[1:]
    assert all(read_setup(whole[:size]) is None for size in range(30))
    assert read_setup(data_of("P43")[1:]) is None


def test_without_version_6_values_are_multiplied() -> None:
    whole = bytearray(data_of("P32")[1:31])
    whole[-1] = 4
    setup = read_setup(bytes(whole))
    assert setup is not None
    assert setup.table == dict(USA)


def test_a_table_that_differs_is_a_contradiction() -> None:
    assert "channel 5: configured USD 20.00, the device says EUR 20.00" in contradiction({**USA, 5: ("EUR", 2000)}, USA)
    assert "nothing" in contradiction({1: ("USD", 100)}, USA)


def test_levels_are_read() -> None:
    levels = read_levels(data_of("P44")[1:])
    assert levels == {
        ("USD", value): count
        for value, count in zip((100, 200, 500, 1000, 2000, 5000, 10000), (10, 0, 4, 0, 0, 0, 0), strict=True)
    }
    assert read_levels(data_of("P44")[1:-1]) is None
    assert read_levels(b"") is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("P4", [(0xF1, 0, 0), (0xE8, 0, 0)]),
        ("P5", [(0xEE, 1, 0), (0xEB, 0, 0)]),
        ("P17", [(0xCC, 0, 0), (0xEE, 1, 0)]),
        ("P19", [(0xEF, 0, 0)]),
        ("P20", [(0xEF, 3, 0)]),
        ("P21", [(0xE2, 2, 0)]),
        ("P35", [(0xEF, 0xEE, 0)]),
        ("P36", [(0xED, 0, 0), (0xEC, 0, 0)]),
        ("P37", [(0xE7, 0, 0), (0xE8, 0, 0)]),
        ("P38", [(0xE3, 0, 0)]),
        ("P39", [(0xE1, 5, 0)]),
        ("P40", [(0xDA, 0, 2500)]),
        ("P41", [(0xD2, 0, 2500)]),
        ("P42", [(0xDC, 0, 1000)]),
    ],
)
def test_the_events_of_the_sheet(name: str, told: list[tuple[int, int, int]]) -> None:
    events, problem = read_events(data_of(name)[1:], 6, payout=True)
    assert not problem
    assert [(event.code, event.channel, event.minor) for event in events] == told


def test_what_is_behind_an_unknown_or_short_event_is_not_read() -> None:
    events, problem = read_events(bytes.fromhex("EB 99 EE 05"), 8, payout=False)
    assert [event.code for event in events] == [Code.STACKED]
    assert "unknown event 99" in problem
    assert read_events(b"\xef", 8, payout=False) == ([], "event EF is cut short in EF")


@pytest.mark.parametrize("version", [6, 7, 8])
@pytest.mark.parametrize("counted", [False, True])
def test_a_count_before_a_value_is_seen(version: int, counted: bool) -> None:
    data = b"\xcd" + (b"\x01" if counted else b"") + (2000).to_bytes(4, "little") + b"USD" + b"\xe8"
    events, problem = read_events(data, version, payout=True)
    assert not problem
    assert [(event.code, event.minor) for event in events] == [(0xCD, 2000), (0xE8, 0)]


def test_a_fraud_is_read_as_a_channel_or_a_list() -> None:
    listed = bytes.fromhex("E6 01 D0 07 00 00 55 53 44 E8")
    assert [event.code for event in read_events(listed, 8, payout=True)[0]] == [0xE6, 0xE8]
    assert [event.code for event in read_events(bytes.fromhex("E6 05 E8"), 8, payout=True)[0]] == [0xE6, 0xE8]
    assert [event.code for event in read_events(bytes.fromhex("E6 05 E8"), 8, payout=False)[0]] == [0xE6, 0xE8]


# Commands


def test_commands_are_as_in_the_sheet() -> None:
    assert b"\x02" + channels_mask(frozenset(range(1, 8))) == data_of("P33")
    assert b"\x02" + channels_mask(frozenset({3, 5})) == data_of("P34")
    assert route(500, "USD", 0) == data_of("P45")
    assert payout({("USD", 2000): 1}, 0x58) == bytes.fromhex("46 01 01 00 D0 07 00 00 55 53 44 58")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("", "empty"),
        ("H:", "empty"),
        ("zz", "not hex"),
        ("7F8", "odd"),
        ("D: " + BY_NAME["P3"].hex(), "an echo"),
        ("7F 80 01 07 12 03", "CRC"),
    ],
)
def test_what_is_no_frame_is_named(line: str, error: str) -> None:
    assert error in decode_line(line)["error"]


def test_a_capture_is_told_in_words() -> None:
    def said(name: str) -> dict[str, object]:
        return decode_line(BY_NAME[name].hex())

    assert said("P34")["enabled"] == [3, 5]
    assert said("P9")["serial"] == "1873452"
    assert said("P5")["events"] == [{"event": "credit", "channel": 1}, {"event": "stacked"}]
    assert said("P42")["events"] == [
        {
            "event": "incomplete_payout",
            "sums": [{"currency": "USD", "value_minor": 1000}],
            "asked": [{"currency": "USD", "value_minor": 2500}],
        }
    ]
    assert said("P44")["levels"]
    assert said("P32")["setup"]
    assert said("E9")["type"] == "encrypted"
    assert said("P48")["type"] == "no_key"
