"""The codec alone, against replies written out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.acceptors.contract import (
    Acknowledge,
    Command,
    Connected,
    Disable,
    Enable,
    Event,
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
    ReturnNote,
    StackNote,
)
from hardware.acceptors.ebds import MEI_SC, PYRAMID, EbdsCodec, Profile
from hardware.acceptors.ebds.frames import FLAGS, Frame, parse

ALL = frozenset(range(1, 8))
SILENT_PROFILE = Profile("quiet", ())  # nothing is asked: Connected follows the second good poll


def status(*flags: str, channel: int = 0, cassette: bool = True) -> bytes:
    data = bytearray([0, 0, 0, 0, 0x54, 0x2A])
    for name in (*flags, *(["cassette"] if cassette else [])):
        byte, mask = FLAGS[name]
        data[byte] |= mask
    data[2] |= channel << 3
    return bytes(data)


class Hand:
    """Answers the codec frame by frame; `polls` what it sent, as (time, frame)."""

    def __init__(self, profile: Profile = SILENT_PROFILE, toggle: int | None = None) -> None:
        self.codec = EbdsCodec(profile, toggle=toggle)
        self.now_ms = 0
        self.sent: list[bytes] = []
        self.events: list[Event] = []
        self.codec.line_opened(0)

    def poll(self) -> Frame:
        """Let time pass until the codec sends; return what it sent."""
        for _ in range(50):
            self.now_ms = max(self.now_ms, self.codec.due_ms())
            data, events = self.codec.tick(self.now_ms)
            self.events += events
            if data:
                self.sent.append(data)
                return parse(data)
        raise AssertionError("it does not send")

    def say(self, raw: bytes) -> list[Event]:
        self.now_ms += 20
        events = self.codec.feed(raw, self.now_ms)
        self.events += events
        return events

    def answer(self, *flags: str, channel: int = 0, cassette: bool = True) -> list[Event]:
        """Answer the next poll with a status; return the events that it brought."""
        poll = self.poll()
        return self.say(Frame(2, poll.toggle, status(*flags, channel=channel, cassette=cassette)).encode())

    def connected(self) -> "Hand":
        self.answer("idling")
        self.answer("idling")
        assert any(isinstance(event, Connected) for event in self.events)
        self.do(Enable(ALL))
        return self

    def do(self, command: Command) -> None:
        self.codec.command(command)

    def acknowledge(self) -> None:
        for event in self.events:
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
                self.do(Acknowledge(event.report))


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
    assert hand.answer("escrowed", channel=5) == []
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
    assert hand.answer("idling", "stacked") == [NoteStacked(1, 0, clean=False)]


def test_paused_is_told_when_it_begins_and_means_nothing_on_a_pyramid() -> None:
    hand = Hand().connected()
    assert hand.answer("accepting", "paused")[-1] == Paused()
    assert hand.answer("accepting", "paused") == []
    pyramid = Hand(Profile("pyramid", (), PYRAMID.ignored, one_state=True)).connected()
    assert Paused() not in pyramid.answer("accepting", "paused")


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
    assert hand.answer("idling", "power_up", "stacked") == [NoteStacked(1, 0, power_up=True)]
    hand.acknowledge()
    events = [event for _ in range(6) for event in hand.answer("idling")]
    assert [type(event) for event in events] == [Connected, Idle]
    assert hand.answer("idling", "stacked") == [NoteStacked(2, 0)]


def test_a_power_up_that_does_not_end_is_a_fault() -> None:
    hand = Hand()
    while hand.now_ms < 31_000:
        hand.answer("idling", "power_up")
    assert hand.events == [PoweredUp(), Fault("out_of_service", "power-up does not end")]


def test_a_restart_behind_a_held_toggle_is_seen() -> None:
    hand = Hand().connected()
    hand.answer("idling", "stacked", channel=5)
    held = hand.sent[-1]
    assert hand.answer("idling") == []  # no replay, and no power-up: nothing new is believed
    assert hand.answer("idling", "power_up", "stacked") == [PoweredUp(), NoteStacked(2, 0, power_up=True)]
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


# Interrogation


def _interrogate(hand: Hand, answers: dict[int, bytes | None], rounds: int = 60) -> None:
    """Answer queries from `answers` by command byte (or SUB for type 7), None for silence; polls with idling."""
    for _ in range(rounds):
        frame = hand.poll()
        if frame.type == 1:
            hand.say(Frame(2, frame.toggle, status("idling")).encode())
            continue
        reply = answers.get(frame.data[0] if frame.type == 7 else frame.data[2])
        if reply is not None:
            hand.say(Frame(frame.type, frame.toggle, reply).encode())


TABLE = bytes.fromhex(
    "0155534430303 12b3030 025553443030322b3030 035553443030352b3030 045553443030312b3031"
    "055553443030322b3031 065553443030352b3031 075553443030312b3032".replace(" ", "")
)


def _identity(hand: Hand) -> Connected:
    [connected] = [event for event in hand.events if isinstance(event, Connected)]
    return connected


def test_the_device_is_asked_who_it_is() -> None:
    hand = Hand(MEI_SC)
    known = {4: b"SC83", 5: b"12345\0", 8: b"USA_USD".ljust(32, b"\0"), 7: b"286001123"}
    _interrogate(hand, {**known, 6: b"\x06" + status("idling") + TABLE} | {0x04: b"SC83"})
    identity = _identity(hand).identity
    assert (identity.model, identity.serial, identity.firmware) == ("SC83", "12345", "286001 V1.23")
    assert identity.table[7] == ("USD", 10000)
    timeout = next(parse(raw) for raw in hand.sent if parse(raw).type == 7 and parse(raw).data[0] == 4)
    assert timeout.data[4:] == bytes([30, 0])


def test_missing_answers_are_not_fatal_and_each_query_goes_out_twice_at_most() -> None:
    hand = Hand(MEI_SC)
    _interrogate(hand, {})
    identity = _identity(hand).identity
    assert (identity.model, identity.serial, identity.firmware, identity.table) == ("model 54", "", "4.2", {})
    queries = [parse(raw) for raw in hand.sent if parse(raw).type != 1]
    assert max(sum(q.data == query.data and q.type == query.type for q in queries) for query in queries) == 2
    for before, after in zip(hand.sent, hand.sent[1:], strict=False):
        if parse(before).type != 1 and before != after:
            assert parse(after).type == 1  # a late answer must not pass for the answer to the next question


def test_a_wrong_answer_is_a_try_and_a_status_instead_of_an_answer_is_read() -> None:
    hand = Hand(Profile("one", ("variant",)))
    hand.answer("idling")
    hand.answer("idling")
    query = hand.poll()
    assert query.type == 6
    hand.say(Frame(6, query.toggle, bytes([1, 2, 3, 4, 0, 0])).encode())
    hand.answer("idling")
    query = hand.poll()
    assert query.type == 6
    hand.say(Frame(2, query.toggle, status("idling", "jammed")).encode())
    assert Fault("jammed") in hand.events
    assert _identity(hand).identity.variant == ""


@pytest.mark.parametrize(
    ("answers", "detail"),
    [
        ({8: b"CAN_CAD".ljust(32, b"\0")}, "CAD is not for USD"),
        ({6: b"\x06" + bytes(6) + TABLE.replace(b"USD002+01", b"USD002+02")}, "note type 5"),
        ({6: b"\x06" + bytes(6) + TABLE[:50]}, None),
    ],
)
def test_a_device_with_other_notes_stays_inhibited(answers: dict[int, bytes], detail: str | None) -> None:
    hand = Hand(MEI_SC)
    _interrogate(hand, dict(answers))
    hand.do(Enable(ALL))
    for _ in range(3):
        hand.answer("idling")
    wrong = [event for event in hand.events if isinstance(event, Fault)]
    if detail is None:
        assert wrong == []
        assert hand.poll().data[0] == 0x7F
    else:
        assert [fault.code for fault in wrong] == ["wrong_table"]
        assert detail in wrong[0].detail
        assert hand.poll().data[0] == 0


def test_enabled_note_types_are_the_mask() -> None:
    hand = Hand().connected()
    hand.do(Enable(frozenset({1, 3, 7, 9})))
    assert hand.poll().data[0] == 0b1000101


def test_nothing_happens_before_the_line_is_open() -> None:
    codec = EbdsCodec()
    assert codec.feed(b"\x02\x0b", 5) == []
    assert codec.tick(10**9) == (b"", [])
    assert codec.due_ms() > 10**15
    assert not codec.degraded(10**9)


# Hostile lines

REPLIES = st.builds(
    lambda kind, toggle, data: Frame(kind, toggle, bytes(byte & 0x7F for byte in data)).encode(),
    st.sampled_from([2, 2, 2, 6, 7, 1, 0, 4]),
    st.integers(0, 1),
    st.binary(min_size=6, max_size=8),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    frame = bytearray(draw(REPLIES))
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(frame) - 1))
        match draw(st.sampled_from(["flip", "drop", "add"])):
            case "flip":
                frame[at] ^= 1 << draw(st.integers(0, 7))
            case "drop" if len(frame) > 1:
                del frame[at]
            case _:
                frame.insert(at, draw(st.integers(0, 255)))
    return bytes(frame)


def _stacked_frames(stream: bytes) -> int:
    """Count well-formed reports with the stacked bit anywhere in the stream, found without the receive buffer."""
    stream = bytes(byte & 0x7F for byte in stream)
    count = 0
    for at in range(len(stream) - 4):
        raw = stream[at : at + stream[at + 1]]
        try:
            frame = parse(raw)
        except Exception:  # noqa: BLE001, S112
            continue
        body = frame.data[1:] if frame.type == 7 else frame.data
        count += frame.type in (2, 7) and len(body) >= 6 and bool(body[0] & 0x10)
    return count


@settings(max_examples=10_000, deadline=None)
@given(
    st.lists(st.one_of(REPLIES, damaged(), st.binary(max_size=12)), max_size=6),
    st.lists(st.integers(1, 300), max_size=3),
    st.sampled_from([MEI_SC, PYRAMID]),
)
def test_no_stream_breaks_the_codec_or_makes_money(chunks: list[bytes], gaps: list[int], profile: Profile) -> None:
    codec = EbdsCodec(profile)
    codec.line_opened(0)
    now_ms, events, stream = 0, list[Event](), b""
    for at, chunk in enumerate(chunks):
        now_ms += gaps[at % len(gaps)] if gaps else 100
        events += codec.tick(now_ms)[1]
        events += codec.feed(chunk, now_ms)
        stream += chunk
        for event in events:
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
                codec.command(Acknowledge(event.report))
        assert codec.due_ms() >= 0
    for _ in range(4):
        now_ms += 250
        events += codec.tick(now_ms)[1]
    assert sum(isinstance(event, NoteStacked) for event in events) <= _stacked_frames(stream)
