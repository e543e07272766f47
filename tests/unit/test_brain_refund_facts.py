"""What facts of refunds do to the books: never more than a card was charged, whatever came before."""

from dataclasses import replace

import pytest

from kiosk.brain.apply import Contradiction, apply, fold
from kiosk.brain.apply_refunds import cut
from kiosk.brain.state import Books
from kiosk.domain import facts as f
from kiosk.domain import refunds as r
from tests.unit.test_brain_tender_facts import BILL, SLIP, approved, completed, started, voided

LATER = f.LinePaid("tok2", "INV9", 318)
LINES = (replace(BILL, amount_minor=5000), LATER)
PAID: tuple[f.Fact, ...] = (started("A1"), approved("A1"), completed(5318, 0, LINES), f.SessionClosed("s", "done"))
BACK = r.RefundStarted(
    "p", "A2", "A1", "bill", 5318, "USD", 5318, 0, (LATER, LINES[0]), "R1", "term", "ana", "bo", "paid_twice"
)


def refunded(amount_minor: int = 5318, lines: tuple[f.LinePaid, ...] | None = None) -> r.CardRefunded:
    back = cut(BACK.lines, amount_minor) if lines is None else lines
    return r.CardRefunded("p", "A2", "A1", "bill", amount_minor, "USD", "78", SLIP, False, back)


def books(*more: f.Fact) -> Books:
    opened = (f.SessionOpened("s"), f.InvoiceChosen("s", "p", "tok1", "4417", (BILL,), 5318, True, "en"))
    return fold((*opened, f.AmountAgreed("p", 5318), *PAID, *more))


def part(amount_minor: int, reference: str = "A3", before_minor: int = 0) -> r.RefundStarted:
    """Start another refund of the same sale."""
    lines = cut(BACK.lines, amount_minor)
    return replace(BACK, reference=reference, amount_minor=amount_minor, refunded_minor=before_minor, lines=lines)


def test_a_refund_is_open_until_its_end_is_known_and_then_the_card_gave_nothing() -> None:
    under_way = books(BACK)
    assert under_way.attempt is not None
    assert (under_way.attempt.operation, under_way.attempt.of, under_way.under_way) == ("refund", "A1", True)
    assert under_way.card_minor == 5318
    done = apply(under_way, refunded())
    assert (done.card_minor, done.attempts, done.in_batch, done.terminal_ref) == (0, (), 2, "78")


def test_one_that_came_to_nothing_leaves_everything_and_may_be_tried_again() -> None:
    ended = books(BACK, r.RefundEnded("p", "A2", "A1", "declined", "05"))
    assert (ended.card_minor, ended.attempt, ended.refunds) == (5318, None, ())
    assert apply(ended, part(5318)).under_way


def test_one_that_ended_and_was_made_after_all_counts() -> None:
    after = books(BACK, r.RefundEnded("p", "A2", "A1", "absent", ""), refunded())
    assert (after.card_minor, after.attempts) == (0, ())


def test_an_unknown_one_stays_open_until_it_is_found() -> None:
    unknown = books(BACK, r.RefundUnknown("p", "A2", "A1", 5318, "USD", "no_answer"))
    assert unknown.attempt is not None
    assert (unknown.attempt.state, unknown.under_way) == ("unknown", False)
    with pytest.raises(Contradiction, match="not known"):
        apply(unknown, part(1))
    assert apply(unknown, refunded()).attempt is None


def test_less_than_asked_for_gives_back_the_first_of_its_lines() -> None:
    done = books(BACK, refunded(400))
    assert (done.card_minor, done.refunds[0].amount_minor) == (4918, 400)
    assert apply(done, part(4918, before_minor=400)).under_way


def test_who_got_the_money_back_is_not_asked_whether_to_pay_it_again() -> None:
    lines = (replace(LINES[0], amount_minor=5318),)
    paid = replace(completed(5318, 0, lines), completed_at="2026-11-23T19:42:00.000Z")  # type: ignore[type-var]
    opened = (f.SessionOpened("s"), f.InvoiceChosen("s", "p", "tok1", "4417", (BILL,), 5318, True, "en"))
    before = fold((*opened, f.AmountAgreed("p", 5318), *PAID[:2], paid, PAID[3]))
    assert [bill.amount_minor for bill in before.paid] == [5318]
    whole = replace(BACK, lines=lines)
    assert apply(apply(before, whole), replace(refunded(), lines=lines)).paid == ()


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ((replace(BACK, approved_minor=5317),), "more than was taken"),
        ((replace(BACK, refunded_minor=1),), "more than was taken"),
        ((BACK, refunded(), part(1)), "forgets"),
        ((BACK, refunded(5000), part(319, before_minor=5000)), "more than was taken"),
        ((BACK, part(1)), "not known"),
        ((part(0, "A2"),), "of nothing"),
        ((part(-1, "A2"),), "of nothing"),
        ((replace(BACK, lines=(LATER,)),), "falls due again"),
        ((replace(BACK, leg="fee"),), "falls due again"),
        ((replace(BACK, leg="tip"),), "leg"),
        ((replace(BACK, by="bo"),), "people"),
        ((replace(BACK, by=""),), "people"),
        ((BACK, refunded(5319)), "more was refunded"),
        ((BACK, refunded(0)), "more was refunded"),
        ((BACK, refunded(5318, LINES)), "other lines"),
        ((BACK, replace(refunded(), of="A9")), "another sale"),
        ((refunded(),), "no refund A2"),
        ((BACK, refunded(), refunded()), "no refund A2"),
        ((BACK, refunded(), voided("A1", "A1", 5318)), "refunded"),
        ((BACK, r.RefundEnded("p", "A2", "A1", "absent", ""), r.RefundEnded("p", "A2", "A1", "absent", "")), "twice"),
        ((BACK, f.SessionOpened("s2")), "card transaction"),
        ((f.SessionOpened("s2"), BACK), "somebody pays"),
    ],
)
def test_what_cannot_have_happened_is_a_contradiction(facts: tuple[f.Fact, ...], why: str) -> None:
    with pytest.raises(Contradiction, match=why):
        books(*facts)
