"""Refunds by staff: an attempt that names its sale, and a memo of one whose end is not known."""

from typing import Any

from django.db import migrations, models

from billing.ledger import guards


def _install(apps: Any, schema_editor: Any) -> None:
    for statement in guards.refunds_statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("journal", "0005_tenders"),
        ("ledger", "0005_tenders"),
    ]

    operations = [
        migrations.AddField(
            model_name="cardattempt",
            name="of",
            field=models.CharField(
                blank=True, default="", help_text="the sale that this refunds, if it is a refund", max_length=16
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="cardattempt",
            name="state",
            field=models.CharField(
                choices=[
                    ("started", "under way"),
                    ("approved", "approved"),
                    ("declined", "declined"),
                    ("cancelled", "cancelled"),
                    ("not_started", "never reached the terminal"),
                    ("absent", "not at the terminal: not paid"),
                    ("unknown", "unknown"),
                    ("voiding", "being voided"),
                    ("void_unknown", "void unknown"),
                    ("voided", "voided"),
                    ("refunded", "refunded"),
                ],
                max_length=12,
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
                    ("already", "its money was booked before by two people"),
                    ("paid", "found paid at the processor"),
                    ("unpaid", "found not paid at the processor"),
                    ("voided", "found voided at the processor"),
                    ("refunded", "found refunded at the processor"),
                    ("owed", "owed again: the card was paid back"),
                    ("words", "closed by words"),
                ],
                max_length=10,
            ),
        ),
        migrations.RunPython(_install),
    ]
