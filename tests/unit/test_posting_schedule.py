"""The retry schedule and the outbox: pure parts of posting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.journal.record import Record
from kiosk.posting.outbox import BUFFER, Outbox
from kiosk.posting.schedule import LONGEST_S, RETRY_AFTER_LONGEST_S, Retry

FRACTIONS = st.floats(0, 1, exclude_max=True)


def after(failures: int) -> Retry:
    retry = Retry()
    for _ in range(failures):
        retry = retry.failed()
    return retry


def test_the_ceiling_doubles_from_one_second_to_five_minutes() -> None:
    ceilings = [after(failures).ceiling_s() for failures in range(12)]
    assert ceilings == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert Retry(10**9).ceiling_s() == LONGEST_S


@given(st.integers(0, 10**6), FRACTIONS)
def test_the_jitter_is_full(failures: int, fraction: float) -> None:
    retry = Retry(failures)
    assert retry.delay_s(0.0) == 0
    assert retry.delay_s(fraction) == fraction * retry.ceiling_s() <= LONGEST_S


@given(st.integers(0, 40), FRACTIONS, st.floats(0.001, 10**9))
def test_the_servers_wish_is_a_floor_but_not_for_ever(failures: int, fraction: float, wish_s: float) -> None:
    delay_s = Retry(failures).delay_s(fraction, wish_s)
    assert delay_s >= min(wish_s, RETRY_AFTER_LONGEST_S)
    assert delay_s <= RETRY_AFTER_LONGEST_S + 1


def records(first: int, last: int) -> list[Record]:
    return [Record(seq, "SessionOpened", b"", "", b"") for seq in range(first, last + 1)]


def seqs(box: Outbox) -> list[int]:
    return [record.seq for record in box.next_batch()]


def test_at_first_a_backlog_is_asked_for_once() -> None:
    box = Outbox(7)
    assert box.wants() == 7
    assert box.wants() is None
    box.supply(7, [])
    assert box.wants() is None
    box.offer(records(8, 9))
    assert seqs(box) == [8, 9]


def test_a_backlog_is_asked_for_page_by_page_until_there_is_no_more() -> None:
    box = Outbox(0)
    for first, last in ((1, 4), (5, 8)):
        assert box.wants() == first - 1
        box.supply(first - 1, records(first, last))
        assert box.wants() is None
        box.taken(last)
    assert box.wants() == 8
    box.supply(8, [])
    assert box.wants() is None


def test_what_is_offered_while_asking_is_asked_for_after() -> None:
    box = Outbox(0)
    assert box.wants() == 0
    box.offer(records(5, 6))
    assert box.next_batch() == []
    box.supply(0, records(1, 4))
    assert seqs(box) == [1, 2, 3, 4]
    box.taken(4)
    assert box.wants() == 4


def test_an_answer_to_an_old_question_is_dropped() -> None:
    box = Outbox(10)
    assert box.wants() == 10
    box.rewind(4)
    assert box.wants() == 3
    box.supply(10, records(11, 12))
    assert box.next_batch() == []
    box.supply(3, records(4, 12))
    assert seqs(box) == list(range(4, 13))


def test_memory_is_bounded_and_nothing_is_forgotten() -> None:
    box = Outbox(0)
    box.wants()
    box.supply(0, [])
    box.offer(records(1, BUFFER + 50))
    sent: list[int] = []
    while batch := seqs(box):
        sent += batch
        box.taken(batch[-1])
    assert sent == list(range(1, BUFFER + 1))
    assert box.wants() == BUFFER


def test_a_batch_that_is_too_large_is_halved_to_one() -> None:
    box = Outbox(0)
    box.wants()
    box.supply(0, records(1, 5))
    sizes = [len(seqs(box))]
    while box.send_fewer():
        sizes.append(len(seqs(box)))
    assert sizes == [5, 2, 1]
    assert seqs(box) == [1]
    box.taken(1)
    assert seqs(box) == [2, 3, 4, 5]


@pytest.mark.parametrize("hole", [1, 3])
def test_records_that_do_not_follow_are_not_taken(hole: int) -> None:
    box = Outbox(0)
    box.wants()
    box.supply(0, [record for record in records(1, 5) if record.seq != hole])
    assert seqs(box) == list(range(1, hole))


@given(st.data())
def test_any_talk_of_offers_answers_and_posts_sends_every_record_once_in_order(data: st.DataObject) -> None:
    journal, sent, box = 0, 0, Outbox(0)
    questions: list[int] = []

    def speak() -> None:
        wanted = box.wants()
        if wanted is not None:
            questions.append(wanted)

    def post(box: Outbox) -> int:
        batch = seqs(box)
        assert batch == list(range(sent + 1, sent + 1 + len(batch)))
        return sent + len(batch)

    for act in data.draw(st.lists(st.sampled_from(["commit", "answer", "post"]), max_size=40)):
        if act == "commit":
            box.offer(records(journal + 1, journal + 3))
            journal += 3
        elif act == "answer" and questions:
            place = questions.pop(0)
            box.supply(place, records(place + 1, min(journal, place + 4)))
        elif act == "post" and seqs(box):
            sent = post(box)
            box.taken(sent)
        speak()
    while sent < journal:
        speak()
        if not seqs(box):
            place = questions.pop(0)
            box.supply(place, records(place + 1, min(journal, place + 4)))
        sent = post(box)
        box.taken(sent)
    assert sent == journal
