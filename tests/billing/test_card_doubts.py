"""Goal: an attempt of which nobody knows is one memo, answered once: by the journal, by two people, on either branch.

Method: as test_cards.
"""

import pytest

from billing import clock
from billing.journal import suspense
from billing.journal.models import BookedTender, CardAttempt, Resolution, SuspenseItem
from billing.journal.suspense import NotPlaceable
from billing.journal.ways import Choice, possible
from billing.ledger import balances
from billing.ledger.chart import CASH, CHECKS, CLEARING, CREDIT, FORK_SUSPENSE, RECEIVABLE, SUSPENSE
from tests.billing.card_books import agree, attempt, balance, item, owed, post, resolve, waiting
from tests.billing.kiosk import Client, bills_of, completed, line, new_account, note, uid
from tests.billing.staff import confirmer, proposer
from tests.billing.tenders import approved, check, ended, paid_out, reference, sale, void

# Unknown


def test_an_unknown_attempt_is_one_memo_until_the_journal_answers(kiosk: Client) -> None:
    payment_id, ref = uid(), reference()
    lost = ("CardSaleUnknown", sale(payment_id, ref, 3000, reason="timeout"))
    assert post(kiosk, ("CardSaleStarted", sale(payment_id, ref, 3000)), lost, lost)[-1] == ("kept", "card-unknown")
    assert waiting(kiosk) == [("card-unknown", 3000, True)]
    assert attempt(kiosk, ref).state == "unknown"
    assert owed(kiosk, ref) == 0
    assert post(kiosk, ("CardSaleEnded", ended(payment_id, ref, "absent"))) == [("kept", "")]
    assert (waiting(kiosk), attempt(kiosk, ref).state) == ([], "absent")
    assert item(kiosk, "card-unknown").answered_seq == len(kiosk.journal.records)


@pytest.mark.parametrize(("kind", "state", "left"), [("CardSaleVoided", "voided", 0), ("VoidEnded", "approved", 700)])
def test_an_unknown_void_is_answered_too(kiosk: Client, kind: str, state: str, left: int) -> None:
    payment_id, ref = uid(), reference()
    undo = void(payment_id, ref, 700)
    post(
        kiosk,
        ("CardSaleApproved", approved(payment_id, ref, 700)),
        ("VoidStarted", undo),
        ("VoidUnknown", undo),
        ("VoidUnknown", undo),
    )
    assert (waiting(kiosk), attempt(kiosk, ref).state) == ([("void-unknown", 700, True)], "void_unknown")
    post(kiosk, (kind, undo | {"result": "declined"}))
    assert (waiting(kiosk), attempt(kiosk, ref).state, owed(kiosk, ref)) == ([], state, left)


def test_a_second_void_may_be_unknown_again(kiosk: Client) -> None:
    payment_id, ref = uid(), reference()
    first, second = void(payment_id, ref, 700), void(payment_id, ref, 700)
    post(
        kiosk,
        ("CardSaleApproved", approved(payment_id, ref, 700)),
        ("VoidStarted", first),
        ("VoidUnknown", first),
        ("VoidEnded", first),
        ("VoidStarted", second),
        ("VoidUnknown", second),
    )
    assert waiting(kiosk) == [("void-unknown", 700, True)]


# Two people


def unknown(kiosk: Client, amount_minor: int = 3000) -> tuple[str, str]:
    payment_id, ref = uid(), reference()
    post(kiosk, ("CardSaleUnknown", sale(payment_id, ref, amount_minor, reason="timeout")))
    return payment_id, ref


def test_found_paid_is_credit_and_a_late_approval_is_not_booked_again(kiosk: Client) -> None:
    account = new_account(3000)
    payment_id, ref = unknown(kiosk)
    memo = item(kiosk, "card-unknown")
    assert possible(memo) == ("paid", "unpaid")
    resolve(memo, Choice("paid", account=account))
    assert (owed(kiosk, ref), balance(CREDIT, account.number)) == (3000, -3000)
    bill = bills_of(account)[0]
    assert post(kiosk, ("CardSaleApproved", approved(payment_id, ref, 3000))) == [("memo", "card-repeated")]
    post(kiosk, ("PaymentCompleted", completed(payment_id, line(account, bill, 3000))))
    assert owed(kiosk, ref) == 3000
    missing = item(kiosk, "lines-differ-from-cash")
    assert missing.amount_minor == -3000
    resolve(missing, Choice("already", earlier=Resolution.objects.get(item=memo)))
    assert (balance(CREDIT, account.number), balance(RECEIVABLE, bill.number)) == (0, 0)
    assert agree(kiosk)


def test_found_not_paid_books_nothing_and_a_late_approval_still_counts(kiosk: Client) -> None:
    account = new_account(3000)
    payment_id, ref = unknown(kiosk)
    before = balances.trial_balance()
    resolve(item(kiosk, "card-unknown"), Choice("unpaid"))
    assert balances.trial_balance() == before
    post(
        kiosk,
        ("CardSaleUnknown", sale(payment_id, ref, 3000, reason="still")),
        ("CardSaleApproved", approved(payment_id, ref, 3000)),
        ("PaymentCompleted", completed(payment_id, line(account, bills_of(account)[0], 3000))),
    )
    assert (owed(kiosk, ref), balance(RECEIVABLE, bills_of(account)[0].number), waiting(kiosk)) == (3000, 0, [])


def test_what_the_journal_booked_meanwhile_is_not_booked_by_hand(kiosk: Client) -> None:
    account = new_account(3000)
    payment_id, ref = unknown(kiosk)
    memo = item(kiosk, "card-unknown")
    proposal = suspense.propose(memo, Choice("paid", account=account), proposer(), "x", clock.now())
    post(kiosk, ("CardSaleApproved", approved(payment_id, ref, 3000)))
    with pytest.raises(NotPlaceable):
        suspense.confirm(proposal, confirmer(), "", clock.now())
    assert (owed(kiosk, ref), balance(CREDIT, account.number)) == (3000, 0)


def test_a_void_found_at_the_processor_is_taken_off_the_account(kiosk: Client) -> None:
    account, payment_id, ref = new_account(700), uid(), reference()
    undo = void(payment_id, ref, 700)
    post(
        kiosk,
        ("CardSaleApproved", approved(payment_id, ref, 700)),
        ("VoidStarted", undo),
        ("VoidUnknown", undo),
        ("PaymentCompleted", completed(payment_id, line(account, bills_of(account)[0], 700))),
    )
    memo = item(kiosk, "void-unknown")
    assert possible(memo) == ("voided", "words")
    resolve(memo, Choice("voided", account=account))
    assert (owed(kiosk, ref), balance(CREDIT, account.number)) == (0, 700)
    assert post(kiosk, ("CardSaleVoided", undo)) == [("memo", "card-repeated")]
    assert owed(kiosk, ref) == 0


def test_a_card_paid_back_behind_a_receipt_is_owed_again(kiosk: Client) -> None:
    account, payment_id, ref = new_account(500), uid(), reference()
    post(
        kiosk,
        ("CardSaleApproved", approved(payment_id, ref, 500)),
        ("PaymentCompleted", completed(payment_id, line(account, bills_of(account)[0], 500))),
        ("CardSaleVoided", void(payment_id, ref, 500)),
    )
    back = item(kiosk, "void-after-receipt")
    assert possible(back) == ("owed", "offset", "short")
    resolve(back, Choice("owed", account=account))
    assert (balance(CREDIT, account.number), balance(SUSPENSE, payment_id)) == (500, 0)
    assert agree(kiosk)


@pytest.mark.parametrize("way", ["paid", "unpaid", "voided", "owed"])
def test_the_ways_of_cards_are_for_cards_alone(kiosk: Client, way: str) -> None:
    kiosk.journal.add("NoteUnexpected", {**note("", 500), "channel": 1, "reason": "x"})
    kiosk.post_all()
    found = SuspenseItem.objects.get(chain__kiosk=kiosk.kiosk_id)
    with pytest.raises(NotPlaceable):
        suspense.propose(found, Choice(way, account=new_account(1)), proposer(), "x", clock.now())


# Forks


def test_the_losing_branchs_cards_and_checks_exist(kiosk: Client) -> None:
    """Both branches minted one reference for two payments: two sales. One that both tell of is one."""
    shared, ref, before = uid(), reference(), reference()
    kiosk.journal.add("CardSaleStarted", sale(shared, before, 900))
    lost = kiosk.journal.copy()
    mine, theirs = uid(), uid()
    kiosk.journal.add("CardSaleApproved", approved(mine, ref, 500))
    kiosk.journal.add("CardSaleApproved", approved(shared, before, 900))
    kiosk.post_all()
    lost.add("CardSaleApproved", approved(theirs, ref, 700))
    lost.add("CardSaleApproved", approved(shared, before, 900))
    lost.add("CheckTaken", check(theirs, 2500))
    lost.add("NotePaidOut", paid_out(theirs, 100))
    lost.add("CardSaleUnknown", sale(uid(), "LOST1", 300, reason="x"))
    lost.add("CardSaleVoided", void(theirs, ref, 700))
    for _ in range(2):
        assert kiosk.post_journal(lost.records[1:]).status_code == 409
    fork, place = f"{kiosk.kiosk_id}/1", f"{kiosk.kiosk_id}/1"
    assert (owed(kiosk, ref), owed(kiosk, before)) == (500, 900)
    assert balance(FORK_SUSPENSE, fork) == -(700 + 2500 - 100 - 700)
    assert (balance(CHECKS, place), balance(CASH, place), balance(CLEARING, theirs)) == (2500, -100, 0)
    assert waiting(kiosk) == [
        ("journal-fork", 700, False),
        ("card-repeated", 900, True),
        ("journal-fork", 2500, False),
        ("journal-fork", -100, False),
        ("card-unknown", 300, True),
        ("journal-fork", -700, False),
    ]
    assert agree(kiosk)
    post(kiosk, ("CardSaleApproved", approved(uid(), reference(), 100)))
    states = CardAttempt.objects.filter(kiosk=kiosk.kiosk_id, reference=ref).order_by("pk")
    assert [(one.payment_id, one.state, one.fork) for one in states] == [
        (mine, "approved", False),
        (theirs, "voided", True),
    ]


def test_the_winner_may_mint_a_reference_that_the_loser_used_before(kiosk: Client) -> None:
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    lost = kiosk.journal.copy()
    post(kiosk, ("SessionOpened", {"session_id": "t"}))
    ref, payment_id = reference(), uid()
    lost.add("CardSaleApproved", approved(uid(), ref, 700))
    assert kiosk.post_journal(lost.records[1:]).status_code == 409
    assert post(kiosk, ("CardSaleApproved", approved(payment_id, ref, 500))) == [("posted", "")]
    assert balance(CLEARING, payment_id) == -500


def test_each_branch_answers_for_its_own_attempt(kiosk: Client) -> None:
    ref, mine, theirs = reference(), uid(), uid()
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    lost = kiosk.journal.copy()
    post(kiosk, ("CardSaleUnknown", sale(mine, ref, 500, reason="x")))
    lost.add("CardSaleUnknown", sale(theirs, ref, 700, reason="x"))
    lost.add("CardSaleEnded", ended(theirs, ref, "absent"))
    assert kiosk.post_journal(lost.records[1:]).status_code == 409
    assert waiting(kiosk) == [("card-unknown", 500, True)]
    assert BookedTender.objects.filter(kiosk=kiosk.kiosk_id).count() == 0


def test_a_losing_branch_moves_no_attempt_of_the_winner(kiosk: Client) -> None:
    """It once did: the winner's completion then left the sale in clearing, as if its void were under way."""
    account, payment_id, ref = new_account(700), uid(), reference()
    kiosk.journal.add("CardSaleStarted", sale(payment_id, ref, 700))
    kiosk.journal.add("CardSaleApproved", approved(payment_id, ref, 700))
    kiosk.post_all()
    lost = kiosk.journal.copy()
    post(kiosk, ("SessionOpened", {"session_id": "t"}))
    lost.add("VoidStarted", void(payment_id, ref, 700))
    assert kiosk.post_journal(lost.records[2:]).status_code == 409
    assert attempt(kiosk, ref).state == "approved"
    post(kiosk, ("PaymentCompleted", completed(payment_id, line(account, bills_of(account)[0], 700))))
    assert (balance(CLEARING, payment_id), waiting(kiosk)) == (0, [])
