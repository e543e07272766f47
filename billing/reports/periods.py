"""Cassette periods as the counting room needs them: notes by value, checks one by one, and the kiosk's own ticket."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max, Q, Sum

from billing.journal import facts
from billing.journal.models import ForkRecord, Record
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
    """`subject` names it in the ledger. `cash_minor` is what ought to lie in the cassette."""

    subject: str
    currency: str
    last: datetime
    cash_minor: int
    checks_minor: int
    checks: int
    ticket: Ticket | None

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


@dataclass
class Content:
    """What a period's cassette and check pocket ought to hold."""

    notes: Counter[int] = field(default_factory=Counter)  # value, 0 if nobody knows it: how many
    by_hand_minor: int = 0  # what two people booked from a count, of which no note is known
    checks: list[Check] = field(default_factory=list)


def periods(kiosk: str) -> list[Period]:
    """Return the kiosk's periods with money in them, the newest first."""
    mine = Entry.objects.filter(account__in=(CASH, CHECKS), subject__startswith=f"{kiosk}/")
    rows = mine.values("subject", "transaction__currency").annotate(
        cash=Sum("amount_minor", filter=Q(account=CASH)),
        checks=Sum("amount_minor", filter=Q(account=CHECKS)),
        last=Max("transaction__posted_at"),
    )
    counts = Counter(mine.filter(account=CHECKS).values_list("subject", "transaction__currency"))
    tickets = _tickets(kiosk)
    found = [
        Period(
            row["subject"],
            row["transaction__currency"],
            row["last"],
            row["cash"] or 0,
            row["checks"] or 0,
            counts[row["subject"], row["transaction__currency"]],
            tickets.get(row["subject"]),
        )
        for row in rows
    ]
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
    unvalued = _unvalued(subject)
    if unvalued:
        found.notes[0] = unvalued
    found.checks = _checks(subject)
    return found


def _unvalued(subject: str) -> int:
    """Return how many notes of unknown value the kiosk told of in this period: no line of the ledger holds them."""
    told = Record.objects.filter(kind="NoteUnexpected", reason="note-unvalued").select_related("chain")
    periods_told = [cash_of(row.chain.kiosk_id, row.chain.epoch, facts.period(body_of(row.entry))) for row in told]
    return periods_told.count(subject)


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
        int(body["amount_minor"]),
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
