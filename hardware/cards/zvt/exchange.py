"""One command of ours, from its first byte until the terminal gives the line back."""

from hardware.cards.zvt.frames import Message
from hardware.cards.zvt.link import NEVER_MS
from hardware.cards.zvt.outcomes import BUSY, Ending, How
from hardware.cards.zvt.status import Information

ANSWER_MS = 5_000  # T3, from the command to 80 or 84
ANSWER_SERIAL_MS = 16_000  # ... on a line where the answer may be sent three times, 5 s apart
COURSE_MS = 180_000  # T4, from there to the completion
CHORE_MS = 30_000  # ... of what has nothing to do with money


class Exchange:
    """`information` is the last 04 0F; `refusal` the code of a negative answer, 0 for none."""

    def __init__(self, now_ms: int, serial: bool, chore: bool) -> None:
        self.answered = False
        self.refusal = 0
        self.information = Information()
        self._said_ms: int | None = None  # when the whole command had left
        self._answer_ms = ANSWER_SERIAL_MS if serial else ANSWER_MS
        self._limit_ms = CHORE_MS if chore else COURSE_MS
        self._course_ms = now_ms
        self._chore = chore

    @property
    def decided(self) -> bool:
        """The terminal said no and then nothing: some end so (section 3)."""
        return self.answered and self.information.result is not None and not self.information.good

    def said(self, delivered: bool, now_ms: int) -> None:
        if delivered and self._said_ms is None:
            self._said_ms = now_ms

    def answer(self, message: Message, now_ms: int) -> None:
        """Take 80 or 84."""
        self.answered = True
        positive = message.code >> 8 == 0x80 or message.code == 0x8400
        self.refusal = 0 if positive else message.code & 0xFF
        self._course_ms = now_ms

    def refused(self, repeated: bool) -> Ending:
        """A terminal that is busy with nothing but this command got it twice: how the first one ends is not known."""
        if repeated and not self._chore and self.refusal in BUSY:
            return Ending(How.SILENT, reason="the terminal is busy with what was said twice")
        return Ending(How.REFUSED, self.refusal)

    def goes_on(self, now_ms: int, limit_ms: int | None) -> None:
        self._course_ms = now_ms
        self._limit_ms = limit_ms or self._limit_ms

    def due_ms(self) -> int:
        if self.answered:
            return self._course_ms + self._limit_ms
        return NEVER_MS if self._said_ms is None else self._said_ms + self._answer_ms

    def late(self, now_ms: int) -> bool:
        return now_ms >= self.due_ms()

    def silence(self) -> Ending:
        """Return the ending of a terminal that said no more: what it said last, if that was no."""
        if self.decided:
            return Ending(How.COMPLETED)
        what = "does not finish" if self.answered else "does not answer"
        return Ending(How.SILENT, reason=f"the terminal {what}")
