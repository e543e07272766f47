"""The chart of accounts as first opened."""

from typing import Any

from django.db import migrations

from billing.ledger.chart import CHART


def _open(apps: Any, schema_editor: Any) -> None:
    account = apps.get_model("ledger", "LedgerAccount")
    accounts = account.objects.using(schema_editor.connection.alias)
    present = set(accounts.values_list("code", flat=True))
    accounts.bulk_create(
        account(code=code, title=title, kind=kind) for code, title, kind in CHART if code not in present
    )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards")]
    operations = [migrations.RunPython(_open)]
