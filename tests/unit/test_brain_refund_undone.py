"""Refunds of a sale that the terminal undoes by itself: before, while and after staff give it back."""

import pytest

from kiosk.brain import events
from kiosk.brain.apply import fold
from kiosk.brain.commands import AcknowledgeCard, CancelCard
from kiosk.domain.facts import CardSaleVoided, DeviceFaultSeen
from kiosk.domain.refunds import CardRefunded, RefundEnded, RefundStarted
from tests.unit.refund_world import world


def test_what_changed_since_it_was_looked_up_is_looked_up_again() -> None:
    """The terminal undoes the very sale by itself while the second person walks over."""
    kiosk = world()
    paid = kiosk.pay()
    kiosk.to_sign()
    reference = paid.cards[0].reference
    kiosk.tell(events.CardReversed, report=99, reference=reference, amount_minor=5318, reason="")
    assert len(kiosk.of(CardSaleVoided)) == 1
    kiosk.type("2")
    assert (kiosk.state.scene.notice, kiosk.of(RefundStarted)) == ("refund_changed", [])
    kiosk.touch("refund_payment", paid.receipt_number)
    kiosk.touch("refund_whole", reference)
    assert kiosk.state.scene.refund is not None
    assert kiosk.state.scene.refund.step == "card", "what the terminal undid has nothing left"


def test_a_sale_that_was_refunded_is_not_undone_in_the_books_too() -> None:
    kiosk = world()
    paid = kiosk.pay()
    kiosk.refund().end("approved")
    kiosk.tell(events.CardReversed, report=99, reference=paid.cards[0].reference, amount_minor=5318, reason="")
    assert (kiosk.of(CardSaleVoided), kiosk.state.books.card_minor) == ([], 0)
    assert kiosk.of(DeviceFaultSeen)[-1].fault == "reversed"


@pytest.mark.parametrize("state", ["open", "unknown"])
def test_a_sale_that_was_not_yet_refunded_is_undone_in_the_books(state: str) -> None:
    """The terminal tells it while the refund waits to leave: that is called off, before the report is acknowledged."""
    kiosk = world()
    paid = kiosk.pay()
    kiosk.refund()
    if state == "unknown":
        kiosk.tell(events.TerminalLost, reason="cable")
    undone = kiosk.tell(
        events.CardReversed, report=99, reference=paid.cards[0].reference, amount_minor=5318, reason="absent"
    )
    refund = kiosk.of(RefundStarted)[-1].reference
    calls_off = [CancelCard(refund)] if state == "open" else []
    assert [order for order in undone if isinstance(order, CancelCard | AcknowledgeCard)] == [
        *calls_off,
        AcknowledgeCard(99),
    ]
    assert (len(kiosk.of(CardSaleVoided)), kiosk.state.books.card_minor) == (1, 0)
    kiosk.end("cancelled")
    assert len(kiosk.of(RefundEnded)) == 1
    assert kiosk.state.books == fold(kiosk.facts)


def test_a_refund_of_a_sale_that_was_undone_counts_as_well() -> None:
    """It left all the same: the money went out, and staff find it in suspense."""
    kiosk = world()
    paid = kiosk.pay()
    kiosk.refund()
    kiosk.tell(events.CardReversed, report=99, reference=paid.cards[0].reference, amount_minor=5318, reason="absent")
    kiosk.end("approved")
    assert (len(kiosk.of(CardSaleVoided)), len(kiosk.of(CardRefunded))) == (1, 1)
    assert kiosk.state.books.card_minor == -5318
