"""Goal: nobody loses sight of money that the kiosk cannot account for, and a claim never touches money.

Method: literal journeys over the pure brain; every step compares the fold with the live state.
"""

from dataclasses import replace

import pytest

from kiosk.brain import events
from kiosk.brain.apply import fold
from kiosk.brain.claiming import CLAIMS_A_SESSION
from kiosk.brain.commands import PrintSlip
from kiosk.brain.state import Books
from kiosk.domain import facts as f
from kiosk.domain.claim import answer_by
from kiosk.domain.invoice import InvoiceReference
from kiosk.domain.snapshot import ClaimView, DeviceHealth
from tests.unit.brain_world import World, account, settings


def claim(world: World) -> f.ClaimOpened:
    (fact,) = world.of(f.ClaimOpened)
    return fact  # type: ignore[no-any-return]


def view(world: World) -> ClaimView:
    assert world.picture.claim is not None
    return world.picture.claim


def printer(world: World, state: str) -> None:
    world.tell(events.HealthChanged, health=DeviceHealth("printer", state, "" if state == "ready" else "paper_out"))


def file_claim(world: World, *notes: int, what: str = "not_counted", when: str = "now") -> None:
    world.touch("help")
    world.touch("claim")
    world.touch("claim_what", what)
    world.touch("claim_when", when)
    for value in notes:
        world.touch("claim_note", str(value))
    world.touch("submit")


def money(books: Books) -> tuple[object, ...]:
    return books.cash_minor, books.payment, books.note, books.period_notes, books.doubtful_minor, books.receipts


# By when


@pytest.mark.parametrize(
    ("local", "threat", "by"),
    [
        ("2026-11-23T13:42:00-06:00", False, "2026-11-25"),
        ("2026-11-26T09:00:00-06:00", False, "2026-11-30"),  # Thursday: Friday, Monday
        ("2026-11-28T09:00:00-06:00", False, "2026-12-01"),  # Saturday: Monday, Tuesday
        ("2026-11-23T15:59:59-06:00", True, "2026-11-23"),
        ("2026-11-23T16:00:00-06:00", True, "2026-11-24"),
        ("2026-11-27T21:00:00-06:00", True, "2026-11-30"),  # Friday evening
        ("2026-11-29T09:00:00-06:00", True, "2026-11-30"),  # Sunday
        ("2026-12-31T09:00:00-06:00", False, "2027-01-04"),
    ],
)
def test_an_answer_is_promised_for_a_day_on_which_somebody_can_give_it(local: str, threat: bool, by: str) -> None:
    assert answer_by(local, threat) == by


# What a resident opens


def test_a_claim_needs_no_account_and_ends_with_a_numbered_slip() -> None:
    world = World().boot()
    before = money(world.state.books)
    file_claim(world, 2000, 2000)
    opened = claim(world)
    assert (opened.opened_by, opened.what, opened.when, opened.account) == ("resident", "not_counted", "now", "")
    assert opened.amount_minor == 4000
    assert opened.notes_said == (f.NoteCount(2000, 2),)
    (slip,) = world.ordered(PrintSlip)
    assert (view(world).step, view(world).number, view(world).printed) == ("slip", opened.claim_number, "printing")
    world.tell(events.PrintFinished, job=slip.job, outcome="confirmed", reason="")
    assert view(world).printed == "printed"
    world.touch("reprint")
    assert [order.job for order in world.ordered(PrintSlip)] == [
        "RB-07-C1-000001/claim",
        "RB-07-C1-000001/again",
    ]
    world.tell(events.PrintFinished, job="RB-07-C1-000001/again", outcome="confirmed", reason="")
    assert len(world.of(f.ClaimSlipEnded)) == 1
    world.touch("done")
    assert (world.picture.claim, world.picture.screen) == (None, "attract")
    assert money(world.state.books) == before


def test_the_sum_can_be_typed_or_left_open() -> None:
    world = World().boot()
    world.touch("claim")
    world.touch("claim_what", "wrong_amount")
    world.touch("claim_when", "earlier")
    world.touch("claim_note", "2000")
    world.touch("claim_type")
    for digit in "4567":
        world.touch("key", digit)
    world.touch("key", "back")
    assert view(world).amount_minor == 456
    world.touch("submit")
    world.touch("done")
    file_claim(world, what="no_receipt")
    first, second = world.of(f.ClaimOpened)
    assert (first.amount_minor, first.when, first.notes_said) == (456, "earlier", ())
    assert (second.amount_minor, second.claim_number) == (0, "RB-07-C1-000002")


def test_nonsense_and_steps_out_of_order_do_nothing() -> None:
    world = World().boot()
    world.touch("claim")
    for name, value in (("submit", ""), ("claim_what", "x"), ("claim_note", "2000"), ("pay_full", ""), ("done", "")):
        world.touch(name, value)
    assert view(world).step == "what"
    world.touch("claim_what", "other")
    world.touch("claim_when", "never")
    world.touch("claim_when", "now")
    for value in ("123", "x", "-2000", ""):
        world.touch("claim_note", value)
    for _ in range(100):
        world.touch("claim_note", "10000")
    assert view(world).amount_minor == 40 * 10000
    world.touch("claim_note", "clear")
    assert view(world).amount_minor == 0
    assert world.of(f.ClaimOpened) == []


def test_going_back_step_by_step_leads_to_where_the_person_was() -> None:
    world = World().boot().to_cash()
    before = world.state.scene
    world.touch("claim")
    world.touch("claim_what", "other")
    world.touch("claim_when", "now")
    world.touch("claim_type")
    for step in ("notes", "when", "what"):
        world.touch("back")
        assert view(world).step == step
    world.touch("back")
    assert world.state.scene == before


def test_a_claim_in_the_middle_of_a_payment_leaves_the_payment_as_it_is() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    before, enabled = money(world.state.books), world.state.devices.enabled
    file_claim(world, 1000)
    assert (claim(world).account, claim(world).last4) == ("tok1", "4417")
    assert claim(world).payment_id == world.state.books.payment.payment_id  # type: ignore[union-attr]
    assert money(world.state.books) == before
    assert world.state.devices.enabled == enabled
    world.touch("done")
    assert (world.picture.screen, world.picture.help_open) == ("cash", False)
    world.insert(2000)
    assert world.picture.payment is not None
    assert world.picture.payment.in_minor == 4000


def test_a_note_that_comes_meanwhile_counts_and_can_end_the_payment_below() -> None:
    world = World().boot().to_cash(account(4000))
    world.insert(2000)
    world.touch("claim")
    world.touch("claim_what", "not_counted")
    world.insert(2000)
    assert (world.picture.screen, view(world).step) == ("done", "when")
    world.fire("done")
    assert (world.picture.screen, view(world).step) == ("done", "when"), "nobody is thrown out of a claim"
    world.touch("claim_when", "now")
    world.touch("submit")
    world.touch("done")
    assert (world.picture.screen, world.picture.claim) == ("done", None)
    assert claim(world).payment_id == world.of(f.PaymentCompleted)[0].payment_id
    world.fire("done")
    assert world.picture.screen == "attract"


def test_a_claim_being_made_survives_what_the_recovery_finds() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.restart()
    assert world.picture.screen == "starting"
    world.touch("claim")
    world.touch("claim_what", "not_counted")
    world.connect()
    world.stacked(2000)
    assert (world.state.scene.stage, view(world).step) == ("attract", "when")
    world.touch("claim_when", "now")
    world.touch("submit")
    assert claim(world).opened_by == "resident"


@pytest.mark.parametrize("frozen", [False, True])
def test_a_kiosk_that_takes_no_money_takes_claims(frozen: bool) -> None:
    world = World().boot()
    world.tell(events.AcceptorLost, reason="line")
    if frozen:
        world.tell(events.PostingRefused, reason="fork", detail="")
    assert world.picture.screen == "out_of_service"
    assert world.picture.claims
    file_claim(world, 2000)
    assert claim(world).amount_minor == 2000


@pytest.mark.parametrize(("reason", "takes"), [("disk_slow", True), ("disk_full", False), ("disk_failed", False)])
def test_a_claim_needs_a_journal_that_can_be_written_to(reason: str, takes: bool) -> None:
    world = World().boot()
    world.tell(events.HealthChanged, health=DeviceHealth("storage", "faulted", reason))
    world.touch("claim")
    assert (world.picture.claims, world.picture.claim is not None) == (takes, takes)


def test_without_a_printer_the_number_stays_until_it_is_confirmed() -> None:
    world = World().boot()
    printer(world, "lost")
    world.scan()
    file_claim(world, 2000)
    assert view(world).printed == "unavailable"
    assert world.state.books.slips == ()
    world.fire("idle")
    for _ in range(60):
        world.fire("idle_tick")
    assert world.state.books.session_id == ""
    assert (world.picture.screen, view(world).number) == ("attract", "RB-07-C1-000001")
    assert view(world).last4 == "", "whose it is goes with the session"
    world.touch("language", "es")
    assert world.state.books.session_id == ""
    world.touch("done")
    assert world.picture.claim is None


def test_who_holds_up_a_bill_gets_past_the_number_of_somebody_gone() -> None:
    world = World().boot()
    printer(world, "lost")
    file_claim(world, 2000)
    world.fire("idle")
    for _ in range(60):
        world.fire("idle_tick")
    assert view(world).number
    world.scan()
    assert (world.picture.claim, world.picture.screen) == (None, "invoice")


def test_a_bill_held_up_in_the_middle_of_a_claim_waits() -> None:
    world = World().boot()
    world.touch("claim")
    world.tell(events.ScanRefused, code="unknown")
    world.tell(events.BillScanned, reference=InvoiceReference("1", scan="s"))
    assert (world.picture.screen, view(world).step) == ("attract", "what")


def test_who_walks_away_from_a_claim_leaves_nothing_of_it() -> None:
    world = World().boot()
    world.scan()
    world.touch("claim")
    world.touch("claim_what", "other")
    world.fire("idle")
    assert world.picture.idle_left_s > 0
    for _ in range(60):
        world.fire("idle_tick")
    assert (world.picture.claim, world.picture.screen, world.state.books.session_id) == (None, "attract", "")


def test_who_walks_away_from_a_claim_while_paying_has_paid() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.touch("claim")
    world.fire("idle")
    for _ in range(60):
        world.fire("idle_tick")
    world.tell(events.AcceptorIdle)
    assert world.of(f.PaymentCompleted)[0].reason == "idle"
    assert (world.picture.claim, world.picture.screen) == (None, "done")


def test_i_am_finished_said_over_a_claim_is_about_everything() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.touch("claim")
    world.fire("idle")
    world.touch("start_over")
    assert (world.picture.claim, world.picture.screen) == (None, "review")


def test_a_slip_is_not_printed_again_while_it_prints() -> None:
    world = World().boot()
    file_claim(world, 2000)
    for _ in range(5):
        world.touch("reprint")
    assert len(world.ordered(PrintSlip)) == 1


def test_three_claims_a_session_then_the_counter() -> None:
    world = World().boot()
    for _ in range(CLAIMS_A_SESSION):
        file_claim(world, 2000)
        world.touch("done")
    world.touch("claim")
    assert (world.picture.claim, world.picture.notice) == (None, "claim_limit")
    world.touch("start_over")
    world.scan()
    world.touch("claim")
    assert view(world).step == "what"


def test_start_over_leaves_the_claim_page_and_never_a_payment() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    world.touch("claim")
    world.touch("start_over")
    assert (world.picture.claim, world.picture.screen) == (None, "cash")


def test_staff_pages_take_no_claims_and_staff_enter_by_no_claim() -> None:
    world = World().boot()
    world.touch("claim")
    world.touch("staff")
    assert world.picture.screen == "attract"
    world.touch("back")
    world.touch("staff")
    world.touch("claim")
    assert (world.picture.claim, world.picture.claims) == (None, False)


def test_a_cut_between_claim_and_slip_prints_the_slip_after_the_start() -> None:
    world = World().boot()
    file_claim(world, 2000)
    world.restart()
    assert [item.what for item in world.picture.aftermath] == ["filed"]
    printer(world, "ready")
    assert [order.claim for order in world.ordered(PrintSlip)] == [claim(world)] * 2


def test_nothing_of_a_claim_is_seen_by_the_next_person() -> None:
    world = World().boot()
    world.scan()
    file_claim(world, 2000)
    world.touch("done")
    world.touch("start_over")
    clean = World().boot().picture
    assert replace(world.picture, revision=0) == replace(clean, revision=0)


def test_a_claim_is_a_memo_the_fold_of_all_else_is_the_same_without_it() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.fire("note_open")
    file_claim(world, 2000)
    world.touch("done")
    world.touch("back")
    rest = [fact for fact in world.facts if not isinstance(fact, f.ClaimOpened | f.ClaimSlipEnded)]
    assert money(fold(rest)) == money(world.state.books)


def test_the_claim_page_knows_the_city_s_numbers() -> None:
    world = World()
    world.state = replace(world.state, settings=replace(settings(), claim_phone="555", claim_place="window 3"))
    world.boot()
    world.touch("claim")
    assert (view(world).phone, view(world).place) == ("555", "window 3")
