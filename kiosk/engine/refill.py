"""At start-up: is the city ahead of this journal? Then the medium lost records, and they are fetched back (rule 7).

It comes before the first record of a start: one more record of our own, and what the city has no longer fits.
"""

import json
import os
from pathlib import Path
from typing import Protocol

import structlog

from kiosk.domain.facts import MediumDistrusted
from kiosk.engine.clock import Clock
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.medium import SYSTEM
from kiosk.journal.record import MalformedEntry
from kiosk.journal.record import Moment as Stamp
from kiosk.journal.store import Journal
from kiosk.posting import outcomes

log = structlog.get_logger()

MARK_NAME = "behind.json"
REASON = "city_ahead"
ASK_EVERY_MS = 5_000
FETCH_MS = 5_000  # of fetching at a step: the watchdog waits for its end


class Server(Protocol):
    """What a refill needs of CentralServer."""

    def head(self) -> outcomes.HeadSeen | outcomes.Failure: ...

    def records_tail(self, after_seq: int, limit: int = 100) -> outcomes.Tail | outcomes.Failure: ...


class Mark:
    """A file that says "the city has more than this journal", durable before the first record is fetched.

    While it is there the kiosk writes nothing of its own: after a crash in the middle, or with the line down again,
    it would write a second record to a place that the city has filled.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self, lost_from_seq: int) -> None:
        """Remember the first record that was lost; one that is set already stays."""
        if self._path.exists():
            return
        draft = self._path.with_name(self._path.name + ".new")
        file = SYSTEM.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        try:
            file.pwrite(json.dumps({"lost_from_seq": lost_from_seq}).encode(), 0)
            file.sync()
        finally:
            file.close()
        SYSTEM.rename(draft, self._path)
        SYSTEM.sync_directory(self._path.parent)

    def lost_from(self, otherwise: int) -> int:
        """Return the first lost record, 0 when nothing is marked, `otherwise` when the file cannot be read."""
        if not self._path.exists():
            return 0
        try:
            return int(json.loads(self._path.read_bytes())["lost_from_seq"])
        except (ValueError, KeyError, TypeError):
            return otherwise

    def clear(self) -> None:
        if self._path.exists():
            SYSTEM.unlink(self._path)
            SYSTEM.sync_directory(self._path.parent)


class Refill:
    """Compares and fetches, one question to the city at each `step`. The engine's thread alone may call it.

    Before anything is fetched it watches for `watch_ms` whether the city hears another kiosk under this name: then
    this storage is a copy of one that runs, and whatever it wrote would freeze that one.
    """

    def __init__(self, journal: Journal, server: Server, clock: Clock, folder: Path, watch_ms: int) -> None:
        self._journal = journal
        self._server = server
        self._clock = clock
        self._mark = Mark(folder / MARK_NAME)
        self._watch_ms = watch_ms
        self._watched: tuple[int, str] | None = None
        self._watched_until_ms = self._ask_at_ms = 0
        self._fetching = False

    def step(self) -> bool:
        """Return True when the kiosk may start: the city is not ahead (any more), or nobody can say that it is."""
        if self._clock.mono_ms() < self._ask_at_ms:
            return False
        level = self._fetch() if self._fetching else self._compare()
        self._ask_at_ms = 0 if self._fetching else self._clock.mono_ms() + ASK_EVERY_MS
        return level

    def _compare(self) -> bool:
        seen = self._server.head()
        if not isinstance(seen, outcomes.HeadSeen):
            return not self._mark.lost_from(1)
        if self._journal.confirm(seen.head_seq, seen.head_hash) != "ahead":
            self._finish()
            return True
        if self._follows_ours() is False:
            log.error("the city holds other records than this journal", head=self._journal.head.seq)
            self._finish()
            return True  # a fork: posting tells, and the brain freezes
        self._mark.set(self._journal.head.seq + 1)
        self._fetching = self._nobody_else(seen)
        return False

    def _follows_ours(self) -> bool | None:
        """Does the city's next record follow our last one? None when it cannot be asked."""
        tail = self._server.records_tail(self._journal.head.seq, 1)
        if not isinstance(tail, outcomes.Tail) or not tail.records:
            return None
        try:
            return tail.records[0].envelope().prev_hash == self._journal.head.hash
        except MalformedEntry:
            return False

    def _nobody_else(self, seen: outcomes.HeadSeen) -> bool:
        """Return True once the city has heard nobody under our name for as long as we watched, silent ourselves."""
        now, signs = self._clock.mono_ms(), (seen.head_seq, seen.seen_at)
        if signs != self._watched:
            words = "the city is ahead of this journal" if self._watched is None else "another kiosk runs as this one"
            log.error(words, head=self._journal.head.seq, city=seen.head_seq)
            self._watched, self._watched_until_ms = signs, now + self._watch_ms
        return now >= self._watched_until_ms

    def _fetch(self) -> bool:
        until_ms = self._clock.mono_ms() + FETCH_MS
        while self._fetching and self._clock.mono_ms() < until_ms:
            tail = self._server.records_tail(self._journal.head.seq)
            if not isinstance(tail, outcomes.Tail):
                return False
            try:
                self._journal.restore(tail.records)
            except JournalDamaged as error:
                log.error("what the city holds does not continue this journal", reason=str(error))
                self._finish()
                return True
            self._fetching = tail.next_after is not None and bool(tail.records)
        self._watched = None  # what the city holds is compared once more
        return False

    def _finish(self) -> None:
        """Record what was lost, if something was fetched back, and forget the mark."""
        journal = self._journal
        first = self._mark.lost_from(journal.head.seq + 1)
        if not first:
            return
        count = journal.head.seq + 1 - first
        last = journal.records(journal.head.seq - 1, 1)
        if count > 0 and last[0].kind != MediumDistrusted.__name__:
            self._clock.not_before(last[0].envelope().moment.device_time)
            journal.append([(MediumDistrusted(REASON, first, count), self._stamp())])
            log.error("records were fetched back from the city, the medium is not to be trusted", count=count)
        self._mark.clear()

    def _stamp(self) -> Stamp:
        moment = self._clock.moment()
        return Stamp(self._clock.fresh_id(), moment.utc, moment.clock_state, self._clock.boot_id, moment.mono_ms)
