"""Refunds through the whole kiosk: look-back, brain, engine, port and driver, with each terminal's twin on a real line.

What the twin gave back by its own books, what the journal says and what the slip says are held against each other.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hardware.sim.pax import PaxTwin
from hardware.sim.pax_parts import Settings as PaxSettings
from hardware.sim.stripe import StripeTwin
from hardware.sim.stripe_account import Settings as StripeSettings
from hardware.sim.zvt import TcpPort, ZvtTwin
from hardware.sim.zvt_parts import Settings as ZvtSettings
from kiosk.brain import events
from kiosk.config.model import Card
from tests.flows.test_cards import KEY, READER, Lobby

Twin = Any
TERMINALS = ("pax", "zvt", "stripe")


@dataclass
class Place:
    """A terminal and how a test makes it do things."""

    name: str
    twin: Twin
    card: Callable[[Path], Card]
    decline: dict[str, Any]  # the next refund

    @property
    def refunded_minor(self) -> int:
        match self.name:
            case "pax":
                return int(self.twin.handle({"do": "state"})["refunds_minor"])
            case "stripe":
                return int(self.twin.handle({"do": "state"})["refunded_minor"])
        entries = self.twin.handle({"do": "ledger"})["entries"]
        return sum(e["amount_minor"] for e in entries if e["kind"] == "refund" and e["state"] == "stored")


def _stripe_card(address: str, folder: Path) -> Card:
    key = folder / "key"
    key.write_text(KEY, encoding="ascii")
    key.chmod(0o600)
    return Card("stripe", address, terminal=READER, secret_file=key)


def _place(name: str, stack: ExitStack) -> Place:
    if name == "pax":
        quick = PaxSettings(card_ms=50, host_ms=50, void_ms=100, start_ms=50, gap_ms=5)
        pax = stack.enter_context(PaxTwin(port=0, settings=quick))
        address = f"127.0.0.1:{pax.port}"
        return Place(name, pax, lambda folder: Card("pax", address), {"do": "set", "returns": "decline"})
    if name == "zvt":
        zvt = stack.enter_context(ZvtTwin(TcpPort(0), ZvtSettings(present_ms=50, host_ms=50, work_ms=10, pause_ms=50)))
        zvt.handle({"do": "everybody", "does": "approve"})
        return Place(name, zvt, lambda folder: Card("zvt", zvt.address), {"do": "set", "returns": "decline"})
    stripe = stack.enter_context(StripeTwin(settings=StripeSettings(reader=READER, speed=20)))
    stripe.handle({"do": "auto", "outcome": "approve"})
    refuse = {"do": "refuse_refund", "code": "charge_disputed"}
    return Place(name, stripe, lambda folder: _stripe_card(stripe.address, folder), refuse)


@pytest.fixture(params=TERMINALS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with ExitStack() as stack:
        yield _place(request.param, stack)


class RefundLobby(Lobby):
    def pay(self) -> None:
        self.to_card()
        self.done()
        self.touch("done")

    def sign_in(self) -> None:
        self.touch("staff")
        self.touch("key", "1")
        self.tell(events.IntentReceived, intent=_touch("submit"))
        self.tell(events.PinChecked, request=self.engine.state.scene.request, who="ana")
        assert self.stage == "staff_health"

    def send(self, part: str = "", signs: str = "bo") -> None:
        """Refund the newest payment: up to the terminal."""
        self.until("terminal", lambda: self.engine.state.devices.terminal.state == "ready")
        self.sign_in()
        self.touch("staff_cards")
        self.touch("staff_refund")
        self.until("list", lambda: self.draft.payments)
        newest = self.draft.payments[0]
        self.touch("refund_payment", newest.receipt_number)
        self.until("payment", lambda: self.draft.step == "card")
        sale = newest.cards[0].reference
        self.touch("refund_part" if part else "refund_whole", sale)
        for digit in part:
            self.touch("key", digit)
        if part:
            self.touch("submit")
        self.touch("refund_why", "wrong_amount")
        self.touch("key", "2")
        self.touch("submit")
        self.tell(events.PinChecked, request=self.engine.state.scene.request, who=signs)

    def refund(self, part: str = "") -> str:
        """Refund the newest payment and return how it ended."""
        self.send(part)
        self.until("end", lambda: self.draft.step == "done")
        result = self.draft.result
        self.touch("sign_out")
        return result

    @property
    def draft(self) -> Any:
        return self.engine.state.scene.refund

    @property
    def card_minor(self) -> int:
        return self.engine.state.books.card_minor

    @property
    def slips(self) -> list[str]:
        return [text for job, text in self.room.slips.items() if "/refund" in job]


def _touch(name: str) -> Any:
    from kiosk.domain.intents import Intent

    return Intent(name)


@contextmanager
def lobby(folder: Path, place: Place) -> Iterator[RefundLobby]:
    made = RefundLobby(folder, place.card(folder))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_parts_go_back_until_all_is_back(tmp_path: Path, place: Place) -> None:
    with lobby(tmp_path, place) as kiosk:
        kiosk.pay()
        assert kiosk.refund("1500") == "refunded"
        assert (place.refunded_minor, kiosk.card_minor) == (1500, 3818)
        assert kiosk.refund() == "refunded"
        assert (place.refunded_minor, kiosk.card_minor) == (5318, 0)
        first, second = kiosk.bodies("RefundStarted")
        assert (first["refunded_minor"], second["refunded_minor"], second["approved_minor"]) == (0, 1500, 5318)
        due = [line["amount_minor"] for body in kiosk.bodies("CardRefunded") for line in body["lines"]]
        assert due == [1500, 3818]
        text = kiosk.slips[0]
        assert "REFUND" in text
        assert "$15.00" in text
        assert "RB-07-1-000001" in text
        kinds = [kind for kind in kiosk.kinds() if "Refund" in kind]
        assert kinds == ["RefundStarted", "CardRefunded"] * 2


def test_one_that_is_refused_moves_nothing(tmp_path: Path, place: Place) -> None:
    with lobby(tmp_path, place) as kiosk:
        kiosk.pay()
        kiosk.until("terminal", lambda: not kiosk.engine.state.devices.terminal_faults)
        place.twin.handle(place.decline)
        kiosk.send()
        kiosk.until("end", lambda: kiosk.draft.step == "done")
        assert kiosk.draft.result == "declined"
        assert (place.refunded_minor, kiosk.card_minor, kiosk.slips) == (0, 5318, [])
        assert kiosk.kinds().count("RefundEnded") == 1


def test_a_kill_after_the_terminal_made_it_finds_it_and_makes_no_second(tmp_path: Path, place: Place) -> None:
    with lobby(tmp_path, place) as kiosk:
        kiosk.pay()
        kiosk.send("2000")
        kiosk.until("twin", lambda: place.refunded_minor == 2000 or kiosk.draft.step == "done")
        if kiosk.draft.step != "done":
            assert kiosk.kinds()[-1] == "RefundStarted"
    with lobby(tmp_path, place) as kiosk:
        kiosk.until("answer", lambda: kiosk.stage == "attract" and not kiosk.engine.state.books.attempts)
        assert kiosk.kinds().count("CardRefunded") == 1
        assert kiosk.kinds().count("RefundStarted") == 1
        assert (place.refunded_minor, kiosk.card_minor) == (2000, 3318)
        assert kiosk.refund() == "refunded"
        assert (place.refunded_minor, kiosk.card_minor) == (5318, 0)


def test_a_kill_before_it_left_finds_nothing_and_sends_nothing(tmp_path: Path, place: Place) -> None:
    """ZVT knows at once that there was none; the others say so only once one that was on its way would have ended."""
    with lobby(tmp_path, place) as kiosk:
        kiosk.pay()
        kiosk.port.submit = lambda command: None  # type: ignore[method-assign]
        kiosk.send()
        assert kiosk.kinds()[-1] == "RefundStarted"
    with lobby(tmp_path, place) as kiosk:
        if place.name == "zvt":
            kiosk.until("answer", lambda: kiosk.stage == "attract")
            assert [body["result"] for body in kiosk.bodies("RefundEnded")] == ["absent"]
        else:
            kiosk.until("terminal", lambda: kiosk.engine.state.devices.terminal.state == "ready")
            kiosk.tell(events.TimerFired, name="card_look")
            assert kiosk.stage == "attract"
            assert kiosk.kinds()[-1] == "RefundUnknown"
        assert (place.refunded_minor, kiosk.card_minor) == (0, 5318)


def test_time_out_then_found(tmp_path: Path, place: Place) -> None:
    """The kiosk has given up waiting before the terminal is done."""
    with lobby(tmp_path, place) as kiosk:
        kiosk.pay()
        kiosk.send()
        kiosk.tell(events.TimerFired, name="card")
        assert kiosk.engine.state.books.attempt.state == "unknown"  # type: ignore[union-attr]
        kiosk.tell(events.TimerFired, name="card_look")
        assert kiosk.draft.result == "unknown"
        assert not kiosk.room.pictures[-1].card

        def asked() -> bool:
            if kiosk.draft.result == "refunded":
                return True
            kiosk.tell(events.TimerFired, name="card_look")
            return False

        kiosk.until("found", asked)
        assert (place.refunded_minor, kiosk.card_minor) == (5318, 0)
        assert kiosk.kinds().count("RefundUnknown") == 1
        assert len(kiosk.slips) == 1


def test_one_that_is_never_found_stays_a_memo(tmp_path: Path, place: Place) -> None:
    with lobby(tmp_path, place) as kiosk:
        kiosk.pay()
        kiosk.port.submit = lambda command: None  # type: ignore[method-assign]
        kiosk.send()
        kiosk.tell(events.TimerFired, name="card")
        for _ in range(3):
            kiosk.tell(events.TimerFired, name="card_look")
        kiosk.touch("back")
        kiosk.touch("staff_refund")
        assert kiosk.stage == "staff_cards"
        health = {device.name: device for device in kiosk.room.pictures[-1].staff.devices}["terminal"]
        assert (health.state, health.reason) == ("faulted", "card_unknown")
        assert kiosk.card_minor == 5318
        assert kiosk.kinds().count("RefundUnknown") == 1
        assert not kiosk.bodies("CardRefunded")
