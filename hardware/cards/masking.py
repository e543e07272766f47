"""No card number survives: what looks like one is taken out of every text that a terminal sends (rule 14)."""

import re

DIGITS_MIN, DIGITS_MAX = 13, 19
WHOLE_MAX = 16  # a longer run of digits may hold a number between others; a merchant's number is no longer

_RUNS = re.compile(r"\d(?:[ -]?\d)+")


def without_card_numbers(text: str) -> str:
    """Return `text` without the runs of digits, spaces and dashes that hold a card number."""
    return _RUNS.sub(lambda run: "" if holds_card_number(run[0]) else run[0], text)


def holds_card_number(text: str) -> bool:
    """Return whether 13 to 19 digits of one run in `text` have the check digit of a card number."""
    return any(_in_run([int(digit) for digit in run if digit.isdigit()]) for run in _RUNS.findall(text))


def _in_run(digits: list[int]) -> bool:
    if len(digits) <= WHOLE_MAX:
        return len(digits) >= DIGITS_MIN and _passes_luhn(digits)
    return any(
        _passes_luhn(digits[start : start + length])
        for length in range(DIGITS_MIN, DIGITS_MAX + 1)
        for start in range(len(digits) - length + 1)
    )


def _passes_luhn(digits: list[int]) -> bool:
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    # All zeros pass the sum and are nobody's number.
    return any(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
