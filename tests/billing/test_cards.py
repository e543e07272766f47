"""Goal: cards, checks and change are booked once each, clearing is empty afterwards, and what is unknown is a memo.

Method: real HTTP; the ledger, the suspense items and the attempts are read as staff would.
"""

from typing import Any

import pytest

from billing.journal.models import Payment
from billing.ledger import balances
from billing.ledger.chart import CASH, CHECKS, CLEARING, FEES, RECEIVABLE, SUSPENSE
from tests.billing.card_books import agree, attempt, balance, owed, post, waiting
from tests.billing.kiosk import Client, bills_of, completed, line, new_account, note, uid
from tests.billing.tenders import approved, check, ended, paid_out, reference, sale, void

# Booking


def test_a_card_pays_a_bill_and_its_fee(kiosk: Client) -> None:
    account, payment_id, bill, fee = new_account(5000), uid(), reference(), reference()
    lines = (line(account, bills_of(account)[0], 5000),)
    cards = [
        {"reference": bill, "leg": "bill", "amount_minor": 5000, "brand": "Visa", "last4": "4242"},
        {"reference": fee, "leg": "fee", "amount_minor": 140, "brand": "Visa", "last4": "4242"},
    ]
    done = completed(payment_id, *lines, cards=cards, fee_minor=140, fee_kind="service", fee_rule="2026")
    outcome = post(
        kiosk,
        ("CardSaleStarted", sale(payment_id, bill, 5000)),
        ("CardSaleApproved", approved(payment_id, bill, 5000)),
        ("CardSaleStarted", sale(payment_id, fee, 140, leg="fee")),
        ("CardSaleApproved", approved(payment_id, fee, 140, leg="fee")),
        ("PaymentCompleted", done),
    )
    assert [disposition for disposition, _ in outcome] == ["kept", "posted", "kept", "posted", "posted"]
    assert (owed(kiosk, bill), owed(kiosk, fee), balance(CLEARING, payment_id)) == (5000, 140, 0)
    assert balance(RECEIVABLE, bills_of(account)[0].number) == 0
    assert waiting(kiosk) == []
    entry = Payment.objects.get(payment_id=payment_id)
    assert (entry.total_minor, entry.cash_minor, entry.card_minor, entry.fee_minor) == (5000, 0, 5000, 140)
    seen = attempt(kiosk, bill)
    assert (seen.state, seen.brand, seen.last4, seen.approval, seen.batch) == (
        "approved", "Visa", "4242", "04A7B1", "12"
    )  # fmt: skip


def test_the_fee_is_booked_by_its_kind(kiosk: Client) -> None:
    before = balance(FEES, "surcharge")
    payment_id, ref = uid(), reference()
    done = completed(payment_id, fee_minor=90, fee_kind="surcharge", account=new_account(1).token)
    post(kiosk, ("CardSaleApproved", approved(payment_id, ref, 90, leg="fee")), ("PaymentCompleted", done))
    assert balance(FEES, "surcharge") - before == -90
    assert balance(CLEARING, payment_id) == 0


def test_cash_a_card_a_check_and_change_settle_bills_of_two_accounts(kiosk: Client) -> None:
    mine, hers, payment_id, ref = new_account(6000), new_account(3000), uid(), reference()
    slip = check(payment_id, 2500)
    lines = (line(mine, bills_of(mine)[0], 6000), line(hers, bills_of(hers)[0], 3000))
    done = completed(
        payment_id,
        *lines,
        cards=[{"reference": ref, "leg": "bill", "amount_minor": 3000, "brand": "", "last4": ""}],
        checks=[{"check_id": slip["check_id"], "number": "1042", "amount_minor": 2500}],
        change_minor=1500,
    )
    post(
        kiosk,
        ("NoteStacked", note(payment_id, 5000)),
        ("CardSaleApproved", approved(payment_id, ref, 3000, asked_minor=9000)),
        ("CheckTaken", slip),
        ("NotePaidOut", paid_out(payment_id, 1000)),
        ("NotePaidOut", paid_out(payment_id, 500)),
        ("PaymentCompleted", done),
    )
    place = f"{kiosk.kiosk_id}/1"
    assert (balance(CASH, place), balance(CHECKS, place), owed(kiosk, ref)) == (3500, 2500, 3000)
    assert balance(CLEARING, payment_id) == 0
    assert [balance(RECEIVABLE, bills_of(one)[0].number) for one in (mine, hers)] == [0, 0]
    entry = Payment.objects.get(payment_id=payment_id)
    sums = (entry.cash_minor, entry.card_minor, entry.check_minor, entry.change_minor)
    assert sums == (3500, 3000, 2500, 1500), "cash is what stayed in the box"
    assert waiting(kiosk) == []


def test_a_voided_sale_leaves_nothing(kiosk: Client) -> None:
    payment_id, ref = uid(), reference()
    undo = void(payment_id, ref, 700)
    post(
        kiosk,
        ("CardSaleApproved", approved(payment_id, ref, 700, asked_minor=900)),
        ("VoidStarted", undo),
        ("CardSaleVoided", undo),
    )
    assert (owed(kiosk, ref), balance(CLEARING, payment_id), waiting(kiosk)) == (0, 0, [])
    assert attempt(kiosk, ref).state == "voided"


def test_a_sale_found_late_is_emptied_by_the_second_completion(kiosk: Client) -> None:
    account, payment_id, ref = new_account(5000), uid(), reference()
    bill = bills_of(account)[0]
    post(
        kiosk,
        ("NoteStacked", note(payment_id, 2000)),
        ("CardSaleUnknown", sale(payment_id, ref, 3000, reason="timeout")),
        ("PaymentCompleted", completed(payment_id, line(account, bill, 2000))),
    )
    assert waiting(kiosk) == [("card-unknown", 3000, True)]
    post(kiosk, ("CardSaleApproved", approved(payment_id, ref, 3000, found=True)))
    assert (balance(CLEARING, payment_id), waiting(kiosk)) == (-3000, [])
    again = completed(payment_id, line(account, bill, 3000), receipt_number=f"S-{payment_id[:12]}")
    assert post(kiosk, ("PaymentCompleted", again)) == [("posted", "")]
    assert (balance(CLEARING, payment_id), balance(RECEIVABLE, bill.number)) == (0, 0)


def test_a_sale_under_a_void_is_in_no_payment(kiosk: Client) -> None:
    """Also when each record comes by itself, and whatever the void comes to."""
    for went_back in (True, False):
        account, payment_id, ref = new_account(2000), uid(), reference()
        undo, bill = void(payment_id, ref, 700), bills_of(account)[0]
        for fact in (
            ("NoteStacked", note(payment_id, 1000)),
            ("CardSaleApproved", approved(payment_id, ref, 700)),
            ("VoidStarted", undo),
            ("PaymentCompleted", completed(payment_id, line(account, bill, 1000))),
            ("VoidUnknown", undo),
        ):
            post(kiosk, fact)
        assert balance(CLEARING, payment_id) == -700
        if went_back:
            post(kiosk, ("CardSaleVoided", undo))
        else:
            again = completed(payment_id, line(account, bill, 700), receipt_number=f"S-{payment_id[:12]}")
            post(kiosk, ("VoidEnded", undo), ("PaymentCompleted", again))
        assert balance(CLEARING, payment_id) == 0
        assert waiting(kiosk) == []


# Repeats and contradictions


@pytest.mark.parametrize(
    ("kind", "make", "reason"),
    [
        ("CardSaleApproved", lambda payment_id: approved(payment_id, "REPEATED1", 500), "card-repeated"),
        ("CheckTaken", lambda payment_id: check(payment_id, 500, check_id="c-1"), "check-repeated"),
        ("NotePaidOut", lambda payment_id: paid_out(payment_id, 500, note_id="n-1"), "payout-repeated"),
    ],
)
def test_a_further_record_of_one_tender_books_nothing(kiosk: Client, kind: str, make: Any, reason: str) -> None:
    payment_id = uid()
    post(kiosk, ("NoteStacked", note(payment_id, 1000)), (kind, make(payment_id)))
    before = balances.trial_balance()
    assert post(kiosk, (kind, make(payment_id))) == [("memo", reason)]
    assert balances.trial_balance() == before
    assert waiting(kiosk) == [(reason, 500, True)]


def test_a_void_is_booked_once(kiosk: Client) -> None:
    payment_id, ref = uid(), reference()
    post(kiosk, ("CardSaleApproved", approved(payment_id, ref, 500)), ("CardSaleVoided", void(payment_id, ref, 500)))
    assert post(kiosk, ("CardSaleVoided", void(payment_id, ref, 500))) == [("memo", "card-repeated")]
    assert owed(kiosk, ref) == 0


def test_a_void_of_nothing_is_a_memo(kiosk: Client) -> None:
    assert post(kiosk, ("CardSaleVoided", void(uid(), reference(), 500))) == [("memo", "void-without-sale")]


def test_a_void_of_another_sum_is_booked_and_told(kiosk: Client) -> None:
    payment_id, ref = uid(), reference()
    post(kiosk, ("CardSaleApproved", approved(payment_id, ref, 500)))
    assert post(kiosk, ("CardSaleVoided", void(payment_id, ref, 400))) == [("suspense", "void-differs")]
    assert (owed(kiosk, ref), balance(CLEARING, payment_id)) == (100, -100)


def test_a_reference_of_two_payments_is_held_for_staff(kiosk: Client) -> None:
    ref, first, second = reference(), uid(), uid()
    post(kiosk, ("CardSaleApproved", approved(first, ref, 500)))
    assert post(kiosk, ("CardSaleApproved", approved(second, ref, 500))) == [("suspense", "card-reference-reused")]
    assert (owed(kiosk, ref), balance(CLEARING, second), balance(SUSPENSE, second)) == (1000, 0, -500)
    assert agree(kiosk)


def test_an_approved_sale_that_ended_is_told(kiosk: Client) -> None:
    payment_id, ref = uid(), reference()
    post(kiosk, ("CardSaleApproved", approved(payment_id, ref, 500)))
    assert post(kiosk, ("CardSaleEnded", ended(payment_id, ref))) == [("memo", "card-ended-after-approval")]
    assert post(kiosk, ("CardSaleUnknown", sale(payment_id, ref, 500, reason="x"))) == [("kept", "")]
    assert (owed(kiosk, ref), attempt(kiosk, ref).state) == (500, "approved")


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("CardSaleApproved", None, "unreadable:reference"),
        ("CardSaleApproved", {"reference": "lower"}, "unreadable:reference"),
        ("CardSaleApproved", {"reference": "A1", "amount_minor": 0}, "unreadable:amount_minor"),
        ("CardSaleApproved", {"reference": "A1", "amount_minor": 5.5}, "unreadable:amount_minor"),
        ("CardSaleApproved", {"reference": "A1", "amount_minor": 5}, "unreadable:currency"),
        ("CardSaleVoided", {"of": 5}, "unreadable:of"),
        ("CardSaleUnknown", {"reference": "A1"}, "unreadable:amount_minor"),
        ("CheckTaken", {"check_id": "c"}, "unreadable:amount_minor"),
        ("NotePaidOut", {"note_id": "n", "value_minor": -5}, "unreadable:value_minor"),
    ],
)
def test_what_cannot_be_read_is_told_and_never_guessed(kiosk: Client, kind: str, body: Any, reason: str) -> None:
    before = balances.trial_balance()
    assert post(kiosk, (kind, body)) == [("memo", reason)]
    assert balances.trial_balance() == before


@pytest.mark.parametrize("change", [{"payment_id": None}, {"slip": "none"}, {"leg": 7}, {"slip": {"last4": "4" * 16}}])
def test_a_sale_is_money_whatever_else_its_record_says(kiosk: Client, change: dict[str, Any]) -> None:
    ref = reference()
    ((disposition, _),) = post(kiosk, ("CardSaleApproved", {**approved(uid(), ref, 500), **change}))
    assert disposition == ("suspense" if "payment_id" in change else "posted")
    assert owed(kiosk, ref) == 500
    assert "4" * 16 not in str(attempt(kiosk, ref).__dict__), "no number of a card is ever kept"


@pytest.mark.parametrize("fee", [-1, "1", None, 10**13])
def test_a_fee_that_cannot_be_read_holds_the_payment_for_staff(kiosk: Client, fee: Any) -> None:
    account, payment_id = new_account(500), uid()
    post(kiosk, ("CardSaleApproved", approved(payment_id, reference(), 500)))
    done = completed(payment_id, line(account, bills_of(account)[0], 500), fee_minor=fee)
    assert post(kiosk, ("PaymentCompleted", done)) == [("suspense", "unreadable:fee_minor")]
    assert (balance(CLEARING, payment_id), balance(SUSPENSE, payment_id)) == (0, -500)


def test_a_fee_that_nobody_paid_is_missing(kiosk: Client) -> None:
    account, payment_id = new_account(500), uid()
    post(kiosk, ("CardSaleApproved", approved(payment_id, reference(), 500)))
    done = completed(payment_id, line(account, bills_of(account)[0], 500), fee_minor=20, fee_kind="service")
    assert post(kiosk, ("PaymentCompleted", done)) == [("suspense", "lines-differ-from-cash")]
    assert waiting(kiosk) == [("lines-differ-from-cash", -20, False)]
    assert agree(kiosk)


def test_what_went_out_beyond_what_is_held_waits_for_staff(kiosk: Client) -> None:
    account, payment_id, ref = new_account(500), uid(), reference()
    post(
        kiosk,
        ("CardSaleApproved", approved(payment_id, ref, 500)),
        ("PaymentCompleted", completed(payment_id, line(account, bills_of(account)[0], 500))),
    )
    assert post(kiosk, ("CardSaleVoided", void(payment_id, ref, 500))) == [("suspense", "void-after-receipt")]
    assert post(kiosk, ("NotePaidOut", paid_out(payment_id, 100))) == [("suspense", "payout-not-covered")]
    assert (owed(kiosk, ref), balance(CLEARING, payment_id), balance(CASH, f"{kiosk.kiosk_id}/1")) == (0, 0, -100)
    assert waiting(kiosk) == [("void-after-receipt", -500, False), ("payout-not-covered", -100, False)]
    assert agree(kiosk)


def test_a_payout_of_which_nobody_knows_is_told(kiosk: Client) -> None:
    known = {"payout_id": "p-1", "payment_id": uid(), "result": "done", "detail": ""}
    assert post(kiosk, ("PayoutEnded", known)) == [("kept", "")]
    assert post(kiosk, ("PayoutEnded", known | {"result": "unknown"})) == [("memo", "payout-unknown")]
