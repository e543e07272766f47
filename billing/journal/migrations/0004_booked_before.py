"""Cash that the count booked and a record booked again is taken back, once."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from billing.ledger import guards


def _install(apps: Any, schema_editor: Any) -> None:
    for statement in guards.earlier_statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("journal", "0003_resolutions")]

    operations = [
        migrations.AddField(
            model_name="resolution",
            name="earlier",
            field=models.ForeignKey(
                help_text="it booked this cash before",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="later",
                to="journal.resolution",
            ),
        ),
        migrations.AlterField(
            model_name="resolution",
            name="way",
            field=models.CharField(
                choices=[
                    ("credit", "credit on an account"),
                    ("invoice", "pays an invoice"),
                    ("join", "an unexpected note is the note in doubt"),
                    ("offset", "the missing cash is this other item"),
                    ("counted", "found at the count"),
                    ("short", "never found: the city bears it"),
                    ("already", "its cash was booked before: at the count, or as cash short"),
                    ("words", "closed by words"),
                ],
                max_length=10,
            ),
        ),
        migrations.RunPython(_install),
    ]
