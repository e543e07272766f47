"""Attempts to pay by card in the back office: the unknown ones first, each with everything that is known of it."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing import clock
from billing.journal.card_evidence import card_evidence
from billing.journal.models import CardAttempt
from billing.journal.suspense_admin import money
from billing.ledger.admin import ReadOnlyAdmin

_OPEN = ("unknown", "void_unknown", "voiding", "started")


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return (("open", "not settled"), *CardAttempt.STATES)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "open":
            return queryset.filter(state__in=_OPEN)
        return queryset.filter(state=self.value()) if self.value() else queryset


class CardAttemptAdmin(ReadOnlyAdmin):
    list_display = ("shown", "stands", "age", "sum", "leg", "card", "kiosk", "begun")
    list_filter = (StateFilter, "kiosk", "leg", "brand")
    list_select_related = ("kiosk",)
    ordering = (Case(When(state__in=_OPEN, then=Value(0)), default=Value(1)).asc(), "-started_at", "-pk")
    search_fields = ("reference", "void_reference", "payment_id", "approval", "terminal_ref")

    @admin.display(description="reference", ordering="reference")
    def shown(self, attempt: CardAttempt) -> SafeString:
        return format_html('<span style="white-space: nowrap">{}</span>', attempt.reference)

    @admin.display(description="state", ordering="state")
    def stands(self, attempt: CardAttempt) -> SafeString:
        words = attempt.get_state_display()
        return format_html("<b>{}</b>", words.upper()) if attempt.state in _OPEN else format_html("{}", words)

    @admin.display(description="open for")
    def age(self, attempt: CardAttempt) -> str:
        return age(attempt)

    @admin.display(description="sum", ordering="amount_minor")
    def sum(self, attempt: CardAttempt) -> SafeString:
        return format_html('<span style="white-space: nowrap">{}</span>', money(attempt.amount_minor, attempt.currency))

    @admin.display(description="card", ordering="brand")
    def card(self, attempt: CardAttempt) -> SafeString:
        words = f"{attempt.brand} …{attempt.last4}" if attempt.last4 else attempt.brand
        return format_html('<span style="white-space: nowrap">{}</span>', words)

    @admin.display(description="begun", ordering="started_at")
    def begun(self, attempt: CardAttempt) -> SafeString:
        return format_html('<span style="white-space: nowrap">{}</span>', clock.shown(attempt.started_at))

    def change_view(self, request: HttpRequest, object_id: str, *rest: Any, **more: Any) -> HttpResponse:
        """Show the evidence about one attempt."""
        del rest, more
        key = int(object_id) if object_id.isascii() and object_id.isdecimal() and len(object_id) < 19 else 0
        attempt: CardAttempt = get_object_or_404(CardAttempt.objects.select_related("chain", "kiosk"), pk=key)
        if not self.has_view_permission(request, attempt):
            raise PermissionDenied
        known = card_evidence(attempt)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Card attempt {attempt.reference}",
            "opts": self.model._meta,
            "attempt": attempt,
            "open": attempt.state in _OPEN,
            "age": age(attempt),
            "sum": money(attempt.amount_minor, attempt.currency),
            "known": known,
            "entries": [(line, money(line.amount_minor, line.transaction.currency)) for line in known.entries],
            "processor": [(line, money(line.amount_minor, line.currency)) for line in known.processor],
            "items": [(item, money(item.amount_minor, item.currency)) for item in known.items],
            "others": [(other, money(other.amount_minor, other.currency)) for other in known.others],
            "may_see_ledger": request.user.has_perm("ledger.view_transaction"),
        }
        return TemplateResponse(request, "journal/card_attempt.html", context)


def age(attempt: CardAttempt) -> str:
    """Return how long an attempt has not been settled, "" for one that is."""
    if attempt.state not in _OPEN:
        return ""
    since = attempt.void_unknown_since or attempt.unknown_since or attempt.started_at
    minutes = max(0, int((clock.now() - since).total_seconds() // 60))
    hours, days = minutes // 60, minutes // 1440
    return f"{minutes} min" if minutes < 120 else f"{hours} h" if hours < 48 else f"{days} days"
