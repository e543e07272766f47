"""The E-13B line, and what a MagTek reader says: golden lines, splits, ten thousand streams, codec against twin.

Public lines: routing 111000025 is python-stdnum's example, 031300012 of moov-io/imagecashletter (0313-0001, check 2).
"""

import random
from typing import Any

import pytest

from hardware.checks.contract import Check, CheckRead, CheckRefused, Connected, Listen, Lost, Rest
from hardware.checks.e13b import BadLine, parse, routing_holds
from hardware.checks.magtek import MagtekCodec
from hardware.checks.magtek.decode import decode_line
from hardware.sim.checkreader_device import CheckReaderDevice

PERSONAL = "T111000025T 123456789U 1045"
STEP_MS = 50

GOLDEN = [
    (PERSONAL, Check("111000025", "123456789", "1045")),
    ("T111000025T 1045 U 12-345-678U", Check("111000025", "12345678", "1045")),
    ("T111000025T U123456789U1045", Check("111000025", "123456789", "1045")),
    ("U001234U T031300012T 9876543210U", Check("031300012", "9876543210", "001234", True)),
    ("U001234U7T031300012T 9876543210U 27", Check("031300012", "9876543210", "001234", True)),
    ("T111000025T 0001 2345 6U 0001045 $          $", Check("111000025", "000123456", "0001045")),
]
BAD = [
    ("T111000026T 123456789U 1045", "routing"),
    ("T000000000T 123456789U 1045", "routing"),
    ("T990000001T 123456789U 1045", "routing"),  # the sum holds, no such district
    ("T11100002T 123456789U 1045", "routing"),
    ("T111000025T 123?56789U 1045", "unreadable"),
    ("T111000025T 123456789U 1045 $0000005318$", "deposited"),
    ("T111000025T 123456789U", "number"),
    ("T111000025T 123456789", "number"),
    ("T111000025T U 1045", "account"),
    ("T111000025T", "account"),
    ("T111000025T 1U2U3U4", "number"),
    ("T111000025T 12U 1045", "account"),
    ("T111000025T 000000U 1045", "account"),
    ("T111000025T 123456789U 12345678901", "number"),
    ("T111000025T 123456789012345678U 1", "account"),
    ("", "unreadable"),
    ("UTUT", "unreadable"),
]


@pytest.mark.parametrize(("line", "check"), GOLDEN)
def test_lines_of_good_checks(line: str, check: Check) -> None:
    assert parse(line) == check


@pytest.mark.parametrize(("line", "code"), BAD)
def test_lines_that_send_the_check_back(line: str, code: str) -> None:
    with pytest.raises(BadLine) as bad:
        parse(line)
    assert bad.value.code == code


def test_every_single_wrong_digit_of_a_routing_number_is_found() -> None:
    for at in range(9):
        for digit in "0123456789":
            other = "111000025"[:at] + digit + "111000025"[at + 1 :]
            assert routing_holds(other) == (other == "111000025")
    assert not routing_holds("11100002٥")


def test_no_account_number_in_what_is_printed() -> None:
    assert "123456789" not in repr(parse(PERSONAL))
    told = decode_line("D " + f"\x02{PERSONAL}/00\x03".encode().hex())
    assert told == {
        "ok": True,
        "direction": "device",
        "message": "check",
        "status": "00",
        "routing": "111000025",
        "account_last4": "6789",
        "number": "1045",
        "business": False,
    }


def test_decode_answers_every_line() -> None:
    assert decode_line(b"SWB 01110100\r".hex()) == {
        "ok": True,
        "direction": "host",
        "message": "SWB",
        "data": "01110100",
    }
    assert decode_line("H " + b"VR\r".hex())["message"] == "VR"
    assert decode_line(b"\x02T11/05\x03".hex())["refused"] == "unreadable"
    assert decode_line(b"Version 1\r".hex())["message"] == "answer"
    for line in ("", "H", "zz", "0", "41", "0203", "0d"):
        assert decode_line(line)["ok"] is False


class Bench:
    """Codec and twin in virtual time."""

    def __init__(self) -> None:
        self.codec, self.device = MagtekCodec(), CheckReaderDevice()
        self.now_ms = 0
        self.events: list[Any] = []
        self.codec.line_opened(0)

    def run(self, ms: int) -> None:
        for _ in range(ms // STEP_MS):
            self.now_ms += STEP_MS
            sent, events = self.codec.tick(self.now_ms)
            self.hear(events)
            self.feed(self.device.feed(sent))

    def feed(self, data: bytes) -> None:
        self.hear(self.codec.feed(data, self.now_ms))

    def hear(self, events: list[Any]) -> None:
        self.events += events
        if any(isinstance(event, Lost) for event in events):
            self.codec.line_opened(self.now_ms)

    def take(self) -> list[Any]:
        taken, self.events = self.events, []
        return taken


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.run(2_000)
    connected = made.take()
    assert [type(event) for event in connected] == [Connected]
    assert connected[0].identity.firmware.startswith("Version")
    made.codec.command(Listen())
    return made


def test_a_check_is_reported_while_one_is_awaited_only(bench: Bench) -> None:
    bench.feed(bench.device.read(PERSONAL))
    bench.codec.command(Rest())
    bench.feed(bench.device.read(PERSONAL))
    assert bench.take() == [CheckRead(GOLDEN[0][1])]


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        ("", "", "unreadable"),
        ("T1110?0025T 123456789U 1045", "", "unreadable"),
        ("T111000026T 123456789U 1045", "", "routing"),
        ("T11100-025T 123456789U 1045", "", "foreign"),
        (PERSONAL, "09", "foreign"),
        (PERSONAL, "05", "unreadable"),  # it says so although we see nothing wrong: the reader saw the ink
        (PERSONAL, "66", "garbled"),
        (PERSONAL + " $0000005318$", "", "deposited"),
    ],
)
def test_what_the_reader_doubts_goes_back(bench: Bench, line: str, status: str, code: str) -> None:
    bench.feed(bench.device.read(line, status))
    assert bench.take() == [CheckRefused(code)]


def test_bytes_split_anywhere(bench: Bench) -> None:
    data = bench.device.read(PERSONAL)
    for at in range(1, len(data)):
        bench.feed(data[:at])
        assert not bench.take()
        bench.feed(data[at:])
        assert bench.take() == [CheckRead(GOLDEN[0][1])]


def test_settings_lost_with_the_power_are_set_again(bench: Bench) -> None:
    bench.device.power_cycle()
    bench.feed(bench.device.read(PERSONAL))
    assert bench.take() == [CheckRefused("garbled")]
    bench.run(10_000)
    bench.feed(bench.device.read(PERSONAL))
    assert bench.take() == [CheckRead(GOLDEN[0][1])]


def test_a_reader_that_falls_silent_is_lost_and_comes_back(bench: Bench) -> None:
    bench.device.mute = True
    bench.run(12_000)
    assert isinstance(bench.take()[0], Lost)
    bench.device.mute = False
    bench.run(4_000)
    assert isinstance(bench.take()[-1], Connected)
    bench.feed(bench.device.read(PERSONAL))
    assert len(bench.take()) == 1


def test_a_reader_that_keeps_no_settings_is_not_taken_for_one(bench: Bench) -> None:
    bench.device.settle = False
    bench.device.power_cycle()
    bench.run(12_000)
    events = bench.take()
    assert events
    assert all(isinstance(event, Lost) and "does not speak" in event.reason for event in events)


def test_ten_thousand_random_and_mutated_streams() -> None:
    """No exception, no check that was not sent whole, and a good check is read after any noise that ends."""
    seed = 20260411
    print("seed", seed)
    chance = random.Random(seed)
    bench = Bench()
    bench.run(2_000)
    bench.codec.command(Listen())
    good = [check for _, check in GOLDEN]
    words = [bench.device.read(line) for line, _ in GOLDEN] + [b"SWB 01110100\r", b"?\r", b"Version\r", b"\x02/00\x03"]
    taken = 0
    for _ in range(10_000):
        stream = bytearray(b"".join(chance.choices(words, k=chance.randint(0, 3))))
        for _ in range(chance.randint(1, 4)):
            _mutate(stream, chance)
        bench.take()
        cut = chance.randint(0, len(stream))
        for part in (bytes(stream[:cut]), bytes(stream[cut:])):
            bench.feed(part)
        for event in bench.take():
            if isinstance(event, CheckRead):
                taken += 1
                # Nothing but its own check digit guards the line: what is read was between two marks, whole.
                assert routing_holds(event.check.routing)
                assert event.check.number
                assert event.check.account
        assert bench.codec.due_ms() >= 0
        if chance.random() < 0.05:
            bench.run(500)
    assert taken > 1_000
    bench.run(15_000)
    bench.take()
    bench.feed(b"\x03" + words[0])
    assert bench.take() == [CheckRead(good[0])]


def _mutate(stream: bytearray, chance: random.Random) -> None:
    at = chance.randint(0, len(stream))
    match chance.randrange(5):
        case 0:
            stream[at:at] = chance.randbytes(chance.randint(1, 200))
        case 1:
            del stream[at : at + chance.randint(1, 5)]
        case 2 if stream:
            stream[at % len(stream)] ^= 1 << chance.randrange(8)
        case 3:
            stream[at:at] = b"0" * chance.randint(1, 300)
