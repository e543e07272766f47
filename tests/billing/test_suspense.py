"""Goal: suspense is resolved by two people, in each way exactly once, and always agrees with the ledger to the cent.

Method: kiosks post over HTTP; clerks act through the functions that the back office calls; raw SQL tries the rest.
"""

import random
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from billing import clock
from billing.customers.models import Account
from billing.journal import ageing, suspense, ways
from billing.journal.models import BookedNote, Resolution, ResolutionEnd, SuspenseItem
from billing.journal.suspense import NotAllowed
from billing.journal.ways import Choice, NotPlaceable
from billing.kiosks.models import Kiosk
from billing.ledger import balances
from billing.ledger.chart import CASH, CASH_SHORT, CREDIT, FORK_SUSPENSE, RECEIVABLE, SUSPENSE
from billing.ledger.models import Transaction
from tests.billing.kiosk import Client, bills_of, completed, enrolled, line, new_account, note, uid
from tests.billing.staff import FORBIDDEN, confirmer, person, proposer


def unexpected(value_minor: int, **change: Any) -> dict[str, Any]:
    return {**note("", value_minor, **change), "channel": 5, "reason": "no_open_note"}


def items(kiosk: Client, reason: str = "") -> list[SuspenseItem]:
    found = SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id).order_by("pk")
    return list(found.filter(reason=reason) if reason else found)


def post(kiosk: Client, kind: str, body: dict[str, Any]) -> SuspenseItem:
    """Post one record and return the item it opens."""
    kiosk.journal.add(kind, body)
    kiosk.post_all()
    return SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id).latest("pk")  # type: ignore[no-any-return]


def found_note(kiosk: Client, value_minor: int = 1000) -> SuspenseItem:
    return post(kiosk, "NoteUnexpected", unexpected(value_minor))


def doubt(kiosk: Client, value_minor: int = 1000, payment_id: str = "") -> SuspenseItem:
    return post(kiosk, "NoteInDoubt", {**note(payment_id or uid(), value_minor), "reason": "no_report"})


def missing(kiosk: Client, by_minor: int = 1000) -> SuspenseItem:
    """A receipt over more than the records say was stacked."""
    account, payment_id = new_account(by_minor), uid()
    return post(kiosk, "PaymentCompleted", completed(payment_id, line(account, bills_of(account)[0], by_minor)))


def resolve(item: SuspenseItem, choice: Choice) -> ResolutionEnd:
    proposal = suspense.propose(item, choice, proposer(), "seen on the tape", clock.now())
    end = suspense.confirm(proposal, confirmer(), "agreed", clock.now())
    item.refresh_from_db()
    assert item.resolved_at is not None
    return end


def balance(account: str, subject: str) -> int:
    return balances.by_subject(account, [subject], "USD").get(subject, 0)


def disagreements(kiosk: Client) -> list[ageing.Difference]:
    """Differences between items and ledger that concern this kiosk: other tests write to the ledger by hand."""
    ours = {item.subject for item in items(kiosk)}
    entries = Transaction.objects.filter(record__chain__kiosk=kiosk.kiosk_id).values_list("entries__subject", flat=True)
    return [found for found in ageing.differences() if found.subject in ours | set(entries)]


# The ways


def test_money_becomes_credit(kiosk: Client) -> None:
    item, account = found_note(kiosk), new_account(5000)
    assert (balance(SUSPENSE, item.subject), balance(CREDIT, account.number)) == (-1000, 0)
    end = resolve(item, Choice("credit", account=account))
    assert (balance(SUSPENSE, item.subject), balance(CREDIT, account.number)) == (0, -1000)
    assert end.transaction.reference == f"suspense/{item.pk}"
    assert item.resolution == f"credit on {account.number}"
    assert disagreements(kiosk) == []


def test_money_pays_an_invoice_and_the_rest_is_credit(kiosk: Client) -> None:
    item, account = found_note(kiosk, 5000), new_account(2000, 9000)
    bill = bills_of(account)[0]
    resolve(item, Choice("invoice", invoice=bill))
    assert (balance(RECEIVABLE, bill.number), balance(CREDIT, account.number)) == (0, -3000)
    assert disagreements(kiosk) == []
    with pytest.raises(NotPlaceable, match="nothing is owed"):
        suspense.propose(found_note(kiosk), Choice("invoice", invoice=bill), proposer(), "x", clock.now())


def test_an_invoice_paid_meanwhile_is_not_paid_twice(kiosk: Client) -> None:
    account = new_account(2000)
    bill = bills_of(account)[0]
    first, second = found_note(kiosk, 2000), found_note(kiosk, 2000)
    proposal = suspense.propose(first, Choice("invoice", invoice=bill), proposer(), "x", clock.now())
    resolve(second, Choice("invoice", invoice=bill))
    with pytest.raises(NotPlaceable, match="nothing is owed"):
        suspense.confirm(proposal, confirmer(), "", clock.now())
    assert (balance(RECEIVABLE, bill.number), balance(SUSPENSE, first.subject)) == (0, -2000)
    assert suspense.standing(first) == proposal
    suspense.withdraw(proposal, confirmer(), "paid already", clock.now())
    resolve(first, Choice("credit", account=account))


def test_a_note_in_doubt_that_turned_up_closes_both(kiosk: Client) -> None:
    memo, account = doubt(kiosk), new_account(5000)
    item = found_note(kiosk)
    resolve(item, Choice("join", other=memo, account=account))
    memo.refresh_from_db()
    assert memo.resolved_at == item.resolved_at
    assert (balance(SUSPENSE, item.subject), balance(CREDIT, account.number)) == (0, -1000)
    assert balance(CASH, f"{kiosk.kiosk_id}/1") == 1000
    again = post(kiosk, "NoteStacked", note(uid(), 1000, note_id=memo.subject))
    assert (again.reason, balance(CASH, f"{kiosk.kiosk_id}/1")) == ("note-repeated", 1000)


@pytest.mark.parametrize("value_minor", [500, 2000])
def test_only_a_note_of_the_same_value_is_the_note_in_doubt(kiosk: Client, value_minor: int) -> None:
    memo, item = doubt(kiosk, value_minor), found_note(kiosk)
    choice = Choice("join", other=memo, account=new_account(100))
    with pytest.raises(NotPlaceable, match="one kiosk and one sum"):
        suspense.propose(item, choice, proposer(), "x", clock.now())


def test_a_note_in_doubt_found_at_the_count_is_booked_once(kiosk: Client) -> None:
    memo, account, cash = doubt(kiosk, 2000), new_account(5000), f"{kiosk.kiosk_id}/1"
    resolve(memo, Choice("counted", account=account, cash_subject=cash))
    assert (balance(CASH, cash), balance(CREDIT, account.number)) == (2000, -2000)
    assert post(kiosk, "NoteStacked", note(uid(), 2000, note_id=memo.subject)).reason == "note-repeated"
    assert balance(CASH, cash) == 2000
    assert disagreements(kiosk) == []


def nameless(kiosk: Client) -> SuspenseItem:
    return post(kiosk, "NoteUnexpected", unexpected(0))


def test_a_note_of_unknown_value_is_worth_what_the_count_says(kiosk: Client) -> None:
    memo, account, cash = nameless(kiosk), new_account(5000), f"{kiosk.kiosk_id}/1"
    assert ways.possible(memo) == ("counted", "words")
    resolve(memo, Choice("counted", account=account, cash_subject=cash, found_minor=2000))
    assert (balance(CASH, cash), balance(CREDIT, account.number)) == (2000, -2000)
    assert memo.resolution == f"$20.00 found at the count of {cash}: credit on {account.number}"
    assert post(kiosk, "NoteStacked", note(uid(), 2000, note_id=memo.subject)).reason == "note-repeated"
    assert (balance(CASH, cash), disagreements(kiosk)) == (2000, [])


@pytest.mark.parametrize("found_minor", [0, -2000, 100_001])
def test_a_note_of_unknown_value_needs_a_value(kiosk: Client, found_minor: int) -> None:
    choice = Choice("counted", None, new_account(1), None, f"{kiosk.kiosk_id}/1", found_minor=found_minor)
    with pytest.raises(NotPlaceable, match="worth"):
        suspense.propose(nameless(kiosk), choice, proposer(), "x", clock.now())


def test_the_count_changes_no_value_that_a_record_says(kiosk: Client) -> None:
    memo, account, cash = doubt(kiosk, 2000), new_account(5000), f"{kiosk.kiosk_id}/1"
    resolve(memo, Choice("counted", account=account, cash_subject=cash, found_minor=500))
    assert balance(CASH, cash) == 2000


@pytest.mark.parametrize("cash_subject", ["other/1", "", "{kiosk}/", "{kiosk}/-1", "{kiosk}/²", "{kiosk}/1/2"])
def test_a_count_names_a_period_of_this_kiosk(kiosk: Client, cash_subject: str) -> None:
    subject = cash_subject.format(kiosk=kiosk.kiosk_id)
    choice = Choice("counted", account=new_account(100), cash_subject=subject)
    with pytest.raises(NotPlaceable, match="cassette period"):
        suspense.propose(doubt(kiosk), choice, proposer(), "x", clock.now())


def test_each_epoch_counts_its_own_periods(kiosk: Client, server: str) -> None:
    old = doubt(kiosk)
    renewed = enrolled(server, Kiosk.objects.get(pk=kiosk.kiosk_id))
    new, ours = doubt(renewed), kiosk.kiosk_id
    named = [ways.period_of(*asked) for asked in ((old, "1"), (old, "2/1"), (new, "1"), (new, "1/1"))]
    assert named == [f"{ours}/1", f"{ours}/2/1", f"{ours}/2/1", f"{ours}/1"]
    assert [ways.period_of(new, text) for text in ("x/1", "0/1")] == [f"{ours}/0/1"] * 2, "no epoch: refused"
    resolve(old, Choice("counted", account=new_account(1), cash_subject=f"{ours}/2/1"))
    assert (balance(CASH, f"{ours}/2/1"), balance(CASH, f"{ours}/1")) == (1000, 0)
    for period in ("3/1", "0/1", "1/1"):
        choice = Choice("counted", account=new_account(1), cash_subject=f"{ours}/{period}")
        with pytest.raises(NotPlaceable, match="cassette period"):
            suspense.propose(new, choice, proposer(), "x", clock.now())


def test_a_memo_is_closed_by_words_and_moves_nothing(kiosk: Client) -> None:
    memo, before = doubt(kiosk), Transaction.objects.count()
    end = resolve(memo, Choice("words"))
    assert (end.transaction, Transaction.objects.count()) == (None, before)
    assert memo.resolution == "closed by words: seen on the tape"


def test_missing_cash_is_another_item(kiosk: Client) -> None:
    other = found_note(kiosk)
    item = missing(kiosk)
    assert (item.amount_minor, balance(SUSPENSE, item.subject)) == (-1000, 1000)
    assert disagreements(kiosk) == []
    resolve(item, Choice("offset", other=other))
    other.refresh_from_db()
    assert other.resolved_at == item.resolved_at
    assert (balance(SUSPENSE, item.subject), balance(SUSPENSE, other.subject)) == (0, 0)
    assert balance(CASH, f"{kiosk.kiosk_id}/1") == 1000


def test_missing_cash_on_the_losing_branch_of_a_fork_is_set_off(kiosk: Client) -> None:
    """The winner's receipt lists a note that only the loser recorded as stacked."""
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    loser = kiosk.journal.copy()
    loser.add("NoteStacked", note(uid(), 1000))
    item = missing(kiosk)
    kiosk.post_journal(loser.records[1:])
    (fork,) = items(kiosk, "journal-fork")
    resolve(item, Choice("offset", other=fork))
    assert (balance(FORK_SUSPENSE, fork.subject), balance(SUSPENSE, item.subject)) == (0, 0)
    assert disagreements(kiosk) == []


def test_missing_cash_found_at_the_count(kiosk: Client) -> None:
    item, cash = missing(kiosk), f"{kiosk.kiosk_id}/3"
    resolve(item, Choice("counted", cash_subject=cash))
    assert (balance(SUSPENSE, item.subject), balance(CASH, cash)) == (0, 1000)


def test_missing_cash_never_found_is_the_citys_and_not_the_residents(kiosk: Client) -> None:
    item = missing(kiosk)
    resolve(item, Choice("short"))
    assert (balance(SUSPENSE, item.subject), balance(CASH_SHORT, kiosk.kiosk_id)) == (0, 1000)
    assert disagreements(kiosk) == []


@pytest.mark.parametrize(
    ("make", "ways"),
    [
        (found_note, ("words", "short", "offset", "counted", "nonsense")),
        (missing, ("words", "credit", "invoice", "join", "already")),
        (doubt, ("credit", "invoice", "join", "offset", "short", "already")),
    ],
)
def test_a_way_that_does_not_fit_is_refused(kiosk: Client, make: Any, ways: tuple[str, ...]) -> None:
    item, account = make(kiosk), new_account(1000)
    other = found_note(kiosk, 1000)
    for way in ways:
        choice = Choice(way, other, account, bills_of(account)[0], f"{kiosk.kiosk_id}/1")
        with pytest.raises(NotPlaceable):
            suspense.propose(item, choice, proposer(), "x", clock.now())
    assert Resolution.objects.filter(item=item).count() == 0


def test_money_of_another_currency_is_not_lost_on_an_account(kiosk: Client) -> None:
    item = post(kiosk, "NoteUnexpected", unexpected(1000, currency="EUR"))
    with pytest.raises(NotPlaceable, match="kept in USD"):
        suspense.propose(item, Choice("credit", account=new_account(100)), proposer(), "x", clock.now())


# Two people


def test_nobody_confirms_their_own_proposal(kiosk: Client) -> None:
    item, both = found_note(kiosk), person("Suspense: propose", "Suspense: confirm")
    proposal = suspense.propose(item, Choice("credit", account=new_account(100)), both, "x", clock.now())
    with pytest.raises(NotAllowed, match="another person"):
        suspense.confirm(proposal, both, "", clock.now())
    assert balance(SUSPENSE, item.subject) == -1000
    suspense.confirm(proposal, confirmer(), "", clock.now())
    assert balance(SUSPENSE, item.subject) == 0


def test_each_step_needs_its_permission(kiosk: Client) -> None:
    item, choice = found_note(kiosk), Choice("credit", account=new_account(100))
    with pytest.raises(NotAllowed):
        suspense.propose(item, choice, confirmer(), "x", clock.now())
    proposal = suspense.propose(item, choice, proposer(), "x", clock.now())
    for stranger in (proposer(), person()):
        with pytest.raises(NotAllowed):
            suspense.confirm(proposal, stranger, "", clock.now())
        with pytest.raises(NotAllowed):
            suspense.withdraw(proposal, stranger, "x", clock.now())
    assert suspense.standing(item) == proposal


def test_a_withdrawn_proposal_stays_on_paper_and_makes_room(kiosk: Client) -> None:
    item, choice, clerk = found_note(kiosk), Choice("credit", account=new_account(100)), proposer()
    first = suspense.propose(item, choice, clerk, "x", clock.now())
    with pytest.raises(NotPlaceable, match="another proposal"):
        suspense.propose(item, choice, clerk, "x", clock.now())
    with pytest.raises(NotPlaceable, match="say why"):
        suspense.withdraw(first, clerk, " ", clock.now())
    suspense.withdraw(first, clerk, "wrong account", clock.now())
    with pytest.raises(NotPlaceable, match="ended"):
        suspense.confirm(first, confirmer(), "", clock.now())
    second = suspense.propose(item, choice, clerk, "y", clock.now())
    suspense.confirm(second, confirmer(), "", clock.now())
    assert [(p.why, p.end.outcome) for p in suspense.history(item)] == [("x", "withdrawn"), ("y", "confirmed")]
    with pytest.raises(NotPlaceable, match="resolved already"):
        suspense.propose(item, choice, clerk, "z", clock.now())


def test_an_item_belongs_to_one_proposal_from_either_side(kiosk: Client) -> None:
    memo, first, second = doubt(kiosk), found_note(kiosk), found_note(kiosk)
    account = new_account(100)
    suspense.propose(first, Choice("join", other=memo, account=account), proposer(), "x", clock.now())
    with pytest.raises(NotPlaceable, match="another proposal"):
        suspense.propose(second, Choice("join", other=memo, account=account), proposer(), "x", clock.now())
    with pytest.raises(NotPlaceable, match="another proposal"):
        suspense.propose(memo, Choice("words"), proposer(), "x", clock.now())


def test_the_journal_answers_before_the_second_person_does(kiosk: Client) -> None:
    payment_id, account = uid(), new_account(5000)
    memo = doubt(kiosk, 1000, payment_id)
    choice = Choice("counted", account=account, cash_subject=f"{kiosk.kiosk_id}/1")
    proposal = suspense.propose(memo, choice, proposer(), "x", clock.now())
    kiosk.journal.add("NoteStacked", note(payment_id, 1000, note_id=memo.subject))
    kiosk.post_all()
    memo.refresh_from_db()
    assert (memo.answered_seq, memo.resolution) == (2, "the journal says what became of the note")
    with pytest.raises(NotPlaceable, match="resolved already"):
        suspense.confirm(proposal, confirmer(), "", clock.now())
    assert (balance(CASH, f"{kiosk.kiosk_id}/1"), balance(CREDIT, account.number)) == (1000, 0)


def test_a_note_that_a_record_booked_meanwhile_is_not_booked_by_hand(kiosk: Client) -> None:
    memo, account = doubt(kiosk), new_account(5000)
    choice = Choice("counted", account=account, cash_subject=f"{kiosk.kiosk_id}/1")
    proposal = suspense.propose(memo, choice, proposer(), "x", clock.now())
    BookedNote.objects.create(kiosk_id=kiosk.kiosk_id, note_id=memo.subject)
    with pytest.raises(NotPlaceable, match="booked this note"):
        suspense.confirm(proposal, confirmer(), "", clock.now())
    assert balance(CASH, f"{kiosk.kiosk_id}/1") == 0


def test_confirming_at_the_same_time_posts_once(kiosk: Client) -> None:
    """Six people press the button together."""
    item, account = found_note(kiosk), new_account(5000)
    proposal = suspense.propose(item, Choice("credit", account=account), proposer(), "x", clock.now())
    people, outcomes = [confirmer() for _ in range(6)], []
    gate = threading.Barrier(len(people))

    def press(clerk: Any) -> None:
        gate.wait(10)
        try:
            suspense.confirm(proposal, clerk, "", clock.now())
            outcomes.append("confirmed")
        except NotPlaceable as error:
            outcomes.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[clerk]) for clerk in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["confirmed"] + ["this proposal has ended already"] * 5
    assert (balance(SUSPENSE, item.subject), balance(CREDIT, account.number)) == (0, -1000)
    assert ResolutionEnd.objects.filter(resolution=proposal).count() == 1


# Raw SQL


@pytest.fixture
def raw(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(database, isolation_level=None, timeout=20)
    connection.execute("PRAGMA foreign_keys = ON")
    yield connection
    connection.close()


def standing_names(kiosk: Client) -> dict[str, int]:
    """What the forbidden statements name."""
    account, first, second = new_account(100), proposer(), confirmer()
    settled = found_note(kiosk)
    end = resolve(settled, Choice("credit", account=account))
    memo, item = doubt(kiosk), found_note(kiosk, 3000)
    proposal = suspense.propose(item, Choice("credit", account=account), first, "x", clock.now())
    return {
        "item": item.pk,
        "memo": memo.pk,
        "proposal": proposal.pk,
        "proposer": first.pk,
        "second": second.pk,
        "posted": end.transaction_id,
        "settled": settled.pk,
    }


_REPLACE = "INSERT OR REPLACE INTO journal_"


def test_raw_sql_cannot_resolve_alone(raw: sqlite3.Connection, kiosk: Client) -> None:
    names, tables = standing_names(kiosk), ("suspenseitem", "resolution", "resolutionend")
    before = [raw.execute(f"SELECT * FROM journal_{table}").fetchall() for table in tables]
    more = (
        "UPDATE journal_suspenseitem SET resolved_at = NULL WHERE id = {settled}",
        f"{_REPLACE}suspenseitem SELECT * FROM journal_suspenseitem WHERE id = {{item}}",
        f"{_REPLACE}resolution SELECT * FROM journal_resolution WHERE id = {{proposal}}",
        f"{_REPLACE}resolutionend SELECT * FROM journal_resolutionend WHERE transaction_id = {{posted}}",
    )
    for statement in (*FORBIDDEN, *more):
        print(statement)
        with pytest.raises(sqlite3.IntegrityError, match=r"suspense|journal_"):
            raw.execute(statement.format(**names))
        assert [raw.execute(f"SELECT * FROM journal_{table}").fetchall() for table in tables] == before


# The sums


def test_open_items_and_ledger_agree_whatever_kiosks_post_and_clerks_do(kiosk: Client) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    account, payments, notes = new_account(2000, 700), [uid() for _ in range(3)], [uid() for _ in range(8)]
    bills = bills_of(account)
    for _ in range(25):
        for _ in range(chance.randrange(1, 4)):
            _post_anything(chance, kiosk, account, payments, notes)
        kiosk.post_journal(kiosk.journal.records[-4:])
        assert disagreements(kiosk) == []
        waiting = [item for item in items(kiosk) if not item.resolved_at]
        if waiting and chance.random() < 0.5:
            _try_anything(chance, chance.choice(waiting), waiting, account, bills[0])
        assert disagreements(kiosk) == []
    for report in balances.trial_balance().values():
        assert report["debit_minor"] == report["credit_minor"]
    assert any(item.resolved_at for item in items(kiosk))


def _post_anything(
    chance: random.Random, kiosk: Client, account: Account, payments: list[str], notes: list[str]
) -> None:
    body = note(chance.choice(payments), chance.choice([500, 1000, 2000]), note_id=chance.choice(notes))
    body |= chance.choice([{}, {}, {}, {"currency": "EUR"}, {"value_minor": "x"}, {"payment_id": 7}])
    kind = chance.choice(["NoteStacked", "NoteUnexpected", "NoteInDoubt", "NoteReturned", "PaymentCompleted"])
    if kind == "PaymentCompleted":
        invoice = chance.choice(["", "nonsense", *(bill.number for bill in bills_of(account))])
        owner = chance.choice([account.token, "nobody"])
        paid = line(owner, invoice, chance.choice([500, 1000, 3000]))
        change: dict[str, Any] = {"receipt_number": uid()[:12]}
        body = completed(chance.choice(payments), paid, **change | chance.choice([{}, {}, {"lines": 5}]))
    kiosk.journal.add(kind, body)


def _try_anything(
    chance: random.Random, item: SuspenseItem, waiting: list[SuspenseItem], account: Account, bill: Any
) -> None:
    way = chance.choice(["credit", "invoice", "join", "offset", "counted", "short", "already", "words"])
    choice = Choice(way, chance.choice(waiting), account, bill, f"{item.chain.kiosk_id}/1")
    if way == "already":
        choice = Choice(way, earlier=ways.booked_before(item).first())
    elif way not in ("join", "offset"):
        choice = Choice(way, None, account, bill, choice.cash_subject)
    if choice.other == item:
        return
    try:
        resolve(item, choice)
    except NotPlaceable:
        assert suspense.standing(item) is None


def test_a_forged_line_in_the_ledger_is_found(kiosk: Client, raw: sqlite3.Connection) -> None:
    item = found_note(kiosk)
    raw.execute(
        "INSERT INTO ledger_transaction (reference, description, currency, value_date, posted_at, lines)"
        f" VALUES ('{uid()}', 'd', 'USD', '2026-11-23', '2026-11-23 12:00:00+00:00',"
        f' \'[["suspense","{item.subject}",1],["account-credit","x",-1]]\')'
    )
    assert disagreements(kiosk) == [ageing.Difference("suspense", item.subject, "USD", 999, 1000)]
