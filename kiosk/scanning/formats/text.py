"""What the line-based formats share: exact decimal sums, IBANs as printed, and refusals in one line."""

import re

from kiosk.scanning.checks import RULES
from kiosk.scanning.outcome import Misfit

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_REFERENCE = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")


def expect(condition: bool, code: str, detail: str) -> None:
    """Raise Misfit(code, detail) unless `condition` holds."""
    if not condition:
        raise Misfit(code, detail)


def iban(text: str) -> str:
    """Return the IBAN as given; Misfit "check" if its form, length or check digits are wrong."""
    expect(bool(_IBAN.fullmatch(text)) and RULES["iban"](text), "check", "iban")
    return text


def creditor_reference(text: str) -> str:
    """Return an ISO 11649 reference as given; Misfit "check" if it is wrong (sheet 6)."""
    expect(bool(_REFERENCE.fullmatch(text)) and RULES["iso11649"](text), "check", "iso11649")
    return text


def minor(text: str, decimals: re.Pattern[str]) -> int:
    """Return the cents of a dotted decimal in the form `decimals` (two places at most); Misfit "check" if it is not."""
    expect(bool(decimals.fullmatch(text)), "check", "amount")
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int(fraction.ljust(2, "0"))


def digits(text: str) -> bool:
    """Whether `text` is nothing but ASCII digits."""
    return text.isascii() and text.isdigit()
