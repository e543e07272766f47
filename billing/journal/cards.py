"""Keeping the attempts to pay by card beside their records, and answering the memos of unknown ones."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from billing import clock
from billing.journal import facts
from billing.journal.models import BookedTender, CardAttempt, ForkRecord, SuspenseItem
from billing.journal.models import Record as StoredRecord
from billing.journal.records import Record
from billing.journal.terms import REFUND, Answer, CardStep
from billing.kiosks.models import Chain

Key = tuple[str, str]
_WORDS = "the journal says what became of the attempt"


def keep(chain: Chain, steps: Iterable[tuple[Record, CardStep, datetime]], fork: bool) -> None:
    """Take down what these records say, in order: (record, its word, when by the kiosk).

    A losing branch (`fork`) moves no attempt of the winner: its records stand beside it on the attempt's page.
    """
    steps = list(steps)
    if not steps:
        return
    attempts = _known(chain, steps)
    known = list(attempts.values())
    for record, step, at in steps:
        key = (step.reference, step.payment_id)
        attempt = attempts.get(key)
        if attempt is None:
            attempt = attempts[key] = _fresh(chain, record, step, at, fork)
        if attempt.fork or not fork:
            _advance(attempt, record, step, at)
            attempt.fork = fork
    CardAttempt.objects.bulk_create(attempt for attempt in attempts.values() if attempt.pk is None)
    for attempt in known:
        attempt.save()


def answer(chain: Chain, answers: Sequence[tuple[Record, Answer]], now: datetime) -> None:
    """Resolve the open memos that these records answer. The database refuses what their text does not bear out."""
    if not answers:
        return
    memos = SuspenseItem.objects.filter(
        chain__kiosk=chain.kiosk_id,
        memo=True,
        reason__in={given.reason for _, given in answers},
        subject__in={given.subject for _, given in answers},
        resolved_at=None,
    )
    seqs = {given: record.seq for record, given in answers}
    for memo in memos:
        seq = seqs.get(Answer(memo.reason, memo.subject, named_by(memo)[1]))
        if seq is not None:
            memo.resolved_at, memo.resolution, memo.answered_seq = now, _WORDS, seq
            memo.save(update_fields=("resolved_at", "resolution", "answered_seq"))


def refunds() -> Any:
    """Return the refunds that stand in the ledger, whether a record booked them or two people."""
    booked = BookedTender.objects.filter(
        kiosk=OuterRef("kiosk"),
        name=OuterRef("reference"),
        what=REFUND,
        payment_id=OuterRef("payment_id"),
        fork=False,
    )
    return CardAttempt.objects.filter(Exists(booked)).exclude(of="")


def named_by(memo: SuspenseItem) -> tuple[str, str]:
    """Return the sale's reference and the payment that the record behind an unknown attempt names.

    On a fork two records may have one place and one reference. The winner's came first, and so did its memo.
    """
    place = {"chain": memo.chain_id, "seq": memo.seq}
    memos = SuspenseItem.objects.filter(**place, reason=memo.reason, subject=memo.subject)
    before = memos.filter(pk__lt=memo.pk).count()
    entries = [row.entry for model in (StoredRecord, ForkRecord) for row in model.objects.filter(**place)]
    bodies = [body for body in map(_body, entries) if body.get("reference") == memo.subject]
    if not bodies:
        return memo.subject, ""
    body = bodies[min(before, len(bodies) - 1)]
    return facts.name(body, "of") or memo.subject, facts.name(body, "payment_id")


def _known(chain: Chain, steps: Sequence[tuple[Record, CardStep, datetime]]) -> dict[Key, CardAttempt]:
    found = CardAttempt.objects.filter(
        kiosk=chain.kiosk_id, reference__in={step.reference for _, step, _ in steps}
    ).order_by("pk")
    wanted = {(step.reference, step.payment_id) for _, step, _ in steps}
    keyed = {(attempt.reference, attempt.payment_id): attempt for attempt in found}
    return {key: attempt for key, attempt in keyed.items() if key in wanted}


def _fresh(chain: Chain, record: Record, step: CardStep, at: datetime, fork: bool) -> CardAttempt:
    return CardAttempt(
        chain=chain,
        kiosk_id=chain.kiosk_id,
        seq=record.seq,
        fork=fork,
        reference=step.reference,
        payment_id=step.payment_id,
        started_at=at,
    )


def _advance(attempt: CardAttempt, record: Record, step: CardStep, at: datetime) -> None:
    """A voided sale stays voided, and what is approved or refunded is not unknown again."""
    if step.state == "voiding":
        attempt.void_unknown_since = None
    for name, value in step.values.items():
        setattr(attempt, name, value)
    if attempt.state == "voided" or (step.state == "started" and attempt.state):
        return
    attempt.state, attempt.last_seq, attempt.changed_at = step.state, record.seq, at
    if step.state in ("approved", "refunded") and attempt.approved_on is None:
        attempt.approved_on = clock.city_date(at)
    if step.state == "unknown":
        attempt.unknown_since = attempt.unknown_since or at
    if step.state == "void_unknown":
        attempt.void_unknown_since = attempt.void_unknown_since or at


def _body(entry: str) -> dict[str, Any]:
    body = json.loads(entry)["body"]
    return body if isinstance(body, dict) else {}
