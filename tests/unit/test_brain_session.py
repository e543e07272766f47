"""Goal: everything a resident or staff can do before, around and after the money. Method: literal journeys."""

import pytest

from kiosk.brain import events
from kiosk.brain.commands import CheckTyped, Exit, Look, LookUp, PrintReceipt, PrintTicket
from kiosk.domain import facts as f
from kiosk.domain.invoice import Account, InvoiceReference
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.brain_world import World, account


def type_digits(world: World, digits: str) -> None:
    for digit in digits:
        world.touch("key", digit)


def typed(world: World) -> CheckTyped:
    world.touch("type_account")
    type_digits(world, "44170934")
    world.touch("submit")
    assert world.picture.field == "house"
    type_digits(world, "142")
    world.touch("submit")
    (check,) = world.ordered(CheckTyped)
    return check  # type: ignore[no-any-return]


# Finding the bill


def test_typing_an_account_looks_it_up() -> None:
    world = World().boot()
    check = typed(world)
    assert (check.number, check.check) == ("44170934", "142")
    world.tell(events.AccountTyped, request=check.request, reference=InvoiceReference("44170934", check="142"))
    assert world.picture.screen == "finding"
    (look_up,) = world.ordered(LookUp)
    world.tell(events.AccountFound, request=look_up.request, account=account())
    assert world.picture.screen == "invoice"


def test_a_number_that_cannot_be_one_is_asked_again() -> None:
    world = World().boot()
    check = typed(world)
    world.tell(events.AccountTyped, request="an old request", reference=None)
    assert world.picture.field == "house"
    world.tell(events.AccountTyped, request=check.request, reference=None)
    assert (world.picture.notice, world.picture.field, world.picture.entry) == ("scan_check", "account", "")


def test_keys_delete_clear_and_stop_at_the_end() -> None:
    world = World().boot()
    world.touch("type_account")
    type_digits(world, "1234567890123456")
    assert world.picture.entry == "123456789012"
    world.touch("key", "back")
    assert world.picture.entry == "12345678901"
    world.touch("key", "clear")
    for junk in ("x", "12", "", "٣"):
        world.touch("key", junk)
    assert world.picture.entry == ""
    world.touch("submit")
    assert world.picture.field == "account"


def test_going_back_step_by_step() -> None:
    world = World().boot()
    typed(world)
    world.touch("back")
    assert (world.picture.field, world.picture.entry) == ("account", "44170934")
    world.touch("back")
    assert world.picture.screen == "attract"
    world.scan()
    world.touch("pay_other")
    world.touch("back")
    assert world.picture.screen == "invoice"
    world.touch("pay_full")
    world.touch("back")
    assert world.picture.screen == "invoice"
    world.touch("start_over")
    assert world.kinds()[-1] == "SessionClosed"


@pytest.mark.parametrize("code", ["unknown", "short", "check", "postal", "ambiguous"])
def test_a_refused_scan_says_why_and_offers_typing(code: str) -> None:
    world = World().boot()
    world.tell(events.ScanRefused, code=code)
    assert (world.picture.screen, world.picture.notice) == ("type_account", f"scan_{code}")


def test_scans_in_the_middle_of_paying_do_nothing() -> None:
    world = World().boot().to_cash()
    before = len(world.orders)
    world.tell(events.ScanRefused, code="unknown")
    world.tell(events.BillScanned, reference=InvoiceReference("1"))
    assert world.orders[before:] == []
    assert world.picture.screen == "cash"


def test_unknown_closed_and_settled_accounts() -> None:
    world = World().boot()
    world.tell(events.BillScanned, reference=InvoiceReference("1", scan="s"))
    request = world.state.scene.request
    world.tell(events.AccountNotFound, request="another")
    world.tell(events.AccountNotFound, request=request)
    assert world.picture.notice == "account_unknown"
    world.scan(Account("t", "4417", status="closed"))
    assert world.picture.notice == "account_closed"
    world.touch("start_over")
    world.scan(account(0))
    assert world.picture.notice == "nothing_owed"
    world.touch("pay_full")
    assert world.picture.screen == "invoice"


def test_another_amount_than_printed_is_said() -> None:
    world = World().boot()
    reference = InvoiceReference("1", scan="s", printed_minor=9_900)
    world.tell(events.BillScanned, reference=reference)
    world.tell(events.AccountFound, request=world.state.scene.request, account=account(5318))
    assert (world.picture.notice, world.picture.notice_minor) == ("printed_amount", 9_900)


def test_without_the_server_the_printed_amount_will_do() -> None:
    world = World().boot()
    reference = InvoiceReference("44170934", scan="s", invoice="0000101", printed_minor=5318)
    world.tell(events.BillScanned, reference=reference)
    world.fire("look_up")
    picture = world.picture
    assert (picture.notice, picture.account and picture.account.ref) == ("server_away", "num:44170934")
    world.touch("pay_full")
    world.touch("pay_cash")
    world.insert(10_000)
    (done,) = world.of(f.PaymentCompleted)
    assert not done.live
    assert done.lines[0] == f.LinePaid("num:44170934", "0000101", 5318)


def test_without_the_server_a_typed_account_has_no_amount() -> None:
    world = World().boot()
    world.tell(events.BillScanned, reference=InvoiceReference("44170934", check="142"))
    world.tell(events.LookUpFailed, request="another", reason="slow")
    world.tell(events.LookUpFailed, request=world.state.scene.request, reason="no route")
    assert world.picture.notice == "account_offline"


def test_a_late_answer_to_a_look_up_given_up_is_dropped() -> None:
    world = World().boot()
    world.tell(events.BillScanned, reference=InvoiceReference("1", scan="s"))
    request = world.state.scene.request
    world.touch("start_over")
    world.tell(events.AccountFound, request=request, account=account())
    assert world.picture.screen == "attract"


# How much


@pytest.mark.parametrize(
    ("digits", "notice", "screen"),
    [
        ("", "amount_too_low", "other_amount"),
        ("99", "amount_too_low", "other_amount"),
        ("9999999", "amount_too_high", "other_amount"),
        ("2550", "", "tender"),
    ],
)
def test_other_amounts_are_cents_within_limits(digits: str, notice: str, screen: str) -> None:
    world = World().boot()
    world.scan()
    world.touch("pay_other")
    type_digits(world, digits)
    world.touch("submit")
    assert (world.picture.notice, world.picture.screen) == (notice, screen)
    assert world.picture.agreed_minor == (2550 if screen == "tender" else 0)


def test_past_due_only() -> None:
    world = World().boot()
    world.scan(account(5318, 2000))
    world.touch("pay_past_due")
    assert world.picture.agreed_minor == 2000


def test_more_than_the_kiosk_takes_is_for_the_counter() -> None:
    world = World().boot()
    world.scan(account(2_000_000))
    world.touch("pay_full")
    assert (world.picture.screen, world.picture.notice) == ("invoice", "amount_too_high")


def test_cash_that_fell_out_of_service_meanwhile() -> None:
    world = World().boot()
    world.scan()
    world.touch("pay_full")
    world.tell(events.AcceptorFault, code="jammed", detail="")
    world.touch("pay_cash")
    assert (world.picture.screen, world.picture.notice) == ("tender", "cash_unavailable")


# Around the money


def test_language_theme_size_and_sound_are_of_this_session() -> None:
    world = World().boot()
    world.touch("language", "es")
    world.touch("language", "xx")
    world.touch("theme", "black")
    for _ in range(5):
        world.touch("text_size")
    world.touch("text_size", "2")
    world.touch("sound")
    picture = world.picture
    assert (picture.language, picture.theme, picture.text_size, picture.sound) == ("es", "black", 2, True)
    world.touch("sound", "off")
    assert not world.picture.sound
    assert world.of(f.SessionOpened)
    world.fire("idle")


def test_help_opens_over_any_page_and_closes_with_the_next_touch() -> None:
    world = World().boot()
    world.scan()
    world.touch("help")
    assert world.picture.help_open
    world.touch("close_help")
    assert not world.picture.help_open
    world.touch("help")
    world.touch("pay_full")
    assert (world.picture.help_open, world.picture.screen) == (False, "tender")


def test_touches_that_a_stage_does_not_offer_do_nothing() -> None:
    world = World().boot()
    for name in ("confirm", "pay_cash", "done", "swap_cassette", "key"):
        world.touch(name, "1")
    assert world.facts == world.facts[:1]


def test_nobody_touching_before_money_ends_the_session() -> None:
    world = World().boot()
    world.scan()
    world.fire("idle")
    for _ in range(45):
        world.fire("idle_tick")
    assert world.picture.screen == "attract"
    assert world.of(f.SessionClosed)[-1].reason == "idle"


def test_the_reader_looks_only_where_a_bill_helps() -> None:
    world = World().boot()
    world.touch("type_account")
    world.touch("back")
    world.to_cash()
    assert [look.mode for look in world.ordered(Look)] == ["idle", "active", "idle", "off"]


def test_start_over_with_money_in_asks_first() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.touch("start_over")
    assert world.picture.screen == "review"
    world.touch("back")
    assert world.picture.screen == "cash"
    world.touch("back")
    assert world.picture.screen == "cash", "with money in there is no way back, only an end"


# After the money


def paid() -> World:
    world = World().boot().to_cash(account(2000))
    world.insert(2000)
    return world


def test_the_receipt_is_confirmed_and_can_be_printed_again() -> None:
    world = paid()
    world.print_all()
    assert [fact.confirmed for fact in world.of(f.ReceiptPrinted)] == [True]
    world.touch("reprint")
    assert world.ordered(PrintReceipt)[-1].kind == "reprint"
    world.tell(events.PrintFinished, job="RB-07-1-000001/reprint", outcome="failed", reason="paper_out")
    assert world.picture.notice == "receipt_failed"
    assert len(world.of(f.ReceiptPrinted)) == 1
    world.touch("start_over")
    assert world.picture.screen == "attract"


def test_a_failed_receipt_is_a_fact_and_the_number_stays_on_the_page() -> None:
    world = paid()
    world.tell(events.PrintFinished, job="RB-07-1-000001/receipt", outcome="failed", reason="paper_out")
    assert [fact.reason for fact in world.of(f.ReceiptFailed)] == ["paper_out"]
    receipt = world.picture.receipt
    assert receipt is not None
    assert receipt.printed == "failed"


def test_leaving_at_once_still_prints() -> None:
    world = World().boot()
    world.tell(events.OnlineChanged, online=True)
    world.to_cash(account(2000))
    world.tell(events.HeadChecked, request=world.state.scene.request, result="same")
    world.insert(2000)
    world.touch("done")
    assert [order.kind for order in world.ordered(PrintReceipt)] == ["receipt"]


def test_the_done_page_leaves_by_itself_and_a_next_bill_ends_it_too() -> None:
    world = paid()
    world.fire("done")
    assert world.picture.screen == "attract"
    world.fire("done")
    world.to_cash(account(2000)).insert(2000)
    world.scan(account(700))
    assert world.picture.screen == "invoice"
    assert len(world.of(f.SessionClosed)) == 2


def test_receipts_that_a_power_cut_interrupted_are_caught_up() -> None:
    world = paid()
    world.restart()
    world.tell(events.HealthChanged, health=DeviceHealth("printer", "ready"))
    assert world.ordered(PrintReceipt)[-1].kind == "recovered"
    world.print_all()
    assert world.state.books.unprinted == ()


def test_catching_up_is_given_up_after_a_while() -> None:
    world = paid()
    world.restart()
    world.fire("catch_up")
    assert [fact.reason for fact in world.of(f.ReceiptFailed)] == ["printer_away_since_restart"]


# Staff


def signed_in(world: World) -> World:
    world.touch("staff")
    type_digits(world, "1234")
    world.touch("submit")
    world.tell(events.PinChecked, request=world.state.scene.request, who="Ada")
    return world


def test_staff_take_over_a_session_without_payment() -> None:
    world = World().boot()
    world.touch("type_account")
    world.touch("staff")
    assert world.of(f.SessionClosed)
    world.touch("submit")
    world.tell(events.PinChecked, request="old", who="Eve")
    assert world.picture.screen == "staff_sign_in"
    assert world.picture.staff is not None
    assert world.picture.staff.who == ""
    world.touch("back")
    assert world.picture.screen == "attract"


def test_an_empty_cassette_is_not_swapped() -> None:
    world = signed_in(World().boot())
    world.touch("swap_cassette")
    assert world.picture.screen == "staff_health"


def test_the_ticket_of_a_swap_is_ordered_and_its_printing_is_nobodys_receipt() -> None:
    world = paid()
    world.print_all()
    world.touch("done")
    signed_in(world)
    world.touch("swap_cassette")
    world.touch("back")
    world.touch("swap_cassette")
    world.touch("confirm")
    (ticket,) = world.ordered(PrintTicket)
    assert ticket.closed.total_minor == 2000
    world.tell(events.PrintFinished, job=ticket.job, outcome="confirmed", reason="")
    world.touch("confirm")
    assert world.state.books.period == 2


def test_taking_the_cassette_while_signed_in_is_a_swap() -> None:
    world = paid()
    world.print_all()
    world.touch("done")
    signed_in(world)
    world.tell(events.AcceptorFault, code="cassette_removed", detail="")
    assert [(fact.by, fact.reason) for fact in world.of(f.CassettePeriodClosed)] == [("Ada", "swapped")]
    assert world.picture.notice == "period_closed"


def test_staff_who_walk_away_are_signed_out() -> None:
    world = signed_in(World().boot())
    world.fire("idle")
    assert world.of(f.StaffSignedOut)[-1].reason == "idle"
    world.touch("staff")
    world.fire("idle")
    assert world.picture.screen == "attract"


def test_a_restart_signs_staff_out() -> None:
    world = signed_in(World().boot())
    world.restart()
    assert world.of(f.StaffSignedOut)[-1].reason == "restart"


# Devices, server and stopping


def test_the_health_page_shows_a_standing_fault_and_a_dead_voice() -> None:
    world = signed_in(World().boot())
    world.tell(events.AcceptorFault, code="jammed", detail="")
    world.tell(events.HealthChanged, health=DeviceHealth("voice", "lost", "", "not installed"))
    assert world.picture.staff is not None
    shown = {health.name: (health.state, health.reason) for health in world.picture.staff.devices}
    assert shown["acceptor"] == ("faulted", "jammed")
    assert shown["voice"][0] == "lost"


def test_faults_are_facts_once_and_hold_until_cleared() -> None:
    world = World().boot().to_cash()
    world.tell(events.AcceptorFault, code="jammed", detail="")
    world.tell(events.AcceptorFault, code="jammed", detail="")
    assert [fact.fault for fact in world.of(f.DeviceFaultSeen)] == ["jammed"]
    assert (world.picture.notice, world.picture.cash) == ("cash_jammed", False)
    world.tell(events.AcceptorFaultCleared, code="jammed")
    assert (world.picture.notice, world.picture.cash) == ("cash_back", True)
    world.tell(events.AcceptorFault, code="cheated", detail="")
    assert world.picture.cash
    world.tell(events.SecondNotePushed)
    assert world.picture.notice == "take_second_note"


@pytest.mark.parametrize("reason", ["fork", "malformed"])
def test_a_refusal_for_good_finishes_the_payment_and_freezes(reason: str) -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.tell(events.PostingRefused, reason=reason, detail="record 5")
    world.tell(events.PostingRefused, reason=reason, detail="record 5")
    assert len(world.of(f.KioskFrozen)) == 1
    world.touch("stop")
    world.touch("confirm")
    world.tell(events.AcceptorIdle)
    assert world.of(f.PaymentCompleted)[0].total_minor == 2000
    world.print_all()
    world.touch("done")
    assert world.picture.reasons[0] == f"frozen_{reason}"


def test_a_slow_head_does_not_keep_the_person_waiting() -> None:
    world = World().boot()
    world.tell(events.OnlineChanged, online=True)
    world.to_cash()
    world.tell(events.HeadChecked, request="old", result="same")
    world.fire("head")
    assert world.state.devices.enabled


def test_closing_does_not_wait_for_ever_for_an_idle_acceptor() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.touch("stop")
    world.touch("confirm")
    world.fire("closing")
    assert world.picture.screen == "done"


def test_a_stop_while_idle_exits_at_once_and_one_that_lasts_too_long_exits_anyway() -> None:
    world = World().boot()
    world.tell(events.StopRequested)
    assert world.ordered(Exit)
    world = World().boot().to_cash()
    world.insert(2000)
    world.hold(1000)
    world.tell(events.StopRequested)
    assert world.ordered(Exit) == []
    world.fire("stop")
    assert world.ordered(Exit)
    assert world.of(f.PaymentCompleted)[0].total_minor == 2000


def test_a_jam_with_a_note_inside_lets_the_person_go_and_keeps_the_note_open() -> None:
    world = World().boot().to_cash()
    world.hold(1000)
    world.tell(events.AcceptorFault, code="jammed", detail="")
    world.fire("note_open")
    assert world.picture.screen == "starting"
    assert world.picture.notice == "note_in_doubt"
    assert world.state.books.note is not None
    world.tell(events.AcceptorFaultCleared, code="jammed")
    world.stacked(1000)
    assert world.of(f.PaymentCompleted)[0].total_minor == 1000
    assert world.picture.screen == "attract"
