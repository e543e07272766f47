"""Goal: a claim is taken down once whatever it looks like, moves no money, and stands before staff with its evidence.

Method: records posted over HTTP as a kiosk does, the back office by Django's client.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.test import Client as Browser
from django.urls import reverse

from billing import clock
from billing.claims import calendar, evidence, keeping
from billing.claims.models import Claim
from billing.customers.models import Invoice
from billing.journal.models import SuspenseItem
from billing.ledger.models import Entry
from tests.billing.kiosk import Client, bills_of, claim, completed, line, new_account, note, uid
from tests.billing.staff import FORBIDDEN_CLAIMS, answerer, confirmer, person, proposer, signed_in

ODD: list[Any] = [None, "", [], {}, 2**53 - 1, -1, True, "\x00", "x" * 5000, [[]], {"a": []}]


def today() -> date:
    return clock.city_date(clock.now())


def opened(kiosk: Client, **change: Any) -> Claim:
    kiosk.journal.add("ClaimOpened", claim(f"C-{uid()}", **change))
    kiosk.post_all()
    return Claim.objects.get(record_hash=kiosk.journal.head)


@pytest.fixture
def browser() -> Iterator[Browser]:
    user, _ = get_user_model().objects.get_or_create(username="clerk", is_staff=True, is_superuser=True)
    browser = Browser(SERVER_NAME="localhost")
    browser.force_login(user)
    yield browser
    browser.logout()


def page_of(one: Claim) -> str:
    return reverse("admin:claims_claim_change", args=[one.pk])


# Taking down


def test_a_claim_is_taken_down_as_the_kiosk_wrote_it(kiosk: Client) -> None:
    account = new_account(5000)
    one = opened(kiosk, account=account.token, payment_id="p", notes=[{"note_id": "n", "value_minor": 2000}])
    assert (one.kiosk_id, one.seq, one.account, one.amount_minor) == (kiosk.kiosk_id, 1, account, 2000)
    assert (one.notes, one.notes_said, one.payment_id, one.answered_at) == (["n"], [[2000, 1]], "p", None)


def test_a_claim_posted_again_is_one_claim(kiosk: Client) -> None:
    one = opened(kiosk)
    kiosk.post_all()
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    results = kiosk.post_all()
    assert [result["outcome"] for result in results] == ["exists", "created"]
    assert Claim.objects.filter(kiosk=kiosk.kiosk_id).count() == 1
    assert Claim.objects.get(kiosk=kiosk.kiosk_id).pk == one.pk


def test_a_claim_moves_no_money_and_opens_no_suspense(kiosk: Client) -> None:
    before = Entry.objects.count(), SuspenseItem.objects.count()
    opened(kiosk, notes=[{"note_id": uid(), "value_minor": 2000}])
    assert (Entry.objects.count(), SuspenseItem.objects.count()) == before


def test_whatever_else_is_unreadable_the_claim_is_there(kiosk: Client) -> None:
    fields = sorted(set(claim("")) - {"claim_number"})
    for field in fields:
        for odd in ODD:
            kiosk.journal.add("ClaimOpened", claim("C-1", **{field: odd}))
        missing = claim("C-1")
        del missing[field]
        kiosk.journal.add("ClaimOpened", missing)
    kiosk.post_all()
    assert Claim.objects.filter(kiosk=kiosk.kiosk_id).count() == (len(ODD) + 1) * len(fields)


def test_a_claim_without_a_number_is_a_memo_for_staff_and_stops_nothing(kiosk: Client) -> None:
    bodies: list[Any] = [{}, [], "x", None, claim(""), claim("\x00"), claim("x" * 65)]
    for body in bodies:
        kiosk.journal.add("ClaimOpened", body)
    kiosk.journal.add("NoteStacked", note(uid(), 500))
    results = kiosk.post_all()
    assert [result["disposition"] for result in results] == ["memo"] * len(bodies) + ["posted"]
    assert Claim.objects.filter(kiosk=kiosk.kiosk_id).count() == 0
    items = SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id)
    assert {item.reason for item in items} == {"unreadable:claim_number"}


def test_both_copies_of_a_kiosk_may_give_one_number(kiosk: Client) -> None:
    fork = kiosk.journal.copy()
    kiosk.journal.add("ClaimOpened", claim("C-1"))
    fork.add("ClaimOpened", claim("C-1", amount_minor=500))
    kiosk.post_all()
    for _ in range(2):
        kiosk.post_journal(fork.records)
    found = Claim.objects.filter(kiosk=kiosk.kiosk_id).order_by("fork")
    assert [(one.number, one.fork, one.amount_minor) for one in found] == [("C-1", False, 2000), ("C-1", True, 500)]
    assert [record.seq for record in evidence.records_around(found[1])] == [1]


# By when


@pytest.mark.parametrize(
    ("local", "threatened", "by"),
    [
        ((2026, 11, 23, 13), False, date(2026, 11, 25)),
        ((2026, 11, 27, 13), False, date(2026, 12, 1)),
        ((2026, 11, 28, 13), False, date(2026, 12, 1)),
        ((2026, 11, 23, 15), True, date(2026, 11, 23)),
        ((2026, 11, 23, 16), True, date(2026, 11, 24)),
        ((2026, 11, 28, 9), True, date(2026, 11, 30)),
    ],
)
def test_the_city_promises_what_the_slip_promises(local: tuple[int, ...], threatened: bool, by: date) -> None:
    at = datetime(*local, tzinfo=UTC) + timedelta(hours=6)  # type: ignore[misc]
    assert calendar.answer_by(at, threatened) == by


def test_the_promise_on_the_slip_is_kept_unless_its_clock_was_wrong(kiosk: Client) -> None:
    yesterday = (today() - timedelta(days=1)).isoformat()
    assert opened(kiosk, answer_by=yesterday).answer_by.isoformat() == yesterday
    kiosk.journal.add("ClaimOpened", claim("C-2", answer_by="1970-01-03"), clock_state="untrusted")
    kiosk.post_all()
    assert Claim.objects.get(record_hash=kiosk.journal.head).answer_by == calendar.answer_by(clock.now(), False)
    assert opened(kiosk, answer_by="2199-01-01").answer_by == calendar.answer_by(clock.now(), False)


def test_the_books_know_of_a_shut_off_that_the_kiosk_did_not(kiosk: Client) -> None:
    account = new_account(5000)
    assert not opened(kiosk, account=account.token).threatened
    Invoice.objects.filter(account=account).update(shut_off=True)
    one = opened(kiosk, account=account.token)
    assert one.threatened
    assert one.answer_by == calendar.answer_by(clock.now(), True)


def test_a_shut_off_is_held_while_a_claim_is_open(kiosk: Client) -> None:
    account = new_account(5000)

    def held() -> bool:
        path = f"/v1/accounts:resolve?number={account.number}&check=142"
        return bool(kiosk.get(path).json()["shut_off_held"])

    assert not held()
    one = opened(kiosk, account=f"num:{account.number}")
    assert held()
    keeping.answer(one, "not_found", "count agrees", "clerk", clock.now())
    assert not held()


# Evidence


def at(minutes: float) -> str:
    return clock.stamp(clock.now() + timedelta(minutes=minutes))


def test_the_journal_is_shown_fifteen_minutes_either_side(kiosk: Client) -> None:
    for minutes in [-40] * 20 + [-16] * 12 + [-14] * 15:
        kiosk.journal.add("DeviceFaultSeen", {"device": "acceptor"}, device_time=at(minutes))
    kiosk.journal.add("ClaimOpened", claim("C-1"))
    for minutes in [1] * 12 + [14] * 3 + [16] * 5:
        kiosk.journal.add("DeviceFaultSeen", {"device": "acceptor"}, device_time=at(minutes))
    kiosk.post_all()
    one = Claim.objects.get(kiosk=kiosk.kiosk_id)
    assert [record.seq for record in evidence.records_around(one)] == list(range(33, 64))


def test_records_beside_a_claim_are_shown_whatever_their_clock_says(kiosk: Client) -> None:
    kiosk.journal.add("DeviceFaultSeen", {}, device_time="1970-01-01T00:00:00.000Z", clock_state="untrusted")
    kiosk.journal.add("ClaimOpened", claim("C-1"))
    kiosk.journal.add("DeviceFaultSeen", {}, device_time="when?")
    kiosk.post_all()
    assert len(evidence.records_around(Claim.objects.get(kiosk=kiosk.kiosk_id))) == 3


def test_open_items_of_the_kiosk_are_listed_own_first_then_the_same_amount(kiosk: Client, server: str) -> None:
    mine, payment_id = uid(), uid()
    kiosk.journal.add("NoteUnexpected", note(payment_id, 500))
    kiosk.journal.add("NoteUnexpected", note(payment_id, 2000))
    kiosk.journal.add("NoteInDoubt", note(payment_id, 1000, note_id=mine))
    one = opened(kiosk, notes=[{"note_id": mine, "value_minor": 1000}])
    assert [item.amount_minor for item in evidence.suspense_near(one)] == [1000, 2000, 500]


def test_claims_are_counted_for_every_thousand_cash_payments(kiosk: Client) -> None:
    before = evidence.rate(clock.now())
    account, payment_id = new_account(2000), uid()
    kiosk.journal.add("NoteStacked", note(payment_id, 2000))
    kiosk.journal.add("PaymentCompleted", completed(payment_id, line(account, bills_of(account)[0], 2000)))
    opened(kiosk)
    after = evidence.rate(clock.now())
    assert (after.claims - before.claims, after.payments - before.payments) == (1, 1)
    assert evidence.Rate(3, 2000).per_thousand == "1.5"
    assert evidence.Rate(3, 0).per_thousand == "-"


# Staff


def test_staff_see_the_overdue_first_and_the_evidence_beside_each(browser: Browser, kiosk: Client) -> None:
    kiosk.journal.add("NoteUnexpected", note(uid(), 2000))
    late = opened(kiosk, answer_by="2020-01-02", session_id="<b>bold</b>")
    fresh = opened(kiosk)
    done = opened(kiosk, answer_by="2019-01-02")
    keeping.answer(done, "found_credited", "credited", "clerk", clock.now())
    content = browser.get(
        reverse("admin:claims_claim_changelist"), {"kiosk__id__exact": kiosk.kiosk_id}
    ).content.decode()
    assert content.index(late.number) < content.index(fresh.number) < content.index(done.number)
    assert "OVERDUE 2020-01-02" in content
    assert "claims for every 1,000" in content
    for state, numbers in (
        ("overdue", {late.number}),
        ("open", {late.number, fresh.number}),
        ("answered", {done.number}),
    ):
        listed = browser.get(
            reverse("admin:claims_claim_changelist"), {"state": state, "kiosk__id__exact": kiosk.kiosk_id}
        ).content.decode()
        assert {number for number in (late.number, fresh.number, done.number) if number in listed} == numbers
    shown = browser.get(page_of(late)).content.decode()
    assert "NoteUnexpected" in shown
    assert "note-unexpected" in shown
    assert "ClaimOpened" in shown
    assert "<b>bold</b>" not in shown


def test_a_claim_is_answered_once_and_in_a_name(browser: Browser, kiosk: Client) -> None:
    one = opened(kiosk)
    for refused in (
        {"outcome": "found_at_count", "words": ""},
        {"outcome": "", "words": "x"},
        {"outcome": "y", "words": "x"},
    ):
        assert browser.post(page_of(one), refused).status_code == 200
    assert browser.post(page_of(one), {"outcome": "found_at_count", "words": "20 over"}).status_code == 302
    one.refresh_from_db()
    assert (one.outcome, one.words, one.answered_by) == ("found_at_count", "20 over", "clerk")
    assert browser.post(page_of(one), {"outcome": "not_found", "words": "no"}).status_code == 403
    with pytest.raises(keeping.NotAnswerable):
        keeping.answer(one, "not_found", "no", "other", clock.now())
    with pytest.raises(keeping.NotAnswerable):
        keeping.answer(opened(kiosk), "not_found", "  ", "other", clock.now())
    assert browser.get(page_of(one)).status_code == 200
    assert browser.post(reverse("admin:claims_claim_delete", args=[one.pk]), {"post": "yes"}).status_code == 403


def test_the_database_keeps_an_answer_whole(kiosk: Client) -> None:
    one = opened(kiosk)
    for part in ({"outcome": "not_found"}, {"answered_at": clock.now()}, {"words": "x", "answered_by": "y"}):
        with pytest.raises(IntegrityError):
            Claim.objects.filter(pk=one.pk).update(**part)


def test_who_resolves_suspense_sees_claims_and_answers_none(kiosk: Client) -> None:
    one, form = opened(kiosk), {"outcome": "not_found", "words": "no"}
    for clerk in (proposer(), confirmer()):
        looking = signed_in(clerk)
        assert one.number in looking.get(page_of(one)).content.decode()
        assert looking.post(page_of(one), form).status_code == 403
    assert signed_in(person()).get(page_of(one)).status_code == 403
    answering = signed_in(answerer())
    assert answering.get(reverse("admin:journal_suspenseitem_changelist")).status_code == 200
    assert answering.post(page_of(one), form).status_code == 302
    one.refresh_from_db()
    assert one.outcome == "not_found"


def test_the_second_of_two_answers_is_told_so(kiosk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another clerk answers between the look at the claim and the booking of the answer."""
    one, answering = opened(kiosk), signed_in(answerer())
    first = keeping.answer

    def late(claim: Claim, outcome: str, words: str, by: str, now: datetime) -> None:
        first(claim, "machine_fault", "seen on the tape", "other", now)
        first(claim, outcome, words, by, now)

    monkeypatch.setattr(keeping, "answer", late)
    answer = answering.post(page_of(one), {"outcome": "not_found", "words": "no"}, follow=True)
    assert "answered already" in answer.content.decode()


def test_raw_sql_cannot_answer_twice_or_change_a_claim(database: Path, kiosk: Client) -> None:
    one, done = opened(kiosk), opened(kiosk)
    keeping.answer(done, "not_found", "no", "x", clock.now())
    more = (
        "INSERT OR REPLACE INTO claims_claim SELECT * FROM claims_claim WHERE id = {claim}",
        "INSERT OR REPLACE INTO claims_claim SELECT * FROM claims_claim WHERE id = {answered}",
    )
    with closing(sqlite3.connect(database, isolation_level=None, timeout=20)) as raw:
        before = raw.execute("SELECT * FROM claims_claim").fetchall()
        for statement in (*FORBIDDEN_CLAIMS, *more):
            print(statement)
            with pytest.raises(sqlite3.IntegrityError, match="claims: "):
                raw.execute(statement.format(claim=one.pk, answered=done.pk))
            assert raw.execute("SELECT * FROM claims_claim").fetchall() == before
