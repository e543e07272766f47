"""How refunds end, at whatever stage it is told: the card has its money, it has not, or nobody can say."""

from dataclasses import replace

from kiosk.brain.apply_refunds import cut
from kiosk.brain.card import stop_looking
from kiosk.brain.commands import PrintRefund
from kiosk.brain.events import CardEnded
from kiosk.brain.idle import awake
from kiosk.brain.state import Attempt
from kiosk.brain.turn import Turn
from kiosk.domain.facts import DeviceFaultSeen
from kiosk.domain.refunds import CardRefunded, RefundEnded, RefundStarted, RefundUnknown

SLIPS = ("refund", "refund_again")


def refund_ended(turn: Turn, attempt: Attempt, event: CardEnded) -> bool:
    """Put the end on record. False when it was known before."""
    if attempt.refund is None:
        return False
    if event.result == "approved":
        _refunded(turn, attempt, attempt.refund, event)
    elif attempt.state != "ended":
        _no_money(turn, attempt, event)
    else:
        return False
    stop_looking(turn)
    return True


def _refunded(turn: Turn, attempt: Attempt, asked: RefundStarted, event: CardEnded) -> None:
    """Never more than was asked for, whatever the terminal says: staff then have to look at its own books."""
    amount_minor = min(event.amount_minor, asked.amount_minor)
    if event.amount_minor > asked.amount_minor:
        detail = f"refund {asked.reference} of {asked.amount_minor}: the terminal says {event.amount_minor}"
        turn.record(DeviceFaultSeen("terminal", "refund_differs", detail[:100]))
    done = CardRefunded(
        payment_id=asked.payment_id,
        reference=asked.reference,
        of=asked.of,
        leg=asked.leg,
        amount_minor=amount_minor,
        currency=asked.currency,
        terminal_ref=event.terminal_ref,
        slip=event.slip,
        found=event.found or attempt.state != "open",
        lines=cut(asked.lines, amount_minor if asked.leg == "bill" else 0),
    )
    turn.record(done)
    _show_end(turn, asked.reference, "refunded", done)
    print_refund(turn, done, asked.receipt_number)


def _no_money(turn: Turn, attempt: Attempt, event: CardEnded) -> None:
    turn.record(RefundEnded(attempt.payment_id, attempt.reference, attempt.of, event.result, event.reason))
    _show_end(turn, attempt.reference, event.result)


def refund_unknown(turn: Turn, attempt: Attempt, reason: str) -> None:
    currency = turn.settings.currency
    turn.record(
        RefundUnknown(attempt.payment_id, attempt.reference, attempt.of, attempt.amount_minor, currency, reason)
    )


def refund_let_go(turn: Turn) -> None:
    """Nobody knew for a whole round: staff read so, and the asking goes on in the background."""
    draft = turn.scene.refund
    if draft is not None:
        _show_end(turn, draft.reference, "unknown")


def _show_end(turn: Turn, reference: str, result: str, done: CardRefunded | None = None) -> None:
    """Tell who made it, if they are still there."""
    draft = turn.scene.refund
    if draft is None or draft.reference != reference:
        return
    told = replace(draft, step="done", result=result, done=done)
    turn.show(stage="staff_refund", refund=told, card_phase="", card_prompt="", notice="")
    awake(turn)


# The slip


def print_refund(turn: Turn, done: CardRefunded, receipt_number: str, at: str = "", copy: bool = False) -> None:
    """For the resident. What cannot be printed now can be printed again from the page of its payment."""
    if turn.devices.printer.state != "ready":
        _on_paper(turn, done.reference, "unavailable")
        return
    _on_paper(turn, done.reference, "printing")
    job = f"{done.reference}/{SLIPS[copy]}"
    turn.order(PrintRefund(job, _named(turn, done), receipt_number, at, turn.scene.language, copy))


def _named(turn: Turn, done: CardRefunded) -> CardRefunded:
    """Some terminals do not say which card got the money: it is the one that paid."""
    draft = turn.scene.refund
    paid = draft.found.card(done.of) if draft is not None and draft.found is not None else None
    if paid is None or done.slip.last4:
        return done
    return replace(done, slip=replace(done.slip, brand=paid.slip.brand, last4=paid.slip.last4))


def refund_printed(turn: Turn, reference: str, outcome: str) -> None:
    _on_paper(turn, reference, "failed" if outcome == "failed" else "printed")


def _on_paper(turn: Turn, reference: str, how: str) -> None:
    draft = turn.scene.refund
    if draft is None:
        return
    found = draft.found.refunded if draft.found is not None else None
    newest = draft.done if draft.step == "done" else found
    if newest is not None and newest.reference == reference:
        turn.show(refund=replace(draft, printed=how))
