"""Goal: polls keep their pace, and a decision about a note need not wait for the full pace."""

import itertools

from hardware.acceptors.contract import Enable, NoteEscrowed, NoteStacked, ReturnNote, StackNote
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
