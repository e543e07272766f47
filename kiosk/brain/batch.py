"""The day end of the card terminal: when its batch is closed, by whom, and what became of that.

Never while a card transaction is under way or its end is not known: to a terminal whose batch is closed, a sale that
was lost before looks as if it had never been. The close moves no money of ours, so one that failed is asked for again.

It is not announced in the journal. Of a process that dies before the answer the terminal may be closed while the books
count on: the batch is closed again, and the papers of the day hold that sum against the ledger since the last close on
record, where the two differ. Nothing else hangs on it. A close books nothing (rule 8). No transaction is looked for in
a batch that is gone, for none was open. What comes next waits for a terminal that is still at it, and a search that is
given the mark of before the close is misled by none (tests/protocol/test_zvt_look_back.py).
"""

from datetime import date, timedelta

from kiosk.brain.commands import AcknowledgeCard, CloseCardBatch
from kiosk.brain.events import BatchEnded
from kiosk.brain.state import ClosingBatch, State
from kiosk.brain.turn import Turn
from kiosk.domain.tenders import BatchClosed

PACE_MS = 60_000  # how often it is looked whether the time has come
AGAIN_MS = 600_000  # after one that failed
TRIES_MAX = 6  # for one day: then it waits for staff, or for the next day


def watch_batch(turn: Turn) -> None:
    """At a start with something in the batch its time may have been missed: it is then closed as soon as it can be."""
    if turn.settings.batch_at:
        _see(turn)
        turn.start("batch", PACE_MS)


def _see(turn: Turn) -> str:
    """Return the day that is to be closed. One that ends with nothing to close is over: what follows is the next's."""
    day = business_date(turn.moment.local, turn.settings.batch_at)
    if not turn.books.in_batch and turn.books.attempt is None:
        turn.hear(batch_seen=day)
    return day


def close_in_time(turn: Turn) -> None:
    """Once a minute: close the batch of the day if its time has come and nobody is here."""
    if not turn.settings.batch_at:
        return
    turn.start("batch", PACE_MS)
    day = _see(turn)
    if _due(turn.state, day) and _nobody_here(turn.state) and not hindrance(turn.state):
        _close(turn, day, "")


def close_by_staff(turn: Turn, value: str) -> None:
    del value
    if waits(turn.state) and not hindrance(turn.state):
        _close(turn, turn.moment.local[:10], turn.books.staff)


def business_date(local: str, at: str) -> str:
    """Return the newest day whose end has come: `local` is a time as ISO 8601, `at` the time of day end."""
    day = date.fromisoformat(local[:10])
    return (day if local[11:16] >= at else day - timedelta(days=1)).isoformat()


def _due(state: State, day: str) -> bool:
    books = state.books
    failed = books.batch is not None and books.batch.business_date == day and books.batch_failures >= TRIES_MAX
    over = day in (books.batch_day, state.devices.batch_seen)
    return books.in_batch > 0 and not over and not failed


def _nobody_here(state: State) -> bool:
    scene = state.scene
    return scene.stage == "attract" and not state.books.session_id and scene.claim is None


def hindrance(state: State) -> str:
    """Return why the batch cannot be closed now, "" when it can."""
    books, devices = state.books, state.devices
    if devices.batch is not None:
        return "batch_closing"
    if books.attempt is not None:
        return "card_unknown"
    if devices.terminal.state != "ready":
        return "terminal_lost"
    if devices.terminal_faults:
        return "terminal_faulted"
    open_ = books.payment is not None or books.late is not None or books.note is not None
    return "payment_open" if open_ or state.scene.stopping else ""


def waits(state: State) -> bool:
    """True when there is something to close: transactions since the last time, or a last time that did not work."""
    books = state.books
    failed = books.batch is not None and books.batch.result != "approved"
    return bool(state.settings.batch_at) and (books.in_batch > 0 or failed)


def _close(turn: Turn, day: str, by: str) -> None:
    reference = _fresh_reference(turn)
    turn.hear(batch=ClosingBatch(reference, day, by))
    turn.order(CloseCardBatch(reference))
    turn.start("batch_wait", turn.settings.timeouts.batch)
    if turn.scene.stage == "staff_cards":
        turn.show(notice="")


def _fresh_reference(turn: Turn) -> str:
    """Return a name for this close. Time alone is none: a clock may come back from a power cut in the past."""
    second = "".join(sign for sign in turn.moment.utc[2:19] if sign.isdigit())
    return f"B{second}{turn.moment.ids[2][-3:].upper()}"


def batch_ended(turn: Turn, event: BatchEnded) -> None:
    """Whatever it is, it goes on record, also when nobody here asked for it."""
    if event.report:
        turn.order(AcknowledgeCard(event.report))
    under_way, last = turn.devices.batch, turn.books.batch
    if under_way is not None and under_way.reference == event.reference:
        _over(turn, event, under_way)
    elif last is not None and last.reference == event.reference:
        _record(turn, event, last.business_date, last.by)  # told to be unknown before
    else:
        _record(turn, event, "", "")


def batch_lost(turn: Turn, reason: str) -> None:
    """Nobody will say any more how it ended."""
    under_way = turn.devices.batch
    if under_way is not None:
        told = BatchEnded(
            moment=turn.moment,
            report=0,
            reference=under_way.reference,
            result="unknown",
            count=0,
            total_minor=0,
            reason=reason,
        )
        _over(turn, told, under_way)


def batch_overdue(turn: Turn) -> None:
    batch_lost(turn, "no_answer")


def _over(turn: Turn, event: BatchEnded, under_way: ClosingBatch) -> None:
    turn.hear(batch=None)
    turn.stop("batch_wait")
    _record(turn, event, under_way.day, under_way.by)
    done = event.result == "approved"
    if not done:
        turn.start("batch", AGAIN_MS)
    if turn.scene.stage == "staff_cards":
        turn.show(notice="batch_closed" if done else "batch_not_closed")


def _record(turn: Turn, event: BatchEnded, day: str, by: str) -> None:
    turn.record(BatchClosed(event.reference, event.result, event.count, event.total_minor, event.reason, day, by))
