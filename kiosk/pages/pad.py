"""The number pad: twelve keys in telephone order, and the keys that end typing."""

from kiosk.domain.intents import Intent
from kiosk.pages.page import Choice
from kiosk.pages.tongue import Said, Tongue, choice


def pad(tongue: Tongue, submit: Said, ready: bool) -> tuple[Choice, ...]:
    """Return the keys row by row, then submit (off until `ready`) and back."""
    say = tongue.say
    digits = {digit: _digit(tongue, digit) for digit in "1234567890"}
    # Translators: a key that empties the field
    clear = choice(Intent("key", "clear"), say("Clear"), kind="key")
    # Translators: a key that takes away the last digit
    delete = choice(Intent("key", "back"), say("Delete"), icon="delete", kind="key")
    return (
        *(digits[digit] for digit in "123456789"),
        clear,
        digits["0"],
        delete,
        choice("submit", submit, kind="primary", enabled=ready),
        back(tongue),
    )


def back(tongue: Tongue) -> Choice:
    return choice("back", tongue.say("Go back"), icon="back", kind="plain")


def _digit(tongue: Tongue, digit: str) -> Choice:
    return choice(Intent("key", digit), tongue.digits(digit), kind="key")
