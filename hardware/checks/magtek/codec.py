"""The host's side of a MagTek check reader (messages.py). The reader sends each check once, unasked.

Its settings are not saved in it: they are set at each opening and asked for every few seconds, which also finds a
reader that lost its power or its cable.
"""

from hardware.checks.contract import (
    GARBLED,
    CheckRead,
    CheckRefused,
    Command,
    Connected,
    Event,
    Identity,
    Listen,
    Lost,
)
from hardware.checks.e13b import BadLine
from hardware.checks.magtek.messages import FORMAT, FRAMING, Messages, check_of, command, is_check

ANSWER_MS = 1_000
TRIES = 3
WATCH_MS = 5_000
SETTINGS_MS = 200  # a setting has no answer; the reader stores it before it reads on

# What is sent at the opening, and what its answer must hold; None has no answer.
_OPENING: tuple[tuple[bytes, str | None], ...] = (
    (command("VR"), ""),
    (command("SWB", FRAMING), None),
    (command("FC", FORMAT), None),
    (command("SWB"), FRAMING),
    (command("FC"), FORMAT),
)
_WATCH = (command("SWB"), FRAMING)


class MagtekCodec:
    """Codec of `hardware.checks.contract`."""

    def __init__(self) -> None:
        self._messages = Messages()
        self._listening = False
        self._firmware = ""
        self._due_ms = 0
        self._step = 0  # of the opening; past its end the reader is connected
        self._tries = 0  # of what is asked now
        self._settings_tries = 0
        self._told = False

    # The driver's side

    def line_opened(self, now_ms: int) -> None:
        self._messages.clear()
        self._settings_tries, self._told = 0, False
        self._go(0, now_ms)

    def command(self, command: Command) -> None:
        """Never refused: listening is ours alone."""
        self._listening = isinstance(command, Listen)

    def due_ms(self) -> int:
        return self._due_ms

    def tick(self, now_ms: int) -> tuple[bytes, list[Event]]:
        if now_ms < self._due_ms:
            return b"", []
        if self._tries >= TRIES:
            self._due_ms = now_ms + WATCH_MS
            return b"", [Lost("no answer from the check reader")]
        sent, expected = self._asked()
        if expected is None:
            self._go(self._step + 1, now_ms + SETTINGS_MS)
        else:
            self._tries += 1
            self._due_ms = now_ms + ANSWER_MS
        return sent, []

    def feed(self, data: bytes, now_ms: int) -> list[Event]:
        events: list[Event] = []
        for message in self._messages.feed(data):
            if is_check(message):
                events += self._check(message)
            elif self._tries:
                events += self._answer(message, now_ms)
            elif self._connected:
                events += self._heard(CheckRefused(GARBLED))
        return events

    # What came

    def _check(self, message: str) -> list[Event]:
        try:
            return self._heard(CheckRead(check_of(message)))
        except BadLine as bad:
            return self._heard(CheckRefused(bad.code))

    def _heard(self, event: Event) -> list[Event]:
        return [event] if self._listening and self._connected else []

    def _answer(self, message: str, now_ms: int) -> list[Event]:
        expected = self._asked()[1] or ""
        if self._step == 0:
            self._firmware = "".join(sign for sign in message if sign.isprintable())[:60]
        if expected not in message:
            return self._unsettled(now_ms)
        if self._connected:
            self._settings_tries = 0
            self._wait(now_ms)
            return []
        self._go(self._step + 1, now_ms)
        if not self._connected:
            return []
        self._wait(now_ms)
        told, self._told = self._told, True
        return [] if told else [Connected(Identity("MagTek", self._firmware))]

    def _unsettled(self, now_ms: int) -> list[Event]:
        """It does not keep its settings, or lost them with its power: set them again, a few times."""
        self._settings_tries += 1
        if self._settings_tries >= TRIES:
            self._due_ms = now_ms + WATCH_MS
            return [Lost("what is on the line does not speak as a MagTek reader")]
        self._go(0, now_ms)
        return []

    # Where we are

    @property
    def _connected(self) -> bool:
        return self._step >= len(_OPENING)

    def _asked(self) -> tuple[bytes, str | None]:
        return _WATCH if self._connected else _OPENING[self._step]

    def _go(self, step: int, due_ms: int) -> None:
        self._step, self._tries, self._due_ms = step, 0, due_ms

    def _wait(self, now_ms: int) -> None:
        self._tries, self._due_ms = 0, now_ms + WATCH_MS
