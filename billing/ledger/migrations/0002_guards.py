"""The rules that the database keeps: balance, no change, no removal (docs/adr/0003-ledger-in-the-database.md)."""

from typing import Any

from django.db import migrations

from billing.ledger import guards


def _install(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    for statement in guards.ledger_statements(vendor):
        schema_editor.execute(statement, params=None)
    for table in guards.LEDGER_TABLES:
        for statement in guards.append_only_statements(vendor, table):
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunPython(_install)]
