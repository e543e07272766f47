"""Speaks with espeak-ng as a program: one sentence list at a time, a new one ends the old (A3)."""

import shutil
import subprocess
from collections.abc import Sequence
from typing import Protocol

from kiosk.pages.page import Page
from kiosk.voice.utterance import news

PROGRAM = "espeak-ng"
VOICES = {"en": "en-us", "es": "es-419"}
WORDS_PER_MINUTE = 150


class Speech(Protocol):
    """Something that speaks. `state` is "ready", or why it is silent, for the health page."""

    @property
    def state(self) -> str: ...

    def say(self, sentences: Sequence[str], language: str) -> None:
        """Speak from now on; whatever was being said ends."""
        ...

    def hush(self) -> None: ...


class Espeak:
    """espeak-ng, fed on standard input so that nothing a resident hears stands in a process list (T5)."""

    def __init__(self, program: str = PROGRAM) -> None:
        self._path = shutil.which(program)
        self._speaking: subprocess.Popen[bytes] | None = None
        self._state = "ready" if self._path else "not installed"

    @property
    def state(self) -> str:
        return self._state

    def say(self, sentences: Sequence[str], language: str) -> None:
        self.hush()
        if self._path is None or not sentences:
            return
        voice = VOICES.get(language, VOICES["en"])
        command = [self._path, "-v", voice, "-s", str(WORDS_PER_MINUTE), "--stdin"]
        try:
            self._speaking = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            assert self._speaking.stdin is not None
            # A blank line makes a pause. A page is far shorter than the pipe holds: this never waits.
            self._speaking.stdin.write("\n\n".join(sentences).encode())
            self._speaking.stdin.close()
            self._state = "ready"
        except OSError as error:
            self._state = f"failed: {error.strerror}"

    def hush(self) -> None:
        """Stop at once and forget what was being said."""
        speaking, self._speaking = self._speaking, None
        if speaking is None:
            return
        if speaking.poll() is None:
            speaking.kill()
        if speaking.wait() > 0:
            self._state = "failed: no sound"


class Voice:
    """Follows the pages while sound is on. The person's next act silences it (A3)."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._page: Page | None = None

    @property
    def state(self) -> str:
        return self._speech.state

    def follow(self, page: Page, sound: bool) -> None:
        """A page was drawn: say it, or what is new in it; say nothing while sound is off."""
        if not sound:
            if self._page is not None:
                self._speech.hush()
            self._page = None
            return
        before, self._page = self._page, page
        fresh = news(before, page)
        if fresh:
            self._speech.say(fresh, page.language)

    def interrupt(self) -> None:
        """The person did something: what was being said is over."""
        self._speech.hush()
