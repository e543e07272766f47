"""Accounts and invoices for staff. An invoice that was issued is booked: it is shown, not edited."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest

from billing.claims.holding import is_held
from billing.customers.models import (
    Account,
    ApplicationRule,
    City,
    Customer,
    Invoice,
    InvoiceLine,
    Service,
    TenderLimit,
)
from billing.customers.statement import open_bills
from billing.ledger import balances
from billing.ledger.admin import ReadOnlyAdmin
from billing.ledger.chart import RECEIVABLE
from billing.money import format_minor

admin.site.register(City)


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    list_display = ("name",)
    search_fields = ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ServiceInline(admin.TabularInline):
    model = Service
    extra = 0


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):
    list_display = ("number", "customer", "house_number", "street", "status")
    list_filter = ("status", "checks_refused", "services__kind")
    list_select_related = ("customer",)
    search_fields = ("number", "customer__name", "street")
    readonly_fields = ("number", "token", "balance", "shut_off_held")
    inlines = (ServiceInline,)

    @admin.display(description="balance owed")
    def balance(self, account: Account) -> str:
        bills, credit = open_bills(account)
        return format_minor(sum(bill.owed_minor for bill in bills) - credit)

    @admin.display(description="shut-off held by an open claim", boolean=True)
    def shut_off_held(self, account: Account) -> bool:
        return is_held(account)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LineInline(admin.TabularInline):
    model = InvoiceLine
    fields = ("label", "code", "amount_minor")
    can_delete = False
    extra = 0


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    list_display = ("number", "account", "label", "issued_on", "due_date", "shut_off", "owed")
    list_filter = ("kind", "shut_off", "due_date")
    list_select_related = ("account",)
    list_per_page = 50
    search_fields = ("number", "account__number", "account__customer__name")
    inlines = (LineInline,)

    @admin.display(description="still owed")
    def owed(self, invoice: Invoice) -> str:
        return format_minor(balances.by_subject(RECEIVABLE, [invoice.number], settings.CURRENCY).get(invoice.number, 0))


@admin.register(ApplicationRule)
class ApplicationRuleAdmin(admin.ModelAdmin):
    list_display = ("name", "valid_from", "order")


@admin.register(TenderLimit)
class TenderLimitAdmin(admin.ModelAdmin):
    list_display = ("tender", "valid_from", "in_one_payment", "in_one_day")
    list_filter = ("tender",)

    @admin.display(description="in one payment", ordering="payment_minor")
    def in_one_payment(self, limit: TenderLimit) -> str:
        return format_minor(limit.payment_minor) if limit.payment_minor else "no limit"

    @admin.display(description="for one account in a day", ordering="day_minor")
    def in_one_day(self, limit: TenderLimit) -> str:
        return format_minor(limit.day_minor) if limit.day_minor else "no limit"
