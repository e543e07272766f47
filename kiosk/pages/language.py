"""Catalogues of translations: read from the .po files at first use, kept for the life of the process.

The text files themselves are read, so a fresh clone speaks every language without a build step, and the screen
process needs no library for it. English is the language of the message ids.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "es": "Español"}
LOCALE_DIR = Path(__file__).parents[2] / "assets" / "locale"


def translator(language: str) -> Callable[[str], str]:
    """Return the function from English text to `language`; an unknown language or text gives the English."""
    texts = catalogue(language)
    return lambda text: texts.get(text, text)


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return message id -> translation, without the untranslated, the fuzzy and the header."""
    path = LOCALE_DIR / language / "LC_MESSAGES" / "kiosk.po"
    if language not in LANGUAGES or not path.exists():
        return {}
    return dict(read_po(path.read_text(encoding="utf-8")))


def read_po(content: str) -> Iterator[tuple[str, str]]:
    """Yield (msgid, msgstr) of a gettext file without plurals or contexts, leaving out the fuzzy and the empty."""
    for entry in content.split("\n\n"):
        parts = {"msgid": "", "msgstr": ""}
        part, fuzzy = "", False
        for line in entry.splitlines():
            if line.startswith("#"):
                fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
                continue
            keyword, _, quoted = line.partition(" ")
            if keyword in parts:
                part = keyword
            else:
                quoted = line
            if part and quoted.startswith('"'):
                parts[part] += ast.literal_eval(quoted)
        if parts["msgid"] and parts["msgstr"] and not fuzzy:
            yield parts["msgid"], parts["msgstr"]


def following(language: str) -> str:
    """Return the language that the bottom band offers next to `language`."""
    codes = list(LANGUAGES)
    return codes[(codes.index(language) + 1) % len(codes)] if language in codes else codes[0]
