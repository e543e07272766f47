"""The rules of a check, one by one."""

from dataclasses import replace
from typing import Any

import pytest

from kiosk.brain import events
from kiosk.brain.commands import Exit, FrankCheck, ListenForCheck, RestCheckReader
from kiosk.brain.state import State
from kiosk.domain import tenders as t
from kiosk.domain.facts import CassettePeriodClosed, KioskFrozen, PaymentCompleted
from kiosk.domain.invoice import TenderLimit
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.brain_world import World, account
from tests.unit.check_world import CheckWorld, check_settings


@pytest.fixture
def world() -> CheckWorld:
    return CheckWorld().boot()


def test_a_check_pays_the_bill(world: CheckWorld) -> None:
    world.to_slot()
    awaited = world.of(t.CheckAwaited)
    assert world.phase == "slot"
    assert not world.of(t.CheckTaken)
    world.touch("check_in")
    world.tell(events.AcceptorIdle)
    taken = world.of(t.CheckTaken)
    assert [(c.check_id, c.amount_minor, c.number, c.account_last4) for c in taken] == [
        (awaited[0].check_id, 5318, "1045", "6789")
    ]
    done = world.of(PaymentCompleted)
    assert [d.checks for d in done] == [(t.CheckInPayment(awaited[0].check_id, "1045", 5318),)]
    assert done[0].total_minor == 5318
    assert world.picture.receipt is not None
    assert world.picture.receipt.check_minor == 5318


def test_the_memo_is_on_record_before_the_person_is_asked_to_drop_it(world: CheckWorld) -> None:
    world.to_check()
    world.feed()
    world.type(5318)
    assert not world.of(t.CheckAwaited)
    world.type(5318)
    assert len(world.of(t.CheckAwaited)) == 1
    world.restart()  # the power goes while they drop it: no money, and a memo that tells whose check it may be
    assert world.state.books.check_minor == 0
    assert world.of(t.CheckAwaited)[0].number == "1045"


def test_both_amounts_must_be_equal(world: CheckWorld) -> None:
    world.to_check()
    world.feed()
    world.type(5318)
    assert world.phase == "again"
    world.type(5381)
    assert (world.phase, world.notice) == ("amount", "check_differs")
    world.type(5318)
    world.type(5318)
    assert world.phase == "slot"


def test_nothing_is_no_amount(world: CheckWorld) -> None:
    world.to_check()
    world.feed()
    world.touch("submit")
    world.type(0)
    assert world.phase == "amount"


def test_a_check_over_what_is_left_is_refused(world: CheckWorld) -> None:
    world.to_check()
    world.feed()
    world.type(5319)
    assert (world.phase, world.notice, world.state.scene.notice_minor) == ("amount", "check_too_high", 5318)


def test_limits_of_kiosk_and_city_hold(world: CheckWorld) -> None:
    world.to_check(900_000)
    world.feed()
    world.type(100_001)
    assert (world.notice, world.state.scene.notice_minor) == ("check_too_high", 100_000)
    other = CheckWorld().boot().to_check(5318, limits=(TenderLimit("check", 2000, 9000),))
    other.feed()
    other.type(2001)
    assert (other.notice, other.state.scene.notice_minor) == ("check_too_high", 2000)


def test_a_part_by_check_and_the_rest_in_cash(world: CheckWorld) -> None:
    world.to_slot(5000, 6000).touch("check_in")
    assert (world.state.scene.stage, world.notice) == ("tender", "check_taken")
    world.touch("pay_cash")
    world.insert(1000)
    assert world.of(PaymentCompleted)[0].total_minor == 6000
    assert world.state.books.check_minor == 5000


def test_a_part_in_cash_and_the_rest_by_check(world: CheckWorld) -> None:
    world.to_cash(account(6000))
    world.insert(1000)
    world.touch("stop")
    world.touch("put_in_more")
    assert world.state.scene.stage == "tender"
    world.touch("pay_check")
    world.feed()
    world.type(5001)
    assert (world.notice, world.state.scene.notice_minor) == ("check_too_high", 5000)
    world.type(5000)
    world.type(5000)
    world.touch("check_in")
    world.tell(events.AcceptorIdle)
    done = world.of(PaymentCompleted)[0]
    assert (done.total_minor, len(done.notes), done.checks[0].amount_minor) == (6000, 1, 5000)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"checks_refused": True}, "check_flagged"),
        ({"live": False}, "check_offline"),
        ({"limits": (TenderLimit("check", None, 0),)}, "check_too_high"),
    ],
)
def test_no_check_for_an_account_that_may_not(world: CheckWorld, changes: dict[str, Any], reason: str) -> None:
    world.to_check(**changes)
    assert world.state.scene.stage == "tender"
    assert (world.picture.check, world.picture.check_reason, world.notice) == (False, reason, "check_unavailable")


def test_one_flagged_account_of_several_is_enough(world: CheckWorld) -> None:
    world.scan(replace(account(1000), ref="other", checks_refused=True))
    world.touch("pay_full")
    world.touch("add_bill")
    world.to_check()
    assert world.picture.check_reason == "check_flagged"


def test_no_check_without_a_reader() -> None:
    plain = World().boot()
    plain.scan()
    plain.touch("pay_full")
    plain.touch("pay_check")
    assert plain.picture.check_reason == "no_check_reader"
    lost = CheckWorld().boot()
    lost.tell(events.CheckReaderLost, reason="no_answer")
    lost.to_check()
    assert (lost.state.scene.stage, lost.picture.check_reason) == ("tender", "check_reader_lost")


def test_no_check_while_the_cassette_with_its_pocket_is_out(world: CheckWorld) -> None:
    world.tell(events.AcceptorFault, code="cassette_removed", detail="")
    world.to_check()
    assert world.picture.check_reason == "cassette_removed"


def test_the_cassette_goes_out_while_the_amount_is_typed(world: CheckWorld) -> None:
    world.to_check()
    world.feed()
    world.type(5318)
    world.tell(events.AcceptorFault, code="cassette_removed", detail="")
    world.type(5318)
    assert (world.state.scene.stage, world.notice) == ("tender", "check_unavailable")
    assert not world.of(t.CheckAwaited)


@pytest.mark.parametrize(
    ("code", "notice"),
    [
        ("unreadable", "check_unreadable"),
        ("garbled", "check_unreadable"),
        ("routing", "check_unreadable"),
        ("number", "check_counter"),
        ("foreign", "check_counter"),
        ("deposited", "check_counter"),
    ],
)
def test_a_check_that_cannot_be_read_may_be_tried_again(world: CheckWorld, code: str, notice: str) -> None:
    world.to_check().tell(events.CheckUnread, code=code)
    assert (world.phase, world.notice) == ("read", notice)
    world.feed()
    assert world.phase == "amount"


def test_a_check_is_taken_once(world: CheckWorld) -> None:
    world.to_slot(2000).touch("check_in")
    world.touch("pay_check")
    world.feed()
    assert (world.phase, world.notice) == ("read", "check_twice")
    world.feed("1046")
    world.type(3318)
    world.type(3318)
    world.touch("check_in")
    world.tell(events.AcceptorIdle)
    world.touch("done")
    world.to_check()  # the next person
    world.feed()
    assert world.notice == "check_twice"
    assert [c.number for c in world.of(t.CheckTaken)] == ["1045", "1046"]


def test_a_second_press_takes_it_once(world: CheckWorld) -> None:
    world.to_slot(2000)
    world.touch("check_in")
    world.touch("check_in")
    assert len(world.of(t.CheckTaken)) == 1


def test_a_check_read_while_none_is_awaited_is_nobodys(world: CheckWorld) -> None:
    world.feed()
    world.tell(events.CheckUnread, code="unreadable")
    world.to_slot()
    world.feed("1046")
    assert world.picture.check_view is not None
    assert world.picture.check_view.number == "1045"


def test_the_reader_listens_only_while_a_check_is_awaited(world: CheckWorld) -> None:
    world.to_check()
    assert world.orders[-1] == ListenForCheck()
    world.tell(events.CheckReaderConnected, detail="again")
    assert world.orders[-1] == ListenForCheck()
    world.feed()
    assert world.orders.index(RestCheckReader()) > world.orders.index(ListenForCheck())
    world.touch("cancel_check")
    world.touch("pay_check")
    world.touch("start_over")
    world.tell(events.AcceptorIdle)
    assert world.state.scene.stage == "attract"
    listening = [o for o in world.orders if isinstance(o, ListenForCheck | RestCheckReader)]
    assert listening[-1] == RestCheckReader()


def test_a_lost_reader_ends_the_waiting_and_not_the_typing(world: CheckWorld) -> None:
    world.to_check().tell(events.CheckReaderLost, reason="line_lost")
    assert (world.state.scene.stage, world.notice) == ("tender", "check_unavailable")
    world.tell(events.CheckReaderConnected, detail="")
    world.touch("pay_check")
    world.feed()
    world.tell(events.CheckReaderLost, reason="line_lost")
    world.type(5318)
    world.type(5318)
    world.touch("check_in")
    assert len(world.of(t.CheckTaken)) == 1


def test_the_city_books_are_compared_before_the_check_is_dropped(world: CheckWorld) -> None:
    world.tell(events.OnlineChanged, online=True)
    world.to_check()
    world.feed()
    world.type(5318)
    world.type(5318)
    assert (world.phase, world.notice) == ("again", "server_slow")
    world.tell(events.HeadChecked, request=world.state.scene.request, result="same")
    world.touch("submit")
    assert world.phase == "slot"


def test_another_head_ends_the_payment(world: CheckWorld) -> None:
    world.tell(events.OnlineChanged, online=True)
    world.to_check()
    world.feed()
    world.tell(events.HeadChecked, request=world.state.scene.request, result="differs")
    assert world.of(KioskFrozen)
    assert world.state.scene.stage != "check"


def test_a_silent_server_is_not_waited_for(world: CheckWorld) -> None:
    world.tell(events.OnlineChanged, online=True)
    world.to_check()
    world.feed()
    world.fire("head")
    world.type(5318)
    world.type(5318)
    assert world.phase == "slot"


def test_trouble_after_the_slot_takes_the_check_still(world: CheckWorld) -> None:
    world.to_slot()
    world.tell(events.HealthChanged, health=DeviceHealth("storage", "faulted", "disk_slow"))
    world.tell(events.AcceptorFault, code="cassette_removed", detail="")
    world.touch("check_in")
    assert len(world.of(t.CheckTaken)) == 1


@pytest.mark.parametrize("end", ["idle", "start_over", "cancel_check"])
def test_whoever_goes_without_saying_that_it_is_in_pays_nothing(world: CheckWorld, end: str) -> None:
    world.to_slot()
    if end == "idle":
        world.fire("idle")
        for _ in range(60):
            world.fire("idle_tick")
    else:
        world.touch(end)
    world.tell(events.AcceptorIdle)
    assert not world.of(t.CheckTaken)
    assert not world.of(PaymentCompleted)
    assert world.state.books.check_minor == 0
    assert len(world.of(t.CheckAwaited)) == 1


def test_a_stop_leaves_a_moment_to_say_that_it_is_in(world: CheckWorld) -> None:
    world.to_slot()
    assert Exit() not in world.tell(events.StopRequested)
    world.touch("check_in")
    world.tell(events.AcceptorIdle)
    assert world.of(PaymentCompleted)[0].total_minor == 5318


@pytest.mark.parametrize("how", ["cancel_check", "nothing"])
def test_a_stop_does_not_wait_for_ever_at_the_slot(world: CheckWorld, how: str) -> None:
    world.to_slot()
    world.tell(events.StopRequested)
    if how == "cancel_check":
        world.touch("cancel_check")
        orders = world.tell(events.AcceptorIdle)
    else:
        orders = world.fire("stop")
    assert Exit() in orders
    assert not world.of(t.CheckTaken)


def test_a_stop_before_the_slot_ends_the_payment(world: CheckWorld) -> None:
    world.to_check()
    world.feed()
    world.tell(events.StopRequested)
    assert world.state.scene.stage == "closing"


def test_a_restart_completes_what_a_check_paid(world: CheckWorld) -> None:
    world.to_slot(2000).touch("check_in")
    world.restart()
    assert world.of(PaymentCompleted)[0].total_minor == 2000


def test_no_more_checks_than_a_record_has_room_for(world: CheckWorld) -> None:
    world.to_check()
    for number in range(5):
        world.feed(f"20{number}")
        world.type(100)
        world.type(100)
        world.touch("check_in")
        world.touch("pay_check")
    assert world.picture.check_reason == "check_count"


def test_the_period_counts_its_checks(world: CheckWorld) -> None:
    world.to_slot().touch("check_in")
    world.tell(events.AcceptorIdle)
    world.tell(events.AcceptorFault, code="cassette_removed", detail="")
    closed = world.of(CassettePeriodClosed)
    assert [(c.checks, c.check_minor, c.total_minor) for c in closed] == [(1, 5318, 0)]
    assert (world.state.books.period_checks, world.state.books.period_check_minor) == (0, 0)
    assert world.state.books.check_minor == 5318


# Franking


@pytest.fixture
def stamping() -> CheckWorld:
    """A kiosk whose printer prints on checks."""
    return CheckWorld(State(replace(check_settings(), franks=True))).boot()


@pytest.mark.parametrize(("outcome", "franked"), [("confirmed", True), ("sent", False), ("failed", False)])
def test_a_check_is_franked_where_the_printer_can(stamping: CheckWorld, outcome: str, franked: bool) -> None:
    stamping.to_slot()
    assert stamping.phase == "frank"
    assert not stamping.of(t.CheckAwaited)
    order = stamping.ordered(FrankCheck)[-1]
    assert order.number == "1045"
    stamping.tell(events.PrintFinished, job=order.job, outcome=outcome, reason="")
    assert stamping.phase == "slot"
    stamping.touch("check_in")
    assert [check.franked for check in stamping.of(t.CheckTaken)] == [franked]
    assert stamping.of(t.CheckTaken)[0].check_id == stamping.of(t.CheckAwaited)[0].check_id


def test_a_printer_that_is_out_keeps_nobody_from_paying(stamping: CheckWorld) -> None:
    stamping.tell(events.HealthChanged, health=DeviceHealth("printer", "faulted", "paper_out"))
    stamping.to_slot()
    assert stamping.phase == "slot"
    assert not stamping.ordered(FrankCheck)


def test_a_stamp_for_somebody_who_left_is_nobodys(stamping: CheckWorld) -> None:
    stamping.to_slot()
    old = stamping.ordered(FrankCheck)[-1].job
    stamping.touch("cancel_check")
    stamping.tell(events.PrintFinished, job=old, outcome="confirmed", reason="")
    assert stamping.state.scene.stage == "tender"
    stamping.touch("pay_check")
    stamping.feed("1046")
    stamping.type(5318)
    stamping.type(5318)
    stamping.tell(events.PrintFinished, job=old, outcome="confirmed", reason="")
    assert stamping.phase == "frank"


def test_the_cassette_goes_out_while_the_check_is_stamped(stamping: CheckWorld) -> None:
    stamping.to_slot()
    stamping.tell(events.AcceptorFault, code="cassette_removed", detail="")
    stamping.tell(events.PrintFinished, job=stamping.ordered(FrankCheck)[-1].job, outcome="confirmed", reason="")
    assert (stamping.state.scene.stage, stamping.notice) == ("tender", "check_unavailable")


def test_checks_alone_keep_the_kiosk_open_while_the_city_answers(world: CheckWorld) -> None:
    world.tell(events.OnlineChanged, online=True)
    world.tell(events.AcceptorLost, reason="unplugged")
    assert world.picture.screen == "attract"
    world.tell(events.OnlineChanged, online=False)  # nobody could say whether an account's checks are sound
    assert world.picture.screen == "out_of_service"
    world.tell(events.OnlineChanged, online=True)
    world.tell(events.CheckReaderLost, reason="unplugged")
    assert world.picture.screen == "out_of_service"


def test_no_cassette_no_check(world: CheckWorld) -> None:
    world.tell(events.OnlineChanged, online=True)
    world.tell(events.AcceptorFault, code="cassette_removed", detail="")
    assert world.picture.screen == "out_of_service"
