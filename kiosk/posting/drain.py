"""Sends a journal that no kiosk runs with any more, or an export of one: an old epoch may still drain (rule 7).

The city books what it does not hold yet, and keeps beside the chain what belongs to a branch that lost. Sending twice
changes nothing, so a drain that was broken off is simply begun again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from kiosk.journal.record import Record
from kiosk.posting import outcomes
from kiosk.posting.schedule import Retry

BATCH = 100
TRIES = 6  # without an answer, in a row
GAPS = 3  # a server that is restored in the middle of it asks for what it had before

_Outcome = TypeVar("_Outcome")


class Server(Protocol):
    """What a drain needs of CentralServer."""

    def post_journal(self, records: Sequence[Record]) -> outcomes.PostOutcome: ...

    def head(self) -> outcomes.HeadSeen | outcomes.Failure: ...


class NotDrained(Exception):
    """It ended before its end; says why. What was sent stays sent."""

    def __init__(self, reason: str, away: bool = False) -> None:
        super().__init__(reason)
        self.away = away


@dataclass(frozen=True)
class Drained:
    """How many records the city had already, took now, and keeps as a branch that lost."""

    there: int = 0
    taken: int = 0
    branch: int = 0


class Drain:
    """One run over the records that `source` gives, from their first whenever it is called. They must be checked."""

    def __init__(self, server: Server, source: Callable[[], Iterator[Record]], pause: Callable[[float], None]) -> None:
        self._server = server
        self._source = source
        self._pause = pause
        self._batch = BATCH
        self._there = self._taken = self._branch = 0
        self._gaps = 0

    def run(self) -> Drained:
        """Send all. Raises NotDrained."""
        after_seq = self._begin()
        while (after_seq := self._walk(after_seq)) >= 0:
            pass
        return Drained(self._there, self._taken, self._branch)

    def _begin(self) -> int:
        """Return the record to go on behind: the city's head if it is one of ours, else begin at the first."""
        seen = self._patiently(self._server.head)
        if not isinstance(seen, outcomes.HeadSeen):
            raise NotDrained(f"the city refuses: {seen}")
        for count, record in enumerate(self._source(), 1):
            if (record.seq, record.hash) == (seen.head_seq, seen.head_hash):
                self._there = count
                return record.seq
        return 0

    def _walk(self, after_seq: int) -> int:
        """Send what comes after `after_seq`. Return -1 at the end, or the place to begin again."""
        waiting: list[Record] = []
        for record in self._source():
            if record.seq > after_seq:
                waiting.append(record)
            while len(waiting) >= self._batch:
                again = self._send(waiting)
                if again >= 0:
                    return again
        while waiting:
            again = self._send(waiting)
            if again >= 0:
                return again
        return -1

    def _send(self, waiting: list[Record]) -> int:
        """Send a batch and take what arrived from `waiting`. Return -1, or the place to begin again."""
        batch = waiting[: self._batch]
        outcome = self._patiently(lambda: self._server.post_journal(batch))
        match outcome:
            case outcomes.Posted(_, results):
                self._there += sum(result.outcome == "exists" for result in results)
                self._taken += sum(result.outcome == "created" for result in results)
                del waiting[: len(results)]
            case outcomes.Fork(_, kept_seq) if batch[0].seq <= kept_seq <= batch[-1].seq:
                self._branch += kept_seq - batch[0].seq + 1
                del waiting[: kept_seq - batch[0].seq + 1]
            case outcomes.Gap(expected_seq):
                return self._gap(expected_seq, batch[0].seq)
            case outcomes.TooLarge() if len(batch) > 1:
                self._batch = len(batch) // 2
            case _:
                raise NotDrained(f"record {batch[0].seq}: the city answers {outcome}")
        return -1

    def _gap(self, expected_seq: int, first_seq: int) -> int:
        self._gaps += 1
        first = next(self._source()).seq
        if expected_seq < first:
            raise NotDrained(
                f"the city misses records {expected_seq} to {first - 1}: drain the file that has them first"
            )
        if self._gaps > GAPS or expected_seq >= first_seq:
            raise NotDrained(f"the city asks for record {expected_seq} again and again")
        return expected_seq - 1

    def _patiently(self, ask: Callable[[], _Outcome | outcomes.Unavailable]) -> _Outcome:
        """Ask until there is an answer, at growing intervals. Raises NotDrained when none comes."""
        retry = Retry()
        while True:
            outcome = ask()
            if not isinstance(outcome, outcomes.Unavailable):
                return outcome
            retry = retry.failed()
            if retry.failures >= TRIES:
                raise NotDrained(f"the city does not answer: {outcome.reason}", away=True)
            self._pause(retry.delay_s(1.0, outcome.retry_after_s))
