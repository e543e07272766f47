"""Reading ClaimOpened. Only its number must be readable: a claim is taken down whatever else it says."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from billing.journal import facts
from billing.journal.records import moment

_YEARS = (2000, 2100)


@dataclass(frozen=True)
class Filed:
    """A claim as its kiosk opened it. `amount_minor` 0 is not known; `promised` is the slip's date, if readable."""

    number: str
    opened_by: str
    what: str
    when: str
    account_id: int | None
    amount_minor: int
    currency: str
    session_id: str
    payment_id: str
    notes: tuple[str, ...]
    notes_said: tuple[tuple[int, int], ...]
    happened_at: datetime | None
    threatened: bool
    promised: date | None


def filed(body: Any, account_id: int | None, currency: str) -> Filed:
    """Return the claim in `body`; facts.Unreadable without a number."""
    number = facts.identifier(body, "claim_number")
    return Filed(
        number=number,
        opened_by=_word(body, "opened_by"),
        what=_word(body, "what"),
        when=_word(body, "when"),
        account_id=account_id,
        amount_minor=_amount(body),
        currency=_currency(body, currency),
        session_id=_word(body, "session_id"),
        payment_id=_word(body, "payment_id"),
        notes=tuple(_word(note, "note_id") for note in _list(body, "notes")),
        notes_said=tuple((_count(said, "value_minor"), _count(said, "count")) for said in _list(body, "notes_said")),
        happened_at=_moment(body.get("happened_at")),
        threatened=body.get("threatened") is True,
        promised=_date(body.get("answer_by")),
    )


def _word(body: Any, field: str) -> str:
    try:
        return facts.identifier(body, field)
    except facts.Unreadable:
        return ""


def _amount(body: Any) -> int:
    try:
        return facts.amount(body, "amount_minor", least=0)
    except facts.Unreadable:
        return 0


def _currency(body: Any, otherwise: str) -> str:
    try:
        return facts.currency(body)
    except facts.Unreadable:
        return otherwise


def _list(body: Any, field: str) -> list[Any]:
    value = body.get(field)
    return value[:100] if isinstance(value, list) else []


def _count(body: Any, field: str) -> int:
    try:
        return facts.amount(body, field, least=0)
    except facts.Unreadable:
        return 0


def _moment(text: Any) -> datetime | None:
    """A time that no clock of a kiosk ever showed would only break what is made of it."""
    at = moment(text) if isinstance(text, str) else None
    return at if at is not None and _YEARS[0] <= at.year < _YEARS[1] else None


def _date(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None
