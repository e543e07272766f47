"""Carries out what the brain orders, by giving it to the thread that can. Nothing here blocks or decides."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from kiosk.brain import commands, events
from kiosk.brain.state import State
from kiosk.config.model import Staff
from kiosk.domain.facts import PaymentCompleted
from kiosk.domain.snapshot import Snapshot
from kiosk.engine import card, check_port
from kiosk.engine.acceptor import Driver, order
from kiosk.engine.card_port import CardPort
from kiosk.engine.check_port import CheckPort
from kiosk.engine.city import City
from kiosk.engine.clock import Clock
from kiosk.engine.desk import ControlDesk, ReaderDesk, ScreenDesk
from kiosk.engine.inbox import Inbox
from kiosk.engine.look_back import days_before, look_back
from kiosk.engine.papers import Papers
from kiosk.engine.pins import who_has
from kiosk.engine.printing import PrintRoom
from kiosk.engine.watchdog import Watchdog
from kiosk.journal.record import Record
from kiosk.journal.store import Journal
from kiosk.scanning import typed
from kiosk.scanning.outcome import Refused


@dataclass
class KioskHands:
    """The devices and links of one kiosk. `period_opened_seq` is the record that opened the current cassette period."""

    inbox: Inbox
    clock: Clock
    acceptor: Driver
    printer: PrintRoom
    papers: Papers
    city: City
    screen: ScreenDesk
    reader: ReaderDesk
    staff: tuple[Staff, ...]
    watchdog: Watchdog
    control: ControlDesk | None = None
    terminal: CardPort | None = None
    check_reader: CheckPort | None = None
    journal: Journal | None = None
    period_opened_seq: int = 1
    _by_type: dict[type[Any], Callable[[Any, State, list[Record]], None]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_type = {
            commands.KeepFrames: self._keep_frames,
            commands.CheckTyped: self._check_typed,
            commands.LookUp: lambda command, state, records: self.city.look_up(command.request, command.reference),
            commands.CheckHead: lambda command, state, records: self.city.check_head(command.request),
            commands.CheckPin: self._check_pin,
            commands.PrintReceipt: self._print_receipt,
            commands.PrintSlip: lambda command, state, records: self.printer.submit(
                command.job, self.papers.slip(command.claim)
            ),
            commands.PrintTicket: self._print_ticket,
            commands.PrintIncident: self._print_incident,
            commands.PrintRefund: self._print_refund,
            commands.FindPayments: self._find_payments,
            commands.FrankCheck: lambda command, state, records: self.printer.frank(
                command.job, self.papers.endorsement(command.number, self.clock.moment().local)
            ),
            commands.Look: lambda command, state, records: self.reader.look(command.mode),
        }

    def carry_out(self, command: commands.Command, state: State, records: list[Record]) -> None:
        """Do it. `records` are those of the same decision. KeyError for a command nobody can carry out."""
        to_acceptor, to_terminal, to_checks = order(command), card.order(command), check_port.order(command)
        if to_acceptor is not None:
            self.acceptor.submit(to_acceptor)
        elif to_terminal is not None:
            if self.terminal is not None:  # else it was taken out of the configuration: what it had stays unknown
                self.terminal.submit(to_terminal)
        elif to_checks is not None:
            if self.check_reader is not None:
                self.check_reader.submit(to_checks)
        else:
            self._by_type[type(command)](command, state, records)

    def publish(self, picture: Snapshot) -> None:
        self.screen.publish(picture)
        self.city.health = {
            "screen": picture.screen,
            "reasons": list(picture.reasons),
            "printer": picture.printer,
            "scanner": picture.scanner,
            "storage": picture.storage,
            "card_batch": picture.batch,
        }
        if self.control is not None:
            self.control.publish(picture)

    def committed(self, records: list[Record]) -> None:
        self.city.offer(records)
        for record in records:
            if record.kind == "CassettePeriodOpened":
                self.period_opened_seq = record.seq

    def beat(self, now_ms: int) -> None:
        self.watchdog.beat(now_ms)
        self.screen.beat(now_ms)

    def _keep_frames(self, command: commands.KeepFrames, state: State, records: list[Record]) -> None:
        del state, records
        self.inbox.tell(events.FramesTaken, about=command.about, frames=self.acceptor.frames())

    def _check_typed(self, command: commands.CheckTyped, state: State, records: list[Record]) -> None:
        del state, records
        found = typed.account(command.number)
        reference = None if isinstance(found, Refused) else replace(found, check=command.check)
        self.inbox.tell(events.AccountTyped, request=command.request, reference=reference)

    def _check_pin(self, command: commands.CheckPin, state: State, records: list[Record]) -> None:
        """Hashing takes tens of milliseconds on purpose, so a thread of its own does it."""
        del state, records

        def check() -> None:
            self.inbox.tell(events.PinChecked, request=command.request, who=who_has(command.pin, self.staff))

        threading.Thread(target=check, name="pin", daemon=True).start()

    def _print_receipt(self, command: commands.PrintReceipt, state: State, records: list[Record]) -> None:
        del records
        done = _completed(state, command.receipt_number)
        known = state.scene.accounts
        if not known or known[0].ref != done.account:  # of somebody else
            of = {line.account for line in done.lines} | {done.account}
            known = tuple(account for account in known if account.ref in of)
        view = state.scene.receipt
        at = view.at if view is not None and view.number == done.receipt_number else self.clock.moment().local
        told = [item.last4 for item in state.books.aftermath if item.number == done.receipt_number]
        last4 = told[0] if told else ""
        paper = self.papers.receipt(
            done, known, at, command.posted, command.language, command.kind, last4, state.books.approvals
        )
        self.printer.submit(command.job, paper)

    def _print_incident(self, command: commands.PrintIncident, state: State, records: list[Record]) -> None:
        del state, records
        at = self.clock.moment().local
        slip = self.papers.incident(command, at)
        self.printer.submit(command.job, slip)

    def _print_refund(self, command: commands.PrintRefund, state: State, records: list[Record]) -> None:
        del state, records
        at = command.at or self.clock.moment().local
        slip = self.papers.refund(command.refund, command.receipt_number, at, command.language, command.copy)
        self.printer.submit(command.job, slip)

    def _find_payments(self, command: commands.FindPayments, state: State, records: list[Record]) -> None:
        """A part at a turn of the engine's loop, whose thread alone touches the journal."""
        del state, records
        if self.journal is None:
            raise AssertionError("payments can only be looked up in a journal")
        since, local = days_before(self.clock.moment().utc, command.days), self.papers.local
        parts = look_back(self.journal, command.receipt_number, command.count, since, local)

        def go_on() -> None:
            try:
                next(parts)
            except StopIteration as end:
                self.inbox.tell(events.PaymentsFound, request=command.request, payments=end.value)
            else:
                self.inbox.job(go_on)

        go_on()

    def _print_ticket(self, command: commands.PrintTicket, state: State, records: list[Record]) -> None:
        del state
        closed_seq = next(record.seq for record in records if record.kind == "CassettePeriodClosed")
        at, who = self.clock.moment().local, command.closed.by
        self.printer.submit(
            command.job, self.papers.ticket(command.closed, self.period_opened_seq, closed_seq, at, who)
        )


def _completed(state: State, number: str) -> PaymentCompleted:
    books = state.books
    every = (*books.unprinted, books.completed)
    return next(done for done in every if done is not None and done.receipt_number == number)
