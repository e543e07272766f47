"""Several accounts in one payment: chosen one after the other, paid by any tender, on one receipt."""

from dataclasses import replace

import pytest

from kiosk.brain import events
from kiosk.brain.cart import ACCOUNTS_MAX, BILLS_MAX
from kiosk.domain import facts as f
from kiosk.domain.invoice import CHOSEN, Account, Invoice, InvoiceReference, TenderLimit, rule_of
from tests.unit.brain_world import account
from tests.unit.card_world import CardWorld, SellByCard, paid


def other(number: int, balance_minor: int = 2500, past_due_minor: int = 0) -> Account:
    bills = (Invoice(f"B{number}", "utility", "Trash", "2026-12-01", balance_minor, past_due_minor),)
    return replace(account(balance_minor, past_due_minor), ref=f"tok{number}", last4=f"{number:04d}", invoices=bills)


@pytest.fixture
def world() -> CardWorld:
    return CardWorld().boot()


def add(world: CardWorld, found: Account, how: str = "pay_full") -> None:
    world.touch("add_bill")
    assert world.stage == "type_account"
    world.tell(events.BillScanned, reference=InvoiceReference("00000002", "riverbend", "scan"))
    world.tell(events.AccountFound, request=world.state.scene.request, account=found)
    world.touch(how)


def test_one_card_pays_the_bills_of_two_accounts(world: CardWorld) -> None:
    world.to_tender()
    add(world, other(2))
    assert world.picture.agreed_minor == 7818
    assert [(one.last4, one.amount_minor) for one in world.picture.cart] == [("4417", 5318), ("0002", 2500)]
    world.touch("pay_card")
    assert [sale.amount_minor for sale in world.ordered(SellByCard)] == [7818]
    world.end("approved")
    world.tell(events.AcceptorIdle)
    assert paid(world).lines == (f.LinePaid("tok1", "INV1", 5318), f.LinePaid("tok2", "B2", 2500))
    view = world.state.scene.receipt
    assert view is not None
    assert (view.paid_minor, view.left_minor) == (7818, 0)


def test_a_part_payment_fills_the_accounts_in_the_order_in_which_they_were_chosen(world: CardWorld) -> None:
    world.to_tender()
    add(world, other(2))
    world.touch("pay_cash")
    world.insert(5000)
    world.insert(2000)
    world.touch("stop")
    world.touch("confirm")
    world.tell(events.AcceptorIdle)
    assert [(line.account, line.amount_minor) for line in paid(world).lines] == [("tok1", 5318), ("tok2", 1682)]


def ruled(found: Account, rule: str, *bills: Invoice) -> Account:
    balance_minor = sum(bill.balance_minor for bill in bills)
    numbers = tuple(bill.id for bill in bills)
    return replace(found, applied=rule, invoices=bills, order=numbers, balance_minor=balance_minor)


def part_paid(world: CardWorld, first: Account, second: Account) -> list[tuple[str, str, int]]:
    """Two accounts, and 50 in cash for both."""
    world.scan(first)
    world.touch("pay_full")
    add(world, second)
    world.touch("pay_cash")
    world.insert(5000)
    world.touch("stop")
    world.touch("confirm")
    world.tell(events.AcceptorIdle)
    return [(line.account, line.invoice, line.amount_minor) for line in paid(world).lines]


WATER = Invoice("A1", "utility", "Water", "2026-11-01", 3000)
NOTICE = Invoice("B1", "utility", "Trash", "2026-12-01", 2500, shut_off=True)
PERMIT = Invoice("B2", "permit", "Permit", "2026-10-01", 1500)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("shut_off", [("tok2", "B1", 2500), ("tok2", "B2", 1500), ("tok1", "A1", 1000)]),
        ("oldest", [("tok2", "B2", 1500), ("tok1", "A1", 3000), ("tok2", "B1", 500)]),
        ("utility", [("tok1", "A1", 3000), ("tok2", "B1", 2000)]),
        ("", [("tok1", "A1", 3000), ("tok2", "B1", 2000)]),
        ("of another year", [("tok1", "A1", 3000), ("tok2", "B1", 2000)]),
    ],
)
def test_a_part_payment_goes_to_the_bills_of_all_accounts_in_the_citys_order(
    world: CardWorld, rule: str, wanted: list[tuple[str, str, int]]
) -> None:
    bills = (PERMIT, NOTICE) if rule == "oldest" else (NOTICE, PERMIT)
    assert part_paid(world, ruled(account(), rule, WATER), ruled(other(2), rule, *bills)) == wanted


def test_accounts_under_different_rules_are_paid_as_they_were_chosen(world: CardWorld) -> None:
    accounts = ruled(account(), "oldest", WATER), ruled(other(2), "shut_off", NOTICE)
    assert part_paid(world, *accounts) == [("tok1", "A1", 3000), ("tok2", "B1", 2000)]
    assert rule_of(accounts) == CHOSEN


def test_credit_of_one_account_comes_after_the_bills_of_all(world: CardWorld) -> None:
    many = tuple(Invoice(f"M{at:02}", "utility", "Water", "2026-01-01", 200) for at in range(20))
    lines = part_paid(world, ruled(account(), "oldest", *many), ruled(other(2), "oldest", NOTICE))
    assert lines[-2:] == [("tok2", "B1", 2500), ("tok1", "", 100)]


def test_each_account_gets_what_was_chosen_for_it_and_no_more(world: CardWorld) -> None:
    world.scan(account(5318, 2000))
    world.touch("pay_past_due")
    add(world, other(2))
    world.touch("pay_card")
    world.end("approved")
    world.tell(events.AcceptorIdle)
    assert [(line.account, line.amount_minor) for line in paid(world).lines] == [("tok1", 2000), ("tok2", 2500)]
    view = world.state.scene.receipt
    assert view is not None
    assert view.left_minor == 3318


def test_going_back_gives_up_only_what_was_to_be_added(world: CardWorld) -> None:
    world.to_tender()
    world.touch("add_bill")
    world.touch("back")
    assert (world.stage, world.picture.agreed_minor, world.picture.cart) == ("tender", 5318, ())
    add(world, other(2))
    world.touch("add_bill")
    world.touch("back")
    assert (world.stage, world.picture.agreed_minor) == ("tender", 7818)


def test_an_account_is_in_a_payment_once(world: CardWorld) -> None:
    world.to_tender()
    add(world, account(5318))
    assert (world.stage, world.state.scene.notice) == ("type_account", "account_twice")
    world.touch("back")
    world.touch("pay_card")
    assert [sale.amount_minor for sale in world.ordered(SellByCard)] == [5318]


def test_there_is_room_for_so_many_accounts_and_no_more(world: CardWorld) -> None:
    world.to_tender()
    for number in range(2, ACCOUNTS_MAX + 1):
        assert world.picture.may_add
        add(world, other(number))
    assert not world.picture.may_add
    world.touch("add_bill")
    assert world.stage == "tender"


def test_nothing_is_added_to_a_payment_that_was_begun(world: CardWorld) -> None:
    world.to_card()
    world.end("declined")
    assert not world.picture.may_add
    world.touch("add_bill")
    assert world.stage == "tender"


def test_the_limit_of_a_payment_is_for_all_accounts(world: CardWorld) -> None:
    world.scan(account(900_000))
    world.touch("pay_full")
    add(world, other(2, 200_000))
    assert (world.stage, world.state.scene.notice) == ("invoice", "amount_too_high")
    assert world.state.scene.notice_minor == 100_000


def test_of_an_account_with_very_many_bills_the_rest_is_its_credit(world: CardWorld) -> None:
    many = tuple(Invoice(f"M{at}", "utility", "Water", "2026-12-01", 100) for at in range(20))
    world.to_tender()
    add(world, replace(other(2, 2000), invoices=many))
    world.touch("pay_card")
    world.end("approved")
    world.tell(events.AcceptorIdle)
    lines = [line for line in paid(world).lines if line.account == "tok2"]
    assert len(lines) == BILLS_MAX + 1
    assert (lines[-1].invoice, sum(line.amount_minor for line in lines)) == ("", 2000)


def test_the_tightest_limit_of_all_accounts_holds_for_their_sum(world: CardWorld) -> None:
    world.scan(replace(account(5318), limits=(TenderLimit("card", payment_minor=6000),)))
    world.touch("pay_full")
    assert world.picture.card
    add(world, other(2))
    assert world.picture.card_reason == "card_too_high"


def test_a_new_session_begins_with_an_empty_cart(world: CardWorld) -> None:
    world.to_tender()
    add(world, other(2))
    world.touch("start_over")
    world.to_tender()
    assert (world.picture.agreed_minor, world.picture.cart) == (5318, ())


def test_a_card_found_late_pays_the_rest_of_every_account(world: CardWorld) -> None:
    world.to_tender()
    add(world, other(2))
    world.touch("pay_card")
    world.decide_at_terminal("approved")
    world.restart()
    world.boot()
    world.answer(world.orders[-1])  # type: ignore[arg-type]
    assert [(line.account, line.amount_minor) for line in paid(world).lines] == [("tok1", 5318), ("tok2", 2500)]
