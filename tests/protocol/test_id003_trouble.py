"""The codec alone, against answers written out by hand: power, faults, silence, a new process."""

import pytest

from hardware.acceptors.contract import (
    Acknowledge,
    Enable,
    Fault,
    FaultCleared,
    Idle,
    Lost,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    PayOut,
    PoweredUp,
    Refused,
    Reset,
    Returning,
    ReturnNote,
    StackNote,
)
from hardware.acceptors.id003 import Id003Codec
from hardware.acceptors.id003.codec import FAULT_RESET_MS
from tests.protocol.id003_hand import (
    ACCEPTING,
    DISABLED,
    IDLE,
    INITIALIZE,
    RETURNING,
    STACKING,
    VEND_VALID,
    Hand,
    codes,
    kinds,
)

STATUS, RESET, STACK_2, RETURN, ACK = 0x11, 0x40, 0x42, 0x43, 0x50

# Power


@pytest.mark.parametrize("vend", [True, False])
def test_a_note_found_in_the_stacker_is_told_once_without_value(vend: bool) -> None:
    hand = Hand()
    assert hand.status(0x42) == [PoweredUp()]
    hand.until(RESET)
    hand.say(0x50)
    hand.status(INITIALIZE)
    hand.events.clear()
    if vend:
        assert hand.status(VEND_VALID) == [NoteStacked(1, 0, power_up=True, replay=True)]
        hand.acknowledge()
        hand.status(VEND_VALID)
        hand.until(ACK)
    hand.rest(polls=6)
    told = [event for event in hand.events if isinstance(event, NoteStacked)]
    assert told == [NoteStacked(1, 0, power_up=True, replay=True)]


@pytest.mark.parametrize("shown", [(), (0x17,), (0x18,)])
def test_a_note_found_in_the_acceptor_comes_back(shown: tuple[int, ...]) -> None:
    hand = Hand()
    hand.status(0x41)
    hand.until(RESET)
    hand.say(0x50)
    hand.status(INITIALIZE)
    for status in shown:
        hand.status(status)
    hand.rest()
    back = [event for event in hand.events if isinstance(event, (NoteReturned, NoteRejected))]
    assert back == [NoteRejected(1, power_up=True) if 0x17 in shown else NoteReturned(1, power_up=True)]


def test_a_vend_valid_that_was_told_before_the_cut_is_not_told_again() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x50)
    for _ in range(3):  # so soon after STACK-2 a 42 would be taken for its echo
        hand.status(VEND_VALID)
    assert hand.status(0x42) == [PoweredUp()]
    hand.events.clear()
    for _ in range(6):
        hand.until(STATUS)
        hand.say(0x42)
    assert RESET not in codes(hand)  # not before the report is durable
    hand.do(Acknowledge(1))
    hand.until(RESET)
    hand.say(0x50)
    hand.status(INITIALIZE)
    assert hand.status(VEND_VALID) == []
    hand.status(VEND_VALID)
    hand.until(ACK)
    hand.rest(polls=6)
    assert kinds(hand.events) == ["Idle", "Connected", "Idle"][: len(hand.events)]


def test_a_jam_in_the_power_up_makes_the_report_unclean() -> None:
    hand = Hand()
    hand.status(0x42)
    hand.until(RESET)
    hand.say(0x50)
    hand.status(INITIALIZE)
    hand.status(0x46)
    hand.rest(polls=4)
    told = [event for event in hand.events if isinstance(event, NoteStacked)]
    assert told == [NoteStacked(1, 0, power_up=True, clean=False, replay=True)]


def test_a_note_in_the_stacker_that_then_comes_back_is_no_return_of_the_open_one() -> None:
    hand = Hand()
    hand.status(0x42)
    hand.until(RESET)
    hand.say(0x50)
    hand.status(RETURNING)
    hand.rest()
    assert NoteRejected(1, power_up=True) in hand.events
    assert not [event for event in hand.events if isinstance(event, (NoteStacked, NoteReturned))]


def test_a_plain_power_up_says_nothing_of_the_note_and_nothing_after_it_may() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x50)
    hand.events.clear()
    hand.status(0x40)
    hand.until(RESET)
    hand.say(0x50)
    hand.status(INITIALIZE)
    hand.rest(polls=4)
    hand.status(ACCEPTING)
    hand.status(0x17, b"\x79")
    assert not [event for event in hand.events if isinstance(event, (NoteStacked, NoteReturned, NoteRejected))]
    hand.do(Enable(frozenset({5})))  # whoever is above knows of no open note any more
    hand.rest(DISABLED)
    hand.rest(IDLE)
    hand.status(ACCEPTING)
    assert hand.status(0x17, b"\x79") == [Returning(), NoteRejected(1)]


def test_a_vend_valid_after_the_start_has_ended_is_acknowledged_and_not_told_again() -> None:
    hand = Hand()
    hand.status(0x42)
    hand.until(RESET)
    hand.say(0x50)
    hand.status(INITIALIZE)
    hand.rest()
    assert NoteStacked(1, 0, power_up=True, replay=True) in hand.events
    hand.acknowledge()
    assert hand.status(VEND_VALID) == []
    assert hand.next().code == ACK


def test_what_a_start_finds_may_be_the_second_note_in_the_mouth() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x50)
    hand.status(0x47)
    hand.status(0x41)
    hand.until(RESET)
    hand.say(0x50)
    hand.status(INITIALIZE)
    hand.rest(polls=4)
    assert not [event for event in hand.events if isinstance(event, (NoteReturned, NoteRejected, NoteStacked))]


# A new process


def test_what_stack_was_sent_for_is_known_to_the_next_process() -> None:
    assert Hand(stacking=5).status(VEND_VALID) == [NoteStacked(1, 5, replay=True)]
    hand = Hand(stacking=5)
    hand.status(STACKING)
    assert hand.status(VEND_VALID) == [NoteStacked(1, 5)]
    assert Hand().status(VEND_VALID) == [NoteStacked(1, 0, replay=True)]


def test_a_fault_before_the_first_vend_valid_does_not_make_it_new() -> None:
    hand = Hand(stacking=5)
    hand.status(0x47)
    assert hand.status(VEND_VALID) == [NoteStacked(1, 5, replay=True)]


# Faults


@pytest.mark.parametrize(
    ("status", "data", "fault"),
    [
        (0x43, b"", Fault("cassette_full")),
        (0x44, b"", Fault("cassette_removed")),
        (0x45, b"", Fault("jammed", "in the acceptor")),
        (0x46, b"", Fault("jammed", "in the stacker")),
        (0x49, b"\xa2", Fault("failure", "A2 stacker motor")),
        (0x49, b"\x01", Fault("failure", "01 unknown")),
        (0x49, b"", Fault("failure")),
    ],
)
def test_a_fault_holds_until_the_device_works(status: int, data: bytes, fault: Fault) -> None:
    hand = Hand().connected()
    assert hand.status(status, data) == [fault]
    assert hand.status(status, data) == []
    assert hand.status(INITIALIZE) == []
    assert hand.status(DISABLED) == [FaultCleared(fault.code)]


def test_a_device_that_stays_cheated_is_reset() -> None:
    hand = Hand().connected()
    hand.status(0x48)
    begun_ms = hand.now_ms
    while hand.next().code == STATUS:
        hand.say(0x48)
    assert hand.sent[-1].code == RESET
    assert hand.now_ms >= begun_ms + FAULT_RESET_MS
    assert [event.code for event in hand.events if isinstance(event, Fault)] == ["cheated"]


def test_full_or_jammed_proves_that_the_cassette_is_back() -> None:
    hand = Hand().connected()
    hand.status(0x44)
    assert hand.status(0x43) == [FaultCleared("cassette_removed"), Fault("cassette_full")]


def test_a_fault_is_reset_after_a_while_and_not_before_its_reports_are_durable() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x50)
    hand.status(VEND_VALID)
    hand.status(0x46)
    begun_ms = hand.now_ms
    while hand.now_ms < begun_ms + 3 * FAULT_RESET_MS:
        assert hand.next().code == STATUS
        hand.say(0x46)
    hand.acknowledge()
    hand.until(RESET)
    hand.say(0x50)
    begun_ms = hand.now_ms
    while hand.next().code == STATUS:
        hand.say(0x46)
    assert hand.sent[-1].code == RESET
    assert hand.now_ms >= begun_ms + 29_000


def test_a_jam_ends_what_was_known_of_a_note_on_its_way_back() -> None:
    hand = Hand().connected().holding()
    hand.do(ReturnNote(1))
    hand.until(RETURN)
    hand.say(0x50)
    hand.status(RETURNING)
    hand.status(0x45)
    hand.events.clear()
    hand.rest(DISABLED)
    assert hand.events == [FaultCleared("jammed"), Idle()]


def test_a_start_that_does_not_end_is_a_fault_and_no_reason_to_give_up() -> None:
    hand = Hand()
    hand.status(0x40)
    hand.until(RESET)
    hand.say(0x50)
    while hand.now_ms < 90_000:
        hand.status(INITIALIZE)
    assert hand.events == [PoweredUp(), Fault("out_of_service", "it does not finish its start")]


def test_a_reset_that_was_not_heard_is_sent_again() -> None:
    hand = Hand()
    hand.status(0x40)
    hand.until(RESET)
    begun_ms = hand.now_ms
    while hand.next().code == STATUS:
        hand.say(0x40)
    assert hand.sent[-1].code == RESET
    assert hand.now_ms - begun_ms >= 2_000


def test_reset_is_an_order_too() -> None:
    hand = Hand().connected()
    hand.do(Reset())
    assert hand.until(RESET).data == b""
    with pytest.raises(Refused):
        hand.do(PayOut(1, {5: 1}))


# Silence


def test_silence_is_lost_after_five_seconds_and_asked_once_a_second() -> None:
    hand = Hand().connected()
    begun_ms = hand.now_ms
    while not hand.events:
        hand.next()
    assert hand.events == [Lost("no reply for 5 s")]
    assert hand.now_ms - begun_ms < 6_500
    times = []
    for _ in range(4):
        hand.next()
        times.append(hand.now_ms)
    assert times[3] - times[1] == 2_000


def test_something_else_on_the_port_is_told_from_nothing() -> None:
    hand = Hand()
    while not hand.events:
        hand.next()
        hand.codec.feed(b"hello \xfc\x05", hand.now_ms)
    assert hand.events == [Lost("what answers does not speak ID-003")]


def test_a_device_that_answers_and_never_rests_is_given_up() -> None:
    hand = Hand()
    while not any(isinstance(event, Lost) for event in hand.events):
        hand.status(ACCEPTING)
    assert Lost("it answers but is not ready after 60 s") in hand.events
    assert 60_000 < hand.now_ms < 62_000


def test_a_silent_unit_is_reset_only_when_its_vend_valid_is_durable() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x50)
    hand.status(VEND_VALID)
    begun_ms = hand.now_ms
    while hand.now_ms < begun_ms + 70_000:
        assert hand.next().code == STATUS
    hand.acknowledge()
    assert RESET in {hand.next().code for _ in range(30)}


def test_a_unit_that_an_earlier_run_left_silent_is_reset_after_a_minute() -> None:
    hand = Hand()
    while hand.next().code == STATUS:
        assert hand.now_ms < 70_000
    assert hand.sent[-1].code == RESET
    assert hand.now_ms > 60_000


def test_before_the_port_is_open_nothing_happens() -> None:
    codec = Id003Codec()
    assert codec.feed(b"\xfc\x05\x15\x03\x10", 0) == []
    assert codec.tick(0) == (b"", [])
    assert codec.due_ms() > 1 << 60
