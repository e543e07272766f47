"""Who owes the city what: customers, their accounts and services, and the invoices sent to them.

What is still owed on an invoice is never stored here: it is the invoice's balance in the ledger.
"""

import secrets

from django.conf import settings
from django.db import models


def new_token() -> str:
    """Return a name for an account that says nothing about it."""
    return f"a{secrets.token_hex(12)}"


class City(models.Model):
    """The one city this server works for."""

    name = models.CharField(max_length=80)
    hall = models.CharField(max_length=120, blank=True)
    postal = models.CharField(max_length=80, blank=True)
    phone = models.CharField(max_length=30, blank=True)
    web = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name_plural = "city"

    def __str__(self) -> str:
        return str(self.name)

    @classmethod
    def current(cls) -> "City":
        return cls.objects.first() or cls(name="City")

    @property
    def time_zone(self) -> str:
        return str(settings.TIME_ZONE)


class Customer(models.Model):
    """A person or a business."""

    name = models.CharField(max_length=120, db_index=True)

    def __str__(self) -> str:
        return str(self.name)


class Account(models.Model):
    """A customer's relation with the city at one address. `token` stands for it everywhere outside this server."""

    STATUS = (("open", "open"), ("closed", "closed"))

    number = models.CharField(max_length=8, unique=True, help_text="8 digits, the last by the Luhn rule")
    token = models.CharField(max_length=40, unique=True, default=new_token)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="accounts")
    house_number = models.CharField(max_length=10)
    street = models.CharField(max_length=80)
    status = models.CharField(max_length=6, choices=STATUS, default="open")
    opened_on = models.DateField()
    closed_on = models.DateField(null=True, blank=True)
    checks_refused = models.BooleanField(default=False, help_text="kiosks take no check for it: one came back")

    def __str__(self) -> str:
        return f"{self.number} · {self.house_number} {self.street}"


class Service(models.Model):
    """What the account is billed for."""

    KINDS = (("water", "water"), ("sewer", "sewer"), ("refuse", "refuse"), ("licence", "business licence"))

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="services")
    kind = models.CharField(max_length=10, choices=KINDS)
    detail = models.CharField(max_length=80, blank=True)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.detail}".strip()


class Invoice(models.Model):
    """`number` is the 7 digits of the bill code; `shut_off` marks a disconnection notice."""

    KINDS = (("utility", "utility"), ("licence", "business licence"))

    number = models.CharField(max_length=7, unique=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invoices")
    kind = models.CharField(max_length=10, choices=KINDS)
    label = models.CharField(max_length=80)
    issued_on = models.DateField()
    due_date = models.DateField()
    shut_off = models.BooleanField(default=False)

    class Meta:
        ordering = ("due_date", "number")

    def __str__(self) -> str:
        return f"{self.number} · {self.label}"


class InvoiceLine(models.Model):
    """One charge, in cents."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    position = models.IntegerField()
    code = models.CharField(max_length=20)
    label = models.CharField(max_length=80)
    amount_minor = models.BigIntegerField()

    class Meta:
        ordering = ("position",)
        constraints = (models.UniqueConstraint(fields=("invoice", "position"), name="customers_line_position"),)

    def __str__(self) -> str:
        return str(self.label)


class Quote(models.Model):
    """What a payment of `amount_minor` would settle, promised until `expires_at`. It holds nothing back."""

    quote_id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    amount_minor = models.BigIntegerField()
    lines = models.JSONField()
    fee_schedule_version = models.CharField(max_length=20)
    expires_at = models.DateTimeField()


class ApplicationRule(models.Model):
    """In which order a part payment is applied to bills, from a day on. The newest that has begun holds."""

    ORDERS = (
        ("oldest", "oldest bill first"),
        ("shut_off", "bills with a shut-off notice first, then the oldest"),
        ("utility", "utility bills first, then the oldest"),
    )

    valid_from = models.DateField(unique=True)
    name = models.SlugField(max_length=40, unique=True, help_text="stands on receipts' records")
    order = models.CharField(max_length=10, choices=ORDERS)

    class Meta:
        ordering = ("-valid_from",)

    def __str__(self) -> str:
        return str(self.name)


class TenderLimit(models.Model):
    """The most that one tender may give, from a day on. Kiosks keep to it; a payment that was made is never refused."""

    TENDERS = (("cash", "cash"), ("card", "card"), ("check", "check"))

    tender = models.CharField(max_length=5, choices=TENDERS)
    valid_from = models.DateField()
    payment_minor = models.PositiveBigIntegerField(default=0, help_text="in one payment, in cents; 0: no limit")
    day_minor = models.PositiveBigIntegerField(default=0, help_text="for one account in a day, in cents; 0: no limit")

    class Meta:
        ordering = ("tender", "-valid_from")
        constraints = (models.UniqueConstraint(fields=("tender", "valid_from"), name="customers_limit_once"),)

    def __str__(self) -> str:
        return f"{self.tender} from {self.valid_from}"


class Misses(models.Model):
    """Failed look-ups of one kiosk or one typed account number within the running minute."""

    key = models.CharField(max_length=80, primary_key=True)
    count = models.IntegerField(default=0)
    window_start = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True)
    delay_s = models.IntegerField(default=0)
