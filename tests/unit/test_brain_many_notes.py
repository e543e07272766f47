"""Goal: a payment of very many small notes, or on very many bills, leaves no record that is too long to be kept."""

from dataclasses import replace

import pytest

from kiosk.brain import events
from kiosk.brain.limits import NOTES_MAX
from kiosk.domain import facts
from kiosk.domain.facts import Fact, InvoiceChosen, KioskFrozen, LinePaid, NoteInPayment, PaymentCompleted
from kiosk.domain.invoice import Account, Invoice
from kiosk.journal.record import ENTRY_LIMIT, Envelope, Moment, Record, seal
from tests.unit.brain_world import World, account
from tests.unit.test_journal_store import KEY

UUID = "01980000-0000-7000-8000-000000000000"


def test_the_payment_is_completed_and_the_rest_is_another_one() -> None:
    world = World().boot().to_cash(account(100_000))
    for _ in range(NOTES_MAX):
        world.insert(100)
    world.tell(events.AcceptorIdle)
    done = world.of(PaymentCompleted)[-1]
    assert (len(done.notes), done.total_minor, done.reason) == (NOTES_MAX, 100 * NOTES_MAX, "stopped")
    assert world.picture.receipt is not None
    assert world.picture.receipt.left_minor == 100_000 - 100 * NOTES_MAX
    assert world.state.books.payment is None


def test_the_longest_record_fits_with_the_bills_of_a_large_account() -> None:
    notes = (NoteInPayment(UUID, 10_000),) * (NOTES_MAX + 1)
    lines = (LinePaid("r" * 40, "2026-11-00004417-00001", 1_000_000),) * 60
    fact = PaymentCompleted(
        UUID, UUID, "RB-07-1-000001", "r" * 40, lines, notes, 3_000_000, "USD", "stopped", "2026-11-23", True
    )
    assert len(sealed(fact).entry) < ENTRY_LIMIT


def sealed(fact: Fact) -> Record:
    moment = Moment(UUID, "2026-11-23T19:42:00.123Z", "trusted", "0" * 32, 123_456_789)
    envelope = Envelope("rb-07", 1, 1, type(fact).__name__, moment, facts.body(fact), "0" * 64)
    return seal(envelope, KEY)


def many_bills(count: int, name: str) -> Account:
    bills = tuple(Invoice(f"{name}{number:05d}", "utility", "Water", "2026-12-01", 100) for number in range(count))
    return Account("r" * 40, "4417", balance_minor=100 * count, invoices=bills)


def test_what_the_city_says_of_a_refusal_is_kept_as_far_as_a_record_holds_it() -> None:
    world = World().boot()
    world.tell(events.PostingRefused, reason="malformed", detail="half \ud83d" + "é" * 40_000)
    (frozen,) = world.of(KioskFrozen)
    assert len(sealed(frozen).entry) < 2_000
    assert frozen.detail.startswith("half ?éé")


@pytest.mark.parametrize("name", ["2026-00004417-", '\u0416\U0001f4a7"\\\u0001-'])
@pytest.mark.parametrize("count", [90, 1_000])
def test_an_account_of_very_many_bills_is_paid_and_what_is_not_listed_is_credit_on_it(count: int, name: str) -> None:
    account = many_bills(count, name)
    world = World().boot().to_cash(account)
    while world.state.books.payment is not None:
        world.insert(10_000)
        world.tell(events.AcceptorIdle)
    done, notes = world.of(PaymentCompleted)[0], (NoteInPayment(UUID, 10_000),) * (NOTES_MAX + 1)
    for fact in (*world.facts, replace(done, notes=notes)):
        assert len(sealed(fact).entry) < ENTRY_LIMIT - 1_000  # the ids of this world are short
    listed = len(world.of(InvoiceChosen)[0].invoices)
    assert listed >= 30
    assert [line.amount_minor for line in done.lines if line.invoice] == [100] * listed
    assert sum(line.amount_minor for line in done.lines) == done.total_minor >= account.balance_minor
    assert world.picture.receipt is not None
    assert world.picture.receipt.left_minor == 0
