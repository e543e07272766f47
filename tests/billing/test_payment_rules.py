"""What a look-up and a quote say of the order of bills, limits by tender, checks, and sums that were just paid."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from billing import clock
from billing.customers.models import Account, ApplicationRule, Invoice, TenderLimit
from tests.billing.card_books import post
from tests.billing.kiosk import Client, bills_of, completed, line, new_account, note, uid
from tests.billing.tenders import approved, check, reference, refund

TODAY = clock.city_date(clock.now())


def seen(kiosk: Client, account: Account) -> dict[str, Any]:
    answer = kiosk.get("/v1/accounts:resolve", params={"number": account.number, "check": account.house_number})
    assert answer.status_code == 200
    return answer.json()  # type: ignore[no-any-return]


def limit(kiosk: Client, account: Account, tender: str) -> tuple[int | None, int | None, int | None]:
    (found,) = [one for one in seen(kiosk, account)["limits"] if one["tender"] == tender]
    return found["payment_minor"], found["day_minor"], found["left_today_minor"]


def quoted(kiosk: Client, account: Account, amount_minor: int, **more: Any) -> Any:
    answer = kiosk.post("/v1/quotes", {"account": account.token, "amount_minor": amount_minor, **more})
    return answer.json() if answer.status_code == 201 else answer.json()["errors"]


@pytest.fixture(autouse=True)
def plain() -> Any:
    """Each test lays down its own rules; other modules left theirs in the same database."""
    for rules in (ApplicationRule, TenderLimit):
        rules.objects.all().delete()
    yield
    for rules in (ApplicationRule, TenderLimit):
        rules.objects.all().delete()


def three_bills() -> tuple[Account, list[str]]:
    """The oldest is a licence, the newest has a shut-off notice."""
    account = new_account(1000, 1000, 1000)
    licence, water, notice = bills_of(account)
    Invoice.objects.filter(pk=licence.pk).update(kind="licence")
    Invoice.objects.filter(pk=notice.pk).update(shut_off=True)
    return account, [licence.number, water.number, notice.number]


@pytest.mark.parametrize(
    ("order", "wanted"), [("", [0, 1, 2]), ("oldest", [0, 1, 2]), ("shut_off", [2, 0, 1]), ("utility", [1, 2, 0])]
)
def test_part_payments_are_applied_in_the_citys_order(kiosk: Client, order: str, wanted: list[int]) -> None:
    account, numbers = three_bills()
    if order:
        ApplicationRule.objects.create(valid_from=TODAY, name=f"rule-{order}", order=order)
    said = seen(kiosk, account)["apply"]
    assert said["order"] == [numbers[at] for at in wanted]
    assert said["kind"] == (order or "oldest")
    assert said["rule"] == (f"rule-{order}" if order else "oldest-first")
    quote = quoted(kiosk, account, 1500)
    assert [(part["invoice"], part["amount_minor"]) for part in quote["lines"]] == [
        (numbers[wanted[0]], 1000),
        (numbers[wanted[1]], 500),
    ]
    assert quote["rule"] == said["rule"]


def test_a_rule_holds_from_its_day_on(kiosk: Client) -> None:
    account, _ = three_bills()
    for days, name in ((-40, "old"), (-2, "now"), (1, "coming")):
        ApplicationRule.objects.create(valid_from=TODAY + timedelta(days=days), name=name, order="oldest")
    assert seen(kiosk, account)["apply"]["rule"] == "now"


def test_limits_are_of_the_account_and_the_day_at_all_tenders(kiosk: Client) -> None:
    account, payment_id, ref = new_account(50_000), uid(), reference()
    bill = bills_of(account)[0]
    assert limit(kiosk, account, "card") == (None, None, None)
    assert limit(kiosk, account, "cash") == (None, 1_000_000, 1_000_000), "what has to be reported goes to staff"
    TenderLimit.objects.create(tender="card", valid_from=TODAY, payment_minor=5000, day_minor=8000)
    TenderLimit.objects.create(tender="card", valid_from=TODAY + timedelta(days=1), payment_minor=1)
    TenderLimit.objects.create(tender="cash", valid_from=TODAY, day_minor=9_999_999)
    slip = check(payment_id, 700)
    done = completed(
        payment_id,
        line(account, bill, 5700),
        cards=[{"reference": ref, "leg": "bill", "amount_minor": 3000, "brand": "", "last4": ""}],
        checks=[{"check_id": slip["check_id"], "number": "1", "amount_minor": 700}],
    )
    post(
        kiosk,
        ("NoteStacked", note(payment_id, 2000)),
        ("CardSaleApproved", approved(payment_id, ref, 3000)),
        ("CheckTaken", slip),
        ("PaymentCompleted", done),
    )
    assert limit(kiosk, account, "card") == (5000, 8000, 5000)
    back = refund(payment_id, ref, 1000, line(account, bill, 1000))
    post(kiosk, ("RefundStarted", back), ("CardRefunded", back))
    assert limit(kiosk, account, "card") == (5000, 8000, 6000), "what the card got back is not given"
    TenderLimit.objects.filter(tender="card", payment_minor=5000).update(day_minor=7000)
    assert limit(kiosk, account, "cash") == (None, 1_000_000, 998_000)
    assert limit(kiosk, account, "check") == (None, None, None)
    assert quoted(kiosk, account, 5001, tender="card") == [{"pointer": "/amount_minor", "code": "over-payment-limit"}]
    assert "quote_id" in quoted(kiosk, account, 5000, tender="card")
    TenderLimit.objects.filter(tender="card").update(day_minor=5000)
    assert quoted(kiosk, account, 3001, tender="card") == [{"pointer": "/amount_minor", "code": "over-day-limit"}]
    with time_machine.travel(clock.now() + timedelta(days=1)):
        assert limit(kiosk, account, "cash")[2] == 1_000_000


def test_the_day_of_an_account_holds_what_it_was_paid_beside_another(kiosk: Client) -> None:
    """A cart is filed under the account that was scanned first: a small one in front hides no cash."""
    small, large, ahead, payment_id = new_account(100), new_account(800_000), new_account(), uid()
    lines = (line(small, bills_of(small)[0], 100), line(large, bills_of(large)[0], 800_000), line(ahead, "", 50))
    notes = [("NoteStacked", note(payment_id, value)) for value in (800_000, 100, 50)]
    post(kiosk, *notes, ("PaymentCompleted", completed(payment_id, *lines)))
    for account in (small, large, ahead):
        assert limit(kiosk, account, "cash")[2] == 1_000_000 - 800_150, "whole sums, each once: the stricter"
    assert limit(kiosk, new_account(100), "cash")[2] == 1_000_000
    with time_machine.travel(clock.now() + timedelta(days=1)):
        assert limit(kiosk, large, "cash")[2] == 1_000_000


def test_a_payment_beyond_a_limit_is_booked(kiosk: Client) -> None:
    account, payment_id = new_account(5000), uid()
    TenderLimit.objects.create(tender="cash", valid_from=TODAY, payment_minor=100, day_minor=100)
    done = completed(payment_id, line(account, bills_of(account)[0], 5000))
    assert post(kiosk, ("NoteStacked", note(payment_id, 5000)), ("PaymentCompleted", done))[-1] == ("posted", "")
    assert limit(kiosk, account, "cash") == (100, 100, 0)


def test_a_flagged_account_gives_no_check(kiosk: Client) -> None:
    account = new_account(5000)
    assert seen(kiosk, account)["checks"] == "taken"
    Account.objects.filter(pk=account.pk).update(checks_refused=True)
    assert seen(kiosk, account)["checks"] == "refused"
    assert quoted(kiosk, account, 500, tender="check") == [{"pointer": "/tender", "code": "refused"}]
    assert "quote_id" in quoted(kiosk, account, 500)


def test_the_same_sum_on_the_same_bill_is_told_for_ten_minutes(kiosk: Client) -> None:
    account, payment_id = new_account(5000, 700), uid()
    first, second = bills_of(account)
    done = completed(payment_id, line(account, first, 2000))
    post(kiosk, ("NoteStacked", note(payment_id, 2000)), ("PaymentCompleted", done))
    lately = {
        bill["id"]: [paid["amount_minor"] for paid in bill["paid_lately"]] for bill in seen(kiosk, account)["invoices"]
    }
    assert lately == {first.number: [2000], second.number: []}
    assert quoted(kiosk, account, 2000)["repeats"] == [first.number]
    assert quoted(kiosk, account, 1999)["repeats"] == []
    with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
        assert seen(kiosk, account)["invoices"][0]["paid_lately"] == []
        assert quoted(kiosk, account, 2000)["repeats"] == []
