"""One text, two forms: as it is read and as it is heard."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kiosk.domain.intents import Intent
from kiosk.domain.money import format_minor, format_note
from kiosk.pages.page import Choice, Line, Notice
from kiosk.pages.words import amount_words, digit_words

Translate = Callable[[str], str]


@dataclass(frozen=True)
class Money:
    """A sum in cents: read "$53.18", heard in words. `short` reads "$20"."""

    minor: int
    short: bool = False

    def read(self) -> str:
        return format_note(self.minor) if self.short else format_minor(self.minor)


@dataclass(frozen=True)
class Digits:
    """A number that is heard digit by digit, in threes."""

    text: str


@dataclass(frozen=True)
class Said:
    text: str
    spoken: str


Value = Money | Digits | Said | str | int


@dataclass(frozen=True)
class Tongue:
    """A resident's language: translates a text and fills it in, once for the eye and once for the ear."""

    translate: Translate
    language: str

    def say(self, text: str, **values: Value) -> Said:
        """Return `text` (a message id) translated, with its {placeholders} filled."""
        pattern = self.translate(text)
        read = {name: self._read(value) for name, value in values.items()}
        heard = {name: self.hear(value) for name, value in values.items()}
        return Said(pattern.format(**read), pattern.format(**heard)) if values else Said(pattern, pattern)

    def plain(self, text: str) -> Said:
        """Return words that need no translation, as a name from the city's books."""
        return Said(text, text)

    def money(self, minor: int, short: bool = False) -> Said:
        return Said(Money(minor, short).read(), amount_words(minor, self.language))

    def digits(self, text: str) -> Said:
        return Said(text, digit_words(text, self.language))

    def _read(self, value: Value) -> str:
        match value:
            case Money():
                return value.read()
            case Digits(text):
                # A number never breaks.
                return text.replace(" ", "\N{NO-BREAK SPACE}")
            case Said(text, _):
                return text
            case _:
                return str(value)

    def hear(self, value: Value) -> str:
        match value:
            case Money(minor):
                return amount_words(minor, self.language)
            case Digits(text):
                return digit_words(text, self.language)
            case Said(_, spoken):
                return spoken
            case _:
                return str(value)


def line(said: Said, tone: str = "body", amount: Said | None = None) -> Line:
    """Return a line of text; `amount` stands at its right edge and is spoken after it."""
    if amount is None:
        return Line(said.text, "", tone, said.spoken)
    return Line(said.text, amount.text, tone, f"{said.spoken}: {amount.spoken}")


def notice(said: Said, tone: str = "info") -> Notice:
    return Notice(said.text, tone, said.spoken)


def choice(intent: Intent | str, label: Said, hint: Said | None = None, **look: Any) -> Choice:
    """Return something to press; label and hint are spoken together. `look`: icon, kind, enabled, selected."""
    act = Intent(intent) if isinstance(intent, str) else intent
    spoken = f"{label.spoken}. {hint.spoken}" if hint else label.spoken
    return Choice(act, label.text, hint.text if hint else "", spoken=spoken, **look)
