"""Change from a recycler: what is offered, what is ordered, and what stands on record whatever then happens."""

from dataclasses import replace

import pytest

from kiosk.brain import change, events
from kiosk.brain.commands import AcknowledgeReport, DisableAcceptor, Exit, PayOut, PrintSlip
from kiosk.brain.limits import allowed_minor
from kiosk.domain import facts as f
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.brain_world import account
from tests.unit.change_world import Recycler


def lobby(**held: int) -> Recycler:
    world = Recycler(**held)
    world.boot()
    return world


def overpaid(**held: int) -> Recycler:
    """A bill of 53.18 with 60 put in."""
    world = lobby(**held)
    world.to_cash()
    world.pay(5000)
    world.pay(1000)
    return world


# What can be given


@pytest.mark.parametrize(
    ("held", "over_minor", "notes"),
    [
        ({"v100": 4, "v500": 2}, 682, (500, 100)),
        ({"v100": 4}, 682, (100, 100, 100, 100)),
        ({"v2000": 3}, 682, ()),
        ({"v5000": 1, "v2000": 3}, 6099, (2000, 2000, 2000)),
        ({"v100": 90}, 4000, (100,) * 20),
        ({}, 682, ()),
    ],
)
def test_most_of_what_is_over_is_given_with_few_notes(
    held: dict[str, int], over_minor: int, notes: tuple[int, ...]
) -> None:
    assert change.notes_for(lobby(**held).state, over_minor) == notes


@pytest.mark.parametrize(
    ("held", "offer_minor"),
    [
        ({}, 0),
        ({"v100": 4}, 400),
        ({"v100": 4, "v500": 1}, 900),
        ({"v100": 3, "v500": 1}, 300),
        ({"v500": 3}, 1500),
        ({"v100": 90}, 2000),
    ],
)
def test_the_offer_is_what_can_be_given_without_a_gap(held: dict[str, int], offer_minor: int) -> None:
    assert change.offer_minor(lobby(**held).state) == offer_minor


def test_a_larger_note_is_taken_when_its_change_is_there() -> None:
    world = lobby(v100=4, v500=3, v1000=1, v2000=2).to_cash()
    assert allowed_minor(world.state) == (100, 500, 1000, 2000, 5000, 10000)
    assert allowed_minor(lobby(v100=4).to_cash().state)[-1] == 10000, "the smallest that covers is taken in any case"
    world = lobby(v100=4).to_cash(account(1818))
    assert allowed_minor(world.state) == (100, 500, 1000, 2000)
    world = lobby(v100=4, v500=1, v1000=2).to_cash(account(1818))
    assert allowed_minor(world.state) == (100, 500, 1000, 2000)
    world = lobby(v100=4, v500=1, v1000=3).to_cash(account(1818))
    assert allowed_minor(world.state) == (100, 500, 1000, 2000, 5000)


def test_a_larger_note_is_not_taken_when_more_of_it_became_credit() -> None:
    assert allowed_minor(lobby(v2000=2).to_cash(account(1900)).state)[-1] == 2000


@pytest.mark.parametrize("trouble", ["lost", "jammed", "levels_unknown", "power_up"])
def test_nothing_is_offered_by_a_recycler_that_is_not_well(trouble: str) -> None:
    world = lobby(v100=9)
    if trouble == "lost":
        world.tell(events.AcceptorLost, reason="line")
    elif trouble == "jammed":
        world.tell(events.AcceptorFault, code="jammed", detail="")
    elif trouble == "power_up":
        world.tell(events.AcceptorPoweredUp)
    else:
        super(Recycler, world).connect()
    assert change.offer_minor(world.state) == 0


# Giving it


def test_change_is_announced_given_note_by_note_and_stands_in_the_payment() -> None:
    world = overpaid(v100=4, v500=2)
    [order] = world.ordered(PayOut)
    assert order == PayOut(1, ((1, 1), (3, 1)))
    [started] = world.of(f.PayoutStarted)
    assert (started.amount_minor, started.held) == (600, (f.NoteCount(100, 4), f.NoteCount(500, 2)))
    assert world.state.scene.stage == "closing"
    assert not world.of(f.PaymentCompleted), "the payment ends when the payout has ended"
    world.give()
    [done] = world.of(f.PaymentCompleted)
    assert (done.total_minor, done.change_minor, done.reason) == (5400, 600, "met")
    assert [line.amount_minor for line in done.lines] == [5318, 82]
    assert world.paid_out() == [500, 100]
    assert world.ends() == ["done"]
    assert world.state.books.cash_minor == 5400
    assert world.state.books.period_notes == (
        f.NoteCount(100, -1),
        f.NoteCount(500, -1),
        f.NoteCount(1000, 1),
        f.NoteCount(5000, 1),
    )
    assert world.state.scene.stage == "done"


def test_the_order_follows_its_fact_and_comes_after_the_slot_is_shut() -> None:
    world = overpaid(v500=1)
    at = [type(order) for order in world.orders]
    assert at.index(PayOut) > max(i for i, kind in enumerate(at) if kind is DisableAcceptor)
    kinds = world.kinds()
    assert kinds[-1] == "PayoutStarted"


def test_without_notes_to_give_all_is_credited_as_before() -> None:
    world = lobby()
    world.to_cash()
    world.pay(5000)
    world.pay(500)
    [done] = world.of(f.PaymentCompleted)
    assert (done.total_minor, done.change_minor) == (5500, 0)
    assert not world.of(f.PayoutStarted)


def test_who_agreed_to_credit_gets_no_change() -> None:
    world = lobby(v100=4, v500=2).to_cash()
    world.touch("allow_credit")
    world.pay(10000)
    world.touch("stop")
    world.close()
    assert world.of(f.PaymentCompleted)[0].change_minor == 0
    assert not world.ordered(PayOut)


@pytest.mark.parametrize(("out", "result"), [(0, "refused"), (1, "partial")])
def test_what_does_not_come_out_is_credited(out: int, result: str) -> None:
    world = overpaid(v100=4, v500=2)
    for _ in range(out):
        world.come_out()
        world.report_note()
    world.report_end(result, detail="jammed")
    [done] = world.of(f.PaymentCompleted)
    assert done.change_minor == 500 * out
    assert done.total_minor == 6000 - 500 * out
    assert world.ends() == [result]
    assert not world.of(f.ClaimOpened)
    assert world.picture.cash


def test_an_order_that_never_left_is_credited() -> None:
    world = overpaid(v500=1)
    orders = world.tell(events.PayoutEndedReport, report=0, payout=1, result="refused", detail="it is not ready")
    assert not [order for order in orders if isinstance(order, AcknowledgeReport)]
    assert world.of(f.PaymentCompleted)[0].change_minor == 0


@pytest.mark.parametrize("how", ["told", "overdue", "lost", "short"])
def test_an_unknown_end_opens_a_claim_and_stops_cash_until_staff_have_looked(how: str) -> None:
    world = overpaid(v100=4, v500=2)
    world.come_out()
    world.report_note()
    if how == "told":
        world.report_end("unknown")
    elif how == "short":
        world.report_end("done")
    else:
        if how == "lost":
            world.tell(events.AcceptorLost, reason="line")
        world.fire("payout")
    assert world.ends() == ["unknown"]
    [claim] = world.of(f.ClaimOpened)
    assert (claim.what, claim.amount_minor, claim.payment_id) == (
        "change_in_doubt",
        100,
        world.of(f.PayoutStarted)[0].payment_id,
    )
    assert world.ordered(PrintSlip)
    [done] = world.of(f.PaymentCompleted)
    assert (done.total_minor, done.change_minor) == (5500, 500)
    assert world.picture.notice == "change_in_doubt"
    world.touch("done")
    if how == "lost":
        world.connect()
    assert (world.picture.cash, world.picture.cash_reason) == (False, "change_in_doubt")
    world.restart()
    for name in ("printer", "screen"):
        world.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
    world.connect()
    assert not world.picture.cash
    world.touch("staff")
    world.touch("key", "1")
    world.touch("submit")
    world.tell(events.PinChecked, request=world.state.scene.request, who="Ada")
    world.touch("sign_out")
    assert world.picture.cash


def test_the_time_for_a_note_runs_from_the_one_before() -> None:
    world = overpaid(v100=4, v500=2)
    world.come_out()
    assert any(getattr(order, "name", "") == "payout" for order in world.report_note())


def test_a_note_nobody_asked_for_is_told_to_staff_and_books_nothing() -> None:
    world = lobby(v500=2)
    world.untold = [500]
    world.report_note(0)
    world.report_end("done", 0)
    assert not world.paid_out()
    assert [fact.fault for fact in world.of(f.DeviceFaultSeen)] == ["paid_out_unasked"] * 2


def test_a_report_that_comes_again_after_the_end_books_nothing() -> None:
    world = overpaid(v500=1)
    world.give()
    for number in (0, 1):
        world.untold = [500]
        world.report_note(number)
        world.report_end("done", number)
    assert world.paid_out() == [500]
    assert world.ends() == ["done"]


def test_a_card_in_the_payment_gives_no_more_change_than_cash_went_in() -> None:
    world = overpaid(v100=4, v500=2)
    payment = world.state.books.payment
    assert payment is not None
    few = replace(payment, notes=(f.NoteInPayment("n", 100),), change_tried=False, checks=())
    state = replace(world.state, books=replace(world.state.books, payment=replace(few, agreed_minor=0)))
    assert sum(change.due(state)) == 100


def test_stopping_waits_for_the_recycler() -> None:
    world = overpaid(v500=1)
    world.tell(events.StopRequested)
    assert not world.ordered(Exit)
    world.come_out()
    world.report_note()
    world.report_end("done")
    assert world.of(f.PaymentCompleted)[0].change_minor == 500


# Cut off


def cut(world: Recycler) -> None:
    """The process dies; the new one knows the journal, and its driver nothing."""
    world.restart()
    for name in ("printer", "scanner", "screen"):
        world.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
    world.number = 0
    world.connect()


def test_a_payout_that_never_began_is_found_so_and_never_ordered_again() -> None:
    world = overpaid(v100=4, v500=2)
    orders = len(world.ordered(PayOut))
    cut(world)
    assert not world.of(f.PaymentCompleted), "the device is asked first"
    world.close()
    assert world.ends() == ["refused"]
    assert world.of(f.PaymentCompleted)[0].total_minor == 6000
    assert len(world.ordered(PayOut)) == orders
    assert world.state.scene.stage == "attract"


@pytest.mark.parametrize("order", ["report first", "levels first"])
def test_a_note_told_after_a_restart_is_counted_once(order: str) -> None:
    world = overpaid(v100=4, v500=2)
    world.come_out()
    if order == "levels first":
        cut(world)
        world.report_note(0)
    else:
        world.restart()
        for name in ("printer", "screen"):
            world.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
        world.report_note(0)
        world.connect()
    world.report_end("done", 0)
    world.close()
    assert world.paid_out() == [500]
    assert world.ends() == ["partial"]
    done = world.of(f.PaymentCompleted)[0]
    assert (done.total_minor, done.change_minor) == (5500, 500)


def test_a_counted_note_told_again_is_counted_no_second_time() -> None:
    """Two notes of one value: the report alone could be of either."""
    world = overpaid(v100=6)
    world.come_out()
    world.report_note()
    world.untold = [100]
    cut(world)
    world.report_note(0)
    world.report_end("done", 0)
    world.close()
    assert world.paid_out() == [100]
    assert world.ends() == ["partial"]
    assert world.of(f.PaymentCompleted)[0].total_minor == 5900


def test_a_report_kept_from_before_a_second_cut_is_counted() -> None:
    world = overpaid(v100=6)
    world.come_out()
    cut(world)
    world.report_note(0)
    cut(world)
    world.close()
    assert world.paid_out() == [100]


def test_a_note_that_is_gone_and_was_never_told_is_in_doubt() -> None:
    world = overpaid(v100=4, v500=2)
    world.come_out()
    cut(world)
    world.close()
    assert world.paid_out() == []
    assert world.ends() == ["unknown"]
    assert [claim.what for claim in world.of(f.ClaimOpened)] == ["change_in_doubt"]
    assert world.of(f.PaymentCompleted)[0].total_minor == 6000


def test_nothing_is_concluded_while_something_moves_or_the_store_is_not_told() -> None:
    world = overpaid(v500=2)
    world.restart()
    super(Recycler, world).connect()
    world.close()
    assert world.state.books.payout is not None
    world.tell(events.NoteApproaching)
    world.tell_levels()
    assert world.state.books.payout is not None
    assert world.state.scene.stage == "starting"
    world.close()
    assert world.state.books.payout is None


def test_a_recycler_that_stays_silent_after_a_restart_is_in_doubt() -> None:
    world = overpaid(v500=2)
    world.restart()
    super(Recycler, world).connect()
    world.fire("payout")
    assert world.ends() == ["unknown"]
    assert len(world.of(f.PaymentCompleted)) == 1
