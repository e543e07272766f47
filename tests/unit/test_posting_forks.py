"""Goal: a kiosk that lost a fork still brings its notes to the city, and an idle one hears that the city forgot.

Method: the desk of test_posting_poster, without threads, on a clock of its own.
"""

import pytest

from kiosk.posting import events, outcomes
from tests.unit.test_posting_poster import CHAIN, Desk


def test_a_lost_branch_is_sent_to_its_end_and_told_once() -> None:
    desk = Desk(CHAIN, acked_seq=2)
    desk.next = [outcomes.Fork(3, kept_seq=7), outcomes.Fork(3, kept_seq=12)]
    desk.run_for(0)
    assert desk.posts == [[3, 4, 5, 6, 7], [8, 9, 10, 11, 12]]
    assert desk.heard(events.Forked, events.Acknowledged) == [events.Forked(3)]


def test_a_record_made_after_the_fork_follows_the_branch() -> None:
    desk = Desk(CHAIN[:4])
    desk.next = [outcomes.Fork(2, kept_seq=4), outcomes.Fork(2, kept_seq=5)]
    desk.run_for(0)
    desk.commit(CHAIN[4:5])
    desk.run_for(0)
    assert desk.posts == [[1, 2, 3, 4], [5]]


@pytest.mark.parametrize("kept_seq", [0, 1, 9])
def test_a_server_that_does_not_say_what_it_keeps_gets_no_more(kept_seq: int) -> None:
    desk = Desk(CHAIN[2:4], acked_seq=0)
    desk.journal = CHAIN[:4]
    desk.next = [outcomes.Posted(ack(2), (taken(1), taken(2))), outcomes.Fork(3, kept_seq=kept_seq)]
    desk.run_for(0)
    desk.commit(CHAIN[4:6])
    desk.run_for(1000)
    assert desk.posts == [[1, 2, 3, 4], [3, 4]]


def test_a_heartbeat_tells_an_idle_kiosk_that_the_server_was_set_back() -> None:
    desk = Desk(CHAIN, acked_seq=12)
    desk.next_beats = [outcomes.HeartbeatTaken("then", (), 12, CHAIN[11].hash)]
    desk.run_for(59)
    assert desk.posts == []
    desk.next_beats = [outcomes.HeartbeatTaken("then", (), 4, CHAIN[3].hash)]
    desk.run_for(2)
    assert desk.posts == [[5, 6, 7, 8, 9], [10, 11, 12]]
    assert desk.heard(events.HeartbeatAnswered)[-1] == events.HeartbeatAnswered("then", (), 4, CHAIN[3].hash)


def test_the_head_of_the_others_branch_rewinds_nothing() -> None:
    desk = Desk(CHAIN)
    desk.next = [outcomes.Fork(2, kept_seq=5), outcomes.Fork(2, kept_seq=10), outcomes.Fork(2, kept_seq=12)]
    desk.run_for(1)
    desk.next_beats = [outcomes.HeartbeatTaken("then", (), 3, "another")] * 5
    desk.run_for(300)
    assert [batch[-1] for batch in desk.posts] == [5, 10, 12]


def test_records_that_the_journal_no_more_has_are_said_once_and_not_asked_for_in_a_circle() -> None:
    desk = Desk(CHAIN[8:], acked_seq=12)
    desk.answers = False
    desk.next_beats = [outcomes.HeartbeatTaken("then", (), 4, CHAIN[3].hash)] * 20
    desk.run_for(0)
    desk.poster.missing(4, 9)
    desk.run_for(600)
    assert desk.heard(events.RecordsWanted) == [events.RecordsWanted(12), events.RecordsWanted(4)]
    refused = [events.Refused("journal-pruned", "the server misses records 5 to 8", final=False)]
    assert desk.heard(events.Refused) == refused
    desk.poster.held(8)  # an export was sent by hand, and the engine found the head on our chain
    desk.run_for(0)
    assert desk.heard(events.RecordsWanted)[-1] == events.RecordsWanted(8)
    desk.poster.supply(8, CHAIN[8:])
    desk.run_for(0)
    assert desk.posts == [[9, 10, 11, 12]]


def test_what_the_server_holds_from_elsewhere_is_not_sent() -> None:
    desk = Desk(CHAIN, acked_seq=0)
    desk.answers = False
    desk.run_for(0)
    desk.poster.held(10)
    desk.poster.held(3)
    desk.answers = True
    desk.run_for(0)
    assert desk.posts == [[11, 12]]


def ack(seq: int) -> outcomes.Acknowledgement:
    return outcomes.Acknowledgement("rb-07", 1, seq, CHAIN[seq - 1].hash, "then", "", "")


def taken(seq: int) -> outcomes.RecordResult:
    return outcomes.RecordResult(seq, "created", "posted")
