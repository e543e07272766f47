"""What the card processor says was charged, as staff upload it. Evidence: it books nothing and never changes."""

from django.conf import settings
from django.db import models


class ProcessorList(models.Model):
    """One uploaded file. Of its text only what reconciling needs is kept."""

    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the file: the same one comes in once")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    first_on = models.DateField()
    last_on = models.DateField()
    lines_kept = models.IntegerField()
    lines_known = models.IntegerField(help_text="stood in an earlier file already")

    class Meta:
        default_permissions = ("add", "view")

    def __str__(self) -> str:
        return f"{self.name}, {self.first_on} to {self.last_on}"


class ProcessorLine(models.Model):
    """One transaction at the processor; `amount_minor` is below 0 for what went back to a card."""

    list = models.ForeignKey(ProcessorList, on_delete=models.PROTECT, related_name="lines")
    reference = models.CharField(max_length=40, db_index=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    processed_on = models.DateField(db_index=True)
    processor_id = models.CharField(max_length=60, blank=True, db_index=True)

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.reference} {self.amount_minor} {self.currency}"
