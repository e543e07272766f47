"""Goal: who lost sight of money finds on the waiting page what became of it, and nobody else in their session does.

Method: literal journeys over the pure brain; every step compares the fold with the live state.
"""

from kiosk.brain import events
from kiosk.brain.commands import PrintReceipt, PrintSlip
from kiosk.domain import facts as f
from kiosk.domain.claim import Aftermath
from kiosk.domain.invoice import Account, Invoice
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.brain_world import World, account
from tests.unit.test_brain_claims import claim, printer


def told(world: World) -> list[tuple[str, int, str]]:
    return [(item.what, item.amount_minor, item.paper) for item in world.picture.aftermath]


def threatened() -> Account:
    bill = Invoice("INV1", "utility", "Water", "2026-10-01", 5318, 5318, shut_off=True)
    return Account("tok1", "4417", balance_minor=5318, past_due_minor=5318, invoices=(bill,))


def test_after_a_power_cut_the_waiting_page_says_where_the_money_went_and_the_receipt_prints() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.restart()
    assert world.picture.screen == "out_of_service"
    assert world.picture.aftermath == (Aftermath("applied", 2000, "4417", "RB-07-1-000001", "waiting"),)
    printer(world, "ready")
    (order,) = world.ordered(PrintReceipt)
    assert order.kind == "recovered"
    assert told(world) == [("applied", 2000, "printing")]
    world.tell(events.PrintFinished, job=order.job, outcome="confirmed", reason="")
    assert told(world) == [("applied", 2000, "printed")]
    assert world.of(f.ClaimOpened) == [], "nothing is missing"


def test_a_second_cut_does_not_make_the_kiosk_forget() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.restart()
    world.restart()
    assert told(world) == [("applied", 2000, "waiting")]


def test_a_cut_on_the_page_of_thanks_is_told_too() -> None:
    world = World().boot().to_cash(account(2000))
    world.insert(2000)
    assert world.picture.screen == "done"
    assert world.picture.aftermath == (), "this page tells it itself"
    world.restart()
    assert told(world) == [("applied", 2000, "waiting")]


def test_it_is_told_until_somebody_begins_and_never_in_their_session() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.restart()
    world.connect()
    printer(world, "ready")
    world.tell(events.HealthChanged, health=DeviceHealth("screen", "ready"))
    for look in ("help", "close_help", "text_size", "sound"):
        world.touch(look)
    world.touch("language", "es")
    assert world.state.books.session_id == ""
    assert told(world) == [("applied", 2000, "printing")]
    world.fire("idle")
    world.touch("more_time")
    assert world.picture.language == "es"
    world.fire("idle")
    for _ in range(60):
        world.fire("idle_tick")
    assert (world.picture.language, world.picture.text_size) == ("en", 0), "the next one finds the kiosk as it was"
    assert told(world) == [("applied", 2000, "printing")]
    world.touch("type_account")
    assert world.picture.aftermath == ()
    world.touch("start_over")
    assert world.picture.aftermath == ()


def test_after_a_session_that_ended_well_nothing_is_told() -> None:
    world = World().boot().to_cash(account(2000))
    world.insert(2000)
    world.touch("done")
    assert world.picture.aftermath == ()


def test_a_note_that_is_still_asked_for_is_said_and_credited_when_it_is_found() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.restart()
    assert told(world) == [("asking", 2000, "")]
    world.connect()
    world.stacked(2000, power_up=True, clean=True)
    assert [item.what for item in world.picture.aftermath] == ["applied"]
    assert world.of(f.ClaimOpened) == []


def test_a_note_lost_in_recovery_opens_a_claim_in_the_same_decision() -> None:
    world = World().boot().to_cash()
    world.insert(1000)
    world.hold(2000)
    world.restart()
    printer(world, "ready")
    world.connect()
    world.fire("note_open")
    opened = claim(world)
    assert world.kinds()[world.kinds().index("NoteInDoubt") + 1] == "ClaimOpened"
    (doubt,) = world.of(f.NoteInDoubt)
    assert (opened.claim_number, opened.opened_by, opened.what) == ("RB-07-C1-000001", "recovery", "note_in_doubt")
    assert (opened.account, opened.last4, opened.amount_minor) == ("tok1", "4417", 2000)
    assert opened.notes == (f.NoteInPayment(doubt.note_id, 2000),)
    assert opened.payment_id == doubt.payment_id
    assert opened.answer_by == "2026-11-25"
    (slip,) = world.ordered(PrintSlip)
    assert slip.claim == opened
    assert told(world) == [("applied", 1000, "printing"), ("lost", 2000, "printing")]
    world.tell(events.PrintFinished, job=slip.job, outcome="failed", reason="paper_out")
    assert told(world)[1] == ("lost", 2000, "failed")
    assert world.of(f.ClaimSlipEnded) == [f.ClaimSlipEnded("RB-07-C1-000001", "failed", "paper_out")]


def test_the_slip_of_a_recovery_waits_for_the_printer_also_over_another_cut() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.restart()
    world.connect()
    world.fire("note_open")
    assert world.ordered(PrintSlip) == []
    world.restart()
    assert told(world) == [("lost", 2000, "waiting")]
    printer(world, "ready")
    assert [order.claim for order in world.ordered(PrintSlip)] == [claim(world)]
    printer(world, "lost")
    printer(world, "ready")
    assert len(world.ordered(PrintSlip)) == 1, "one slip while the printer has it"


def test_a_printer_that_stays_away_gives_the_slip_up() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.restart()
    world.connect()
    world.fire("note_open")
    world.fire("catch_up")
    assert world.state.books.slips == ()
    assert told(world) == [("lost", 2000, "failed")]


def test_a_note_lost_while_somebody_pays_opens_a_claim_and_the_payment_goes_on() -> None:
    world = World().boot().to_cash(threatened())
    world.hold(2000)
    world.fire("note_open")
    opened = claim(world)
    assert (opened.opened_by, opened.threatened, opened.answer_by) == ("kiosk", True, "2026-11-23")
    assert (world.picture.screen, world.picture.notice) == ("cash", "note_in_doubt")
    assert [item.number for item in world.picture.aftermath] == [opened.claim_number]
    world.insert(5000)
    assert world.picture.screen == "cash"
    world.touch("stop")
    assert world.picture.screen == "review"


def test_the_last_note_lost_while_leaving_is_told_on_the_waiting_page() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.touch("back")
    world.stacked(0)
    world.tell(events.AcceptorIdle)
    assert world.picture.screen == "attract"
    assert [item.what for item in world.picture.aftermath] == ["lost"]


def test_money_from_nowhere_opens_a_claim_for_nobody() -> None:
    world = World().boot()
    world.stacked(2000)
    opened = claim(world)
    assert (opened.opened_by, opened.what, opened.account, opened.payment_id) == ("kiosk", "note_unexpected", "", "")
    assert [item.what for item in world.picture.aftermath] == ["unplaced"]


def test_in_the_session_of_another_a_stray_note_is_not_tied_to_their_account() -> None:
    world = World().boot().to_cash()
    world.stacked(2000)
    opened = claim(world)
    assert (opened.account, opened.last4, opened.payment_id) == ("", "", "")
    assert opened.session_id == world.state.books.session_id


def test_a_lost_note_that_turns_up_has_one_claim() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.fire("note_open")
    world.stacked(2000)
    assert len(world.of(f.NoteUnexpected)) == 1
    assert claim(world).what == "note_in_doubt"
    assert [item.what for item in world.picture.aftermath] == ["found"]
    world.stacked(2000)
    assert [fact.what for fact in world.of(f.ClaimOpened)] == ["note_in_doubt", "note_unexpected"]


def test_a_device_gone_mad_fills_neither_page_nor_memory() -> None:
    world = World().boot()
    for _ in range(50):
        world.stacked(2000)
    assert len(world.picture.aftermath) == 4
    assert len(world.state.books.slips) <= 8
    assert len(world.of(f.ClaimOpened)) == 50
