"""The processor's lists as staff see them. They are uploaded on the page that compares them."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.journal.suspense_admin import money
from billing.ledger.admin import ReadOnlyAdmin
from billing.reports.models import ProcessorLine, ProcessorList


@admin.register(ProcessorList)
class ProcessorListAdmin(ReadOnlyAdmin):
    list_display = ("name", "first_on", "last_on", "lines_kept", "lines_known", "uploaded_by", "uploaded_at")
    list_select_related = ("uploaded_by",)


@admin.register(ProcessorLine)
class ProcessorLineAdmin(ReadOnlyAdmin):
    list_display = ("reference", "processed_on", "sum", "processor_id", "list")
    list_filter = ("processed_on",)
    list_select_related = ("list",)
    search_fields = ("reference", "processor_id")

    @admin.display(description="sum", ordering="amount_minor")
    def sum(self, line: ProcessorLine) -> SafeString:
        return format_html('<span style="white-space: nowrap">{}</span>', money(line.amount_minor, line.currency))
