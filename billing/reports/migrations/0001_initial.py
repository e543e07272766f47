"""What the processor says was charged. It never changes."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from billing.ledger import guards


def _install(apps: Any, schema_editor: Any) -> None:
    for table in guards.PROCESSOR_TABLES:
        for statement in guards.append_only_statements(schema_editor.connection.vendor, table):
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("ledger", "0005_tenders"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProcessorList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                (
                    "digest",
                    models.CharField(
                        help_text="SHA-256 of the file: the same one comes in once", max_length=64, unique=True
                    ),
                ),
                ("uploaded_at", models.DateTimeField()),
                ("first_on", models.DateField()),
                ("last_on", models.DateField()),
                ("lines_kept", models.IntegerField()),
                ("lines_known", models.IntegerField(help_text="stood in an earlier file already")),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "default_permissions": ("add", "view"),
            },
        ),
        migrations.CreateModel(
            name="ProcessorLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(db_index=True, max_length=40)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("processed_on", models.DateField(db_index=True)),
                ("processor_id", models.CharField(blank=True, db_index=True, max_length=60)),
                (
                    "list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="reports.processorlist"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.RunPython(_install),
    ]
