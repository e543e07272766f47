"""Between the acceptor's words and the brain's: a driver's events become the brain's, its commands the driver's."""

from collections.abc import Callable
from typing import Any, Protocol

from hardware.acceptors import contract
from kiosk.brain import commands, events
from kiosk.domain.facts import FrameSeen
from kiosk.domain.snapshot import DeviceHealth
from kiosk.engine.health import lost_code, note_health
from kiosk.engine.inbox import Inbox


class Driver(Protocol):
    def submit(self, command: contract.Command) -> None: ...

    def frames(self) -> tuple[FrameSeen, ...]: ...


def translate(event: contract.Event) -> tuple[type[events.Event], dict[str, Any]]:
    """Return the brain's event for a device's."""
    return _WORDS[type(event)](event)


def _connected(event: contract.Connected) -> tuple[type[events.Event], dict[str, Any]]:
    identity = event.identity
    table = tuple(sorted((channel, value_minor) for channel, (_, value_minor) in identity.table.items()))
    names = (identity.protocol, identity.model, identity.serial, identity.firmware, identity.variant)
    return events.AcceptorConnected, {"table": table, "detail": " ".join(name for name in names if name)}


def _stacked(event: contract.NoteStacked) -> tuple[type[events.Event], dict[str, Any]]:
    return events.NoteStackedReport, {
        "report": event.report,
        "channel": event.channel,
        "power_up": event.power_up,
        "clean": event.clean,
        "replay": event.replay,
        "self_test": event.self_test,
    }


_WORDS: dict[type[Any], Callable[[Any], tuple[type[events.Event], dict[str, Any]]]] = {
    contract.Connected: _connected,
    contract.Lost: lambda event: (events.AcceptorLost, {"reason": lost_code(event.reason)}),
    contract.PoweredUp: lambda event: (events.AcceptorPoweredUp, {}),
    contract.Idle: lambda event: (events.AcceptorIdle, {}),
    contract.Accepting: lambda event: (events.NoteApproaching, {}),
    contract.NoteEscrowed: lambda event: (
        events.NoteEscrowed,
        {"escrow": event.escrow, "channel": event.channel},
    ),
    contract.NoteStacked: _stacked,
    contract.NoteReturned: lambda event: (
        events.NoteReturnedReport,
        {"report": event.report, "reason": "returned"},
    ),
    contract.NoteRejected: lambda event: (
        events.NoteReturnedReport,
        {"report": event.report, "reason": "rejected"},
    ),
    contract.Returning: lambda event: (events.NoteReturning, {}),
    contract.Paused: lambda event: (events.SecondNotePushed, {}),
    contract.Levels: lambda event: (events.LevelsChanged, {"counts": tuple(sorted(event.counts.items()))}),
    contract.NotePaidOut: lambda event: (
        events.NotePaidOutReport,
        {"report": event.report, "payout": event.payout, "channel": event.channel},
    ),
    contract.PayoutEnded: lambda event: (
        events.PayoutEndedReport,
        {"report": event.report, "payout": event.payout, "result": event.result, "detail": event.detail},
    ),
    contract.Cashbox: lambda event: (
        events.CashboxFilled,
        {"report": event.report, "counts": tuple(sorted(event.counts.items()))},
    ),
    contract.Fault: lambda event: (events.AcceptorFault, {"code": event.code, "detail": event.detail}),
    contract.FaultCleared: lambda event: (events.AcceptorFaultCleared, {"code": event.code}),
}


def order(command: commands.Command) -> contract.Command | None:
    """Return the driver's command for the brain's, None if it is not for the acceptor."""
    if isinstance(command, commands.EnableAcceptor):
        return contract.Enable(command.channels)
    if isinstance(command, commands.DisableAcceptor):
        return contract.Disable()
    if isinstance(command, commands.StackNote):
        return contract.StackNote(command.escrow)
    if isinstance(command, commands.ReturnNote):
        return contract.ReturnNote(command.escrow)
    if isinstance(command, commands.PayOut):
        return contract.PayOut(command.payout, dict(command.notes))
    if isinstance(command, commands.AcknowledgeReport):
        return contract.Acknowledge(command.report)
    return None


def refusal(command: contract.Command, refused: contract.Refused) -> tuple[type[events.Event], dict[str, Any]] | None:
    """Return what the brain is told of a command that never left, None if the device's next report tells enough."""
    if not isinstance(command, contract.PayOut):
        return None
    return events.PayoutEndedReport, {
        "report": 0,
        "payout": command.payout,
        "result": "refused",
        "detail": str(refused),
    }


def _health_in(event: contract.Event) -> DeviceHealth | None:
    """Return what the log is to say of an event, None if it changes no health."""
    match event:
        case contract.Connected():
            return DeviceHealth("acceptor", "ready", "", str(_connected(event)[1]["detail"]))
        case contract.Lost(reason):
            return DeviceHealth("acceptor", "lost", lost_code(reason), reason)
        case contract.PoweredUp():
            return DeviceHealth("acceptor", "interrogating", "power_up")
        case contract.Fault(code, detail):
            return DeviceHealth("acceptor", "faulted", code, detail)
    return None


def teller(inbox: Inbox) -> Callable[[contract.Event], None]:
    """Return what the driver's thread calls with each event."""

    def tell(event: contract.Event) -> None:
        kind, values = translate(event)
        health = _health_in(event)
        if health is not None:
            note_health(health)
        inbox.tell(kind, **values)

    return tell
