"""A payment by card as the journal tells it, to give it back: made by looking back, never held in the books."""

from dataclasses import dataclass, field

from kiosk.domain.invoice import LinePaid
from kiosk.domain.refunds import CardRefunded
from kiosk.domain.tenders import CardSlip


@dataclass(frozen=True)
class PaidCard:
    """One sale of a payment. `refunded_minor` counts what may have been refunded, too."""

    reference: str
    leg: str
    approved_minor: int
    refunded_minor: int = 0
    terminal_ref: str = ""
    slip: CardSlip = field(default_factory=CardSlip)

    @property
    def left_minor(self) -> int:
        return max(0, self.approved_minor - self.refunded_minor)


@dataclass(frozen=True)
class CardPayment:
    """What one receipt names. `lines` are what can fall due again, last paid first, less what fell due before.

    `at` and `refunded_at` are local times as ISO 8601 with offset. `refunded` is the newest refund, for its slip.
    """

    payment_id: str
    receipt_number: str
    at: str
    currency: str
    cards: tuple[PaidCard, ...]
    lines: tuple[LinePaid, ...]
    refunded: CardRefunded | None = None
    refunded_at: str = ""

    @property
    def left_minor(self) -> int:
        return sum(card.left_minor for card in self.cards)

    def card(self, reference: str) -> PaidCard | None:
        return next((card for card in self.cards if card.reference == reference), None)

    def most_minor(self, card: PaidCard) -> int:
        """Return what of `card` can be given back: a bill's leg no more than what can fall due again."""
        due_minor = sum(line.amount_minor for line in self.lines)
        return card.left_minor if card.leg == "fee" else min(card.left_minor, due_minor)
