"""The codec alone, against replies written out by hand."""

from dataclasses import replace

import pytest

from hardware.acceptors.contract import (
    Acknowledge,
    Connected,
    Disable,
    Fault,
    FaultCleared,
    Idle,
    Lost,
    NoteEscrowed,
    NoteRejected,
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
from hardware.acceptors.ebds import MEI_S2K, MEI_SC, PYRAMID, EbdsCodec, Profile
from hardware.acceptors.ebds.frames import Frame, parse
from tests.protocol.ebds_hand import SILENT_PROFILE, Hand, status


def test_the_line_settles_before_the_first_poll_and_polls_come_every_tenth_of_a_second() -> None:
    hand = Hand()
    times = []
    for _ in range(4):
        hand.poll()
        times.append(hand.now_ms)
        hand.say(Frame(2, parse(hand.sent[-1]).toggle, status("idling")).encode())
    assert times == [100, 200, 300, 400]


def test_two_good_polls_with_both_toggles_come_before_connected() -> None:
    hand = Hand()
    assert hand.answer("idling") == []
    assert [type(event) for event in hand.answer("idling")] == [Connected]
    assert [parse(raw).toggle for raw in hand.sent] == [0, 1]
    assert all(parse(raw).data[0] == 0 for raw in hand.sent)


def test_a_toggle_kept_from_an_earlier_run_is_used_first() -> None:
    hand = Hand(toggle=1)
    assert hand.poll().toggle == 1
    assert hand.codec.toggle == 1


@pytest.mark.parametrize(
    "reply", [b"", b"\x02", b"\x05", b"\x02\x0b\x21\x11\x10\x28\x10\x54\x2a\x03\x00", b"\x02\x02\x02"]
)
def test_without_a_good_reply_the_identical_frame_goes_again(reply: bytes) -> None:
    hand = Hand().connected()
    first = hand.poll()
    sent_ms = hand.now_ms
    hand.say(reply)
    assert hand.poll() == first
    assert hand.now_ms == sent_ms + 200
    assert hand.sent[-1] == hand.sent[-2]


def test_an_echo_is_no_reply() -> None:
    hand = Hand().connected()
    hand.poll()
    assert hand.say(hand.sent[-1]) == []
    assert hand.poll() == parse(hand.sent[-2])
    hand.say(Frame(1, hand.codec.toggle, bytes([0, 0x1C, 0])).encode())  # any command is one
    assert hand.poll() == parse(hand.sent[-2])


def test_the_echo_of_a_query_is_no_answer() -> None:
    hand = Hand(Profile("one", ("serial",)))
    hand.answer("idling")
    hand.answer("idling")
    query = hand.poll()
    assert query.type == 6
    assert hand.say(hand.sent[-1]) == []
    assert hand.poll() == query


def test_the_other_toggle_is_no_reply_and_after_eight_the_host_gives_in() -> None:
    hand = Hand().connected()
    stale = hand.poll().toggle ^ 1
    frames = [hand.sent[-1]]
    for _ in range(8):
        assert hand.say(Frame(2, stale, status("idling", "stacked", channel=5)).encode()) == []
        hand.poll()
        frames.append(hand.sent[-1])
    assert frames[:8] == [frames[0]] * 8
    assert parse(frames[8]).toggle == stale


def test_only_mismatches_in_a_row_count() -> None:
    hand = Hand().connected()
    for _ in range(3):
        frame = hand.poll()
        for _ in range(7):
            hand.say(Frame(2, frame.toggle ^ 1, status("idling")).encode())
            assert hand.poll() == frame
        hand.say(Frame(2, frame.toggle, status("idling")).encode())


def test_a_decision_waits_for_a_new_toggle_and_is_repeated_until_the_note_has_left() -> None:
    hand = Hand().connected()
    [escrowed] = hand.answer("escrowed", channel=5)
    assert escrowed == NoteEscrowed(1, 5)
    waiting = hand.poll()
    hand.do(StackNote(1))
    assert hand.poll() == waiting  # unanswered: the frame may not change
    hand.say(Frame(2, waiting.toggle, status("escrowed", channel=5)).encode())
    modes = []
    for flags in (("escrowed",), ("escrowed",), ("stacking",), ("stacking",)):
        modes.append(hand.poll().data[1])
        hand.say(Frame(2, hand.codec.toggle, status(*flags, channel=5 if "escrowed" in flags else 0)).encode())
    assert modes == [0x3C, 0x3C, 0x3C, 0x1C]


def test_a_note_nobody_decides_about_goes_back_after_five_seconds() -> None:
    hand = Hand().connected()
    hand.answer("escrowed", channel=5)
    seen_ms = hand.now_ms
    while hand.poll().data[1] == 0x1C:
        hand.say(Frame(2, hand.codec.toggle, status("escrowed", channel=5)).encode())
    assert parse(hand.sent[-1]).data[1] == 0x5C
    assert seen_ms + 5_000 <= hand.now_ms <= seen_ms + 5_120
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(1))


def test_only_the_note_in_escrow_can_be_decided_and_only_once() -> None:
    hand = Hand().connected()
    for command in (StackNote(1), ReturnNote(0)):
        with pytest.raises(NotInEscrow):
            hand.do(command)
    hand.answer("escrowed", channel=5)
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(2))
    hand.do(ReturnNote(1))
    with pytest.raises(NotInEscrow):
        hand.do(StackNote(1))
    hand.answer("escrowed", channel=5)
    hand.answer("idling", "returned")
    with pytest.raises(NotInEscrow):
        hand.do(ReturnNote(1))


def test_another_value_in_escrow_is_another_note_and_voids_the_decision() -> None:
    hand = Hand().connected()
    hand.answer("escrowed", channel=1)
    hand.do(StackNote(1))
    assert hand.answer("escrowed", channel=7) == [NoteEscrowed(2, 7)]
    assert hand.poll().data[1] == 0x1C


def test_a_report_is_repeated_until_it_is_durable() -> None:
    hand = Hand().connected()
    hand.answer("escrowed", channel=5)
    hand.do(StackNote(1))
    hand.answer("stacking")
    [stacked] = hand.answer("idling", "stacked", channel=5)
    assert stacked == NoteStacked(1, 5)
    answered = hand.sent[-1]
    for _ in range(5):
        assert hand.answer("idling", "stacked", channel=5) == []
        assert hand.sent[-1] == answered
    hand.do(Acknowledge(99))  # of no report
    hand.answer("idling", "stacked", channel=5)
    assert hand.sent[-1] == answered
    hand.do(Acknowledge(1))
    assert hand.poll().toggle != parse(answered).toggle


def test_a_level_that_stays_counts_once() -> None:
    hand = Hand().connected()
    for _ in range(4):
        hand.answer("idling", "rejected", "cheated")
        hand.acknowledge()
    assert sum(isinstance(event, NoteRejected) for event in hand.events) == 1
    assert sum(event == Fault("cheated") for event in hand.events) == 1
    hand.answer("idling")
    hand.answer("idling", "rejected")
    assert sum(isinstance(event, NoteRejected) for event in hand.events) == 2


def test_another_value_right_after_is_another_note() -> None:
    hand = Hand().connected()
    assert hand.answer("idling", "stacked", channel=5) == [NoteStacked(1, 5)]
    hand.acknowledge()
    assert hand.answer("idling", "stacked", channel=1) == [NoteStacked(2, 1)]


def test_stacked_and_returned_together_is_never_a_credit() -> None:
    hand = Hand().connected()
    assert hand.answer("idling", "stacked", "returned", channel=5) == [NoteReturned(1)]


def test_stacked_and_rejected_together_has_no_value_and_is_not_clean() -> None:
    hand = Hand().connected()
    events = hand.answer("idling", "stacked", "rejected", channel=5)
    assert events == [NoteRejected(1), NoteStacked(2, 0, clean=False)]
    hand.do(Acknowledge(1))
    held = hand.poll()
    assert held == parse(hand.sent[-2])  # one of the two is still open
    hand.do(Acknowledge(2))
    hand.say(Frame(2, held.toggle, status("idling", "stacked", "rejected", channel=5)).encode())
    assert hand.poll().toggle != held.toggle


def test_stacked_while_a_rejection_is_still_shown_counts() -> None:
    hand = Hand().connected()
    hand.answer("idling", "rejected")
    hand.acknowledge()
    hand.answer("idling", "rejected", "stacked", channel=5)
    assert NoteStacked(2, 5) in hand.events


def test_cheated_with_stacked_is_a_full_cassette_not_fraud() -> None:
    hand = Hand().connected()
    assert hand.answer("idling", "stacked", "cheated", channel=5) == [NoteStacked(1, 5)]


def test_events_of_the_first_reply_count_but_may_be_old_and_its_states_do_not() -> None:
    hand = Hand()
    assert hand.answer("idling", "stacked", channel=5) == [NoteStacked(1, 5, replay=True)]
    hand.acknowledge()
    hand.answer("idling")
    hand = Hand()
    assert hand.answer("escrowed", "jammed", channel=5) == []
    assert hand.answer("idling")[0] == Connected(hand.events[-1].identity)  # type: ignore[union-attr]


def test_a_note_in_escrow_when_the_host_starts_is_told_after_connected() -> None:
    hand = Hand()
    hand.answer("escrowed", channel=5)
    events = hand.answer("escrowed", channel=5)
    assert [type(event) for event in events] == [Connected, NoteEscrowed]
    assert events[0].in_escrow  # type: ignore[union-attr]
    assert events[1] == NoteEscrowed(1, 0)  # nobody had enabled anything


@pytest.mark.parametrize(("enabled", "channel", "told"), [(True, 5, 5), (False, 5, 0), (True, 0, 0)])
def test_a_note_nobody_enabled_or_without_value_has_channel_0(enabled: bool, channel: int, told: int) -> None:
    hand = Hand().connected()
    if not enabled:
        hand.do(Disable())
    assert hand.answer("escrowed", channel=channel) == [NoteEscrowed(1, told)]


def test_a_note_type_without_a_configured_value_has_channel_0() -> None:
    hand = Hand()
    hand.codec = EbdsCodec(SILENT_PROFILE, {1: ("USD", 100)})
    hand.codec.line_opened(0)
    hand.connected()
    assert hand.answer("escrowed", channel=5) == [NoteEscrowed(1, 0)]


def test_idle_is_told_once_and_again_after_disable() -> None:
    hand = Hand().connected()
    for _ in range(10):
        hand.answer("idling")
    assert hand.events.count(Idle()) == 1
    hand.do(Disable())
    for _ in range(10):
        hand.answer("idling")
    assert hand.events.count(Idle()) == 2
    at = max(at for at, raw in enumerate(hand.sent) if parse(raw).data[0])
    assert len(hand.sent) - at - 1 == 10  # the first poll after Disable already said so
    hand.answer("accepting")
    for _ in range(3):
        hand.answer("idling")
    assert hand.events.count(Idle()) == 3


@pytest.mark.parametrize(
    ("flag", "code"),
    [
        ("jammed", "jammed"),
        ("full", "cassette_full"),
        ("failure", "failure"),
        ("stalled", "stalled"),
        ("transport_open", "transport_open"),
        ("calibrating", "out_of_service"),
        ("flash_ready", "out_of_service"),
    ],
)
def test_faults_begin_and_end(flag: str, code: str) -> None:
    hand = Hand().connected()
    [fault] = hand.answer("idling", flag)
    assert isinstance(fault, Fault)
    assert fault.code == code
    assert hand.answer("idling", flag) == []
    assert FaultCleared(code) in hand.answer("idling")


def test_no_state_at_all_is_out_of_service_unless_a_fault_says_why() -> None:
    hand = Hand().connected()
    assert hand.answer() == [Fault("out_of_service", "no state")]
    assert hand.answer("jammed") == [FaultCleared("out_of_service"), Fault("jammed")]
    assert hand.answer(cassette=False) == [FaultCleared("jammed"), Fault("cassette_removed")]


def test_the_blank_report_of_a_cassette_swap_is_not_clean() -> None:
    hand = Hand().connected()
    hand.answer("escrowed", channel=5)
    hand.do(StackNote(1))
    hand.answer("stacking", "jammed")
    hand.answer("idling", cassette=False)
    hand.answer("idling")
    assert hand.answer("idling", "stacked") == [NoteStacked(1, 0, clean=False, self_test=True)]


def test_paused_is_told_when_it_begins_and_means_nothing_on_a_pyramid() -> None:
    hand = Hand().connected()
    assert hand.answer("accepting", "paused")[-1] == Paused()
    assert hand.answer("accepting", "paused") == []
    pyramid = Hand(Profile("pyramid", (), PYRAMID.ignored, one_state=True)).connected()
    assert Paused() not in pyramid.answer("accepting", "paused")


def test_a_note_on_its_way_back_is_told_when_it_begins() -> None:
    hand = Hand().connected()
    hand.answer("escrowed", channel=5)
    hand.do(StackNote(1))
    assert hand.answer("stacking") == []
    assert hand.answer("returning") == [Returning()]
    assert hand.answer("returning") == []


def test_two_states_at_once_are_damage_on_a_pyramid_but_its_events_count() -> None:
    hand = Hand(Profile("pyramid", (), PYRAMID.ignored, one_state=True)).connected()
    assert hand.answer("escrowed", "idling", channel=5) == []
    assert hand.answer("idling", "stacking", "stacked", channel=5) == [NoteStacked(1, 5)]


def test_silence_is_lost_after_five_seconds_and_polling_goes_on_inhibited() -> None:
    hand = Hand().connected()
    hand.answer("escrowed", channel=5)
    hand.do(StackNote(1))
    heard_ms = hand.now_ms
    while not any(isinstance(event, Lost) for event in hand.events):
        hand.poll()
    assert heard_ms + 5_000 <= hand.now_ms <= heard_ms + 5_200  # at the next poll slot of `poll`
    assert hand.codec.degraded(hand.now_ms)
    assert hand.poll().data == bytes([0, 0x1C, 0])  # the old order is not repeated for ever
    with pytest.raises(NotInEscrow):
        hand.do(ReturnNote(1))
    for _ in range(100):
        hand.poll()
    assert sum(isinstance(event, Lost) for event in hand.events) == 1
    hand.say(Frame(2, hand.codec.toggle, status("escrowed", channel=5)).encode())
    events = hand.answer("escrowed", channel=5)
    assert [type(event) for event in events] == [Connected, NoteEscrowed]
    assert events[1] == NoteEscrowed(2, 5)  # it reached escrow while it was wanted
    assert not hand.codec.degraded(hand.now_ms)


def test_a_line_that_only_echoes_is_lost_and_named() -> None:
    hand = Hand()
    while not hand.events:
        hand.poll()
        hand.say(hand.sent[-1])
    assert hand.events == [Lost("only its own echo answers")]


def test_power_up_reports_until_idle_and_connects_anew() -> None:
    hand = Hand().connected()
    hand.answer("escrowed", channel=5)
    hand.do(StackNote(1))
    assert hand.answer("idling", "power_up") == [PoweredUp()]
    assert hand.answer("idling", "power_up", "stacked") == [NoteStacked(1, 0, power_up=True, self_test=True)]
    hand.acknowledge()
    events = [event for _ in range(6) for event in hand.answer("idling")]
    assert [type(event) for event in events] == [Connected, Idle]
    assert hand.answer("idling", "stacked") == [NoteStacked(2, 0, self_test=True)]


@pytest.mark.parametrize(("profile", "test"), [(MEI_SC, True), (MEI_S2K, False), (PYRAMID, False)])
def test_a_blank_report_is_a_self_test_where_the_device_has_one(profile: Profile, test: bool) -> None:
    hand = Hand(replace(profile, queries=())).connected()
    (report,) = hand.answer("idling", "stacked")
    assert (report.channel, report.self_test) == (0, test)


def test_stacked_and_rejected_at_once_with_a_value_is_no_self_test() -> None:
    hand = Hand().connected()
    report = hand.answer("idling", "stacked", "rejected", channel=5)[-1]
    assert (report.channel, report.self_test) == (0, False)


def test_a_note_in_escrow_at_power_up_makes_the_next_report_doubtful() -> None:
    hand = Hand()
    hand.answer("escrowed", "power_up")
    assert hand.answer("escrowed", "power_up") == [NoteEscrowed(1, 0)]  # before Connected: the device waits for us
    hand.do(StackNote(1))
    hand.answer("stacking", "power_up")
    assert hand.answer("idling", "stacked")[0] == NoteStacked(1, 0, power_up=True, clean=False, self_test=True)


def test_a_reset_reaches_a_silent_device_too() -> None:
    hand = Hand().connected()
    while not any(isinstance(event, Lost) for event in hand.events):
        hand.poll()
    hand.do(Reset())
    assert hand.poll().data == b"\x7f\x7f\x7f"


def test_a_line_lost_in_power_up_is_powered_up_again() -> None:
    hand = Hand()
    hand.answer("idling", "power_up")
    while not any(isinstance(event, Lost) for event in hand.events):
        hand.poll()
    assert hand.answer("idling", "power_up") == [PoweredUp()]  # it may have restarted unseen


def test_a_power_up_that_does_not_end_is_a_fault() -> None:
    hand = Hand()
    while hand.now_ms < 31_000:
        hand.answer("idling", "power_up")
    assert hand.events == [PoweredUp(), Fault("out_of_service", "power-up does not end")]


def test_a_restart_behind_a_held_toggle_is_seen() -> None:
    hand = Hand().connected()
    hand.answer("idling", "stacked", channel=5)
    held = hand.sent[-1]
    assert hand.answer("idling", "rejected", "jammed") == []  # neither the reply again nor a power-up: not believed
    assert hand.answer("idling", "power_up", "stacked") == [
        PoweredUp(),
        NoteStacked(2, 0, power_up=True, self_test=True),
    ]
    assert hand.sent[-1] == held
    hand.acknowledge()
    assert hand.poll() != parse(held)


def test_reset_is_followed_by_silence_and_slow_polls() -> None:
    hand = Hand().connected()
    hand.answer("idling")
    hand.do(Reset())
    reset = hand.poll()
    assert (reset.type, reset.data) == (6, b"\x7f\x7f\x7f")
    sent_ms, times = hand.now_ms, []
    for _ in range(4):
        hand.poll()
        times.append(hand.now_ms - sent_ms)
    assert times == [1_000, 2_000, 3_000, 4_000]
    assert not any(isinstance(event, Lost) for event in hand.events)
    while not any(isinstance(event, Lost) for event in hand.events):
        hand.poll()
    assert hand.now_ms == sent_ms + 15_000
