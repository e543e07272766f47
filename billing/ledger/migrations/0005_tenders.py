"""Accounts for what cards and checks brought in, and for the fees paid with cards."""

from typing import Any

from django.db import migrations

from billing.ledger.chart import CARD, CHART, CHECKS, FEES


def _open(apps: Any, schema_editor: Any) -> None:
    account = apps.get_model("ledger", "LedgerAccount")
    accounts = account.objects.using(schema_editor.connection.alias)
    present = set(accounts.values_list("code", flat=True))  # a fresh database has them from the chart
    accounts.bulk_create(
        account(code=code, title=title, kind=kind)
        for code, title, kind in CHART
        if code in (CARD, CHECKS, FEES) and code not in present
    )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_cash_short")]
    operations = [migrations.RunPython(_open)]
