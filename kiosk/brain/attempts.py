"""The card transactions that were announced, and how each is carried on in the books: sales, voids and refunds."""

from dataclasses import replace

from kiosk.brain.contradiction import Contradiction, require
from kiosk.brain.state import Attempt, Books

_ENDED_MAX = 4
_OVER = ("ended", "given_up")  # nobody asks for it any more


def announced(books: Books, attempt: Attempt) -> Books:
    require(books.attempt is None, "a second card transaction while the end of one is not known")
    require(books.note is None, "a card transaction while a note is open")
    require(attempt.amount_minor > 0, "a card transaction of nothing")
    require(all(known.reference != attempt.reference for known in books.attempts), "a reference was used twice")
    attempt = replace(attempt, after=books.terminal_ref)
    return replace(books, references=books.references + 1, attempts=(*books.attempts, attempt), terminal_ref="")


def attempt_of(books: Books, reference: str, operation: str, payment_id: str) -> Attempt:
    for attempt in books.attempts:
        if (attempt.reference, attempt.operation, attempt.payment_id) == (reference, operation, payment_id):
            return attempt
    raise Contradiction(f"no {operation} {reference} of this payment was announced")


def forgotten(books: Books, attempt: Attempt) -> Books:
    return replace(books, attempts=tuple(other for other in books.attempts if other is not attempt))


def refunded(books: Books, of: str) -> bool:
    """Return whether anything of the sale `of` was given back, not counting a refund whose end is not known."""
    open_ends = {attempt.reference for attempt in books.attempts}
    return any(refund.of == of and refund.reference not in open_ends for refund in books.refunds)


def restated(books: Books, attempt: Attempt, state: str, reason: str) -> Books:
    others = tuple(other for other in books.attempts if other is not attempt)
    room = _ENDED_MAX - (state not in _OVER)
    return replace(books, attempts=(*others[-room:], replace(attempt, state=state, reason=reason)))
