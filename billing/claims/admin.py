"""Claims for staff: what is due first, the evidence beside it, and one answer."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from billing import clock
from billing.claims import evidence, keeping
from billing.claims.keeping import NotAnswerable
from billing.claims.models import Claim
from billing.journal.wording import shown_time
from billing.money import format_minor

_BODY_MAX = 600
_WHATS = {
    "not_counted": "cash not counted",
    "wrong_amount": "the amount is wrong",
    "no_receipt": "no receipt",
    "other": "something else",
    "note_in_doubt": "a note in doubt",
    "note_unexpected": "an unexpected note",
    "change_in_doubt": "change in doubt",
}


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return (("open", "open"), ("overdue", "overdue"), ("answered", "answered"))

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "open":
                return queryset.filter(answered_at=None)
            case "overdue":
                return queryset.filter(answered_at=None, answer_by__lt=clock.city_date(clock.now()))
            case "answered":
                return queryset.exclude(answered_at=None)
        return queryset


class AnswerForm(forms.ModelForm):
    """What was found. It stays as it is once given."""

    outcome = forms.ChoiceField(choices=(("", "---------"), *Claim.OUTCOMES))
    words = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 70}),
        help_text="what was found and what the person was told",
    )

    class Meta:
        model = Claim
        fields = ()


@admin.register(Claim)
class ClaimAdmin(admin.ModelAdmin):
    """Open ones first, those due longest at the top."""

    form = AnswerForm
    list_display = ("shown_number", "due", "state", "amount", "said_what", "shut_off", "age", "account", "kiosk")
    list_filter = (StateFilter, "threatened", "what", "opened_by", "kiosk")
    list_select_related = ("account", "kiosk")
    search_fields = ("number", "account__number", "payment_id")
    ordering = (F("answered_at").asc(nulls_first=True), "answer_by", "opened_at")
    _facts = (
        "number",
        "state",
        "kiosk",
        "account",
        "amount",
        "said",
        "said_what",
        "when",
        "opened_by",
        "happened",
        "opened",
        "shut_off",
        "answer_by",
        "payment_id",
        "session_id",
        "copy",
    )
    _evidence = ("suspense", "records")

    @admin.display(description="number", ordering="number")
    def shown_number(self, claim: Claim) -> SafeString:
        return format_html('<span style="white-space: nowrap">{}</span>', claim.number)

    @admin.display(description="what", ordering="what")
    def said_what(self, claim: Claim) -> str:
        return _WHATS.get(claim.what) or str(claim.what)

    @admin.display(description="shut-off near", ordering="threatened")
    def shut_off(self, claim: Claim) -> str:
        return "YES" if claim.threatened else "no"

    @admin.display(description="made on the losing branch of a fork")
    def copy(self, claim: Claim) -> str:
        return "yes" if claim.fork else "no"

    @admin.display(description="happened, by the kiosk's clock")
    def happened(self, claim: Claim) -> str:
        return clock.shown(claim.happened_at)

    @admin.display(description="came in here")
    def opened(self, claim: Claim) -> str:
        return clock.shown(claim.opened_at)

    @admin.display(description="answer by", ordering="answer_by")
    def due(self, claim: Claim) -> str:
        late = not claim.answered_at and claim.answer_by < clock.city_date(clock.now())
        return f"OVERDUE {claim.answer_by}" if late else str(claim.answer_by)

    @admin.display(description="days open")
    def age(self, claim: Claim) -> int:
        return int(((claim.answered_at or clock.now()) - claim.opened_at).days)

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, claim: Claim) -> str:
        return f"{format_minor(claim.amount_minor)} {claim.currency}" if claim.amount_minor else "not known"

    @admin.display(description="notes that the person says were put in")
    def said(self, claim: Claim) -> str:
        return ", ".join(f"{count} x {format_minor(value)}" for value, count in claim.notes_said) or "-"

    @admin.display(description="state")
    def state(self, claim: Claim) -> str:
        return str(claim.get_outcome_display()) if claim.answered_at else "open"

    @admin.display(description="open items at this kiosk that it may be about")
    def suspense(self, claim: Claim) -> SafeString:
        rows = [
            (
                reverse("admin:journal_suspenseitem_change", args=[item.pk]),
                item.pk,
                clock.shown(item.opened_at),
                format_minor(item.amount_minor),
                item.reason,
                item.subject,
                "its own" if item.subject in {*claim.notes, claim.payment_id} else "",
            )
            for item in evidence.suspense_near(claim)
        ]
        names = ("item", "opened", "sum", "reason", "note or payment", "of this claim")
        head = f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
        row = '<tr><td><a href="{}">#{}</a></td>' + "<td>{}</td>" * 5 + "</tr>"
        return _table(head, format_html_join("", row, rows))

    @admin.display(description="journal, 15 minutes either side")
    def records(self, claim: Claim) -> SafeString:
        rows = [
            (record.seq, shown_time(evidence.device_time(record)), record.kind, evidence.body_of(record)[:_BODY_MAX])
            for record in evidence.records_around(claim)
        ]
        head = "<tr><th>record</th><th>by the kiosk's clock</th><th>what</th><th>content</th></tr>"
        return _table(
            head,
            format_html_join(
                "", '<tr><td>{}</td><td style="white-space: nowrap">{}</td><td>{}</td><td>{}</td></tr>', rows
            ),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        answered = ("outcome", "words", "answered_by", "answered_at") if obj and obj.answered_at else ()
        return (*self._facts, *answered, *self._evidence)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        answer = ["outcome", "words"]
        if obj and obj.answered_at:
            answer += ["answered_by", "answered_at"]
        return (
            ("Claim", {"fields": list(self._facts)}),
            ("Answer", {"fields": answer}),
            ("Evidence", {"fields": list(self._evidence)}),
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Answer the claim in the clerk's name."""
        content = form.cleaned_data
        keeping.answer(obj, content["outcome"], content["words"], request.user.get_username(), clock.now())

    def changeform_view(self, request: HttpRequest, *rest: Any, **more: Any) -> HttpResponse:
        """Two clerks may answer at one time: the second is shown what the first said."""
        try:
            return super().changeform_view(request, *rest, **more)
        except NotAnswerable as error:
            self.message_user(request, f"Not done: {error}.", messages.ERROR)
            return HttpResponseRedirect(request.path)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "rate": evidence.rate(clock.now())})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and (obj is None or not obj.answered_at)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _table(head: str, rows: SafeString) -> SafeString:
    table = '<div style="overflow-x: auto"><table><thead>{}</thead><tbody>{}</tbody></table></div>'
    return format_html(table, mark_safe(head), rows) if rows else mark_safe("none")
