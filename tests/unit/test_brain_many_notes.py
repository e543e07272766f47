"""Goal: a payment of very many small notes ends before its record is too long to be kept."""

from kiosk.brain import events
from kiosk.brain.limits import NOTES_MAX
from kiosk.domain import facts
from kiosk.domain.facts import LinePaid, NoteInPayment, PaymentCompleted
from kiosk.journal.record import ENTRY_LIMIT, Envelope, Moment, seal
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
    moment = Moment(UUID, "2026-11-23T19:42:00.123Z", "trusted", "0" * 32, 123_456_789)
    envelope = Envelope("rb-07", 1, 1, "PaymentCompleted", moment, facts.body(fact), "0" * 64)
    assert len(seal(envelope, KEY).entry) < ENTRY_LIMIT
