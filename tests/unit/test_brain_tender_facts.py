"""What facts of cards, checks and change do to the books, and which cannot follow each other."""

from dataclasses import replace

import pytest

from kiosk.brain.apply import Contradiction, apply, fold
from kiosk.brain.state import Books
from kiosk.domain import facts as f
from kiosk.domain import tenders as t

BILL = f.LinePaid("tok1", "INV1", 5318)
OPENED: tuple[f.Fact, ...] = (
    f.SessionOpened("s"),
    f.InvoiceChosen("s", "p", "tok1", "4417", (BILL,), 5318, True, "en"),
    f.AmountAgreed("p", 5318),
)
SLIP = t.CardSlip("Visa", "4242")


def started(reference: str, amount_minor: int = 5318, leg: str = "bill") -> f.Fact:
    return t.CardSaleStarted("p", reference, leg, amount_minor, "USD", "term")


def approved(reference: str, amount_minor: int = 5318, leg: str = "bill") -> f.Fact:
    return t.CardSaleApproved("p", reference, leg, amount_minor, 5318, "USD", "77", SLIP, False)


def ended(reference: str, result: str = "declined", leg: str = "bill") -> f.Fact:
    return t.CardSaleEnded("p", reference, leg, result, "05")


def unknown(reference: str) -> f.Fact:
    return t.CardSaleUnknown("p", reference, "bill", 5318, "USD", "no_answer")


def void(reference: str, of: str, amount_minor: int = 2000) -> f.Fact:
    return t.VoidStarted("p", reference, of, amount_minor, "USD", "undersized")


def voided(reference: str, of: str, amount_minor: int = 2000) -> f.Fact:
    return t.CardSaleVoided("p", reference, of, amount_minor, "USD", False)


def completed(total_minor: int, fee_minor: int = 0, lines: tuple[f.LinePaid, ...] | None = None) -> f.Fact:
    paid = (replace(BILL, amount_minor=total_minor),) if lines is None else lines
    return f.PaymentCompleted(
        "p", "s", "R1", "tok1", paid, (), total_minor, "USD", "met", "2026-11-23", True, fee_minor=fee_minor
    )


def note(note_id: str, value_minor: int) -> tuple[f.Fact, ...]:
    return (
        f.NoteStackRequested(note_id, "p", 5, value_minor, "USD", 1),
        f.NoteStacked(note_id, "p", value_minor, "USD", 1, False),
    )


def books(*more: f.Fact) -> Books:
    return fold((*OPENED, *more))


def test_an_approval_is_in_its_payment_and_fees_are_apart() -> None:
    after = books(started("A1"), approved("A1"), started("A2", 150, "fee"), approved("A2", 150, "fee"))
    assert after.payment is not None
    assert (after.payment.in_minor, after.payment.left_minor, after.payment.fee_minor) == (5318, 0, 150)
    assert (after.card_minor, after.attempt, after.references) == (5468, None, 2)
    assert apply(after, completed(5318, 150)).payment is None


def test_a_sale_whose_void_is_under_way_is_in_no_payment_until_that_has_ended() -> None:
    under_way = books(started("A1"), approved("A1", 2000), void("A2", "A1"))
    assert under_way.payment is not None
    assert (under_way.payment.in_minor, under_way.card_minor) == (0, 2000)
    undone = apply(under_way, voided("A2", "A1"))
    assert (undone.card_minor, undone.attempts) == (0, ())
    stands = apply(under_way, t.VoidEnded("p", "A2", "A1", "not_started", "busy"))
    assert stands.payment is not None
    assert (stands.payment.in_minor, stands.card_minor, stands.attempts) == (2000, 2000, ())


def test_a_sale_the_terminal_undid_by_itself_is_gone_also_after_its_payment() -> None:
    open_ = books(started("A1"), approved("A1", 2000))
    undone = apply(open_, voided("A1", "A1"))
    assert undone.payment is not None
    assert (undone.payment.in_minor, undone.card_minor) == (0, 0)
    assert apply(apply(open_, completed(2000)), voided("A1", "A1")).card_minor == 0


def test_what_a_lost_sale_followed_is_known_if_nothing_came_between() -> None:
    first = books(started("A1"), approved("A1", 2000), started("A2"))
    assert first.attempt is not None
    assert first.attempt.after == "77"
    third = fold((ended("A2"), started("A3")), first)
    assert third.attempt is not None
    assert third.attempt.after == ""


def test_a_card_found_after_its_payment_had_ended_completes_what_was_left() -> None:
    left = books(*note("n1", 2000), started("A1", 3318), unknown("A1"), completed(2000))
    assert left.payment is None
    found = apply(left, approved("A1", 3318))
    assert found.late is not None
    assert found.late.invoices == (replace(BILL, amount_minor=3318),)
    again = fold((completed(3318),), found)
    assert (again.late, again.attempts, again.receipts) == (None, (), 2)


def test_a_card_found_while_somebody_else_pays_leaves_that_payment_alone() -> None:
    other = replace(OPENED[1], session_id="s2", payment_id="p2")
    facts = (
        started("A1"),
        unknown("A1"),
        f.PaymentAbandoned("p", "unknown"),
        f.SessionClosed("s", "cancelled"),
        f.SessionOpened("s2"),
        other,
    )
    found = fold((approved("A1"), completed(5318)), books(*facts))
    assert found.payment is not None
    assert (found.payment.payment_id, found.payment.in_minor, found.late) == ("p2", 0, None)
    assert found.aftermath == (), "nobody reads of another's payment"


def test_an_approval_counts_even_after_an_end_without_money_was_told() -> None:
    after = books(started("A1"), ended("A1", "cancelled"), approved("A1"))
    assert (after.card_minor, after.attempts) == (5318, ())


def test_declines_of_a_session_are_counted_until_a_card_is_taken() -> None:
    twice = books(started("A1"), ended("A1"), started("A2"), ended("A2"))
    assert twice.declines == 2
    assert apply(apply(twice, started("A3")), approved("A3")).declines == 0
    assert fold((f.PaymentAbandoned("p", "x"), f.SessionClosed("s", "done"), f.SessionOpened("t")), twice).declines == 0


def test_change_and_checks_count_in_the_payment() -> None:
    check = t.CheckTaken("c1", "p", 4000, "USD", "1041", "111000025", "6789", 1, True)
    payout = f.PayoutStarted("o1", "p", 500, "USD", (f.NoteCount(500, 1),), 1)
    out = t.NotePaidOut("o1", "p", "n9", 500, "USD", 1)
    after = books(*note("n1", 2000), check, payout, out, t.PayoutEnded("o1", "p", "done", ""))
    assert after.payment is not None
    assert (after.payment.in_minor, after.cash_minor, after.check_minor) == (5500, 1500, 4000)
    assert after.period_notes == (f.NoteCount(500, -1), f.NoteCount(2000, 1))


def test_several_accounts_are_one_payment() -> None:
    added = f.InvoiceAdded("p", "tok2", "9900", (f.LinePaid("tok2", "X", 700),), 700, False)
    after = books(added)
    assert after.payment is not None
    assert (after.payment.balance_minor, after.payment.live, len(after.payment.invoices)) == (6018, False, 2)


FEE = t.FeeAgreed("q", "r", "service", 1, 1)
GIVE = f.PayoutStarted("o1", "p", 500, "USD", (f.NoteCount(500, 1),), 1)
OUT = t.NotePaidOut("o1", "p", "n9", 500, "USD", 1)
CHECK = t.CheckTaken("c1", "p", 3000, "USD", "1041", "111000025", "6789", 1, True)


@pytest.mark.parametrize(
    "facts",
    [
        (FEE,),
        (started("A1"), started("A2")),
        (started("A1"), unknown("A1"), started("A2")),
        (started("A1", 0),),
        (started("A1", leg="tip"),),
        (started("A1"), ended("A1"), started("A1")),
        (approved("A1"),),
        (started("A1"), approved("A1"), approved("A1")),
        (started("A1"), approved("A1", 0)),
        (started("A1"), approved("A1", 150, "fee")),
        (ended("A1"),),
        (started("A1"), ended("A1"), ended("A1")),
        (started("A1"), approved("A1"), ended("A1")),
        (unknown("A1"),),
        (started("A1"), unknown("A1"), unknown("A1")),
        (started("A1"), void("A2", "A1")),
        (started("A1"), approved("A1", 2000), void("A2", "A1", 1999)),
        (started("A1"), approved("A1", 2000), void("A2", "A1"), voided("A2", "A1", 1999)),
        (started("A1"), approved("A1", 2000), void("A2", "A1"), completed(2000)),
        (started("A1"), approved("A1", 2000), void("A2", "A1"), void("A3", "A1")),
        (started("A1"), approved("A1", 2000), voided("A1", "A1", 1999)),
        (started("A1"), approved("A1", 2000), voided("A1", "A1"), voided("A1", "A1")),
        (started("A1"), approved("A1", 2000), void("A2", "A1"), voided("A1", "A1")),
        (voided("A1", "A1"),),
        (started("A1"), note("n1", 2000)[0]),
        (note("n1", 2000)[0], started("A1")),
        (started("A1"), f.SessionClosed("s", "x"), f.SessionOpened("t")),
        (started("A1"), approved("A1"), completed(5318, 1)),
        (started("A1"), approved("A1"), f.PaymentAbandoned("p", "x")),
        (started("A1", 150, "fee"), approved("A1", 150, "fee"), f.PaymentAbandoned("p", "x")),
        (CHECK, CHECK),
        (OUT,),
        (f.PayoutStarted("o1", "p", 500, "USD", (f.NoteCount(500, 1),), 1),),
        (*note("n1", 2000), f.PayoutStarted("o1", "p", 500, "USD", (f.NoteCount(500, 2),), 1)),
        (*note("n1", 2000), f.PayoutStarted("o1", "p", 500, "USD", (f.NoteCount(500, 1),), 1)),
        (*note("n1", 10000), replace(GIVE, amount_minor=5000, notes=(f.NoteCount(5000, 1),))),
        (*note("n1", 10000), GIVE, replace(GIVE, payout_id="o2")),
        (*note("n1", 10000), GIVE, t.PayoutEnded("o1", "p", "refused", ""), replace(GIVE, payout_id="o2")),
        (*note("n1", 10000), GIVE, OUT, OUT),
        (*note("n1", 10000), GIVE, replace(OUT, value_minor=1000)),
        (*note("n1", 10000), GIVE, completed(10000)),
        (*note("n1", 10000), GIVE, note("n2", 100)[0]),
        (*note("n1", 10000), GIVE, f.SessionClosed("s", "restart"), f.SessionOpened("t")),
        (note("n1", 10000)[0], GIVE),
        (t.PayoutEnded("o1", "p", "done", ""),),
        (f.InvoiceAdded("p", "tok1", "4417", (), 0, True),),
    ],
)
def test_what_cannot_follow_raises(facts: tuple[f.Fact, ...]) -> None:
    with pytest.raises(Contradiction):
        books(*facts)
