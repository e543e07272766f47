"""What the city lays down about payments: the order of bills, limits by tender, and what was paid a moment ago."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Subquery, Sum

from billing import clock
from billing.customers.models import Account, ApplicationRule, Invoice, TenderLimit
from billing.journal import cards
from billing.journal.models import Payment
from billing.kiosks.models import Kiosk
from billing.ledger.chart import CLEARING, CREDIT, RECEIVABLE
from billing.ledger.models import Entry

LATELY = timedelta(minutes=10)
TENDERS = tuple(tender for tender, _ in TenderLimit.TENDERS)
_OLDEST = ApplicationRule(name="oldest-first", order="oldest")


@dataclass(frozen=True)
class Limit:
    """What `tender` may still give, in cents; None where nothing limits it."""

    tender: str
    payment_minor: int | None
    day_minor: int | None
    left_today_minor: int | None


@dataclass(frozen=True)
class Paid:
    """What a kiosk's payment put on an invoice, as far as the server has heard."""

    invoice: str
    amount_minor: int
    at: datetime


def rule_of(today: date) -> ApplicationRule:
    """Return the rule in force; oldest bill first where the city has laid down none."""
    found: ApplicationRule | None = ApplicationRule.objects.filter(valid_from__lte=today).first()
    return found or _OLDEST


def in_order(rule: ApplicationRule, invoices: Iterable[Invoice]) -> list[Invoice]:
    """Return `invoices` in the order in which a part payment is applied to them."""
    return sorted(invoices, key=lambda invoice: (not _is_first(rule, invoice), invoice.due_date, invoice.number))


def limits(account: Account, today: date) -> list[Limit]:
    """Return the limits of each tender, with what is left of the day's."""
    used = paid_on(account, today)
    return [_limit(tender, used[tender], today) for tender in TENDERS]


def paid_on(account: Account, day: date) -> dict[str, int]:
    """Return what each tender has given on `day`, at any kiosk, in payments with a line for `account`.

    A payment for several accounts counts whole for each of them: which note paid which bill is not known. What its
    card got back does not count.
    """
    placed = Q(account=account) | Q(kiosk__in=Kiosk.objects.values("pk"), payment_id__in=_paying(account, day))
    payments = Payment.objects.filter(placed, value_date=day, currency=settings.CURRENCY)
    sums = payments.aggregate(**{tender: Sum(f"{tender}_minor") for tender in TENDERS})
    used = {tender: sums[tender] or 0 for tender in TENDERS}
    own = payments.filter(kiosk=OuterRef("kiosk"), payment_id=OuterRef("payment_id"))
    named = payments.values_list("payment_id", flat=True)
    back = cards.refunds().filter(Exists(own), kiosk__in=payments.values("kiosk"), payment_id__in=named, leg="bill")
    used["card"] = max(0, used["card"] - (back.aggregate(sum=Sum("amount_minor"))["sum"] or 0))
    return used


def paid_lately(invoices: Iterable[str], now: datetime) -> list[Paid]:
    """Return what kiosks put on these invoices within the last ten minutes, newest first, less what they refunded.

    A refund takes off its own payment alone: what somebody else has just paid is still to be asked about.
    """
    clearing = Entry.objects.filter(transaction=OuterRef("transaction"), account=CLEARING)
    lines = Entry.objects.filter(
        account=RECEIVABLE,
        subject__in=list(invoices),
        transaction__posted_at__gte=now - LATELY,
        transaction__description__in=("PaymentCompleted", "CardRefunded"),
    ).annotate(payment=Subquery(clearing.values("subject")[:1]))
    found: list[Paid] = []
    refunded = Counter[tuple[str, str]]()
    rows = lines.order_by("-pk").values_list("subject", "payment", "amount_minor", "transaction__posted_at")
    for invoice, payment, amount, at in rows:
        if amount > 0:
            refunded[invoice, payment] += amount
            continue
        back = min(-amount, refunded[invoice, payment])
        refunded[invoice, payment] -= back
        if back < -amount:
            found.append(Paid(invoice, -amount - back, at))
    return found


def wire(account: Account, invoices: list[Invoice], now: datetime) -> dict[str, Any]:
    """Return what a look-up says of all this (docs/wire.md)."""
    today = clock.city_date(now)
    rule = rule_of(today)
    return {
        "apply": {
            "rule": rule.name,
            "kind": rule.order,
            "text": dict(ApplicationRule.ORDERS)[rule.order],
            "order": [invoice.number for invoice in in_order(rule, invoices)],
        },
        "limits": [vars(limit) for limit in limits(account, today)],
        "cash_report_minor": settings.CASH_REPORT_MINOR,
        "checks": "refused" if account.checks_refused else "taken",
    }


def _paying(account: Account, day: date) -> list[str]:
    """Return the ids of payments that the ledger of `day` places on `account`: on its bills, or as its credit."""
    bills = Q(account=RECEIVABLE, subject__in=account.invoices.values_list("number", flat=True))
    placed = Entry.objects.filter(
        bills | Q(account=CREDIT, subject=account.number),
        transaction__description="PaymentCompleted",
        transaction__value_date=day,
        amount_minor__lt=0,
    )
    emptied = Entry.objects.filter(account=CLEARING, transaction__in=placed.values("transaction"))
    return list(emptied.values_list("subject", flat=True).distinct())


def _is_first(rule: ApplicationRule, invoice: Invoice) -> bool:
    if rule.order == "shut_off":
        return bool(invoice.shut_off)
    return bool(rule.order == "utility" and invoice.kind == "utility")


def _limit(tender: str, used_minor: int, today: date) -> Limit:
    found = TenderLimit.objects.filter(tender=tender, valid_from__lte=today).first()
    payment = found.payment_minor if found else 0
    day = found.day_minor if found else 0
    if tender == "cash":  # a sum that has to be reported goes to staff
        day = min(day or settings.CASH_REPORT_MINOR, settings.CASH_REPORT_MINOR)
    return Limit(tender, payment or None, day or None, max(0, day - used_minor) if day else None)
