"""Two people resolve what waits in suspense; the database sees to it."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from billing.ledger import guards


def _install(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    statements = guards.suspense_statements(vendor)
    for table in guards.SUSPENSE_TABLES:
        statements += guards.append_only_statements(vendor, table)
    for statement in statements:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0001_initial"),
        ("journal", "0002_guards"),
        ("ledger", "0004_cash_short"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="suspenseitem",
            name="answered_seq",
            field=models.BigIntegerField(help_text="the record that says what became of the note", null=True),
        ),
        migrations.CreateModel(
            name="Resolution",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "way",
                    models.CharField(
                        choices=[
                            ("credit", "credit on an account"),
                            ("invoice", "pays an invoice"),
                            ("join", "an unexpected note is the note in doubt"),
                            ("offset", "the missing cash is this other item"),
                            ("counted", "found at the count"),
                            ("short", "never found: the city bears it"),
                            ("words", "closed by words"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "cash_subject",
                    models.CharField(blank=True, help_text="kiosk/period whose cash was counted", max_length=60),
                ),
                ("summary", models.CharField(max_length=200)),
                ("why", models.TextField()),
                ("proposed_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="customers.account"),
                ),
                (
                    "invoice",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="customers.invoice"),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resolutions",
                        to="journal.suspenseitem",
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="other_resolutions",
                        to="journal.suspenseitem",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "permissions": (
                    ("propose_resolution", "Can propose what becomes of a suspense item"),
                    ("confirm_resolution", "Can confirm what another person proposed"),
                ),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ResolutionEnd",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "outcome",
                    models.CharField(choices=[("confirmed", "confirmed"), ("withdrawn", "withdrawn")], max_length=10),
                ),
                ("at", models.DateTimeField()),
                ("why", models.TextField(blank=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "resolution",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="end", to="journal.resolution"
                    ),
                ),
                (
                    "transaction",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resolution_end",
                        to="ledger.transaction",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.RunPython(_install),
    ]
