"""Reading the bodies of the facts that move money. What cannot be read is said, never guessed."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

_ID = re.compile(r"[A-Za-z0-9._: -]{1,64}", re.ASCII)  # a space: account numbers as printed
_CURRENCY = re.compile(r"[A-Z]{3}")
AMOUNT_MAX_MINOR = 10**12  # ten billion: sums of a whole journal stay far inside 64 bits


class Unreadable(Exception):
    """`field` is missing or is not what the fact's definition says."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True)
class LinePaid:
    account: str
    invoice: str
    amount_minor: int


@dataclass(frozen=True)
class Completed:
    """PaymentCompleted as far as booking needs it. `value_date` is None if it cannot be read."""

    receipt_number: str
    account: str
    lines: tuple[LinePaid, ...]
    total_minor: int
    value_date: date | None


def identifier(body: Any, field: str) -> str:
    value = _field(body, field)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Unreadable(field)
    return value


def currency(body: Any) -> str:
    value = _field(body, "currency")
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise Unreadable("currency")
    return value


def amount(body: Any, field: str, least: int = 1) -> int:
    value = _field(body, field)
    if type(value) is not int or not least <= value <= AMOUNT_MAX_MINOR:
        raise Unreadable(field)
    return value


def period(body: Any) -> str:
    """Return the cassette period as text, "unknown" if it cannot be read: the cash is there in either case."""
    value = body.get("cassette_period") if isinstance(body, dict) else None
    return str(value) if type(value) is int and 0 <= value < 2**31 else "unknown"


def completed(body: Any) -> Completed:
    """Return a PaymentCompleted; Unreadable names the first field that is wrong."""
    lines = _field(body, "lines")
    if not isinstance(lines, list):
        raise Unreadable("lines")
    return Completed(
        receipt_number=identifier(body, "receipt_number"),
        account=identifier(body, "account"),
        lines=tuple(_line(line) for line in lines),
        total_minor=amount(body, "total_minor", least=0),
        value_date=_date(body.get("value_date")),
    )


def _line(line: Any) -> LinePaid:
    try:
        invoice = "" if _field(line, "invoice") == "" else identifier(line, "invoice")
        return LinePaid(identifier(line, "account"), invoice, amount(line, "amount_minor"))
    except Unreadable as error:
        raise Unreadable(f"lines.{error.field}") from None


def _date(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _field(body: Any, field: str) -> Any:
    if not isinstance(body, dict) or field not in body:
        raise Unreadable(field)
    return body[field]
