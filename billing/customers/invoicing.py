"""Issuing invoices: the document and its booking are made together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import transaction

from billing.customers.models import Account, Invoice, InvoiceLine
from billing.ledger import posting
from billing.ledger.chart import OTHER_REVENUE, RECEIVABLE, REVENUE
from billing.ledger.posting import Draft, Line


@dataclass(frozen=True)
class Charge:
    code: str
    label: str
    amount_minor: int


@dataclass(frozen=True)
class Bill:
    """An invoice to be issued, with at least one charge above zero."""

    number: str
    account: Account
    kind: str
    label: str
    issued_on: date
    due_date: date
    charges: tuple[Charge, ...]
    shut_off: bool = False


def issue(bills: Sequence[Bill], posted_at: datetime) -> list[Invoice]:
    """Store `bills` and book each: debit receivable, credit revenue by charge. All or none."""
    with transaction.atomic():
        invoices: list[Invoice] = Invoice.objects.bulk_create(
            Invoice(
                number=bill.number,
                account=bill.account,
                kind=bill.kind,
                label=bill.label,
                issued_on=bill.issued_on,
                due_date=bill.due_date,
                shut_off=bill.shut_off,
            )
            for bill in bills
        )
        InvoiceLine.objects.bulk_create(
            InvoiceLine(
                invoice=invoice,
                position=position,
                code=charge.code,
                label=charge.label,
                amount_minor=charge.amount_minor,
            )
            for bill, invoice in zip(bills, invoices, strict=True)
            for position, charge in enumerate(bill.charges)
        )
        posting.post([_draft(bill) for bill in bills], posted_at)
    return invoices


def _draft(bill: Bill) -> Draft:
    total = sum(charge.amount_minor for charge in bill.charges)
    credits = tuple(
        Line(REVENUE.get(charge.code, OTHER_REVENUE), bill.number, -charge.amount_minor) for charge in bill.charges
    )
    return Draft(
        reference=f"invoice/{bill.number}",
        description=bill.label,
        currency=settings.CURRENCY,
        value_date=bill.issued_on,
        lines=(Line(RECEIVABLE, bill.number, total), *credits),
    )
