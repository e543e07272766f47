"""What devices, clock, server and timers tell, at whatever stage it comes."""

from collections.abc import Callable
from dataclasses import replace

from kiosk.brain.batch import batch_overdue, close_in_time, watch_batch
from kiosk.brain.card import cancel_card, sell
from kiosk.brain.card_results import card_overdue, complete_late, look_again
from kiosk.brain.cash import note_overdue, note_unreachable, refresh_offer
from kiosk.brain.checks import at_slot, frank_ended
from kiosk.brain.claims import carried, give_up_slips, slip_ended
from kiosk.brain.closing import (
    CATCH_UP_MS,
    catch_up,
    close,
    complete,
    disable,
    finish_closing,
    leave,
    posting_waited,
    printed,
)
from kiosk.brain.commands import Exit
from kiosk.brain.events import (
    AcceptorConnected,
    AcceptorFault,
    AcceptorFaultCleared,
    AcceptorLost,
    AcceptorPoweredUp,
    Acknowledged,
    HealthChanged,
    LookUpFailed,
    OnlineChanged,
    PostingRefused,
    PrintFinished,
    RecordsArchived,
    Started,
    StopRequested,
    TimerFired,
)
from kiosk.brain.finding import look_up_failed
from kiosk.brain.limits import trouble
from kiosk.brain.payout import payout_overdue
from kiosk.brain.refund_results import SLIPS, refund_printed
from kiosk.brain.staff import cassette_removed, pin_unlocked, sign_out
from kiosk.brain.state import PAYING
from kiosk.brain.turn import Turn
from kiosk.domain.facts import (
    DeviceFaultSeen,
    JournalPruned,
    KioskFrozen,
    KioskStarted,
    PaymentAbandoned,
    PaymentCompleted,
    ReceiptFailed,
    ReceiptPrinted,
    SessionClosed,
)
from kiosk.domain.snapshot import DeviceHealth

DETAIL_MAX = 500  # characters
_CASH_NOTICES = {"jammed": "cash_jammed", "cassette_full": "cash_full"}


def started(turn: Turn, event: Started) -> None:
    """Boot (rule 4): close what lay open, keep an open note open until its device has been asked."""
    turn.record(KioskStarted(turn.settings.version, event.reason))
    disable(turn)
    payment = turn.books.payment
    if turn.books.payout is not None:
        pass  # its payment ends when the recycler was asked what came out
    elif payment is not None and payment.holds_money:
        complete(turn, "restart")
    elif payment is not None and turn.books.note is None:
        turn.record(PaymentAbandoned(payment.payment_id, "restart"))
    if turn.books.staff:
        sign_out(turn, "restart")
    if turn.books.session_id:
        turn.record(SessionClosed(turn.books.session_id, "restart"))
    if turn.books.unprinted or turn.books.slips:
        turn.start("catch_up", CATCH_UP_MS)
    complete_late(turn)
    watch_batch(turn)
    if turn.books.attempt is not None:
        turn.start("card_look", turn.settings.timeouts.card_look)
    if not turn.books.under_way and turn.scene.stage == "starting":
        leave(turn, "restart")


def stop_requested(turn: Turn, event: StopRequested) -> None:
    """Rule 13: no new note, what is held goes back, a moving note is waited for, then the payment is closed."""
    del event
    turn.show(stopping=True)
    disable(turn)
    times = turn.settings.timeouts
    slow = turn.books.card_under_way or turn.books.payout is not None
    turn.start("stop", times.card_stop if slow else times.stop)
    at_terminal = turn.scene.stage == "card" and turn.scene.card_phase != "preparing"
    if at_terminal or turn.scene.stage == "staff_refunding":
        cancel_card(turn, "")
    elif at_slot(turn.state):
        pass  # a moment for the person to say that it is in
    elif turn.books.payment is not None and turn.scene.stage in PAYING and turn.scene.stage != "closing":
        close(turn, "stopping")


def exit_when_done(turn: Turn) -> None:
    receipt = turn.scene.receipt
    printing = receipt is not None and receipt.printed == "printing"
    waiting = turn.scene.stage in ("card", "closing") or at_slot(turn.state)
    done = not turn.books.under_way and not waiting and not printing
    if turn.scene.stopping and done and not turn.devices.frames_due:
        turn.order(Exit())


def _stop_waited_long_enough(turn: Turn) -> None:
    """What is still open stays open in the journal: the next boot asks the device."""
    payment = turn.books.payment
    if payment is not None and payment.holds_money and turn.books.payout is None:
        complete(turn, "stopping")
    turn.order(Exit())


# The acceptor


def acceptor_connected(turn: Turn, event: AcceptorConnected) -> None:
    """The device was asked what it is and what it holds. Its own table must agree with the configuration."""
    turn.hear(enabled=frozenset(), idle=False, faults=turn.devices.faults - {"wrong_table"}, levels_told=False)
    wrong = [channel for channel, value in event.table if turn.settings.value_of(channel) not in (0, value)]
    if wrong:
        detail = f"channels {wrong} are worth something else in the device's own table"
        turn.record(DeviceFaultSeen("acceptor", "wrong_table", detail))
        turn.hear(faults=turn.devices.faults | {"wrong_table"})
    _hear_acceptor(turn, "ready", "", event.detail)
    turn.stop("note_lost")
    if turn.books.note is not None:
        turn.start("note_open", turn.settings.timeouts.note_open)
    if turn.books.payout is not None:
        turn.start("payout", turn.settings.timeouts.payout)
    if turn.scene.stage == "cash" and turn.scene.notice == "cash_lost":
        turn.show(notice="cash_back")
    if turn.scene.stage == "closing":
        disable(turn)
    refresh_offer(turn)


def acceptor_lost(turn: Turn, event: AcceptorLost) -> None:
    """The line is dead. The person keeps what is in; a note under way is waited for.

    A loose contact is lost again and again: the wait runs from the first time.
    """
    lost_before = turn.devices.acceptor.state == "lost"
    _hear_acceptor(turn, "lost", event.reason)
    turn.hear(enabled=frozenset(), idle=False, levels_told=False)
    if turn.scene.stage == "cash":
        turn.show(notice="cash_lost")
    if turn.books.note is not None and not lost_before:
        turn.start("note_lost", turn.settings.timeouts.closing_lost)
    if turn.books.payout is not None and not lost_before:
        turn.start("payout", turn.settings.timeouts.payout_lost)
    finish_closing(turn)


def acceptor_powered_up(turn: Turn, event: AcceptorPoweredUp) -> None:
    del event
    _hear_acceptor(turn, "interrogating", "power_up", turn.devices.acceptor.detail)
    turn.hear(enabled=frozenset(), idle=False, levels_told=False)
    if turn.books.note is not None:
        if not turn.books.note.powered_up:
            turn.record(DeviceFaultSeen("acceptor", "power_up", f"note {turn.books.note.note_id}"))
        turn.start("note_open", turn.settings.timeouts.note_open)


def acceptor_fault(turn: Turn, event: AcceptorFault) -> None:
    if event.code == "cheated":
        turn.record(DeviceFaultSeen("acceptor", event.code, event.detail))
        return
    if event.code in turn.devices.faults:
        return
    turn.hear(faults=turn.devices.faults | {event.code})
    if event.code == "cassette_removed":
        cassette_removed(turn)
    else:
        turn.record(DeviceFaultSeen("acceptor", event.code, event.detail))
    if turn.scene.stage == "cash":
        turn.show(notice=_CASH_NOTICES.get(event.code, "cash_unavailable"))
    refresh_offer(turn)


def acceptor_fault_cleared(turn: Turn, event: AcceptorFaultCleared) -> None:
    turn.hear(faults=turn.devices.faults - {event.code})
    if turn.books.note is not None and not turn.devices.faults:
        turn.start("note_open", turn.settings.timeouts.note_open)
    if turn.scene.stage == "cash" and not turn.devices.faults:
        turn.show(notice="cash_back")
    refresh_offer(turn)


def _hear_acceptor(turn: Turn, state: str, reason: str, detail: str = "") -> None:
    turn.hear(acceptor=DeviceHealth("acceptor", state, reason, detail))


# Printer, scanner, screen, storage


def health_changed(turn: Turn, event: HealthChanged) -> None:
    health = event.health
    was_well = turn.devices.storage.state == "ready"
    turn.hear(**{health.name: health})
    if health.name in ("screen", "storage"):
        refresh_offer(turn)
    if not was_well and not trouble(turn.state):
        _cash_goes_on(turn)
    if health.name == "printer":
        catch_up(turn)


def _cash_goes_on(turn: Turn) -> None:
    if turn.scene.stage == "tender":
        turn.show(notice="")
    elif turn.scene.stage == "cash" and turn.scene.notice != "note_in_doubt":
        turn.show(notice="cash_back")


def print_finished(turn: Turn, event: PrintFinished) -> None:
    number, _, what = event.job.partition("/")
    turn.hear(printing=turn.devices.printing - {number})
    if number == "ticket" or what == "incident":
        return
    if what == "frank":
        frank_ended(turn, number, event.outcome)
        return
    if what in SLIPS:
        refund_printed(turn, number, event.outcome)
        return
    if what in ("claim", "again"):
        slip_ended(turn, number, event.outcome, event.reason)
        return
    failed = event.outcome == "failed"
    waiting = [done for done in turn.books.unprinted if done.receipt_number == number]
    for done in waiting:
        turn.record(_receipt_fact(done, event))
    printed(turn, number, "failed" if failed else "printed")
    if failed and turn.scene.stage == "done" and turn.scene.receipt_of == number:
        turn.show(notice="receipt_failed")


def _receipt_fact(done: PaymentCompleted, event: PrintFinished) -> ReceiptPrinted | ReceiptFailed:
    if event.outcome == "failed":
        return ReceiptFailed(done.payment_id, done.receipt_number, event.reason)
    return ReceiptPrinted(done.payment_id, done.receipt_number, event.outcome == "confirmed")


def _give_up_catching_up(turn: Turn) -> None:
    """A printer that works prints them as soon as nobody pays; one that does not is given up."""
    if turn.devices.printer.state == "ready":
        return
    for done in turn.books.unprinted:
        turn.record(ReceiptFailed(done.payment_id, done.receipt_number, "printer_away_since_restart"))
    give_up_slips(turn)


# The server


def online_changed(turn: Turn, event: OnlineChanged) -> None:
    turn.hear(online=event.online)


def acknowledged(turn: Turn, event: Acknowledged) -> None:
    turn.hear(unposted=event.unposted)
    view = turn.scene.receipt
    if view is not None and view.number in event.receipts:
        turn.show(receipt=replace(view, posted="posted"))
        turn.stop("posting")
        posting_waited(turn)


def posting_refused(turn: Turn, event: PostingRefused) -> None:
    """The open payment is finished, then no new money (rule 7)."""
    if not turn.books.frozen:
        # What another machine wrote is kept only as far as a record can hold it.
        detail = event.detail[:DETAIL_MAX].encode(errors="replace").decode()
        turn.record(KioskFrozen(event.reason, detail))
        refresh_offer(turn)


def records_archived(turn: Turn, event: RecordsArchived) -> None:
    """On record before the first row goes: whoever finds the beginning missing must find the reason too."""
    turn.record(JournalPruned(event.from_seq, event.to_seq, event.last_hash, event.archive_sha256))


# Timers


def timer_fired(turn: Turn, event: TimerFired) -> None:
    TIMERS[event.name](turn)


def _idle(turn: Turn) -> None:
    if turn.scene.stage.startswith("staff"):
        if turn.books.staff:
            sign_out(turn, "idle")
        else:
            leave(turn, "idle")
    elif turn.books.note is None:
        turn.show(idle_left_s=max(1, turn.settings.timeouts.idle_answer // 1000))
        turn.start("idle_tick", 1000)


def _idle_tick(turn: Turn) -> None:
    left = turn.scene.idle_left_s - 1
    if turn.scene.idle_left_s == 0 or turn.books.note is not None:
        return
    if left > 0:
        turn.show(idle_left_s=left)
        turn.start("idle_tick", 1000)
    else:
        _walked_away(turn)


def _walked_away(turn: Turn) -> None:
    """Money that is in is applied; otherwise nothing happened (accessibility T4)."""
    turn.show(idle_left_s=0, help_open=False, claim=carried(turn, "idle"))
    stage = turn.scene.stage
    if turn.books.payment is not None and stage in PAYING and stage not in ("card", "closing"):
        close(turn, "idle")
    elif stage == "done":
        _done_shown(turn)
    elif stage not in ("starting", "finding", "card", "closing"):
        leave(turn, "idle")


def _done_shown(turn: Turn) -> None:
    claim = turn.scene.claim
    if turn.scene.stage == "done" and (claim is None or claim.pinned):
        posting_waited(turn)
        leave(turn, "done")


def _look_up_slow(turn: Turn) -> None:
    if turn.scene.stage == "finding":
        look_up_failed(turn, LookUpFailed(moment=turn.moment, request=turn.scene.request, reason="slow"))


def _head_slow(turn: Turn) -> None:
    if turn.scene.stage in ("cash", "card", "check", "tender", "fee") and turn.scene.request:
        turn.show(request="")
        refresh_offer(turn)
        sell(turn)


def _declines_old(turn: Turn) -> None:
    turn.show(declined=())


def _closing_slow(turn: Turn) -> None:
    """Without an open note nothing of ours can be in the path: what still arrives is returned."""
    if turn.books.note is None:
        finish_closing(turn)
    else:
        turn.start("note_lost", turn.settings.timeouts.closing_lost)


TIMERS: dict[str, Callable[[Turn], None]] = {
    "idle": _idle,
    "idle_tick": _idle_tick,
    "done": _done_shown,
    "look_up": _look_up_slow,
    "head": _head_slow,
    "posting": posting_waited,
    "closing": _closing_slow,
    "note_open": note_overdue,
    "note_lost": note_unreachable,
    "payout": payout_overdue,
    "declines": _declines_old,
    "stop": _stop_waited_long_enough,
    "pin_lock": pin_unlocked,
    "catch_up": _give_up_catching_up,
    "card": card_overdue,
    "card_look": look_again,
    "batch": close_in_time,
    "batch_wait": batch_overdue,
}
