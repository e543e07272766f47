"""The catalogues: nothing missing, nothing stale, nothing fuzzy, every placeholder kept (L1)."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.pofile import read_po as babel_read

from kiosk.pages.language import LANGUAGES, LOCALE_DIR, catalogue, following, read_po, translator


@pytest.fixture(scope="module")
def update() -> ModuleType:
    spec = importlib.util.spec_from_file_location("locale_update", LOCALE_DIR / "update.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def texts(update: ModuleType) -> set[str]:
    return {str(message.id) for message in update.extract() if message.id}


def path(language: str) -> Path:
    return LOCALE_DIR / language / "LC_MESSAGES" / "kiosk.po"


def test_spanish_is_complete_and_has_nothing_stale(texts: set[str]) -> None:
    assert len(texts) > 150
    spanish = catalogue("es")
    assert texts - set(spanish) == set(), "missing"
    assert set(spanish) - texts == set(), "stale"


def test_english_lists_the_same_texts(texts: set[str]) -> None:
    with path("en").open("rb") as file:
        assert {str(message.id) for message in babel_read(file) if message.id} == texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_fuzzy(language: str) -> None:
    with path(language).open("rb") as file:
        assert [message.id for message in babel_read(file) if message.id and message.fuzzy] == []


def test_placeholders_are_the_same() -> None:
    for text, spanish in catalogue("es").items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", spanish)), text


def test_the_small_reader_agrees_with_babel() -> None:
    with path("es").open("rb") as file:
        expected = {
            str(message.id): str(message.string) for message in babel_read(file) if message.id and message.string
        }
    assert catalogue("es") == expected


def test_fuzzy_and_empty_entries_fall_back_to_english() -> None:
    content = 'msgid ""\nmsgstr ""\n"Language: es\\n"\n\n#, fuzzy\nmsgid "a"\nmsgstr "b"\n\nmsgid "c"\nmsgstr ""\n'
    long = '\nmsgid ""\n"one \\"two\\" "\n"three"\nmsgstr "uno"\n'
    assert dict(read_po(content + long)) == {'one "two" three': "uno"}
    assert translator("es")("no such text") == "no such text"
    assert translator("xx")("Help") == "Help"


def test_the_band_offers_the_other_language() -> None:
    assert (following("en"), following("es"), following("xx")) == ("es", "en", "en")
