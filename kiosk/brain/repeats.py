"""The same bill and sum twice within ten minutes: asked about before a tender is chosen. The default is no.

The city says what all kiosks put on a bill; what this kiosk took itself it knows also while the line is down.
"""

from datetime import datetime, timedelta

from kiosk.brain.cart import back_to_cart, bills_of
from kiosk.brain.closing import leave
from kiosk.brain.turn import Turn
from kiosk.domain.facts import LinePaid
from kiosk.domain.invoice import Account
from kiosk.domain.snapshot import RepeatView

LATELY = timedelta(minutes=10)


def repeated(turn: Turn, account: Account, amount_minor: int) -> RepeatView | None:
    """Return the newest payment that put on one of these bills what is to be put on it now."""
    here = datetime.fromisoformat(turn.moment.local).tzinfo
    found = [paid for line in bills_of(account, amount_minor, alone=False) for paid in _paid(turn, account, line)]
    if not found:
        return None
    at, paid_minor = max(found)
    return RepeatView(paid_minor, at.astimezone(here).isoformat(timespec="seconds"), account.last4)


def _paid(turn: Turn, account: Account, line: LinePaid) -> list[tuple[datetime, int]]:
    now = datetime.fromisoformat(turn.moment.utc)
    ours = [
        datetime.fromisoformat(paid.at)
        for paid in turn.books.paid
        if paid.invoice == line.invoice
        and paid.amount_minor == line.amount_minor
        # A bill has another account's name while the line is down; a credit has none of its own.
        and (paid.invoice or paid.account == line.account)
    ]
    cities = [
        datetime.fromisoformat(paid.at)
        for invoice in account.invoices
        if invoice.id == line.invoice
        for paid in invoice.paid_lately
        if paid.amount_minor == line.amount_minor
    ]
    return [(at, line.amount_minor) for at in (*(at for at in ours if now - at <= LATELY), *cities)]


def pay_again(turn: Turn, value: str) -> None:
    del value
    turn.show(stage="tender", repeat=None)


def leave_it(turn: Turn, value: str) -> None:
    """With other bills chosen before, those stay to be paid."""
    del value
    turn.show(repeat=None)
    if not back_to_cart(turn):
        leave(turn, "cancelled")
