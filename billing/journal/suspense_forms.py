"""The forms of a suspense item's page: what becomes of it, and the second person's word."""

from typing import Any

from django import forms
from django.db.models import Q

from billing import clock
from billing.customers.models import Account, Invoice
from billing.journal import ways
from billing.journal.evidence import Evidence, evidence
from billing.journal.models import Resolution, SuspenseItem
from billing.journal.ways import Choice
from billing.money import format_minor

_FIELDS = {  # what each way asks for
    "credit": ("account",),
    "invoice": ("invoice",),
    "join": ("other", "account"),
    "offset": ("other",),
    "counted": ("period",),
    "short": (),
    "already": ("earlier",),
    "paid": ("account",),
    "unpaid": (),
    "voided": ("account",),
    "refunded": ("account",),
    "owed": ("account",),
    "words": (),
}


class PartnerField(forms.ModelChoiceField):
    def label_from_instance(self, item: SuspenseItem) -> str:
        words = f"#{item.pk} {item.reason} {format_minor(item.amount_minor)}, {clock.shown(item.opened_at)}"
        return f"{words}, {item.subject}"


class EarlierField(forms.ModelChoiceField):
    def label_from_instance(self, earlier: Resolution) -> str:
        words = f"#{earlier.item_id} {earlier.item.reason} {format_minor(abs(earlier.item.amount_minor))}"
        return f"{words}, {clock.shown(earlier.end.at)}: {earlier.summary}"


class ProposalForm(forms.Form):
    """Shows only what can be chosen for this item. The rules themselves stand in ways.py."""

    way = forms.ChoiceField(label="What becomes of it")
    other = PartnerField(SuspenseItem.objects.none(), required=False, label="Other item")
    account = forms.CharField(
        required=False,
        max_length=20,
        label="Account number",
        help_text="that gets the money",
    )
    invoice = forms.CharField(
        required=False, max_length=20, label="Invoice number", help_text="only if the money is to pay this very invoice"
    )
    earlier = EarlierField(
        Resolution.objects.none(), required=False, label="Booked before", help_text="if this is the same cash"
    )
    found = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=7,
        decimal_places=2,
        label="Its value",
        help_text="the note's, as counted: 20.00",
    )
    period = forms.CharField(
        required=False,
        max_length=20,
        label="Cassette period",
        help_text="in whose count the cash was found; in another epoch 2/7: epoch 2, period 7",
    )
    why = forms.CharField(widget=forms.Textarea(attrs={"rows": 3, "cols": 60}), label="Why", max_length=2000)

    def __init__(self, item: SuspenseItem, known: Evidence, data: Any = None) -> None:
        super().__init__(data, initial={"account": _number(known), "period": _known_period(known)})
        self._item = item
        possible = ways.possible(item)
        if "already" in possible:
            self.fields["earlier"].queryset = before = ways.booked_before(item)
            if not before.exists():
                possible = tuple(way for way in possible if way != "already")
        others = _partners(item)
        if not others.exists():
            possible = tuple(way for way in possible if "other" not in _FIELDS[way])
        names = dict(Resolution.WAYS)
        self.fields["way"].choices = [(way, names[way]) for way in possible]
        self.fields["other"].queryset = others
        wanted = {name for way in possible for name in _FIELDS[way]}
        if item.memo and "counted" in possible:
            wanted.add("account")
        if ways.is_unvalued(item):
            wanted.add("found")
        if "join" in possible:
            self.fields["account"].help_text = "that gets the money; left empty, that of the note in doubt"
        for name in ("other", "account", "invoice", "earlier", "found", "period"):
            if name not in wanted:
                del self.fields[name]

    def choice(self) -> Choice:
        """Return what was chosen, with the fields that this way asks for alone. Call when valid."""
        content: dict[str, Any] = self.cleaned_data
        way = content["way"]
        asked = {*_FIELDS[way], *(("account",) if self._item.memo and way == "counted" else ())}
        given: dict[str, Any] = {name: content.get(name) or "" for name in asked}
        other: SuspenseItem | None = given.get("other") or None
        number = _digits(given.get("account"))
        if way == "join" and other is not None and not number:
            number = _number(evidence(other))
        period = str(given["period"]).strip() if "period" in given else ""
        return Choice(
            way=way,
            other=other,
            account=Account.objects.filter(number=number).first() if number else None,
            invoice=Invoice.objects.filter(number=_digits(given.get("invoice"))).first()
            if "invoice" in given
            else None,
            cash_subject=ways.period_of(self._item, period) if period else "",
            earlier=given.get("earlier") or None,
            found_minor=int((content.get("found") or 0) * 100) if way == "counted" else 0,
        )


class WordForm(forms.Form):
    """What the second person, or one who takes a proposal back, says."""

    why = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}), required=False, label="Your words", max_length=2000
    )


def _partners(item: SuspenseItem) -> Any:
    """Return the open items that could be resolved together with `item`."""
    open_items = SuspenseItem.objects.filter(chain__kiosk=item.chain.kiosk_id, currency=item.currency, resolved_at=None)
    doubts = Q(memo=True, reason="note-in-doubt", amount_minor=item.amount_minor)
    holds = Q(memo=False, amount_minor=-item.amount_minor)
    return open_items.filter(doubts if item.amount_minor > 0 else holds).order_by("opened_at", "pk")


def _number(known: Evidence) -> str:
    return str(known.payer.number) if known.payer else ""


def _known_period(known: Evidence) -> str:
    return "" if known.period == "unknown" else known.period


def _digits(text: Any) -> str:
    return "".join(c for c in str(text or "") if c.isascii() and c.isdigit())
