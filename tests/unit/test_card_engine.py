"""Between a terminal and the brain: words both ways, what is dropped on the way, and patience with a busy terminal."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.cards import contract
from hardware.cards.contract import Busy, Cancel, Query, Sale
from kiosk.brain import commands, events
from kiosk.config.model import Card
from kiosk.domain.tenders import CardSlip
from kiosk.engine.card import clean, order, slip_of, translate
from kiosk.engine.card_patience import PATIENCE_S, Patience
from kiosk.engine.card_port import MAKERS, CardPort
from kiosk.engine.inbox import Inbox, Told

SALE = Sale("RB0701000001", 5318)
EVENTS = [
    (contract.Connected(contract.Identity("zvt", "H5000", terminal_id="T1")), events.TerminalConnected),
    (contract.Lost("no answer"), events.TerminalLost),
    (contract.Prompt("R1", "enter_pin"), events.CardPrompted),
    (contract.Ended(1, "sale", "R1", "approved", 5318, "77"), events.CardEnded),
    (contract.Reversed(2, "R1", 5318), events.CardReversed),
    (contract.BatchClosed(3, "B1", "approved"), events.BatchEnded),
    (contract.Fault("offline"), events.TerminalFault),
    (contract.FaultCleared("offline"), events.TerminalFaultCleared),
]


@pytest.mark.parametrize(("said", "heard"), EVENTS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_word_of_a_terminal_has_one_of_the_brain(said: contract.Event, heard: type[events.Event]) -> None:
    kind, _ = translate(said)
    assert kind is heard


def test_every_command_for_a_terminal_is_given_in_its_words() -> None:
    slip = CardSlip(brand="Visa", last4="4242")
    assert order(commands.SellByCard("R1", 5, "USD")) == Sale("R1", 5, "USD")
    assert order(commands.CancelCard("R1")) == Cancel("R1")
    void = order(commands.VoidCard("R2", "R1", 5, "77", slip))
    assert void == contract.Void("R2", "R1", 5, "77", contract.Slip(brand="Visa", last4="4242"))
    assert order(commands.FindCard("R2", "void", 5, "R1", None)) == Query("R2", "void", 5, "", "R1", None)
    assert order(commands.AcknowledgeCard(3)) == contract.Acknowledge(3)
    assert order(commands.CloseCardBatch("B1")) == contract.CloseBatch("B1")
    assert order(commands.DisableAcceptor()) is None


@given(st.text(max_size=300))
def test_whatever_a_terminal_sends_is_short_and_can_be_kept(text: str) -> None:
    kept = clean(text)
    assert len(kept) <= 64
    assert kept.isprintable()
    kept.encode()


def test_a_card_number_in_any_field_is_not_kept() -> None:
    slip = contract.Slip(last4="4111111111111111", host_reference="4111 1111 1111 1111", brand="Visa")
    assert slip_of(slip) == CardSlip(brand="Visa")


@dataclass
class Desk:
    """The driver's side of patience: what is given, what was given up, and a clock that is turned by hand."""

    now: float = 100.0
    given: list[contract.Command] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    due: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.patience = Patience(
            self.given.append,
            lambda command, reason: self.never.append(command.reference),
            lambda: self.now,
            lambda seconds, act: self.due.append(act),
        )
        self.patience.ordered(SALE)

    def wait(self) -> None:
        due, self.due = self.due, []
        for act in due:
            act()


def test_a_busy_terminal_gets_the_sale_again() -> None:
    desk = Desk()
    desk.patience.refused(SALE, Busy("held"))
    desk.wait()
    assert (desk.given, desk.never) == ([SALE], [])


def test_patience_ends_and_says_that_nothing_left() -> None:
    desk = Desk()
    desk.now += PATIENCE_S
    desk.patience.refused(SALE, Busy("held"))
    desk.wait()
    assert (desk.given, desk.never) == ([], ["RB0701000001"])


def test_a_day_end_that_never_left_is_told_as_such(tmp_path: Path) -> None:
    inbox = Inbox()
    port = CardPort(Card("zvt", "192.0.2.7:20007"), "USD", tmp_path, inbox)
    port._patience.refused(contract.CloseBatch("B1"), Busy("held"))
    told = inbox.take(0)
    assert isinstance(told, Told)
    assert told.kind is events.BatchEnded
    assert (told.values["report"], told.values["result"]) == (0, "not_started")


@pytest.mark.parametrize("after", [Query("RB0701000001"), Cancel("RB0701000001"), None])
def test_once_it_is_asked_for_or_the_line_is_lost_it_never_leaves(after: contract.Command | None) -> None:
    desk = Desk()
    desk.patience.refused(SALE, Busy("held"))
    if after is None:
        desk.patience.lost()
    else:
        desk.patience.ordered(after)
    assert desk.never == ["RB0701000001"]
    desk.wait()
    assert desk.given == []


def test_a_cancel_never_overtakes_the_sale_that_is_given_again() -> None:
    """The cancel comes from another thread while the sale is being handed to the driver."""
    desk, cancel = Desk(), Cancel("RB0701000001")

    def submit() -> None:
        desk.patience.ordered(cancel)
        desk.given.append(cancel)

    other = threading.Thread(target=submit, daemon=True)

    def give(command: contract.Command) -> None:
        other.start()
        other.join(0.05)
        desk.given.append(command)

    desk.patience._give = give
    desk.patience.refused(SALE, Busy("held"))
    desk.wait()
    other.join(5)
    assert (desk.given, desk.never) == ([SALE, cancel], [])


def test_a_sale_on_its_way_at_the_loss_is_not_given_a_second_time() -> None:
    desk = Desk()
    desk.patience.refused(SALE, Busy("held"))
    desk.wait()
    desk.patience.lost()
    assert desk.never == [], "it may have left"
    desk.patience.refused(SALE, Busy("not connected"))
    desk.wait()
    assert (desk.given, desk.never) == ([SALE], ["RB0701000001"])


@pytest.mark.parametrize(
    ("protocol", "address", "name"),
    [
        ("zvt", "/dev/lobby/terminal", "/dev/lobby/terminal"),
        ("zvt", "192.0.2.7:20007", "192.0.2.7:20007"),
        ("pax", "/dev/lobby/terminal", "/dev/lobby/terminal"),
        ("pax", "192.0.2.7:10009", "192.0.2.7:10009"),
        ("pax", "http://192.0.2.7:10009", "http://192.0.2.7:10009"),
    ],
)
def test_each_protocol_has_its_driver_and_line(protocol: str, address: str, name: str, tmp_path: Path) -> None:
    card = Card(protocol, address)  # type: ignore[arg-type]
    driver: Any = MAKERS[protocol](card, "USD", tmp_path, lambda event: None, lambda command, reason: None)
    assert driver._line.name == name


def test_every_protocol_of_the_configuration_can_be_made() -> None:
    (hint,) = [field.type for field in fields(Card) if field.name == "protocol"]
    assert set(get_args(hint)) == set(MAKERS)


def test_stripe_without_its_key_is_a_wrong_configuration() -> None:
    with pytest.raises(ValueError, match="secret_file"):
        Card("stripe", terminal="tmr_1")


@pytest.mark.parametrize("time", ["23:30", "00:00", ""])
def test_the_time_of_the_day_end_is_a_time(time: str) -> None:
    assert Card("zvt", "192.0.2.7:20007", close_batch_at=time).close_batch_at == time


@pytest.mark.parametrize("time", ["24:00", "9:30", "23:60", "23.30", "23:30:00", " 23:30"])
def test_what_is_no_time_is_a_wrong_configuration(time: str) -> None:
    with pytest.raises(ValueError, match="close_batch_at"):
        Card("zvt", "192.0.2.7:20007", close_batch_at=time)


def test_a_service_that_closes_its_batch_by_itself_is_not_told_to(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="by itself"):
        Card("stripe", terminal="tmr_1", secret_file=tmp_path / "key", close_batch_at="23:30")
