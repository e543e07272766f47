"""The kiosks, how they are let in, and one journal head for each kiosk and epoch."""

from django.db import models


class Kiosk(models.Model):
    """A kiosk at its place. `health` is the last heartbeat's, as JSON text."""

    id = models.SlugField(max_length=40, primary_key=True)
    receipt_prefix = models.SlugField(max_length=12, unique=True)
    place = models.CharField(max_length=120, blank=True)
    suspended = models.BooleanField(default=False, help_text="refuse look-ups; money is taken in all the same")
    seen_at = models.DateTimeField(null=True, editable=False)
    boot_id = models.CharField(max_length=64, blank=True, editable=False)
    counter = models.BigIntegerField(default=0, editable=False)
    health = models.TextField(blank=True, editable=False)

    def __str__(self) -> str:
        return str(self.id)


class Chain(models.Model):
    """One epoch of a kiosk's journal: its key, the nonce it starts from and the head as this server knows it."""

    kiosk = models.ForeignKey(Kiosk, on_delete=models.PROTECT, related_name="chains")
    epoch = models.IntegerField()
    public_key = models.CharField(max_length=44, help_text="base64 of the raw Ed25519 key")
    nonce = models.CharField(max_length=64)
    head_seq = models.BigIntegerField(default=0)
    head_hash = models.CharField(max_length=64)
    ledger_txn_id = models.BigIntegerField(default=0)
    frozen = models.CharField(max_length=40, blank=True, help_text="why this epoch may take no new money")
    enrolled_at = models.DateTimeField()
    hardware = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kiosk", "epoch"), name="kiosks_chain_epoch"),)

    def __str__(self) -> str:
        return f"{self.kiosk_id} epoch {self.epoch}"


class EnrolmentCode(models.Model):
    """A code that lets one key in, once. Only its SHA-256 is kept."""

    kiosk = models.ForeignKey(Kiosk, on_delete=models.PROTECT, related_name="codes")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    chain = models.OneToOneField(Chain, null=True, blank=True, on_delete=models.PROTECT, related_name="code")

    def __str__(self) -> str:
        return f"{self.kiosk_id} {self.created_at:%Y-%m-%d %H:%M}"


class SeenNonce(models.Model):
    """A request nonce that was used; kept as long as its request could still be within the time window."""

    kiosk_id = models.CharField(max_length=40)
    nonce = models.CharField(max_length=100)
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kiosk_id", "nonce"), name="kiosks_nonce_once"),)
