"""Cassette periods as the counting room needs them: notes by value, checks one by one, and the kiosk's own ticket."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Max, Q, Sum

from billing.journal import facts
from billing.journal.models import BookedTender, ForkRecord, Record, SuspenseItem
from billing.journal.terms import CHECK
from billing.journal.ways import NOTE_UNVALUED
from billing.ledger.chart import CASH, CHECKS, cash_of
from billing.ledger.models import Entry
from billing.reports.reading import body_of


@dataclass(frozen=True)
class Ticket:
    """What the kiosk said when it closed the period."""

    total_minor: int
    notes: dict[int, int]  # value: how many
    doubtful_minor: int
    by: str
    at: str


@dataclass(frozen=True)
class Period:
    """`subject` names it in the ledger. `cash_minor` is what ought to lie in the cassette.

    No line of the ledger holds `unvalued`, notes of unknown value that wait for the count, and `awaited`, checks not
    said to have gone in.
    """

    subject: str
    currency: str
    last: datetime
    cash_minor: int
    checks_minor: int
    checks: int
    ticket: Ticket | None
    unvalued: int = 0
    awaited: int = 0

    @property
    def differs_minor(self) -> int:
        return self.cash_minor - self.ticket.total_minor if self.ticket else 0


@dataclass(frozen=True)
class Check:
    """One check in the pocket. Of the account it is drawn on only four digits are known here."""

    check_id: str
    number: str
    routing: str
    last4: str
    amount_minor: int
    franked: bool
    payment_id: str
    again: bool = False  # the pocket has one like it under another id

    @property
    def paper(self) -> tuple[str, str, str]:
        return self.number, self.routing, self.last4


@dataclass
class Content:
    """What a period's cassette and check pocket ought to hold."""

    notes: Counter[int] = field(default_factory=Counter)  # value, 0 if nobody knows it: how many
    by_hand_minor: int = 0  # what two people booked from a count, of which no note is known
    checks: list[Check] = field(default_factory=list)
    awaited: list[Check] = field(default_factory=list)  # asked for, and not said to have gone in


@dataclass(frozen=True)
class _Told:
    """A record about a period that the ledger knows nothing of."""

    subject: str
    at: datetime
    body: dict[str, Any]

    @property
    def currency(self) -> str:
        try:
            return facts.currency(self.body)
        except facts.Unreadable:
            return str(settings.CURRENCY)


def periods(kiosk: str) -> list[Period]:
    """Return the kiosk's periods with anything in them, the newest first."""
    mine = Entry.objects.filter(account__in=(CASH, CHECKS), subject__startswith=f"{kiosk}/")
    rows = mine.values("subject", "transaction__currency").annotate(
        cash=Sum("amount_minor", filter=Q(account=CASH)),
        checks=Sum("amount_minor", filter=Q(account=CHECKS)),
        last=Max("transaction__posted_at"),
    )
    counts = Counter(mine.filter(account=CHECKS).values_list("subject", "transaction__currency"))
    tickets, unvalued, awaited = _tickets(kiosk), _unvalued(kiosk), _awaited(kiosk)
    waiting = _waiting(kiosk)
    notes = Counter(told.subject for told in unvalued if told.body.get("note_id") in waiting)
    asked = Counter(told.subject for told in awaited)
    booked = [
        (
            row["subject"],
            row["transaction__currency"],
            row["last"],
            row["cash"] or 0,
            row["checks"] or 0,
            counts[row["subject"], row["transaction__currency"]],
        )
        for row in rows
    ]
    known = {subject for subject, *_ in booked}
    others = {told.subject: told for told in sorted((*unvalued, *awaited), key=lambda told: told.at)}
    booked += [(name, told.currency, told.at, 0, 0, 0) for name, told in others.items() if name not in known]
    found = [Period(*row, tickets.get(row[0]), notes[row[0]], asked[row[0]]) for row in booked]
    return sorted(found, key=lambda period: (period.last, period.subject), reverse=True)


def content(subject: str) -> Content:
    """Return what the records booked into this period: notes by value, checks one by one."""
    found = Content()
    lines = Entry.objects.filter(account=CASH, subject=subject)
    for amount, kind in lines.values_list("amount_minor", "transaction__description"):
        if kind in ("NoteStacked", "NoteUnexpected", "NotePaidOut"):
            found.notes[abs(amount)] += 1 if amount > 0 else -1
        else:
            found.by_hand_minor += amount
    kiosk = subject.partition("/")[0]
    unvalued = sum(told.subject == subject for told in _unvalued(kiosk))
    if unvalued:
        found.notes[0] = unvalued
    found.checks = _checks(subject)
    taken = {check.paper for check in found.checks}
    awaited = [_check(told.body) for told in _awaited(kiosk) if told.subject == subject]
    found.awaited = [replace(check, again=check.paper in taken) for check in awaited]
    return found


def _unvalued(kiosk: str) -> list[_Told]:
    """Return the notes of unknown value that the kiosk told of."""
    told = _told(kiosk, "NoteUnexpected", Q(entry__contains='"value_minor":0'))
    return list({facts.name(one.body, "note_id"): one for one in told if one.body.get("value_minor") == 0}.values())


def _waiting(kiosk: str) -> set[str]:
    """Return the notes of unknown value that two people have not resolved."""
    memos = SuspenseItem.objects.filter(chain__kiosk=kiosk, reason=NOTE_UNVALUED, resolved_at=None)
    return set(memos.values_list("subject", flat=True))


def _awaited(kiosk: str) -> list[_Told]:
    """Return the checks that somebody was asked for, and of which no record says that they went in."""
    told = {facts.name(one.body, "check_id"): one for one in _told(kiosk, "CheckAwaited", Q())}
    taken = set(BookedTender.objects.filter(kiosk=kiosk, what=CHECK).values_list("name", flat=True)) if told else set()
    return [one for check_id, one in told.items() if check_id not in taken]


def _told(kiosk: str, kind: str, more: Q) -> Iterator[_Told]:
    """Return what the kiosk says on any branch: the note or check is there whichever branch wins."""
    for model in (Record, ForkRecord):
        for row in model.objects.filter(more, chain__kiosk=kiosk, kind=kind).select_related("chain").order_by("pk"):
            body = body_of(row.entry)
            yield _Told(cash_of(kiosk, row.chain.epoch, facts.period(body)), row.received_at, body)


def _checks(subject: str) -> list[Check]:
    booked = {"transaction__entries__account": CHECKS, "transaction__entries__subject": subject, "kind": "CheckTaken"}
    records = [row for model in (Record, ForkRecord) for row in model.objects.filter(**booked).order_by("pk")]
    return [_check(body_of(row.entry)) for row in records]


def _check(body: dict[str, Any]) -> Check:
    def text(name: str, most: int) -> str:
        value = body.get(name)
        return value[:most] if isinstance(value, str) else ""

    return Check(
        text("check_id", 64),
        text("number", 20),
        text("routing", 9),
        text("account_last4", 4),
        _whole(body, "amount_minor"),
        body.get("franked") is True,
        text("payment_id", 64),
    )


def _tickets(kiosk: str) -> dict[str, Ticket]:
    closed = Record.objects.filter(chain__kiosk=kiosk, kind="CassettePeriodClosed").select_related("chain")
    found = {}
    for record in closed.order_by("chain", "seq"):
        body = body_of(record.entry)
        found[cash_of(kiosk, record.chain.epoch, str(body.get("period")))] = Ticket(
            _whole(body, "total_minor"),
            {_whole(note, "value_minor"): _whole(note, "count") for note in _notes(body)},
            _whole(body, "doubtful_minor"),
            str(body.get("by", ""))[:60],
            record.device_time,
        )
    return found


def _notes(body: dict[str, Any]) -> list[dict[str, Any]]:
    notes = body.get("notes")
    return [note for note in notes if isinstance(note, dict)] if isinstance(notes, list) else []


def _whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    return value if type(value) is int else 0
