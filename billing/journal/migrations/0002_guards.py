"""What kiosks posted is never changed or removed."""

from typing import Any

from django.db import migrations

from billing.ledger import guards


def _install(apps: Any, schema_editor: Any) -> None:
    for table in guards.JOURNAL_TABLES:
        for statement in guards.append_only_statements(schema_editor.connection.vendor, table):
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("journal", "0001_initial"), ("ledger", "0002_guards")]
    operations = [migrations.RunPython(_install)]
