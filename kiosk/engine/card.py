"""Between the card terminal's words and the brain's. Nothing of its line is ever kept (architecture, rule 14)."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from hardware.cards import contract
from hardware.cards.masking import without_card_numbers
from kiosk.brain import commands, events
from kiosk.domain.snapshot import DeviceHealth
from kiosk.domain.tenders import CardSlip
from kiosk.engine.health import lost_code, note_health
from kiosk.engine.inbox import Inbox

TEXT_MAX = 64  # characters: a record is small, and a terminal is trusted with nothing
LAST4 = 4

Words = tuple[type[events.Event], dict[str, Any]]


def clean(text: str, longest: int = TEXT_MAX) -> str:
    """Return what may go on record of a terminal's text: printable, short, and no card number whatever it sends."""
    printable = "".join(sign for sign in text if sign.isprintable())
    return without_card_numbers(printable.encode(errors="replace").decode())[:longest]


def slip_of(slip: contract.Slip) -> CardSlip:
    values = {field.name: clean(getattr(slip, field.name)) for field in fields(CardSlip)}
    last4 = "".join(sign for sign in values["last4"] if sign.isascii() and sign.isdigit())
    return CardSlip(**{**values, "last4": last4[-LAST4:]})


def translate(event: contract.Event) -> Words:
    """Return the brain's event for a terminal's."""
    return _WORDS[type(event)](event)


def _connected(event: contract.Connected) -> Words:
    identity = event.identity
    names = (identity.protocol, identity.model, identity.serial, identity.firmware)
    return events.TerminalConnected, {
        "terminal": clean(identity.terminal_id or identity.serial),
        "central": identity.central,
        "detail": clean(" ".join(name for name in names if name), 200),
    }


def _ended(event: contract.Ended) -> Words:
    return events.CardEnded, {
        "report": event.report,
        "operation": event.operation,
        "reference": event.reference,
        "result": event.result,
        "amount_minor": event.amount_minor,
        "terminal_ref": clean(event.terminal_ref),
        "found": event.found,
        "reason": clean(event.reason),
        "slip": slip_of(event.slip),
    }


def _batch(event: contract.BatchClosed) -> Words:
    return events.BatchEnded, {
        "report": event.report,
        "reference": event.reference,
        "result": event.result,
        "count": event.count,
        "total_minor": event.total_minor,
        "reason": clean(event.reason),
    }


_WORDS: dict[type[Any], Callable[[Any], Words]] = {
    contract.Connected: _connected,
    contract.Lost: lambda event: (events.TerminalLost, {"reason": lost_code(event.reason)}),
    contract.Prompt: lambda event: (events.CardPrompted, {"reference": event.reference, "code": event.code}),
    contract.Ended: _ended,
    contract.Reversed: lambda event: (
        events.CardReversed,
        {
            "report": event.report,
            "reference": event.reference,
            "amount_minor": event.amount_minor,
            "reason": clean(event.reason),
        },
    ),
    contract.BatchClosed: _batch,
    contract.Fault: lambda event: (events.TerminalFault, {"code": event.code, "detail": clean(event.detail, 200)}),
    contract.FaultCleared: lambda event: (events.TerminalFaultCleared, {"code": event.code}),
}


def _told(slip: CardSlip) -> contract.Slip:
    return contract.Slip(**{field.name: getattr(slip, field.name) for field in fields(contract.Slip)})


def order(command: commands.Command) -> contract.Command | None:
    """Return the driver's command for the brain's, None if it is not for the terminal."""
    match command:
        case commands.SellByCard(reference, amount_minor, currency):
            return contract.Sale(reference, amount_minor, currency)
        case commands.CancelCard(reference):
            return contract.Cancel(reference)
        case commands.VoidCard(reference, of, amount_minor, terminal_ref, slip):
            return contract.Void(reference, of, amount_minor, terminal_ref, _told(slip))
        case commands.RefundCard(reference, of, amount_minor, currency, terminal_ref, slip):
            return contract.Refund(reference, of, amount_minor, terminal_ref, currency, _told(slip))
        case commands.FindCard(reference, operation, amount_minor, of, after):
            return contract.Query(reference, operation, amount_minor, "", of, after)
        case commands.AcknowledgeCard(report):
            return contract.Acknowledge(report)
        case commands.CloseCardBatch(reference):
            return contract.CloseBatch(reference)
    return None


def _health_in(event: contract.Event) -> DeviceHealth | None:
    """Return what the log is to say of an event, None if it changes no health."""
    match event:
        case contract.Connected():
            return DeviceHealth("terminal", "ready", "", str(_connected(event)[1]["detail"]))
        case contract.Lost(reason):
            return DeviceHealth("terminal", "lost", lost_code(reason), clean(reason, 200))
        case contract.Fault(code, detail):
            return DeviceHealth("terminal", "faulted", code, clean(detail, 200))
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
