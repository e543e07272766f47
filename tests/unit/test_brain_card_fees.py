"""The fee of a card whose bill does not stand, or whose own end nobody knows."""

import pytest

from kiosk.brain import events
from kiosk.brain.commands import Exit
from kiosk.brain.state import State
from kiosk.domain import facts as f
from kiosk.domain import tenders as t
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.card_world import SERVICE_FEE, CancelCard, CardWorld, SellByCard, card_settings, paid


@pytest.fixture
def costly() -> CardWorld:
    """A kiosk where a card costs a fee."""
    return CardWorld(State(card_settings(SERVICE_FEE))).boot()


def test_a_fee_that_was_under_way_goes_back_when_the_terminal_undoes_its_bill(costly: CardWorld) -> None:
    costly.to_card()
    costly.touch("agree_fee")
    costly.end("approved")
    bill, fee = costly.till
    undone(costly, bill)
    assert [order.reference for order in costly.ordered(CancelCard)] == [fee]
    costly.end("approved")
    assert [(v.of, v.why) for v in costly.of(t.VoidStarted)] == [(fee, "bill_reversed")]
    costly.end("approved")
    assert (costly.stage, costly.state.scene.notice) == ("tender", "card_undone")
    assert costly.state.books.card_minor == 0
    costly.touch("back")
    assert costly.stage == "invoice"


def test_a_fee_that_ended_without_money_after_its_bill_was_undone_undoes_no_other(costly: CardWorld) -> None:
    costly.to_card(20000)
    costly.touch("agree_fee")
    costly.end("approved", 10000)
    costly.touch("keep_partial")
    costly.end("approved")
    costly.touch("pay_card")
    costly.touch("agree_fee")
    costly.end("approved")
    undone(costly, list(costly.till)[2])
    costly.end("cancelled")
    assert costly.of(t.VoidStarted) == []
    assert (costly.stage, costly.state.books.card_minor) == ("tender", 10280)


@pytest.mark.parametrize("where", ["closing", "tender", "cash"])
def test_a_fee_goes_back_when_the_terminal_undoes_its_bill(costly: CardWorld, where: str) -> None:
    costly.to_card()
    costly.touch("agree_fee")
    costly.end("approved", 5318 if where == "closing" else 2000)
    costly.touch("keep_partial")
    costly.end("approved")
    if where == "cash":
        costly.touch("pay_cash")
    assert costly.stage == where
    bill, fee = costly.till
    undone(costly, bill)
    assert [(v.of, v.why) for v in costly.of(t.VoidStarted)] == [(fee, "bill_reversed")]
    costly.end("approved")
    assert (costly.stage, costly.state.scene.notice) == ("tender", "card_undone")
    assert costly.state.books.card_minor == 0


def test_a_fee_that_cannot_go_back_is_not_undone_for_ever(costly: CardWorld) -> None:
    costly.to_card()
    costly.touch("agree_fee")
    costly.end("approved")
    costly.end("approved")
    undone(costly, next(iter(costly.till)))
    costly.end("declined")
    assert len(costly.of(t.VoidStarted)) == 1
    assert (costly.stage, costly.state.scene.notice) == ("tender", "card_stands")


def undone(world: CardWorld, reference: str) -> None:
    amount_minor = world.till[reference].amount_minor
    world.tell(events.CardReversed, report=90, reference=reference, amount_minor=amount_minor, reason="line")


def test_a_fee_cancelled_because_the_kiosk_stops_undoes_its_bill_first(costly: CardWorld) -> None:
    costly.to_card()
    costly.touch("agree_fee")
    costly.end("approved")
    costly.tell(events.StopRequested)
    costly.end("cancelled")
    assert [v.why for v in costly.of(t.VoidStarted)] == ["fee_failed"]
    assert costly.ordered(Exit) == []
    costly.end("approved")
    costly.tell(events.AcceptorIdle)
    assert costly.ordered(Exit)
    assert (costly.taken_minor, costly.of(f.PaymentCompleted)) == (0, [])


def test_a_slow_city_is_given_up_also_at_the_choice_of_tenders(costly: CardWorld) -> None:
    costly.tell(events.OnlineChanged, online=True)
    costly.to_card()
    costly.touch("agree_fee")
    costly.touch("cancel_card")
    costly.touch("pay_card")
    assert costly.stage == "fee"
    costly.fire("head")
    costly.touch("agree_fee")
    assert len(costly.ordered(SellByCard)) == 1


def test_a_fee_nobody_knows_of_leaves_the_rest_to_be_paid_otherwise(costly: CardWorld) -> None:
    costly.tell(events.HealthChanged, health=DeviceHealth("printer", "lost"))
    costly.to_card()
    costly.touch("agree_fee")
    costly.end("approved", 2000)
    costly.touch("keep_partial")
    fee = costly.decide_at_terminal("approved")
    costly.report_card(fee, "unknown")
    costly.fire("card_look")
    view = costly.picture.card_view
    assert view is not None
    assert (costly.stage, view.reference, view.leg) == ("card_unknown", fee.reference, "fee")
    costly.touch("done")
    assert (costly.stage, costly.state.scene.notice, costly.picture.card) == ("tender", "card_unknown", False)
    costly.touch("pay_cash")
    for value in (2000, 1000, 500):
        costly.insert(value)
    costly.tell(events.AcceptorIdle)
    assert (paid(costly).total_minor, paid(costly).fee_minor) == (5500, 0)


def test_start_over_at_a_partial_approval_keeps_it_and_stops(costly: CardWorld) -> None:
    costly.to_card()
    costly.touch("agree_fee")
    costly.end("approved", 2000)
    costly.touch("start_over")
    costly.end("approved")
    assert costly.stage == "review"
    costly.touch("confirm")
    costly.tell(events.AcceptorIdle)
    assert (paid(costly).total_minor, paid(costly).fee_minor) == (2000, 150)
