"""The codec alone, against answers written out by hand: opening, notes."""

import pytest

from hardware.acceptors.contract import (
    Accepting,
    Acknowledge,
    Connected,
    Disable,
    Enable,
    Fault,
    Idle,
    Lost,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    NotInEscrow,
    Paused,
    PoweredUp,
    Returning,
    ReturnNote,
    StackNote,
)
from tests.protocol.id003_hand import (
    ACCEPTING,
    DISABLED,
    IDLE,
    INITIALIZE,
    RETURNING,
    STACKED,
    STACKING,
    VEND_VALID,
    Hand,
    codes,
    kinds,
)

STATUS, RESET, STACK_1, STACK_2, RETURN, HOLD, ACK = 0x11, 0x40, 0x41, 0x42, 0x43, 0x44, 0x50
SET_UP = [0xC0, 0xC1, 0xC2, 0xC4, 0xC5, 0xC7, 0xC3]


# Opening


def test_a_power_up_is_asked_reset_and_set_up_while_it_initialises() -> None:
    hand = Hand()
    assert hand.status(0x40) == [PoweredUp()]
    hand.until(RESET)
    hand.say(0x50)
    hand.status(INITIALIZE)
    hand.until(STATUS)
    assert codes(hand) == [STATUS, 0x88, 0x8A, 0x91, STATUS, RESET, STATUS, *SET_UP, STATUS][: len(hand.sent)]
    settings = {frame.code: frame.data for frame in hand.sent if frame.code in SET_UP}
    assert settings[0xC0] == b"\xff\xff"
    assert settings[0xC3] == b"\x01"
    assert settings[0xC7] == b"\x02"
    hand.say(DISABLED)
    assert kinds(hand.rest()) == ["Idle", "Connected"]
    identity = next(event.identity for event in hand.events if isinstance(event, Connected))
    assert (identity.model, identity.variant, identity.serial) == ("W13-SS", "USA", "190300004417")
    assert identity.table[7] == ("USD", 10000)


def test_a_running_device_is_inhibited_first_and_never_reset() -> None:
    hand = Hand()
    hand.status(IDLE)
    assert hand.next().code == 0x83  # IDLE may be our own status request, come back
    hand.say(0x83, b"\x00")
    hand.status(IDLE)
    assert (hand.next().code, hand.sent[-1].data) == (0xC3, b"\x01")
    hand.say(0xC3, b"\x01")
    hand.rest(polls=4)
    assert "Connected" in kinds(hand.events)
    assert RESET not in codes(hand)


def test_a_line_that_echoes_is_no_device() -> None:
    hand = Hand()
    while not any(isinstance(event, Lost) for event in hand.events):
        frame = hand.next()
        assert frame.code in (STATUS, 0x83)
        hand.say(frame.code, frame.data)
    assert hand.events == [Lost("only its own echo answers")]
    assert hand.now_ms < 6_000


def test_an_echo_of_an_order_is_no_status() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    assert hand.until(STACK_2).code == STACK_2
    assert hand.say(STACK_2) == []  # "power-up with a bill in the stacker"
    assert hand.status(STACKING) == []
    assert hand.status(VEND_VALID) == [NoteStacked(1, 5)]


def test_settings_that_are_refused_are_done_without_but_for_c0_and_c3() -> None:
    hand = Hand()
    hand.refused = {0xC1, 0xC4, 0xC5, 0xC7}
    for _ in range(20):
        hand.status(DISABLED)
    assert "Connected" in kinds(hand.events)
    stubborn = Hand()
    stubborn.refused = {0xC3}
    for _ in range(20):
        stubborn.status(DISABLED)
    assert "Connected" not in kinds(stubborn.events)


@pytest.mark.parametrize("state", [(0x13, b"\x65"), (0x19, b"")])
def test_a_note_that_an_earlier_run_left_in_escrow_goes_back(state: tuple[int, bytes]) -> None:
    hand = Hand()
    assert hand.status(*state) == []
    assert hand.until(RETURN).code == RETURN
    hand.say(0x50)
    assert hand.status(RETURNING) == [Returning()]
    hand.rest()
    assert hand.events[:3] == [Returning(), NoteReturned(1), Idle()]
    assert kinds(hand.events[3:]) == ["Connected"]


def test_without_a_table_no_note_is_taken() -> None:
    hand = Hand()
    hand.refused = {0x8A}
    for _ in range(20):
        hand.status(DISABLED)
    assert [event.code for event in hand.events if isinstance(event, Fault)] == ["wrong_table"]
    hand.do(Enable(frozenset({5})))
    hand.rest(polls=5)
    assert not any(frame.code == 0xC3 and frame.data == b"\x00" for frame in hand.sent)


def test_a_table_that_says_otherwise_is_a_fault() -> None:
    hand = Hand()
    hand.queries[0x8A] = bytes.fromhex("65E01400 61010100")
    for _ in range(6):
        hand.status(DISABLED)
    assert Fault("wrong_table", "code 65: configured USD 20.00, the device says EUR 20.00") in hand.events


# Notes wanted


def test_only_what_is_wanted_is_enabled() -> None:
    hand = Hand().connected()
    hand.sent.clear()
    hand.do(Enable(frozenset({1, 2, 5})))
    hand.rest(IDLE)
    assert [frame.data for frame in hand.sent if frame.code == 0xC0] == [b"\xee\xff"]  # 62 is a gap in its table
    hand.do(Disable())
    hand.until(STATUS)
    assert (hand.sent[-2].code, hand.sent[-2].data) == (0xC3, b"\x01")


def test_settings_wait_while_a_note_moves() -> None:
    hand = Hand().connected()
    hand.status(ACCEPTING)
    hand.do(Disable())
    hand.sent.clear()
    assert hand.status(0x13, b"\x65") == [NoteEscrowed(1, 0)]  # not wanted any more: it has no value
    hand.do(ReturnNote(1))
    hand.until(RETURN)
    hand.say(0x50)
    hand.status(RETURNING)
    assert not set(codes(hand)) & set(SET_UP)
    hand.status(IDLE)
    assert hand.next().data == b"\x01"


def test_a_device_that_rests_in_the_wrong_status_is_told_everything_again() -> None:
    hand = Hand().connected()
    hand.sent.clear()
    hand.rest(DISABLED, 8)
    assert codes(hand).count(0xC7) == 1
    assert hand.sent[-1].code == STATUS


def test_idle_after_disable_needs_a_device_that_is_disabled() -> None:
    hand = Hand().connected()
    hand.do(Disable())
    hand.events.clear()
    hand.rest(IDLE, 5)
    assert hand.events == []
    hand.rest(DISABLED)
    assert hand.events == [Idle()]


# A note


def test_a_note_from_entry_to_the_next() -> None:
    hand = Hand().connected()
    assert hand.status(ACCEPTING) == [Accepting()]
    assert hand.status(0x13, b"\x65") == [NoteEscrowed(1, 5)]
    hand.do(StackNote(1))
    assert hand.next().code == STACK_2
    hand.say(0x50)
    assert hand.codec.stacking == 5
    assert hand.status(STACKING) == []
    assert hand.status(VEND_VALID) == [NoteStacked(1, 5)]
    for _ in range(20):  # nothing but questions until it is durable
        assert hand.next().code == STATUS
        assert hand.say(VEND_VALID) == []
    hand.do(Acknowledge(1))
    hand.status(VEND_VALID)
    assert hand.next().code == ACK
    at_ms = hand.now_ms
    assert hand.next().code == STATUS
    assert hand.now_ms == at_ms + 100
    assert hand.say(VEND_VALID) == []  # it did not hear
    assert hand.next().code == ACK
    assert hand.status(STACKED) == []
    assert hand.rest(IDLE) == [Idle()]
    assert hand.codec.stacking == 0


@pytest.mark.parametrize("data", [b"", b"\x65", b"\x63"])
def test_a_value_in_vend_valid_is_not_needed(data: bytes) -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x50)
    assert hand.status(VEND_VALID, data) == [NoteStacked(1, 5)]


def test_a_lost_stack_is_sent_again_only_while_the_note_is_held() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    assert hand.next().code == STACK_2
    assert hand.next().code == STATUS
    hand.say(0x13, b"\x65")
    assert hand.next().code == STACK_2
    assert hand.next().code == STATUS
    hand.say(STACKING)
    assert hand.next().code == STATUS


def test_a_device_without_stack_2_gets_stack_1() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x4B)
    hand.status(0x13, b"\x65")
    assert hand.next().code == STACK_1
    hand.say(0x50)
    hand.status(VEND_VALID)
    hand.acknowledge()
    hand.until(STATUS)
    hand.say(VEND_VALID)
    hand.until(ACK)
    hand.rest(IDLE)
    hand.holding()
    hand.do(StackNote(2))
    assert hand.next().code == STACK_1


def test_a_stack_refused_because_it_was_heard_before_stays_stack_2() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x4B)
    hand.status(STACKING)
    assert hand.status(VEND_VALID) == [NoteStacked(1, 5)]
    hand.acknowledge()
    hand.status(VEND_VALID)
    hand.until(ACK)
    hand.rest(IDLE)
    hand.holding()
    hand.do(StackNote(2))
    assert hand.next().code == STACK_2


def test_a_note_sent_back_is_told_when_the_path_is_empty_whether_it_was_seen_or_not() -> None:
    for seen in (True, False):
        hand = Hand().connected().holding()
        hand.do(ReturnNote(1))
        hand.until(RETURN)
        hand.say(0x50)
        hand.events.clear()
        if seen:
            hand.status(RETURNING)
        hand.rest(IDLE)
        assert hand.events == [*([Returning()] if seen else []), NoteReturned(1), Idle()]


def test_three_polls_that_may_be_echoes_end_nothing() -> None:
    hand = Hand().connected().holding()
    hand.do(ReturnNote(1))
    hand.until(RETURN)
    hand.say(RETURN)
    hand.events.clear()
    for _ in range(12):
        frame = hand.next()
        hand.say(frame.code, frame.data)
    assert hand.events == []
    hand.do(Disable())
    assert NoteEscrowed(2, 0) in hand.status(0x13, b"\x65")


def test_an_undecided_note_is_held_and_goes_back_after_five_seconds() -> None:
    hand = Hand().connected().holding()
    begun_ms = hand.now_ms
    while (frame := hand.next()).code != RETURN:
        hand.say(0x13 if frame.code == STATUS else 0x50, b"\x65" if frame.code == STATUS else b"")
    assert begun_ms + 5_000 <= hand.now_ms <= begun_ms + 5_300
    assert codes(hand).count(HOLD) == 2
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(1))


def test_holding_is_the_note_that_is_held() -> None:
    hand = Hand().connected().holding()
    assert hand.status(0x19) == []
    hand.do(StackNote(1))
    assert hand.next().code == STACK_2
    hand.say(0x50)
    assert hand.status(VEND_VALID) == [NoteStacked(1, 5)]


@pytest.mark.parametrize("code", [0x62, 0x68, 0x6F, 0x00])
def test_a_note_that_is_not_in_the_table_has_no_value(code: int) -> None:
    hand = Hand().connected()
    hand.status(ACCEPTING)
    assert hand.status(0x13, bytes([code])) == [NoteEscrowed(1, 0)]


def test_another_code_is_another_note() -> None:
    hand = Hand().connected().holding()
    hand.until(STATUS)
    hand.do(StackNote(1))
    assert hand.say(0x13, b"\x66")[-1] == NoteEscrowed(2, 6)
    assert hand.next().code == STATUS
    with pytest.raises(NotInEscrow):
        hand.do(ReturnNote(1))


def test_a_note_refused_at_the_entry_is_told_at_once_and_once() -> None:
    hand = Hand().connected()
    hand.status(ACCEPTING)
    assert hand.status(0x17, b"\x71") == [Returning(), NoteRejected(1)]
    hand.events.clear()
    hand.status(0x17, b"\x71")
    hand.status(0x47)
    hand.status(0x17, b"\x71")
    hand.status(RETURNING)
    hand.rest(IDLE)
    assert hand.events == [Paused(), Idle()]


def test_a_note_refused_by_the_stacker_is_told_when_it_is_out() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x50)
    hand.status(STACKING)
    assert hand.status(0x17, b"\x75") == [Returning()]
    assert hand.rest(IDLE) == [NoteRejected(1), Idle()]


def test_after_stack_an_empty_path_says_nothing() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x50)
    hand.status(STACKING)
    assert hand.rest(IDLE) == [Idle()]


def test_a_second_note_in_the_mouth_is_told_and_changes_nothing() -> None:
    hand = Hand().connected().holding()
    assert hand.status(0x47) == [Paused()]
    hand.do(StackNote(1))
    assert hand.next().code == STATUS  # a decision waits for escrow to show again
    assert hand.say(0x13, b"\x65") == []
    assert hand.next().code == STACK_2


def test_a_note_on_a_string_has_no_value() -> None:
    hand = Hand().connected().holding()
    hand.do(StackNote(1))
    hand.until(STACK_2)
    hand.say(0x50)
    assert hand.status(0x48) == [Fault("cheated")]
    assert hand.status(VEND_VALID) == [NoteStacked(1, 0)]
