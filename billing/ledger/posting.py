"""Writing to the ledger: transactions in, reversals of them, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from billing import rows
from billing.ledger.models import Transaction

_COLUMNS = ("reference", "description", "currency", "value_date", "posted_at", "lines", "reverses_id")


class Unbalanced(ValueError):
    """The lines do not add up to zero, or one of them moves nothing."""


class Line(NamedTuple):
    """`amount_minor` in cents: debit above 0, credit below."""

    account: str
    subject: str
    amount_minor: int


@dataclass(frozen=True)
class Draft:
    """A transaction before it is posted. `reference` names its business event: posting it twice fails."""

    reference: str
    description: str
    currency: str
    value_date: date
    lines: tuple[Line, ...]
    reverses: int | None = None

    def __post_init__(self) -> None:
        if len(self.lines) < 2 or not all(line.amount_minor for line in self.lines):
            raise Unbalanced(f"{self.reference}: needs two lines that move something")
        if sum(line.amount_minor for line in self.lines):
            raise Unbalanced(f"{self.reference}: does not balance")


def post(drafts: Sequence[Draft], posted_at: datetime) -> list[Transaction]:
    """Write `drafts` and return them with their ids; all or none. IntegrityError for a repeat."""
    by_id = Transaction.objects.in_bulk(ids := post_many(drafts, posted_at))
    return [by_id[number] for number in ids]


def post_many(drafts: Sequence[Draft], posted_at: datetime) -> list[int]:
    """Write `drafts` as `post` does, and return the ids alone."""
    values = [
        (
            draft.reference,
            draft.description,
            draft.currency,
            draft.value_date,
            posted_at,
            [list(line) for line in draft.lines],
            draft.reverses,
        )
        for draft in drafts
    ]
    return rows.insert(Transaction, _COLUMNS, values)


def reverse(original: Transaction, reason: str, value_date: date, posted_at: datetime) -> Transaction:
    """Post the mirror image of `original`. A transaction is reversed once; a mistake in that is reversed in turn."""
    lines = tuple(Line(account, subject, -amount) for account, subject, amount in original.lines)
    draft = Draft(
        reference=f"reversal:{original.pk}",
        description=reason,
        currency=original.currency,
        value_date=value_date,
        lines=lines,
        reverses=original.pk,
    )
    return post([draft], posted_at)[0]
