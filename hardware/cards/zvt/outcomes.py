"""What an ending means for money (sheet sections 6 to 9). Whatever is not certain is unknown."""

from dataclasses import dataclass, field
from enum import Enum

from hardware.cards.contract import (
    ABSENT,
    APPROVED,
    CANCELLED,
    DECLINED,
    NOT_STARTED,
    UNKNOWN,
    Query,
    Refund,
    Slip,
    Void,
)
from hardware.cards.zvt.memory import Attempt
from hardware.cards.zvt.status import CURRENCIES, Information, Likeness, compare, is_older, trace_of

BY_KEY_OR_TIME, ALREADY_REVERSED = 0x6C, 0xB4
BUSY = frozenset({0x9C, 0xA0})


class How(Enum):
    COMPLETED = "06 0F"
    ABORTED = "06 1E"
    REFUSED = "84 xx"
    SILENT = "no answer, or the line is gone"


@dataclass(frozen=True)
class Ending:
    """How a command ended. `code` is that of an abort or refusal."""

    how: How
    code: int = 0
    data: bytes = field(default=b"", repr=False)
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    result: str
    amount_minor: int = 0
    mark: str = ""
    reason: str = ""
    slip: Slip = field(default_factory=Slip)


@dataclass(frozen=True)
class Stored:
    """The transaction that `terminal` has stored last. `mark` is "" if there is none, None if that is not known."""

    mark: str | None = None
    information: Information = field(default_factory=Information)
    terminal: str = ""


def fits(information: Information, amount_minor: int, currency: str) -> bool:
    """Return whether what was approved may be what was asked for: no more, and in the right money."""
    amount_fits = information.amount_minor is None or 0 < information.amount_minor <= amount_minor
    return amount_fits and information.currency in (None, CURRENCIES[currency])


def approved(information: Information, asked_minor: int) -> Outcome:
    amount_minor = asked_minor if information.amount_minor is None else information.amount_minor
    return Outcome(APPROVED, amount_minor, information.mark, slip=information.slip)


def unapproved_sale(information: Information, ending: Ending) -> Outcome:
    """A sale that ended and was never approved, or whose approval we did not take."""
    match ending.how:
        case How.SILENT:
            return Outcome(UNKNOWN, reason=ending.reason)
        case How.REFUSED:
            return Outcome(NOT_STARTED, reason=f"{ending.code:02X}")
        case How.ABORTED:
            return _no(ending.code, information)
    if information.result is None or information.good:
        return Outcome(UNKNOWN, reason="completed without a result")
    return _no(information.result, information)


def other_ended(command: Void | Refund, information: Information, ending: Ending, currency: str) -> Outcome:
    """A void or a refund that ended. Already reversed is what a void is for, but who did it is for a Query to find."""
    if ending.how is How.SILENT:
        return Outcome(UNKNOWN, reason=ending.reason)
    if ending.how in (How.REFUSED, How.ABORTED):
        if isinstance(command, Void) and ending.code == ALREADY_REVERSED:
            return Outcome(UNKNOWN, reason="B4")
        if ending.how is How.REFUSED:
            return Outcome(NOT_STARTED, reason=f"{ending.code:02X}")
        return _no(ending.code, information)
    if not information.good:
        known = information.result is not None
        return _no(information.result or 0, information) if known else Outcome(UNKNOWN, reason="no result")
    whole = information.amount_minor in (None, command.amount_minor) and fits(
        information, command.amount_minor, currency
    )
    other = isinstance(command, Void) and _differ(information.original, trace_of(command.terminal_ref))
    if other or not whole:
        return Outcome(UNKNOWN, reason="another transaction" if other else "amount")
    return approved(information, command.amount_minor)


def _no(code: int, information: Information) -> Outcome:
    result = CANCELLED if code == BY_KEY_OR_TIME else DECLINED
    return Outcome(result, reason=f"{code:02X}", slip=information.slip)


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one != other


# Looking for what became of one


def look(query: Query, attempt: Attempt | None, stored: Stored, currency: str) -> Outcome:
    """Say what became of an operation from what the terminal has stored last."""
    own = attempt if attempt and _is(attempt, query) else None
    if own and not own.sent:
        return Outcome(ABSENT, reason="never sent")
    if attempt and own is None and query.after and attempt.mark == query.after:
        # The memory is written before anything leaves, and it is still that of the one before.
        return Outcome(ABSENT, reason="never sent")
    if stored.mark is None:
        return Outcome(UNKNOWN, reason="the terminal does not say what it stored last")
    if own and own.terminal and stored.terminal and own.terminal != stored.terminal:
        return Outcome(UNKNOWN, reason="it was another terminal")
    before = own.before if own else query.after
    mark = (own.mark if own else "") or query.terminal_ref
    if query.operation == "void":
        sale = own.of if own else query.terminal_ref
        return _look_for_void(query, before, mark, sale, stored, currency)
    return _look_for_payment(query, before, mark, stored, currency)


def _is(attempt: Attempt, query: Query) -> bool:
    return (attempt.operation, attempt.reference) == (query.operation, query.reference)


def _look_for_payment(query: Query, before: str | None, mark: str, stored: Stored, currency: str) -> Outcome:
    last, information = stored.mark or "", stored.information
    if mark and last and compare(last, mark) is Likeness.SAME:
        return _found(query, stored, currency)
    reverses = bool(information.original) and query.operation == "sale"
    if reverses and mark and information.original == trace_of(mark):
        return Outcome(ABSENT, reason="reversed")
    match None if before is None else compare(last, before):
        case Likeness.SAME:
            return Outcome(ABSENT)
        case Likeness.OTHER if not last:
            return Outcome(UNKNOWN, reason="the terminal has forgotten")
        case Likeness.OTHER if reverses and not mark:
            return Outcome(ABSENT, reason="reversed")
        case Likeness.OTHER if mark:
            # It told us another number before: that one is not there any more.
            return Outcome(UNKNOWN, reason="another transaction")
        case Likeness.OTHER if is_older(last, before or ""):
            return Outcome(UNKNOWN, reason="the one before is gone")
        case Likeness.OTHER:
            return _found(query, stored, currency)
    return Outcome(UNKNOWN, reason="it cannot be told from the one before")


def _look_for_void(query: Query, before: str | None, mark: str, sale: str, stored: Stored, currency: str) -> Outcome:
    """Without a memory `mark` and `sale` are what the query has: the number of the void, or that of its sale."""
    last, information = stored.mark or "", stored.information
    if information.original and information.original == trace_of(sale):
        return _found(query, stored, currency)
    if before is not None and compare(last, before) is Likeness.SAME:
        return Outcome(ABSENT)
    if mark and last and compare(last, mark) is Likeness.SAME:
        # Its own number, or that of the sale, which then is still the last one.
        return _found(query, stored, currency) if information.original else Outcome(ABSENT)
    return Outcome(UNKNOWN, reason="another transaction" if last else "the terminal has forgotten")


def _found(query: Query, stored: Stored, currency: str) -> Outcome:
    information = stored.information
    if not information.good:
        return _no(information.result or 0, information)
    asked_minor = query.amount_minor or information.amount_minor or 0
    if not asked_minor or not fits(information, asked_minor, currency):
        return Outcome(UNKNOWN, reason="amount")
    return approved(information, asked_minor)


def recall(attempt: Attempt, stored: Stored, currency: str) -> Outcome:
    """Say what became of a sale of which an approval was told, and of which no more was heard."""
    query = Query(attempt.reference, attempt.operation, attempt.amount_minor, attempt.mark)
    return look(query, attempt, stored, currency)
