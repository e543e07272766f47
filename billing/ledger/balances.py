"""Reading the ledger: sums in cents, debit above 0, credit below."""

from collections.abc import Collection
from typing import Any

from django.db.models import Case, F, Max, Sum, Value, When

from billing import rows
from billing.ledger.models import Entry

_BY_SUBJECT = (
    "SELECT e.subject, t.currency, CAST(SUM(e.amount_minor) AS BIGINT)"
    " FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id"
    " WHERE e.account_id = {} AND e.subject IN {} GROUP BY e.subject, t.currency"
)


def by_subject(account: str, subjects: Collection[str], currency: str) -> dict[str, int]:
    """Return the balance of each of `subjects` that has entries in `account`."""
    balances = by_subject_and_currency(account, subjects)
    return {subject: total for (subject, of), total in balances.items() if of == currency}


def by_subject_and_currency(account: str, subjects: Collection[str]) -> dict[tuple[str, str], int]:
    """Return balances by (subject, currency)."""
    found = rows.select(_BY_SUBJECT, account, subjects)
    return {(subject, currency): total for subject, currency, total in found}


def standing(account: str) -> list[dict[str, Any]]:
    """Return each subject and currency with a balance in `account`, and when its last line was posted, oldest first."""
    rows = (
        Entry.objects.filter(account=account)
        .values("subject", currency=F("transaction__currency"))
        .annotate(balance_minor=Sum("amount_minor"), since=Max("transaction__posted_at"))
        .exclude(balance_minor=0)
        .order_by("since", "subject", "currency")
    )
    return list(rows)


def trial_balance() -> dict[str, dict[str, Any]]:
    """Return, for each currency, each account's debits, credits and balance, and the totals over all accounts."""
    debit = Sum(Case(When(amount_minor__gt=0, then=F("amount_minor")), default=Value(0)))
    credit = Sum(Case(When(amount_minor__lt=0, then=-F("amount_minor")), default=Value(0)))
    rows = (
        Entry.objects.values("transaction__currency", "account_id", "account__title")
        .annotate(debit=debit, credit=credit)
        .order_by("transaction__currency", "account_id")
    )
    report: dict[str, dict[str, Any]] = {}
    for row in rows:
        part = report.setdefault(row["transaction__currency"], {"accounts": [], "debit_minor": 0, "credit_minor": 0})
        part["accounts"].append(
            {
                "account": row["account_id"],
                "title": row["account__title"],
                "debit_minor": row["debit"],
                "credit_minor": row["credit"],
                "balance_minor": row["debit"] - row["credit"],
            }
        )
        part["debit_minor"] += row["debit"]
        part["credit_minor"] += row["credit"]
    return report
