"""A card through the whole kiosk: engine, journal, hands, port and driver, with a simulated reader behind real HTTP.

Nothing is told to the brain by the test but touches; what the reader says comes over its own thread.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hardware.sim.stripe import StripeTwin
from hardware.sim.stripe_account import Settings as TwinSettings
from kiosk.brain import events
from kiosk.brain.state import State
from kiosk.config.load import load
from kiosk.config.model import Card
from kiosk.domain.facts import PaymentCompleted, body
from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import DeviceHealth
from kiosk.engine.card_port import CardPort
from kiosk.engine.engine import Engine
from kiosk.engine.hands import KioskHands
from kiosk.engine.history import read_history
from kiosk.engine.inbox import Inbox, Job, Told
from kiosk.engine.papers import Papers
from tests.flows.test_claims import SAMPLE, Room
from tests.flows.test_engine import GivenClock, open_journal
from tests.unit.brain_world import USD, account
from tests.unit.card_world import card_settings

WAIT_S = 20.0
READER = "tmr_LobbyReader01"
KEY = "rk_live_twin"


class Lobby:
    """One process of a kiosk. Making it anew on the same folder is a restart."""

    def __init__(self, folder: Path, card: Card, **settings: Any) -> None:
        stub: Any = Room()
        clock: Any = GivenClock()
        self.room = stub
        self.clock = clock
        self.journal = open_journal(folder)
        self.inbox = Inbox()
        self.port = CardPort(card, "USD", folder, self.inbox)
        papers = Papers(load(SAMPLE), "rb-07", 1, "America/Chicago")
        ends: dict[str, Any] = {"terminal": self.port, "journal": self.journal}
        hands = KioskHands(self.inbox, clock, stub, stub, papers, stub, stub, stub, (), stub, **ends)
        state = State(replace(card_settings(), cards=True, **settings), read_history(self.journal).books)
        self.engine = Engine(state, self.journal, clock, self.inbox, hands)
        self.port.thread.start()

    def tell(self, kind: type[events.Event], **values: Any) -> None:
        self.engine.turn(Told(kind, values))

    def start(self) -> "Lobby":
        self.tell(events.Started, reason="boot")
        for name in ("printer", "scanner", "screen"):
            self.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
        self.tell(events.AcceptorConnected, table=USD, detail="twin")
        return self

    def until(self, what: str, true: Any) -> None:
        """Serve the inbox until `true()`; the reader's own thread brings what is waited for."""
        end = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < end, f"no {what}: {self.kinds()}"
            item = self.inbox.take(100)
            if isinstance(item, Told):
                self.engine.turn(item)
            elif isinstance(item, Job):
                item.run()

    @property
    def stage(self) -> str:
        return self.engine.state.scene.stage

    def touch(self, name: str, value: str = "") -> None:
        self.tell(events.IntentReceived, intent=Intent(name, value))

    def to_card(self) -> None:
        self.until("reader", lambda: self.engine.state.devices.terminal.state == "ready")
        self.tell(events.IntentReceived, intent=Intent("type_account"))
        for name, value in (("key", "4"), ("submit", ""), ("key", "1"), ("submit", "")):
            self.tell(events.IntentReceived, intent=Intent(name, value))
        self.tell(events.AccountFound, request=self.engine.state.scene.request, account=account())
        self.touch("pay_full")
        self.touch("pay_again")
        self.touch("pay_card")

    def done(self) -> None:
        self.until("closing", lambda: self.stage in ("closing", "done"))
        self.tell(events.AcceptorIdle)

    def kinds(self) -> list[str]:
        return [record.kind for record in self.journal.records(0, 1000)]

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        facts = (record.envelope().fact() for record in self.journal.records(0, 1000) if record.kind == kind)
        return [body(fact) for fact in facts]

    def stop(self) -> None:
        self.port.stop()
        self.port.thread.join(WAIT_S)
        self.journal.close()


@contextmanager
def lobby(folder: Path, address: str) -> Iterator[Lobby]:
    key = folder / "key"
    key.write_text(KEY, encoding="ascii")
    key.chmod(0o600)
    made = Lobby(folder, Card("stripe", address, terminal=READER, secret_file=key))
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def reader() -> Iterator[StripeTwin]:
    with StripeTwin(settings=TwinSettings(reader=READER, speed=20)) as twin:
        yield twin


def test_an_approved_card_is_on_record_in_order(tmp_path: Path, reader: StripeTwin) -> None:
    reader.handle({"do": "auto", "outcome": "approve"})
    with lobby(tmp_path, reader.address) as kiosk:
        kiosk.to_card()
        kiosk.done()
        kinds = [kind for kind in kiosk.kinds() if kind.startswith(("Card", "Payment"))]
        assert kinds == ["CardSaleStarted", "CardSaleApproved", "PaymentCompleted"]
        assert reader.handle({"do": "state"})["approved_minor"] == 5318
        (paid,) = kiosk.bodies(PaymentCompleted.__name__)
        assert (paid["total_minor"], paid["cards"][0]["last4"]) == (5318, "4242")


def test_a_declined_card_is_no_money(tmp_path: Path, reader: StripeTwin) -> None:
    reader.handle({"do": "auto", "outcome": "generic_decline"})
    with lobby(tmp_path, reader.address) as kiosk:
        kiosk.to_card()
        kiosk.until("decline", lambda: kiosk.stage == "tender")
        assert kiosk.engine.state.scene.notice == "card_declined"
        assert reader.handle({"do": "state"})["approved_minor"] == 0


def test_cancel_at_the_screen_reaches_the_reader(tmp_path: Path, reader: StripeTwin) -> None:
    with lobby(tmp_path, reader.address) as kiosk:
        kiosk.to_card()
        kiosk.until("prompt", lambda: kiosk.engine.state.scene.card_prompt == "present_card")
        kiosk.touch("cancel_card")
        kiosk.until("end", lambda: kiosk.stage == "tender")
        assert kiosk.bodies("CardSaleEnded")[0]["result"] == "cancelled"


def test_a_restart_in_the_middle_finds_the_approval(tmp_path: Path, reader: StripeTwin) -> None:
    with lobby(tmp_path, reader.address) as kiosk:
        kiosk.to_card()
        reader.handle({"do": "wait_state", "phase": "waiting", "timeout_ms": 10_000})
    reader.handle({"do": "present", "outcome": "approve"})
    reader.handle({"do": "wait_state", "approved_minor": 5318, "timeout_ms": 10_000})
    with lobby(tmp_path, reader.address) as kiosk:
        kiosk.until("answer", lambda: kiosk.stage == "attract")
        kinds = [kind for kind in kiosk.kinds() if kind.startswith(("Card", "Payment"))]
        assert kinds == ["CardSaleStarted", "PaymentAbandoned", "CardSaleApproved", "PaymentCompleted"]
        assert kiosk.bodies("CardSaleApproved")[0]["found"]
    assert reader.handle({"do": "state"})["intents"] == 1


def test_no_number_of_a_leaky_reader_is_kept(tmp_path: Path, reader: StripeTwin) -> None:
    reader.handle({"do": "leaky", "on": True})
    reader.handle({"do": "auto", "outcome": "approve"})
    with lobby(tmp_path, reader.address) as kiosk:
        kiosk.to_card()
        kiosk.done()
        entries = b"".join(record.entry for record in kiosk.journal.records(0, 1000))
        assert b"4242424242424242" not in entries
        assert b"4242" in entries
