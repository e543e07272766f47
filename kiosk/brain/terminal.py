"""What the card terminal says of itself, at whatever stage it comes."""

from kiosk.brain.batch import batch_lost
from kiosk.brain.card import cancel_card, find
from kiosk.brain.card_results import cannot_tell
from kiosk.brain.events import TerminalConnected, TerminalFault, TerminalFaultCleared, TerminalLost
from kiosk.brain.idle import awake
from kiosk.brain.turn import Turn
from kiosk.domain.facts import DeviceFaultSeen
from kiosk.domain.snapshot import DeviceHealth

_PASSING = ("busy",)  # comes and goes with every sale


def terminal_connected(turn: Turn, event: TerminalConnected) -> None:
    """Before anything else it is asked what became of a transaction whose end is not known (rule 4)."""
    turn.hear(
        terminal=DeviceHealth("terminal", "ready", "", event.detail),
        terminal_name=event.terminal,
        terminal_central=event.central,
    )
    batch_lost(turn, "line_lost")
    if turn.books.attempt is not None:
        find(turn, turn.books.attempt)


def terminal_lost(turn: Turn, event: TerminalLost) -> None:
    """Its line is dead: what is under way may go on without us. At boot it may only be slow to answer."""
    turn.hear(terminal=DeviceHealth("terminal", "lost", event.reason))
    attempt = turn.books.attempt
    if attempt is not None and turn.scene.stage != "starting":
        cannot_tell(turn, attempt, "line_lost")
    elif turn.scene.card_phase == "preparing":
        cancel_card(turn, "")
        turn.show(notice="card_unavailable")
        awake(turn)


def terminal_fault(turn: Turn, event: TerminalFault) -> None:
    if event.code in turn.devices.terminal_faults:
        return
    turn.hear(terminal_faults=turn.devices.terminal_faults | {event.code})
    if event.code not in _PASSING:
        turn.record(DeviceFaultSeen("terminal", event.code, event.detail[:200]))


def terminal_fault_cleared(turn: Turn, event: TerminalFaultCleared) -> None:
    turn.hear(terminal_faults=turn.devices.terminal_faults - {event.code})
