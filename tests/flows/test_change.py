"""Change through the whole kiosk: engine, journal, hands, port and driver, with a recycler on a real pseudo-terminal.

Whatever breaks: what is in cassette, store and hands is what the journal says, and nobody is given change twice. The
test touches the screen and the recycler; everything else the driver's own thread brings.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hardware.sim.ssp import SspTwin
from hardware.sim.ssp_parts import Settings as TwinSettings
from kiosk.brain import events
from kiosk.brain.state import State
from kiosk.config.load import load
from kiosk.config.model import Acceptor, Port
from kiosk.domain.facts import PaymentCompleted, body
from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import DeviceHealth
from kiosk.domain.tenders import NotePaidOut, PayoutEnded
from kiosk.engine.acceptor_port import AcceptorPort
from kiosk.engine.engine import Engine
from kiosk.engine.hands import KioskHands
from kiosk.engine.history import read_history
from kiosk.engine.inbox import Inbox, Job, Told
from kiosk.engine.papers import Papers
from tests.flows.test_claims import SAMPLE, Room
from tests.flows.test_engine import GivenClock, open_journal
from tests.unit.brain_world import account, settings

WAIT_S = 20.0
BILL_MINOR, NOTE_MINOR = 1200, 2000
FLOAT = {500: 1, 100: 4}  # what a clerk put into the store
CHANGE = [500, 100, 100, 100]


class Lobby:
    """One process of a kiosk. Making it anew on the same folder is a restart."""

    def __init__(self, folder: Path) -> None:
        stub: Any = Room()
        clock: Any = GivenClock()
        self.room = stub
        self.journal = open_journal(folder)
        self.inbox = Inbox()
        acceptor = Acceptor(Port(str(folder / "acceptor")), "ssp", "smart-payout", stored=(1, 3, 4))
        self.port = AcceptorPort(acceptor, "USD", folder, self.inbox, None)
        papers = Papers(load(SAMPLE), "rb-07", 1, "America/Chicago")
        hands = KioskHands(self.inbox, clock, self.port, stub, papers, stub, stub, stub, (), stub)
        self.engine = Engine(
            State(settings(), read_history(self.journal).books), self.journal, clock, self.inbox, hands
        )
        self.port.thread.start()

    def tell(self, kind: type[events.Event], **values: Any) -> None:
        self.engine.turn(Told(kind, values))

    def start(self) -> "Lobby":
        self.tell(events.Started, reason="boot")
        for name in ("printer", "scanner", "screen"):
            self.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
        return self

    def until(self, what: str, true: Callable[[], Any]) -> None:
        """Serve the inbox until `true()`."""
        end = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < end, f"no {what}: {self.stage} {self.kinds()}"
            item = self.inbox.take(50)
            if isinstance(item, Told):
                self.engine.turn(item)
            elif isinstance(item, Job):
                item.run()

    @property
    def stage(self) -> str:
        return self.engine.state.scene.stage

    @property
    def books(self) -> Any:
        return self.engine.state.books

    def touch(self, name: str, value: str = "") -> None:
        self.tell(events.IntentReceived, intent=Intent(name, value))

    def to_cash(self) -> None:
        self.until("levels", lambda: self.engine.state.devices.levels_told and self.stage == "attract")
        self.touch("type_account")
        for name, value in (("key", "4"), ("submit", ""), ("key", "1"), ("submit", "")):
            self.touch(name, value)
        self.tell(events.AccountFound, request=self.engine.state.scene.request, account=account(BILL_MINOR))
        for name in ("pay_full", "pay_again", "pay_cash"):
            self.touch(name)

    def kinds(self) -> list[str]:
        return [record.kind for record in self.journal.records(0, 1000)]

    def bodies(self, kind: type) -> list[dict[str, Any]]:
        facts = (record.envelope().fact() for record in self.journal.records(0, 1000) if record.kind == kind.__name__)
        return [body(fact) for fact in facts]

    def given(self) -> list[int]:
        return [note["value_minor"] for note in self.bodies(NotePaidOut)]

    def ended(self) -> list[str]:
        return [end["result"] for end in self.bodies(PayoutEnded)]

    def credited(self) -> list[int]:
        """Return what each completed payment left on the account beyond its bill."""
        return [
            sum(line["amount_minor"] for line in payment["lines"]) - BILL_MINOR
            for payment in self.bodies(PaymentCompleted)
        ]

    def stop(self) -> None:
        self.port.stop()
        self.port.thread.join(WAIT_S)
        self.journal.close()


@contextmanager
def lobby(folder: Path) -> Iterator[Lobby]:
    made = Lobby(folder)
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def recycler(tmp_path: Path) -> Iterator[SspTwin]:
    with SspTwin(tmp_path / "acceptor", TwinSettings("smart-payout", speed=20)) as twin:
        for value, count in FLOAT.items():
            twin.handle({"do": "load", "value_minor": value, "count": count})
        yield twin


def out(recycler: SspTwin) -> Counter[int]:
    handed = recycler.handle({"do": "state"})["handed_out"]
    return Counter({int(value): count for value, count in handed.items()})


def inside_minor(recycler: SspTwin) -> int:
    state = recycler.handle({"do": "state"})
    return int(state["cassette_minor"]) + sum(int(value) * count for value, count in state["store"].items())


def pay(kiosk: Lobby, recycler: SspTwin) -> None:
    """Put in a note that is worth more than the bill."""
    kiosk.to_cash()
    kiosk.until("enabled note", lambda: NOTE_MINOR in recycler.handle({"do": "state"})["enabled"])
    recycler.handle({"do": "insert", "value_minor": NOTE_MINOR})
    kiosk.until("payout", lambda: "PayoutStarted" in kiosk.kinds())


def settled(kiosk: Lobby, recycler: SspTwin) -> None:
    """What the books say is what lies in the recycler, but for the clerk's float."""
    float_minor = sum(value * count for value, count in FLOAT.items())
    assert inside_minor(recycler) == float_minor + NOTE_MINOR - sum(out(recycler).elements())
    assert kiosk.books.payment is None
    assert kiosk.books.payout is None
    assert kiosk.journal.verify().ok


def test_all_of_the_change_comes_out(tmp_path: Path, recycler: SspTwin) -> None:
    with lobby(tmp_path) as kiosk:
        pay(kiosk, recycler)
        kiosk.until("end", lambda: "PaymentCompleted" in kiosk.kinds())
        assert (kiosk.given(), kiosk.ended(), kiosk.credited()) == (CHANGE, ["done"], [0])
        assert out(recycler) == Counter(CHANGE)
        assert kiosk.books.cash_minor == BILL_MINOR
        settled(kiosk, recycler)


@pytest.mark.parametrize(
    ("how", "after"), [("refused", 0), ("refused", 2), ("jammed", 0), ("jammed", 1), ("halted", 3), ("timed_out", 1)]
)
def test_what_does_not_come_out_is_credit(tmp_path: Path, recycler: SspTwin, how: str, after: int) -> None:
    recycler.handle({"do": "payout_fails", "how": how, "after": after})
    with lobby(tmp_path) as kiosk:
        pay(kiosk, recycler)
        kiosk.until("end", lambda: "PaymentCompleted" in kiosk.kinds())
        came, missing = CHANGE[:after], sum(CHANGE[after:])
        assert (kiosk.given(), kiosk.credited()) == (came, [missing])
        assert kiosk.ended() == ["partial" if after else "refused"]
        assert out(recycler) == Counter(came)
        assert kiosk.books.cash_minor == BILL_MINOR + missing
        assert "ClaimOpened" not in kiosk.kinds()
        recycler.handle({"do": "clear"})
        settled(kiosk, recycler)


@pytest.mark.parametrize("after", [0, 2])
def test_a_cut_of_the_recycler_s_power_gives_nothing_twice(tmp_path: Path, recycler: SspTwin, after: int) -> None:
    recycler.handle({"do": "payout_fails", "how": "power_cut", "after": after})
    with lobby(tmp_path) as kiosk:
        pay(kiosk, recycler)
        kiosk.until("cut", lambda: not recycler.handle({"do": "state"})["powered"])
        recycler.handle({"do": "power_on"})
        kiosk.until("end", lambda: "PaymentCompleted" in kiosk.kinds())
        assert kiosk.given() == CHANGE[:after]
        assert out(recycler) == Counter(CHANGE[:after])
        assert kiosk.credited() == [sum(CHANGE[after:])]
        assert "ClaimOpened" not in kiosk.kinds()
        settled(kiosk, recycler)


@pytest.mark.parametrize("notes", [0, 1, 3])
def test_a_cable_out_in_the_middle_loses_no_note(tmp_path: Path, recycler: SspTwin, notes: int) -> None:
    with lobby(tmp_path) as kiosk:
        pay(kiosk, recycler)
        kiosk.until("note", lambda: sum(out(recycler).values()) >= notes)
        recycler.handle({"do": "cable_out"})
        kiosk.until("loss", lambda: kiosk.engine.state.devices.acceptor.state != "ready")
        recycler.handle({"do": "cable_in"})
        kiosk.until("end", lambda: "PaymentCompleted" in kiosk.kinds())
        given, missing = sum(kiosk.given()), sum(CHANGE) - sum(out(recycler).elements())
        if kiosk.ended() == ["unknown"]:
            assert "ClaimOpened" in kiosk.kinds()
            assert kiosk.books.payout_unknown
        else:
            assert given == sum(out(recycler).elements())
            assert kiosk.credited() == [missing]
        assert given <= sum(out(recycler).elements()) <= sum(CHANGE)
        settled(kiosk, recycler)


@pytest.mark.parametrize("notes", [0, 1, 3])
def test_a_restart_in_the_middle_orders_no_change_again(tmp_path: Path, recycler: SspTwin, notes: int) -> None:
    with lobby(tmp_path) as kiosk:
        pay(kiosk, recycler)
        kiosk.until("note", lambda: sum(out(recycler).values()) >= notes)
    with lobby(tmp_path) as kiosk:
        kiosk.until("end", lambda: kiosk.books.payout is None and kiosk.books.payment is None)
        came = sum(out(recycler).elements())
        assert kiosk.kinds().count("PayoutStarted") == 1
        assert sum(kiosk.given()) <= came <= sum(CHANGE)
        if kiosk.ended() != ["unknown"]:
            assert sum(kiosk.given()) == came
            assert kiosk.books.cash_minor == NOTE_MINOR - came
        else:
            assert kiosk.books.payout_unknown
        settled(kiosk, recycler)
