"""How a payment ends: stop taking notes, wait until none is on its way, complete, print, let the person go."""

from dataclasses import replace

from kiosk.brain.change import give
from kiosk.brain.claims import carried, catch_up_slips
from kiosk.brain.commands import DisableAcceptor, EnableAcceptor, PrintReceipt
from kiosk.brain.idle import awake
from kiosk.brain.limits import channels_for, trouble
from kiosk.brain.state import OpenPayment, fresh_scene
from kiosk.brain.turn import Turn
from kiosk.domain.facts import (
    LinePaid,
    PaymentAbandoned,
    PaymentCompleted,
    ReceiptFailed,
    SessionClosed,
)
from kiosk.domain.snapshot import ReceiptView
from kiosk.domain.tenders import CardInPayment

CATCH_UP_MS = 600_000  # how long a receipt that could not be printed is worth printing


def disable(turn: Turn) -> None:
    """Stop taking notes. The device answers with AcceptorIdle when nothing is in its path."""
    turn.hear(enabled=frozenset(), idle=False)
    turn.order(DisableAcceptor())


def close(turn: Turn, reason: str) -> None:
    """Begin to end the payment: no more notes, then wait for the acceptor to be empty."""
    turn.show(stage="closing", closing_reason=reason, idle_left_s=0, help_open=False, request="", stop_wanted=False)
    turn.show(card_wanted=False, card_phase="", check=None)
    for timer in ("idle", "idle_tick", "head"):
        turn.stop(timer)
    disable(turn)
    turn.start("closing", turn.settings.timeouts.closing)
    if "acceptor_lost" in trouble(turn.state):
        finish_closing(turn)


def stop_paying(turn: Turn) -> None:
    """The person wants to end. With money short they are asked once more; a moving note is waited for first."""
    payment = turn.books.payment
    if payment is None:
        return
    if turn.books.note is not None:
        turn.show(stop_wanted=True)
    elif payment.holds_money and payment.left_minor:
        turn.show(stage="review", notice="", stop_wanted=False)
        disable(turn)
    else:
        close(turn, "stopped" if payment.holds_money else "cancelled")


def finish_closing(turn: Turn) -> None:
    """End the payment if no note is open, after its change; a note whose fate is unknown is waited for."""
    if turn.scene.stage != "closing" or turn.books.under_way:
        return
    turn.stop("closing")
    payment = turn.books.payment
    if give(turn):
        return
    if payment is not None and payment.holds_money:
        complete(turn, turn.scene.closing_reason)
        show_done(turn)
    else:
        leave(turn, "idle" if turn.scene.closing_reason == "idle" else "cancelled")


def close_out(turn: Turn) -> None:
    """A note has been on its way for too long: settle what is certain, keep waiting for the note (rule 4)."""
    payment = turn.books.payment
    if payment is not None and payment.holds_money:
        complete(turn, turn.scene.closing_reason or "stopped")
        show_done(turn)
    else:
        _end_session(turn, "note_open")
        turn.show_scene(fresh_scene(turn.state, "starting", carried(turn, "cancelled")))
    turn.show(notice="note_in_doubt")


def complete(turn: Turn, reason: str, late: OpenPayment | None = None) -> PaymentCompleted:
    """Record what the money in the open payment pays, oldest bill first; what is over becomes credit.

    `late` is what is left of one that has ended, for a card that was found after it.
    """
    payment = late or turn.books.payment
    if payment is None:
        raise AssertionError("nothing to complete")
    number = f"{turn.settings.receipt_prefix}-{turn.settings.epoch}-{turn.books.receipts + 1:06d}"
    fact = PaymentCompleted(
        payment_id=payment.payment_id,
        session_id=payment.session_id,
        receipt_number=number,
        account=payment.account,
        lines=split(payment),
        notes=payment.notes,
        total_minor=payment.in_minor,
        currency=turn.settings.currency,
        reason=reason,
        value_date=turn.moment.local[:10],
        live=payment.live,
        cards=tuple(
            CardInPayment(card.reference, card.leg, card.amount_minor, card.slip.brand, card.slip.last4)
            for card in payment.cards
        ),
        checks=payment.checks,
        change_minor=payment.change_minor,
        fee_minor=payment.fee_minor,
        fee_kind=payment.fee.kind if payment.fee is not None and payment.fee_minor else "",
        fee_rule=payment.fee.rule if payment.fee is not None and payment.fee_minor else "",
        completed_at=turn.moment.utc,
    )
    turn.record(fact)
    return fact


def split(payment: OpenPayment) -> tuple[LinePaid, ...]:
    """Share what is in over the bills, oldest first; the rest is credit on the account."""
    lines: list[LinePaid] = []
    rest = payment.in_minor
    for invoice in payment.invoices:
        part = min(rest, max(0, invoice.amount_minor))
        if part:
            lines.append(LinePaid(invoice.account, invoice.invoice, part))
            rest -= part
    if rest:
        lines.append(LinePaid(payment.account, "", rest))
    return tuple(lines)


def show_done(turn: Turn) -> None:
    """Show what happened to the money; print at once when offline, else when it is posted or soon after."""
    done = turn.books.completed
    if done is None:
        raise AssertionError("nothing was completed")
    credit = sum(line.amount_minor for line in done.lines if not line.invoice)
    account = next(iter(turn.scene.accounts), None)
    owed = sum(one.balance_minor for one in turn.scene.accounts)
    view = ReceiptView(
        number=done.receipt_number,
        paid_minor=done.total_minor - credit,
        credit_minor=credit,
        left_minor=max(0, owed - done.total_minor),
        posted="queued",
        printed="printing",
        at=turn.moment.local,
        last4=account.last4 if account else "",
        card_minor=sum(card.amount_minor for card in done.cards if card.leg == "bill"),
        fee_minor=done.fee_minor,
        check_minor=sum(check.amount_minor for check in done.checks),
        change_minor=done.change_minor,
    )
    turn.show(stage="done", receipt=view, receipt_of=done.receipt_number, notice="", idle_left_s=0)
    if turn.scene.claim is None:
        turn.start("done", turn.settings.timeouts.done)
    awake(turn)
    if turn.devices.online and not turn.scene.stopping:
        turn.start("posting", turn.settings.timeouts.posting)
    else:
        print_receipt(turn, done, "receipt")


def print_receipt(turn: Turn, done: PaymentCompleted, kind: str) -> None:
    """Print, or record that it cannot be. Printer trouble never blocks or repeats a payment (rule 12)."""
    if turn.devices.printer.state != "ready":
        if any(waiting.receipt_number == done.receipt_number for waiting in turn.books.unprinted):
            turn.record(
                ReceiptFailed(done.payment_id, done.receipt_number, turn.devices.printer.reason or "no_printer")
            )
        printed(turn, done.receipt_number, "unavailable")
        return
    view = turn.scene.receipt
    posted = view is not None and view.number == done.receipt_number and view.posted == "posted"
    job = f"{done.receipt_number}/{kind}"
    if number_shown(turn) == done.receipt_number:
        turn.show(print_job=job)
    printed(turn, done.receipt_number, "printing")
    turn.hear(printing=turn.devices.printing | {done.receipt_number})
    turn.order(PrintReceipt(job, done.receipt_number, kind, posted, turn.scene.language))


def catch_up(turn: Turn) -> None:
    """Print receipts that an interruption left unprinted, while nobody is paying."""
    if turn.scene.stopping or turn.devices.printer.state != "ready":
        return
    if turn.scene.stage not in ("attract", "starting"):
        return
    for done in turn.books.unprinted:
        if done.receipt_number not in turn.devices.printing:
            print_receipt(turn, done, "recovered")
    catch_up_slips(turn)


def number_shown(turn: Turn) -> str:
    """Return the number of the receipt on the page, "" when there is none."""
    return turn.scene.receipt.number if turn.scene.receipt is not None else ""


def printed(turn: Turn, number: str, how: str) -> None:
    """Tell the person at the done page how printing went, if it is still their receipt."""
    view = turn.scene.receipt
    if view is not None and view.number == number:
        turn.show(receipt=replace(view, printed=how))


def leave(turn: Turn, reason: str) -> None:
    """End the session. A payment without money is abandoned; one with money must be completed before."""
    payment = turn.books.payment
    if payment is not None and turn.books.note is None and turn.books.payout is None:
        turn.record(PaymentAbandoned(payment.payment_id, reason))
    _end_session(turn, reason)
    stage = "starting" if turn.books.under_way else "attract"
    turn.show_scene(fresh_scene(turn.state, stage, carried(turn, reason)))
    awake(turn)
    catch_up(turn)


def _end_session(turn: Turn, reason: str) -> None:
    if turn.books.session_id:
        turn.record(SessionClosed(turn.books.session_id, reason))
    for timer in ("idle", "idle_tick", "done", "posting", "look_up", "head", "closing"):
        turn.stop(timer)


def offer_notes(turn: Turn, values: tuple[int, ...]) -> None:
    """Let the acceptor take notes of these values, if that is not so already."""
    channels = channels_for(turn.state, values)
    if not channels:
        if turn.devices.enabled:
            disable(turn)
    elif channels != turn.devices.enabled:
        turn.hear(enabled=channels, idle=False)
        turn.order(EnableAcceptor(channels))


# What the person can do with the receipt


def done(turn: Turn, value: str) -> None:
    del value
    posting_waited(turn)
    leave(turn, "done")


def reprint(turn: Turn, value: str) -> None:
    del value
    completed = turn.books.completed
    view = turn.scene.receipt
    if completed is not None and view is not None and view.number == completed.receipt_number:
        print_receipt(turn, completed, "reprint")


def posting_waited(turn: Turn) -> None:
    """The receipt on the page waited for the server's word long enough. A note that came late has its own receipt."""
    if turn.scene.stage != "done" or turn.scene.print_job:
        return
    for waiting in turn.books.unprinted:
        if waiting.receipt_number == turn.scene.receipt_of:
            print_receipt(turn, waiting, "receipt")
