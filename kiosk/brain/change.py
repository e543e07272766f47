"""What a recycler says of the notes it can give back. None are ordered yet: one that comes out is told to staff."""

from kiosk.brain.commands import AcknowledgeReport
from kiosk.brain.events import CashboxFilled, LevelsChanged, NotePaidOutReport, PayoutEndedReport
from kiosk.brain.turn import Turn
from kiosk.domain.facts import DeviceFaultSeen


def levels_changed(turn: Turn, event: LevelsChanged) -> None:
    del turn, event


def note_paid_out(turn: Turn, event: NotePaidOutReport) -> None:
    value_minor = turn.settings.value_of(event.channel)
    turn.record(DeviceFaultSeen("acceptor", "paid_out_unasked", f"channel {event.channel}, {value_minor}"))
    turn.order(AcknowledgeReport(event.report))


def payout_ended(turn: Turn, event: PayoutEndedReport) -> None:
    turn.record(DeviceFaultSeen("acceptor", "paid_out_unasked", f"{event.result} {event.detail}".strip()))
    turn.order(AcknowledgeReport(event.report))


def cashbox_filled(turn: Turn, event: CashboxFilled) -> None:
    turn.order(AcknowledgeReport(event.report))
