"""Goal: a refund is booked once, what it gives back is owed again, and no more goes back than was taken.

Method: real HTTP; the ledger, the suspense items and the attempts are read as staff would.
"""

from typing import Any

import pytest
from django.urls import reverse

from billing import clock
from billing.customers.rules import paid_lately
from billing.journal.models import Payment
from billing.journal.ways import Choice, possible
from billing.ledger.chart import CLEARING, CREDIT, FEES, RECEIVABLE, SUSPENSE
from billing.reports import day, reconciling
from tests.billing.card_books import agree, attempt, balance, item, owed, post, resolve, waiting
from tests.billing.kiosk import Client, bills_of, completed, line, new_account, uid
from tests.billing.staff import proposer, signed_in
from tests.billing.tenders import approved, reference, refund, sale


def paid(kiosk: Client, amount: int = 5000, account: Any = None, **more: Any) -> tuple[Any, str, str]:
    """Post a payment by card of a new account's bill; return the account, the payment and the sale's reference."""
    account, payment_id, ref = account or new_account(amount), uid(), reference()
    done = completed(payment_id, line(account, bills_of(account)[0], amount), **more)
    post(
        kiosk,
        ("CardSaleStarted", sale(payment_id, ref, amount)),
        ("CardSaleApproved", approved(payment_id, ref, amount)),
        ("PaymentCompleted", done),
    )
    return account, payment_id, ref


def bill_of(account: Any) -> str:
    return str(bills_of(account)[0].number)


def test_what_is_refunded_is_owed_again(kiosk: Client) -> None:
    account, payment_id, ref = paid(kiosk)
    body = refund(payment_id, ref, 2000, line(account, bills_of(account)[0], 2000))
    outcome = post(kiosk, ("RefundStarted", body), ("CardRefunded", body))
    assert outcome == [("kept", ""), ("posted", "")]
    assert (owed(kiosk, ref), owed(kiosk, body["reference"])) == (5000, -2000)
    assert (balance(RECEIVABLE, bill_of(account)), balance(CLEARING, payment_id)) == (2000, 0)
    assert waiting(kiosk) == []
    seen = attempt(kiosk, body["reference"])
    assert (seen.state, seen.of, seen.amount_minor) == ("refunded", ref, 2000)
    assert attempt(kiosk, ref).state == "approved"


def test_a_refund_told_again_is_booked_once(kiosk: Client) -> None:
    account, payment_id, ref = paid(kiosk)
    body = refund(payment_id, ref, 5000, line(account, bills_of(account)[0], 5000))
    outcome = post(kiosk, ("RefundStarted", body), ("CardRefunded", body), ("CardRefunded", body))
    assert outcome[-1] == ("memo", "card-repeated")
    assert (owed(kiosk, body["reference"]), balance(RECEIVABLE, bill_of(account))) == (-5000, 5000)


def test_the_fee_goes_back_to_where_it_came_from(kiosk: Client) -> None:
    before, payment_id, ref = balance(FEES, "surcharge"), uid(), reference()
    done = completed(payment_id, fee_minor=90, fee_kind="surcharge", account=new_account(1).token)
    body = refund(payment_id, ref, 90, leg="fee")
    post(kiosk, ("CardSaleApproved", approved(payment_id, ref, 90, leg="fee")), ("PaymentCompleted", done))
    assert post(kiosk, ("RefundStarted", body), ("CardRefunded", body))[-1] == ("posted", "")
    assert balance(FEES, "surcharge") == before
    assert waiting(kiosk) == []


def test_a_credit_is_taken_back(kiosk: Client) -> None:
    account, payment_id, ref = new_account(1000), uid(), reference()
    done = completed(payment_id, line(account, bills_of(account)[0], 1000), line(account, "", 500))
    post(kiosk, ("CardSaleApproved", approved(payment_id, ref, 1500)), ("PaymentCompleted", done))
    body = refund(payment_id, ref, 700, line(account, "", 500), line(account, bills_of(account)[0], 200))
    assert post(kiosk, ("RefundStarted", body), ("CardRefunded", body))[-1] == ("posted", "")
    assert (balance(CREDIT, account.number), balance(RECEIVABLE, bill_of(account))) == (0, 200)


def test_paid_twice_and_refunded_once_leaves_the_bill_paid(kiosk: Client) -> None:
    """The second payment had no bill left to pay, so it lies in suspense: from there it goes back."""
    account, _, _ = paid(kiosk)
    _, payment_id, ref = paid(kiosk, account=account)
    assert waiting(kiosk) == [("invoice-overpaid", 5000, False)]
    body = refund(payment_id, ref, 5000, line(account, bills_of(account)[0], 5000))
    outcome = post(kiosk, ("RefundStarted", body), ("CardRefunded", body))
    assert outcome[-1] == ("suspense", "refund-not-placed")
    assert (balance(RECEIVABLE, bill_of(account)), balance(SUSPENSE, payment_id)) == (0, 0)
    assert agree(kiosk)
    missing = item(kiosk, "refund-not-placed")
    resolve(missing, Choice("offset", other=item(kiosk, "invoice-overpaid")))
    assert waiting(kiosk) == []
    assert agree(kiosk)


def test_never_more_than_the_sale(kiosk: Client) -> None:
    """A terminal that gave back more has given it: it is booked, and waits for staff."""
    account, payment_id, ref = paid(kiosk)
    first = refund(payment_id, ref, 4000, line(account, bills_of(account)[0], 4000))
    more = refund(payment_id, ref, 3000, line(account, bills_of(account)[0], 3000))
    outcome = post(kiosk, ("RefundStarted", first), ("CardRefunded", first), ("RefundStarted", more))
    assert post(kiosk, ("CardRefunded", more))[-1] == ("suspense", "refund-over-sale"), outcome
    assert balance(RECEIVABLE, bill_of(account)) == 5000
    assert (balance(SUSPENSE, payment_id), owed(kiosk, more["reference"])) == (2000, -3000)
    assert waiting(kiosk) == [("refund-over-sale", -2000, False)]
    resolve(item(kiosk, "refund-over-sale"), Choice("owed", account=account))
    assert (balance(SUSPENSE, payment_id), balance(CREDIT, account.number)) == (0, 2000)


@pytest.mark.parametrize("apart", [True, False])
def test_payment_and_refund_in_one_batch_or_two(kiosk: Client, apart: bool) -> None:
    account, payment_id, ref = new_account(5000), uid(), reference()
    done = completed(payment_id, line(account, bills_of(account)[0], 5000))
    bodies = [refund(payment_id, ref, 3000, line(account, bills_of(account)[0], 3000)) for _ in range(2)]
    facts = [
        ("CardSaleApproved", approved(payment_id, ref, 5000)),
        ("PaymentCompleted", done),
        *[(kind, body) for body in bodies for kind in ("RefundStarted", "CardRefunded")],
    ]
    for part in [[fact] for fact in facts] if apart else [facts]:
        post(kiosk, *part)
    assert (balance(RECEIVABLE, bill_of(account)), balance(SUSPENSE, payment_id)) == (5000, 1000)
    assert waiting(kiosk) == [("refund-over-sale", -1000, False)]


def test_without_its_sale_nothing_is_booked(kiosk: Client) -> None:
    body = refund(uid(), reference(), 500)
    assert post(kiosk, ("RefundStarted", body), ("CardRefunded", body))[-1] == ("memo", "refund-without-sale")
    assert owed(kiosk, body["reference"]) == 0


def test_lines_that_cannot_be_read_keep_the_money_in_sight(kiosk: Client) -> None:
    _, payment_id, ref = paid(kiosk)
    body = refund(payment_id, ref, 500, lines="none")
    assert post(kiosk, ("CardRefunded", body))[-1] == ("suspense", "refund-not-placed")
    assert balance(SUSPENSE, payment_id) == 500
    assert agree(kiosk)


def test_an_unknown_refund_is_a_memo_until_it_is_found(kiosk: Client) -> None:
    account, payment_id, ref = paid(kiosk)
    body = refund(payment_id, ref, 5000, line(account, bills_of(account)[0], 5000))
    post(kiosk, ("RefundStarted", body), ("RefundUnknown", body), ("RefundUnknown", body))
    assert waiting(kiosk) == [("refund-unknown", 5000, True)]
    assert attempt(kiosk, body["reference"]).state == "unknown"
    assert balance(RECEIVABLE, bill_of(account)) == 0
    post(kiosk, ("CardRefunded", {**body, "found": True}))
    assert waiting(kiosk) == []
    assert (balance(RECEIVABLE, bill_of(account)), owed(kiosk, body["reference"])) == (5000, -5000)


def test_one_that_ended_without_money_changes_nothing(kiosk: Client) -> None:
    account, payment_id, ref = paid(kiosk)
    body = refund(payment_id, ref, 5000, line(account, bills_of(account)[0], 5000))
    post(kiosk, ("RefundStarted", body), ("RefundUnknown", body), ("RefundEnded", {**body, "result": "absent"}))
    assert waiting(kiosk) == []
    assert attempt(kiosk, body["reference"]).state == "absent"
    assert (balance(RECEIVABLE, bill_of(account)), owed(kiosk, body["reference"])) == (0, 0)


def test_two_people_find_it_at_the_processor(kiosk: Client) -> None:
    account, payment_id, ref = paid(kiosk)
    body = refund(payment_id, ref, 5000, line(account, bills_of(account)[0], 5000))
    post(kiosk, ("RefundStarted", body), ("RefundUnknown", body))
    memo = item(kiosk, "refund-unknown")
    assert possible(memo) == ("refunded", "words")
    resolve(memo, Choice("refunded", account=account))
    assert (balance(CREDIT, account.number), owed(kiosk, body["reference"])) == (5000, -5000)
    assert post(kiosk, ("CardRefunded", body))[-1] == ("memo", "card-repeated")


def test_the_papers_of_the_day_show_refunds_apart(kiosk: Client) -> None:
    account, payment_id, ref = paid(kiosk)
    body = refund(payment_id, ref, 2000, line(account, bills_of(account)[0], 2000))
    post(kiosk, ("RefundStarted", body), ("CardRefunded", body))
    today = clock.city_date(clock.now())
    mine = next(one for one in day.report(today) if one.name == kiosk.kiosk_id)
    shown = {part.what: (part.count, part.amount_minor) for part in mine.tenders}
    assert shown["card sales"] == (1, 5000)
    assert shown["card sales refunded"] == (1, -2000)
    assert shown["card sales voided"] == (0, 0)
    went = {part.what: (part.count, part.amount_minor) for part in mine.went}
    assert went == {"bills": (1, 5000), "bills owed again": (1, -2000)}
    assert mine.taken_minor == mine.placed_minor == 3000
    rows = {row.reference: row for row in reconciling.reconcile(today, kiosk.kiosk_id).rows}
    assert [(rows[one].journal_minor, rows[one].ledger_minor) for one in (ref, body["reference"])] == [
        (5000, 5000),
        (-2000, -2000),
    ]
    assert not any("journal and ledger differ" in row.problems for row in rows.values())


def test_a_receipt_shows_its_refunds(kiosk: Client) -> None:
    account, payment_id, ref = paid(kiosk)
    lost, done = (refund(payment_id, ref, 2000, line(account, bills_of(account)[0], 2000)) for _ in range(2))
    post(kiosk, ("RefundStarted", lost), ("RefundEnded", {**lost, "result": "declined"}))
    post(kiosk, ("RefundStarted", done), ("CardRefunded", done))
    receipt, browser = Payment.objects.get(kiosk=kiosk.kiosk_id, payment_id=payment_id), signed_in(proposer())
    listed = browser.get(reverse("admin:journal_payment_changelist"), {"q": receipt.receipt_number}).content.decode()
    assert '<td class="field-refunded">$20.00</td>' in listed
    shown = browser.get(reverse("admin:journal_payment_change", args=[receipt.pk])).content.decode()
    assert f">{done['reference']}</a>: $20.00 USD, refunded," in shown
    assert f">{lost['reference']}</a>: $20.00 USD, declined," in shown
    sale_page = browser.get(reverse("admin:journal_cardattempt_change", args=[attempt(kiosk, ref).pk]))
    assert f"refund of {ref}: refunded" in sale_page.content.decode()


def test_a_bill_whose_payment_went_back_was_not_paid_lately(kiosk: Client) -> None:
    account, payment_id, ref = paid(kiosk)
    bill = bill_of(account)
    assert [one.amount_minor for one in paid_lately([bill], clock.now())] == [5000]
    body = refund(payment_id, ref, 2000, line(account, bills_of(account)[0], 2000))
    post(kiosk, ("RefundStarted", body), ("CardRefunded", body))
    assert [one.amount_minor for one in paid_lately([bill], clock.now())] == [3000]
    rest = refund(payment_id, ref, 3000, line(account, bills_of(account)[0], 3000))
    post(kiosk, ("RefundStarted", rest), ("CardRefunded", rest))
    assert paid_lately([bill], clock.now()) == []


def test_a_refund_hides_no_other_payment_of_the_bill(kiosk: Client) -> None:
    account = new_account(9000)
    _, first, ref = paid(kiosk, 2000, account)
    paid(kiosk, 5000, account)
    body = refund(first, ref, 2000, line(account, bills_of(account)[0], 2000))
    post(kiosk, ("RefundStarted", body), ("CardRefunded", body))
    assert [one.amount_minor for one in paid_lately([bill_of(account)], clock.now())] == [5000]


@pytest.mark.parametrize("lost_first", [True, False])
def test_what_a_losing_branch_refunded_waits_by_itself(kiosk: Client, lost_first: bool) -> None:
    """Whichever branch is heard first, the winner's refund is of the winner's sale."""
    account, payment_id, ref = paid(kiosk)
    branch = kiosk.journal.copy()
    bodies = [refund(payment_id, ref, 5000, line(account, bills_of(account)[0], 5000)) for _ in range(2)]
    post(kiosk, ("SessionOpened", {}))
    lost = [branch.add("CardRefunded", bodies[0])]
    if lost_first:
        kiosk.post_journal(lost)
    post(kiosk, ("CardRefunded", bodies[1]))
    kiosk.post_journal(lost)
    assert waiting(kiosk) == [("journal-fork", -5000, False)]
    assert balance(RECEIVABLE, bill_of(account)) == 5000
    assert [owed(kiosk, body["reference"]) for body in bodies] == [-5000, -5000]
    assert agree(kiosk)
