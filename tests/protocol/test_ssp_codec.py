"""The codec alone, against replies written out by hand."""

from itertools import pairwise

import pytest

from hardware.acceptors.contract import (
    Accepting,
    Connected,
    Fault,
    FaultCleared,
    Lost,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    NotInEscrow,
    PoweredUp,
    Returning,
    ReturnNote,
    StackNote,
)
from hardware.acceptors.ssp.frames import Frame, Receiver
from tests.protocol.ssp_bench import GREETING, SETUP, Hand


def escrowed() -> Hand:
    hand = Hand().enabled()
    hand.exchange("07", "F0 EF 00")
    hand.exchange("07", "F0 EF 05")
    return hand


# The opening


def test_the_opening_asks_what_is_held_before_anything_could_stack_it() -> None:
    hand = Hand(greet=False)
    flags = []
    for command, data in GREETING:
        flags.append(hand.asked().flag)
        hand.exchange_of(command, data)
    assert flags == [1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    for _ in range(2):
        assert hand.exchange("07") == []
    [connected] = hand.exchange("07")
    assert isinstance(connected, Connected)
    assert not connected.in_escrow
    identity = connected.identity
    assert (identity.protocol, identity.model, identity.serial) == ("ssp", "note validator", "1873452")
    assert (identity.firmware, identity.variant) == ("NV02004141498000", "USD01D01")
    assert identity.table[5] == ("USD", 2000)
    assert identity.counters == {
        "stacked": 12,
        "stored": 0,
        "paid_out": 0,
        "moved_from_store_to_cassette": 0,
        "rejected": 259,
    }


def test_the_line_settles_first_and_polls_come_five_times_a_second() -> None:
    hand = Hand(greet=False)
    hand.asked()
    assert hand.now_ms == 100
    hand = Hand()
    times = []
    for _ in range(4):
        hand.exchange("07")
        times.append(hand.now_ms)
    assert [after - before for before, after in pairwise(times)] == [200, 200, 200]


def test_a_note_found_in_escrow_is_told_without_a_poll_and_goes_back() -> None:
    hand = Hand(greet=False)
    for command, data in GREETING:
        if command == "09":
            continue  # it would send the note back
        hand.exchange(command, "F0" if command == "18" else data)
    connected, note = hand.events
    assert isinstance(connected, Connected)
    assert connected.in_escrow
    assert note == NoteEscrowed(1, 0)
    hand.exchange("18")
    hand.do(ReturnNote(1))
    hand.exchange("08")
    hand.exchange("09")
    hand.exchange("07", "F0 ED")
    hand.exchange("07", "F0 EC")
    assert hand.events[-2:] == [Returning(), NoteReturned(1)]


@pytest.mark.parametrize(
    ("setup", "fault"),
    [
        (SETUP.replace("14 00 00 00 32", "32 00 00 00 32"), "channel 5: configured USD 20.00, the device says USD 50"),
        (SETUP.replace("55 53 44", "45 55 52"), "channel 1: configured USD 1.00, the device says EUR 1.00"),
    ],
)
def test_another_table_is_a_fault_and_enables_nothing(setup: str, fault: str) -> None:
    hand = Hand(greet=False)
    for command, data in GREETING:
        hand.exchange(command, setup if command == "05" else data)
    for _ in range(3):
        hand.exchange("07")
    [wrong] = [event for event in hand.events if isinstance(event, Fault)]
    assert wrong.code == "wrong_table"
    assert fault in wrong.detail
    hand.enable()
    hand.exchange("09")
    for _ in range(5):
        hand.exchange("07")


def test_a_hopper_or_a_refused_version_is_given_up() -> None:
    hand = Hand(greet=False)
    for command, data in GREETING[:4]:
        hand.exchange(command, data)
    for version in range(8, 4, -1):
        hand.exchange(f"06 0{version}", "F8")
    [lost] = hand.exchange("06 04", "F8")
    assert isinstance(lost, Lost)
    assert "protocol version" in lost.reason


def test_encryption_that_is_configured_off_is_said() -> None:
    hand = Hand(greet=False)
    hand.exchange("11")
    hand.exchange("11")
    [lost] = hand.exchange("18", "FA")
    assert isinstance(lost, Lost)
    assert "encryption" in lost.reason


# Sequence and repetition


@pytest.mark.parametrize(
    "reply", [b"", b"\x7f", b"\x00\xff", b"\x7f\x80\x01\xf0\x23\x81", b"\x7f\x00\x01\xf0\x20\x0a\x0a"]
)
def test_without_a_good_reply_the_identical_frame_goes_again_after_a_second(reply: bytes) -> None:
    hand = Hand()
    frame = hand.asked()
    wrong = reply if frame.flag else b"\x7f\x80\x01\xf0\x23\x80" if reply[:2] == b"\x7f\x00" else reply
    sent_ms = hand.now_ms
    assert hand.say(wrong) == []
    assert hand.asked() == frame
    assert hand.now_ms == sent_ms + 1_000
    assert hand.sent[-1] == hand.sent[-2]


def test_echoes_other_addresses_and_host_words_are_no_replies() -> None:
    hand = Hand()
    frame = hand.asked()
    for raw in (hand.sent[-1], Frame(frame.flag, b"\xf0\xee\x05", 0x10).encode(), Frame(frame.flag, b"\x07").encode()):
        assert hand.say(raw) == []
    assert hand.asked() == frame


def test_more_replies_to_the_same_frame_say_nothing_new() -> None:
    hand = Hand().enabled()
    [note] = hand.exchange("07", "F0 EE 05 EB")
    assert isinstance(note, NoteStacked)
    assert hand.answer("F0 EE 05 EB") == []
    assert hand.answer("F0 EE 04") == []


def test_a_report_is_repeated_until_it_is_durable_and_only_then_comes_a_new_flag() -> None:
    hand = Hand().enabled()
    hand.exchange("07", "F0 EE 05")
    held = hand.sent[-1]
    for _ in range(30):
        hand.asked()
        assert hand.sent[-1] == held
        assert hand.answer("F0 EE 05") == []
    hand.acknowledge()
    assert hand.asked().flag != Receiver().feed(held)[0].flag


def test_a_device_that_restarts_behind_a_held_report_is_heard() -> None:
    hand = Hand().enabled()
    hand.exchange("07", "F0 EE 05")
    hand.asked()
    assert hand.answer("F0 F1 E8") == [PoweredUp()]


# A note


def test_a_note_is_held_and_stacked_by_a_poll() -> None:
    hand = escrowed()
    assert hand.events == [Accepting(), NoteEscrowed(1, 5)]
    hand.exchange("18")
    hand.exchange("18")
    hand.do(StackNote(1))
    assert hand.exchange("07", "F0 CC") == []
    assert hand.exchange("07", "F0 EE 05") == [NoteStacked(1, 5)]
    hand.acknowledge()
    assert hand.exchange("07", "F0 EB") == []


def test_holds_come_twice_a_second_and_a_decision_at_once() -> None:
    hand = escrowed()
    hand.exchange("18")
    first_ms = hand.now_ms
    hand.exchange("18")
    assert hand.now_ms - first_ms == 500
    hand.do(StackNote(1))
    hand.exchange("07")
    assert hand.now_ms - first_ms <= 560


def test_an_undecided_note_goes_back_after_five_seconds() -> None:
    hand = escrowed()
    began_ms = hand.now_ms
    while hand.asked().data == b"\x18":
        hand.answer()
    assert Receiver().feed(hand.sent[-1])[0].data == b"\x08"
    assert 5_000 <= hand.now_ms - began_ms <= 5_600
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(1))


def test_a_note_that_cannot_be_rejected_now_is_looked_for_and_never_polled_in() -> None:
    """F5 to REJECT: only if HOLD says so too is the note gone (a POLL would stack it)."""
    hand = escrowed()
    hand.do(ReturnNote(1))
    hand.exchange("08", "F5")
    hand.exchange("18", "F0")
    hand.exchange("08", "F5")
    hand.exchange("18", "F5")
    assert hand.exchange("07", "F0 EE 05") == [NoteStacked(1, 5)]  # it was moving already


def test_a_note_that_left_escrow_by_itself_cannot_be_stacked() -> None:
    hand = escrowed()
    hand.exchange("18", "F5")
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(1))
    assert hand.exchange("07", "F0 ED") == [Returning()]
    assert hand.exchange("07", "F0 EC") == [NoteReturned(1)]


def test_only_the_note_in_escrow_can_be_decided_and_only_once() -> None:
    hand = Hand().enabled()
    for command in (StackNote(1), ReturnNote(0)):
        with pytest.raises(NotInEscrow):
            hand.do(command)
    hand.exchange("07", "F0 EF 05")
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(2))
    hand.do(ReturnNote(1))
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(1))


def test_another_note_after_the_decision_is_another_note() -> None:
    hand = escrowed()
    hand.do(StackNote(1))
    assert hand.exchange("07", "F0 EC EF 03")[-1] == NoteEscrowed(2, 3)
    hand.acknowledge()
    hand.exchange("18")


def test_a_note_that_the_stacker_refuses_is_rejected() -> None:
    hand = escrowed()
    hand.do(StackNote(1))
    hand.exchange("07", "F0 CC")
    assert hand.exchange("07", "F0 ED EC") == [Returning(), NoteRejected(1)]


def test_a_note_nobody_enabled_has_no_value() -> None:
    hand = Hand()
    assert hand.exchange("07", "F0 EF 05") == [Accepting(), NoteEscrowed(1, 0)]


def test_the_whole_path_may_come_in_one_reply() -> None:
    hand = Hand().enabled()
    events = hand.exchange("07", "F0 EF 05 CC EE 05 EB")
    assert events == [Accepting(), NoteEscrowed(1, 5), NoteStacked(1, 5)]
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(1))


def test_an_impossible_channel_is_an_alarm_and_no_money() -> None:
    """P35: its data byte looks like a credit."""
    hand = Hand().enabled()
    events = hand.exchange("07", "F0 EF EE")
    assert Fault("failure", "impossible channel 238") in events
    assert NoteEscrowed(1, 0) in events
    assert not [event for event in events if isinstance(event, NoteStacked)]


@pytest.mark.parametrize("data", ["F0 EF", "F0 99 EE 05", "F0 EE"])
def test_what_cannot_be_read_is_a_fault_and_no_money(data: str) -> None:
    hand = Hand().enabled()
    [fault] = hand.exchange("07", data)
    assert isinstance(fault, Fault)
    assert fault.code == "failure"
    for _ in range(3):
        last = hand.exchange("07")
    assert FaultCleared("failure") in last


def test_a_credit_without_a_channel_is_not_clean() -> None:
    hand = Hand().enabled()
    assert hand.exchange("07", "F0 EE 00") == [NoteStacked(1, 0, clean=False)]


# Power-up


def test_a_power_up_is_told_and_the_device_is_asked_anew() -> None:
    hand = escrowed()
    hand.do(StackNote(1))
    hand.exchange("07", "F0 CC")
    assert hand.exchange("07", "F0 F1 E2 05 E8") == [PoweredUp(), NoteStacked(1, 5, power_up=True)]
    hand.acknowledge()
    for command, data in GREETING[3:]:
        hand.exchange(command, data)
    for _ in range(3):
        hand.exchange("07")
    assert isinstance(hand.events[-1], Connected)


def test_a_credited_note_that_is_cleared_into_the_cassette_is_the_same_note() -> None:
    hand = escrowed()
    hand.do(StackNote(1))
    assert hand.exchange("07", "F0 EE 05") == [NoteStacked(1, 5)]
    hand.acknowledge()
    assert hand.exchange("07", "F0 F1 E2 05") == [PoweredUp()]


@pytest.mark.parametrize("between", ["EB", "EF 00"])
def test_a_note_after_the_credited_one_is_another(between: str) -> None:
    hand = escrowed()
    hand.do(StackNote(1))
    hand.exchange("07", "F0 EE 05 EB" if between == "EB" else "F0 EE 05")
    hand.acknowledge()
    hand.exchange("07", "F0 " + ("EF 04" if between != "EB" else ""))
    hand.events.clear()
    if between != "EB":
        hand.do(StackNote(2))
    events = hand.exchange("07", "F0 F1 E2 05")
    assert NoteStacked(2, 5, power_up=True) in events


def test_a_note_that_left_from_the_front_after_its_credit_is_an_alarm() -> None:
    hand = Hand().enabled()
    hand.exchange("07", "F0 EE 05")
    hand.acknowledge()
    events = hand.exchange("07", "F0 F1 E1 05")
    assert events[:2] == [PoweredUp(), NoteReturned(2, power_up=True)]
    assert isinstance(events[2], Fault)
    assert events[2].code == "cheated"


def test_a_blank_report_is_clean_only_if_nothing_else_was_seen_since_the_power_up() -> None:
    assert Hand().next("F0 F1 E2 00") == [PoweredUp(), NoteStacked(1, 0, power_up=True, clean=True)]
    assert Hand().next("F0 F1 E1 00 E2 00")[-1] == NoteStacked(2, 0, power_up=True, clean=False)


def test_the_power_up_is_over_when_the_device_is_idle() -> None:
    hand = Hand().enabled()
    hand.exchange("07", "F0 F1")
    for command, data in GREETING[3:]:
        hand.exchange(command, data)
    for _ in range(3):
        hand.exchange("07")
    hand.exchange("09")
    hand.enabled()
    hand.events.clear()
    assert hand.exchange("07", "F0 EE 05") == [NoteStacked(1, 5)]


# What was kept outside


def test_a_lost_reply_is_asked_for_with_its_own_flag_before_the_synchronising() -> None:
    """Section 4, trap: the device repeats its last reply to the flag that it knows."""
    hand = Hand(memory=3, greet=False)
    frame = hand.asked()
    assert (frame.flag, frame.data) == (1, b"\x18")  # HOLD: if the device never had the poll, nothing is stacked
    assert hand.answer("F0 CC EE 05") == [NoteStacked(1, 5, replay=True)]
    hand.asked()
    assert hand.sent[-1] == hand.sent[-2]
    hand.acknowledge()
    hand.exchange("11")


def test_after_another_word_than_a_poll_nothing_is_asked_for() -> None:
    hand = Hand(memory=1, greet=False)
    assert hand.asked().data == b"\x11"


@pytest.mark.parametrize("answer", ["F0", "F5", "F0 EF 05", "F0 F1 E8"])
def test_a_repeated_reply_without_the_end_of_a_note_says_nothing(answer: str) -> None:
    hand = Hand(memory=2, greet=False)
    hand.asked()
    assert hand.answer(answer) == []
    hand.exchange("11")


def test_the_memory_is_the_flag_and_whether_it_was_a_poll() -> None:
    hand = Hand()
    flag = hand.asked().flag
    assert hand.codec.memory == flag | 2
    hand.answer("F0 EF 05")
    flag = hand.asked().flag
    assert hand.codec.memory == flag


def test_a_line_that_breaks_in_a_poll_brings_its_reply_later_and_once() -> None:
    hand = escrowed()
    hand.do(StackNote(1))
    poll = hand.asked()
    hand.codec.line_opened(hand.now_ms)
    frame = hand.asked()
    assert (frame.flag, frame.data) == (poll.flag, b"\x18")
    assert hand.answer("F0 CC EE 05") == [NoteStacked(1, 5)]
    hand.acknowledge()
    hand.codec.line_opened(hand.now_ms)
    hand.exchange("11")
