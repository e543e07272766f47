"""Goal: a drain ends with all records at the city, or says which are missing, whatever the city answers.

Method: a server by hand that holds one chain and one branch; no waiting, the pauses are counted.
"""

from collections.abc import Sequence

import pytest

from kiosk.journal.record import Record
from kiosk.posting import outcomes
from kiosk.posting.drain import TRIES, Drain, Drained, NotDrained
from tests.unit.posting_peer import chain
from tests.unit.test_posting_poster import posted

CHAIN = chain(250)


class City:
    """Holds a chain; `next` are answers that come first."""

    def __init__(self, held: Sequence[Record] = ()) -> None:
        self.held = [record.hash for record in held]
        self.branch: list[int] = []
        self.next: list[outcomes.PostOutcome] = []
        self.away = 0
        self.pauses: list[float] = []
        self.posts: list[int] = []

    def head(self) -> outcomes.HeadSeen | outcomes.Failure:
        if self.away:
            self.away -= 1
            return outcomes.Unavailable("away")
        return outcomes.HeadSeen(1, len(self.held), self.held[-1] if self.held else "nonce", "then")

    def post_journal(self, records: Sequence[Record]) -> outcomes.PostOutcome:
        self.posts.append(records[0].seq)
        if self.next:
            return self.next.pop(0)
        results = []
        for record in records:
            if record.seq > len(self.held) + 1:
                break
            there = record.seq <= len(self.held)
            if there and self.held[record.seq - 1] != record.hash:
                break
            if not there:
                self.held.append(record.hash)
            results.append(outcomes.RecordResult(record.seq, "exists" if there else "created", "kept"))
        if results:
            return outcomes.Posted(posted(records).ack, tuple(results))
        first = records[0].seq
        if first > len(self.held) + 1 and first - 1 not in self.branch:
            return outcomes.Gap(len(self.held) + 1)
        self.branch += [record.seq for record in records]
        return outcomes.Fork(first, records[-1].seq)


def drain(city: City, records: Sequence[Record]) -> Drained:
    return Drain(city, lambda: iter(records), city.pauses.append).run()


def test_what_the_city_has_not_is_sent_in_order() -> None:
    city = City(CHAIN[:30])
    assert drain(city, CHAIN) == Drained(there=30, taken=220)
    assert city.held == [record.hash for record in CHAIN]
    assert city.posts == [31, 131, 231]
    assert drain(city, CHAIN) == Drained(there=250)
    assert city.posts[3:] == []


def test_a_branch_that_lost_is_sent_whole() -> None:
    others = chain(12, word="other")
    city = City([*CHAIN[:5], *others[5:]])
    assert drain(city, CHAIN) == Drained(there=5, branch=245)
    assert sorted(city.branch) == list(range(6, 251))


def test_a_part_of_a_journal_is_sent_behind_what_the_city_has() -> None:
    city = City(CHAIN[:100])
    assert drain(city, CHAIN[50:200]) == Drained(there=50, taken=100)
    assert drain(city, CHAIN[50:150]) == Drained(there=100)


def test_a_part_that_leaves_a_gap_names_what_is_missing() -> None:
    with pytest.raises(NotDrained, match="misses records 31 to 50: drain the file"):
        drain(City(CHAIN[:30]), CHAIN[50:])


def test_a_city_set_back_in_the_middle_gets_all() -> None:
    city = City(CHAIN[:100])
    city.next = [outcomes.Gap(41)]
    del city.held[40:]
    city.head = lambda: outcomes.HeadSeen(1, 100, CHAIN[99].hash, "then")  # type: ignore[method-assign]
    drain(city, CHAIN)
    assert city.held == [record.hash for record in CHAIN]


def test_a_city_that_asks_in_a_circle_is_left() -> None:
    city = City(CHAIN[:100])
    city.next = [outcomes.Gap(101)]
    with pytest.raises(NotDrained, match="again and again"):
        drain(city, CHAIN)


def test_a_batch_too_large_is_halved() -> None:
    city = City()
    city.next = [outcomes.TooLarge(), outcomes.TooLarge()]
    assert drain(city, CHAIN).taken == 250
    assert city.posts[:4] == [1, 1, 1, 26]


@pytest.mark.parametrize(
    "answer",
    [outcomes.Malformed(1, "hash"), outcomes.Suspended("scope"), outcomes.Fork(1), outcomes.Refused(401, "invalid")],
)
def test_an_answer_that_means_no_ends_it(answer: outcomes.PostOutcome) -> None:
    city = City()
    city.next = [answer]
    with pytest.raises(NotDrained, match="record 1: the city answers"):
        drain(city, CHAIN)


def test_a_city_that_is_away_is_asked_again_at_growing_intervals() -> None:
    city = City()
    city.away, city.next = 2, [outcomes.Unavailable("lost", 30.0)]
    assert drain(city, CHAIN[:3]).taken == 3
    assert city.pauses == [1.0, 2.0, 31.0]
    city.away = 100
    with pytest.raises(NotDrained) as broken:
        drain(city, CHAIN)
    assert broken.value.away
    assert len(city.pauses) == 3 + TRIES - 1
