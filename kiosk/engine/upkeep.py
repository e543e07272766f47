"""What the engine does for its journal while nobody is here: fold, check, archive and prune, a small piece at a turn.

A piece takes some 20 ms, so that a touch or a note that comes meanwhile does not wait. One thing at a time: a check
that walks the journal must not meet a beginning that is on its way out.
"""

from collections.abc import Generator
from datetime import datetime, timedelta

import structlog

from kiosk.brain import events
from kiosk.brain.apply import Contradiction
from kiosk.brain.books import FOLD
from kiosk.brain.state import Books
from kiosk.engine.history import History, advanced, body_of, history_in
from kiosk.engine.inbox import Told
from kiosk.journal.archive import Label
from kiosk.journal.chain import Report
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.store import Journal

log = structlog.get_logger()

FOLD_EVERY = 1_000  # records between two folds, and so at most about as many to read at a start
ARCHIVE_RECORDS = 10_000  # in one file of the archive, some 2 MB
VERIFY_EVERY_MS = 24 * 3_600_000
PRUNE_EVERY_MS = 3_600_000
_PART = 100


class Upkeep:
    """Called by the engine when its loop is quiet. `retention_days` 0 keeps every record in the journal."""

    def __init__(
        self,
        journal: Journal,
        history: History | None = None,
        *,
        retention_days: int = 0,
        fold_every: int = FOLD_EVERY,
        archive_records: int = ARCHIVE_RECORDS,
    ) -> None:
        self._journal = journal
        self._history = history or (history_in(journal.folds[0]) if journal.folds else History())
        self._retention_days = retention_days
        self._fold_every = fold_every
        self._archive_records = archive_records
        self._filing: Generator[None, None, Label] | None = None
        self._check: Generator[int, None, Report] | None = None
        self._check_due_ms: int | None = None
        self._prune_due_ms = 0

    def step(self, now_ms: int, books: Books) -> Told | None:
        """Do the next piece; return what the brain has to hear of it. `books` are the live ones.

        Raises Contradiction when they are not what the journal says.
        """
        if self._check_due_ms is None:
            self._check_due_ms = now_ms + VERIFY_EVERY_MS
        if self._filing is not None:
            return self._file(self._filing, now_ms)
        if self._check is not None or now_ms >= self._check_due_ms:
            return self._look_back(now_ms)
        if not self._fold(books) and now_ms >= self._prune_due_ms:
            self._prune(now_ms)
        return None

    def _fold(self, books: Books) -> bool:
        """Fold what came since, from the journal's own bytes, and keep it once it is enough; False if all is done."""
        journal = self._journal
        if self._history.seq < journal.head.seq:
            self._history = advanced(self._history, journal.records(self._history.seq, _PART))
            return True
        if self._history.books != books:
            raise Contradiction("the live books are not what the journal says")
        newest = journal.folds[0].seq if journal.folds else 0
        if journal.head.seq - newest < self._fold_every:
            return False
        journal.keep_fold(FOLD, body_of(self._history))
        return True

    def _look_back(self, now_ms: int) -> Told | None:
        """Verify the whole journal once a day."""
        self._check = self._check or self._journal.verify_in_parts()
        try:
            next(self._check)
        except StopIteration as end:
            self._check, self._check_due_ms = None, now_ms + VERIFY_EVERY_MS
            if not end.value.ok:
                detail = f"record {end.value.bad_seq}: {end.value.reason}"
                return Told(events.PostingRefused, {"reason": "journal_damaged", "detail": detail})
        return None

    def _prune(self, now_ms: int) -> None:
        """Delete what is on record as archived; when there is none, see whether more may follow."""
        try:
            if self._journal.prune():
                return
            span = self._journal.prunable(self._archive_records, self._cutoff()) if self._retention_days else None
        except (JournalDamaged, OSError) as error:
            log.error("old records cannot be pruned", reason=str(error))
            span = None
        if span is None:
            self._prune_due_ms = now_ms + PRUNE_EVERY_MS
        else:
            self._filing = self._journal.archive(span)

    def _cutoff(self) -> str:
        """Return the time before which records may go, "" for never.

        It is counted from the newest record if its clock was set from the network: the clock of this minute is the
        brain's to ask.
        """
        if self._journal.head.seq == 0:
            return ""
        moment = self._journal.records(self._journal.head.seq - 1, 1)[0].envelope().moment
        if moment.clock_state != "trusted":
            return ""
        before = datetime.fromisoformat(moment.device_time) - timedelta(days=self._retention_days)
        return before.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def _file(self, filing: Generator[None, None, Label], now_ms: int) -> Told | None:
        try:
            next(filing)
        except StopIteration as end:
            self._filing, label = None, end.value
            place = {"from_seq": label.from_seq, "to_seq": label.to_seq, "last_hash": label.last_hash}
            return Told(events.RecordsArchived, place | {"archive_sha256": label.sha256})
        except (JournalDamaged, OSError) as error:
            log.error("the archive was not written", reason=str(error))
            self._filing, self._prune_due_ms = None, now_ms + PRUNE_EVERY_MS
        return None
