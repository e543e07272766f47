"""Goal: after a cut, and when money is missing, the person gets paper with the truth on it, on file before it prints.

Method: the shipped engine, journal, hands and papers; the printer's twin turns what they print into text.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hardware.printer.document import Document
from hardware.printer.escpos import Layout, encode
from hardware.sim.printer_machine import PrinterMachine
from kiosk.brain import events
from kiosk.brain.state import State
from kiosk.config.load import load
from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import DeviceHealth, Snapshot
from kiosk.engine.engine import Engine
from kiosk.engine.hands import KioskHands
from kiosk.engine.inbox import Inbox, Told
from kiosk.engine.papers import Papers
from kiosk.engine.process import read_history
from kiosk.journal.record import Record
from tests.flows.test_engine import GivenClock, open_journal
from tests.unit.brain_world import USD, account, settings

SAMPLE = Path(__file__).parents[2] / "docs" / "kiosk.toml"


@dataclass
class Room:
    """A printer that prints at once, and everything else that hands need and these journeys do not."""

    slips: dict[str, str] = field(default_factory=dict)
    pictures: list[Snapshot] = field(default_factory=list)
    health: dict[str, Any] = field(default_factory=dict)

    def submit(self, job: Any, paper: Document = ()) -> None:
        if paper:
            machine = PrinterMachine(columns=42)
            machine.receive(encode(paper, Layout(42)))
            self.slips[job] = [*machine.finished, machine.strip][0].text()

    def publish(self, picture: Snapshot) -> None:
        self.pictures.append(picture)

    def offer(self, records: list[Record]) -> None:
        del records

    def look(self, mode: str) -> None:
        del mode

    def beat(self, now_ms: int) -> None:
        del now_ms

    def frames(self) -> tuple[()]:
        return ()


class Lobby:
    """A kiosk on a file. Making it anew on the same file is a cut of its power."""

    def __init__(self, folder: Path) -> None:
        self.room = Room()
        stub: Any = self.room
        clock: Any = GivenClock()
        self.journal = open_journal(folder)
        self.inbox = Inbox()
        papers = Papers(load(SAMPLE), "rb-07", 1, "America/Chicago")
        hands = KioskHands(self.inbox, clock, stub, stub, papers, stub, stub, stub, (), stub)
        state = State(settings(), read_history(self.journal).books)
        self.engine = Engine(state, self.journal, clock, self.inbox, hands)

    def tell(self, kind: type[events.Event], **values: Any) -> None:
        self.engine.turn(Told(kind, values))
        while isinstance(item := self.inbox.take(0), Told):
            self.engine.turn(item)

    def start(self) -> "Lobby":
        self.tell(events.Started, reason="boot")
        for name in ("printer", "scanner", "screen"):
            self.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
        self.tell(events.AcceptorConnected, table=USD, detail="twin")
        return self

    def touch(self, name: str, value: str = "") -> None:
        self.tell(events.IntentReceived, intent=Intent(name, value))

    def to_cash(self) -> None:
        self.touch("type_account")
        for name, value in (("key", "4"), ("submit", ""), ("key", "1"), ("submit", "")):
            self.touch(name, value)
        self.tell(events.AccountFound, request=self.engine.state.scene.request, account=account())
        self.touch("pay_full")
        self.touch("pay_again")
        self.touch("pay_cash")

    def insert(self, channel: int) -> None:
        self.tell(events.NoteEscrowed, escrow=1, channel=channel)
        self.tell(events.NoteStackedReport, report=1, channel=channel, power_up=False, clean=False, replay=False)

    def kinds(self) -> list[str]:
        return [record.kind for record in self.journal.records(0, 1000)]

    @property
    def picture(self) -> Snapshot:
        return self.room.pictures[-1]


@pytest.fixture
def cut(tmp_path: Path) -> Lobby:
    """A lobby after a cut, with a twenty in a payment and a ten under way that nobody can account for."""
    lobby = Lobby(tmp_path).start()
    lobby.to_cash()
    lobby.insert(5)
    lobby.tell(events.NoteEscrowed, escrow=2, channel=4)
    lobby.journal.close()
    again = Lobby(tmp_path).start()
    assert [item.what for item in again.picture.aftermath] == ["applied", "asking"]
    again.tell(events.TimerFired, name="note_open")
    return again


def test_the_receipt_after_a_cut_says_so_and_names_the_account(cut: Lobby) -> None:
    paper = cut.room.slips["RB-07-1-000001/recovered"]
    for words in ("Made after an interruption at the kiosk", "Account ending in                     4417", "$20.00"):
        assert words in paper


def test_the_claim_of_a_lost_note_is_on_file_and_on_paper(cut: Lobby) -> None:
    kinds = cut.kinds()
    at = kinds.index("NoteInDoubt")
    assert kinds[at + 1] == "ClaimOpened"
    paper = cut.room.slips["RB-07-C1-000001/claim"]
    for words in ("RB-07-C1-000001", "$10.00", "We answer by November 25, 2026.", load(SAMPLE).office.claim_phone):
        assert words in paper
    assert [item.what for item in cut.picture.aftermath] == ["applied", "lost"]
    cut.tell(events.PrintFinished, job="RB-07-C1-000001/claim", outcome="confirmed", reason="")
    assert cut.picture.aftermath[1].paper == "printed"
    assert cut.kinds()[-1] == "ClaimSlipEnded"
    assert cut.journal.verify().ok


def test_a_resident_s_claim_over_a_payment_survives_a_cut(tmp_path: Path) -> None:
    lobby = Lobby(tmp_path).start()
    lobby.to_cash()
    lobby.insert(5)
    lobby.touch("claim")
    for name, value in (("claim_what", "not_counted"), ("claim_when", "now"), ("claim_note", "1000"), ("submit", "")):
        lobby.touch(name, value)
    assert "Cash was put in and not counted." in lobby.room.slips["RB-07-C1-000001/claim"]
    lobby.journal.close()
    again = Lobby(tmp_path).start()
    assert "RB-07-C1-000001/claim" in again.room.slips, "nobody knows whether the first one came out"
    assert [(item.what, item.amount_minor) for item in again.picture.aftermath] == [("filed", 1000), ("applied", 2000)]
    assert again.engine.state.books.cash_minor == 2000
