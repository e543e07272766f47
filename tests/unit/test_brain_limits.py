"""What the city lets a tender give, the sum that has to be reported, and the order in which bills are paid."""

import json
from dataclasses import replace

import pytest

from kiosk.brain import events
from kiosk.domain import facts as f
from kiosk.domain.invoice import Account, Invoice, InvoiceReference, TenderLimit
from kiosk.posting.answers import AccountAnswer
from tests.unit.brain_world import account
from tests.unit.card_world import CardWorld, SellByCard


@pytest.fixture
def world() -> CardWorld:
    return CardWorld().boot()


def at_tender(world: CardWorld, found: Account) -> CardWorld:
    world.scan(found)
    world.touch("pay_full")
    return world


@pytest.mark.parametrize(("owed", "why"), [(999_999, ""), (1_000_000, "cash_report")])
def test_cash_that_has_to_be_reported_goes_to_staff(world: CardWorld, owed: int, why: str) -> None:
    at_tender(world, account(owed))
    assert world.picture.cash_limit == why
    world.touch("pay_cash")
    assert (world.stage == "cash") == (not why)


def test_the_citys_own_threshold_counts_where_it_is_lower(world: CardWorld) -> None:
    at_tender(world, replace(account(50_000), cash_report_minor=50_000))
    assert world.picture.cash_limit == "cash_report"


def test_no_note_brings_the_cash_to_the_threshold(world: CardWorld) -> None:
    """Credit that was agreed to does not lead over it either."""
    at_tender(world, replace(account(9_000), cash_report_minor=10_000))
    world.touch("pay_cash")
    world.touch("allow_credit")
    for _ in range(30):
        world.insert(1000)
    world.tell(events.AcceptorIdle)
    stacked = sum(note.value_minor for note in world.of(f.NoteStacked))
    assert stacked == 9_000


@pytest.mark.parametrize(
    ("limit", "card", "cash"),
    [
        (TenderLimit("card", payment_minor=5317), "card_too_high", ""),
        (TenderLimit("card", left_today_minor=5317), "card_too_high", ""),
        (TenderLimit("card", payment_minor=5318, left_today_minor=9_999), "", ""),
        (TenderLimit("cash", payment_minor=5317), "", "cash_too_high"),
        (TenderLimit("cash", 5318, 0), "", "cash_too_high"),
        (TenderLimit("check", 0, 0), "", ""),
    ],
)
def test_the_citys_limits_hold_before_money_goes_in(world: CardWorld, limit: TenderLimit, card: str, cash: str) -> None:
    at_tender(world, replace(account(5318), limits=(limit,)))
    assert (world.picture.card_reason, world.picture.cash_limit) == (card, cash)
    world.touch("pay_card")
    assert bool(world.ordered(SellByCard)) == (not card)


def test_what_cash_gave_counts_toward_its_limit(world: CardWorld) -> None:
    at_tender(world, replace(account(5318), limits=(TenderLimit("cash", 5318),)))
    world.touch("pay_cash")
    world.insert(2000)
    world.insert(2000)
    assert max(world.picture.payment.allowed_minor) == 1000 if world.picture.payment else False


def test_a_part_payment_follows_the_order_of_the_city(world: CardWorld) -> None:
    bills = tuple(Invoice(f"INV{at}", "utility", "Water", "2026-12-01", 3000) for at in (1, 2, 3))
    found = replace(account(9000), invoices=bills, order=("INV3", "INV1", "INV2"), applied="shut_off")
    at_tender(world, found)
    world.touch("pay_cash")
    world.insert(5000)
    world.touch("stop")
    world.touch("confirm")
    world.tell(events.AcceptorIdle)
    (done,) = world.of(f.PaymentCompleted)
    assert [(line.invoice, line.amount_minor) for line in done.lines] == [("INV3", 3000), ("INV1", 2000)]


def test_bills_that_the_order_does_not_name_come_last_and_oldest_first(world: CardWorld) -> None:
    bills = tuple(Invoice(f"INV{at}", "utility", "Water", "2026-12-01", 3000) for at in (1, 2, 3))
    at_tender(world, replace(account(9000), invoices=bills, order=("INV3", "GONE")))
    world.touch("pay_cash")
    (chosen,) = world.of(f.InvoiceChosen)
    assert [line.invoice for line in chosen.invoices] == ["INV3", "INV1", "INV2"]


def test_the_answer_of_the_city_is_read() -> None:
    answer = {
        "account": "tok1",
        "last4": "4417",
        "currency": "USD",
        "balance_minor": 5318,
        "apply": {"rule": "oldest-first", "kind": "oldest", "text": "oldest bill first", "order": ["B", "A"]},
        "limits": [{"tender": "cash", "payment_minor": None, "day_minor": 10, "left_today_minor": 7}],
        "cash_report_minor": 1_000_000,
    }
    found = AccountAnswer.model_validate_json(json.dumps(answer)).to_account()
    assert (found.applied, found.order, found.cash_report_minor) == ("oldest", ("B", "A"), 1_000_000)
    assert found.limits == (TenderLimit("cash", None, 7),)


def test_a_city_of_yesterday_says_none_of_it() -> None:
    old = AccountAnswer(account="tok1", last4="4417", currency="USD", balance_minor=1).to_account()
    assert (old.applied, old.order, old.limits, old.cash_report_minor) == ("", (), (), 0)


@pytest.mark.parametrize(("printed_minor", "why"), [(5_318, "cash_too_high"), (5_000, "")])
def test_without_the_server_the_limit_for_such_times_holds(printed_minor: int, why: str) -> None:
    world = CardWorld()
    world.state = replace(world.state, settings=replace(world.state.settings, offline_minor=5_000))
    world.boot()
    reference = InvoiceReference("44170934", scan="s", invoice="1", printed_minor=printed_minor)
    world.tell(events.BillScanned, reference=reference)
    world.fire("look_up")
    world.touch("pay_full")
    assert (world.picture.notice, world.picture.cash_limit) == ("", why)
    world.touch("pay_cash")
    assert (world.stage == "cash") == (not why)
