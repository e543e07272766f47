"""How card transactions end, at whatever stage it is told: approved, without money, or nobody can say.

A result that comes late counts like any other. What was found for a payment that has ended already is completed with
a receipt of its own, whoever stands there now.
"""

from kiosk.brain.attempts import refunded
from kiosk.brain.card import find, go_on, orphan, start_void, stop_looking, take_fee
from kiosk.brain.cash import refresh_offer, settle_leftover
from kiosk.brain.closing import catch_up, close, complete, disable, leave, print_receipt, show_done
from kiosk.brain.commands import AcknowledgeCard, CancelCard, PrintIncident
from kiosk.brain.events import CardEnded, CardReversed
from kiosk.brain.idle import awake
from kiosk.brain.limits import asked_elsewhere, too_many_declines
from kiosk.brain.refund_results import refund_ended, refund_let_go, refund_unknown
from kiosk.brain.state import Attempt
from kiosk.brain.turn import Turn
from kiosk.domain.facts import DeviceFaultSeen
from kiosk.domain.tenders import (
    CardSaleApproved,
    CardSaleEnded,
    CardSaleUnknown,
    CardSaleVoided,
    VoidEnded,
    VoidUnknown,
)

AT_TERMINAL = ("card", "card_unknown")  # stages of a person who waits for the end of a transaction
_WITH_REST = ("tender", "fee", "cash", "review", "card_unknown")  # where another tender can be chosen
NO_MONEY = {
    "declined": "card_declined",
    "cancelled": "card_cancelled",
    "not_started": "card_failed",
    "absent": "card_not_charged",
}


def card_ended(turn: Turn, event: CardEnded) -> None:
    """The terminal learns that we know only after the commit: commands leave after the facts of their decision."""
    if event.report:
        turn.order(AcknowledgeCard(event.report))
    attempt = _attempt(turn, event)
    if attempt is None:
        _stray(turn, event)
    elif event.found and event.result in NO_MONEY and asked_elsewhere(turn.state, attempt):
        cannot_tell(turn, attempt, "other_terminal")
    elif event.operation == "refund" and _is_end(event):
        if refund_ended(turn, attempt, event):
            resume(turn)
    elif event.result == "approved" and event.operation == "sale" and event.amount_minor > 0:
        _approved(turn, attempt, event)
    elif event.result == "approved" and event.operation == "void":
        _voided(turn, attempt, event)
    elif event.result in NO_MONEY:
        if attempt.state != "ended":
            _no_money(turn, attempt, event)
    else:
        cannot_tell(turn, attempt, event.reason or "unknown")


def _is_end(event: CardEnded) -> bool:
    return event.result in NO_MONEY or (event.result == "approved" and event.amount_minor > 0)


def _attempt(turn: Turn, event: CardEnded) -> Attempt | None:
    for attempt in turn.books.attempts:
        if (attempt.reference, attempt.operation) == (event.reference, event.operation):
            return attempt
    return None


def _stray(turn: Turn, event: CardEnded) -> None:
    """A report that comes again is old news. Money nobody here asked for is a matter for staff."""
    known = {card.reference for card in turn.books.approvals} | {refund.reference for refund in turn.books.refunds}
    if event.result == "approved" and event.reference not in known:
        detail = f"{event.operation} {event.reference} of {event.amount_minor} was never announced"
        turn.record(DeviceFaultSeen("terminal", "stray_approval", detail[:100]))


# Approved


def _approved(turn: Turn, attempt: Attempt, event: CardEnded) -> None:
    turn.record(
        CardSaleApproved(
            payment_id=attempt.payment_id,
            reference=attempt.reference,
            leg=attempt.leg,
            amount_minor=event.amount_minor,
            asked_minor=attempt.amount_minor,
            currency=turn.settings.currency,
            terminal_ref=event.terminal_ref,
            slip=event.slip,
            found=event.found or attempt.state != "open",
        )
    )
    stop_looking(turn)
    paying = {account.ref for account in turn.scene.accounts}
    turn.show(declined=tuple(ref for ref in turn.scene.declined if ref not in paying))
    if turn.books.late is not None:
        complete_late(turn)
    elif turn.books.attempt is not None:
        return  # told to have ended, it was approved after all, and another transaction goes on
    elif turn.scene.stage not in AT_TERMINAL or turn.scene.card_phase == "preparing":
        _counted_elsewhere(turn)
    elif attempt.leg == "fee":
        go_on(turn)
    elif event.amount_minor < attempt.amount_minor and not turn.scene.stopping:
        turn.show(stage="partial", card_phase="", card_prompt="", notice="", notice_minor=event.amount_minor)
        awake(turn)
    else:
        take_fee(turn)


def _counted_elsewhere(turn: Turn) -> None:
    """The card counts in the open payment, and its holder is at another page or away."""
    payment = turn.books.payment
    if orphan(turn) is not None and turn.scene.stage in _WITH_REST:
        _without_notes(turn)
    elif turn.scene.stage in ("tender", "fee", "cash", "card", "review", "partial"):
        if payment is not None and payment.left_minor == 0 and turn.books.note is None:
            close(turn, "met")
        else:
            refresh_offer(turn)
    else:
        resume(turn)


def _without_notes(turn: Turn) -> None:
    disable(turn)
    go_on(turn)


def complete_late(turn: Turn) -> None:
    """Complete what a card found late pays. Its receipt is printed for who waits for it, else when nobody pays."""
    late = turn.books.late
    if late is None:
        return
    done = complete(turn, "found", late)
    ours = turn.books.session_id == late.session_id
    if ours and turn.scene.stage in AT_TERMINAL:
        show_done(turn)
    elif ours and turn.scene.stage == "done" and turn.devices.printer.state == "ready":
        print_receipt(turn, done, "recovered")
    resume(turn)
    catch_up(turn)


def resume(turn: Turn) -> None:
    """Nothing is under way at the terminal: what waited for that can go on."""
    settle_leftover(turn, "restart")
    if turn.scene.stage == "starting" and not turn.books.under_way:
        leave(turn, "restart")


# No money moved


def _no_money(turn: Turn, attempt: Attempt, event: CardEnded) -> None:
    reason = event.reason
    if attempt.sale is not None:
        of = attempt.sale.reference
        turn.record(VoidEnded(attempt.payment_id, attempt.reference, of, event.result, reason))
    else:
        turn.record(CardSaleEnded(attempt.payment_id, attempt.reference, attempt.leg, event.result, reason))
        if event.result == "declined" and attempt.leg == "bill" and attempt.state != "given_up":
            turn.show(declined=(*turn.scene.declined, *(account.ref for account in turn.scene.accounts)))
            turn.start("declines", turn.settings.timeouts.declines)
    stop_looking(turn)
    if turn.books.late is not None:
        complete_late(turn)
    elif turn.books.attempt is not None:
        return  # nobody looked for it any more, and another transaction goes on
    elif turn.scene.stage not in AT_TERMINAL or attempt.state == "given_up":
        resume(turn)
    elif attempt.sale is not None:
        go_on(turn, "card_stands")
    elif attempt.leg == "fee" and attempt.reference == turn.scene.orphan:
        go_on(turn, "card_undone")
    elif attempt.leg == "fee":
        _undo_bill(turn)
    else:
        counter = event.result == "declined" and too_many_declines(turn.state)
        go_on(turn, "card_counter" if counter else NO_MONEY[event.result])


def _undo_bill(turn: Turn) -> None:
    """The fee was certainly not taken: its bill's leg, the newest, is undone with it, also when the kiosk stops."""
    payment = turn.books.payment
    bills = [card for card in payment.cards if card.leg == "bill"] if payment is not None else []
    if bills:
        start_void(turn, bills[-1], "fee_failed")
    else:
        go_on(turn)


def _voided(turn: Turn, attempt: Attempt, event: CardEnded) -> None:
    if attempt.sale is None:
        return
    turn.record(
        CardSaleVoided(
            attempt.payment_id,
            attempt.reference,
            attempt.sale.reference,
            attempt.amount_minor,
            turn.settings.currency,
            event.found or attempt.state != "open",
        )
    )
    stop_looking(turn)
    if turn.books.attempt is not None:
        return  # as above
    if turn.scene.stage in AT_TERMINAL and attempt.state != "given_up":
        go_on(turn, "card_undone")
    else:
        resume(turn)


def card_reversed(turn: Turn, event: CardReversed) -> None:
    """The terminal undid a sale by itself, though it may have said approved before: no money of it is left."""
    _call_off_refund(turn, event.reference)
    if event.report:
        turn.order(AcknowledgeCard(event.report))
    attempt = next((one for one in turn.books.attempts if one.reference == event.reference), None)
    card = next((card for card in turn.books.approvals if card.reference == event.reference), None)
    if attempt is not None and attempt.operation == "sale" and attempt.state != "ended":
        told = CardEnded(
            moment=turn.moment,
            report=0,
            operation="sale",
            reference=event.reference,
            result="cancelled",
            reason="reversed",
        )
        _no_money(turn, attempt, told)
        return
    void = next((one for one in turn.books.attempts if one.operation == "void" and one.sale == card), None)
    if card is None or refunded(turn.books, card.reference):
        turn.record(DeviceFaultSeen("terminal", "reversed", f"sale {event.reference}"[:100]))
    elif void is not None:
        _undone_before_us(turn, void, card)
    else:
        _undone_unasked(turn, card)


def _call_off_refund(turn: Turn, of: str) -> None:
    """Before the report is acknowledged, for which a refund may wait. One that leaves all the same counts."""
    attempt = turn.books.attempt
    if attempt is not None and (attempt.operation, attempt.state, attempt.of) == ("refund", "open", of):
        turn.order(CancelCard(attempt.reference))


def _undone_before_us(turn: Turn, void: Attempt, card: CardSaleApproved) -> None:
    """What was to be voided is gone: a void that then does nothing must not bring it back."""
    turn.record(DeviceFaultSeen("terminal", "reversed", f"sale {card.reference} of {card.amount_minor}"))
    told = CardEnded(
        moment=turn.moment,
        report=0,
        operation="void",
        reference=void.reference,
        result="approved",
        found=True,
    )
    _voided(turn, void, told)


def _undone_unasked(turn: Turn, card: CardSaleApproved) -> None:
    """Staff hear of it in any case. Who still stands there is asked for the rest again, without the fee."""
    fee = _fee_of(turn, card)
    turn.record(
        CardSaleVoided(card.payment_id, card.reference, card.reference, card.amount_minor, turn.settings.currency, True)
    )
    turn.record(DeviceFaultSeen("terminal", "reversed", f"sale {card.reference} of {card.amount_minor}"))
    payment, attempt = turn.books.payment, turn.books.attempt
    if payment is None or payment.payment_id != card.payment_id or turn.books.payout is not None:
        return
    if fee:
        turn.show(orphan=fee)
    if turn.scene.stage in ("closing", "partial"):
        go_on(turn, "card_undone")
    elif turn.scene.stage in _WITH_REST and orphan(turn) is not None:
        _without_notes(turn)
    elif attempt is not None and attempt.reference == fee and turn.scene.card_phase == "asking":
        turn.order(CancelCard(fee))
        turn.show(card_phase="cancelling", card_prompt="")


def _fee_of(turn: Turn, bill: CardSaleApproved) -> str:
    """Return the reference of the fee's sale that followed this one, also while it is under way; "" without one."""
    payment, attempt = turn.books.payment, turn.books.attempt
    if payment is None or bill not in payment.cards or bill.leg != "bill":
        return ""
    after = payment.cards[payment.cards.index(bill) + 1 :]
    if after:
        return after[0].reference if after[0].leg == "fee" else ""
    return attempt.reference if attempt is not None and (attempt.operation, attempt.leg) == ("sale", "fee") else ""


# Nobody can say


def cannot_tell(turn: Turn, attempt: Attempt, reason: str) -> None:
    """A memo, and the question to the terminal. Asked again by a timer; the person waits for one round of it."""
    if attempt.state != "open":
        return
    payment_id, reference, amount_minor = attempt.payment_id, attempt.reference, attempt.amount_minor
    currency = turn.settings.currency
    if attempt.refund is not None:
        refund_unknown(turn, attempt, reason)
    elif attempt.sale is not None:
        turn.record(VoidUnknown(payment_id, reference, attempt.sale.reference, amount_minor, currency, reason))
    else:
        turn.record(CardSaleUnknown(payment_id, reference, attempt.leg, amount_minor, currency, reason))
    turn.stop("card")
    if turn.scene.stage in ("card", "staff_refunding"):
        turn.show(card_phase="checking", card_prompt="")
    turn.start("card_look", turn.settings.timeouts.card_look)
    find(turn, attempt)
    if turn.scene.stage == "starting":
        if attempt.refund is None:
            _print_incident(turn, attempt)
        resume(turn)  # nobody waits for it any more


def card_overdue(turn: Turn) -> None:
    """The terminal has waited longer than it may."""
    if turn.books.card_under_way and turn.books.attempt is not None:
        cannot_tell(turn, turn.books.attempt, "no_answer")


def look_again(turn: Turn) -> None:
    """Nobody knew for a whole round: let the person go with a slip, and go on asking in the background."""
    attempt = turn.books.attempt
    if attempt is None:
        return
    if attempt.state == "open" and turn.scene.stage not in ("card", "staff_refunding"):
        cannot_tell(turn, attempt, "restart")  # maybe staff have signed in since the start
        return
    if attempt.state == "unknown" and turn.scene.stage == "card":
        _let_go(turn, attempt)
    elif attempt.state == "unknown" and turn.scene.stage == "staff_refunding":
        refund_let_go(turn)
    if attempt.state == "unknown":
        turn.start("card_look", turn.settings.timeouts.card_look)
        find(turn, attempt)


def _let_go(turn: Turn, attempt: Attempt) -> None:
    """The number to ask with is shown, also without a printer. Of a fee that nobody knows of the bill's leg stands."""
    _print_incident(turn, attempt)
    turn.show(card_phase="", card_prompt="", fee_minor=0)
    if turn.scene.stopping:
        close(turn, "stopping")
    else:
        turn.show(
            stage="card_unknown", incident=attempt.reference, notice="card_unknown", notice_minor=attempt.amount_minor
        )
        awake(turn)


def _print_incident(turn: Turn, attempt: Attempt) -> None:
    if turn.devices.printer.state != "ready":
        return
    payment = turn.books.payment or attempt.rest
    last4 = payment.last4 if payment is not None and payment.payment_id == attempt.payment_id else ""
    language = payment.language if last4 and payment is not None else turn.scene.language
    job = f"{attempt.reference}/incident"
    what = (attempt.operation, attempt.leg)
    turn.order(PrintIncident(job, attempt.reference, attempt.amount_minor, last4, language, *what))
