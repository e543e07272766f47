"""What staff need beside a claim: the journal around it, and the open items at that kiosk that it may be about."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from billing.claims.models import Claim
from billing.journal.models import ForkRecord, Payment, Record, SuspenseItem
from billing.journal.records import moment

AROUND = timedelta(minutes=15)
# Records of a busy quarter of an hour, either side.
_WINDOW = 600
# As many are shown whatever their clock says: it may have been set in between.
_ALWAYS = 10
_ITEMS = 20
_ITEMS_READ = 500
_DAYS = 30


@dataclass(frozen=True)
class Rate:
    """Claims of the last 30 days, and payments in which there was cash."""

    claims: int
    payments: int

    @property
    def per_thousand(self) -> str:
        return f"{1000 * self.claims / self.payments:.1f}" if self.payments else "-"


def records_around(claim: Claim) -> list[Any]:
    """Return the chain's records from 15 minutes before the claim to 15 minutes after it, in order."""
    model = ForkRecord if claim.fork else Record
    near = model.objects.filter(chain_id=claim.chain_id, seq__range=(claim.seq - _WINDOW, claim.seq + _WINDOW))
    return [record for record in near.order_by("seq") if _belongs(record, claim)]


def _belongs(record: Any, claim: Claim) -> bool:
    if abs(record.seq - claim.seq) <= _ALWAYS:
        return True
    at = moment(device_time(record))
    return at is not None and abs(at - claim.happened_at) <= AROUND


def device_time(record: Any) -> str:
    """A record of a losing branch has its time in the entry alone."""
    if isinstance(record, Record):
        return str(record.device_time)
    entry = json.loads(record.entry)
    return str(entry.get("device_time", "")) if isinstance(entry, dict) else ""


def body_of(record: Any) -> str:
    """Return what a record says, as JSON text."""
    try:
        return json.dumps(json.loads(record.entry)["body"], ensure_ascii=False, sort_keys=True)
    except (ValueError, KeyError, TypeError):
        return str(record.entry)


def suspense_near(claim: Claim) -> list[SuspenseItem]:
    """Return open items of the claim's kiosk: its own notes and payment, the same amount, then the nearest in time."""
    items = SuspenseItem.objects.filter(chain__kiosk_id=claim.kiosk_id, resolved_at=None).select_related("chain")
    items = items.order_by("-opened_at")
    own = {*claim.notes, claim.payment_id} - {""}
    near = {item.pk: item for item in (*items.filter(subject__in=own), *items[:_ITEMS_READ])}

    def order(item: SuspenseItem) -> tuple[bool, bool, timedelta]:
        return (
            item.subject not in own,
            not claim.amount_minor or item.amount_minor != claim.amount_minor,
            abs(item.opened_at - claim.opened_at),
        )

    return sorted(near.values(), key=order)[:_ITEMS]


def claims_near(item: SuspenseItem, own: Collection[str]) -> list[Claim]:
    """Return claims at the item's kiosk: about its `own` note or payment, then open ones of the same sum."""
    names = {name for name in own if name}
    text = Claim.objects.annotate(text=Cast("notes", TextField()))
    about = Q(payment_id__in=names)
    for name in names:
        about |= Q(text__contains=json.dumps(name))
    same = Q(answered_at=None, amount_minor=abs(item.amount_minor)) & ~Q(amount_minor=0)
    found = text.filter(about | same, kiosk=item.chain.kiosk_id).select_related("account").order_by("-opened_at")[:500]

    def order(claim: Claim) -> tuple[bool, timedelta]:
        return not names & {*claim.notes, claim.payment_id}, abs(claim.opened_at - item.opened_at)

    return sorted(found, key=order)[:_ITEMS]


def rate(now: datetime) -> Rate:
    """Return the figure that the city publishes: claims for every 1,000 cash sessions."""
    since = now - timedelta(days=_DAYS)
    payments = Payment.objects.filter(posted_at__gte=since, cash_minor__gt=0)
    return Rate(
        claims=Claim.objects.filter(opened_at__gte=since).count(),
        payments=payments.values("kiosk", "payment_id").distinct().count(),
    )
