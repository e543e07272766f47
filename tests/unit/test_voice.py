"""The voice: what it says, when it is silent, and that a new sentence ends the old one."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.domain.snapshot import Snapshot
from kiosk.pages.dispatch import page
from kiosk.pages.language import translator
from kiosk.pages.page import Page
from kiosk.ui.samples import CASH, CASH_EMPTY, SAMPLES
from kiosk.voice.speaker import Espeak, Voice
from kiosk.voice.utterance import utterances


class Heard:
    """Keeps what was said; None stands for a hush."""

    state = "ready"

    def __init__(self) -> None:
        self.said: list[list[str] | None] = []

    def say(self, sentences: Sequence[str], language: str) -> None:
        self.said.append([language, *sentences])

    def hush(self) -> None:
        self.said.append(None)


def made(snapshot: Snapshot) -> Page:
    return page(snapshot, translator(snapshot.language))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_says_all_that_can_be_chosen(name: str) -> None:
    shown = made(SAMPLES[name])
    said = list(utterances(shown))
    assert said[0] == shown.title_spoken
    assert all(said)
    for choice in shown.choices:
        assert (choice.spoken in said) == (choice.enabled and choice.kind != "key")


def test_an_accepted_note_is_said_and_the_rest_is_not_repeated() -> None:
    heard = Heard()
    voice = Voice(heard)
    voice.follow(made(CASH_EMPTY), sound=True)
    voice.follow(made(CASH), sound=True)
    assert heard.said[0]
    assert heard.said[1]
    assert heard.said[1][1].startswith("twenty dollars accepted. Thank you. forty dollars in.")
    assert not set(heard.said[0][1:]) & set(heard.said[1][1:])


def test_it_is_silent_unless_sound_is_on() -> None:
    heard = Heard()
    voice = Voice(heard)
    voice.follow(made(CASH), sound=False)
    assert heard.said == []
    voice.follow(made(CASH), sound=True)
    voice.follow(made(CASH), sound=True)
    voice.follow(made(CASH), sound=False)
    assert len(heard.said) == 2
    assert heard.said[1] is None


def test_another_language_is_said_from_the_beginning() -> None:
    heard = Heard()
    voice = Voice(heard)
    voice.follow(made(CASH), sound=True)
    voice.follow(made(replace(CASH, language="es")), sound=True)
    assert heard.said[1]
    assert heard.said[1][:2] == ["es", "Ponga efectivo, un billete a la vez"]


def test_without_the_program_it_is_silent_and_says_so() -> None:
    speech = Espeak("no-such-speech-program")
    speech.say(["hello"], "en")
    speech.hush()
    assert Voice(speech).state == "not installed"


def program(folder: Path, body: str) -> str:
    path = folder / "speaks"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_words_go_in_by_standard_input_and_never_by_argument(tmp_path: Path) -> None:
    done = tmp_path / "done"
    subprocess.run(["mkfifo", done], check=True)
    speech = Espeak(program(tmp_path, f'printf "%s " "$@" >{tmp_path}/args; cat >{tmp_path}/words; echo x >{done}'))
    speech.say(["You owe five dollars", "Go back"], "es")
    done.read_text()
    assert (tmp_path / "words").read_text() == "You owe five dollars\n\nGo back"
    assert (tmp_path / "args").read_text() == "-v es-419 -s 150 --stdin "


def test_a_new_sentence_ends_the_old_one(tmp_path: Path) -> None:
    speech = Espeak(program(tmp_path, "exec cat /dev/zero >/dev/null"))
    speech.say(["first"], "en")
    first = speech._speaking
    assert first is not None
    speech.say(["second"], "en")
    assert first.poll() is not None
    assert speech.state == "ready"
    speech.hush()
    assert speech._speaking is None
