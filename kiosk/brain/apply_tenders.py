"""What facts of cards, checks and change do to the books: another part of `apply` (apply.py)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kiosk.brain.attempts import announced, attempt_of, forgotten, refunded, restated
from kiosk.brain.contradiction import Contradiction, require
from kiosk.brain.state import Attempt, Books, OpenPayment, OpenPayout, OtherAccount
from kiosk.domain import facts as f
from kiosk.domain import tenders as t

_APPROVALS_MAX = 16


def open_payment(books: Books, payment_id: str) -> OpenPayment:
    payment = books.payment
    if payment is None or payment.payment_id != payment_id:
        raise Contradiction(f"payment {payment_id} is not open")
    return payment


# Cards


def _fee_agreed(books: Books, fact: t.FeeAgreed) -> Books:
    return replace(books, payment=replace(open_payment(books, fact.payment_id), fee=fact))


def _sale_started(books: Books, fact: t.CardSaleStarted) -> Books:
    open_payment(books, fact.payment_id)
    require(fact.leg in ("bill", "fee"), "a card sale is for the bill or for the fee")
    attempt = Attempt(fact.reference, "sale", fact.payment_id, fact.leg, fact.amount_minor, terminal=fact.terminal)
    return announced(replace(books, terminal=fact.terminal), attempt)


def _void_started(books: Books, fact: t.VoidStarted) -> Books:
    payment = open_payment(books, fact.payment_id)
    sale = next((card for card in payment.cards if card.reference == fact.of), None)
    if sale is None:
        raise Contradiction("a void of a sale that is not in the payment")
    require(sale.amount_minor == fact.amount_minor, "a void of another sum than the sale's")
    left = tuple(card for card in payment.cards if card is not sale)
    attempt = Attempt(
        fact.reference, "void", fact.payment_id, sale.leg, fact.amount_minor, terminal=books.terminal, sale=sale
    )
    return announced(replace(books, payment=replace(payment, cards=left)), attempt)


def _sale_approved(books: Books, fact: t.CardSaleApproved) -> Books:
    """It counts even after its end without money was told: the acquirer owes it."""
    attempt = attempt_of(books, fact.reference, "sale", fact.payment_id)
    require(fact.leg == attempt.leg, "an approval of another leg than was asked for")
    require(fact.amount_minor > 0, "an approval of nothing")
    return replace(
        _card_in(forgotten(books, attempt), attempt, fact),
        card_minor=books.card_minor + fact.amount_minor,
        in_batch=books.in_batch + 1,
        approvals=(*books.approvals, fact)[-_APPROVALS_MAX:],
        declines=0,
        terminal_ref=fact.terminal_ref if books.attempt is attempt else "",
    )


def _card_in(books: Books, attempt: Attempt, card: t.CardSaleApproved) -> Books:
    """Add the card to its payment, or to what was left of it if it has ended."""
    payment = books.payment
    if payment is not None and payment.payment_id == card.payment_id:
        return replace(books, payment=replace(payment, cards=(*payment.cards, card)))
    late = books.late if books.late is not None else attempt.rest
    if late is None or late.payment_id != card.payment_id:
        raise Contradiction("a card was found for a payment that nobody knows")
    return replace(books, late=replace(late, cards=(*late.cards, card)))


def _sale_ended(books: Books, fact: t.CardSaleEnded) -> Books:
    attempt = attempt_of(books, fact.reference, "sale", fact.payment_id)
    require(attempt.state != "ended", "a sale ended twice")
    here = attempt.leg == "bill" and attempt.state != "given_up"
    declines = books.declines + (fact.result == "declined" and here)
    return replace(restated(books, attempt, "ended", fact.reason), declines=declines)


def _unknown(books: Books, fact: t.CardSaleUnknown | t.VoidUnknown) -> Books:
    operation = "sale" if isinstance(fact, t.CardSaleUnknown) else "void"
    attempt = attempt_of(books, fact.reference, operation, fact.payment_id)
    require(attempt.state == "open", "an attempt that is not under way became unknown")
    return restated(books, attempt, "unknown", fact.reason)


def _sale_voided(books: Books, fact: t.CardSaleVoided) -> Books:
    if fact.reference == fact.of:
        return _undone_unasked(books, fact)
    attempt = attempt_of(books, fact.reference, "void", fact.payment_id)
    require(attempt.sale is not None and attempt.sale.reference == fact.of, "a void of another sale")
    require(attempt.amount_minor == fact.amount_minor, "a void of another sum than was announced")
    return replace(
        forgotten(books, attempt),
        approvals=tuple(card for card in books.approvals if card != attempt.sale),  # nothing can undo it again
        card_minor=books.card_minor - fact.amount_minor,
        in_batch=books.in_batch + 1,
    )


def _undone_unasked(books: Books, fact: t.CardSaleVoided) -> Books:
    """The terminal undid an approved sale by itself: its money is gone from wherever it was counted."""
    known = [card for card in books.approvals if card.reference == fact.of]
    require(len(known) == 1, "a sale was undone that nobody knows")
    require(known[0].amount_minor == fact.amount_minor, "a sale was undone with another sum")
    require(not any(known[0] == attempt.sale for attempt in books.attempts), "a sale was undone while it is voided")
    require(not refunded(books, fact.of), "a sale was undone that was refunded")
    payment = books.payment
    if payment is not None:
        payment = replace(payment, cards=tuple(card for card in payment.cards if card != known[0]))
    return replace(
        books,
        payment=payment,
        approvals=tuple(card for card in books.approvals if card != known[0]),
        card_minor=books.card_minor - fact.amount_minor,
        terminal_ref="",
    )


def _void_ended(books: Books, fact: t.VoidEnded) -> Books:
    attempt = attempt_of(books, fact.reference, "void", fact.payment_id)
    if attempt.sale is None:
        raise Contradiction("a void of nothing")
    return _card_in(forgotten(books, attempt), attempt, attempt.sale)


def _search_ended(books: Books, fact: t.CardSearchEnded) -> Books:
    """Kept for a while, should its end turn up after all."""
    attempt = attempt_of(books, fact.reference, fact.operation, fact.payment_id)
    require(attempt.state == "unknown", "the search for an attempt ended that nobody looked for")
    return restated(books, attempt, "given_up", attempt.reason)


def left_behind(books: Books, rest: OpenPayment) -> Books:
    """The payment of `rest` has ended: its attempts keep what it still owes."""
    return replace(
        books,
        attempts=tuple(
            replace(attempt, rest=rest) if attempt.payment_id == rest.payment_id else attempt
            for attempt in books.attempts
        ),
    )


def _batch_closed(books: Books, fact: t.BatchClosed) -> Books:
    """What the terminal numbers may begin anew: what came before the next transaction is not known."""
    done = fact.result == "approved"
    again = books.batch is not None and books.batch.business_date == fact.business_date
    return replace(
        books,
        batch=fact,
        in_batch=0 if done else books.in_batch,
        batch_failures=0 if done else 1 + (books.batch_failures if again else 0),
        batch_day=fact.business_date if done and not fact.by else books.batch_day,
        terminal_ref="" if fact.result in ("approved", "unknown") else books.terminal_ref,
    )


# Several bills, checks, change


def _invoice_added(books: Books, fact: f.InvoiceAdded) -> Books:
    payment = open_payment(books, fact.payment_id)
    known = (payment.account, *(other.account for other in payment.others))
    require(fact.account not in known, "an account was added twice")
    more = replace(
        payment,
        others=(*payment.others, OtherAccount(fact.account, fact.last4)),
        invoices=payment.invoices + fact.invoices,
        balance_minor=payment.balance_minor + fact.balance_minor,
        live=payment.live and fact.live,
    )
    return replace(books, payment=more)


def _check_taken(books: Books, fact: t.CheckTaken) -> Books:
    payment = open_payment(books, fact.payment_id)
    require(fact.amount_minor > 0, "a check of nothing")
    require(all(check.check_id != fact.check_id for check in payment.checks), "a check was taken twice")
    checks = (*payment.checks, t.CheckInPayment(fact.check_id, fact.number, fact.amount_minor))
    here = fact.cassette_period == books.period
    return replace(
        books,
        check_minor=books.check_minor + fact.amount_minor,
        period_checks=books.period_checks + here,
        period_check_minor=books.period_check_minor + (fact.amount_minor if here else 0),
        payment=replace(payment, checks=checks),
    )


def _payout_started(books: Books, fact: f.PayoutStarted) -> Books:
    payment = open_payment(books, fact.payment_id)
    over_minor = min(payment.in_minor - payment.agreed_minor, sum(note.value_minor for note in payment.notes))
    require(books.payout is None and not payment.change_tried, "a second payout of one payment")
    require(books.note is None, "a payout while a note is open")
    require(0 < fact.amount_minor <= over_minor, "a payout of more than is over")
    require(fact.amount_minor == sum(n.value_minor * n.count for n in fact.notes), "the notes of a payout differ")
    return replace(
        books,
        payout=OpenPayout(fact.payout_id, fact.payment_id, fact.amount_minor, fact.notes, fact.notes, fact.held),
        payouts=books.payouts + 1,
        payment=replace(payment, change_tried=True),
    )


def _note_paid_out(books: Books, fact: t.NotePaidOut) -> Books:
    payout, payment = books.payout, open_payment(books, fact.payment_id)
    if payout is None or payout.payout_id != fact.payout_id:
        raise Contradiction("a note was paid out that nobody asked for")
    left = {count.value_minor: count.count for count in payout.left}
    require(left.get(fact.value_minor, 0) > 0, "a note was paid out that was not asked for")
    left[fact.value_minor] -= 1
    counts = {count.value_minor: count.count for count in books.period_notes}
    if fact.cassette_period == books.period:
        counts[fact.value_minor] = counts.get(fact.value_minor, 0) - 1
    return replace(
        books,
        cash_minor=books.cash_minor - fact.value_minor,
        period_notes=_counted(counts),
        payout=replace(payout, left=_counted(left), told_minor=0),
        payment=replace(payment, change_minor=payment.change_minor + fact.value_minor),
    )


def _payout_ended(books: Books, fact: t.PayoutEnded) -> Books:
    require(books.payout is not None and books.payout.payout_id == fact.payout_id, "a payout ended that is not open")
    unknown = fact.payout_id if fact.result == "unknown" else books.payout_unknown
    return replace(books, payout=None, payout_unknown=unknown)


def _counted(counts: dict[int, int]) -> tuple[f.NoteCount, ...]:
    return tuple(f.NoteCount(value, counts[value]) for value in sorted(counts) if counts[value])


RULES: dict[type[Any], Callable[[Books, Any], Books]] = {
    t.FeeAgreed: _fee_agreed,
    t.CardSaleStarted: _sale_started,
    t.CardSaleApproved: _sale_approved,
    t.CardSaleEnded: _sale_ended,
    t.CardSaleUnknown: _unknown,
    t.VoidStarted: _void_started,
    t.CardSaleVoided: _sale_voided,
    t.VoidEnded: _void_ended,
    t.VoidUnknown: _unknown,
    t.CardSearchEnded: _search_ended,
    t.BatchClosed: _batch_closed,
    f.InvoiceAdded: _invoice_added,
    t.CheckAwaited: lambda books, fact: books,
    t.CheckTaken: _check_taken,
    f.PayoutStarted: _payout_started,
    t.NotePaidOut: _note_paid_out,
    t.PayoutEnded: _payout_ended,
}
