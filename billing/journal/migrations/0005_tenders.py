"""Tenders other than notes: what is booked of them, the attempts to pay by card, and what each payment was made of."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from billing.ledger import guards


def _all_was_cash(apps: Any, schema_editor: Any) -> None:
    payments = apps.get_model("journal", "Payment").objects.using(schema_editor.connection.alias)
    payments.update(cash_minor=models.F("total_minor"))


def _install(apps: Any, schema_editor: Any) -> None:
    for statement in guards.tenders_statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("journal", "0004_booked_before"),
        ("kiosks", "0001_initial"),
        ("ledger", "0005_tenders"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="card_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="payment",
            name="cash_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="payment",
            name="change_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="payment",
            name="check_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="payment",
            name="fee_minor",
            field=models.BigIntegerField(default=0),
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
                    ("owed", "owed again: the card was paid back"),
                    ("words", "closed by words"),
                ],
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="BookedTender",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.CharField(max_length=10)),
                (
                    "name",
                    models.CharField(
                        help_text="the attempt's reference, the check's id or the payout's note", max_length=64
                    ),
                ),
                ("payment_id", models.CharField(max_length=64)),
                ("amount_minor", models.BigIntegerField()),
                ("fork", models.BooleanField(help_text="told of by the losing branch of a fork")),
                ("kiosk", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="kiosks.kiosk")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("kiosk", "name", "what", "payment_id"), name="journal_tender_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="CardAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.BigIntegerField(help_text="the record that told of it first")),
                ("last_seq", models.BigIntegerField(help_text="the record that told of it last")),
                ("fork", models.BooleanField(help_text="told of by the losing branch of a fork alone")),
                ("reference", models.CharField(max_length=16)),
                ("payment_id", models.CharField(max_length=64)),
                ("leg", models.CharField(blank=True, max_length=64)),
                (
                    "state",
                    models.CharField(
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
                        ],
                        max_length=12,
                    ),
                ),
                ("amount_minor", models.BigIntegerField(default=0)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("terminal", models.CharField(blank=True, max_length=64)),
                ("terminal_id", models.CharField(blank=True, max_length=64)),
                ("terminal_ref", models.CharField(blank=True, max_length=64)),
                ("batch", models.CharField(blank=True, max_length=64)),
                ("brand", models.CharField(blank=True, max_length=40)),
                ("last4", models.CharField(blank=True, max_length=4)),
                ("approval", models.CharField(blank=True, max_length=40)),
                ("void_reference", models.CharField(blank=True, max_length=64)),
                ("started_at", models.DateTimeField(help_text="by the kiosk's clock if it is to be trusted")),
                ("changed_at", models.DateTimeField(help_text="as above, of the last word")),
                ("approved_on", models.DateField(help_text="the city's day of the approval", null=True)),
                ("unknown_since", models.DateTimeField(null=True)),
                ("void_unknown_since", models.DateTimeField(null=True)),
                (
                    "chain",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="card_attempts", to="kiosks.chain"
                    ),
                ),
                ("kiosk", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="kiosks.kiosk")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["state", "changed_at"], name="journal_attempt_state"),
                    models.Index(fields=["approved_on", "kiosk"], name="journal_attempt_day"),
                    models.Index(fields=["kiosk", "payment_id"], name="journal_attempt_payment"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("kiosk", "reference", "payment_id"), name="journal_attempt_once")
                ],
            },
        ),
        migrations.RunPython(_install),
        migrations.RunPython(_all_was_cash),
    ]
