"""The ledger as staff see it: everything, unchangeable."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from billing.ledger.models import Entry, LedgerAccount, Transaction


class ReadOnlyAdmin(admin.ModelAdmin):
    """Lists and shows; the database would refuse anything else."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EntryInline(admin.TabularInline):
    model = Entry
    fields = ("line", "account", "subject", "amount_minor")
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    list_display = ("code", "title", "kind")


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    list_display = ("id", "value_date", "description", "reference", "currency", "posted_at")
    list_filter = ("description", "value_date")
    search_fields = ("reference", "entries__subject")
    inlines = (EntryInline,)


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "transaction", "account", "subject", "amount_minor")
    list_filter = ("account",)
    list_select_related = ("transaction", "account")
    search_fields = ("subject",)
