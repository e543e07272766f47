"""The CCNET codec alone: the conversation and the life of a note, against replies written out by hand."""

from itertools import pairwise

import pytest

from hardware.acceptors.ccnet.frames import ACK, ILLEGAL, NAK, Code, enable_data, parse, seal
from hardware.acceptors.contract import (
    Accepting,
    Acknowledge,
    Connected,
    Disable,
    Enable,
    Fault,
    Lost,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    NotInEscrow,
    PayOut,
    PoweredUp,
    Refused,
    Returning,
    ReturnNote,
    StackNote,
)
from tests.protocol.ccnet_hand import (
    ACCEPTING,
    ACKNOWLEDGED,
    ALL,
    DISABLED,
    ESCROW,
    IDLE,
    PLATE,
    POLL,
    RETURNED,
    RETURNING,
    STACKED,
    STACKING,
    Hand,
)
from tests.protocol.test_ccnet_frames import BY_NUMBER

RESET, STACK, RETURN, HOLD = (bytes([code]) for code in (Code.RESET, Code.STACK, Code.RETURN, Code.HOLD))
OFF = enable_data(frozenset())
POWER_UP, IN_VALIDATOR, IN_STACKER, INITIALIZE, HOLDING = b"\x10", b"\x11", b"\x12", b"\x13", b"\x1a"
REJECTED = b"\x1c\x66"


def test_a_cold_start_and_a_20_as_in_the_sheet() -> None:
    """Section 14.1, frame by frame; beside it the disabling while the note is stacked."""
    hand = Hand()
    said = iter(
        [
            (1, BY_NUMBER[16]),
            (4, BY_NUMBER[2]),
            (1, BY_NUMBER[19]),
            (1, BY_NUMBER[15]),
            (11, BY_NUMBER[39]),
            (1, BY_NUMBER[15]),
            (13, BY_NUMBER[40]),
            (1, BY_NUMBER[15]),
        ]
    )
    for number, reply in said:
        assert seal(hand.hear()) == BY_NUMBER[number]
        hand.say(reply)
    [connected] = [event for event in hand.events if isinstance(event, Connected)]
    assert connected.identity.model == "FLS-EU10-693639"
    hand.do(Enable(ALL))
    for number, reply in [(36, BY_NUMBER[2]), (1, BY_NUMBER[14]), (5, BY_NUMBER[38]), (1, seal(ACCEPTING))]:
        assert seal(hand.hear()) == BY_NUMBER[number]
        hand.say(reply)
    assert seal(hand.hear()) == BY_NUMBER[1]
    assert hand.say(BY_NUMBER[25]) == [NoteEscrowed(1, 5)]
    hand.do(StackNote(1))
    for number, reply in [(9, BY_NUMBER[2]), (1, seal(STACKING)), (8, BY_NUMBER[2]), (1, BY_NUMBER[26])]:
        assert seal(hand.hear()) == BY_NUMBER[number]
        hand.say(reply)
    assert hand.events[-1] == NoteStacked(1, 5)
    assert hand.sent[-1][1] != ACKNOWLEDGED
    hand.do(Acknowledge(1))
    assert hand.next() == ACKNOWLEDGED
    assert seal(hand.hear()) == BY_NUMBER[1]
    hand.say(BY_NUMBER[15])
    assert seal(hand.hear()) == BY_NUMBER[36]


def test_a_power_cut_while_stacking_as_in_the_sheet() -> None:
    """Section 14.2."""
    hand = Hand()
    for number, reply in [(1, BY_NUMBER[18]), (4, BY_NUMBER[2]), (1, BY_NUMBER[19]), (1, BY_NUMBER[26])]:
        assert seal(hand.hear()) == BY_NUMBER[number]
        hand.say(reply)
    assert hand.events == [PoweredUp(), NoteStacked(1, 5, power_up=True)]
    hand.acknowledge()
    assert hand.next() == ACKNOWLEDGED
    assert hand.hear() == POLL
    hand.say(BY_NUMBER[15])
    assert seal(hand.hear()) == BY_NUMBER[11]


def test_polls_come_every_tenth_of_a_second_and_each_state_is_acknowledged_at_once() -> None:
    hand = Hand().connected()
    times = []
    for _ in range(4):
        hand.answer(IDLE)
        assert hand.next() == ACKNOWLEDGED
        times.append(hand.sent[-2][0])
    assert [after - before for before, after in pairwise(times)] == [100, 100, 100]


def test_between_acknowledgement_and_command_the_line_rests() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    assert hand.hear() == STACK
    (ack_ms, ack), (stack_ms, _) = hand.sent[-2:]
    assert ack == ACKNOWLEDGED
    assert stack_ms - ack_ms == 20


# The ACK of a report


def test_a_report_is_acknowledged_when_it_is_durable_within_ten_milliseconds() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW, ESCROW)
    hand.do(StackNote(1))
    hand.answer(STACKING, STACKED)
    heard_ms = hand.now_ms
    data, _ = hand.codec.tick(heard_ms + 8)
    assert data == b""
    hand.do(Acknowledge(1))
    assert hand.codec.tick(heard_ms + 10)[0] == ACKNOWLEDGED


def test_a_report_that_takes_longer_is_left_to_be_said_again() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    hand.answer(STACKING, STACKED)
    assert hand.next() == b""
    hand.do(Acknowledge(1))
    assert hand.hear_anything() == POLL  # too late for an ACK
    assert hand.say(seal(STACKED)) == []
    assert hand.next() == ACKNOWLEDGED
    assert len([event for event in hand.events if isinstance(event, NoteStacked)]) == 1


def test_nothing_at_all_is_acknowledged_while_a_report_is_not_durable() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    hand.answer(STACKING)
    hand.sent.clear()
    hand.answer(STACKED, STACKED, STACKED, DISABLED, DISABLED)
    hand.pass_ms(300)
    assert ACKNOWLEDGED not in [raw for _, raw in hand.sent[1:]]
    hand.acknowledge()
    hand.pass_ms(2_000)
    hand.answer(DISABLED, DISABLED)
    assert hand.next() == ACKNOWLEDGED


def test_an_answer_to_a_question_put_twice_is_not_acknowledged() -> None:
    """The ACK could be taken for that of the second answer, still on its way: perhaps a report nobody has heard."""
    hand = Hand().connected()
    assert hand.hear() == POLL
    hand.pass_ms(260)  # asked again
    assert [parse(raw) for _, raw in hand.sent[-2:]] == [POLL, POLL]
    hand.say(seal(STACKING))
    assert hand.next() == b""
    hand.say(seal(STACKED))  # the late one: it counts all the same
    assert hand.events[-1] == NoteStacked(1, 5)
    assert hand.next() == b""
    hand.acknowledge()
    hand.answer(STACKED)
    assert hand.next() == ACKNOWLEDGED


@pytest.mark.parametrize("answer", [ACK, NAK, ILLEGAL])
def test_answers_without_data_are_not_acknowledged(answer: bytes) -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    assert hand.hear() == STACK
    hand.say(seal(answer))
    assert hand.next() == b""


def test_a_broken_reply_is_asked_for_again_twice() -> None:
    hand = Hand().connected()
    for count in range(4):
        assert hand.hear() == (POLL if count in (0, 3) else NAK)
        hand.say(BY_NUMBER[26][:-1] + b"\x00")
    assert not hand.events


def test_a_bill_table_is_never_taken_for_a_state() -> None:
    """Section 3: it may begin with any bytes. And what is asked is answered by what fits, whatever came late."""
    hand = Hand()
    hand.answer(DISABLED)
    assert hand.hear() == bytes([Code.IDENTIFICATION])
    hand.say(seal(STACKED))  # of an older poll: it counts, and the question stays open
    assert hand.events == [NoteStacked(1, 5)]
    hand.say(seal(PLATE))
    hand.acknowledge()
    hand.answer(DISABLED)
    assert hand.hear() == bytes([Code.GET_BILL_TABLE])
    hand.say(seal(b"\x81USA\x01" + bytes(115)))
    assert hand.events == [NoteStacked(1, 5)]


@pytest.mark.parametrize("count", [1, 9])
def test_its_own_echo_is_no_reply(count: int) -> None:
    hand = Hand().connected()
    for _ in range(count):
        hand.hear()
        assert hand.say(hand.sent[-1][1]) == []
    assert not [event for event in hand.events if isinstance(event, Fault)]


# A note


def test_a_decision_is_obeyed_and_repeated_while_the_note_is_still_held() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    hand.answer(*[ESCROW] * 12)
    assert 2 <= hand.commands().count(STACK) <= 4
    hand.answer(STACKING, STACKING)
    hand.sent.clear()
    hand.answer(STACKING, STACKING)
    assert STACK not in hand.commands()
    with pytest.raises(NotInEscrow):
        hand.do(ReturnNote(1))


def test_an_unanswered_stack_is_never_followed_by_return() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    assert hand.hear() == STACK
    hand.pass_ms(2_000)
    hand.answer(*[ESCROW] * 60)
    assert RETURN not in hand.commands()
    assert hand.commands().count(STACK) > 1


def test_a_note_nobody_decides_about_is_held_and_goes_back_before_the_devices_own_limit() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    seen_ms = hand.now_ms
    while (data := hand.hear()) != RETURN:
        hand.say(seal(ESCROW if data == POLL else ACK))
    assert 5_000 <= hand.now_ms - seen_ms <= 5_200
    assert hand.commands() == [HOLD, RETURN]
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(1))


def test_holding_is_still_escrow() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    assert hand.answer(HOLDING, HOLDING, ESCROW, HOLDING) == []
    hand.do(StackNote(1))
    assert hand.hear() == STACK


def test_a_note_that_is_held_without_its_type_has_no_value() -> None:
    hand = Hand().connected()
    assert hand.answer(HOLDING) == [NoteEscrowed(1, 0)]


def test_another_type_without_leaving_escrow_is_another_note() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    assert hand.answer(b"\x80\x06") == [NoteEscrowed(2, 7)]
    hand.sent.clear()
    hand.answer(b"\x80\x06", b"\x80\x06")
    assert STACK not in hand.commands()


@pytest.mark.parametrize("data", [b"\x80\x07", b"\x80\x17", b"\x80\xff"])
def test_a_type_without_a_configured_value_has_channel_0(data: bytes) -> None:
    assert Hand().connected().answer(data)[-1:] == [NoteEscrowed(1, 0)]


def test_a_note_nobody_wanted_has_channel_0_and_switching_off_meanwhile_changes_nothing() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(Disable())
    assert hand.answer(ESCROW, ESCROW) == []
    assert OFF not in hand.commands()  # not while a note waits in escrow
    hand.do(ReturnNote(1))
    hand.answer(RETURNING, RETURNED)
    hand.acknowledge()
    hand.answer(IDLE, DISABLED)
    assert OFF in hand.commands()
    assert hand.answer(ACCEPTING, ESCROW)[-1:] == [NoteEscrowed(2, 0)]


def test_the_device_is_disabled_from_the_decision_until_the_report_is_durable() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    hand.answer(STACKING, STACKING)
    assert hand.commands() == [STACK, OFF]
    hand.answer(STACKED, DISABLED, DISABLED)  # it says a report once, acknowledged or not
    assert hand.commands() == [STACK, OFF]
    hand.acknowledge()
    hand.answer(DISABLED, IDLE)
    assert hand.commands() == [STACK, OFF, enable_data(ALL)]


def test_a_return_is_told_when_it_is_seen_and_when_it_is_done() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(ReturnNote(1))
    assert hand.answer(RETURNING, RETURNING, RETURNED, RETURNED) == [Returning(), NoteReturned(1)]


def test_the_same_type_right_after_any_other_state_is_a_new_report() -> None:
    hand = Hand().connected()
    assert hand.answer(STACKED, STACKED) == [NoteStacked(1, 5)]
    hand.acknowledge()
    assert hand.answer(STACKED, DISABLED, STACKED)[-1] == NoteStacked(2, 5)
    hand.acknowledge()
    assert hand.answer(b"\x81\x03") == [NoteStacked(3, 4)]


def test_a_report_is_not_new_because_the_line_was_away() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    hand.answer(STACKING, STACKED)
    hand.codec.line_opened(hand.now_ms)
    assert hand.answer(STACKED) == []
    hand.pass_ms(6_000)
    assert isinstance(hand.events[-1], Lost)
    assert hand.answer(STACKED) == []
    hand.acknowledge()
    hand.answer(STACKED)
    assert hand.next() == ACKNOWLEDGED


def test_the_first_report_that_a_new_process_hears_may_be_old() -> None:
    hand = Hand()
    assert hand.answer(STACKED) == [NoteStacked(1, 5, replay=True)]
    hand = Hand()
    assert hand.answer(STACKING, STACKED)[-1] == NoteStacked(1, 5)


def test_a_note_to_be_stacked_of_which_nothing_is_said_is_lost_from_sight() -> None:
    """Section 9, rule 7: neither a credit nor forgotten. The conversation begins anew, and the layer above doubts."""
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    hand.answer(STACKING, DISABLED, DISABLED)
    assert not [event for event in hand.events if isinstance(event, Lost)]
    hand.answer(DISABLED)
    hand.hear()
    assert hand.events == [NoteEscrowed(1, 5), Lost(hand.events[-1].reason)]  # type: ignore[union-attr]
    assert "does not say" in hand.events[-1].reason  # type: ignore[union-attr]
    hand.say(seal(DISABLED))
    hand.answer(DISABLED, DISABLED, DISABLED, DISABLED)
    assert isinstance(hand.events[-1], Connected)
    assert enable_data(ALL) not in hand.commands()


@pytest.mark.parametrize("between", [IDLE, DISABLED, ACCEPTING])
def test_what_comes_back_after_the_device_was_ready_for_another_note_is_not_told(between: bytes) -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    hand.answer(STACKING, between)
    hand.events.clear()
    hand.answer(ESCROW, ESCROW, RETURNED, DISABLED, DISABLED, DISABLED)
    hand.hear()
    assert hand.commands()[-1] == RETURN
    assert [type(event) for event in hand.events] == [Lost]


def test_a_note_that_the_stacker_gives_back_into_escrow_is_told_anew() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    assert hand.answer(STACKING, ESCROW) == [NoteEscrowed(2, 5)]
    hand.do(ReturnNote(2))
    assert hand.answer(RETURNING, RETURNED) == [Returning(), NoteReturned(1)]


def test_a_return_of_another_type_does_not_close_the_note_to_be_stacked() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    assert NoteReturned(1) not in hand.answer(STACKING, b"\x82\x03")


def test_a_rejection_at_the_entry_is_none_of_the_note_that_is_being_stacked() -> None:
    hand = Hand().connected()
    assert hand.answer(ACCEPTING, REJECTED, REJECTED, b"\x1c\x60") == [Accepting(), NoteRejected(1)]
    hand.acknowledge()
    hand.answer(IDLE, ESCROW)
    hand.do(StackNote(1))
    assert hand.answer(STACKING, REJECTED, STACKING, STACKED) == [NoteStacked(2, 5)]


def test_only_the_note_in_escrow_can_be_decided_and_only_once() -> None:
    hand = Hand().connected()
    for command in (StackNote(1), ReturnNote(0)):
        with pytest.raises(NotInEscrow):
            hand.do(command)
    hand.answer(ESCROW)
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(2))
    hand.do(ReturnNote(1))
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(1))
    hand.answer(RETURNING)
    with pytest.raises(NotInEscrow):
        hand.do(ReturnNote(1))
    with pytest.raises(Refused):
        hand.do(PayOut(1, {1: 1}))
