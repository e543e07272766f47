"""Goal: every rule of a note and of a payment's end. Method: literal journeys over the pure brain."""

import pytest

from kiosk.brain import events
from kiosk.brain.apply import Contradiction, apply
from kiosk.brain.commands import (
    AcknowledgeReport,
    CheckHead,
    DisableAcceptor,
    EnableAcceptor,
    Exit,
    PrintReceipt,
    ReturnNote,
    StackNote,
)
from kiosk.brain.limits import allowed_minor
from kiosk.domain import facts as f
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.brain_world import World, account


def completed(world: World) -> f.PaymentCompleted:
    (fact,) = world.of(f.PaymentCompleted)
    return fact  # type: ignore[no-any-return]


def test_exact_cash_pays_the_bill_and_ends_by_itself() -> None:
    world = World().boot().to_cash(account(2500))
    world.insert(2000)
    assert world.picture.payment is not None
    assert (world.picture.payment.in_minor, world.picture.payment.left_minor) == (2000, 500)
    world.insert(500)
    assert world.picture.screen == "done"
    assert completed(world).lines == (f.LinePaid("tok1", "INV1", 2500),)
    assert completed(world).receipt_number == "RB-07-1-000001"
    assert world.state.books.cash_minor == 2500


def test_the_request_is_recorded_before_stack_and_the_credit_before_acknowledge() -> None:
    world = World().boot().to_cash()
    answer = world.hold(2000)
    assert world.kinds()[-1] == "NoteStackRequested"
    assert [type(c) for c in answer if isinstance(c, (StackNote, ReturnNote))] == [StackNote]
    answer = world.stacked(2000)
    assert world.kinds()[-1] == "NoteStacked"
    assert AcknowledgeReport(1) in answer


def test_what_is_over_becomes_credit_and_only_the_covering_note_fits() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.insert(2000)
    assert allowed_minor(world.state) == (100, 500, 1000, 2000)
    world.insert(2000)
    assert completed(world).lines == (f.LinePaid("tok1", "INV1", 5318), f.LinePaid("tok1", "", 682))
    receipt = world.picture.receipt
    assert receipt is not None
    assert (receipt.paid_minor, receipt.credit_minor, receipt.left_minor) == (5318, 682, 0)


def test_a_note_larger_than_what_fits_goes_back_and_counts_nothing() -> None:
    world = World().boot().to_cash(account(700))
    world.insert(5000)
    assert world.picture.notice == "note_too_large"
    assert world.of(f.NoteStackRequested) == []
    world.touch("allow_credit")
    world.insert(5000)
    assert world.state.books.cash_minor == 5000


def test_agreed_credit_keeps_the_slot_open_after_the_bill_is_met() -> None:
    world = World().boot().to_cash(account(2000))
    world.touch("allow_credit")
    world.insert(2000)
    assert world.picture.screen == "cash"
    world.touch("stop")
    world.tell(events.AcceptorIdle)
    assert completed(world).total_minor == 2000


def test_stopping_short_is_asked_once_more_then_is_a_part_payment() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.touch("stop")
    assert world.picture.screen == "review"
    world.touch("put_in_more")
    world.insert(1000)
    world.touch("stop")
    world.touch("confirm")
    world.tell(events.AcceptorIdle)
    assert completed(world).total_minor == 3000
    assert completed(world).reason == "stopped"
    assert world.picture.receipt is not None
    assert world.picture.receipt.left_minor == 2318


def test_a_stop_while_a_note_moves_is_remembered() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.touch("stop")
    assert world.picture.screen == "cash"
    world.stacked(2000)
    assert world.picture.screen == "review"


def test_cancel_before_the_first_note_leaves_nothing_behind() -> None:
    world = World().boot().to_cash()
    world.touch("back")
    assert world.picture.screen == "closing"
    world.tell(events.AcceptorIdle)
    assert world.picture.screen == "attract"
    assert world.kinds()[-2:] == ["PaymentAbandoned", "SessionClosed"]


def test_a_note_on_its_way_when_the_person_cancels_comes_back() -> None:
    world = World().boot().to_cash()
    world.touch("back")
    assert ReturnNote(1) in world.hold(2000)
    world.returned()
    world.tell(events.AcceptorIdle)
    assert world.state.books.cash_minor == 0


def test_walking_away_with_money_in_applies_it() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.fire("idle")
    assert world.picture.idle_left_s == 45
    for _ in range(45):
        world.fire("idle_tick")
    world.tell(events.AcceptorIdle)
    assert completed(world).reason == "idle"
    assert completed(world).total_minor == 2000


def test_a_touch_answers_the_idle_question() -> None:
    world = World().boot().to_cash()
    world.fire("idle")
    world.touch("more_time")
    assert world.picture.idle_left_s == 0
    world.fire("idle_tick")
    assert world.picture.screen == "cash"


def test_idle_does_nothing_while_a_note_is_under_way() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.fire("idle")
    assert world.picture.idle_left_s == 0


def test_a_returned_note_clears_its_amount() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.returned("rejected")
    assert world.state.books.note is None
    assert world.state.books.cash_minor == 0
    assert world.kinds()[-1] == "NoteReturned"


def test_another_value_stacked_than_held_is_credited_as_stacked_with_an_alarm() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.stacked(1000)
    assert world.state.books.cash_minor == 1000
    assert world.of(f.DeviceFaultSeen)[-1].fault == "value_changed"


def test_money_nobody_asked_for_is_unexpected_and_credits_no_one() -> None:
    world = World().boot()
    world.stacked(2000)
    assert [fact.value_minor for fact in world.of(f.NoteUnexpected)] == [2000]
    assert world.of(f.NoteStacked) == []
    world.stacked(0, self_test=True)
    assert len(world.of(f.NoteUnexpected)) == 1


@pytest.mark.parametrize("flags", [{}, {"power_up": True, "clean": True}, {"replay": True}])
def test_a_note_without_a_value_that_nobody_asked_for_is_on_record_and_counts_nothing(flags: dict[str, bool]) -> None:
    """It lies in the cassette: whoever counts has to hear of it, and no sum may hold it."""
    world = World().boot()
    assert AcknowledgeReport(1) in world.stacked(0, **flags)
    (found,) = world.of(f.NoteUnexpected)
    assert (found.channel, found.value_minor, found.reason) == (0, 0, "no_value")
    assert world.state.books.cash_minor == 0
    assert world.state.books.period_notes == (f.NoteCount(0, 1),)
    assert [fact.amount_minor for fact in world.of(f.ClaimOpened)] == [0]


def test_a_note_without_a_value_that_may_be_one_told_before_opens_no_claim() -> None:
    """The last note is counted, and a host that starts anew may hear of it once more. That cannot be told from another
    one: it is on record all the same."""
    world = World().boot().to_cash()
    world.insert(2000)
    world.restart()
    world.stacked(0, replay=True)
    assert len(world.of(f.NoteUnexpected)) == 1
    assert world.of(f.ClaimOpened) == []
    assert world.state.books.cash_minor == 2000


def test_a_note_without_a_value_may_be_the_one_in_doubt_and_opens_no_second_claim() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.fire("note_open")
    world.stacked(0, power_up=True)
    assert [fact.what for fact in world.of(f.ClaimOpened)] == ["note_in_doubt"]
    assert [item.what for item in world.picture.aftermath] == ["lost"]


def test_staff_see_a_note_without_a_value_before_and_at_the_swap() -> None:
    world = World().boot()
    world.stacked(500)
    world.stacked(0)
    world.touch("staff")
    world.touch("key", "1")
    world.touch("submit")
    world.tell(events.PinChecked, request=world.state.scene.request, who="Dana")
    assert world.picture.staff is not None
    assert (world.picture.staff.notes, world.picture.staff.unvalued, world.picture.staff.total_minor) == (2, 1, 500)
    world.touch("swap_cassette")
    world.touch("confirm")
    (closed,) = world.of(f.CassettePeriodClosed)
    assert (closed.notes, closed.total_minor) == ((f.NoteCount(0, 1), f.NoteCount(500, 1)), 500)


def test_a_replayed_stacked_report_after_a_restart_is_old_news() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.restart()
    assert AcknowledgeReport(2) in world.stacked(2000, replay=True)
    assert world.of(f.NoteUnexpected) == []
    assert world.state.books.cash_minor == 2000


@pytest.mark.parametrize(
    ("power_up", "clean", "outcome"),
    [(True, True, "NoteStacked"), (True, False, "NoteInDoubt"), (False, True, "NoteInDoubt")],
)
def test_a_blank_report_counts_only_if_nothing_else_was_seen_since_power_up(
    power_up: bool, clean: bool, outcome: str
) -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.tell(events.AcceptorPoweredUp)
    world.stacked(0, power_up=power_up, clean=clean)
    assert outcome in world.kinds()
    assert world.state.books.cash_minor == (2000 if outcome == "NoteStacked" else 0)


def test_power_cut_between_request_and_stacked_credits_the_same_payment_after_the_boot() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.hold(1000)
    world.restart()
    assert [fact.total_minor for fact in world.of(f.PaymentCompleted)] == [2000]
    assert world.picture.screen == "starting"
    world.connect()
    world.stacked(1000)
    totals = [(fact.payment_id, fact.total_minor) for fact in world.of(f.PaymentCompleted)]
    assert totals == [(totals[0][0], 2000), (totals[0][0], 1000)]
    assert [(told.what, told.amount_minor, told.last4) for told in world.picture.aftermath] == [
        ("applied", 2000, "4417"),
        ("applied", 1000, "4417"),
    ]
    assert world.state.books.payment is None


def test_a_note_still_held_after_the_boot_is_returned() -> None:
    world = World().boot().to_cash()
    world.hold(1000)
    world.restart()
    world.connect()
    assert ReturnNote(2) in world.hold(1000)
    world.returned()
    assert world.state.books.payment is None
    assert world.of(f.PaymentCompleted) == []


def test_a_device_without_an_answer_puts_the_note_in_doubt() -> None:
    world = World().boot().to_cash()
    world.hold(1000)
    world.restart()
    world.connect()
    world.fire("note_open")
    assert [fact.reason for fact in world.of(f.NoteInDoubt)] == ["no_report"]
    assert world.state.books.doubtful_minor == 1000
    assert "PaymentAbandoned" in world.kinds()


def test_no_session_opens_while_a_note_is_open() -> None:
    world = World().boot().to_cash()
    world.hold(1000)
    world.restart()
    world.touch("type_account")
    world.scan()
    assert world.of(f.SessionOpened) == world.of(f.SessionOpened)[:1]


def test_lost_acceptor_keeps_the_person_and_comes_back() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.tell(events.AcceptorLost, reason="line")
    assert (world.picture.screen, world.picture.notice, world.picture.cash) == ("cash", "cash_lost", False)
    world.connect()
    assert world.picture.notice == "cash_back"
    assert isinstance(world.orders[-1], EnableAcceptor)
    world.insert(2000)
    assert world.state.books.cash_minor == 4000


def test_lost_with_a_note_under_way_closes_what_is_certain_and_waits_for_the_note() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.hold(1000)
    world.tell(events.AcceptorLost, reason="line")
    world.fire("note_lost")
    assert world.picture.screen == "done"
    assert completed(world).total_minor == 2000
    world.touch("done")
    assert world.picture.screen == "starting"
    world.connect()
    world.stacked(1000)
    assert [fact.total_minor for fact in world.of(f.PaymentCompleted)] == [2000, 1000]


def test_the_screen_falling_silent_inhibits_cash() -> None:
    world = World().boot().to_cash()
    answer = world.tell(events.HealthChanged, health=DeviceHealth("screen", "lost"))
    assert DisableAcceptor() in answer
    assert ReturnNote(1) in world.hold(2000)
    answer = world.tell(events.HealthChanged, health=DeviceHealth("screen", "ready"))
    assert any(isinstance(command, EnableAcceptor) for command in answer)


def test_a_wrong_value_table_refuses_cash() -> None:
    world = World().boot()
    world.tell(events.AcceptorConnected, table=((5, 1000),), detail="CAD")
    assert world.picture.screen == "out_of_service"
    assert world.picture.cash_reason == "wrong_table"


def test_the_head_is_compared_before_the_first_note_when_online() -> None:
    world = World().boot()
    world.tell(events.OnlineChanged, online=True)
    world.to_cash()
    assert world.ordered(CheckHead)
    assert ReturnNote(1) in world.hold(2000)
    world.tell(events.HeadChecked, request=world.state.scene.request, result="same")
    assert isinstance(world.orders[-1], EnableAcceptor)


@pytest.mark.parametrize("result", ["ahead", "differs"])
def test_a_server_that_knows_another_journal_stops_money(result: str) -> None:
    world = World().boot()
    world.tell(events.OnlineChanged, online=True)
    world.to_cash()
    world.tell(events.HeadChecked, request=world.state.scene.request, result=result)
    world.tell(events.AcceptorIdle)
    assert world.picture.screen == "out_of_service"
    assert world.state.books.frozen == f"head_{result}"


def test_stop_signal_waits_for_the_note_closes_the_payment_and_exits() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.tell(events.StopRequested)
    assert world.ordered(Exit) == []
    world.stacked(2000)
    world.tell(events.AcceptorIdle)
    assert completed(world).reason == "stopping"
    world.print_all()
    assert world.ordered(Exit)


def test_printer_out_of_paper_never_blocks_the_payment() -> None:
    world = World().boot()
    world.tell(events.HealthChanged, health=DeviceHealth("printer", "faulted", "paper_out"))
    world.to_cash(account(2000))
    assert world.picture.notice == "printer_out"
    world.insert(2000)
    assert world.of(f.ReceiptFailed)[0].reason == "paper_out"
    assert world.picture.receipt is not None
    assert world.picture.receipt.printed == "unavailable"


def test_the_receipt_waits_for_the_server_but_not_long() -> None:
    world = World().boot()
    world.tell(events.OnlineChanged, online=True)
    world.to_cash(account(2000))
    world.tell(events.HeadChecked, request=world.state.scene.request, result="same")
    world.insert(2000)
    assert world.ordered(PrintReceipt) == []
    world.tell(events.Acknowledged, receipts=("RB-07-1-000001",), unposted=0)
    assert [order.posted for order in world.ordered(PrintReceipt)] == [True]
    world.fire("posting")
    assert len(world.ordered(PrintReceipt)) == 1


def test_a_second_session_sees_nothing_of_the_first() -> None:
    world = World().boot().to_cash(account(2000))
    world.touch("language", "es")
    world.touch("text_size", "3")
    world.insert(2000)
    world.print_all()
    world.touch("done")
    picture = world.picture
    assert (picture.language, picture.text_size, picture.account, picture.receipt) == ("en", 0, None, None)


def test_cassette_periods() -> None:
    world = World().boot().to_cash(account(2000))
    world.insert(2000)
    world.print_all()
    world.touch("done")
    world.touch("staff")
    for digit in "1234":
        world.touch("key", digit)
    assert world.picture.entry == "••••"
    world.touch("submit")
    world.tell(events.PinChecked, request=world.state.scene.request, who="Ada")
    world.touch("swap_cassette")
    world.touch("confirm")
    closed = world.of(f.CassettePeriodClosed)[0]
    assert (closed.period, closed.total_minor, closed.by, closed.reason) == (1, 2000, "Ada", "swapped")
    world.tell(events.AcceptorFault, code="cassette_removed", detail="")
    assert world.state.books.period == 2, "an announced removal opens no second period"
    world.tell(events.AcceptorFaultCleared, code="cassette_removed")
    world.touch("sign_out")
    world.to_cash(account(2000)).insert(2000)
    world.tell(events.AcceptorFault, code="cassette_removed", detail="")
    assert world.state.books.period == 3
    assert world.of(f.CassettePeriodClosed)[1].reason == "removed"


def test_five_wrong_pins_lock_the_door() -> None:
    world = World().boot()
    world.touch("staff")
    for _ in range(5):
        world.touch("key", "9")
        world.touch("submit")
        world.tell(events.PinChecked, request=world.state.scene.request, who="")
    assert world.picture.notice == "pin_locked"
    world.touch("key", "9")
    before = len(world.orders)
    world.touch("submit")
    assert not any(type(order).__name__ == "CheckPin" for order in world.orders[before:])
    world.fire("pin_lock")
    assert world.picture.notice == ""


def test_contradicting_facts_raise() -> None:
    world = World().boot()
    with pytest.raises(Contradiction):
        apply(world.state.books, f.NoteStacked("n", "p", 2000, "USD", 1, False))
    with pytest.raises(Contradiction):
        apply(world.state.books, f.CassettePeriodOpened(7))


def test_an_unlisted_event_raises() -> None:
    class Unheard(events.Event):
        pass

    with pytest.raises(KeyError):
        World().boot().tell(Unheard)
