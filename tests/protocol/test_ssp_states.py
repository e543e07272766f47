"""The codec alone, against replies written out by hand: what is enabled, faults, and silence."""

import pytest

from hardware.acceptors.contract import (
    Acknowledge,
    Connected,
    Disable,
    Enable,
    Fault,
    FaultCleared,
    Idle,
    Lost,
    NoteStacked,
    PayOut,
    Refused,
    Reset,
)
from hardware.acceptors.ssp import SspCodec
from hardware.acceptors.ssp.codec import CASSETTE_AWAY_MS
from hardware.sim.ssp_parts import Settings
from tests.protocol.ssp_bench import ALL, GREETING, Hand, SspBench


def escrowed() -> Hand:
    hand = Hand().enabled()
    hand.exchange("07", "F0 EF 00")
    hand.exchange("07", "F0 EF 05")
    return hand


# Enabling, idle, faults


def test_channels_are_a_mask_and_disable_is_one_word() -> None:
    hand = Hand()
    hand.enable(frozenset({3, 5}))
    hand.exchange("02 14 00")
    hand.exchange("0A")
    hand.enable(frozenset({1}))
    hand.exchange("02 01 00")
    hand.do(Disable())
    hand.exchange("09")
    for _ in range(2):
        assert hand.exchange("07", "F0 E8 B5") == []
    assert hand.exchange("07", "F0 E8 B5") == [Idle()]
    assert hand.exchange("07", "F0 E8 B5") == []


def test_a_device_that_disabled_itself_is_enabled_again() -> None:
    hand = Hand().enabled()
    for _ in range(6):
        hand.exchange("07")
    hand.exchange("07", "F0 E8")
    hand.exchange("02 7F 00")
    hand.exchange("0A")


def test_a_device_that_will_not_be_enabled_is_out_of_service_for_a_while() -> None:
    hand = Hand()
    hand.enable()
    hand.exchange("02 7F 00")
    faults: list[object] = []
    while not faults:
        command = hand.asked().data
        faults = hand.answer("F5" if command == b"\x0a" else "F0")
        faults = [event for event in faults if isinstance(event, Fault)]
    assert faults == [Fault("out_of_service", "it cannot be enabled")]
    hand.do(Disable())
    for _ in range(60):
        hand.next()
    assert FaultCleared("out_of_service") in hand.events


@pytest.mark.parametrize(
    ("event", "code"), [("E9", "jammed"), ("EA", "jammed"), ("E7", "cassette_full"), ("E0", "transport_open")]
)
def test_a_state_is_a_fault_until_it_is_not_told_any_more(event: str, code: str) -> None:
    hand = Hand().enabled()
    [fault] = hand.exchange("07", f"F0 {event}")
    assert isinstance(fault, Fault)
    assert fault.code == code
    assert hand.exchange("07", f"F0 {event}") == []
    for _ in range(2):
        assert FaultCleared(code) not in hand.exchange("07")
    assert FaultCleared(code) in hand.exchange("07")


def test_the_cassette_is_gone_until_it_is_back_even_over_a_start() -> None:
    hand = Hand().enabled()
    assert hand.exchange("07", "F0 E3 E8") == [Fault("cassette_removed")]
    for _ in range(6):
        hand.next("F0")
    assert FaultCleared("cassette_removed") not in hand.events
    hand.next("F0 E4")
    assert FaultCleared("cassette_removed") in hand.events


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("back", [False, True])
def test_a_cassette_whose_return_was_not_heard_is_found_by_a_start(back: bool, repeats: bool) -> None:
    """And one that is away is never said to be in."""
    bench = SspBench(Settings(removed_repeats=repeats)).ready()
    bench.device.cassette_out()
    bench.until(lambda: bench.of(Fault))
    bench.run(5_000)
    bench.device.own.cassette = back  # the reply that told of it was lost
    bench.run(CASSETTE_AWAY_MS - 60_000)
    assert bench.device.restarts == 1
    bench.run(3 * CASSETTE_AWAY_MS)
    assert bench.device.restarts == (2 if back else 1 if repeats else 4)
    assert bench.of(FaultCleared).count(FaultCleared("cassette_removed")) == back
    assert not bench.of(NoteStacked)
    bench.codec.command(Enable(ALL))
    bench.run(5_000)
    assert bool(bench.device.enabled) is back


def test_no_start_is_asked_for_while_a_report_waits_to_be_durable() -> None:
    bench = SspBench().ready()
    bench.acknowledging = False
    bench.device.insert(500)
    bench.until(bench.stacked)
    bench.device.cassette_out()
    bench.run(2 * CASSETTE_AWAY_MS)
    assert bench.device.restarts == 1
    bench.acknowledge_all()
    bench.run(CASSETTE_AWAY_MS + 30_000)
    assert bench.device.restarts == 2
    assert len(bench.stacked()) == 1


def test_a_fraud_is_one_event() -> None:
    hand = Hand().enabled()
    assert hand.exchange("07", "F0 E6 05") == [Fault("cheated", "channel 5")]


def test_a_software_error_resets_once() -> None:
    hand = Hand()
    [fault] = hand.exchange("07", "F6")
    assert fault == Fault("failure", "software error")
    hand.exchange("01")
    frame = hand.asked()
    assert frame.data == b"\x11"


def test_a_reset_is_answered_with_a_rest_and_a_new_opening() -> None:
    hand = Hand()
    hand.do(Reset())
    hand.exchange("01")
    sent_ms = hand.now_ms
    assert hand.asked().data == b"\x11"
    assert hand.now_ms - sent_ms >= 1_900


# Silence


def test_five_seconds_of_silence_are_a_loss_and_twenty_while_a_note_moves() -> None:
    hand = Hand()
    start_ms = hand.now_ms
    while not [event for event in hand.events if isinstance(event, Lost)]:
        hand.asked()
    assert 4_500 <= hand.now_ms - start_ms <= 6_000
    hand = escrowed()
    start_ms = hand.now_ms
    while not [event for event in hand.events if isinstance(event, Lost)]:
        hand.asked()
    assert 19_000 <= hand.now_ms - start_ms <= 21_000


@pytest.mark.parametrize(("bytes_", "reason"), [(b"hello", "does not speak SSP"), (b"", "no reply for 5 s")])
def test_the_reason_of_a_loss_is_said(bytes_: bytes, reason: str) -> None:
    hand = Hand(greet=False)
    for _ in range(12):
        hand.asked()
        hand.say(bytes_)
    assert any(isinstance(event, Lost) and reason in event.reason for event in hand.events)


def test_an_echo_is_named() -> None:
    hand = Hand(greet=False)
    for _ in range(12):
        hand.asked()
        hand.say(hand.sent[-1])
    assert Lost("only its own echo answers") in hand.events


def test_a_device_that_never_gets_ready_is_given_up_and_tried_again() -> None:
    hand = Hand(greet=False)
    for command, data in GREETING:
        hand.exchange(command, data)
    while not hand.events:
        hand.next("F0 B6")
    assert "not ready after 60 s" in str(hand.events[0])
    for command, data in GREETING:
        hand.exchange(command, data)
    for _ in range(3):
        hand.exchange("07")
    assert isinstance(hand.events[-1], Connected)


def test_a_closed_codec_does_nothing() -> None:
    codec = SspCodec()
    assert codec.feed(b"\x7f", 0) == []
    assert codec.tick(0) == (b"", [])
    assert codec.due_ms() > 1 << 60
    with pytest.raises(Refused):
        codec.command(PayOut(1, {1: 1}))
    codec.command(Acknowledge(5))
    codec.command(Disable())
    assert ALL
