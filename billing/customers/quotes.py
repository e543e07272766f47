"""Quotes: what a sum would settle, before anyone pays it."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.customers.models import Account, Quote
from billing.customers.statement import MINIMUM_MINOR, open_bills

FEE_SCHEDULE = "2026-01-cash-free"  # cash carries no fee
_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True)
class NotQuotable(Exception):
    """`field` of the request cannot be quoted; `code` says why."""

    field: str
    code: str


def quote(account: Account, amount_minor: int, now: datetime) -> Quote:
    """Return a stored quote: bills oldest first, the rest as credit on the account. No fee."""
    if account.status == "closed":
        raise NotQuotable("account", "closed")
    if amount_minor < MINIMUM_MINOR:
        raise NotQuotable("amount_minor", "below-minimum")
    lines, rest = [], amount_minor
    for bill in open_bills(account)[0]:
        part = min(rest, bill.owed_minor)
        if part:
            lines.append({"account": account.token, "invoice": bill.invoice.number, "amount_minor": part})
            rest -= part
    if rest:
        lines.append({"account": account.token, "invoice": "", "amount_minor": rest})
    created: Quote = Quote.objects.create(
        quote_id=uuid.uuid4(),
        account=account,
        amount_minor=amount_minor,
        lines=lines,
        fee_schedule_version=FEE_SCHEDULE,
        expires_at=now + _LIFETIME,
    )
    return created
