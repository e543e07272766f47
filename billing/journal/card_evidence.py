"""Everything the server has about one attempt to pay by card: records on any branch, ledger, processor, memos."""

from dataclasses import dataclass

from django.db.models import Q

from billing.customers.models import Account
from billing.journal.evidence import Slice, slice_of
from billing.journal.models import CardAttempt, ForkRecord, Payment, Record, SuspenseItem
from billing.journal.tenders import KINDS
from billing.ledger.chart import CARD, card_of
from billing.ledger.models import Entry
from billing.reports.models import ProcessorLine

_CARD_KINDS = tuple(sorted(KINDS - {"CheckTaken", "NotePaidOut"}))
_REACH = 5_000  # records before and after the attempt in which its payment is looked for
_PAYMENT_KINDS = ("FeeAgreed", "InvoiceChosen", "InvoiceAdded", "PaymentCompleted", "PaymentAbandoned")


@dataclass(frozen=True)
class CardEvidence:
    records: list[Slice]
    around: list[Slice]  # what else the payment's records say
    entries: list[Entry]
    processor: list[ProcessorLine]
    items: list[SuspenseItem]
    receipts: list[Payment]
    others: list[CardAttempt]
    payer: Account | None


def card_evidence(attempt: CardAttempt) -> CardEvidence:
    """Return what the server has about `attempt`."""
    names = [name for name in (attempt.reference, attempt.void_reference) if name]
    receipts = _receipts(attempt)
    items = SuspenseItem.objects.filter(
        Q(subject__in=names) | (Q(subject=attempt.payment_id) & ~Q(subject="")), chain__kiosk=attempt.kiosk_id
    )
    others = CardAttempt.objects.filter(kiosk=attempt.kiosk_id, payment_id=attempt.payment_id).exclude(pk=attempt.pk)
    lines = Entry.objects.filter(account=CARD, subject=card_of(attempt.kiosk_id, attempt.reference))
    return CardEvidence(
        records=_told(attempt, _CARD_KINDS, _about(attempt.reference)),
        around=_told(attempt, _PAYMENT_KINDS, _of_payment(attempt)),
        entries=list(lines.select_related("transaction").order_by("pk")),
        processor=list(ProcessorLine.objects.filter(reference__in=names).select_related("list").order_by("pk")),
        items=list(items.select_related("chain").order_by("pk")),
        receipts=receipts,
        others=list(others.order_by("pk")) if attempt.payment_id else [],
        payer=next((payment.account for payment in receipts if payment.account), None),
    )


def _receipts(attempt: CardAttempt) -> list[Payment]:
    if not attempt.payment_id:
        return []
    found = Payment.objects.filter(kiosk=attempt.kiosk_id, payment_id=attempt.payment_id)
    return list(found.select_related("account").order_by("pk"))


def _about(reference: str) -> Q:
    return Q(entry__contains=f'"reference":"{reference}"') | Q(entry__contains=f'"of":"{reference}"')


def _of_payment(attempt: CardAttempt) -> Q:
    near = Q(chain=attempt.chain_id, seq__gt=attempt.seq - _REACH, seq__lt=attempt.last_seq + _REACH)
    return near & Q(entry__contains=f'"payment_id":"{attempt.payment_id}"')


def _told(attempt: CardAttempt, kinds: tuple[str, ...], about: Q) -> list[Slice]:
    """Return the kiosk's records of these kinds, in order; a later epoch may tell of an attempt too."""
    found = [
        (row.chain.epoch, slice_of(row, here=False))
        for model in (Record, ForkRecord)
        for row in model.objects.filter(about, chain__kiosk=attempt.kiosk_id, kind__in=kinds).select_related("chain")
    ]
    return [part for _, part in sorted(found, key=lambda one: (one[0], one[1].seq, one[1].fork))]
