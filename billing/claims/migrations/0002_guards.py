"""A claim changes once, when it is answered, also by hand at the database."""

from typing import Any

from django.db import migrations

from billing.ledger import guards


def _install(apps: Any, schema_editor: Any) -> None:
    for statement in guards.claims_statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("claims", "0001_initial"), ("ledger", "0002_guards")]
    operations = [migrations.RunPython(_install)]
