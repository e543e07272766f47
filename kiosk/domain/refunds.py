"""Facts of refunds by staff, as in facts.py: what a card gave goes back to that card, whole or in part."""

from dataclasses import dataclass

from kiosk.domain.invoice import LinePaid
from kiosk.domain.tenders import CardSlip

WHYS = ("paid_twice", "wrong_account", "wrong_amount", "other")


@dataclass(frozen=True)
class RefundStarted:
    """Committed before the refund of the sale `of` goes out (rule 6). Never more than that sale's card was charged.

    `lines` fall due again: what the payment paid last, first. Their sum is the amount; a fee has none.
    """

    payment_id: str
    reference: str
    of: str
    leg: str  # "bill" | "fee"
    amount_minor: int
    currency: str
    approved_minor: int  # what the sale was approved for
    refunded_minor: int  # what of it was refunded before, or may have been
    lines: tuple[LinePaid, ...]
    receipt_number: str  # of the payment
    terminal: str
    by: str
    second: str  # "" where the city asks for one person
    why: str  # one of WHYS


@dataclass(frozen=True)
class CardRefunded:
    """Books: debit receivables per line (credit on account where invoice is "") or fees, credit card receivable.

    Less than was asked for is a partial refund: its lines are cut from the end.
    """

    payment_id: str
    reference: str
    of: str
    leg: str
    amount_minor: int
    currency: str
    terminal_ref: str
    slip: CardSlip
    found: bool  # by asking for it later
    lines: tuple[LinePaid, ...]


@dataclass(frozen=True)
class RefundEnded:
    """No money moved."""

    payment_id: str
    reference: str
    of: str
    result: str  # "declined" | "cancelled" | "not_started" | "absent"
    reason: str


@dataclass(frozen=True)
class RefundUnknown:
    """A memo, never a ledger amount: looked for like a sale until it is found refunded or ended."""

    payment_id: str
    reference: str
    of: str
    amount_minor: int
    currency: str
    reason: str
