"""What refunds do to the books: never more than a card was charged, and nothing else meanwhile (apply.py)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kiosk.brain.attempts import announced, attempt_of, forgotten, restated
from kiosk.brain.contradiction import Contradiction, require
from kiosk.brain.state import Attempt, Books, PaidBill, Refunded
from kiosk.domain import refunds as r
from kiosk.domain.invoice import LinePaid

_REFUNDS_MAX = 16


def _started(books: Books, fact: r.RefundStarted) -> Books:
    """What was refunded before was read from the journal: it cannot be less than what is known here."""
    attempt = Attempt(
        fact.reference, "refund", fact.payment_id, fact.leg, fact.amount_minor, terminal=fact.terminal, refund=fact
    )
    after = announced(books, attempt)
    require(books.payment is None and books.late is None and not books.session_id, "a refund while somebody pays")
    require(fact.leg in ("bill", "fee"), "a refund is of a bill's leg or of a fee's")
    known_minor = sum(refund.amount_minor for refund in books.refunds if refund.of == fact.of)
    require(fact.refunded_minor >= known_minor, "a refund that forgets another one of the same sale")
    require(fact.refunded_minor + fact.amount_minor <= fact.approved_minor, "a refund of more than was taken")
    require(bool(fact.by) and fact.by != fact.second, "a refund needs its people")
    due_minor = fact.amount_minor if fact.leg == "bill" else 0
    require(sum(line.amount_minor for line in fact.lines) == due_minor, "what falls due again differs from a refund")
    require(all(line.amount_minor > 0 for line in fact.lines), "a line of a refund gives nothing back")
    return _noted(after, Refunded(fact.reference, fact.of, fact.amount_minor))


def _refunded(books: Books, fact: r.CardRefunded) -> Books:
    """It counts even after its end without money was told: the acquirer has taken it off what it owes."""
    attempt = attempt_of(books, fact.reference, "refund", fact.payment_id)
    asked = attempt.refund
    if asked is None or (fact.of, fact.leg) != (asked.of, asked.leg):
        raise Contradiction("another sale was refunded than was announced")
    require(0 < fact.amount_minor <= attempt.amount_minor, "more was refunded than was announced")
    due_minor = fact.amount_minor if fact.leg == "bill" else 0
    require(fact.lines == cut(asked.lines, due_minor), "other lines fall due again than were announced")
    done = _noted(_unnoted(forgotten(books, attempt), attempt), Refunded(fact.reference, fact.of, fact.amount_minor))
    return replace(
        done,
        card_minor=books.card_minor - fact.amount_minor,
        in_batch=books.in_batch + 1,
        paid=_less(books.paid, fact.lines),
        terminal_ref=fact.terminal_ref if books.attempt is attempt else "",
    )


def _ended(books: Books, fact: r.RefundEnded) -> Books:
    attempt = attempt_of(books, fact.reference, "refund", fact.payment_id)
    require(attempt.state != "ended", "a refund ended twice")
    return restated(_unnoted(books, attempt), attempt, "ended", fact.reason)


def _unknown(books: Books, fact: r.RefundUnknown) -> Books:
    attempt = attempt_of(books, fact.reference, "refund", fact.payment_id)
    require(attempt.state == "open", "a refund that is not under way became unknown")
    return restated(books, attempt, "unknown", fact.reason)


def _noted(books: Books, refund: Refunded) -> Books:
    return replace(books, refunds=(*books.refunds, refund)[-_REFUNDS_MAX:])


def _unnoted(books: Books, attempt: Attempt) -> Books:
    left = tuple(refund for refund in books.refunds if refund.reference != attempt.reference)
    return replace(books, refunds=left)


def cut(lines: tuple[LinePaid, ...], amount_minor: int) -> tuple[LinePaid, ...]:
    """Return the first of `lines` that come to `amount_minor`, the last of them maybe in part."""
    parts: list[LinePaid] = []
    for line in lines:
        part_minor = min(line.amount_minor, amount_minor)
        if part_minor > 0:
            parts.append(replace(line, amount_minor=part_minor))
        amount_minor -= part_minor
    return tuple(parts)


def _less(paid: tuple[PaidBill, ...], lines: tuple[LinePaid, ...]) -> tuple[PaidBill, ...]:
    """Nobody is asked whether a bill is to be paid again whose money went back. The newest payment first."""
    owed = {(line.account, line.invoice): line.amount_minor for line in lines}
    left: list[PaidBill] = []
    for bill in reversed(paid):
        part_minor = min(bill.amount_minor, owed.get((bill.account, bill.invoice), 0))
        if part_minor:
            owed[bill.account, bill.invoice] -= part_minor
        if bill.amount_minor > part_minor:
            left.append(replace(bill, amount_minor=bill.amount_minor - part_minor))
    return tuple(reversed(left))


RULES: dict[type[Any], Callable[[Books, Any], Books]] = {
    r.RefundStarted: _started,
    r.CardRefunded: _refunded,
    r.RefundEnded: _ended,
    r.RefundUnknown: _unknown,
}
