"""A card whose end nobody can say, power cuts, stopping, and what the terminal says of itself."""

import pytest

from kiosk.brain import events
from kiosk.brain.commands import AcknowledgeCard, Exit, PrintIncident, PrintReceipt, SetTimer
from kiosk.brain.snapshot import _terminal as snapshot_terminal
from kiosk.domain import facts as f
from kiosk.domain import tenders as t
from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.card_world import SLIP, CancelCard, CardWorld, FindCard, SellByCard, paid


@pytest.fixture
def world() -> CardWorld:
    return CardWorld().boot()


# Nobody knows


def test_a_terminal_that_says_nothing_leaves_the_sale_unknown_and_is_asked(world: CardWorld) -> None:
    world.to_card()
    world.fire("card")
    assert [u.reason for u in world.of(t.CardSaleUnknown)] == ["no_answer"]
    assert [q.reference for q in world.ordered(FindCard)] == ["RB0701000001"]
    assert world.state.scene.card_phase == "checking"
    assert len(world.ordered(SellByCard)) == 1


def test_a_sale_that_is_found_approved_goes_on_as_if_it_had_been_told(world: CardWorld) -> None:
    world.to_card()
    world.fire("card")
    world.decide_at_terminal("approved")
    world.answer(world.ordered(FindCard)[-1])
    world.tell(events.AcceptorIdle)
    assert paid(world).total_minor == 5318
    assert world.of(t.CardSaleApproved)[0].found


def test_a_sale_that_never_was_can_be_tried_again(world: CardWorld) -> None:
    world.to_card()
    world.fire("card")
    world.decide_at_terminal("cancelled")
    world.answer(world.ordered(FindCard)[-1])
    assert (world.stage, world.picture.card) == ("tender", True)


def unknown_for_good(world: CardWorld) -> None:
    world.to_card()
    world.decide_at_terminal("approved")
    world.tell(events.TerminalLost, reason="line")
    world.fire("card_look")


def test_when_nobody_knows_a_slip_says_so_and_cards_are_out_of_service(world: CardWorld) -> None:
    unknown_for_good(world)
    assert world.stage == "card_unknown"
    slip = world.ordered(PrintIncident)[0]
    assert (slip.reference, slip.amount_minor, slip.last4) == ("RB0701000001", 5318, "4417")
    view = world.picture.card_view
    assert view is not None
    assert (view.reference, view.phone) == ("RB0701000001", "555 0100")
    world.touch("done")
    world.tell(events.AcceptorIdle)
    assert world.stage == "attract"
    assert world.of(f.PaymentCompleted) == []
    world.meet()
    world.to_tender()
    assert (world.picture.card, world.picture.card_reason, world.picture.cash) == (False, "card_unknown", True)


def test_it_is_asked_for_every_round_and_at_each_meeting(world: CardWorld) -> None:
    unknown_for_good(world)
    assert world.ordered(FindCard) == []
    world.meet()
    world.fire("card_look")
    world.fire("card_look")
    assert len(world.ordered(FindCard)) == 3


def test_a_terminal_that_comes_and_goes_does_not_keep_the_person_waiting(world: CardWorld) -> None:
    world.to_card()
    world.tell(events.TerminalLost, reason="line")
    orders = [*world.meet(), *world.tell(events.TerminalLost, reason="line"), *world.meet()]
    assert not [order for order in orders if isinstance(order, SetTimer) and order.name == "card_look"]
    world.fire("card_look")
    assert world.stage == "card_unknown"


def test_found_later_it_completes_the_rest_of_its_payment(world: CardWorld) -> None:
    unknown_for_good(world)
    world.touch("done")
    world.tell(events.AcceptorIdle)
    world.meet()
    orders = world.answer(world.ordered(FindCard)[-1])
    assert (paid(world).total_minor, paid(world).reason) == (5318, "found")
    assert paid(world).lines == (f.LinePaid("tok1", "INV1", 5318),)
    assert [o.kind for o in orders if isinstance(o, PrintReceipt)] == ["recovered"]
    assert world.picture.card


def test_found_while_somebody_else_pays_it_disturbs_nobody(world: CardWorld) -> None:
    unknown_for_good(world)
    world.touch("done")
    world.tell(events.AcceptorIdle)
    world.to_cash()
    world.insert(2000)
    world.meet()
    orders = world.answer(world.ordered(FindCard)[-1])
    assert world.stage == "cash"
    assert not [o for o in orders if isinstance(o, PrintReceipt)], "its receipt would lie under another's hands"
    assert world.state.books.payment is not None
    assert world.state.books.payment.in_minor == 2000
    found = world.of(f.PaymentCompleted)
    assert [done.total_minor for done in found] == [5318]


def test_cash_then_an_unknown_card_then_found(world: CardWorld) -> None:
    world.to_cash()
    world.insert(2000)
    world.touch("pay_card")
    world.decide_at_terminal("approved")
    world.tell(events.TerminalLost, reason="line")
    world.fire("card_look")
    world.touch("done")
    world.tell(events.AcceptorIdle)
    assert paid(world).total_minor == 2000
    world.meet()
    world.answer(world.ordered(FindCard)[-1])
    first, second = world.of(f.PaymentCompleted)
    assert first.payment_id == second.payment_id
    assert (second.total_minor, second.receipt_number) == (3318, "RB-07-1-000002")
    assert second.lines == (f.LinePaid("tok1", "INV1", 3318),)


def test_an_approval_after_cancelled_was_told_counts(world: CardWorld) -> None:
    world.to_card()
    taken = world.end("cancelled")
    del taken
    world.touch("pay_cash")
    world.insert(2000)
    sale = next(iter(world.till.values()))
    sale.result = "approved"
    world.report_card(sale)
    world.tell(events.AcceptorIdle)
    assert paid(world).total_minor == 7318, "what is over is credit"


def test_a_report_that_comes_again_counts_once(world: CardWorld) -> None:
    world.to_card()
    sale = world.decide_at_terminal("approved")
    world.report_card(sale)
    orders = world.report_card(sale)
    assert [type(order).__name__ for order in orders] == ["AcknowledgeCard"]
    assert world.state.books.card_minor == 5318


def test_an_approval_that_nobody_asked_for_is_told_to_staff(world: CardWorld) -> None:
    world.tell(
        events.CardEnded, report=9, operation="sale", reference="OTHER1", result="approved", amount_minor=100, slip=SLIP
    )
    assert [fault.fault for fault in world.of(f.DeviceFaultSeen)] == ["stray_approval"]
    assert world.state.books.card_minor == 0


# Power


def cut_at_terminal(world: CardWorld) -> None:
    world.restart()
    for name in ("printer", "scanner", "screen"):
        world.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
    world.connect()


def test_at_boot_the_attempt_is_asked_for_before_anything_else(world: CardWorld) -> None:
    world.to_card()
    world.decide_at_terminal("approved")
    cut_at_terminal(world)
    assert world.stage == "starting"
    world.tell(events.IntentReceived, intent=Intent("type_account"))
    assert world.stage == "starting"
    orders = world.meet()
    assert [o.reference for o in orders if isinstance(o, FindCard)] == ["RB0701000001"]
    world.answer(world.ordered(FindCard)[-1])
    assert (world.stage, paid(world).total_minor) == ("attract", 5318)
    assert len(world.ordered(SellByCard)) == 1


def test_a_cut_before_the_sale_left_finds_nothing_there(world: CardWorld) -> None:
    world.to_card()
    world.till.clear()
    cut_at_terminal(world)
    world.meet()
    world.answer(world.ordered(FindCard)[-1])
    assert world.stage == "attract"
    assert [e.result for e in world.of(t.CardSaleEnded)] == ["absent"]
    assert world.of(f.PaymentCompleted) == []


def test_a_terminal_that_stays_away_does_not_keep_the_kiosk_closed(world: CardWorld) -> None:
    world.to_card()
    cut_at_terminal(world)
    world.tell(events.TerminalLost, reason="port_not_there")
    assert world.stage == "starting"
    world.fire("card_look")
    assert world.stage == "attract"
    assert [u.reason for u in world.of(t.CardSaleUnknown)] == ["restart"]
    assert world.picture.screen == "attract"


def test_a_terminal_that_cannot_tell_does_not_keep_the_kiosk_closed(world: CardWorld) -> None:
    world.to_card()
    cut_at_terminal(world)
    world.meet()
    world.tell(events.CardEnded, report=1, operation="sale", reference="RB0701000001", result="unknown", found=True)
    assert world.stage == "attract"
    assert len(world.of(t.CardSaleUnknown)) == 1
    assert world.picture.card_reason == "card_unknown"


def test_cash_of_a_split_payment_is_completed_at_boot_and_the_card_follows(world: CardWorld) -> None:
    world.to_cash()
    world.insert(2000)
    world.touch("pay_card")
    world.decide_at_terminal("approved")
    cut_at_terminal(world)
    assert paid(world).total_minor == 2000
    world.meet()
    world.answer(world.ordered(FindCard)[-1])
    assert [done.total_minor for done in world.of(f.PaymentCompleted)] == [2000, 3318]


def test_a_void_under_way_at_a_cut_is_looked_for_like_a_sale(world: CardWorld) -> None:
    world.to_card()
    world.end("approved", 2000)
    world.touch("refuse_partial")
    world.decide_at_terminal("approved")
    cut_at_terminal(world)
    world.meet()
    order = world.ordered(FindCard)[-1]
    assert (order.operation, order.of) == ("void", "RB0701000001")
    world.answer(order)
    assert (world.stage, world.state.books.card_minor, world.of(f.PaymentCompleted)) == ("attract", 0, [])


def test_a_void_that_was_not_done_at_a_cut_leaves_the_sale_in_its_payment(world: CardWorld) -> None:
    world.to_card()
    world.end("approved", 2000)
    world.touch("refuse_partial")
    world.decide_at_terminal("not_started")
    cut_at_terminal(world)
    world.meet()
    world.answer(world.ordered(FindCard)[-1])
    assert paid(world).total_minor == 2000


# Stopping


def test_stopping_waits_for_the_card(world: CardWorld) -> None:
    world.to_card()
    orders = world.tell(events.StopRequested)
    assert not [order for order in orders if isinstance(order, Exit)]
    assert world.ordered(CancelCard), "the wait is shortened, if the terminal can"
    assert ("stop", 200_000) in [(o.name, o.after_ms) for o in orders if hasattr(o, "after_ms")]
    world.end("approved")
    world.tell(events.AcceptorIdle)
    assert paid(world).total_minor == 5318


def test_stopping_at_the_choice_of_tenders_closes_a_payment_with_money(world: CardWorld) -> None:
    world.to_card()
    world.end("approved", 2000)
    world.touch("keep_partial")
    world.tell(events.StopRequested)
    world.tell(events.AcceptorIdle)
    assert (paid(world).total_minor, paid(world).reason) == (2000, "stopping")


# The terminal


def test_a_fault_of_the_terminal_takes_cards_out_of_service(world: CardWorld) -> None:
    world.tell(events.TerminalFault, code="wrong_terminal", detail="serial 7")
    world.to_tender()
    assert world.picture.card_reason == "terminal_wrong_terminal"
    world.tell(events.TerminalFaultCleared, code="wrong_terminal")
    assert world.picture.card


def test_with_cards_the_kiosk_is_open_without_cash(world: CardWorld) -> None:
    world.tell(events.AcceptorFault, code="cassette_full", detail="")
    assert world.picture.screen == "attract"
    world.to_card()
    world.end("approved")
    world.fire("closing")
    assert paid(world).total_minor == 5318
    world.tell(events.TerminalLost, reason="line")
    world.touch("done")
    assert world.picture.screen == "out_of_service"


def test_a_sale_the_terminal_undid_by_itself_counts_no_more(world: CardWorld) -> None:
    world.to_card()
    world.end("approved")
    world.tell(events.CardReversed, report=3, reference="RB0701000001", amount_minor=5318, reason="line")
    assert world.state.books.card_minor == 0
    assert world.stage == "tender"
    world.tell(events.CardReversed, report=4, reference="RB0701000001", amount_minor=5318, reason="line")
    assert world.state.books.card_minor == 0


@pytest.mark.parametrize("after", ["open", "unknown", "ended"])
def test_a_sale_the_terminal_undid_while_it_was_to_be_voided_is_voided_once(world: CardWorld, after: str) -> None:
    world.to_card()
    world.end("approved", 2000)
    world.touch("refuse_partial")
    if after == "unknown":
        world.end("unknown")
    if after == "ended":
        world.end("approved", 2000)
    for report in (3, 4):
        world.tell(events.CardReversed, report=report, reference="RB0701000001", amount_minor=2000, reason="line")
    void = world.till["RB0701000002"]
    world.report_card(void, "not_started")
    assert (world.state.books.card_minor, world.state.books.attempt) == (0, None)
    assert world.kinds().count("CardSaleVoided") == 1
    assert "VoidEnded" not in world.kinds()
    assert world.stage == "tender"


def test_undone_by_itself_before_it_was_told_is_no_money(world: CardWorld) -> None:
    world.to_card()
    world.tell(events.CardReversed, report=3, reference="RB0701000001", amount_minor=5318, reason="line")
    assert (world.stage, world.state.books.attempt) == ("tender", None)


def test_the_end_of_the_day_is_on_record(world: CardWorld) -> None:
    orders = world.tell(
        events.BatchEnded, report=7, reference="B1", result="approved", count=2, total_minor=4150, reason=""
    )
    assert world.kinds()[-1] == "BatchClosed"
    assert orders == [AcknowledgeCard(7)]


# Another terminal


def elsewhere(world: CardWorld) -> None:
    world.to_card()
    world.decide_at_terminal("approved")
    world.tell(events.TerminalLost, reason="line")
    world.tell(events.TerminalConnected, terminal="OTHER99", detail="another")


def test_another_terminal_is_not_asked_what_became_of_a_sale(world: CardWorld) -> None:
    elsewhere(world)
    world.fire("card_look")
    assert world.ordered(FindCard) == []
    world.touch("staff")
    terminal = snapshot_terminal(world.state)[0]
    assert (terminal.reason, terminal.detail) == (
        "other_terminal",
        "sale RB0701000001 of 5318 is known to RB070001",
    )
    world.meet()
    world.answer(world.ordered(FindCard)[-1])
    assert world.state.books.card_minor == 5318


@pytest.mark.parametrize("result", ["absent", "declined", "cancelled", "not_started"])
def test_another_terminals_word_ends_no_sale(world: CardWorld, result: str) -> None:
    elsewhere(world)
    sale = world.till["RB0701000001"]
    world.report_card(sale, result, found=True)
    assert world.of(t.CardSaleEnded) == []
    assert world.state.books.attempt is not None
    world.meet()
    world.answer(world.ordered(FindCard)[-1])
    assert world.state.books.card_minor == 5318


def test_the_wrong_terminal_is_not_asked_either_after_a_restart(world: CardWorld) -> None:
    world.to_card()
    world.decide_at_terminal("approved")
    world.restart()
    world.tell(events.TerminalFault, code="wrong_terminal", detail="serial 7")
    world.tell(events.TerminalConnected, terminal="", detail="")
    assert world.ordered(FindCard) == []
    world.tell(events.TerminalFaultCleared, code="wrong_terminal")
    world.meet()
    assert len(world.ordered(FindCard)) == 1


def test_a_terminal_without_a_name_is_asked(world: CardWorld) -> None:
    world.to_card()
    world.tell(events.TerminalLost, reason="line")
    world.tell(events.TerminalConnected, terminal="", detail="")
    assert len(world.ordered(FindCard)) == 1


def test_a_void_is_looked_for_at_the_terminal_of_its_sale(world: CardWorld) -> None:
    world.to_card()
    world.end("approved", 2000)
    world.touch("refuse_partial")
    world.tell(events.TerminalLost, reason="line")
    world.tell(events.TerminalConnected, terminal="OTHER99", detail="another")
    assert world.ordered(FindCard) == []


def test_staff_who_sign_in_while_a_sale_is_looked_for_do_not_stop_the_looking(world: CardWorld) -> None:
    """Its terminal is away since the start: the looking goes on, and the kiosk is free once they sign out."""
    world.to_card()
    world.restart()
    world.touch("staff")
    world.touch("key", "1")
    world.touch("submit")
    world.tell(events.PinChecked, request=world.state.scene.request, who="ana")
    orders = world.fire("card_look")
    assert SetTimer("card_look", 30_000) in orders
    assert world.state.books.attempt is not None
    assert world.state.books.attempt.state == "unknown"
    world.touch("sign_out")
    assert world.stage == "attract"


def test_a_terminal_lost_before_the_sale_leaves_nobody_waiting_for_ever(world: CardWorld) -> None:
    """Who asked for the card may have gone: the choice of tenders must end by itself."""
    world.tell(events.OnlineChanged, online=True)
    world.to_tender()
    world.touch("pay_card")
    assert world.state.scene.card_phase == "preparing"
    orders = world.tell(events.TerminalLost, reason="line")
    assert world.stage == "tender"
    assert "idle" in [order.name for order in orders if isinstance(order, SetTimer)]
