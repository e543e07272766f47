"""An account for cash that was receipted and never found: the city bears it, and it is shown by itself."""

from typing import Any

from django.db import migrations, models

from billing.ledger.chart import CASH_SHORT


def _open(apps: Any, schema_editor: Any) -> None:
    accounts = apps.get_model("ledger", "LedgerAccount").objects.using(schema_editor.connection.alias)
    if not accounts.filter(code=CASH_SHORT).exists():  # a fresh database has it from the chart
        accounts.create(code=CASH_SHORT, title="Cash short", kind="expense")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_chart")]
    operations = [
        migrations.AlterField(
            model_name="ledgeraccount",
            name="kind",
            field=models.CharField(
                choices=[
                    ("asset", "asset"),
                    ("liability", "liability"),
                    ("revenue", "revenue"),
                    ("expense", "expense"),
                ],
                max_length=10,
            ),
        ),
        migrations.RunPython(_open),
    ]
