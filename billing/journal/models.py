"""What kiosks have posted: records as received, and what the server made of them. Records are never changed.

A suspense item changes once, when it is resolved: by two people (Resolution, ResolutionEnd) or, for a memo, by the
journal itself. Triggers in the database keep this too (billing/ledger/sql/suspense_*.sql).
"""

from django.conf import settings
from django.db import models

from billing.kiosks.models import Chain, Kiosk
from billing.ledger.models import Transaction


class Record(models.Model):
    """One record of a chain: the entry's text as received, its hash and signature, and where it was booked."""

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT, related_name="records")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=60, db_index=True)
    entry = models.TextField()
    hash = models.CharField(max_length=64)
    sig = models.CharField(max_length=88)
    device_time = models.CharField(max_length=40)
    clock_doubtful = models.BooleanField()
    received_at = models.DateTimeField()
    disposition = models.CharField(max_length=10)
    reason = models.CharField(max_length=100, blank=True)
    transaction = models.OneToOneField(Transaction, null=True, on_delete=models.PROTECT, related_name="record")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("chain", "seq"), name="journal_record_place"),)

    def __str__(self) -> str:
        return f"{self.chain} #{self.seq} {self.kind}"


class ForkRecord(models.Model):
    """A signed record for a place that another one holds, or one that follows such a record: the losing branch."""

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT, related_name="fork_records")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=60)
    entry = models.TextField()
    hash = models.CharField(max_length=64)
    sig = models.CharField(max_length=88)
    received_at = models.DateTimeField()
    transaction = models.OneToOneField(Transaction, null=True, on_delete=models.PROTECT, related_name="fork_record")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("chain", "hash"), name="journal_fork_once"),)


class Quarantined(models.Model):
    """What was refused as malformed, as JSON text of the record that came."""

    kiosk = models.ForeignKey(Kiosk, on_delete=models.PROTECT)
    epoch = models.IntegerField()
    digest = models.CharField(max_length=64)
    raw = models.TextField()
    why = models.CharField(max_length=100)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "quarantined"
        constraints = (models.UniqueConstraint(fields=("kiosk", "epoch", "digest"), name="journal_quarantine_once"),)


class BookedNote(models.Model):
    """A banknote whose cash stands in the ledger: the same note is never booked again, on whatever branch."""

    kiosk = models.ForeignKey(Kiosk, on_delete=models.PROTECT)
    note_id = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kiosk", "note_id"), name="journal_note_once"),)


class BookedTender(models.Model):
    """A card sale, void, refund, check or payout that stands in the ledger, so that it is never booked again."""

    kiosk = models.ForeignKey(Kiosk, on_delete=models.PROTECT)
    what = models.CharField(max_length=10)
    name = models.CharField(max_length=64, help_text="the attempt's reference, the check's id or the payout's note")
    payment_id = models.CharField(max_length=64)
    amount_minor = models.BigIntegerField()
    fork = models.BooleanField(help_text="told of by the losing branch of a fork")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("kiosk", "name", "what", "payment_id"), name="journal_tender_once"),
        )


class CardAttempt(models.Model):
    """Where an attempt to pay by card, or to refund one, stands, by the kiosk's last word. What is booked stands in the
    ledger alone.

    A reference is minted once; only the two branches of a fork may use one for two payments.
    """

    STATES = (
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
    )

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT, related_name="card_attempts")
    kiosk = models.ForeignKey(Kiosk, on_delete=models.PROTECT)
    seq = models.BigIntegerField(help_text="the record that told of it first")
    last_seq = models.BigIntegerField(help_text="the record that told of it last")
    fork = models.BooleanField(help_text="told of by the losing branch of a fork alone")
    reference = models.CharField(max_length=16)
    of = models.CharField(max_length=16, blank=True, help_text="the sale that this refunds, if it is a refund")
    payment_id = models.CharField(max_length=64)
    leg = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=12, choices=STATES)
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)
    terminal = models.CharField(max_length=64, blank=True)
    terminal_id = models.CharField(max_length=64, blank=True)
    terminal_ref = models.CharField(max_length=64, blank=True)
    batch = models.CharField(max_length=64, blank=True)
    brand = models.CharField(max_length=40, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    approval = models.CharField(max_length=40, blank=True)
    void_reference = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField(help_text="by the kiosk's clock if it is to be trusted")
    changed_at = models.DateTimeField(help_text="as above, of the last word")
    approved_on = models.DateField(null=True, help_text="the city's day of the approval")
    unknown_since = models.DateTimeField(null=True)
    void_unknown_since = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("kiosk", "reference", "payment_id"), name="journal_attempt_once"),
        )
        indexes = (
            models.Index(fields=("state", "changed_at"), name="journal_attempt_state"),
            models.Index(fields=("approved_on", "kiosk"), name="journal_attempt_day"),
            models.Index(fields=("kiosk", "payment_id"), name="journal_attempt_payment"),
        )

    def __str__(self) -> str:
        return str(self.reference)


class Payment(models.Model):
    """A completed payment, found again by its receipt number. One payment may have several (docs/wire.md).

    `cash_minor` is what stayed in the box, after change. The tenders' sums are the kiosk's word.
    """

    kiosk = models.ForeignKey(Kiosk, on_delete=models.PROTECT)
    payment_id = models.CharField(max_length=64)
    receipt_number = models.CharField(max_length=40, db_index=True)
    account = models.ForeignKey("customers.Account", null=True, on_delete=models.PROTECT)
    total_minor = models.BigIntegerField()
    cash_minor = models.BigIntegerField(default=0)
    card_minor = models.BigIntegerField(default=0)
    check_minor = models.BigIntegerField(default=0)
    change_minor = models.BigIntegerField(default=0)
    fee_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    value_date = models.DateField()
    posted_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kiosk", "receipt_number"), name="journal_receipt_once"),)
        indexes = (models.Index(fields=("kiosk", "payment_id"), name="journal_payment_of"),)

    def __str__(self) -> str:
        return str(self.receipt_number)


class SuspenseItem(models.Model):
    """Money that waits for staff to place it, or (memo) a doubt about money that is in no ledger line."""

    chain = models.ForeignKey(Chain, on_delete=models.PROTECT)
    seq = models.BigIntegerField()
    memo = models.BooleanField()
    reason = models.CharField(max_length=100)
    subject = models.CharField(max_length=100, db_index=True)
    amount_minor = models.BigIntegerField(help_text="above 0: we hold it; below 0: receipted but not recorded as cash")
    currency = models.CharField(max_length=3)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=200, blank=True)
    answered_seq = models.BigIntegerField(null=True, help_text="the record that says what became of the note")

    class Meta:
        indexes = (models.Index(fields=("resolved_at", "opened_at"), name="journal_suspense_open"),)

    def __str__(self) -> str:
        return f"{self.reason} {self.amount_minor} {self.currency}"


class Resolution(models.Model):
    """One person's proposal of what becomes of an item, and of `other` with it; `end` says how it went."""

    WAYS = (
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
    )

    item = models.ForeignKey(SuspenseItem, on_delete=models.PROTECT, related_name="resolutions")
    other = models.ForeignKey(SuspenseItem, null=True, on_delete=models.PROTECT, related_name="other_resolutions")
    way = models.CharField(max_length=10, choices=WAYS)
    account = models.ForeignKey("customers.Account", null=True, on_delete=models.PROTECT)
    invoice = models.ForeignKey("customers.Invoice", null=True, on_delete=models.PROTECT)
    earlier = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="later", help_text="it booked this cash before"
    )
    cash_subject = models.CharField(max_length=60, blank=True, help_text="kiosk/period whose cash was counted")
    found_minor = models.BigIntegerField(null=True, help_text="what a note of unknown value was found to be worth")
    summary = models.CharField(max_length=200)
    why = models.TextField()
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        permissions = (
            ("propose_resolution", "Can propose what becomes of a suspense item"),
            ("confirm_resolution", "Can confirm what another person proposed"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.summary}"


class ResolutionEnd(models.Model):
    """How a proposal went. Confirming it resolves its items in the same statement, by trigger."""

    OUTCOMES = (("confirmed", "confirmed"), ("withdrawn", "withdrawn"))

    resolution = models.OneToOneField(Resolution, on_delete=models.PROTECT, related_name="end")
    outcome = models.CharField(max_length=10, choices=OUTCOMES)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    why = models.TextField(blank=True)
    transaction = models.OneToOneField(Transaction, null=True, on_delete=models.PROTECT, related_name="resolution_end")

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.resolution_id} {self.outcome}"
