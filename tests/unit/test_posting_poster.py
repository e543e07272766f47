"""The poster: step by step against a server that fails as told, and as a thread over real HTTP with a real journal."""

import queue
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from posting_peer import ENROLMENT, KEY, NOW, SERVER_KEY, Peer, chain

from kiosk.domain.facts import SessionOpened
from kiosk.journal.acknowledgement import Acknowledgement
from kiosk.journal.record import Moment, Record
from kiosk.journal.store import Journal
from kiosk.posting import events, outcomes
from kiosk.posting.client import CentralServer
from kiosk.posting.poster import Poster

CHAIN = chain(12)


class Desk:
    """A poster under a clock of ours, with an engine that answers at once, and a server told what to say."""

    def __init__(self, journal: Sequence[Record] = (), acked_seq: int = 0) -> None:
        self.now = 100.0
        self.journal = list(journal)
        self.said: list[events.PostingEvent] = []
        self.posts: list[list[int]] = []
        self.beats: list[int] = []
        self.next: list[outcomes.PostOutcome] = []
        self.next_beats: list[outcomes.HeartbeatTaken | outcomes.Failure] = []
        self.answers = True
        self.poster = Poster(
            self,
            self.hear,
            acked_seq=acked_seq,
            boot_id="5f" * 16,
            health=lambda: {"paper": "ok"},
            fraction=lambda: 0.5,
            clock=lambda: self.now,
        )

    def hear(self, event: events.PostingEvent) -> None:
        self.said.append(event)
        if isinstance(event, events.RecordsWanted) and self.answers:
            self.poster.supply(event.after_seq, self.journal[event.after_seq : event.after_seq + 5])

    def post_journal(self, records: Sequence[Record]) -> outcomes.PostOutcome:
        self.posts.append([record.seq for record in records])
        return self.next.pop(0) if self.next else posted(records)

    def heartbeat(
        self, boot_id: str, counter: int, health: Mapping[str, Any]
    ) -> outcomes.HeartbeatTaken | outcomes.Failure:
        self.beats.append(counter)
        return self.next_beats.pop(0) if self.next_beats else outcomes.HeartbeatTaken("then", ())

    def resolve(self, *, scan: str = "", number: str = "", check: str = "") -> outcomes.LookUpOutcome:
        raise AssertionError("not asked in these tests")

    def head(self) -> outcomes.HeadSeen | outcomes.Failure:
        raise AssertionError("not asked in these tests")

    def commit(self, records: Sequence[Record]) -> None:
        self.journal += records
        self.poster.offer(records)

    def run_for(self, seconds: float) -> None:
        """Step whenever the poster wants to, until `seconds` have passed on the clock."""
        end = self.now + seconds
        for _ in range(1000):
            due = self.poster.step()
            if self.poster._mail:
                continue  # the thread would be woken
            if due > end:
                self.now = end
                return
            self.now = max(self.now, due)
        raise AssertionError("the poster does not come to rest")

    def heard(self, *kinds: type[events.PostingEvent]) -> list[events.PostingEvent]:
        return [event for event in self.said if isinstance(event, kinds)]


def posted(records: Sequence[Record]) -> outcomes.Posted:
    last = records[-1]
    ack = Acknowledgement("rb-07", 1, last.seq, last.hash, "then", "", "")
    return outcomes.Posted(ack, tuple(outcomes.RecordResult(r.seq, "created", "posted") for r in records))


def test_a_backlog_is_asked_for_and_sent_in_order() -> None:
    desk = Desk(CHAIN, acked_seq=2)
    desk.run_for(1)
    assert desk.posts == [[3, 4, 5, 6, 7], [8, 9, 10, 11, 12]]
    acknowledged = desk.heard(events.Acknowledged)
    assert [event.ack.head_seq for event in acknowledged] == [7, 12]  # type: ignore[union-attr]
    assert desk.said[-1] != events.RecordsWanted(2)


def test_a_commit_is_sent_at_once() -> None:
    desk = Desk()
    desk.run_for(1)
    desk.commit(CHAIN[:2])
    desk.run_for(0)
    assert desk.posts == [[1, 2]]


def test_a_lost_answer_repeats_the_same_records_on_schedule() -> None:
    desk = Desk(CHAIN[:1])
    desk.next = [outcomes.Unavailable("lost")] * 12
    times: list[float] = []
    send = desk.post_journal
    desk.post_journal = lambda records: (times.append(desk.now), send(records))[1]  # type: ignore[method-assign]
    desk.run_for(2000)
    assert desk.posts == [[1]] * 13
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 150, 150, 150]
    heard = desk.heard(events.CameOnline, events.WentOffline)
    assert heard == [events.CameOnline(), events.WentOffline("lost"), events.CameOnline()]


def test_a_success_resets_the_schedule() -> None:
    desk = Desk()
    desk.run_for(0)
    desk.next = [outcomes.Unavailable("a")] * 5
    desk.commit(CHAIN[:1])
    desk.run_for(100)
    desk.next = [outcomes.Unavailable("b")]
    desk.commit(CHAIN[1:2])
    desk.run_for(0)
    desk.run_for(0.5)
    assert desk.posts[-2:] == [[2], [2]]


def test_the_servers_wish_to_wait_is_honoured() -> None:
    desk = Desk(CHAIN[:1])
    desk.next = [outcomes.Unavailable("status 503", 40.0)]
    desk.run_for(40)
    assert len(desk.posts) == 1
    desk.run_for(0.5)
    assert len(desk.posts) == 2


def test_waking_ends_a_wait() -> None:
    desk = Desk(CHAIN[:1])
    desk.next = [outcomes.Unavailable("status 503", 1000.0)]
    desk.run_for(10)
    desk.poster.wake()
    desk.run_for(0)
    assert desk.posts == [[1], [1]]


def test_offline_with_nothing_to_post_the_heartbeat_asks_whether_the_server_is_back() -> None:
    desk = Desk()
    desk.next_beats = [outcomes.Unavailable("no answer")] * 4
    desk.run_for(0.4)
    assert desk.said == [events.RecordsWanted(0), events.WentOffline("no answer")]
    desk.run_for(7.2)
    assert desk.beats == [1, 2, 3, 4, 5]
    assert desk.said[-2:] == [events.CameOnline(), events.HeartbeatAnswered("then", ())]


def test_a_heartbeat_every_minute_and_money_before_it() -> None:
    desk = Desk()
    desk.run_for(125)
    assert desk.beats == [1, 2, 3]
    desk.now += 60
    desk.commit(CHAIN[:1])
    desk.poster.step()
    assert (len(desk.posts), len(desk.beats)) == (1, 3)
    desk.poster.step()
    assert len(desk.beats) == 4


def test_a_restored_server_is_filled_again_from_its_gap() -> None:
    desk = Desk(CHAIN, acked_seq=9)
    desk.next = [outcomes.Gap(4)]
    desk.run_for(1)
    assert desk.posts == [[10, 11, 12], [4, 5, 6, 7, 8], [9, 10, 11, 12]]
    assert desk.heard(events.GapAt) == [events.GapAt(4)]


@pytest.mark.parametrize("answers", [[outcomes.Gap(4), outcomes.Gap(2)], [outcomes.Gap(10)], [outcomes.Gap(50)]])
def test_a_server_that_only_speaks_of_gaps_is_asked_slowly(answers: list[outcomes.PostOutcome]) -> None:
    desk = Desk(CHAIN, acked_seq=9)
    desk.next = list(answers)
    desk.run_for(290)
    assert len(desk.posts) == len(answers)
    assert [event.problem for event in desk.heard(events.Refused)] == ["journal-gap"]  # type: ignore[union-attr]
    desk.run_for(20)
    assert desk.posts[-1][-1] == 12


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        (outcomes.Fork(2), events.Forked(2)),
        (outcomes.Malformed(3, "hash"), events.Refused("malformed", "record 3: hash", final=True)),
    ],
)
def test_a_dispute_stops_posting_but_not_the_heartbeat(
    outcome: outcomes.PostOutcome, event: events.PostingEvent
) -> None:
    desk = Desk(CHAIN[:4])
    desk.next = [outcome]
    desk.run_for(0)
    desk.commit(CHAIN[4:])
    desk.run_for(1000)
    assert desk.posts == [[1, 2, 3, 4]]
    assert desk.heard(events.Forked, events.Refused) == [event]
    assert len(desk.beats) == 17


@pytest.mark.parametrize("outcome", [outcomes.Suspended("kiosk-suspended"), outcomes.Refused(418, "teapot")])
def test_a_refusal_is_said_once_and_tried_again_slowly_and_heartbeats_go_on(outcome: outcomes.PostOutcome) -> None:
    desk = Desk(CHAIN[:2])
    desk.next = [outcome] * 3
    desk.run_for(899)
    assert desk.posts == [[1, 2]] * 3
    assert len(desk.heard(events.Refused)) == 1
    assert len(desk.beats) == 15
    desk.run_for(10)
    assert len(desk.heard(events.Acknowledged)) == 1


def test_a_batch_too_large_for_the_way_is_sent_in_parts() -> None:
    desk = Desk(CHAIN[:4])
    desk.next = [outcomes.TooLarge(), outcomes.TooLarge()]
    desk.run_for(1)
    assert desk.posts == [[1, 2, 3, 4], [1, 2], [1], [2, 3, 4]]


def test_one_record_too_large_for_the_way_is_never_dropped() -> None:
    desk = Desk(CHAIN[:1])
    desk.next = [outcomes.TooLarge()]
    desk.run_for(301)
    assert desk.posts == [[1], [1]]
    assert len(desk.heard(events.Refused)) == 1


def test_a_server_seen_behind_is_filled_again_before_the_next_commit() -> None:
    desk = Desk(CHAIN, acked_seq=12)
    seen = outcomes.HeadSeen(1, 7, CHAIN[6].hash, "then")
    desk.head = lambda: seen  # type: ignore[method-assign]
    desk.run_for(1)
    desk.poster.check_head("h")
    while not desk.heard(events.HeadAnswered):
        pass
    desk.run_for(1)
    assert desk.posts == [[8, 9, 10, 11, 12]]


def test_a_refused_heartbeat_is_an_answer_all_the_same() -> None:
    desk = Desk()
    desk.next_beats = [outcomes.Suspended("kiosk-suspended")]
    desk.run_for(1)
    assert desk.heard(events.CameOnline, events.WentOffline) == [events.CameOnline()]


OUTCOMES = st.sampled_from(["posted", "lost", "held", "gap", "busy", "too-large", "refused"])


@settings(max_examples=300, deadline=None)
@example(["gap", "too-large", "held", "gap", "gap"], [2, 1])  # a second gap in a row once ended all rewinding
@given(st.lists(OUTCOMES, max_size=25), st.lists(st.integers(1, 3), max_size=3))
def test_whatever_goes_wrong_the_server_ends_with_the_journal(wrong: list[str], commits: list[int]) -> None:
    """Lost is booked without an answer, held never arrives, gap is a server restored to half of its records."""
    held: list[str] = []
    faults = list(wrong)
    desk = Desk()

    def serve(records: Sequence[Record]) -> outcomes.PostOutcome:
        act = faults.pop(0) if faults else "posted"
        simple: dict[str, outcomes.PostOutcome] = {
            "held": outcomes.Unavailable("held"),
            "busy": outcomes.Unavailable("status 429", 5.0),
            "too-large": outcomes.TooLarge(),
            "refused": outcomes.Refused(418, "teapot"),
        }
        if act in simple:
            return simple[act]
        if act == "gap":
            del held[len(held) // 2 :]
        if records[0].seq > len(held) + 1:
            return outcomes.Gap(len(held) + 1)
        held[records[0].seq - 1 : records[-1].seq] = [record.hash for record in records]
        return outcomes.Unavailable("lost") if act == "lost" else posted(records)

    desk.post_journal = serve  # type: ignore[method-assign]
    made = 0
    for count in commits:
        desk.commit(CHAIN[made : made + count])
        made += count
        desk.run_for(3)
    desk.run_for(20_000)
    faults.clear()
    desk.commit(CHAIN[made:])  # a server that forgot something is noticed with the next post
    desk.run_for(20_000)
    assert held == [record.hash for record in CHAIN]


class Engine:
    """The engine's side of a running poster: one inbox, one journal."""

    def __init__(self, peer: Peer, path: Path) -> None:
        self.inbox: queue.Queue[events.PostingEvent] = queue.Queue()
        self.journal = Journal.open(
            path,
            key=KEY,
            kiosk_id="rb-07",
            epoch=1,
            nonce=ENROLMENT.nonce,
            server_key=SERVER_KEY.public_key(),
            allow_volatile=True,
        )
        self.poster = Poster(
            CentralServer(peer.url, ENROLMENT, KEY, clock=lambda: NOW),
            self.inbox.put,
            acked_seq=self.journal.acked_seq,
            boot_id="5f" * 16,
            health=dict,
            fraction=lambda: 0.0,
        )

    def commit(self, word: str) -> None:
        moment = Moment(word, "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, 1)
        self.poster.offer(self.journal.append([(SessionOpened(word), moment)]))

    def until(self, happened: Callable[[events.PostingEvent], bool]) -> events.PostingEvent:
        while True:
            event = self.inbox.get(timeout=20)
            if isinstance(event, events.RecordsWanted):
                self.poster.supply(event.after_seq, self.journal.records(event.after_seq))
            if isinstance(event, events.Acknowledged):
                self.journal.acknowledge(event.ack)
            if happened(event):
                return event


@pytest.fixture
def peer() -> Any:
    peer = Peer()
    yield peer
    peer.close()


def test_a_running_poster_brings_the_journal_to_the_server_through_every_fault(peer: Peer, tmp_path: Path) -> None:
    engine = Engine(peer, tmp_path / "journal.db")
    for number in range(150):
        engine.journal.append(
            [(SessionOpened(f"before-{number}"), Moment("e", "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, 1))]
        )
    peer.faults = ["nothing", "500", "html", "lost", "302", "unsigned", "lost", "noise", "replayed"]
    engine.poster.start()
    for number in range(20):
        engine.commit(f"during-{number}")
    engine.until(lambda event: engine.journal.acked_seq == 170)
    engine.poster.look_up("r1", scan="44170934")
    found = engine.until(lambda event: isinstance(event, events.LookedUp))
    assert isinstance(found, events.LookedUp)
    assert found.request == "r1"
    assert isinstance(found.outcome, outcomes.Found)
    engine.poster.check_head("r2")
    seen = engine.until(lambda event: isinstance(event, events.HeadAnswered))
    assert isinstance(seen, events.HeadAnswered)
    assert isinstance(seen.outcome, outcomes.HeadSeen)
    assert engine.journal.standing(seen.outcome.head_seq, seen.outcome.head_hash) == "same"
    assert engine.poster.stop(20)
    assert [record["hash"] for record in peer.held] == [record.hash for record in engine.journal.all_records()]
    engine.journal.close()


def test_a_look_up_does_not_wait_behind_a_post(peer: Peer, tmp_path: Path) -> None:
    engine = Engine(peer, tmp_path / "journal.db")
    answered: queue.Queue[events.PostingEvent] = queue.Queue()
    release: queue.Queue[None] = queue.Queue()

    class Stuck(CentralServer):
        def post_journal(self, records: Sequence[Record]) -> outcomes.PostOutcome:
            release.get(timeout=20)
            return super().post_journal(records)

    poster = Poster(
        Stuck(peer.url, ENROLMENT, KEY, clock=lambda: NOW),
        answered.put,
        acked_seq=0,
        boot_id="5f" * 16,
        health=dict,
        fraction=lambda: 0.0,
    )
    engine.poster = poster
    poster.start()
    assert answered.get(timeout=20) == events.RecordsWanted(0)
    engine.commit("one")
    poster.supply(0, engine.journal.records())
    poster.look_up("r", number="1", check="2")
    poster.check_head("h")
    wanted = {events.LookedUp, events.HeadAnswered}
    while wanted:
        wanted.discard(type(answered.get(timeout=20)))
    assert peer.held == []
    release.put(None)
    while not isinstance(answered.get(timeout=20), events.Acknowledged):
        pass
    assert poster.stop(20)
    engine.journal.close()


def test_with_nobody_there_the_head_is_away(tmp_path: Path) -> None:
    peer = Peer()
    peer.close()
    engine = Engine(peer, tmp_path / "journal.db")
    engine.poster.check_head("h")
    event = engine.until(lambda event: isinstance(event, events.HeadAnswered))
    assert isinstance(event, events.HeadAnswered)
    assert isinstance(event.outcome, outcomes.Away)
    engine.journal.close()
