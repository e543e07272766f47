"""What people (or a kiosk for them) say the machine owes them, until somebody has answered."""

from django.db import models


class Claim(models.Model):
    """One ClaimOpened. It moves no money; `number` is on the slip that the person has in hand.

    A copied kiosk may give one number twice, so a claim is its record: the same record is the same claim.
    """

    OUTCOMES = (
        ("found_credited", "found, credited"),
        ("found_at_count", "found at the count"),
        ("not_found", "not found"),
        ("machine_fault", "machine fault"),
    )

    number = models.CharField(max_length=64, db_index=True)
    kiosk = models.ForeignKey("kiosks.Kiosk", on_delete=models.PROTECT, related_name="claims")
    chain = models.ForeignKey("kiosks.Chain", on_delete=models.PROTECT)
    seq = models.BigIntegerField()
    record_hash = models.CharField(max_length=64, unique=True)
    fork = models.BooleanField(default=False, help_text="made on the losing branch of a fork")
    opened_by = models.CharField(max_length=64)
    what = models.CharField(max_length=64)
    when = models.CharField(max_length=64)
    account = models.ForeignKey("customers.Account", null=True, on_delete=models.PROTECT, related_name="claims")
    amount_minor = models.BigIntegerField(help_text="0: not known")
    currency = models.CharField(max_length=3)
    session_id = models.CharField(max_length=64, blank=True)
    payment_id = models.CharField(max_length=64, blank=True)
    notes = models.JSONField(help_text="ids of the notes in question")
    notes_said = models.JSONField(help_text="value in cents and count of each note that the person says was put in")
    happened_at = models.DateTimeField(help_text="by the kiosk's clock")
    opened_at = models.DateTimeField(help_text="when it came in here")
    threatened = models.BooleanField(help_text="service on the account was about to be shut off")
    answer_by = models.DateField()
    outcome = models.CharField(max_length=20, choices=OUTCOMES, blank=True)
    words = models.CharField(max_length=300, blank=True)
    answered_by = models.CharField(max_length=150, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("answered_at", "answer_by"), name="claims_open"),)
        constraints = (
            models.CheckConstraint(
                name="claims_answer_is_whole",
                condition=models.Q(answered_at__isnull=True, outcome="", words="", answered_by="")
                | (
                    models.Q(answered_at__isnull=False)
                    & ~models.Q(outcome="")
                    & ~models.Q(words="")
                    & ~models.Q(answered_by="")
                ),
            ),
        )

    def __str__(self) -> str:
        return str(self.number)
