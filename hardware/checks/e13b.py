"""The E-13B line of a United States check as text: T transit, U on-us, $ amount, - dash, ? what could not be read.

business   U check U T routing T account U
personal   T routing T account U check
personal   T routing T check U account U
"""

import re

from hardware.checks.contract import ACCOUNT, DEPOSITED, NUMBER, ROUTING, UNREADABLE, Check

ACCOUNT_DIGITS = (3, 17)
NUMBER_DIGITS_MAX = 10
_SIGNS = frozenset("0123456789TU$-? ")
# Auxiliary on-us, external processing code, transit, on-us, amount.
_LINE = re.compile(r"(?:U([0-9\- ]*)U)?\s*([0-9])?\s*T([0-9\- ]*)T([0-9U\- ]*)(\$[0-9 ]*\$?)?\s*")
# First two digits: the twelve districts of the Federal Reserve, thrifts and electronic ones of each, the government,
# and travellers' checks.
_DISTRICTS = frozenset((0, *range(1, 13), *range(21, 33), *range(61, 73), 80))


class BadLine(Exception):
    """The check goes back; `code` is one of the contract's words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def routing_holds(routing: str) -> bool:
    """Is this the number of a bank: nine digits of a known district, whose weighted sum ends in 0?"""
    if len(routing) != 9 or not (routing.isascii() and routing.isdigit()) or not int(routing):
        return False
    total = sum(weight * int(digit) for weight, digit in zip((3, 7, 1) * 3, routing, strict=True))
    return total % 10 == 0 and int(routing[:2]) in _DISTRICTS


def parse(line: str) -> Check:
    """Return what a line says. BadLine if anything in it is not certain."""
    if "?" in line or not _SIGNS.issuperset(line):
        raise BadLine(UNREADABLE)
    found = _LINE.fullmatch(line)
    if found is None:
        raise BadLine(UNREADABLE)
    auxiliary, _, transit, on_us, amount = found.groups()
    if not routing_holds(_digits(transit)):
        raise BadLine(ROUTING)
    if amount is not None and _digits(amount):
        raise BadLine(DEPOSITED)
    if auxiliary is not None and _digits(auxiliary):
        number, account = _digits(auxiliary), _digits(on_us.strip().partition("U")[0])
    else:
        number, account = _personal(on_us.strip())
    if not ACCOUNT_DIGITS[0] <= len(account) <= ACCOUNT_DIGITS[1] or not int(account):
        raise BadLine(ACCOUNT)
    if not 1 <= len(number) <= NUMBER_DIGITS_MAX:
        raise BadLine(NUMBER)
    return Check(_digits(transit), account, number, business=bool(auxiliary and _digits(auxiliary)))


def _personal(on_us: str) -> tuple[str, str]:
    """Return number and account of an on-us field, whichever stands first: the sign that ends the field says it."""
    parts = [_digits(part) for part in on_us.split("U")]
    match parts:
        case [account, number] | ["", account, number] if number:
            return number, account
        case [number, account, ""] if number:
            return number, account
        case [account, ""] | ["", account, ""] if account:
            raise BadLine(NUMBER)
    raise BadLine(ACCOUNT if not any(parts) else NUMBER)


def _digits(field: str) -> str:
    return "".join(sign for sign in field if sign.isdigit())
