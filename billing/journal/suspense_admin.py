"""Suspense in the back office: the list, one item with its evidence and the two persons' forms, the report of age."""

from itertools import groupby
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, F, OuterRef, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing import clock, spreadsheet
from billing.journal import ageing, suspense, wording
from billing.journal.evidence import evidence
from billing.journal.models import Resolution, SuspenseItem
from billing.journal.suspense import NotAllowed
from billing.journal.suspense_forms import ProposalForm, WordForm
from billing.journal.ways import NotPlaceable
from billing.money import format_minor


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return (("open", "open"), ("proposed", "waits for a second person"), ("resolved", "resolved"))

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "proposed":
            waiting = [key for proposal in suspense.all_standing() for key in (proposal.item_id, proposal.other_id)]
            return queryset.filter(pk__in=[key for key in waiting if key])
        return queryset.filter(resolved_at__isnull=self.value() == "open") if self.value() else queryset


class SuspenseItemAdmin(admin.ModelAdmin):
    """What has to be placed, oldest first. Nothing is edited: an item is resolved by two people's words."""

    list_display = ("opened", "age", "sum", "kind", "state", "reason", "chain", "subject")
    list_filter = (OpenFilter, "memo", "reason", "chain")
    list_select_related = ("chain",)
    search_fields = ("subject",)
    ordering = (F("resolved_at").asc(nulls_first=True), "opened_at", "pk")
    change_list_template = "journal/suspense_list.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        waits = Resolution.objects.filter(Q(item=OuterRef("pk")) | Q(other=OuterRef("pk")), end=None)
        return super().get_queryset(request).annotate(proposed=Exists(waits))

    @admin.display(description="opened", ordering="opened_at")
    def opened(self, item: SuspenseItem) -> SafeString:
        return format_html('<span style="white-space: nowrap">{}</span>', clock.shown(item.opened_at))

    @admin.display(description="kind", ordering="memo")
    def kind(self, item: SuspenseItem) -> str:
        return "memo" if item.memo else "money" if item.amount_minor > 0 else "missing"

    @admin.display(description="state", ordering="resolved_at")
    def state(self, item: Any) -> str:
        if item.resolved_at:
            return "resolved"
        return "waits for a second person" if item.proposed else "open"

    @admin.display(description="days open")
    def age(self, item: SuspenseItem) -> int:
        return ageing.days_open(item.opened_at, item.resolved_at or clock.now())

    @admin.display(description="sum", ordering="amount_minor")
    def sum(self, item: SuspenseItem) -> SafeString:
        return format_html('<span style="white-space: nowrap">{}</span>', money(item.amount_minor, item.currency))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [path("age/", view(self.age_view), name="journal_suspense_age")]
        return [*own, *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *rest: Any, **more: Any) -> HttpResponse:
        """Show the item, or take one step with it."""
        del rest, more
        key = int(object_id) if object_id.isdecimal() else 0
        item: SuspenseItem = get_object_or_404(SuspenseItem.objects.select_related("chain__kiosk"), pk=key)
        if not self.has_view_permission(request, item):
            raise PermissionDenied
        known = evidence(item)
        form = ProposalForm(item, known, request.POST if request.POST.get("step") == "propose" else None)
        if request.method == "POST":
            done = self._take_step(request, item, form)
            if done:
                return done
        return self._page(request, item, known, form)

    def age_view(self, request: HttpRequest) -> HttpResponse:
        """The report of age: as a page, or as `?format=csv` (the open items) or `?format=json` (everything)."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = clock.now()
        wanted = request.GET.get("format")
        if wanted == "csv":
            return _csv(ageing.waiting(now))
        report = ageing.report(now)
        if wanted == "json":
            return JsonResponse(report)
        context = {
            **self.admin_site.each_context(request),
            "title": "Suspense by age",
            "bands": _with_money(_with_total(report["bands"]), "held_minor", "missing_minor", "in_doubt_minor"),
            "items": _with_money(report["items"], "amount_minor"),
            "clearing": _with_money(_with_city_time(report["clearing"]), "held_minor"),
            "differences": _with_money(report["differences"], "ledger_minor", "items_minor"),
        }
        return TemplateResponse(request, "journal/suspense_age.html", context)

    def _take_step(self, request: HttpRequest, item: SuspenseItem, form: ProposalForm) -> HttpResponse | None:
        """Do what was asked and return the way back to the page; None to show the page with what is wrong."""
        try:
            said = _propose(request, item, form) if request.POST.get("step") == "propose" else _end(request, item)
        except NotAllowed as error:
            raise PermissionDenied(str(error)) from error
        except NotPlaceable as error:
            self.message_user(request, f"Not done: {error}.", messages.ERROR)
            return None
        if not said:
            return None
        self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:journal_suspenseitem_change", args=[item.pk]))

    def _page(self, request: HttpRequest, item: SuspenseItem, known: Any, form: ProposalForm) -> HttpResponse:
        standing = None if item.resolved_at else suspense.standing(item)
        may_confirm = request.user.has_perm("journal.confirm_resolution")
        own = standing is not None and standing.proposed_by_id == request.user.pk
        context = {
            **self.admin_site.each_context(request),
            "title": f"Suspense item #{item.pk}",
            "opts": self.model._meta,
            "item": item,
            "sum": money(item.amount_minor, item.currency),
            "days": ageing.days_open(item.opened_at, item.resolved_at or clock.now()),
            "known": known,
            "reason_words": wording.words(item.reason),
            "claims": [(claim, money(claim.amount_minor, claim.currency)) for claim in known.claims],
            "attempts": [(one, money(one.amount_minor, one.currency)) for one in known.attempts],
            "may_see_cards": request.user.has_perm("journal.view_cardattempt"),
            "may_see_claims": request.user.has_perm("claims.view_claim"),
            "may_see_ledger": request.user.has_perm("ledger.view_transaction"),
            "books": _books(standing),
            "near": [(other, money(other.amount_minor, other.currency)) for other in known.near],
            "history": suspense.history(item),
            "standing": standing,
            "form": form,
            "word_form": WordForm(),
            "may_propose": request.user.has_perm("journal.propose_resolution"),
            "may_confirm": may_confirm and not own,
            "may_withdraw": own or may_confirm,
            "own": own,
        }
        return TemplateResponse(request, "journal/suspense_item.html", context)


def _books(standing: Resolution | None) -> tuple[list[tuple[str, str, str]], str]:
    """Return what confirming would book, as (account, subject, sum), or why it cannot be confirmed now."""
    if standing is None:
        return [], ""
    try:
        lines = suspense.preview(standing)
    except NotPlaceable as error:
        return [], str(error)
    currency = standing.item.currency
    return [(line.account, line.subject, money(line.amount_minor, currency)) for line in lines], ""


def money(amount_minor: int, currency: str) -> str:
    return f"{format_minor(amount_minor)} {currency}"


def _propose(request: HttpRequest, item: SuspenseItem, form: ProposalForm) -> str:
    if not request.user.has_perm("journal.propose_resolution"):
        raise NotAllowed("you may not propose")
    if not form.is_valid():
        return ""
    suspense.propose(item, form.choice(), request.user, form.cleaned_data["why"], clock.now())
    return "Proposed. Another person has to confirm it."


def _end(request: HttpRequest, item: SuspenseItem) -> str:
    """Confirm or withdraw the proposal that was on the page: the number in the form, not whichever stands now."""
    shown = next((p for p in suspense.history(item) if str(p.pk) == request.POST.get("proposal")), None)
    if shown is None:
        raise NotPlaceable("this proposal is not here")
    if request.POST.get("step") == "confirm":
        suspense.confirm(shown, request.user, request.POST.get("why", ""), clock.now())
        return "Confirmed and booked."
    suspense.withdraw(shown, request.user, request.POST.get("why", ""), clock.now())
    return "Withdrawn."


def _csv(items: list[ageing.Waiting]) -> HttpResponse:
    names = list(ageing.Waiting.__dataclass_fields__)
    return spreadsheet.answer("suspense.csv", names, ([getattr(item, name) for name in names] for item in items))


def _with_total(bands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add, behind the bands of each currency, their sum: what the ledger's suspense accounts hold."""
    rows = []
    for currency, group in groupby(bands, key=lambda band: band["currency"]):
        parts = list(group)
        whole = {name: sum(part[name] for part in parts) for name in parts[0] if name not in ("currency", "band")}
        rows += [*parts, {"currency": currency, "band": "all", "total": True, **whole}]
    return rows


def _with_city_time(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "since": wording.shown_time(row["since"])} for row in rows]


def _with_money(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Add each sum as text, under its name without the unit."""
    return [
        {**row, **{name.removesuffix("_minor"): money(row[name], row["currency"]) for name in names}} for row in rows
    ]
