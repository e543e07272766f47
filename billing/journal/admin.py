"""The journal as staff see it, and the list of what they have to place."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.journal import suspense_admin
from billing.journal.models import ForkRecord, Payment, Quarantined, Record, Resolution, ResolutionEnd, SuspenseItem
from billing.ledger.admin import ReadOnlyAdmin


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
    list_display = ("receipt_number", "kiosk", "account", "total_minor", "currency", "value_date", "posted_at")
    list_select_related = ("account", "kiosk")
    search_fields = ("receipt_number", "payment_id")


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


admin.site.register(SuspenseItem, suspense_admin.SuspenseItemAdmin)
