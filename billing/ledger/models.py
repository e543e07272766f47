"""The double-entry ledger. The database itself keeps these rules; see docs/adr/0003-ledger-in-the-database.md.

Debits are positive, credits negative, in cents. A transaction arrives as one row that carries all its lines;
a trigger refuses it unless they add up to zero and writes the entries. Nothing is ever changed or removed.
"""

from django.db import models


class LedgerAccount(models.Model):
    """One row of the chart of accounts."""

    KINDS = (("asset", "asset"), ("liability", "liability"), ("revenue", "revenue"), ("expense", "expense"))

    code = models.CharField(max_length=40, primary_key=True)
    title = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=KINDS)

    def __str__(self) -> str:
        return f"{self.code} · {self.title}"


class Transaction(models.Model):
    """`lines` is `[[account code, subject, amount], ...]`; `reference` names the business event and occurs once."""

    reference = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    value_date = models.DateField(db_index=True)
    posted_at = models.DateTimeField()
    lines = models.JSONField()
    reverses = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversal")

    def __str__(self) -> str:
        return f"{self.pk} · {self.reference}"


class Entry(models.Model):
    """One line, written by the database. `subject` is the sub-ledger key: an invoice, a payment, a kiosk's period."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="entries")
    line = models.IntegerField()
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="entries", db_index=False)
    subject = models.CharField(max_length=100)
    amount_minor = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "entries"
        constraints = (models.UniqueConstraint(fields=("transaction", "line"), name="ledger_entry_line"),)
        indexes = (models.Index(fields=("account", "subject"), name="ledger_entry_subject"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.subject} {self.amount_minor}"
