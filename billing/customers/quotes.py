"""Quotes: what a sum would settle, before anyone pays it."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing import clock
from billing.customers import rules
from billing.customers.models import Account, Quote
from billing.customers.statement import MINIMUM_MINOR, open_bills

FEE_SCHEDULE = "2026-01-cash-free"  # cash carries no fee
_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True)
class NotQuotable(Exception):
    """`field` of the request cannot be quoted; `code` says why."""

    field: str
    code: str


def quote(account: Account, amount_minor: int, tender: str, now: datetime) -> Quote:
    """Return a stored quote: bills in the order of the city's rule, the rest as credit on the account. No fee."""
    today = clock.city_date(now)
    _require_quotable(account, amount_minor, next(one for one in rules.limits(account, today) if one.tender == tender))
    lines, rest = [], amount_minor
    owed = {bill.invoice: bill.owed_minor for bill in open_bills(account)[0]}
    for invoice in rules.in_order(rules.rule_of(today), owed):
        part = min(rest, owed[invoice])
        if part:
            lines.append({"account": account.token, "invoice": invoice.number, "amount_minor": part})
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


def repeats(quote: Quote, now: datetime) -> list[str]:
    """Return the invoices on which a kiosk put the very sum of their line within the last ten minutes."""
    paid = {
        (one.invoice, one.amount_minor) for one in rules.paid_lately((line["invoice"] for line in quote.lines), now)
    }
    return [line["invoice"] for line in quote.lines if (line["invoice"], line["amount_minor"]) in paid]


def _require_quotable(account: Account, amount_minor: int, limit: rules.Limit) -> None:
    if account.status == "closed":
        raise NotQuotable("account", "closed")
    if limit.tender == "check" and account.checks_refused:
        raise NotQuotable("tender", "refused")
    if amount_minor < MINIMUM_MINOR:
        raise NotQuotable("amount_minor", "below-minimum")
    if limit.payment_minor is not None and amount_minor > limit.payment_minor:
        raise NotQuotable("amount_minor", "over-payment-limit")
    if limit.left_today_minor is not None and amount_minor > limit.left_today_minor:
        raise NotQuotable("amount_minor", "over-day-limit")
