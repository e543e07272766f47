"""The rules of a card, one by one: shown as they would be told to a cashier."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from kiosk.brain import events
from kiosk.brain.commands import AcknowledgeCard, EnableAcceptor, PrintIncident
from kiosk.brain.state import State
from kiosk.domain import facts as f
from kiosk.domain import tenders as t
from kiosk.domain.fees import FeeRule
from tests.unit.brain_world import account
from tests.unit.card_world import (
    SERVICE_FEE,
    CancelCard,
    CardWorld,
    FindCard,
    SellByCard,
    VoidCard,
    card_settings,
    paid,
)


@pytest.fixture
def world() -> CardWorld:
    return CardWorld().boot()


@pytest.fixture
def costly() -> CardWorld:
    """A kiosk where a card costs a fee."""
    return CardWorld(State(card_settings(SERVICE_FEE))).boot()


# The sale


def test_a_sale_is_on_record_before_it_is_sent(world: CardWorld) -> None:
    orders = world.to_card().touch("help")
    del orders
    started = world.of(t.CardSaleStarted)
    assert [s.amount_minor for s in started] == [5318]
    assert [s.reference for s in started] == ["RB070100000" + "1"]
    assert [s.reference for s in world.ordered(SellByCard)] == [s.reference for s in started]
    assert started[0].terminal == "RB070001"


def test_an_approved_card_pays_the_bill(world: CardWorld) -> None:
    world.to_card()
    orders = world.end("approved")
    assert isinstance(orders[0], AcknowledgeCard)
    world.tell(events.AcceptorIdle)
    assert world.stage == "done"
    assert (paid(world).total_minor, paid(world).notes, paid(world).reason) == (5318, (), "met")
    assert paid(world).cards == (t.CardInPayment("RB0701000001", "bill", 5318, "Visa", "4242"),)
    view = world.state.scene.receipt
    assert view is not None
    assert (view.card_minor, view.left_minor) == (5318, 0)


def test_prompts_of_the_terminal_are_shown(world: CardWorld) -> None:
    world.to_card()
    world.tell(events.CardPrompted, reference="RB0701000001", code="enter_pin")
    assert world.picture.card_view is not None
    assert world.picture.card_view.prompt == "enter_pin"
    world.tell(events.CardPrompted, reference="SOMEOTHER", code="remove_card")
    assert world.state.scene.card_prompt == "enter_pin"


def test_nobody_is_asked_whether_they_are_there_while_the_terminal_has_their_card(world: CardWorld) -> None:
    world.to_card()
    world.fire("idle")
    world.fire("idle_tick")
    assert world.stage == "card"
    assert world.state.books.card_under_way


def test_cancel_is_a_request_and_the_answer_decides(world: CardWorld) -> None:
    world.to_card()
    assert world.ordered(CancelCard) == []
    world.touch("cancel_card")
    assert [c.reference for c in world.ordered(CancelCard)] == ["RB0701000001"]
    assert world.state.scene.card_phase == "cancelling"
    world.touch("cancel_card")
    assert len(world.ordered(CancelCard)) == 1
    world.end("approved")
    world.tell(events.AcceptorIdle)
    assert paid(world).total_minor == 5318


@pytest.mark.parametrize(
    ("result", "notice"),
    [
        ("declined", "card_declined"),
        ("cancelled", "card_cancelled"),
        ("not_started", "card_failed"),
        ("absent", "card_not_charged"),
    ],
)
def test_without_money_the_choice_of_tenders_comes_back(world: CardWorld, result: str, notice: str) -> None:
    world.to_card()
    world.end(result)
    assert (world.stage, world.state.scene.notice) == ("tender", notice)
    assert world.taken_minor == 0
    world.touch("pay_cash")
    assert world.ordered(EnableAcceptor)
    assert len(world.of(f.InvoiceChosen)) == 1, "the payment is the same one"


def test_three_declines_send_to_the_counter(world: CardWorld) -> None:
    world.to_card()
    for _ in range(2):
        world.end("declined")
        world.touch("pay_card")
    world.end("declined")
    assert world.state.scene.notice == "card_counter"
    assert (world.picture.card, world.picture.card_reason) == (False, "card_declines")
    world.touch("pay_card")
    assert world.now is None
    world.touch("pay_cash")
    assert world.stage == "cash"


def start_over(world: CardWorld) -> None:
    world.touch("start_over")
    world.tell(events.AcceptorIdle)
    assert world.stage == "attract"


def test_starting_over_gives_no_more_tries_on_the_same_bill(world: CardWorld) -> None:
    world.to_card()
    world.end("declined")
    world.touch("pay_card")
    world.end("declined")
    start_over(world)
    world.to_card()
    world.end("declined")
    assert (world.state.scene.notice, world.picture.card_reason) == ("card_counter", "card_declines")
    start_over(world)
    world.to_tender()
    assert world.picture.card_reason == "card_declines"
    world.fire("declines")
    assert world.picture.card


def test_the_next_person_has_tries_of_their_own(world: CardWorld) -> None:
    world.to_card()
    for _ in range(3):
        world.end("declined")
        world.touch("pay_card")
    start_over(world)
    world.scan(replace(account(), ref="tok2", last4="8802"))
    world.touch("pay_full")
    assert world.picture.card


def test_an_approval_ends_the_count(world: CardWorld) -> None:
    world.to_card()
    for result in ("declined", "declined"):
        world.end(result)
        world.touch("pay_card")
    assert len(world.state.scene.declined) == 2
    world.end("approved", 1000)
    assert world.state.scene.declined == ()


def test_every_attempt_has_a_reference_of_its_own_also_after_a_restart(world: CardWorld) -> None:
    world.to_card()
    world.end("declined")
    world.restart()
    world.boot()
    world.to_card()
    references = [started.reference for started in world.of(t.CardSaleStarted)]
    assert references == ["RB0701000001", "RB0701000002"]


def test_an_empty_payment_can_be_left_from_the_choice_of_tenders(world: CardWorld) -> None:
    world.to_card()
    world.end("cancelled")
    world.touch("back")
    assert (world.stage, world.state.books.payment) == ("invoice", None)
    world.touch("start_over")
    assert world.stage == "attract"


def test_the_citys_books_are_compared_before_the_card(world: CardWorld) -> None:
    world.tell(events.OnlineChanged, online=True)
    world.to_card()
    assert world.ordered(SellByCard) == []
    world.tell(events.HeadChecked, request=world.state.scene.request, result="same")
    assert len(world.ordered(SellByCard)) == 1


def test_a_slow_city_does_not_keep_the_card_waiting(world: CardWorld) -> None:
    world.tell(events.OnlineChanged, online=True)
    world.to_card()
    world.fire("head")
    assert len(world.ordered(SellByCard)) == 1


def test_a_city_that_is_ahead_takes_no_card(world: CardWorld) -> None:
    world.tell(events.OnlineChanged, online=True)
    world.to_card()
    world.tell(events.HeadChecked, request=world.state.scene.request, result="ahead")
    world.tell(events.AcceptorIdle)
    assert world.ordered(SellByCard) == []
    assert world.stage == "attract"


def test_above_the_limit_a_card_is_not_offered(world: CardWorld) -> None:
    world.to_tender(1_000_001)
    assert world.picture.card_reason in ("card_too_high", "")
    assert world.stage in ("invoice", "tender")


# Cash and card


def test_cash_then_card(world: CardWorld) -> None:
    world.to_cash()
    world.insert(2000)
    world.touch("pay_card")
    assert [s.amount_minor for s in world.ordered(SellByCard)] == [3318]
    world.end("approved")
    world.tell(events.AcceptorIdle)
    assert (paid(world).total_minor, len(paid(world).notes), len(paid(world).cards)) == (5318, 1, 1)


def test_a_card_waits_for_the_note_that_is_on_its_way(world: CardWorld) -> None:
    world.to_cash()
    world.hold(2000)
    world.touch("pay_card")
    assert world.ordered(SellByCard) == []
    world.stacked(2000)
    assert [s.amount_minor for s in world.ordered(SellByCard)] == [3318]


def test_a_note_that_is_pushed_in_while_the_card_is_asked_goes_back(world: CardWorld) -> None:
    world.to_cash()
    world.touch("pay_card")
    orders = world.hold(2000)
    assert [type(order).__name__ for order in orders] == ["ReturnNote"]


def test_a_refused_card_never_traps_cash(world: CardWorld) -> None:
    world.to_cash()
    world.insert(2000)
    world.touch("pay_card")
    world.end("declined")
    assert world.stage == "tender"
    world.touch("back")
    assert world.stage == "tender", "money is in: there is no way back, only on"
    world.touch("stop")
    assert world.stage == "review"
    world.touch("confirm")
    world.tell(events.AcceptorIdle)
    assert paid(world).total_minor == 2000


def test_card_then_cash_for_the_rest_of_a_partial_approval(world: CardWorld) -> None:
    world.to_card()
    world.end("approved", 2000)
    assert (world.stage, world.state.scene.notice_minor) == ("partial", 2000)
    world.touch("keep_partial")
    assert world.stage == "tender"
    world.touch("pay_cash")
    for value in (2000, 1000, 500):
        world.insert(value)
    world.tell(events.AcceptorIdle)
    assert (paid(world).total_minor, paid(world).cards[0].amount_minor) == (5500, 2000)


def test_two_cards(world: CardWorld) -> None:
    world.to_card()
    world.end("approved", 2000)
    world.touch("keep_partial")
    world.touch("pay_card")
    assert world.ordered(SellByCard)[-1].amount_minor == 3318
    world.end("approved")
    world.tell(events.AcceptorIdle)
    assert [card.amount_minor for card in paid(world).cards] == [2000, 3318]


def test_who_walks_away_from_a_partial_approval_has_paid_a_part(world: CardWorld) -> None:
    world.to_card()
    world.end("approved", 2000)
    world.fire("idle")
    for _ in range(60):
        world.fire("idle_tick")
    world.tell(events.AcceptorIdle)
    assert paid(world).total_minor == 2000


def test_a_partial_approval_that_is_refused_is_voided(world: CardWorld) -> None:
    world.to_card()
    world.end("approved", 2000)
    world.touch("refuse_partial")
    assert world.kinds()[-1] == "VoidStarted"
    assert [(v.of, v.amount_minor) for v in world.ordered(VoidCard)] == [("RB0701000001", 2000)]
    world.end("approved")
    assert (world.stage, world.state.scene.notice) == ("tender", "card_undone")
    assert (world.taken_minor, world.state.books.card_minor) == (0, 0)


def test_a_void_that_did_not_happen_leaves_the_sale(world: CardWorld) -> None:
    world.to_card()
    world.end("approved", 2000)
    world.touch("refuse_partial")
    world.end("declined")
    assert (world.stage, world.state.scene.notice) == ("tender", "card_stands")
    assert world.state.books.card_minor == world.taken_minor == 2000
    assert world.state.books.declines == 0, "a void that is refused says nothing of the card"


# Fees


def test_the_fee_is_shown_beside_cash_before_the_card_is_asked_for(costly: CardWorld) -> None:
    costly.to_tender()
    fee = costly.picture.fee
    assert fee is not None
    assert (fee.kind, fee.base_minor, fee.fee_minor) == ("service", 5318, 150)
    costly.touch("pay_card")
    assert (costly.stage, costly.ordered(SellByCard)) == ("fee", [])
    costly.touch("agree_fee")
    assert [(a.base_minor, a.fee_minor) for a in costly.of(t.FeeAgreed)] == [(5318, 150)]
    assert [s.amount_minor for s in costly.ordered(SellByCard)] == [5318]


@pytest.mark.parametrize(("starts", "shown"), [(-1, True), (0, True), (1, False)])
def test_the_fee_is_that_of_the_day_on_which_the_amount_was_chosen(starts: int, shown: bool) -> None:
    today = date(2026, 11, 23)  # in brain_world.py
    rule = replace(SERVICE_FEE, valid_from=today + timedelta(days=starts))
    world = CardWorld(State(card_settings(rule))).boot()
    world.to_tender()
    assert (world.picture.fee is not None) == shown


def test_no_fee_and_a_surcharge_that_nobody_can_know_to_apply_cost_nothing() -> None:
    free = FeeRule("No fee", "none", date(2020, 1, 1))
    credit = FeeRule(
        "Surcharge", "surcharge", date(2020, 1, 1), card_kinds=frozenset({"credit"}), per_mille=30, cap_per_mille=30
    )
    world = CardWorld(State(card_settings(free, credit))).boot()
    world.to_tender()
    assert world.picture.fee is None
    world.touch("pay_card")
    assert [sale.amount_minor for sale in world.ordered(SellByCard)] == [5318]


def test_the_fee_is_that_of_the_terminals_category() -> None:
    utility = FeeRule("Utility", "none", date(2020, 1, 1), categories=frozenset({"4900"}))
    tax = replace(SERVICE_FEE, categories=frozenset({"9311"}))
    for category, shown in (("4900", False), ("9311", True), ("", False)):
        world = CardWorld(State(replace(card_settings(utility, tax), card_category=category))).boot()
        world.to_tender()
        assert (world.picture.fee is not None) == shown


def test_from_the_fee_one_can_go_to_cash_or_back(costly: CardWorld) -> None:
    costly.to_card()
    costly.touch("back")
    assert costly.stage == "tender"
    costly.touch("pay_card")
    costly.touch("pay_cash")
    assert costly.stage == "cash"
    assert costly.of(t.FeeAgreed) == []


def test_the_fee_is_a_sale_of_its_own(costly: CardWorld) -> None:
    costly.to_card()
    costly.touch("agree_fee")
    costly.end("approved")
    assert costly.ordered(SellByCard)[-1].amount_minor == 150
    costly.end("approved")
    costly.tell(events.AcceptorIdle)
    done = paid(costly)
    assert (done.total_minor, done.fee_minor, done.fee_kind, done.fee_rule) == (5318, 150, "service", "card-2026")
    assert [card.leg for card in done.cards] == ["bill", "fee"]


@pytest.mark.parametrize("result", ["declined", "cancelled", "not_started"])
def test_a_fee_that_certainly_failed_undoes_its_bill(costly: CardWorld, result: str) -> None:
    costly.to_card()
    costly.touch("agree_fee")
    costly.end("approved")
    costly.end(result)
    assert [v.why for v in costly.of(t.VoidStarted)] == ["fee_failed"]
    costly.end("approved")
    assert (costly.stage, costly.state.scene.notice) == ("tender", "card_undone")
    assert (costly.taken_minor, costly.state.books.card_minor) == (0, 0)


def test_a_fee_nobody_knows_of_leaves_the_bill_paid_and_is_looked_for(costly: CardWorld) -> None:
    costly.to_card()
    costly.touch("agree_fee")
    costly.end("approved")
    fee = costly.now
    assert fee is not None
    costly.decide_at_terminal("approved")
    costly.report_card(fee, "unknown")
    costly.fire("card_look")
    assert (costly.stage, costly.state.scene.incident) == ("card_unknown", fee.reference)
    costly.touch("done")
    costly.tell(events.AcceptorIdle)
    assert (paid(costly).total_minor, paid(costly).fee_minor) == (5318, 0)
    costly.answer(costly.ordered(FindCard)[-1])
    late = costly.of(f.PaymentCompleted)[-1]
    assert (late.total_minor, late.fee_minor, late.lines, late.reason) == (0, 150, (), "found")


def test_the_fee_of_a_partial_approval_is_on_what_was_approved(costly: CardWorld) -> None:
    costly.to_card(20000)
    costly.touch("agree_fee")
    assert costly.of(t.FeeAgreed)[0].fee_minor == 560
    costly.end("approved", 10000)
    costly.touch("keep_partial")
    assert costly.ordered(SellByCard)[-1].amount_minor == 280


def test_a_void_nobody_knows_of_is_shown_and_printed_as_one(world: CardWorld) -> None:
    world.to_card()
    world.end("approved", 2000)
    world.touch("refuse_partial")
    world.tell(events.TerminalLost, reason="line")
    world.fire("card_look")
    view = world.picture.card_view
    assert view is not None
    assert (world.stage, view.operation) == ("card_unknown", "void")
    assert [(slip.operation, slip.leg) for slip in world.ordered(PrintIncident)] == [("void", "bill")]
