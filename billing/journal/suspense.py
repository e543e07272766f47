"""Resolving what waits for staff: money is placed by a transaction, a memo is closed by words."""

from datetime import datetime

from django.db import transaction

from billing import clock
from billing.customers.models import Account
from billing.journal.models import SuspenseItem
from billing.ledger import posting
from billing.ledger.chart import CREDIT, FORK_SUSPENSE, SUSPENSE
from billing.ledger.posting import Draft, Line


class NotPlaceable(ValueError):
    """This item cannot be resolved in this way; the words say why."""


def place_as_credit(item: SuspenseItem, account: Account, by: str, now: datetime) -> None:
    """Move the item's money to credit on `account`, where it counts against the oldest bill. Once."""
    if item.memo or item.amount_minor <= 0:
        raise NotPlaceable("there is no money in this item")
    held = FORK_SUSPENSE if item.reason == "journal-fork" else SUSPENSE
    lines = (Line(held, item.subject, item.amount_minor), Line(CREDIT, account.number, -item.amount_minor))
    with transaction.atomic():
        _resolve(item, f"credit on {account.number}", by, now)
        day = clock.city_date(now)
        posting.post([Draft(f"suspense/{item.pk}", f"Placed by {by}", item.currency, day, lines)], now)


def close_memo(item: SuspenseItem, words: str, by: str, now: datetime) -> None:
    """Close a doubt that no ledger line stands for."""
    if not item.memo:
        raise NotPlaceable("this item holds money: place it on an account")
    _resolve(item, words, by, now)


def _resolve(item: SuspenseItem, words: str, by: str, now: datetime) -> None:
    changed = SuspenseItem.objects.filter(pk=item.pk, resolved_at=None).update(
        resolved_at=now, resolution=f"{by}: {words}"[:200]
    )
    if changed != 1:
        raise NotPlaceable("this item is resolved already")
