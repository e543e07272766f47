"""decide(state, event) -> what happened, what to do, what to show. Pure: no clock, no chance, no I/O.

Read this first: the table below is the whole game. `apply` (apply.py) says what each fact does to the money,
session.py what a person can do at each stage, finding.py how a bill is found, cash.py the rules of a note, card.py and
card_results.py those of a card, refund.py and refund_results.py those of money that goes back to one, batch.py the
terminal's day end, checks.py the rules of a check, change.py and payout.py those of change, closing.py how a payment
ends, health.py and terminal.py what devices and timers bring, evidence.py what is kept about a note in doubt.

A device may speak late, at any stage, so every event is listed for every stage; an event that is not in the
table raises. Touches are looked up by stage in session.ACTS.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kiosk.brain import (
    batch,
    card,
    card_results,
    cash,
    checks,
    events,
    evidence,
    finding,
    health,
    payout,
    refund,
    session,
    terminal,
)
from kiosk.brain.apply import fold
from kiosk.brain.commands import Command, Look
from kiosk.brain.state import Devices, Scene, State
from kiosk.brain.turn import Turn
from kiosk.domain.facts import Fact

RULES: dict[type[events.Event], Callable[[Turn, Any], None]] = {
    events.Started: health.started,
    events.StopRequested: health.stop_requested,
    events.TimerFired: health.timer_fired,
    events.IntentReceived: session.intent_received,
    events.BillScanned: finding.bill_scanned,
    events.ScanRefused: finding.scan_refused,
    events.AccountTyped: finding.account_typed,
    events.AccountFound: finding.account_found,
    events.AccountNotFound: finding.account_not_found,
    events.LookUpFailed: finding.look_up_failed,
    events.HeadChecked: session.head_checked,
    events.PinChecked: refund.pin_checked,
    events.PaymentsFound: refund.payments_found,
    events.OnlineChanged: health.online_changed,
    events.PostingRefused: health.posting_refused,
    events.Acknowledged: health.acknowledged,
    events.RecordsArchived: health.records_archived,
    events.HealthChanged: health.health_changed,
    events.PrintFinished: health.print_finished,
    events.AcceptorConnected: health.acceptor_connected,
    events.AcceptorLost: health.acceptor_lost,
    events.AcceptorPoweredUp: health.acceptor_powered_up,
    events.AcceptorIdle: payout.acceptor_idle,
    events.NoteApproaching: cash.note_approaching,
    events.NoteEscrowed: cash.note_escrowed,
    events.NoteStackedReport: cash.note_stacked,
    events.NoteReturnedReport: cash.note_returned,
    events.NoteReturning: cash.note_returning,
    events.LevelsChanged: payout.levels_changed,
    events.NotePaidOutReport: payout.note_paid_out,
    events.PayoutEndedReport: payout.payout_ended,
    events.CashboxFilled: payout.cashbox_filled,
    events.SecondNotePushed: cash.second_note_pushed,
    events.AcceptorFault: health.acceptor_fault,
    events.AcceptorFaultCleared: health.acceptor_fault_cleared,
    events.FramesTaken: evidence.frames_taken,
    events.TerminalConnected: terminal.terminal_connected,
    events.TerminalLost: terminal.terminal_lost,
    events.TerminalFault: terminal.terminal_fault,
    events.TerminalFaultCleared: terminal.terminal_fault_cleared,
    events.CardPrompted: card.card_prompted,
    events.CardEnded: card_results.card_ended,
    events.CardReversed: card_results.card_reversed,
    events.CheckReaderConnected: checks.reader_connected,
    events.CheckReaderLost: checks.reader_lost,
    events.CheckRead: checks.check_read,
    events.CheckUnread: checks.check_unread,
    events.BatchEnded: batch.batch_ended,
}

# How hard the reader looks; at any other stage it rests.
_LOOKING = {"attract": "idle", "type_account": "active", "done": "idle"}


@dataclass(frozen=True)
class Decision:
    """`facts` go to the journal first, then `commands` leave. `scene` and `devices` are what is now shown and known."""

    facts: tuple[Fact, ...]
    commands: tuple[Command, ...]
    scene: Scene
    devices: Devices


def decide(state: State, event: events.Event) -> Decision:
    """Return what `event` leads to. KeyError for an event that no rule lists."""
    turn = Turn(state, event)
    RULES[type(event)](turn, event)
    evidence.keep_frames(turn, state.books.note)
    health.exit_when_done(turn)
    checks.listen(turn, checks.listens(state))
    before, after = _LOOKING.get(state.scene.stage, "off"), _LOOKING.get(turn.scene.stage, "off")
    if before != after:
        turn.order(Look(after))
    return Decision(tuple(turn.facts), tuple(turn.commands), turn.scene, turn.devices)


def settle(state: State, decision: Decision) -> State:
    """Return the state after a decision whose facts are on disk. Money changes here, by `apply`, and nowhere else."""
    books = fold(decision.facts, state.books)
    return replace(state, books=books, scene=decision.scene, devices=decision.devices)
