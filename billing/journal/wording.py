"""Reasons and times as the back office shows them."""

from billing import clock
from billing.journal.records import moment

_WORDS = {
    "note-in-doubt": "the machine took this note and did not say whether it kept it",
    "note-unexpected": "the machine reported a note that the kiosk had not asked it to keep",
    "note-repeated": "a further record of a note whose cash is booked already",
    "journal-fork": "a note that only the losing copy of the kiosk tells of",
    "account-unknown": "the payment names an account that is not here",
    "account-closed": "the payment is for an account that is closed",
    "invoice-unknown": "the payment names an invoice that this account does not have",
    "invoice-overpaid": "more was paid than was owed on the invoice by then",
    "other-currency": "accounts are not kept in this currency",
    "lines-differ-from-cash": "what the receipt says and what was recorded as cash are not the same",
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
