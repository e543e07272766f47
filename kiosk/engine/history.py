"""What the engine knows from its journal at a start: the books and two things beside them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from kiosk.brain.apply import apply
from kiosk.brain.books import FOLD, NotBooks, from_plain, to_plain
from kiosk.brain.state import Books
from kiosk.domain import facts
from kiosk.journal.folds import Fold
from kiosk.journal.record import Record
from kiosk.journal.store import Journal

_BEAT = 500  # records between two beats, some 50 ms of folding


@dataclass(frozen=True)
class History:
    """What the journal's records up to `seq` come to. `last_time` is the device time of the last."""

    seq: int = 0
    books: Books = field(default_factory=Books)
    period_opened_seq: int = 1
    last_time: str = ""


def read_history(journal: Journal, beat: Callable[[], None] = lambda: None) -> History:
    """Fold what follows the newest kept fold, or everything. `beat` is called now and then.

    Raises ArchiveWrong when everything is needed and the archive of what was pruned is not there.
    """
    history = history_in(journal.folds[0]) if journal.folds else History()
    return advanced(history, _beating(journal.walk(history.seq), beat))


def advanced(history: History, records: Iterable[Record]) -> History:
    """Fold more records. Kinds of a newer version are passed over: they never move money here."""
    seq, books, opened, last_time = history.seq, history.books, history.period_opened_seq, history.last_time
    for record in records:
        envelope = record.envelope()
        seq, last_time = record.seq, envelope.moment.device_time
        if envelope.kind in facts.KINDS:
            books = apply(books, envelope.fact())
        if envelope.kind == "CassettePeriodOpened":
            opened = record.seq
    return History(seq, books, opened, last_time)


def body_of(history: History) -> dict[str, Any]:
    """Return what a fold keeps of it."""
    return {
        "books": to_plain(history.books),
        "period_opened_seq": history.period_opened_seq,
        "last_time": history.last_time,
    }


def history_in(fold: Fold) -> History:
    """Return what `body_of` kept. Raises NotBooks."""
    body = fold.body
    try:
        opened, last_time = body["period_opened_seq"], body["last_time"]
        books = from_plain(body["books"])
    except (KeyError, TypeError) as error:
        raise NotBooks(str(error)) from error
    if set(body) != {"books", "period_opened_seq", "last_time"} or (type(opened), type(last_time)) != (int, str):
        raise NotBooks("other fields than those that are kept")
    return History(fold.seq, books, opened, last_time)


def believes(fold: Fold) -> bool:
    """Return True for a fold of this very code."""
    try:
        return fold.version == FOLD and history_in(fold).seq == fold.seq
    except NotBooks:
        return False


def _beating(records: Iterable[Record], beat: Callable[[], None]) -> Iterable[Record]:
    for number, record in zip(count(1), records, strict=False):
        if number % _BEAT == 0:
            beat()
        yield record
