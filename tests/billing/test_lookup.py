"""Finding an account, what a kiosk may see of it, quotes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.iso7064 import mod_97_10

from billing import clock
from billing.customers import billcode
from billing.customers.billcode import BillCode
from billing.customers.models import Account, Invoice
from billing.customers.statement import mask_address, mask_name
from billing.kiosks.models import Kiosk
from billing.ledger import posting
from billing.ledger.chart import COUNTER, CREDIT
from billing.ledger.posting import Draft, Line
from tests.billing.kiosk import Client, bills_of, new_account, uid


def resolve(kiosk: Client, number: str, check: str) -> tuple[int, dict[str, object]]:
    response = kiosk.get("/v1/accounts:resolve", params={"number": number, "check": check})
    return response.status_code, response.json()


def code_of(account: Account) -> str:
    bill = bills_of(account)[0]
    return billcode.encode(BillCode(account.number, bill.number, 5318, bill.due_date))


def give_credit(account: Account, amount_minor: int) -> None:
    lines = (Line(COUNTER, "today", amount_minor), Line(CREDIT, account.number, -amount_minor))
    posting.post([Draft(uid(), "deposit", "USD", clock.city_date(clock.now()), lines)], clock.now())


def test_a_scan_finds_the_account_masked(kiosk: Client) -> None:
    account = new_account(2000, 3318)
    answer = kiosk.get("/v1/accounts:resolve", params={"scan": code_of(account)})
    assert answer.status_code == 200
    seen = answer.json()
    assert (seen["account"], seen["last4"]) == (account.token, account.number[-4:])
    assert (seen["name"], seen["address"]) == ("J. R.", "1.. Maple Street")
    assert (seen["balance_minor"], seen["past_due_minor"]) == (5318, 2000)
    assert [bill["balance_minor"] for bill in seen["invoices"]] == [2000, 3318]
    assert seen["invoices"][0]["lines"] == [{"code": "water", "label": "Water", "amount_minor": 2000}]
    for secret in ("Jolene", "Reyes", "142 ", account.number):
        assert secret not in answer.text
    again = kiosk.get(f"/v1/accounts/{account.token}/invoices").json()
    assert again == {"invoices": seen["invoices"]}


def test_number_and_house_number_find_it_too(kiosk: Client) -> None:
    account = new_account(2500, house="12B")
    spaced = f"{account.number[:4]} {account.number[4:]}"
    assert resolve(kiosk, spaced, "12 b")[1]["balance_minor"] == 2500


def test_wrong_and_unknown_read_the_same(kiosk: Client) -> None:
    account = new_account(2500)
    wrong, unknown = resolve(kiosk, account.number, "143"), resolve(kiosk, "00000000", "142")
    assert wrong == unknown
    assert (wrong[0], wrong[1]["type"]) == (404, "/problems/account-not-found")


def test_misses_cost_a_growing_time(kiosk: Client) -> None:
    account = new_account(2500)
    start = datetime.now(UTC)
    waits = []
    with time_machine.travel(start, tick=False) as traveller:
        for _ in range(3):
            assert [resolve(kiosk, account.number, "9")[0] for _ in range(5)] == [404] * 5
            status, problem = resolve(kiosk, account.number, "142")
            assert (status, problem["type"]) == (429, "/problems/slow-down")
            waits.append(int(str(problem["retry_after_s"])))
            traveller.shift(timedelta(seconds=waits[-1]))
        assert resolve(kiosk, account.number, "142")[0] == 200
    assert waits == [61, 121, 241]


def test_misses_on_one_account_count_across_kiosks(server: str, kiosk: Client) -> None:
    from tests.billing.kiosk import enrolled

    account, other = new_account(2500), enrolled(server)
    for client in (kiosk, other, kiosk, other, kiosk):
        assert resolve(client, account.number, "9")[0] == 404
    assert resolve(other, account.number, "142")[0] == 429
    assert resolve(other, new_account(100).number, "142")[0] == 200  # the kiosk itself has misses left


def test_credit_counts_against_the_oldest_bill(kiosk: Client) -> None:
    account = new_account(2000, 3000)
    give_credit(account, 2500)
    _, seen = resolve(kiosk, account.number, "142")
    assert (seen["balance_minor"], seen["past_due_minor"]) == (2500, 0)
    assert [bill["balance_minor"] for bill in seen["invoices"]] == [2500]  # type: ignore[attr-defined]
    give_credit(account, 3000)
    assert resolve(kiosk, account.number, "142")[1]["balance_minor"] == -500


def test_a_bill_is_past_due_from_the_day_after(kiosk: Client) -> None:
    account = new_account(2000)
    today = clock.city_date(clock.now())
    for days, past_due in ((0, 0), (1, 2000)):
        Invoice.objects.filter(account=account).update(due_date=today - timedelta(days=days))
        assert resolve(kiosk, account.number, "142")[1]["past_due_minor"] == past_due


def test_a_quote_settles_the_oldest_first_and_leaves_credit(kiosk: Client) -> None:
    account = new_account(2000, 3000)
    answer = kiosk.post("/v1/quotes", {"account": account.token, "amount_minor": 6000})
    first, second = bills_of(account)
    assert answer.status_code == 201
    assert [(line["invoice"], line["amount_minor"]) for line in answer.json()["lines"]] == [
        (first.number, 2000),
        (second.number, 3000),
        ("", 1000),
    ]
    assert (answer.json()["fee_minor"], answer.json()["total_minor"]) == (0, 6000)


@pytest.mark.parametrize(
    ("status", "amount", "pointer"), [("closed", 500, "/account"), ("open", 99, "/amount_minor"), ("open", -1, None)]
)
def test_a_quote_that_cannot_be_given_names_the_field(
    kiosk: Client, status: str, amount: int, pointer: str | None
) -> None:
    account = new_account(2000, status=status)
    answer = kiosk.post("/v1/quotes", {"account": account.token, "amount_minor": amount})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/validation")
    assert answer.json()["errors"][0]["pointer"].endswith(pointer or "amount_minor")


def test_a_suspended_kiosk_may_not_look_up(kiosk: Client) -> None:
    Kiosk.objects.filter(pk=kiosk.kiosk_id).update(suspended=True)
    status, problem = resolve(kiosk, "10293843", "8")
    assert (status, problem["type"]) == (403, "/problems/kiosk-suspended")
    assert kiosk.get(f"/v1/kiosks/{kiosk.kiosk_id}/head").status_code == 200


@pytest.mark.parametrize("query", [{}, {"number": "1"}, {"check": "1"}])
def test_a_look_up_needs_a_scan_or_both_factors(kiosk: Client, query: dict[str, str]) -> None:
    assert kiosk.get("/v1/accounts:resolve", params=query).status_code == 422


def test_names_and_addresses_are_masked() -> None:
    assert mask_name("Riverbend Hardware LLC") == "R. H. L."
    assert mask_name("Schaefer Roofing & Sons") == "S. R. S."
    assert mask_address("8", "Ferry Lane") == "8 Ferry Lane"
    assert mask_address("1731", "Oak Street") == "1... Oak Street"


CODE = BillCode("44170934", "0000101", 2000, datetime(2026, 10, 22, tzinfo=UTC).date())


def test_the_bill_code_stands_as_agreed() -> None:
    assert billcode.encode(CODE) == "7114417093400001010000200026102267"
    assert billcode.decode("7114417093400001010000200026102267") == CODE


@pytest.mark.parametrize(
    "change",
    [{"account": "44170937"}, {"account": "4417093"}, {"bill": "101"}, {"amount_minor": 10**8}, {"amount_minor": -1}],
)
def test_a_code_that_does_not_fit_is_not_made(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"digits|fit"):
        billcode.encode(replace(CODE, **change))


def test_a_day_that_does_not_exist_is_no_due_date() -> None:
    payload = "711441709340000101" + "00002000" + "261331"
    assert billcode.decode(payload + mod_97_10.calc_check_digits(payload)) is None


@settings(max_examples=200)
@given(st.integers(0, 33), st.integers(1, 9))
def test_a_wrong_digit_is_always_seen(place: int, change: int) -> None:
    text = billcode.encode(CODE)
    digit = str((int(text[place]) + change) % 10)
    assert billcode.decode(text[:place] + digit + text[place + 1 :]) is None


@given(st.text(max_size=60))
def test_no_text_upsets_the_decoder(text: str) -> None:
    assert billcode.decode(text) is None
