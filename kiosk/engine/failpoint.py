"""Failpoints: the engine dies or dawdles at a chosen moment, so that a test can reach every one of them.

    KIOSK_FAILPOINT=journal.append:7:kill           die by SIGKILL when the 7th append is on disk, before anything else
    KIOSK_FAILPOINT=command:3:kill                  die before the 3rd command leaves
    KIOSK_FAILPOINT=journal.sync:0:delay_ms=1000    every sync takes a second longer (0 is every time)
    KIOSK_FAILPOINT=journal.append:0:count=FILE     keep in FILE how often the moment came
    KIOSK_FAILPOINT=@FILE                           as FILE says whenever it is there, counted from when it was written;
                                                    it is removed before a kill, so that the next start lives

Several are parted by commas. Loaded only when the environment asks for it, and refused in production.
"""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from kiosk.brain import commands
from kiosk.brain.state import State
from kiosk.domain.facts import Fact
from kiosk.domain.snapshot import Snapshot
from kiosk.engine.engine import Hands
from kiosk.journal.record import Moment, Record
from kiosk.journal.store import Journal

MOMENTS = ("journal.before_append", "journal.sync", "journal.append", "command")
_ACTIONS = re.compile(r"kill|delay_ms=\d+|count=.+")


class FailpointWrong(ValueError):
    """What the environment asks for is no failpoint."""


@dataclass(frozen=True)
class Failpoint:
    """`act` at the `count`-th time of the moment; at every time if `count` is 0."""

    moment: str
    count: int
    act: str


def parse(text: str) -> tuple[Failpoint, ...]:
    """Read failpoints as the environment writes them. Raises FailpointWrong."""
    return tuple(_parse_one(part.strip()) for part in text.split(",") if part.strip())


def _parse_one(text: str) -> Failpoint:
    moment, _, rest = text.partition(":")
    count, _, act = rest.partition(":")
    if moment not in MOMENTS or not count.isdecimal() or not _ACTIONS.fullmatch(act):
        raise FailpointWrong(
            f"{text!r} is no failpoint: MOMENT:COUNT:kill, :delay_ms=N or :count=FILE; MOMENT is one of "
            + ", ".join(MOMENTS)
        )
    return Failpoint(moment, int(count), act)


class Failpoints:
    """All failpoints of a process. For the engine's thread alone."""

    def __init__(self, text: str, die: Callable[[], None] | None = None) -> None:
        """`die` ends the process; a test that wants to live gives its own. Raises FailpointWrong."""
        self._file = Path(text[1:]) if text.startswith("@") else None
        self._points = () if self._file else parse(text)
        self._written: tuple[int, int] | None = None
        self._reached: Counter[str] = Counter()
        self._die = die or _kill_ourselves

    def reached(self, moment: str) -> None:
        """The moment came: do what is asked for it."""
        self._look()
        self._reached[moment] += 1
        for point in self._points:
            if point.moment == moment and point.count in (0, self._reached[moment]):
                self._do(point.act, self._reached[moment])

    def _look(self) -> None:
        """Read the file again if somebody wrote it anew."""
        if self._file is None:
            return
        try:
            status = self._file.stat()
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            self._written, self._points = None, ()
            return
        written = (status.st_mtime_ns, status.st_ino)
        if written != self._written:
            self._written, self._points = written, parse(text)
            self._reached.clear()

    def _do(self, act: str, times: int) -> None:
        name, _, value = act.partition("=")
        if name == "delay_ms":
            time.sleep(int(value) / 1000)
        elif name == "count":
            Path(value).write_text(str(times), encoding="ascii")
        else:
            if self._file is not None:
                self._file.unlink(missing_ok=True)
            self._die()

    def journal(self, journal: Journal) -> Journal:
        """Return the journal with its moments."""
        return cast(Journal, FailingJournal(journal, self))

    def hands(self, hands: Hands) -> Hands:
        """Return the hands with their moment."""
        return FailingHands(hands, self)


def _kill_ourselves() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class FailingJournal:
    """A journal that tells when something of it is about to be, or has become, durable."""

    def __init__(self, journal: Journal, failpoints: Failpoints) -> None:
        self._journal = journal
        self._failpoints = failpoints

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def append(self, decided: Sequence[tuple[Fact, Moment]]) -> list[Record]:
        self._failpoints.reached("journal.before_append")
        records = self._journal.append(decided)
        self._failpoints.reached("journal.sync")
        self._failpoints.reached("journal.append")
        return records

    def checkpoint(self, between: Callable[[], None] = lambda: None) -> None:
        self._journal.checkpoint(between)
        self._failpoints.reached("journal.sync")


class FailingHands:
    """Hands that tell before a command leaves."""

    def __init__(self, hands: Hands, failpoints: Failpoints) -> None:
        self._hands = hands
        self._failpoints = failpoints

    def carry_out(self, command: commands.Command, state: State, records: list[Record]) -> None:
        self._failpoints.reached("command")
        self._hands.carry_out(command, state, records)

    def publish(self, picture: Snapshot) -> None:
        self._hands.publish(picture)

    def committed(self, records: list[Record]) -> None:
        self._hands.committed(records)

    def beat(self, now_ms: int) -> None:
        self._hands.beat(now_ms)
