"""Three lists held against each other by reference: the kiosk's journal, the processor's list, the city's ledger.

What stands in one and not in all is a difference (card survey, end of day). Nothing here is booked.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, Sum

from billing import clock
from billing.journal.models import CardAttempt, Record, SuspenseItem
from billing.journal.records import moment
from billing.ledger.chart import CARD, card_of
from billing.ledger.models import Entry
from billing.reports.models import ProcessorLine, ProcessorList
from billing.reports.reading import body_of

_CLOSED = "approved"  # how a batch ended that was closed
_STANDS = ("approved", "voiding", "void_unknown")  # the sale counts by the kiosk's last word


@dataclass(frozen=True)
class Row:
    """One reference. Sums in cents; `journal_minor` None: the kiosk does not know; `processor_minor` None: no list."""

    reference: str
    kiosk: str
    attempt_id: int | None
    state: str
    leg: str
    currency: str
    journal_minor: int | None
    processor_minor: int | None
    ledger_minor: int
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Batch:
    """One end of day at a terminal, and what the ledger booked for its kiosk since the one before."""

    kiosk: str
    reference: str
    at: str
    result: str
    count: int
    terminal_minor: int
    ledger_minor: int
    refunds: int  # in `ledger_minor`: how many,
    refunded_minor: int  # and over how much
    problem: str


@dataclass(frozen=True)
class Day:
    day: date
    rows: list[Row]
    batches: list[Batch]
    covered: bool  # a processor's list holds this day

    @property
    def differences(self) -> list[Row]:
        return [row for row in self.rows if row.problems]

    def sums(self) -> list[tuple[str, int, int, int]]:
        """Return, for each currency, what journal, processor and ledger come to."""
        found: dict[str, list[int]] = {}
        for row in self.rows:
            part = found.setdefault(row.currency, [0, 0, 0])
            for at, value in enumerate((row.journal_minor, row.processor_minor, row.ledger_minor)):
                part[at] += value or 0
        return [(currency, part[0], part[1], part[2]) for currency, part in sorted(found.items())]


def reconcile(day: date, kiosk: str = "") -> Day:
    """Return the comparison of all attempts that any of the three lists has on `day`."""
    covered = ProcessorList.objects.filter(first_on__lte=day, last_on__gte=day).exists()
    keys = _named_on(day)
    references = {reference for _, reference in keys}
    attempts = _attempts(references)
    keys |= {(attempt.kiosk_id, attempt.reference) for attempt in attempts if ("", attempt.reference) in keys}
    known = {reference for name, reference in keys if name}
    keys = {(name, reference) for name, reference in keys if name or reference not in known}
    processor = _processor(references)
    ledger = _ledger(keys)
    memos = _waiting(references)
    rows = [
        _row(key, [one for one in attempts if (one.kiosk_id, one.reference) == key], processor, ledger, memos, covered)
        for key in sorted(keys)
        if not kiosk or key[0] in ("", kiosk)
    ]
    return Day(day, rows, _batches(day, kiosk), covered)


def _named_on(day: date) -> set[tuple[str, str]]:
    """Return (kiosk, reference) of what any list names on `day`; the processor names no kiosk."""
    start = _start(day)
    begun = Q(started_at__gte=start, started_at__lt=start + timedelta(days=1))
    begun |= Q(changed_at__gte=start, changed_at__lt=start + timedelta(days=1))
    attempts = CardAttempt.objects.filter(begun | Q(approved_on=day))
    named = set(attempts.values_list("kiosk_id", "reference"))
    subjects = Entry.objects.filter(account=CARD, transaction__value_date=day).values_list("subject", flat=True)
    named |= {(kiosk, reference) for kiosk, _, reference in (subject.rpartition("/") for subject in subjects)}
    listed = ProcessorLine.objects.filter(processed_on=day).values_list("reference", flat=True)
    return named | {("", reference) for reference in listed}


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(settings.TIME_ZONE))


def _attempts(references: Collection[str]) -> list[CardAttempt]:
    return list(CardAttempt.objects.filter(reference__in=references).order_by("pk"))


def _processor(references: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return, by reference, the sum of its lines on any day, and how many sales are among them."""
    sums, sales = Counter[str](), Counter[str]()
    lines = ProcessorLine.objects.filter(reference__in=references)
    for reference, amount in lines.values_list("reference", "amount_minor"):
        sums[reference] += amount
        sales[reference] += amount > 0
    return {reference: (sums[reference], sales[reference]) for reference in sums}


def _ledger(keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    subjects = {card_of(kiosk, reference): (kiosk, reference) for kiosk, reference in keys}
    lines = Entry.objects.filter(account=CARD, subject__in=subjects).values("subject").annotate(sum=Sum("amount_minor"))
    return {subjects[line["subject"]]: line["sum"] for line in lines}


def _waiting(references: Collection[str]) -> set[tuple[str, str]]:
    memos = SuspenseItem.objects.filter(
        reason__in=("card-unknown", "void-unknown", "refund-unknown"), subject__in=references, resolved_at=None
    )
    return set(memos.values_list("chain__kiosk_id", "subject"))


def _row(
    key: tuple[str, str],
    attempts: list[CardAttempt],
    processor: dict[str, tuple[int, int]],
    ledger: dict[tuple[str, str], int],
    memos: set[tuple[str, str]],
    covered: bool,
) -> Row:
    kiosk, reference = key
    last = attempts[-1] if attempts else None
    unknown = any(attempt.state in ("unknown", "started") for attempt in attempts)
    journal = None if unknown else sum(map(_moved, attempts))
    listed, sales = processor.get(reference, (0, 0))
    at_processor = listed if covered or reference in processor else None
    booked = ledger.get(key, 0)
    problems = _unsettled(attempts, at_processor, key in memos)
    told = unknown and problems
    if not attempts and at_processor:
        problems.append("no kiosk knows this reference")
    if journal is not None and journal != booked:
        problems.append("journal and ledger differ")
    if at_processor is not None and at_processor != booked and attempts and not told:
        problems.append(_against(at_processor, booked))
    if sales > 1:
        problems.append(f"charged {sales} times at the processor")
    return Row(
        reference,
        kiosk,
        last.pk if last else None,
        " + ".join(attempt.get_state_display() for attempt in attempts),
        last.leg if last else "",
        (last.currency if last else "") or settings.CURRENCY,
        journal if attempts else None,
        at_processor,
        booked,
        tuple(problems),
    )


def _moved(attempt: CardAttempt) -> int:
    """Return what the attempt came to by the kiosk's last word: a refund takes off."""
    if attempt.state == "refunded":
        return int(-attempt.amount_minor)
    return int(attempt.amount_minor) if attempt.state in _STANDS else 0


def _unsettled(attempts: list[CardAttempt], at_processor: int | None, waits: bool) -> list[str]:
    """Say what still has to be found out; two people who resolved the memo have found it out."""
    states = {attempt.state for attempt in attempts}
    if "started" in states:
        return ["its end is not told yet"]
    if not waits and "unknown" in states:
        return []
    if "unknown" in states:
        return ["unknown at the kiosk" + ("" if at_processor is None else _has(at_processor))]
    return ["the void is not settled"] if states & {"voiding", "void_unknown"} else []


def _has(at_processor: int) -> str:
    if at_processor < 0:
        return ": the processor has refunded it"
    return ": the processor has charged it" if at_processor else ": the processor does not have it"


def _against(at_processor: int, booked: int) -> str:
    if not at_processor:
        return "booked, but not at the processor"
    return "at the processor, but not booked" if not booked else "processor and ledger are not over the same sum"


def _batches(day: date, kiosk: str) -> list[Batch]:
    """Return the ends of day that kiosks journalled on `day`, by their clock."""
    since = _start(day) - timedelta(days=1)  # none comes in before it happened
    closed = Record.objects.filter(kind="BatchClosed", received_at__gte=since).select_related("chain")
    if kiosk:
        closed = closed.filter(chain__kiosk=kiosk)
    return [
        _batch(record, _closed_before(record))
        for record in closed.order_by("chain", "seq")
        if clock.city_date(moment(record.device_time) or record.received_at) == day
    ]


def _closed_before(record: Record) -> int:
    """Return the record with which the batch before this one was closed: one that failed closed nothing."""
    before = Record.objects.filter(chain=record.chain_id, kind="BatchClosed", seq__lt=record.seq).order_by("-seq")
    return next((one.seq for one in before.iterator() if body_of(one.entry).get("result") == _CLOSED), 0)


def _batch(record: Record, start: int) -> Batch:
    body: dict[str, Any] = body_of(record.entry)
    count, total = (value if type(value := body.get(name)) is int else 0 for name in ("count", "total_minor"))
    lines = Entry.objects.filter(
        account=CARD,
        transaction__record__chain=record.chain_id,
        transaction__record__seq__gt=start,
        transaction__record__seq__lt=record.seq,
    )
    booked = lines.aggregate(sum=Sum("amount_minor"))["sum"] or 0
    refunds = lines.filter(transaction__description="CardRefunded").aggregate(
        sum=Sum("amount_minor"), count=Count("pk")
    )
    back = -(refunds["sum"] or 0)
    result = str(body.get("result", ""))[:40]
    # Some terminals take refunds off their sum, some tell of sales alone.
    same = total in (booked, booked + back)
    problem = "the batch was not closed" if result != _CLOSED else "" if same else "not the same sum"
    at = moment(record.device_time)
    return Batch(
        record.chain.kiosk_id,
        str(body.get("reference", ""))[:40],
        clock.shown(at) if at else record.device_time,
        result,
        count,
        total,
        booked,
        refunds["count"],
        back,
        problem,
    )
