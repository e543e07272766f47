"""The journal as staff see it, and the list of what they have to place."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from billing import clock
from billing.customers.models import Account
from billing.journal import suspense
from billing.journal.models import ForkRecord, Payment, Quarantined, Record, SuspenseItem
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


@admin.register(Quarantined)
class QuarantinedAdmin(ReadOnlyAdmin):
    list_display = ("kiosk", "epoch", "why", "received_at")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("receipt_number", "kiosk", "account", "total_minor", "currency", "value_date", "posted_at")
    list_select_related = ("account",)
    search_fields = ("receipt_number", "payment_id")


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return (("open", "open"), ("resolved", "resolved"))

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(resolved_at__isnull=self.value() == "open") if self.value() else queryset


class ResolutionForm(forms.ModelForm):
    """Money goes to an account, a memo is closed by words."""

    place_on = forms.CharField(required=False, label="credit to account number", help_text="for an item with money")
    words = forms.CharField(required=False, max_length=150, help_text="what became of it, for a memo")

    class Meta:
        model = SuspenseItem
        fields = ()

    def clean(self) -> dict[str, Any]:
        content: dict[str, Any] = super().clean()
        if self.instance.memo and not content.get("words"):
            raise forms.ValidationError("Say what became of it.")
        if not self.instance.memo:
            content["account"] = Account.objects.filter(number=content.get("place_on", "")).first()
            if content["account"] is None:
                raise forms.ValidationError("No account has this number.")
            if self.instance.amount_minor <= 0:
                raise forms.ValidationError("There is no money in this item.")
        return content


@admin.register(SuspenseItem)
class SuspenseItemAdmin(admin.ModelAdmin):
    """What has to be placed, oldest first."""

    form = ResolutionForm
    list_display = ("opened_at", "age", "chain", "reason", "subject", "amount_minor", "currency", "memo", "resolved_at")
    list_filter = (OpenFilter, "memo", "reason", "chain")
    list_select_related = ("chain",)
    search_fields = ("subject",)
    ordering = ("opened_at",)
    readonly_fields = (
        "chain",
        "seq",
        "memo",
        "reason",
        "subject",
        "amount_minor",
        "currency",
        "opened_at",
        "resolved_at",
        "resolution",
    )

    @admin.display(description="days open")
    def age(self, item: SuspenseItem) -> int:
        return int(((item.resolved_at or clock.now()) - item.opened_at).days)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Resolve the item as the form says, in the clerk's name."""
        content, clerk = form.cleaned_data, request.user.get_username()
        if obj.memo:
            suspense.close_memo(obj, content["words"], clerk, clock.now())
        else:
            suspense.place_as_credit(obj, content["account"], clerk, clock.now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and (obj is None or not obj.resolved_at)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
