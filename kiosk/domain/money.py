"""Money: whole minor units (cents) of one currency. Only parsing and printing use Decimal."""

from decimal import Decimal, InvalidOperation

CURRENCY = "USD"


def parse_minor(text: str) -> int:
    """Return the cents written in `text` ("53.18", "$1,204.5"); ValueError if it is not an exact sum of cents."""
    try:
        cents = Decimal(text.strip().removeprefix("$").replace(",", "")) * 100
    except InvalidOperation as error:
        raise ValueError(f"not an amount: {text!r}") from error
    if not cents.is_finite() or cents != cents.to_integral_value():
        raise ValueError(f"not a whole number of cents: {text!r}")
    return int(cents)


def format_minor(amount_minor: int) -> str:
    """Return `amount_minor` as "$53.18", in the US form whatever the language (accessibility L5)."""
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}${Decimal(abs(amount_minor)) / 100:,.2f}"


def format_note(value_minor: int) -> str:
    """Return a note's value as people say it: "$20"."""
    return f"${value_minor // 100}" if value_minor % 100 == 0 else format_minor(value_minor)
