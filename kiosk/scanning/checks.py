"""Check digits of payment codes: the standard ones by name, US remittance families by weights.

Named rules take a number with its check characters and come from python-stdnum. `Weighted` covers the
families of the barcode sheet, section 3.1, which differ by weights, direction and what is done with products.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stdnum import damm, ean, iban, iso11649, luhn, verhoeff
from stdnum.be import ogm_vcs
from stdnum.ch import esr
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_2, mod_11_10, mod_37_2, mod_97_10
from stdnum.us import rtn

# Letters in a number that a US scan line counts as digits (sheet 3.1).
LETTER_VALUES = {
    letter: str(value)
    for value, letters in enumerate(("AJ", "BKS", "CLT", "DMU", "ENV", "FOW", "GPX", "HQY", "IRZ"), start=1)
    for letter in letters
}


@dataclass(frozen=True)
class Weighted:
    """One family of weighted check digits.

    `weights` repeat from `start` ("left" or "right"). `products`: "digits" adds the digits of each product, "whole"
    the product, "last" its last digit. `result`: "complement" is modulus minus remainder, "remainder" the plain one.
    `printed` says what a result of more than one digit prints as; without an entry such a number is never issued.
    """

    weights: tuple[int, ...]
    modulus: int = 10
    start: str = "left"
    products: str = "digits"
    result: str = "complement"
    printed: Mapping[int, str] = field(default_factory=dict)

    def digit(self, number: str) -> str:
        """Return the check character of `number`, or "" for one that is never issued; ValueError if not digits."""
        values = [int(LETTER_VALUES.get(character, character)) for character in number]
        if self.start == "right":
            values.reverse()
        total = sum(
            self._product(value * self.weights[place % len(self.weights)]) for place, value in enumerate(values)
        )
        remainder = total % self.modulus
        value = remainder if self.result == "remainder" else (self.modulus - remainder) % self.modulus
        return self.printed.get(value, str(value) if value < 10 else "")

    def _product(self, product: int) -> int:
        if self.products == "whole":
            return product
        return product % 10 if self.products == "last" else sum(int(digit) for digit in str(product))


def _valid(validate: Callable[[str], object]) -> Callable[[str], bool]:
    def check(number: str) -> bool:
        try:
            validate(number)
        except ValidationError:
            return False
        return True

    return check


# Every rule that a profile may name; each takes the number with its check characters.
RULES: dict[str, Callable[[str], bool]] = {
    "damm": _valid(damm.validate),
    "ean": lambda number: number.isdigit() and ean.calc_check_digit(number[:-1]) == number[-1],
    "esr": _valid(esr.validate),
    "iban": _valid(iban.validate),
    "iso11649": _valid(iso11649.validate),
    "luhn": _valid(luhn.validate),
    "mod_11_2": _valid(mod_11_2.validate),
    "mod_11_10": _valid(mod_11_10.validate),
    "mod_37_2": _valid(mod_37_2.validate),
    "mod_97_10": _valid(mod_97_10.validate),
    "ogm_vcs": _valid(ogm_vcs.validate),
    "routing": _valid(rtn.validate),
    "verhoeff": _valid(verhoeff.validate),
}

_CODE39 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"


def code39_check(text: str) -> str:
    """Return the mod 43 character of `text` (sheet 2); ValueError for a character Code 39 lacks."""
    return _CODE39[sum(_CODE39.index(character) for character in text) % 43]


def mod97_norma60(issuer: str, reference: str, identification: str, cents: str) -> str:
    """Return the two control digits of Norma 60 format 521 (sheet 9), `reference` without them."""
    number = 76 * int(issuer) + 9 * int(reference) + 55 * (int(identification) - 1 + int(cents))
    return f"{99 - number % 97 * 100 // 97:02d}"


def boleto_mod11(number: str) -> str:
    """Return the general check digit of a bank boleto over its other 43 digits (sheet 7)."""
    return _BOLETO.digit(number)


def slip_mod11(number: str) -> str:
    """Return the mod 11 check digit of a Brazilian collection slip (sheet 7)."""
    return _SLIP.digit(number)


def finnish_reference(number: str) -> bool:
    """Whether a national Finnish reference, with its check digit last, is right (sheet 8)."""
    return len(number) > 1 and _FINNISH.digit(number[:-1]) == number[-1]


_EIGHT = (2, 3, 4, 5, 6, 7, 8, 9)
# 11 minus the remainder; what would print as 0, 10 or 11 prints as 1. A remainder of 0 gives 0 here.
_BOLETO = Weighted(_EIGHT, 11, "right", "whole", "complement", {0: "1", 10: "1"})
# Remainders 0 and 1 give 0, remainder 10 gives 1.
_SLIP = Weighted(_EIGHT, 11, "right", "whole", "complement", {10: "0"})
_FINNISH = Weighted((7, 3, 1), 10, "right", "whole", "complement")
