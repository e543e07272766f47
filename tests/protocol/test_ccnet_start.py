"""The CCNET codec alone: start and power-up, enabling, faults and silence, against replies written out by hand."""

import pytest

from hardware.acceptors.ccnet import CcnetCodec
from hardware.acceptors.ccnet.frames import ILLEGAL, NAK, Code, enable_data, seal
from hardware.acceptors.contract import (
    Connected,
    Disable,
    Enable,
    Fault,
    FaultCleared,
    Identity,
    Idle,
    Lost,
    NoteReturned,
    NoteStacked,
    NotInEscrow,
    Paused,
    PoweredUp,
    Reset,
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
    POLL,
    RETURNED,
    RETURNING,
    STACKED,
    STACKING,
    TABLE,
    Hand,
)
from tests.protocol.test_ccnet_frames import BY_NUMBER

RESET, STACK, RETURN, HOLD = (bytes([code]) for code in (Code.RESET, Code.STACK, Code.RETURN, Code.HOLD))
OFF = enable_data(frozenset())
POWER_UP, IN_VALIDATOR, IN_STACKER, INITIALIZE, HOLDING = b"\x10", b"\x11", b"\x12", b"\x13", b"\x1a"
REJECTED = b"\x1c\x66"


def test_a_device_that_runs_is_disabled_before_it_is_asked_who_it_is() -> None:
    hand = Hand()
    hand.answer(IDLE, IDLE, DISABLED, DISABLED, DISABLED)
    assert hand.commands() == [OFF, bytes([Code.IDENTIFICATION]), bytes([Code.GET_BILL_TABLE])]
    assert any(isinstance(event, Connected) for event in hand.events)


def test_a_note_found_in_escrow_goes_back_before_anything_else() -> None:
    hand = Hand()
    hand.answer(ESCROW, RETURNING, RETURNED)
    assert hand.commands() == [RETURN]
    assert hand.events == [Returning(), NoteReturned(1)]


def test_what_is_booked_comes_before_the_reset_and_a_report_is_never_reset_away() -> None:
    hand = Hand()
    hand.answer(STACKED, POWER_UP, POWER_UP)
    hand.pass_ms(50)
    assert hand.commands() == []
    hand.acknowledge()
    hand.answer(POWER_UP, POWER_UP)
    assert hand.commands() == [RESET]


def test_reset_is_not_repeated_while_the_device_takes_its_time() -> None:
    hand = Hand()
    hand.answer(*[POWER_UP] * 5, b"\x1b\x05", INITIALIZE)
    assert hand.commands() == [RESET]
    assert hand.events == [PoweredUp()]
    hand.answer(POWER_UP)  # once more
    assert hand.hear() == RESET
    assert hand.events == [PoweredUp(), PoweredUp()]


def test_a_port_that_goes_with_the_reset_does_not_bring_another() -> None:
    """A GX on USB drops its port at RESET (section 2)."""
    hand = Hand()
    hand.answer(POWER_UP)
    assert hand.hear() == RESET
    hand.pass_ms(50)
    hand.codec.line_opened(hand.now_ms)
    hand.answer(POWER_UP, POWER_UP, INITIALIZE, *[DISABLED] * 4)
    assert hand.commands().count(RESET) == 1
    assert any(isinstance(event, Connected) for event in hand.events)


def test_a_busy_device_is_left_alone() -> None:
    hand = Hand().connected()
    hand.answer(b"\x1b\x0a")
    begun_ms = hand.now_ms
    assert hand.next() == ACKNOWLEDGED
    hand.do(Disable())
    hand.hear()
    assert hand.now_ms - begun_ms >= 1_000


def test_a_note_that_a_power_cut_left_in_the_validator_is_back_when_the_device_rests() -> None:
    hand = Hand()
    hand.answer(IN_VALIDATOR, INITIALIZE, RETURNING, DISABLED, DISABLED, DISABLED)
    assert hand.events[:3] == [PoweredUp(), Returning(), NoteReturned(1, power_up=True)]
    hand = Hand()
    hand.answer(IN_VALIDATOR, INITIALIZE, RETURNED)
    hand.acknowledge()
    hand.answer(*[DISABLED] * 5)
    assert [event for event in hand.events if isinstance(event, NoteReturned)] == [NoteReturned(1, power_up=True)]
    hand = Hand()
    hand.answer(IN_VALIDATOR, INITIALIZE, b"\x43", *[DISABLED] * 5)  # jammed: people take it out
    assert not [event for event in hand.events if isinstance(event, NoteReturned)]


def test_idle_ends_the_power_up_and_connects_anew() -> None:
    hand = Hand().connected()
    assert hand.answer(POWER_UP) == [PoweredUp()]
    hand.answer(INITIALIZE, *[DISABLED] * 7)
    assert [type(event) for event in hand.events] == [PoweredUp, Connected, Idle]
    hand.answer(ACCEPTING, STACKED)
    assert hand.events[-1] == NoteStacked(1, 5)


def test_a_report_in_a_power_up_in_which_a_note_moved_is_not_clean() -> None:
    hand = Hand()
    hand.answer(IN_VALIDATOR, INITIALIZE, ESCROW, STACKED)
    assert hand.events[-1] == NoteStacked(1, 5, power_up=True, clean=False)


@pytest.mark.parametrize("answer", [ILLEGAL, NAK, b""])
def test_a_device_that_does_not_say_who_it_is_connects_but_one_without_table_takes_nothing(answer: bytes) -> None:
    hand = Hand()
    for _ in range(30):
        asked = hand.hear()
        if asked == POLL:
            hand.say(seal(DISABLED))
        elif asked[0] == Code.GET_BILL_TABLE and answer == ILLEGAL:
            hand.say(seal(TABLE))
        elif answer:
            hand.say(seal(answer))
    [connected] = [event for event in hand.events if isinstance(event, Connected)]
    faults = [event.code for event in hand.events if isinstance(event, Fault)]
    assert connected.identity.model == ""
    assert faults == ([] if answer == ILLEGAL else ["wrong_table"])


def test_a_table_that_contradicts_the_configuration_keeps_it_disabled() -> None:
    for table, words in [
        ({3: ("USD", 1000)}, "bill type 2: configured USD 10.00, the device says USD 5.00"),
        ({9: ("USD", 1000)}, "bill type 8: configured USD 10.00, the device says nothing"),
        ({3: ("EUR", 500)}, "configured EUR 5.00"),
    ]:
        hand = Hand(table)
        hand.answer(*[DISABLED] * 4)
        fault = hand.events[-1]
        assert isinstance(fault, Fault)
        assert fault.code == "wrong_table"
        assert words in fault.detail
        hand.do(Enable(frozenset(table)))
        hand.answer(*[DISABLED] * 10)
        assert enable_data(frozenset(table)) not in hand.commands()


def test_who_it_is() -> None:
    hand = Hand()
    hand.answer(*[DISABLED] * 4)
    [connected] = [event for event in hand.events if isinstance(event, Connected)]
    assert connected.identity == Identity(
        "ccnet", "FLS-EU10-693639", "07KI41AS7482", "693639", table=connected.identity.table
    )
    assert connected.identity.table[5] == ("USD", 2000)


# Enabling


def test_masks_are_sent_until_the_device_says_that_it_has_them() -> None:
    hand = Hand().connected()
    hand.do(Enable(frozenset({1, 3})))
    hand.answer(IDLE, IDLE)
    assert hand.hear() == bytes([Code.GET_STATUS])
    hand.say(seal(bytes([0, 0, 0x7F, 0, 0, 0])))  # it has others than ordered
    hand.answer(IDLE, IDLE)
    assert hand.commands().count(enable_data(frozenset({1, 3}))) == 2
    assert hand.hear() == bytes([Code.GET_STATUS])
    hand.say(seal(bytes([0, 0, 0x05, 0, 0, 0])))
    hand.sent.clear()
    hand.answer(*[IDLE] * 10)
    assert hand.commands() == []


def test_a_device_that_does_not_say_what_it_has_enabled_is_soon_left_alone() -> None:
    hand = Hand().connected()
    hand.do(Enable(frozenset({1, 3})))
    hand.answer(IDLE)
    for _ in range(40):
        if hand.hear()[0] != Code.GET_STATUS:
            hand.say(seal(IDLE))
    assert hand.commands().count(bytes([Code.GET_STATUS])) == 3


def test_disabled_unasked_is_enabled_again_and_idling_unasked_disabled() -> None:
    hand = Hand().connected()
    hand.answer(*[DISABLED] * 4, IDLE)
    assert hand.commands() == [enable_data(ALL)]
    hand.do(Disable())
    hand.answer(*[IDLE] * 12)
    assert hand.commands().count(OFF) in (2, 3)


def test_a_refused_mask_is_sent_again() -> None:
    hand = Hand().connected()
    hand.do(Disable())
    assert hand.hear() in (POLL, OFF)
    hand.answer(IDLE)
    while hand.hear() != OFF:
        hand.say(seal(IDLE))
    hand.say(seal(NAK))
    hand.answer(*[IDLE] * 8)
    assert hand.commands().count(OFF) >= 2


def test_channels_without_a_value_are_never_enabled() -> None:
    hand = Hand().connected()
    hand.do(Enable(frozenset({1, 9, 24})))
    hand.answer(IDLE, IDLE)
    assert hand.commands()[0] == enable_data(frozenset({1}))


def test_idle_is_told_once_and_after_disable_only_when_it_is_disabled() -> None:
    hand = Hand().connected()
    hand.answer(*[IDLE] * 8)
    assert hand.events.count(Idle()) <= 1
    hand.events.clear()
    hand.do(Disable())
    hand.answer(*[IDLE] * 8)
    assert hand.events == []
    hand.answer(DISABLED, DISABLED, DISABLED, DISABLED)
    assert hand.events == [Idle()]


# Faults


@pytest.mark.parametrize(
    ("state", "code", "detail"),
    [
        (b"\x41", "cassette_full", ""),
        (b"\x42", "cassette_removed", ""),
        (b"\x43", "jammed", ""),
        (b"\x44", "jammed", "cassette"),
        (b"\x47\x50", "failure", "50"),
        (b"\x47", "failure", ""),
    ],
)
def test_faults_begin_and_end(state: bytes, code: str, detail: str) -> None:
    hand = Hand().connected()
    assert hand.answer(state, state) == [Fault(code, detail)]
    assert hand.answer(INITIALIZE) == [PoweredUp()]
    assert hand.answer(DISABLED) == [FaultCleared(code)]


def test_a_jam_gets_one_reset() -> None:
    hand = Hand().connected()
    hand.answer(*[b"\x43"] * 60, INITIALIZE, *[b"\x43"] * 60)
    assert hand.commands().count(RESET) == 1
    assert hand.events.count(Fault("jammed")) == 1


def test_cheating_and_pausing_are_told_when_they_begin_and_end_by_reset_if_they_do_not() -> None:
    hand = Hand().connected()
    assert hand.answer(b"\x45", b"\x45", IDLE, b"\x46", b"\x46") == [Fault("cheated"), Paused()]
    hand.answer(*[b"\x46"] * 280)
    assert RESET not in hand.commands()
    hand.answer(*[b"\x46"] * 40)
    assert hand.commands().count(RESET) == 1


def test_a_pause_does_not_move_the_note_in_escrow() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW, b"\x46")
    hand.do(StackNote(1))
    assert hand.answer(b"\x46", ESCROW) == []
    assert hand.hear() == STACK


def test_rejecting_without_end_is_a_jam_and_initialising_without_end_out_of_service() -> None:
    hand = Hand().connected()
    hand.answer(*[REJECTED] * 650)
    assert Fault("jammed", "rejecting does not end") in hand.events
    hand = Hand()
    hand.answer(*[INITIALIZE] * 650)
    assert Fault("out_of_service", "power-up does not end") in hand.events
    hand.answer(DISABLED)
    assert FaultCleared("out_of_service") in hand.events


def test_reset_waits_until_nothing_can_be_harmed() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    hand.do(Reset())
    hand.answer(STACKING, STACKING, STACKED, STACKED)
    assert RESET not in hand.commands()
    hand.acknowledge()
    hand.answer(STACKED, b"\x43", b"\x43", INITIALIZE)
    assert hand.commands().count(RESET) == 1


# Silence


def test_silence_is_lost_after_five_seconds_and_polling_goes_on() -> None:
    hand = Hand().connected()
    hand.answer(ESCROW)
    hand.do(StackNote(1))
    hand.pass_ms(4_990)
    assert hand.codec.degraded(hand.now_ms)
    assert not any(isinstance(event, Lost) for event in hand.events)
    hand.pass_ms(10)
    assert hand.events[-1] == Lost("no reply for 5 s")
    assert hand.codec.degraded(hand.now_ms)
    assert hand.hear() == POLL
    with pytest.raises(NotInEscrow):
        hand.do(ReturnNote(1))
    hand.pass_ms(60_000)
    assert sum(isinstance(event, Lost) for event in hand.events) == 1
    hand.do(Reset())
    assert RESET in [hand.hear() for _ in range(3)]


def test_a_line_that_only_echoes_is_lost_and_named() -> None:
    hand = Hand()
    while not hand.events:
        hand.hear()
        hand.say(hand.sent[-1][1])
    assert hand.events == [Lost("only its own echo answers")]


def test_a_device_that_speaks_otherwise_is_named() -> None:
    hand = Hand()
    while not hand.events:
        hand.hear()
        hand.say(b"\x02\x0b\x20\x01\x10\x00\x00\x54\x2a\x03\x44")
    assert hand.events == [Lost("what answers does not speak CCNET")]


def test_a_device_that_never_gets_ready_is_given_up() -> None:
    hand = Hand()
    while not any(isinstance(event, Lost) for event in hand.events):
        hand.answer(IDLE)
    assert hand.events == [Lost("it answers but is not ready after 60 s")]


def test_a_device_that_comes_back_after_minutes_is_given_its_time() -> None:
    hand = Hand().connected()
    hand.pass_ms(100_000)
    hand.answer(*[DISABLED] * 5)
    assert [type(event) for event in hand.events] == [Lost, Connected]


def test_a_closed_codec_says_nothing() -> None:
    codec = CcnetCodec()
    assert codec.feed(BY_NUMBER[26], 0) == []
    assert codec.tick(10) == (b"", [])
    assert codec.due_ms() > 1 << 60
