"""Reading the bodies of the facts that move money. What cannot be read is said, never guessed."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

_ID = re.compile(r"[A-Za-z0-9._: -]{1,64}", re.ASCII)  # a space: account numbers as printed
_REFERENCE = re.compile(r"[A-Z0-9]{1,16}")
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
    """PaymentCompleted as far as booking needs it. `value_date` is None if it cannot be read.

    `total_minor` is what all tenders gave for the lines; the fee is apart. What each tender gave is told, not booked.
    """

    receipt_number: str
    account: str
    lines: tuple[LinePaid, ...]
    total_minor: int
    value_date: date | None
    card_minor: int = 0
    check_minor: int = 0
    change_minor: int = 0
    fee_minor: int = 0
    fee_kind: str = "fee"


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
        card_minor=_told(body, "cards", leg="bill"),
        check_minor=_told(body, "checks"),
        change_minor=_optional(body, "change_minor"),
        fee_minor=_optional(body, "fee_minor"),
        fee_kind=name(body, "fee_kind", "fee"),
    )


def lines_of(body: Any) -> tuple[LinePaid, ...]:
    """Return the lines of a refund that can be read: the money went back whatever they say."""
    lines = body.get("lines") if isinstance(body, dict) else None
    read: list[LinePaid] = []
    for line in lines if isinstance(lines, list) else []:
        try:
            read.append(_line(line))
        except Unreadable:
            continue
    return tuple(read)


def attempt(body: Any, field: str = "reference") -> str:
    """Return the reference of an attempt to pay by card: 1 to 16 capitals and digits."""
    value = _field(body, field)
    if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
        raise Unreadable(field)
    return value


def name(body: Any, field: str, otherwise: str = "") -> str:
    """Return a word that decides nothing, `otherwise` if it is missing or odd."""
    try:
        return identifier(body, field)
    except Unreadable:
        return otherwise


def shown(body: Any, field: str, most: int = 64) -> str:
    """Return text that is only shown to staff, "" if it is none."""
    value = body.get(field) if isinstance(body, dict) else None
    return value.replace("\x00", "")[:most] if isinstance(value, str) else ""


def last4(slip: Any) -> str:
    """Return the card's last four digits, "" for anything else: no number of a card is ever kept."""
    value = slip.get("last4") if isinstance(slip, dict) else None
    return value if isinstance(value, str) and re.fullmatch(r"[0-9]{4}", value) else ""


def _told(body: dict[str, Any], field: str, leg: str = "") -> int:
    """Return what the tenders listed under `field` gave, as far as they can be read. A record of before has none."""
    listed = body.get(field)
    sums = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    told = [item.get("amount_minor") for item in sums if not leg or item.get("leg") == leg]
    return min(AMOUNT_MAX_MINOR, sum(sum_ for sum_ in told if type(sum_) is int and 0 <= sum_ <= AMOUNT_MAX_MINOR))


def _optional(body: dict[str, Any], field: str) -> int:
    return amount(body, field, least=0) if field in body else 0


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
