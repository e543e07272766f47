"""What a recycler reports of its store and of the change it gives, note by note.

A payout that this run ordered is told by its number. One that an earlier run ordered is told without: the fold has
what was counted, and what is missing from the store says what came out. It is never ordered again.
"""

from collections import Counter

from kiosk.brain import cash, claims
from kiosk.brain.closing import complete, show_done
from kiosk.brain.commands import AcknowledgeReport
from kiosk.brain.events import AcceptorIdle, CashboxFilled, LevelsChanged, NotePaidOutReport, PayoutEndedReport
from kiosk.brain.idle import awake
from kiosk.brain.state import OpenPayout
from kiosk.brain.turn import Turn
from kiosk.domain.facts import DeviceFaultSeen
from kiosk.domain.tenders import NotePaidOut, PayoutEnded

_DETAIL_MAX = 200


def acceptor_idle(turn: Turn, event: AcceptorIdle) -> None:
    cash.acceptor_idle(turn, event)
    look(turn)


def levels_changed(turn: Turn, event: LevelsChanged) -> None:
    turn.hear(levels=event.counts, levels_told=True)
    look(turn)


def cashbox_filled(turn: Turn, event: CashboxFilled) -> None:
    """Notes moved inside the device: the period is the same, and the levels say what is left."""
    turn.order(AcknowledgeReport(event.report))


def note_paid_out(turn: Turn, event: NotePaidOutReport) -> None:
    """A note is in the person's hand: it is on record before the device is told that we know."""
    payout, value_minor = turn.books.payout, turn.settings.value_of(event.channel)
    if payout is None or not _is_left(payout, value_minor):
        turn.record(DeviceFaultSeen("acceptor", "paid_out_unasked", f"channel {event.channel}, {value_minor}"))
    elif _ours(turn, event.payout):
        _count(turn, payout, value_minor)
        turn.start("payout", turn.settings.timeouts.payout)
    else:
        turn.record(DeviceFaultSeen("acceptor", "payout_told", str(value_minor)))
    turn.order(AcknowledgeReport(event.report))


def payout_ended(turn: Turn, event: PayoutEndedReport) -> None:
    """The end of our payout. What is told of an older one decides nothing: the store does."""
    payout = turn.books.payout
    if payout is not None and _ours(turn, event.payout):
        result = "unknown" if event.result == "done" and payout.left else event.result
        _end(turn, payout, result, event.detail)
    elif payout is None:
        turn.record(DeviceFaultSeen("acceptor", "paid_out_unasked", f"{event.result} {event.detail}".strip()))
    if event.report:
        turn.order(AcknowledgeReport(event.report))
    look(turn)


def look(turn: Turn) -> None:
    """A payout of an earlier run: once nothing moves, what left the store and is not counted is what came out."""
    payout, devices = turn.books.payout, turn.devices
    if payout is None or _ordered(turn):
        return
    if not (devices.acceptor.state == "ready" and devices.idle and devices.levels_told):
        return
    held = Counter({count.value_minor: count.count for count in payout.held})
    now = Counter({turn.settings.value_of(channel): count for channel, count in devices.levels})
    gone = held.copy()
    gone.subtract(now)
    for note in payout.notes:
        gone[note.value_minor] -= note.count
    for note in payout.left:
        gone[note.value_minor] += note.count
    missing = {value: count for value, count in gone.items() if count}
    if not missing:
        _end(turn, payout, "", "nothing more has left the store")
    elif missing == {payout.told_minor: 1} and _is_left(payout, payout.told_minor):
        _count(turn, payout, payout.told_minor)
        _end(turn, turn.books.payout or payout, "", "told after a restart")
    else:
        _end(turn, payout, "unknown", f"the store lacks {missing}")


def payout_overdue(turn: Turn) -> None:
    """The device has no answer, or is away: what came out is for people to find. The rest becomes credit."""
    if turn.books.payout is not None:
        _end(turn, turn.books.payout, "unknown", "no report")


def _ordered(turn: Turn) -> bool:
    return turn.devices.payout == turn.books.payouts


def _ours(turn: Turn, number: int) -> bool:
    return number == turn.books.payouts and _ordered(turn)


def _is_left(payout: OpenPayout, value_minor: int) -> bool:
    return any(note.value_minor == value_minor for note in payout.left)


def _count(turn: Turn, payout: OpenPayout, value_minor: int) -> None:
    turn.record(
        NotePaidOut(
            payout.payout_id,
            payout.payment_id,
            turn.moment.ids[0],
            value_minor,
            turn.settings.currency,
            turn.books.period,
        )
    )


def _end(turn: Turn, payout: OpenPayout, result: str, detail: str) -> None:
    result = result or ("done" if not payout.left else "partial" if payout.paid_minor else "refused")
    turn.stop("payout")
    turn.record(PayoutEnded(payout.payout_id, payout.payment_id, result, detail[:_DETAIL_MAX]))
    if result == "unknown":
        claims.for_change(turn, payout)
    if turn.scene.stage == "closing":
        complete(turn, turn.scene.closing_reason)
        show_done(turn)
    else:
        cash.settle_leftover(turn, "restart")
        awake(turn)
    if result == "unknown":
        turn.show(notice="change_in_doubt", notice_minor=payout.amount_minor - payout.paid_minor)
