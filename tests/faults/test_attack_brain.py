"""Goal: what the attack on the money rules found stays fixed. Method: one literal journey over the pure brain each."""

import pytest

from kiosk.brain import events
from kiosk.brain.commands import PrintReceipt, ReturnNote, SetTimer
from kiosk.domain import facts as f
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.brain_world import World, account


def fault(world: World, code: str) -> None:
    world.tell(events.AcceptorFault, code=code, detail="")


def blank(world: World) -> None:
    world.tell(events.NoteStackedReport, report=9, channel=0, power_up=True, clean=True, replay=False)


@pytest.mark.parametrize("code", ["jammed", "failure", "transport_open", "cassette_removed", "cheated"])
@pytest.mark.parametrize("restart", [False, True])
def test_a_note_that_a_person_may_have_freed_is_not_credited_by_a_self_test(code: str, restart: bool) -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    fault(world, code)
    if restart:
        world.restart()
    world.tell(events.AcceptorPoweredUp)
    world.tell(events.AcceptorFaultCleared, code=code)
    blank(world)
    assert world.state.books.cash_minor == 0
    assert [fact.reason for fact in world.of(f.NoteInDoubt)] == ["blank_report"]


@pytest.mark.parametrize("gap", ["returning", "lost", "restart"])
def test_a_note_that_was_not_watched_to_its_end_is_not_credited_by_a_self_test(gap: str) -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    if gap == "returning":
        world.tell(events.NoteReturning)
        world.tell(events.NoteReturning)
    elif gap == "lost":
        world.tell(events.AcceptorLost, reason="silent")
        world.fire("note_lost")
    else:
        world.restart()
    world.tell(events.AcceptorPoweredUp)
    blank(world)
    assert world.state.books.cash_minor == 0
    assert [fact.reason for fact in world.of(f.NoteInDoubt)] == ["blank_report"]
    seen = [fact.fault for fact in world.of(f.DeviceFaultSeen)]
    assert seen == ([] if gap == "restart" else [gap]) + ["power_up"]


@pytest.mark.parametrize("away", [False, True])
def test_a_note_that_was_watched_is_credited_by_a_self_test(away: bool) -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    if away:
        world.tell(events.AcceptorLost, reason="silent")
    world.tell(events.AcceptorPoweredUp)
    blank(world)
    assert world.state.books.cash_minor == 2000


@pytest.mark.parametrize("restart", [False, True])
def test_a_note_seen_in_escrow_again_is_not_credited_by_a_self_test(restart: bool) -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.tell(events.AcceptorPoweredUp)
    assert ReturnNote(2) in world.hold(0)
    if restart:
        world.restart()
    blank(world)
    assert world.state.books.cash_minor == 0
    assert [fact.fault for fact in world.of(f.DeviceFaultSeen)] == ["power_up", "another_escrow"]


def test_a_disturbed_note_that_is_stacked_with_its_value_counts() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    fault(world, "jammed")
    world.stacked(2000)
    assert world.state.books.cash_minor == 2000


def test_a_note_stacked_as_a_type_without_value_is_in_doubt() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.tell(events.NoteStackedReport, report=1, channel=2, power_up=False, clean=True, replay=False)
    assert world.state.books.cash_minor == 0
    assert [fact.reason for fact in world.of(f.NoteInDoubt)] == ["unknown_channel_2"]


def test_a_cleared_fault_lets_the_kiosk_find_an_end_for_the_open_note() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    fault(world, "jammed")
    world.fire("note_open")
    assert world.picture.screen == "starting"
    answer = world.tell(events.AcceptorFaultCleared, code="jammed")
    assert any(isinstance(order, SetTimer) and order.name == "note_open" for order in answer)
    world.fire("note_open")
    assert world.picture.screen == "attract"


def test_a_late_note_has_its_own_receipt_and_the_waiting_one_is_printed_too() -> None:
    world = World().boot()
    world.to_cash(account(5000))
    world.insert(2000)
    world.tell(events.OnlineChanged, online=True)
    world.hold(1000)
    world.tell(events.AcceptorLost, reason="line")
    world.fire("note_lost")
    world.connect()
    world.stacked(1000)
    world.fire("posting")
    printed = [order.receipt_number for order in world.ordered(PrintReceipt)]
    assert sorted(printed) == ["RB-07-1-000001", "RB-07-1-000002"]


def test_a_receipt_in_the_printer_is_not_printed_again_when_its_health_changes() -> None:
    world = World().boot().to_cash(account(2000))
    world.insert(2000)
    world.touch("done")
    world.tell(events.HealthChanged, health=DeviceHealth("printer", "ready", "paper_low"))
    assert len(world.ordered(PrintReceipt)) == 1


def test_a_receipt_cut_off_by_a_restart_is_printed_when_the_next_person_has_gone() -> None:
    world = World().boot().to_cash(account(2000))
    world.insert(2000)
    world.restart()
    for name in ("scanner", "screen"):
        world.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
    world.connect()
    world.touch("type_account")
    world.tell(events.HealthChanged, health=DeviceHealth("printer", "ready"))
    assert len(world.ordered(PrintReceipt)) == 1
    world.touch("start_over")
    assert [order.kind for order in world.ordered(PrintReceipt)] == ["receipt", "recovered"]


def test_a_bill_scanned_at_the_done_page_does_not_cost_the_last_person_the_receipt() -> None:
    world = World().boot()
    world.to_cash(account(2000))
    world.tell(events.OnlineChanged, online=True)
    world.insert(2000)
    assert world.ordered(PrintReceipt) == []
    world.scan()
    assert [order.kind for order in world.ordered(PrintReceipt)] == ["receipt"]


@pytest.mark.parametrize("result", ["ahead", "differs"])
def test_a_late_word_of_a_foreign_journal_stops_new_money(result: str) -> None:
    world = World().boot()
    world.tell(events.OnlineChanged, online=True)
    world.to_cash()
    request = world.state.scene.request
    world.fire("head")
    world.insert(2000)
    world.tell(events.HeadChecked, request=request, result=result)
    assert world.state.books.frozen == f"head_{result}"
    assert ReturnNote(2) in world.hold(1000)
    world.returned()
    world.touch("stop")
    world.touch("confirm")
    world.tell(events.AcceptorIdle)
    assert [fact.total_minor for fact in world.of(f.PaymentCompleted)] == [2000]


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(("before", "value_minor"), [("", 500), ("jammed", 500), ("power_up", 2000), ("power_up", 0)])
def test_a_second_note_that_comes_back_does_not_clear_the_first(before: str, value_minor: int, restart: bool) -> None:
    """The first may be in the cassette with its report lost: nobody can say, so it is in doubt."""
    world = World().boot().to_cash()
    world.hold(2000)
    if before == "power_up":
        world.tell(events.AcceptorPoweredUp)
    elif before:
        fault(world, before)
    if restart:
        world.restart()
    assert ReturnNote(2) in world.hold(value_minor)
    world.returned()
    assert world.of(f.NoteReturned) == []
    assert [fact.reason for fact in world.of(f.NoteInDoubt)] == ["another_escrow"]
    assert len(world.of(f.ClaimOpened)) == 1


def test_a_note_rejected_after_a_power_up_does_not_clear_the_open_one() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.tell(events.AcceptorPoweredUp)
    world.returned("rejected")
    assert world.of(f.NoteReturned) == []
    assert [fact.reason for fact in world.of(f.NoteInDoubt)] == ["rejected_after_power_up"]


@pytest.mark.parametrize("restart", [False, True])
def test_a_note_that_is_held_again_and_comes_back_is_the_same(restart: bool) -> None:
    """The stacker gave it back, or the line went before the command: no start of the device, no other value."""
    world = World().boot().to_cash()
    world.hold(2000)
    if restart:
        world.restart()
    world.hold(0 if restart else 2000)
    world.returned()
    assert len(world.of(f.NoteReturned)) == 1
    assert world.of(f.NoteInDoubt) == []


def test_staff_who_walk_away_are_signed_out_also_while_a_note_is_open() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.restart()
    world.touch("staff")
    world.touch("key", "1")
    world.touch("submit")
    world.tell(events.PinChecked, request=world.state.scene.request, who="Ada")
    answer = world.touch("swap_cassette")
    assert any(isinstance(order, SetTimer) and order.name == "idle" for order in answer)
    world.fire("idle")
    assert world.state.books.staff == ""


def test_a_session_begun_on_the_first_page_ends_by_itself() -> None:
    world = World().boot()
    answer = world.touch("language", "es")
    assert any(isinstance(order, SetTimer) and order.name == "idle" for order in answer)
    world.fire("idle")
    for _ in range(45):
        world.fire("idle_tick")
    assert (world.picture.language, world.picture.session_open) == ("en", False)


def test_a_refused_scan_opens_no_session_while_the_kiosk_is_out_of_service() -> None:
    world = World().boot()
    fault(world, "jammed")
    world.tell(events.ScanRefused, code="unknown")
    assert world.of(f.SessionOpened) == []
    assert world.picture.screen == "out_of_service"


def test_nothing_is_printed_that_the_process_would_not_see_the_end_of() -> None:
    world = World().boot().to_cash(account(2000))
    world.insert(2000)
    world.restart()
    world.tell(events.StopRequested)
    world.tell(events.HealthChanged, health=DeviceHealth("printer", "ready"))
    assert len(world.ordered(PrintReceipt)) == 1
    assert [done.receipt_number for done in world.state.books.unprinted] == ["RB-07-1-000001"]
