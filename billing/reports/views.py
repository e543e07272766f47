"""The papers of a day in the back office: totals by tender, three lists of card sales, cassette periods."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from billing import clock, spreadsheet
from billing.journal.suspense_admin import money
from billing.kiosks.models import Kiosk
from billing.money import format_minor
from billing.reports import day as days
from billing.reports import periods, processor, reconciling
from billing.reports.models import ProcessorList
from billing.reports.processor_csv import BadList

_FIRST = date(2000, 1, 1)
_SEES, _UPLOADS = "journal.view_payment", "reports.add_processorlist"


class UploadForm(forms.Form):
    file = forms.FileField(
        label="Processor's list", help_text="CSV with columns reference, date, amount and, if any, type"
    )


def day_view(request: HttpRequest) -> HttpResponse:
    """Totals by tender, by kiosk."""
    day = _day(request)
    kiosks = days.report(day)
    if request.GET.get("format") == "csv":
        rows = [
            (day.isoformat(), kiosk.name, kiosk.currency, part.what, part.count, part.amount_minor)
            for kiosk in kiosks
            for part in (*kiosk.tenders, *kiosk.went)
        ]
        header = ("value_date", "kiosk", "currency", "what", "count", "amount_minor")
        return spreadsheet.answer(f"day-{day}.csv", header, rows)
    context = {
        "title": f"Day of {day}",
        **_turns(day),
        "kiosks": [_shown_kiosk(kiosk) for kiosk in kiosks],
        "totals": [
            (
                currency,
                [(part.what, part.count, money(part.amount_minor, currency)) for part in parts],
                money(sum_, currency),
            )
            for currency, parts, sum_ in days.totals(kiosks)
        ],
    }
    return _page(request, "reports/day.html", context)


def cards_view(request: HttpRequest) -> HttpResponse:
    """Journal, processor and ledger by reference; and the upload of the processor's list."""
    if request.method == "POST":
        return _upload(request)
    day, kiosk = _day(request), request.GET.get("kiosk", "")
    found = reconciling.reconcile(day, kiosk)
    if request.GET.get("format") == "csv":
        rows = [[*list(asdict(row).values())[:-1], "; ".join(row.problems)] for row in found.rows]
        return spreadsheet.answer(f"cards-{day}.csv", list(reconciling.Row.__dataclass_fields__), rows)
    context = {
        "title": f"Card sales of {day}",
        **_turns(day),
        "kiosk": kiosk,
        "kiosks": list(Kiosk.objects.order_by("pk").values_list("pk", flat=True)),
        "covered": found.covered,
        "differences": [_shown_row(row) for row in found.differences],
        "agreed": [_shown_row(row) for row in found.rows if not row.problems],
        "sums": [(currency, *(money(value, currency) for value in values)) for currency, *values in found.sums()],
        "batches": [
            (
                batch,
                format_minor(batch.terminal_minor),
                format_minor(batch.ledger_minor),
                format_minor(batch.refunded_minor),
            )
            for batch in found.batches
        ],
        "lists": ProcessorList.objects.filter(first_on__lte=day, last_on__gte=day).select_related("uploaded_by"),
        "may_upload": request.user.has_perm(_UPLOADS),
        "upload": UploadForm(),
    }
    return _page(request, "reports/cards.html", context)


def periods_view(request: HttpRequest) -> HttpResponse:
    """The cassette periods of a kiosk, or what one of them ought to hold."""
    names = list(Kiosk.objects.order_by("pk").values_list("pk", flat=True))
    kiosk = request.GET.get("kiosk") or (names[0] if names else "")
    found = periods.periods(kiosk) if kiosk in names else []
    subject = request.GET.get("period")
    if subject is not None:
        return _period(request, [period for period in found if period.subject == subject])
    context = {
        "title": f"Cassette periods of {kiosk}" if kiosk else "Cassette periods",
        "kiosk": kiosk,
        "kiosks": names,
        "periods": [_shown_period(period) for period in found],
    }
    return _page(request, "reports/periods.html", context)


def _period(request: HttpRequest, found: list[periods.Period]) -> HttpResponse:
    if not found:
        raise Http404
    period, content = found[0], periods.content(found[0].subject)
    ticket = period.ticket.notes if period.ticket else {}
    values = sorted({*content.notes, *ticket})
    context = {
        "title": f"Period {period.subject}",
        "period": _shown_period(period),
        "notes": [
            (
                format_minor(value) if value else "unknown",
                content.notes[value],
                ticket.get(value, 0),
                money(value * content.notes[value], period.currency),
            )
            for value in values
        ],
        "by_hand": money(content.by_hand_minor, period.currency) if content.by_hand_minor else "",
        "checks": _with_sums(content.checks, period.currency),
        "awaited": _with_sums(content.awaited, period.currency),
    }
    return _page(request, "reports/period.html", context)


def _with_sums(checks: list[periods.Check], currency: str) -> list[tuple[periods.Check, str]]:
    return [(check, money(check.amount_minor, currency)) for check in checks]


def _upload(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(_UPLOADS):
        raise PermissionDenied
    form, day = UploadForm(request.POST, request.FILES), _day(request)
    if not form.is_valid():
        messages.error(request, "Choose a file.")
    else:
        file = form.cleaned_data["file"]
        try:
            kept = processor.take(file.name, file.read(processor.SIZE_MAX + 1), request.user, clock.now())
        except BadList as error:
            for line in error.errors:
                messages.error(request, f"Not taken: {line}.")
        else:
            known = f", {kept.lines_known} were known" if kept.lines_known else ""
            messages.success(request, f"{kept}: {kept.lines_kept} lines taken{known}.")
            day = kept.last_on
    return HttpResponseRedirect(f"{reverse('reports_cards')}?day={day}")


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})


def _seen(view: Any) -> Any:
    """Let those in who may see payments."""

    def checked(request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(_SEES):
            raise PermissionDenied
        found: HttpResponse = view(request)
        return found

    return admin.site.admin_view(checked)


def _day(request: HttpRequest) -> date:
    today = clock.city_date(clock.now())
    try:
        asked = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return today
    return asked if _FIRST <= asked <= today else today


def _turns(day: date) -> dict[str, Any]:
    """Return the day with its neighbours; there is none after today."""
    today = clock.city_date(clock.now())
    return {"day": day, "before": day - timedelta(days=1), "after": day + timedelta(days=1) if day < today else None}


def _shown_kiosk(kiosk: days.Kiosk) -> dict[str, Any]:
    def shown(parts: list[days.Part]) -> list[tuple[str, int, str]]:
        return [(part.what, part.count, money(part.amount_minor, kiosk.currency)) for part in parts if part.count]

    return {
        "kiosk": kiosk,
        "tenders": shown(kiosk.tenders),
        "went": shown(kiosk.went),
        "taken": money(kiosk.taken_minor, kiosk.currency),
        "placed": money(kiosk.placed_minor, kiosk.currency),
        "balanced": kiosk.taken_minor == kiosk.placed_minor,
    }


def _shown_row(row: reconciling.Row) -> dict[str, Any]:
    def shown(value: int | None, otherwise: str) -> str:
        return otherwise if value is None else money(value, row.currency)

    return {
        "row": row,
        "journal": shown(row.journal_minor, "not known" if row.attempt_id else "not there"),
        "processor": shown(row.processor_minor, "no list"),
        "ledger": money(row.ledger_minor, row.currency),
    }


def _shown_period(period: periods.Period) -> dict[str, Any]:
    ticket = period.ticket
    return {
        "period": period,
        "cash": money(period.cash_minor, period.currency),
        "checks": money(period.checks_minor, period.currency),
        "both": money(period.cash_minor + period.checks_minor, period.currency),
        "ticket": money(ticket.total_minor, period.currency) if ticket else "not closed",
        "differs": money(period.differs_minor, period.currency) if period.differs_minor else "",
    }


urls = [
    path("admin/reports/day/", _seen(day_view), name="reports_day"),
    path("admin/reports/cards/", _seen(cards_view), name="reports_cards"),
    path("admin/reports/periods/", _seen(periods_view), name="reports_periods"),
]
