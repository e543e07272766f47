"""The journal as staff see it, and the list of what they have to place."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from billing import clock
from billing.journal import cards, suspense_admin
from billing.journal.card_admin import CardAttemptAdmin
from billing.journal.models import (
    CardAttempt,
    ForkRecord,
    Payment,
    Quarantined,
    Record,
    Resolution,
    ResolutionEnd,
    SuspenseItem,
)
from billing.ledger.admin import ReadOnlyAdmin
from billing.money import format_minor


@admin.register(Record)
class RecordAdmin(ReadOnlyAdmin):
    list_display = ("chain", "seq", "kind", "disposition", "reason", "device_time", "clock_doubtful", "received_at")
    list_filter = ("chain", "disposition", "kind", "clock_doubtful")
    list_select_related = ("chain",)
    search_fields = ("entry",)


@admin.register(ForkRecord)
class ForkRecordAdmin(ReadOnlyAdmin):
    list_display = ("chain", "seq", "kind", "received_at", "transaction")
    list_select_related = ("chain", "transaction")


@admin.register(Quarantined)
class QuarantinedAdmin(ReadOnlyAdmin):
    list_display = ("kiosk", "epoch", "why", "received_at")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = (
        "receipt_number",
        "kiosk",
        "account",
        "total",
        "refunded",
        "cash",
        "card",
        "checks",
        "fee",
        "value_date",
        "posted_at",
    )
    list_filter = ("value_date", "kiosk")
    list_select_related = ("account", "kiosk")
    search_fields = ("receipt_number", "payment_id")

    def get_queryset(self, request: HttpRequest) -> Any:
        back = cards.refunds().filter(kiosk=OuterRef("kiosk"), payment_id=OuterRef("payment_id"))
        sums = back.order_by().values("payment_id").annotate(sum=Sum("amount_minor")).values("sum")
        return super().get_queryset(request).annotate(back_minor=Subquery(sums))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_fields(request, obj), "refunds")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "refunds")

    @admin.display(description="refunded", ordering="back_minor")
    def refunded(self, payment: Payment) -> str:
        return _unless_none(payment.back_minor or 0)

    @admin.display(description="refunds of this payment")
    def refunds(self, payment: Payment) -> SafeString:
        """Every attempt to give its money back, on whatever receipt of the payment."""
        found = CardAttempt.objects.filter(kiosk=payment.kiosk_id, payment_id=payment.payment_id).exclude(of="")
        shown = [
            (
                reverse("admin:journal_cardattempt_change", args=[one.pk]),
                one.reference,
                suspense_admin.money(one.amount_minor, one.currency),
                one.get_state_display(),
                clock.shown(one.started_at),
            )
            for one in found.order_by("pk")
        ]
        return format_html_join(mark_safe("<br>"), '<a href="{}">{}</a>: {}, {}, {}', shown) or mark_safe("none")

    @admin.display(description="total", ordering="total_minor")
    def total(self, payment: Payment) -> str:
        return suspense_admin.money(payment.total_minor, payment.currency)

    @admin.display(description="cash", ordering="cash_minor")
    def cash(self, payment: Payment) -> str:
        return _unless_none(payment.cash_minor)

    @admin.display(description="card", ordering="card_minor")
    def card(self, payment: Payment) -> str:
        return _unless_none(payment.card_minor)

    @admin.display(description="checks", ordering="check_minor")
    def checks(self, payment: Payment) -> str:
        return _unless_none(payment.check_minor)

    @admin.display(description="card fee", ordering="fee_minor")
    def fee(self, payment: Payment) -> str:
        return _unless_none(payment.fee_minor)


@admin.register(Resolution)
class ResolutionAdmin(ReadOnlyAdmin):
    """Every proposal ever made. They are made, confirmed and withdrawn on the item's own page."""

    list_display = ("id", "page", "summary", "why", "proposed_by", "proposed_at", "ended")
    list_filter = ("way", "end__outcome")
    list_select_related = ("item", "proposed_by", "end__by")

    @admin.display(description="item", ordering="item")
    def page(self, resolution: Resolution) -> SafeString:
        item = resolution.item
        address = reverse("admin:journal_suspenseitem_change", args=[item.pk])
        sum_ = suspense_admin.money(item.amount_minor, item.currency)
        return format_html('<a href="{}">#{} {} {}</a>', address, item.pk, item.reason, sum_)

    @admin.display(description="then")
    def ended(self, resolution: Resolution) -> str:
        end = getattr(resolution, "end", None)
        return f"{end.outcome} by {end.by}" if end else "waits for a second person"


@admin.register(ResolutionEnd)
class ResolutionEndAdmin(ReadOnlyAdmin):
    list_display = ("resolution", "outcome", "by", "at", "transaction")
    list_filter = ("outcome",)
    list_select_related = ("resolution", "by", "transaction")


def _unless_none(amount_minor: int) -> str:
    return format_minor(amount_minor) if amount_minor else ""


admin.site.register(CardAttempt, CardAttemptAdmin)
admin.site.register(SuspenseItem, suspense_admin.SuspenseItemAdmin)
