"""Reasons and times as the back office shows them."""

from billing import clock
from billing.journal.records import moment

_WORDS = {
    "note-in-doubt": "the machine took this note and did not say whether it kept it",
    "note-unexpected": "the machine reported a note that the kiosk had not asked it to keep",
    "note-unvalued": "the machine took a note and could not say which: count the cassette, and look for who misses it",
    "note-repeated": "a further record of a note whose cash is booked already",
    "journal-fork": "money that only the losing copy of the kiosk tells of",
    "card-unknown": "the terminal never said whether this card was charged; the kiosk goes on asking",
    "void-unknown": "the terminal never said whether this sale was voided; the kiosk goes on asking",
    "refund-unknown": "the terminal never said whether this card was refunded; the kiosk goes on asking",
    "refund-without-sale": "a refund of a card sale that no record booked; nothing was booked",
    "refund-ended-after-all": "a refund that is booked is said to have ended without money",
    "refund-over-sale": "more was refunded than the sale was charged, or a sale that was voided",
    "refund-not-placed": "the card was refunded; what its payment gave was not all placed where the record says",
    "card-repeated": "a further record of a card sale, of its void or refund, that is booked already",
    "card-reference-reused": "two payments name one reference of a card sale",
    "card-ended-after-approval": "a card sale that is booked as approved is said to have ended without money",
    "void-without-sale": "a void of a card sale that no record booked; nothing was booked",
    "void-differs": "the void and the sale are not over the same sum; this is the difference",
    "void-after-receipt": "the card was paid back, and its payment holds the money no more",
    "check-repeated": "a further record of a check that is booked already",
    "payout-repeated": "a further record of a note paid out that is booked already",
    "payout-not-covered": "a note was paid out for a payment that did not hold as much",
    "payout-unknown": "the recycler never said how many notes it paid out: the count will show",
    "account-unknown": "the payment names an account that is not here",
    "account-closed": "the payment is for an account that is closed",
    "invoice-unknown": "the payment names an invoice that this account does not have",
    "invoice-overpaid": "more was paid than was owed on the invoice by then",
    "other-currency": "accounts are not kept in this currency",
    "lines-differ-from-cash": "what the receipt says and what was recorded as put in are not the same",
    "total-differs-from-lines": "the receipt's total is not the sum of its lines",
    "payment-differs": "a second receipt for a payment that is complete, without cash of its own",
    "posting-failed": "the ledger refused to book this record",
}


def words(reason: str) -> str:
    """Return what `reason` means, "" for one without words."""
    if reason.startswith("unreadable:"):
        return f"the record has no usable {reason.removeprefix('unreadable:')}"
    return _WORDS.get(reason, "")


def shown_time(device_time: str) -> str:
    """Return a kiosk's time by the city's clock; as it was written if it cannot be read."""
    at = moment(device_time)
    return clock.shown(at) if at else device_time
