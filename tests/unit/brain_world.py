"""A person, an acceptor and a server in one object: drives `decide` as the engine does, checking every fold."""

from dataclasses import dataclass, field
from typing import Any

from kiosk.brain import events
from kiosk.brain.apply import fold
from kiosk.brain.commands import (
    AcknowledgeReport,
    Command,
    EnableAcceptor,
    Exit,
    PrintReceipt,
    ReturnNote,
    SetTimer,
    StackNote,
)
from kiosk.brain.decide import decide, settle
from kiosk.brain.events import Moment
from kiosk.brain.settings import Settings
from kiosk.brain.snapshot import snapshot
from kiosk.brain.state import State
from kiosk.domain.facts import Fact
from kiosk.domain.intents import Intent
from kiosk.domain.invoice import Account, Invoice, InvoiceReference
from kiosk.domain.snapshot import DeviceHealth, Snapshot

USD = ((1, 100), (3, 500), (4, 1000), (5, 2000), (6, 5000), (7, 10000))
CHANNEL = {value: channel for channel, value in USD}


def settings() -> Settings:
    return Settings("City of Riverbend", "Lobby 7", "RB-07", 1, "test", USD)


def account(balance_minor: int = 5318, past_due_minor: int = 0) -> Account:
    invoices = (Invoice("INV1", "utility", "Water", "2026-12-01", balance_minor, past_due_minor),)
    return Account("tok1", "4417", "J. R.", "1.. Maple St", "open", balance_minor, past_due_minor, invoices)


@dataclass
class World:
    state: State = field(default_factory=lambda: State(settings()))
    facts: list[Fact] = field(default_factory=list)
    orders: list[Command] = field(default_factory=list)
    tick: int = 0
    report: int = 0
    escrow: int = 0

    def moment(self) -> Moment:
        self.tick += 1
        ids = (f"id-{self.tick}-0", f"id-{self.tick}-1", f"id-{self.tick}-2")
        return Moment(self.tick, "2026-11-23T19:42:00.000Z", "2026-11-23T13:42:00-06:00", "trusted", ids)

    def tell(self, kind: type[events.Event], **values: Any) -> list[Command]:
        """Give one event; return the commands it led to."""
        decision = decide(self.state, kind(moment=self.moment(), **values))
        self.state = settle(self.state, decision)
        self.facts.extend(decision.facts)
        assert fold(self.facts) == self.state.books, "live state differs from the fold of the journal"
        self.orders.extend(decision.commands)
        return list(decision.commands)

    def restart(self) -> list[Command]:
        """Power cut: only the facts survive."""
        self.state = State(settings(), fold(self.facts))
        return self.tell(events.Started, reason="restart")

    def boot(self) -> "World":
        self.tell(events.Started, reason="boot")
        for name in ("printer", "scanner", "screen"):
            self.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
        self.connect()
        return self

    def connect(self) -> None:
        self.tell(events.AcceptorConnected, table=USD, detail="twin")

    def touch(self, name: str, value: str = "") -> list[Command]:
        return self.tell(events.IntentReceived, intent=Intent(name, value))

    def fire(self, timer: str) -> list[Command]:
        return self.tell(events.TimerFired, name=timer)

    def scan(self, found: Account | None = None) -> None:
        found = found or account()
        reference = InvoiceReference("00004417", "riverbend", "scan", "INV1", found.balance_minor)
        self.tell(events.BillScanned, reference=reference)
        self.tell(events.AccountFound, request=self.state.scene.request, account=found)

    def to_cash(self, found: Account | None = None) -> "World":
        self.scan(found)
        self.touch("pay_full")
        self.touch("pay_again")  # the same was paid before, in a test that needs two payments
        self.touch("pay_cash")
        return self

    def hold(self, value_minor: int) -> list[Command]:
        self.escrow += 1
        return self.tell(events.NoteEscrowed, escrow=self.escrow, channel=CHANNEL.get(value_minor, 0))

    def stacked(self, value_minor: int, **flags: bool) -> list[Command]:
        self.report += 1
        flags = {"power_up": False, "clean": False, "replay": False, "self_test": False} | flags
        return self.tell(events.NoteStackedReport, report=self.report, channel=CHANNEL.get(value_minor, 0), **flags)

    def returned(self, reason: str = "returned") -> list[Command]:
        self.report += 1
        return self.tell(events.NoteReturnedReport, report=self.report, reason=reason)

    def insert(self, value_minor: int) -> list[Command]:
        """A note goes in and the device does what it is told."""
        answer = self.hold(value_minor)
        if any(isinstance(command, StackNote) for command in answer):
            answer += self.stacked(value_minor)
        elif any(isinstance(command, ReturnNote) for command in answer):
            answer += self.returned()
        self.tell(events.AcceptorIdle)
        return answer

    def print_all(self) -> None:
        for order in [o for o in self.orders if isinstance(o, PrintReceipt)]:
            self.tell(events.PrintFinished, job=order.job, outcome="confirmed", reason="")

    @property
    def picture(self) -> Snapshot:
        return snapshot(self.state, self.tick)

    def kinds(self) -> list[str]:
        return [type(fact).__name__ for fact in self.facts]

    def of(self, kind: type[Any]) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def ordered(self, kind: type[Any]) -> list[Any]:
        return [order for order in self.orders if isinstance(order, kind)]


__all__ = ["USD", "AcknowledgeReport", "EnableAcceptor", "Exit", "SetTimer", "World", "account", "settings"]
