"""An account number that a resident typed because there is no bill to scan."""

from kiosk.domain.invoice import InvoiceReference
from kiosk.scanning.checks import RULES
from kiosk.scanning.outcome import Refused

ACCOUNT_DIGITS = 8  # the last one is a Luhn digit


def account(text: str) -> InvoiceReference | Refused:
    """Return the reference of the account number in `text` (8 digits, blanks and hyphens ignored), or why not."""
    number = text.replace(" ", "").replace("-", "")
    if not number.isascii() or not number.isdigit():
        return Refused("unknown", "an account number has digits only")
    if len(number) != ACCOUNT_DIGITS:
        return Refused("short", f"{len(number)} digits of {ACCOUNT_DIGITS}")
    if not RULES["luhn"](number):
        return Refused("check", "luhn of the account number")
    return InvoiceReference(number)
