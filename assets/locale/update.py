"""Bring the catalogues up to date with the texts in kiosk/pages: `python assets/locale/update.py`.

New texts arrive empty, those no longer used leave. What is still to translate is printed; the tests refuse it.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "say": None}
LANGUAGES = ("en", "es")
HEADER = """\
# Words of the kiosk. English is the language of the ids; where nothing stands below one, it is used as it is.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def extract() -> Catalog:
    """Return every text of kiosk/pages that is marked `_("...")` or `say("...")`, with the comments for translators."""
    catalog = Catalog(project="lobby-kiosk", fuzzy=False)
    pages = ROOT / "kiosk" / "pages"
    for _file, _line, text, comments, _context in extract_from_dir(
        pages, keywords=KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    ):
        if isinstance(text, str):
            catalog.add(text, auto_comments=comments)
    return catalog


def path_of(language: str) -> Path:
    return Path(__file__).parent / language / "LC_MESSAGES" / "kiosk.po"


def read(path: Path, language: str) -> Catalog:
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(language: str) -> list[str]:
    """Rewrite the catalogue of `language`; return the texts without translation."""
    known = dict(_translations(read(path_of(language), language)))
    new = Catalog(locale=language, fuzzy=False)
    for message in extract():
        if message.id:
            new.add(message.id, known.get(str(message.id), ""), auto_comments=message.auto_comments)
    body = BytesIO()
    write_po(body, new, width=110, no_location=True, omit_header=True)
    path_of(language).write_text(HEADER.format(language=language) + body.getvalue().decode(), encoding="utf-8")
    return [str(message.id) for message in new if message.id and not message.string]


def _translations(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for message in catalog:
        if message.id and message.string and not message.fuzzy:
            yield str(message.id), str(message.string)


if __name__ == "__main__":
    for code in LANGUAGES:
        missing = update(code)
        if code != "en":
            sys.stdout.write("".join(f"{code}: {text}\n" for text in missing))
