"""Staff refund a card: which payment, how much, who agrees; and however the terminal answers, or does not."""

from dataclasses import replace

import pytest

from kiosk.brain import events
from kiosk.brain.apply import fold
from kiosk.brain.commands import (
    AcknowledgeCard,
    CancelCard,
    FindCard,
    FindPayments,
    PrintIncident,
    PrintRefund,
    SetTimer,
)
from kiosk.domain.facts import DeviceFaultSeen, KioskFrozen, PaymentCompleted
from kiosk.domain.refunds import CardRefunded, RefundEnded, RefundStarted, RefundUnknown
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.card_world import SERVICE_FEE
from tests.unit.refund_world import AT, world


def test_a_whole_refund_goes_out_after_its_fact_and_back_into_the_books() -> None:
    kiosk = world()
    paid = kiosk.pay()
    kiosk.refund()
    assert kiosk.stage == "staff_refunding"
    (started,) = kiosk.of(RefundStarted)
    assert (started.of, started.amount_minor, started.approved_minor) == (paid.cards[0].reference, 5318, 5318)
    assert (started.by, started.second, started.why) == ("ana", "bo", "paid_twice")
    assert (started.receipt_number, started.lines) == (paid.receipt_number, paid.lines)
    orders = kiosk.end("approved")
    assert any(isinstance(order, AcknowledgeCard) for order in orders)
    assert (kiosk.stage, kiosk.result, kiosk.state.books.card_minor) == ("staff_refund", "refunded", 0)
    (slip,) = kiosk.ordered(PrintRefund)
    assert (slip.receipt_number, slip.refund.amount_minor, slip.copy) == (paid.receipt_number, 5318, False)
    assert slip.refund.slip.last4 == "4242"


def test_a_part_and_then_the_rest_and_then_nothing_is_left() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund("1500").end("approved")
    assert kiosk.state.books.card_minor == 3818
    kiosk.touch("sign_out")
    kiosk.refund()
    first, second = kiosk.of(RefundStarted)
    assert (second.amount_minor, second.refunded_minor) == (3818, 1500)
    assert first.lines[0].amount_minor + second.lines[0].amount_minor == 5318
    kiosk.end("approved")
    kiosk.touch("sign_out")
    kiosk.to_sign()
    assert len(kiosk.of(RefundStarted)) == 2
    picture = kiosk.picture.staff
    assert picture is not None
    assert picture.refund is not None
    assert (picture.refund.step, picture.refund.found.cards[0].most_minor) == ("card", 0)  # type: ignore[union-attr]
    assert kiosk.given_minor == 5318


def test_a_fee_is_refunded_by_itself_and_makes_nothing_due() -> None:
    kiosk = world(card_fees=(SERVICE_FEE,))
    kiosk.scan()
    for name in ("pay_full", "pay_again", "pay_card", "agree_fee"):
        kiosk.touch(name)
    kiosk.end("approved")
    kiosk.end("approved")
    kiosk.tell(events.AcceptorIdle)
    kiosk.touch("done")
    kiosk.refund(leg=1)
    (started,) = kiosk.of(RefundStarted)
    assert (started.leg, started.amount_minor, started.lines) == ("fee", 150, ())
    kiosk.end("approved")
    assert kiosk.state.books.card_minor == 5318


@pytest.mark.parametrize("result", ["declined", "cancelled", "not_started"])
def test_one_that_came_to_nothing_says_so_and_can_be_tried_again(result: str) -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund()
    if result == "cancelled":
        assert any(isinstance(order, CancelCard) for order in kiosk.touch("cancel_card"))
    kiosk.end(result)
    assert kiosk.result == result
    assert [fact.result for fact in kiosk.of(RefundEnded)] == [result]
    assert not kiosk.ordered(PrintRefund)
    kiosk.touch("back")
    kiosk.touch("staff_refund")
    kiosk.touch("sign_out")
    kiosk.refund().end("approved")
    assert (kiosk.given_minor, kiosk.state.books.card_minor) == (5318, 0)


def test_less_than_was_asked_for_is_what_is_booked() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund()
    kiosk.end("approved", 2000)
    (done,) = kiosk.of(CardRefunded)
    assert (done.amount_minor, done.lines[0].amount_minor, kiosk.state.books.card_minor) == (2000, 2000, 3318)


def test_a_terminal_that_says_more_than_was_asked_for_is_a_fault_and_no_money() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund("1000")
    kiosk.end("approved", 9999)
    (done,) = kiosk.of(CardRefunded)
    assert done.amount_minor == 1000
    assert kiosk.of(DeviceFaultSeen)[-1].fault == "refund_differs"


# Nobody can say


def test_an_unknown_one_is_a_memo_keeps_cards_out_and_is_found_in_the_background() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund()
    lost = kiosk.decide_at_terminal("approved")
    orders = kiosk.fire("card")
    (find,) = [order for order in orders if isinstance(order, FindCard)]
    assert (find.operation, find.of, find.amount_minor) == ("refund", lost.of, 5318)
    assert kiosk.stage == "staff_refunding"
    kiosk.report_card(lost, "unknown", found=True)
    kiosk.fire("card_look")
    assert (kiosk.stage, kiosk.result) == ("staff_refund", "unknown")
    assert len(kiosk.of(RefundUnknown)) == 1
    assert kiosk.state.books.card_minor == 5318
    assert not kiosk.picture.card
    kiosk.touch("back")
    kiosk.touch("staff_refund")
    assert kiosk.stage == "staff_cards", "nothing is refunded while the end of one is not known"
    kiosk.touch("sign_out")
    kiosk.to_tender()
    assert kiosk.picture.card_reason == "card_unknown"
    assert not kiosk.ordered(PrintIncident)
    kiosk.report_card(lost, found=True)
    (done,) = kiosk.of(CardRefunded)
    assert done.found
    assert (kiosk.stage, kiosk.picture.card, kiosk.state.books.card_minor) == ("tender", True, 0)
    assert len(kiosk.ordered(PrintRefund)) == 1


def test_one_that_is_found_while_staff_still_read_is_told_to_them() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund()
    lost = kiosk.decide_at_terminal("approved")
    kiosk.tell(events.TerminalLost, reason="cable")
    kiosk.fire("card_look")
    assert kiosk.result == "unknown"
    kiosk.meet()
    kiosk.report_card(lost, found=True)
    assert kiosk.result == "refunded"


def test_a_crash_between_start_and_end_is_looked_for_before_anything_else() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund()
    lost = kiosk.decide_at_terminal("approved")
    kiosk.restart()
    assert kiosk.stage == "starting"
    kiosk.touch("begin")
    assert not kiosk.state.books.session_id, "nobody begins before the terminal was asked"
    (find,) = [order for order in kiosk.meet() if isinstance(order, FindCard)]
    kiosk.answer(find)
    assert (kiosk.stage, kiosk.state.books.card_minor, lost.told) == ("attract", 0, True)
    assert kiosk.of(CardRefunded)[0].found


def test_a_crash_before_it_left_finds_nothing_and_it_can_be_made_anew() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund()
    del kiosk.till[kiosk.of(RefundStarted)[0].reference]
    kiosk.restart()
    (find,) = [order for order in kiosk.meet() if isinstance(order, FindCard)]
    kiosk.answer(find)
    assert [fact.result for fact in kiosk.of(RefundEnded)] == ["absent"]
    kiosk.tell(events.HealthChanged, health=DeviceHealth("screen", "ready"))
    kiosk.refund().end("approved")
    assert kiosk.given_minor == 5318


def test_after_a_start_without_its_terminal_it_is_unknown_and_residents_pay_cash() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund()
    kiosk.decide_at_terminal("approved")
    kiosk.restart()
    kiosk.fire("card_look")
    assert (kiosk.stage, len(kiosk.of(RefundUnknown))) == ("attract", 1)
    assert not kiosk.ordered(PrintIncident), "no resident waits for it"


def test_an_approval_that_comes_after_its_end_was_told_counts() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund()
    made = kiosk.decide_at_terminal("approved")
    kiosk.report_card(made, "not_started")
    assert kiosk.state.books.card_minor == 5318
    kiosk.report_card(made)
    assert kiosk.state.books.card_minor == 0
    before = len(kiosk.facts)
    kiosk.report_card(made)
    assert len(kiosk.facts) == before, "told again, it is old news"


def test_stopping_asks_the_terminal_to_end_it_and_waits() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.refund()
    orders = kiosk.tell(events.StopRequested)
    assert any(isinstance(order, CancelCard) for order in orders)
    assert any(isinstance(order, SetTimer) and order == SetTimer("stop", 200_000) for order in orders)
    assert "Exit" not in [type(order).__name__ for order in orders]
    assert "Exit" in [type(order).__name__ for order in kiosk.end("cancelled")]


def test_nobody_is_signed_out_while_the_terminal_is_at_it() -> None:
    kiosk = world()
    kiosk.pay()
    orders = kiosk.refund().orders
    timers = [order for order in orders if getattr(order, "name", "") == "idle"]
    assert type(timers[-1]).__name__ == "CancelTimer"
    kiosk.touch("sign_out")
    assert (kiosk.stage, kiosk.state.books.staff) == ("staff_refunding", "ana")


def test_the_cassette_may_be_taken_meanwhile() -> None:
    kiosk = world()
    kiosk.to_cash()
    kiosk.insert(2000)
    kiosk.touch("stop")
    kiosk.touch("confirm")
    kiosk.tell(events.AcceptorIdle)
    kiosk.touch("done")
    kiosk.pay()
    kiosk.refund()
    kiosk.tell(events.AcceptorFault, code="cassette_removed", detail="")
    assert kiosk.stage == "staff_refunding"
    kiosk.end("approved")
    assert kiosk.result == "refunded"


# Who, when, which


def test_the_same_person_cannot_sign_twice() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.to_sign()
    kiosk.type("1")
    assert (kiosk.state.scene.notice, kiosk.of(RefundStarted)) == ("refund_same_person", [])
    kiosk.type("2")
    assert len(kiosk.of(RefundStarted)) == 1


def test_wrong_pins_lock_here_as_at_the_sign_in() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.to_sign()
    for _ in range(5):
        kiosk.type("9")
    assert kiosk.state.scene.notice == "pin_locked"
    kiosk.type("2")
    assert not kiosk.of(RefundStarted)


def test_one_person_is_enough_where_the_city_says_so() -> None:
    kiosk = world(refund_two_people=False)
    kiosk.pay()
    kiosk.to_sign()
    kiosk.touch("confirm")
    assert [(fact.by, fact.second) for fact in kiosk.of(RefundStarted)] == [("ana", "")]


def test_one_person_is_not_enough_where_two_are_asked_for() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.to_sign()
    kiosk.touch("confirm")
    assert not kiosk.of(RefundStarted)


def test_more_than_is_left_is_refused_at_the_key_pad() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.sign_in()
    kiosk.touch("staff_cards")
    kiosk.touch("staff_refund")
    kiosk.type("")
    kiosk.touch("refund_number")
    kiosk.type("1")
    reference = kiosk.of(PaymentCompleted)[0].cards[0].reference
    kiosk.touch("refund_part", reference)
    kiosk.type("5319")
    assert (kiosk.state.scene.notice, kiosk.state.scene.notice_minor) == ("refund_too_high", 5318)
    kiosk.type("0")
    assert kiosk.state.scene.refund is not None
    assert kiosk.state.scene.refund.step == "amount"
    kiosk.type("5318")
    assert kiosk.state.scene.refund.step == "why"


def test_a_number_that_is_not_here_is_for_the_finance_office() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.pruned = len(kiosk.facts)
    kiosk.sign_in()
    kiosk.touch("staff_cards")
    kiosk.touch("staff_refund")
    assert kiosk.state.scene.refund is not None
    assert kiosk.state.scene.refund.payments == ()
    kiosk.touch("refund_number")
    kiosk.type("000001")
    assert kiosk.state.scene.notice == "refund_absent"


def test_cash_alone_is_not_refunded_to_a_card() -> None:
    kiosk = world()
    kiosk.to_cash()
    kiosk.insert(2000)
    kiosk.touch("stop")
    kiosk.touch("confirm")
    kiosk.tell(events.AcceptorIdle)
    kiosk.touch("done")
    kiosk.sign_in()
    kiosk.touch("staff_cards")
    kiosk.touch("staff_refund")
    assert kiosk.state.scene.refund is not None
    assert kiosk.state.scene.refund.payments == ()


@pytest.mark.parametrize("trouble", ["lost", "frozen", "off", "no_cards", "fault", "storage"])
def test_it_is_refused_while_the_kiosk_cannot(trouble: str) -> None:
    kiosk = world(refund_days=0 if trouble == "off" else 30)
    kiosk.pay()
    kiosk.sign_in()
    if trouble == "lost":
        kiosk.tell(events.TerminalLost, reason="cable")
    elif trouble == "frozen":
        kiosk.tell(events.PostingRefused, reason="fork", detail="")
        assert kiosk.of(KioskFrozen)
    elif trouble == "no_cards":
        kiosk.state = replace(kiosk.state, settings=replace(kiosk.state.settings, cards=False))
    elif trouble == "fault":
        kiosk.tell(events.TerminalFault, code="offline", detail="")
    elif trouble == "storage":
        kiosk.tell(events.HealthChanged, health=DeviceHealth("storage", "faulted", "disk_full"))
    kiosk.touch("staff_cards")
    kiosk.touch("staff_refund")
    assert not kiosk.ordered(FindPayments)
    assert kiosk.stage == ("staff_health" if trouble == "no_cards" else "staff_cards")


def test_trouble_that_comes_before_the_second_person_is_seen() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.to_sign()
    kiosk.tell(events.TerminalLost, reason="cable")
    kiosk.type("2")
    assert (kiosk.state.scene.notice, kiosk.of(RefundStarted)) == ("refund_blocked", [])


def test_the_page_of_cards_opens_wherever_there_is_a_terminal() -> None:
    kiosk = world(batch_at="")
    kiosk.sign_in()
    kiosk.touch("staff_cards")
    assert kiosk.stage == "staff_cards"
    assert kiosk.picture.staff is not None
    assert (kiosk.picture.staff.cards, kiosk.picture.staff.batch) == (True, None)


# The slip


def test_a_slip_that_was_not_printed_is_printed_again_from_the_page_of_its_payment() -> None:
    kiosk = world()
    paid = kiosk.pay()
    kiosk.tell(events.HealthChanged, health=DeviceHealth("printer", "lost"))
    kiosk.refund("1500").end("approved")
    assert not kiosk.ordered(PrintRefund)
    assert kiosk.state.scene.refund is not None
    assert kiosk.state.scene.refund.printed == "unavailable"
    kiosk.touch("sign_out")
    kiosk.tell(events.HealthChanged, health=DeviceHealth("printer", "ready"))
    kiosk.sign_in()
    kiosk.touch("staff_cards")
    kiosk.touch("staff_refund")
    kiosk.touch("refund_payment", paid.receipt_number)
    kiosk.touch("reprint")
    (slip,) = kiosk.ordered(PrintRefund)
    assert (slip.copy, slip.refund.amount_minor, slip.at) == (True, 1500, AT)
    kiosk.touch("reprint")
    assert len(kiosk.ordered(PrintRefund)) == 1, "not while it is being printed"
    kiosk.tell(events.PrintFinished, job=slip.job, outcome="failed", reason="paper_out")
    assert kiosk.state.scene.refund is not None
    assert kiosk.state.scene.refund.printed == "failed"


def test_going_back_step_by_step_ends_at_the_page_of_cards() -> None:
    kiosk = world()
    kiosk.pay()
    kiosk.to_sign()
    steps = []
    while kiosk.stage == "staff_refund":
        assert kiosk.state.scene.refund is not None
        steps.append(kiosk.state.scene.refund.step)
        kiosk.touch("back")
    assert steps == ["sign", "why", "card", "find"]
    assert (kiosk.stage, kiosk.state.scene.refund) == ("staff_cards", None)


def test_touches_that_belong_to_another_step_do_nothing() -> None:
    kiosk = world()
    paid = kiosk.pay()
    kiosk.sign_in()
    kiosk.touch("staff_cards")
    kiosk.touch("staff_refund")
    before = len(kiosk.facts)
    for name, value in (
        ("refund_whole", paid.cards[0].reference),
        ("refund_part", paid.cards[0].reference),
        ("refund_why", "paid_twice"),
        ("confirm", ""),
        ("reprint", ""),
        ("submit", ""),
        ("key", "1"),
        ("refund_payment", ""),
    ):
        kiosk.touch(name, value)
    assert len(kiosk.facts) == before
    assert kiosk.state.scene.refund is not None
    assert kiosk.state.scene.refund.step == "find"
    assert fold(kiosk.facts) == kiosk.state.books
