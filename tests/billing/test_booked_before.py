"""Goal: cash that the count or *Cash short* booked and a record books again is taken back by two people, once."""

import pytest
from django.db import IntegrityError, transaction

from billing import clock
from billing.journal import suspense
from billing.journal.models import Resolution, ResolutionEnd, SuspenseItem
from billing.journal.ways import Choice, NotPlaceable
from billing.ledger import posting
from billing.ledger.chart import CASH, CASH_SHORT, CREDIT, FORK_SUSPENSE, SUSPENSE
from billing.ledger.posting import Draft, Line
from tests.billing.kiosk import Client, bills_of, completed, line, new_account, note, uid
from tests.billing.staff import confirmer, proposer
from tests.billing.test_suspense import (
    balance,
    disagreements,
    doubt,
    found_note,
    items,
    missing,
    post,
    resolve,
    unexpected,
)


def before(item: SuspenseItem) -> Resolution:
    return Resolution.objects.get(item=item, end__outcome="confirmed")


def test_a_note_booked_from_the_count_that_turns_up_as_unexpected_stands_once(kiosk: Client) -> None:
    memo, account, cash = doubt(kiosk, 2000), new_account(5000), f"{kiosk.kiosk_id}/1"
    resolve(memo, Choice("counted", account=account, cash_subject=cash))
    item = post(kiosk, "NoteUnexpected", unexpected(2000, cassette_period=2))
    assert (balance(CASH, cash), balance(CASH, f"{kiosk.kiosk_id}/2")) == (2000, 2000)
    resolve(item, Choice("already", earlier=before(memo)))
    assert (balance(CASH, cash), balance(CASH, f"{kiosk.kiosk_id}/2")) == (2000, 0), "it lay where it was counted"
    assert (balance(SUSPENSE, item.subject), balance(CREDIT, account.number)) == (0, -2000)
    assert disagreements(kiosk) == []
    assert [proposal.item for proposal in suspense.history(memo)] == [memo, item], "both pages tell it"


def test_cash_that_the_city_bore_and_that_turns_up_ends_the_shortage(kiosk: Client) -> None:
    short = missing(kiosk)
    resolve(short, Choice("short"))
    resolve(found_note(kiosk), Choice("already", earlier=before(short)))
    assert (balance(CASH_SHORT, kiosk.kiosk_id), balance(CASH, f"{kiosk.kiosk_id}/1")) == (0, 1000)
    assert disagreements(kiosk) == []


def test_cash_found_at_the_count_whose_record_comes_on_a_losing_branch_stands_once(kiosk: Client) -> None:
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    loser = kiosk.journal.copy()
    loser.add("NoteStacked", note(uid(), 1000))
    lacking, cash = missing(kiosk), f"{kiosk.kiosk_id}/1"
    resolve(lacking, Choice("counted", cash_subject=cash))
    kiosk.post_journal(loser.records[1:])
    (fork,) = items(kiosk, "journal-fork")
    assert balance(CASH, cash) == 2000
    resolve(fork, Choice("already", earlier=before(lacking)))
    assert (balance(CASH, cash), balance(FORK_SUSPENSE, fork.subject)) == (1000, 0)
    assert disagreements(kiosk) == []


def test_cash_that_stands_twice_is_taken_back_once(kiosk: Client) -> None:
    memo, account = doubt(kiosk), new_account(5000)
    resolve(memo, Choice("counted", account=account, cash_subject=f"{kiosk.kiosk_id}/1"))
    choice = Choice("already", earlier=before(memo))
    first, second, smaller = found_note(kiosk), found_note(kiosk), found_note(kiosk, 500)
    waiting = suspense.propose(second, choice, proposer(), "x", clock.now())
    resolve(first, choice)
    for refused in (
        lambda: suspense.confirm(waiting, confirmer(), "", clock.now()),
        lambda: suspense.propose(smaller, choice, proposer(), "x", clock.now()),
        lambda: suspense.propose(smaller, Choice("already"), proposer(), "x", clock.now()),
    ):
        with pytest.raises(NotPlaceable, match="booked this money before"):
            refused()
    suspense.withdraw(waiting, confirmer(), "it is another note", clock.now())
    resolve(second, Choice("credit", account=account))


def test_money_that_no_record_of_a_note_booked_is_not_taken_out_of_cash(kiosk: Client) -> None:
    """The cash of a payment was booked by its notes; what of it could not be placed is no note."""
    memo, closed = doubt(kiosk), new_account(1000, status="closed")
    resolve(memo, Choice("counted", account=new_account(1), cash_subject=f"{kiosk.kiosk_id}/1"))
    payment_id = uid()
    kiosk.journal.add("NoteStacked", note(payment_id, 1000))
    item = post(kiosk, "PaymentCompleted", completed(payment_id, line(closed, bills_of(closed)[0], 1000)))
    assert item.reason == "account-closed"
    with pytest.raises(NotPlaceable, match="booked this money before"):
        suspense.propose(item, Choice("already", earlier=before(memo)), proposer(), "x", clock.now())


@pytest.mark.parametrize(
    ("way", "earlier"), [("already", "none"), ("already", "credit"), ("already", "used"), ("credit", "credit")]
)
def test_the_database_takes_back_nothing_that_stands_once(kiosk: Client, way: str, earlier: str) -> None:
    """Rows by hand, past the rules in Python."""
    memo, account = doubt(kiosk), new_account(1)
    resolve(memo, Choice("counted", account=account, cash_subject=f"{kiosk.kiosk_id}/1"))
    resolve(found_note(kiosk), Choice("already", earlier=before(memo)))
    credit = resolve(found_note(kiosk), Choice("credit", account=account)).resolution
    item = found_note(kiosk)
    named = {"none": None, "credit": credit, "used": before(memo)}[earlier]
    with pytest.raises(IntegrityError, match="stands twice"):
        _confirmed_by_hand(item, way, named)
    assert disagreements(kiosk) == []


@transaction.atomic
def _confirmed_by_hand(item: SuspenseItem, way: str, earlier: Resolution | None) -> None:
    now, cash = clock.now(), f"{item.chain.kiosk_id}/1"
    lines = (Line(SUSPENSE, item.subject, item.amount_minor), Line(CASH, cash, -item.amount_minor))
    (posted,) = posting.post([Draft(f"suspense/{item.pk}", "d", "USD", clock.city_date(now), lines)], now)
    proposal = Resolution.objects.create(
        item=item, way=way, earlier=earlier, summary="s", why="w", proposed_by=proposer(), proposed_at=now
    )
    ResolutionEnd.objects.create(resolution=proposal, outcome="confirmed", by=confirmer(), at=now, transaction=posted)
