"""Facts of cards, checks and change, as in facts.py. No card number is in any of them (rule 14)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CardInPayment:
    """`leg`: bill, or fee when the fee was a transaction of its own."""

    reference: str
    leg: str
    amount_minor: int
    brand: str
    last4: str


@dataclass(frozen=True)
class CheckInPayment:
    check_id: str
    number: str
    amount_minor: int


@dataclass(frozen=True)
class CardSlip:
    """What a receipt says of a card: as the terminal gave it, "" where it did not. Never more than four digits."""

    brand: str = ""
    last4: str = ""
    entry: str = ""  # "chip" | "contactless" | "swipe" | "fallback"
    approval: str = ""
    application: str = ""
    aid: str = ""
    tvr: str = ""
    tsi: str = ""
    response_code: str = ""
    cryptogram: str = ""
    verified: str = ""  # "pin" | "device" | "none" | "signature"
    terminal_id: str = ""
    merchant_id: str = ""
    batch: str = ""
    trace: str = ""
    host_reference: str = ""


# Cards. A reference names one attempt for ever: 1 to 16 characters of A-Z and 0-9.


@dataclass(frozen=True)
class FeeAgreed:
    """The resident agreed to the fee of the next card, before it was asked for."""

    payment_id: str
    rule: str
    kind: str  # "service" | "convenience" | "surcharge"
    base_minor: int
    fee_minor: int


@dataclass(frozen=True)
class CardSaleStarted:
    """Committed before the sale goes out (rule 6)."""

    payment_id: str
    reference: str
    leg: str
    amount_minor: int
    currency: str
    terminal: str


@dataclass(frozen=True)
class CardSaleApproved:
    """Books: debit card receivable, credit clearing of that payment. Less than asked for is a partial approval."""

    payment_id: str
    reference: str
    leg: str
    amount_minor: int
    asked_minor: int
    currency: str
    terminal_ref: str
    slip: CardSlip
    found: bool  # by asking for it later


@dataclass(frozen=True)
class CardSaleEnded:
    """No money moved."""

    payment_id: str
    reference: str
    leg: str
    result: str  # "declined" | "cancelled" | "not_started" | "absent"
    reason: str


@dataclass(frozen=True)
class CardSaleUnknown:
    """A memo, never a ledger amount: the attempt stays open until it is found approved or ended."""

    payment_id: str
    reference: str
    leg: str
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True)
class VoidStarted:
    """Committed before the void of the sale `of` goes out. Until it has ended that sale is in no payment."""

    payment_id: str
    reference: str
    of: str
    amount_minor: int
    currency: str
    why: str  # "undersized" | "fee_failed" | "bill_reversed"


@dataclass(frozen=True)
class CardSaleVoided:
    """Books: the reverse of the sale. Where `reference` is `of`, no void was ordered: the terminal undid it by itself,
    maybe after its payment was completed."""

    payment_id: str
    reference: str
    of: str
    amount_minor: int
    currency: str
    found: bool


@dataclass(frozen=True)
class VoidEnded:
    """The void did not happen: the sale stands."""

    payment_id: str
    reference: str
    of: str
    result: str
    reason: str


@dataclass(frozen=True)
class VoidUnknown:
    """A memo: looked for like a sale."""

    payment_id: str
    reference: str
    of: str
    amount_minor: int
    currency: str
    reason: str


@dataclass(frozen=True)
class CardSearchEnded:
    """Staff no longer look for the end of an attempt of which nobody knows. Its memo stays open: it books nothing."""

    payment_id: str
    reference: str
    operation: str  # "sale" | "void" | "refund"
    by: str


@dataclass(frozen=True)
class BatchClosed:
    """The terminal's end of day, or one that was tried. A memo."""

    reference: str
    result: str  # "approved" | "declined" | "not_started" | "unknown"
    count: int
    total_minor: int
    reason: str
    business_date: str = ""  # YYYY-MM-DD, "" when nobody here asked for it
    by: str = ""  # of staff; "" when its time had come


# Checks and change


@dataclass(frozen=True)
class CheckAwaited:
    """Committed before a person is asked to drop the check into its slot. A memo, never a ledger amount.

    Without CheckTaken of this id nobody said that it went in: a check too many in the pocket may be this one.
    """

    check_id: str
    payment_id: str
    amount_minor: int
    currency: str
    number: str
    routing: str
    account_last4: str
    cassette_period: int


@dataclass(frozen=True)
class CheckTaken:
    """Books: debit checks in kiosk of that period, credit clearing of that payment."""

    check_id: str
    payment_id: str
    amount_minor: int
    currency: str
    number: str
    routing: str
    account_last4: str
    cassette_period: int
    franked: bool


@dataclass(frozen=True)
class NotePaidOut:
    """Books: debit clearing of the payment, credit cash in kiosk of that period."""

    payout_id: str
    payment_id: str
    note_id: str
    value_minor: int
    currency: str
    cassette_period: int


@dataclass(frozen=True)
class PayoutEnded:
    payout_id: str
    payment_id: str
    result: str  # "done" | "partial" | "refused" | "unknown"
    detail: str
