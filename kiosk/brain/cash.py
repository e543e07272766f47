"""The rules of a note: offered, held, asked to be stacked, and only then money (architecture, rules 3 to 5)."""

from dataclasses import replace

from kiosk.brain import claims
from kiosk.brain.card import pay_card
from kiosk.brain.closing import (
    CATCH_UP_MS,
    close,
    close_out,
    complete,
    disable,
    finish_closing,
    leave,
    offer_notes,
    print_receipt,
    stop_paying,
)
from kiosk.brain.commands import AcknowledgeReport, ReturnNote, StackNote
from kiosk.brain.events import (
    AcceptorIdle,
    NoteApproaching,
    NoteEscrowed,
    NoteReturnedReport,
    NoteReturning,
    NoteStackedReport,
    SecondNotePushed,
)
from kiosk.brain.idle import awake, still
from kiosk.brain.limits import allowed_minor, is_full, is_met, trouble
from kiosk.brain.state import PAYING, OpenNote
from kiosk.brain.turn import Turn
from kiosk.domain.facts import (
    DeviceFaultSeen,
    NoteInDoubt,
    NoteReturned,
    NoteStacked,
    NoteStackRequested,
    NoteUnexpected,
    PaymentAbandoned,
)


def refresh_offer(turn: Turn) -> None:
    """Match what the acceptor takes to what fits now. Nothing is offered while anything is unsure."""
    if turn.scene.stage != "cash":
        return
    sure = not trouble(turn.state) and turn.books.note is None and not turn.scene.request
    if sure:
        offer_notes(turn, allowed_minor(turn.state))
    elif turn.devices.enabled and turn.books.note is None:
        disable(turn)


def note_approaching(turn: Turn, event: NoteApproaching) -> None:
    del event
    turn.hear(idle=False)
    if turn.scene.stage == "cash":
        awake(turn)


def note_escrowed(turn: Turn, event: NoteEscrowed) -> None:
    """Decide about a note that is held: it fits, or it goes back."""
    turn.hear(idle=False)
    value_minor = turn.settings.value_of(event.channel)
    payment, note = turn.books.payment, turn.books.note
    if note is not None:
        _second_escrow(turn, note, event.channel)
    if note is not None or payment is None or not _takes_notes(turn):
        turn.order(ReturnNote(event.escrow))
        return
    if value_minor not in allowed_minor(turn.state):
        turn.order(ReturnNote(event.escrow))
        turn.show(notice="note_too_large" if value_minor else "note_returned", notice_minor=value_minor)
        return
    note_id = turn.moment.ids[0]
    turn.record(
        NoteStackRequested(
            note_id, payment.payment_id, event.channel, value_minor, turn.settings.currency, turn.books.period
        )
    )
    turn.order(StackNote(note_id, event.escrow))
    turn.start("note_open", turn.settings.timeouts.note_open)
    still(turn)


def _second_escrow(turn: Turn, note: OpenNote, channel: int) -> None:
    """A note is in escrow while one is open: the same, given back by the stacker, or one that was put in after it.

    It may be another one if it shows another value, or if the device has started since: some forget then what they
    had stacked. A note without value is the open one, which a new start of either side cannot name any more.
    """
    another = note.powered_up or channel not in (0, note.channel)
    fault = "another_escrow" if another else "second_escrow"
    if not (note.mistakable if another else note.disturbed):
        turn.record(DeviceFaultSeen("acceptor", fault, f"note {note.note_id}"))


def _takes_notes(turn: Turn) -> bool:
    return turn.scene.stage == "cash" and not trouble(turn.state) and not turn.scene.request


def note_stacked(turn: Turn, event: NoteStackedReport) -> None:
    """A note is in the cassette. It counts for the payment that asked, whoever stands there now."""
    turn.hear(idle=False)
    value_minor = turn.settings.value_of(event.channel)
    note = turn.books.note
    if note is None:
        _stacked_unasked(turn, event, value_minor)
    elif event.channel == 0 and (note.disturbed or not (event.power_up and event.clean)):
        _doubt(turn, note, "blank_report")
    elif event.channel and not value_minor:
        _doubt(turn, note, f"unknown_channel_{event.channel}")
    else:
        _stacked(turn, note, event, value_minor or note.value_minor)
    turn.order(AcknowledgeReport(event.report))


def _stacked(turn: Turn, note: OpenNote, event: NoteStackedReport, value_minor: int) -> None:
    recovered = event.power_up or event.replay or turn.scene.stage == "starting"
    turn.record(
        NoteStacked(note.note_id, note.payment_id, value_minor, turn.settings.currency, note.cassette_period, recovered)
    )
    if value_minor != note.value_minor:
        detail = f"note {note.note_id}: held as {note.value_minor}, stacked as {value_minor}"
        turn.record(DeviceFaultSeen("acceptor", "value_changed", detail))
    turn.show(notice="note_accepted", notice_minor=value_minor, last_note_minor=value_minor)
    _note_settled(turn)


def _stacked_unasked(turn: Turn, event: NoteStackedReport, value_minor: int) -> None:
    """Money nobody asked for goes to suspense; one without a value is told to staff and counts nothing.

    A report that came before an interruption may come again: to a host that started anew, and from a device that did.
    It is old news when the last note that was asked for is counted already, with this value. Without a value that
    cannot be told: then only a claim is spared.
    """
    if event.self_test:
        return
    counted_minor = turn.books.last_stacked_minor
    if (event.replay or event.power_up) and value_minor and value_minor == counted_minor:
        turn.record(DeviceFaultSeen("acceptor", "stacked_again", f"{value_minor} was counted before"))
        return
    awaited = claims.awaits(turn, value_minor) or bool(event.replay and not value_minor and counted_minor)
    note_id, reason = turn.moment.ids[0], _why_unexpected(event.channel, value_minor)
    turn.record(NoteUnexpected(note_id, event.channel, value_minor, turn.settings.currency, turn.books.period, reason))
    if not awaited:
        claims.for_unexpected(turn, note_id, value_minor)


def _why_unexpected(channel: int, value_minor: int) -> str:
    if value_minor:
        return "no_open_note"
    return f"unknown_channel_{channel}" if channel else "no_value"


def note_returned(turn: Turn, event: NoteReturnedReport) -> None:
    """The note is back in the person's hand: its amount is cleared in this same decision.

    If another note was in escrow since, it may be that one, and this one in the cassette unreported.
    """
    turn.hear(idle=False)
    note = turn.books.note
    if note is not None and (note.mistakable or (note.powered_up and event.reason == "rejected")):
        # A device that started since may have this one in the cassette untold, and reject the next at its slot.
        _doubt(turn, note, "another_escrow" if note.mistakable else "rejected_after_power_up")
        turn.order(AcknowledgeReport(event.report))
        return
    if note is not None:
        turn.record(NoteReturned(note.note_id, note.payment_id, event.reason))
    if turn.scene.stage == "cash" and turn.scene.notice != "note_too_large":
        turn.show(notice=f"note_{event.reason}", notice_minor=0)
    turn.order(AcknowledgeReport(event.report))
    if note is not None:
        _note_settled(turn)


def note_returning(turn: Turn, event: NoteReturning) -> None:
    """The stacker gives the open note back. Should the report of it be lost, a self-test must not pass for the note."""
    del event
    note = turn.books.note
    if note is not None and not note.disturbed:
        turn.record(DeviceFaultSeen("acceptor", "returning", f"note {note.note_id}"))


def second_note_pushed(turn: Turn, event: SecondNotePushed) -> None:
    del event
    if turn.scene.stage == "cash":
        turn.show(notice="take_second_note")


def note_overdue(turn: Turn) -> None:
    """No report for too long. A device that cannot speak may still know; one that can has no answer: in doubt."""
    note = turn.books.note
    if note is None:
        return
    if turn.devices.acceptor.state == "ready" and not turn.devices.faults:
        _doubt(turn, note, "no_report")
    else:
        note_unreachable(turn)


def note_unreachable(turn: Turn) -> None:
    """The acceptor is away with a note, long enough for hands in its path: let the person go with what is certain."""
    note = turn.books.note
    if note is not None and not note.disturbed:
        turn.record(DeviceFaultSeen("acceptor", "lost", f"note {note.note_id}"))
    if note is not None and turn.scene.stage in ("cash", "review", "closing"):
        close_out(turn)


def _doubt(turn: Turn, note: OpenNote, reason: str) -> None:
    turn.record(
        NoteInDoubt(
            note.note_id, note.payment_id, note.value_minor, turn.settings.currency, note.cassette_period, reason
        )
    )
    claims.for_doubt(turn, note)
    turn.show(notice="note_in_doubt", notice_minor=note.value_minor)
    _note_settled(turn)


def _note_settled(turn: Turn) -> None:
    """A note's fate is known: go on with the person, or finish what an earlier stop left open."""
    turn.stop("note_open")
    turn.stop("note_lost")
    stage = turn.scene.stage
    if stage == "cash":
        awake(turn)
        payment = turn.books.payment
        if is_met(turn.state):
            close(turn, "met")
        elif payment is not None and is_full(payment):
            close(turn, "stopped")
        elif turn.scene.stop_wanted:
            stop_paying(turn)
        elif turn.scene.card_wanted:
            pay_card(turn, "")
        else:
            refresh_offer(turn)
    elif stage == "closing":
        if turn.devices.acceptor.state != "ready":
            finish_closing(turn)
    else:
        settle_leftover(turn, "restart")
        awake(turn)


def settle_leftover(turn: Turn, reason: str) -> None:
    """Complete or abandon a payment that nobody stands in front of (after a restart, or a note that came late)."""
    payment = turn.books.payment
    if payment is None or turn.scene.stage in PAYING or turn.books.payout is not None:
        return
    if payment.holds_money:
        done = complete(turn, reason)
        if turn.devices.printer.state == "ready":
            print_receipt(turn, done, "recovered")
        else:
            turn.start("catch_up", CATCH_UP_MS)  # a printer that is back later prints for somebody else
    if turn.scene.stage == "starting" and turn.books.note is None and not turn.books.card_under_way:
        leave(turn, "restart")
    elif turn.books.note is None and turn.books.payment is not None:
        turn.record(PaymentAbandoned(payment.payment_id, reason))


def acceptor_idle(turn: Turn, event: AcceptorIdle) -> None:
    """Nothing is in the path: a payment that waits for this can end."""
    del event
    turn.hear(idle=True)
    if turn.devices.acceptor.state == "interrogating":
        turn.hear(acceptor=replace(turn.devices.acceptor, state="ready", reason=""))
        refresh_offer(turn)
    finish_closing(turn)
