"""Bring the catalogues up to date with the texts in kiosk/pages: `python assets/locale/update.py`.

New texts arrive empty, those no longer used leave. What is still to translate is printed; the tests refuse it.
"""

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "say": None}
LANGUAGES = ("en", "es")


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
    old = read(path_of(language), language)
    new = Catalog(locale=language, project="lobby-kiosk", fuzzy=False, revision_date=old.revision_date)
    new.mime_headers = [
        (name, value) for name, value in new.mime_headers if name in ("Language", "MIME-Version", "Content-Type",
                                                                     "Content-Transfer-Encoding")
    ]  # fmt: skip
    for message in extract():
        if message.id:
            known = old.get(message.id)
            new.add(message.id, known.string if known else "", auto_comments=message.auto_comments)
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, new, width=110, no_location=True, omit_header=False, sort_output=False, ignore_obsolete=True)
    return [str(message.id) for message in new if message.id and not message.string]


if __name__ == "__main__":
    for code in LANGUAGES:
        missing = update(code)
        if code != "en":
            sys.stdout.write("".join(f"{code}: {text}\n" for text in missing))
