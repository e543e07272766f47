"""The city's own bill code: 34 digits, the same in the Code 128 and the QR of every printed bill.

mark "71" (2) · version "1" (1) · account (8) · bill (7) · amount in cents (8) · due date YYMMDD (6) · check (2).
The check is ISO 7064 mod 97,10 over the 32 digits before it. Never a name, an address or a meter reading.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime

from stdnum import luhn
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_97_10

MARK, VERSION = "71", "1"
_LAYOUT = re.compile(r"711([0-9]{8})([0-9]{7})([0-9]{8})([0-9]{6})[0-9]{2}", re.ASCII)
AMOUNT_MAX_MINOR = 99_999_999


@dataclass(frozen=True)
class BillCode:
    """What a printed bill says of itself: a snapshot, never the amount to be paid now."""

    account: str
    bill: str
    amount_minor: int
    due: date


def encode(code: BillCode) -> str:
    """Return the 34 digits; ValueError if a field does not fit."""
    if not is_account_number(code.account) or not re.fullmatch(r"[0-9]{7}", code.bill):
        raise ValueError("the account has 8 digits with a Luhn check, the bill 7")
    if not 0 <= code.amount_minor <= AMOUNT_MAX_MINOR:
        raise ValueError(f"the amount does not fit eight digits: {code.amount_minor}")
    payload = f"{MARK}{VERSION}{code.account}{code.bill}{code.amount_minor:08d}{code.due:%y%m%d}"
    return payload + str(mod_97_10.calc_check_digits(payload))


def decode(text: str) -> BillCode | None:
    """Return what `text` says if it is a bill code with all its checks right."""
    fields = _LAYOUT.fullmatch(text)
    if fields is None or not _checks(text) or not is_account_number(fields[1]):
        return None
    try:
        due = datetime.strptime(fields[4], "%y%m%d").date()
    except ValueError:
        return None
    return BillCode(fields[1], fields[2], int(fields[3]), due)


def is_account_number(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{8}", text)) and bool(luhn.is_valid(text))


def account_number(seven_digits: str) -> str:
    """Return the account number that begins with `seven_digits`."""
    return seven_digits + str(luhn.calc_check_digit(seven_digits))


def _checks(text: str) -> bool:
    try:
        return bool(mod_97_10.validate(text))
    except ValidationError:
        return False
