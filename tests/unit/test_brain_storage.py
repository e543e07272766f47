"""Goal: storage that cannot keep a record stops cash before the next note, says why, and lets what is in be used."""

import pytest

from kiosk.brain import events
from kiosk.brain.commands import DisableAcceptor, EnableAcceptor, ReturnNote, StackNote
from kiosk.domain.facts import NoteStacked, PaymentCompleted
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.brain_world import World


def storage(world: World, reason: str) -> None:
    health = DeviceHealth("storage", "faulted" if reason else "ready", reason)
    world.tell(events.HealthChanged, health=health)


@pytest.mark.parametrize("reason", ["disk_full", "disk_read_only", "disk_failed", "disk_slow"])
def test_nobody_is_invited_while_storage_is_unfit(reason: str) -> None:
    world = World().boot()
    storage(world, reason)
    assert (world.picture.screen, world.picture.cash_reason) == ("out_of_service", reason)
    storage(world, "")
    assert (world.picture.screen, world.picture.cash) == ("attract", True)


@pytest.mark.parametrize(("reason", "notice"), [("disk_full", "tender_unsafe"), ("disk_slow", "tender_slow")])
def test_before_the_first_note_the_page_says_why(reason: str, notice: str) -> None:
    world = World().boot()
    world.scan()
    world.touch("pay_full")
    storage(world, reason)
    assert (world.picture.screen, world.picture.cash, world.picture.notice) == ("tender", False, notice)
    world.touch("pay_cash")
    assert world.picture.screen == "tender"
    storage(world, "")
    assert world.picture.notice == ""
    world.touch("pay_cash")
    assert world.picture.screen == "cash"


@pytest.mark.parametrize(("reason", "notice"), [("disk_full", "cash_unsafe"), ("disk_slow", "cash_slow")])
def test_with_money_in_no_more_is_taken_and_what_is_in_is_used(reason: str, notice: str) -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    storage(world, reason)
    assert isinstance(world.orders[-1], DisableAcceptor)
    assert (world.picture.screen, world.picture.notice) == ("cash", notice)
    assert any(isinstance(command, ReturnNote) for command in world.hold(1000))
    world.returned()
    assert world.picture.notice == notice, "the reason stands above that of a note that came back"
    world.touch("stop")
    world.touch("confirm")
    world.tell(events.AcceptorIdle)
    done = world.of(PaymentCompleted)[-1]
    assert done.total_minor == 2000


def test_a_note_that_was_asked_to_be_stacked_is_waited_for_and_counts() -> None:
    world = World().boot().to_cash()
    assert any(isinstance(command, StackNote) for command in world.hold(2000))
    storage(world, "disk_slow")
    world.stacked(2000)
    assert world.of(NoteStacked)[-1].value_minor == 2000
    payment = world.picture.payment
    assert payment is not None
    assert (payment.in_minor, payment.allowed_minor) == (2000, ())


def test_cash_goes_on_when_storage_is_well_again() -> None:
    world = World().boot().to_cash()
    storage(world, "disk_slow")
    storage(world, "")
    assert isinstance(world.orders[-1], EnableAcceptor)
    assert (world.picture.notice, world.picture.cash) == ("cash_back", True)


def test_a_note_in_doubt_is_said_above_all() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    storage(world, "disk_full")
    world.stacked(0)
    assert world.picture.notice == "note_in_doubt"


def test_low_storage_only_warns() -> None:
    world = World().boot()
    world.tell(events.HealthChanged, health=DeviceHealth("storage", "ready", "disk_low"))
    assert (world.picture.screen, world.picture.cash) == ("attract", True)
