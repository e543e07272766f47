"""Kiosks for staff: who is heard from, who may take money, and new one-time codes."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from billing import clock
from billing.kiosks import enrolment
from billing.kiosks.models import Chain, EnrolmentCode, Kiosk
from billing.ledger.admin import ReadOnlyAdmin


class ChainInline(admin.TabularInline):
    model = Chain
    fields = ("epoch", "head_seq", "frozen", "enrolled_at")
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Kiosk)
class KioskAdmin(admin.ModelAdmin):
    list_display = ("id", "place", "receipt_prefix", "suspended", "seen_at", "state")
    search_fields = ("id", "place")
    actions = ("new_code",)
    inlines = (ChainInline,)

    @admin.display(description="journal")
    def state(self, kiosk: Kiosk) -> str:
        chain = kiosk.chains.order_by("-epoch").first()
        if chain is None:
            return "not enrolled"
        place = f"epoch {chain.epoch}, record {chain.head_seq}"
        if chain.frozen == "journal-fork":
            return f"{place}; its storage was copied: two wrote under one key"
        return f"frozen: {chain.frozen}" if chain.frozen else place

    @admin.action(description="New one-time code", permissions=["change"])
    def new_code(self, request: HttpRequest, queryset: Any) -> None:
        for kiosk in queryset:
            code = enrolment.new_code(kiosk, clock.now())
            self.message_user(
                request, f"{kiosk}: {code}. Good once, for one hour. It is not shown again.", messages.INFO
            )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        seen = ("seen_at", "boot_id", "counter", "health")
        # Both stand in every record and receipt of the kiosk.
        return ("id", "receipt_prefix", *seen) if obj else seen

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(EnrolmentCode)
class EnrolmentCodeAdmin(ReadOnlyAdmin):
    list_display = ("kiosk", "created_at", "expires_at", "chain")
    exclude = ("digest",)
