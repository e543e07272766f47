"""What a kiosk may know of an account: masked, with live balances, bills oldest first."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings

from billing import clock
from billing.claims.holding import is_held
from billing.customers import rules
from billing.customers.models import Account, Invoice
from billing.ledger import balances
from billing.ledger.chart import CREDIT, RECEIVABLE

MINIMUM_MINOR = 100


@dataclass(frozen=True)
class OpenBill:
    """`owed_minor` is what is left after the account's credit, which is counted against the oldest bills first."""

    invoice: Invoice
    owed_minor: int


def open_bills(account: Account) -> tuple[list[OpenBill], int]:
    """Return the bills still owed, oldest first, and the credit in cents that no bill has used up."""
    invoices = list(account.invoices.prefetch_related("lines"))
    owed = balances.by_subject(RECEIVABLE, [invoice.number for invoice in invoices], settings.CURRENCY)
    credit = -balances.by_subject(CREDIT, [account.number], settings.CURRENCY).get(account.number, 0)
    bills = []
    for invoice in invoices:
        due = max(0, owed.get(invoice.number, 0))
        used = min(due, max(0, credit))
        credit -= used
        if due > used:
            bills.append(OpenBill(invoice, due - used))
    return bills, credit


def statement(account: Account, now: datetime) -> dict[str, Any]:
    """Return the account as docs/wire.md shows it."""
    today = clock.city_date(now)
    bills, credit = open_bills(account)
    lately = rules.paid_lately((bill.invoice.number for bill in bills), now)
    invoices = [_invoice(bill, today, lately) for bill in bills]
    return {
        "account": account.token,
        "last4": account.number[-4:],
        "name": mask_name(account.customer.name),
        "address": mask_address(account.house_number, account.street),
        "status": account.status,
        "currency": settings.CURRENCY,
        "balance_minor": sum(bill.owed_minor for bill in bills) - credit,
        "past_due_minor": sum(invoice["past_due_minor"] for invoice in invoices),
        "as_of": clock.stamp(now),
        "minimum_minor": MINIMUM_MINOR,
        "shut_off_held": is_held(account),
        **rules.wire(account, [bill.invoice for bill in bills], now),
        "invoices": invoices,
    }


def mask_name(name: str) -> str:
    """Return initials: "J. R." for "Jolene Reyes"."""
    return " ".join(f"{word[0].upper()}." for word in name.split() if word[0].isalnum())


def mask_address(house_number: str, street: str) -> str:
    """Return the address with one digit of the house number: "1.. Maple St" for 142 Maple St."""
    return f"{house_number[:1]}{'.' * max(0, len(house_number) - 1)} {street}"


def _invoice(bill: OpenBill, today: date, lately: list[rules.Paid]) -> dict[str, Any]:
    invoice = bill.invoice
    return {
        "id": invoice.number,
        "kind": invoice.kind,
        "label": invoice.label,
        "due_date": invoice.due_date.isoformat(),
        "balance_minor": bill.owed_minor,
        "past_due_minor": bill.owed_minor if invoice.due_date < today else 0,
        "shut_off": invoice.shut_off,
        "paid_lately": [
            {"amount_minor": paid.amount_minor, "at": clock.stamp(paid.at)}
            for paid in lately
            if paid.invoice == invoice.number
        ],
        "lines": [
            {"code": line.code, "label": line.label, "amount_minor": line.amount_minor} for line in invoice.lines.all()
        ],
    }
