"""Goal: polls keep their pace, and a decision about a note need not wait for the full pace."""

import itertools

from hardware.acceptors.contract import (
    Acknowledge,
    Connected,
    Enable,
    Fault,
    Lost,
    NoteEscrowed,
    NoteStacked,
    PoweredUp,
    ReturnNote,
    StackNote,
)
from hardware.acceptors.ebds.codec import CONNECT_MS_MAX
from hardware.acceptors.ebds.link import DECISION_MS, POLL_MS
from tests.protocol.ebds_hand import ALL, Hand


def hand_with_note() -> tuple[Hand, int, int]:
    """Return the hand, the number of the held note, and when the poll that found it was sent."""
    hand = Hand().connected()
    hand.answer("idling")
    hand.poll()
    sent_ms = hand.now_ms
    hand.answer_last("escrowed", channel=5)
    escrow = next(event.escrow for event in hand.events if isinstance(event, NoteEscrowed))
    return hand, escrow, sent_ms


def test_polls_are_a_hundred_milliseconds_apart() -> None:
    hand = Hand().connected()
    times = []
    for _ in range(4):
        hand.answer("idling")
        times.append(hand.now_ms)
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {POLL_MS}


def test_a_decision_leaves_half_a_poll_earlier() -> None:
    for decide in (StackNote, ReturnNote):
        hand, escrow, sent_ms = hand_with_note()
        hand.do(decide(escrow))
        hand.poll()
        assert hand.now_ms - sent_ms == DECISION_MS


def test_other_commands_wait_for_their_poll() -> None:
    hand, _, sent_ms = hand_with_note()
    hand.do(Enable(ALL))
    hand.poll()
    assert hand.now_ms - sent_ms == POLL_MS


def test_a_line_lost_in_power_up_does_not_wash_off_what_was_seen_in_it() -> None:
    hand = Hand()
    hand.answer("power_up", "escrowed")
    hand.answer("power_up", "escrowed")
    hand.codec.line_opened(hand.now_ms)
    hand.events.clear()
    hand.answer("power_up", "stacked")
    (report,) = [event for event in hand.events if isinstance(event, NoteStacked)]
    assert (report.channel, report.power_up, report.clean) == (0, True, False)


# Every step of connecting has an end


def answers_until_lost(hand: Hand, *flags: str, limit_ms: int = 3 * CONNECT_MS_MAX) -> str:
    """Answer every poll with the same status; return why the line is given up, "" if it is not."""
    end_ms = hand.now_ms + limit_ms
    while hand.now_ms < end_ms:
        hand.answer(*flags)
        lost = [event.reason for event in hand.events if isinstance(event, Lost)]
        if lost:
            return lost[0]
    return ""


def test_a_device_that_answers_and_never_rests_is_given_up() -> None:
    hand = Hand()
    assert answers_until_lost(hand, "accepting") == "it answers but is not ready after 60 s"
    assert hand.now_ms < CONNECT_MS_MAX + 5_000
    hand.codec.line_opened(hand.now_ms)
    hand.events.clear()
    hand.connected()


def test_a_device_that_is_connected_may_be_busy_for_as_long_as_it_likes() -> None:
    assert answers_until_lost(Hand().connected(), "accepting") == ""


def test_a_power_up_has_a_limit_of_its_own_and_the_port_stays_open() -> None:
    hand = Hand()
    assert answers_until_lost(hand, "idling", "power_up") == ""
    assert hand.events == [PoweredUp(), Fault("out_of_service", "power-up does not end")]


def test_a_note_in_escrow_holds_a_power_up_for_a_minute_and_no_longer() -> None:
    hand = Hand()
    assert answers_until_lost(hand, "escrowed", "power_up", limit_ms=50_000) == ""
    assert not any(isinstance(event, Fault) for event in hand.events)
    assert answers_until_lost(hand, "escrowed", "power_up", limit_ms=20_000) == ""
    assert Fault("out_of_service", "power-up does not end") in hand.events


def test_a_report_that_is_not_durable_yet_is_waited_for() -> None:
    """A medium that is slow for minutes is no reason to give a device up that holds the line for us."""
    hand = Hand()
    hand.answer("idling", "stacked", channel=5)
    (note,) = [event for event in hand.events if isinstance(event, NoteStacked)]
    assert answers_until_lost(hand, "idling", "stacked") == ""
    hand.do(Acknowledge(note.report))
    hand.answer("idling")
    hand.answer("idling")
    assert any(isinstance(event, Connected) for event in hand.events)


def test_something_else_on_the_port_is_told_from_nothing() -> None:
    reasons = []
    for noise in (b"", b"\x41\x42\x02\x05 hello"):
        hand = Hand()
        while not any(isinstance(event, Lost) for event in hand.events):
            hand.poll()
            if noise:
                hand.say(noise)
        reasons += [event.reason for event in hand.events if isinstance(event, Lost)]
    assert reasons == ["no reply for 5 s", "what answers does not speak EBDS"]
