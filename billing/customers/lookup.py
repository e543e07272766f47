"""Finding an account by a scanned bill, or by its number and house number. Misses cost time."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from billing.customers import billcode
from billing.customers.models import Account, Misses

FREE_MISSES = 5
_WINDOW = timedelta(minutes=1)
_FIRST_DELAY_S, _LONGEST_DELAY_S = 60, 3600
_FORGET = timedelta(hours=2)


class NotFound(Exception):
    """No such account, or the second factor is wrong: nobody is told which."""


class SlowDown(Exception):
    """Too many misses; try again in `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


def by_scan(text: str, kiosk_id: str, now: datetime) -> Account:
    """Return the account of the printed bill `text`."""
    _check_pace([_kiosk_key(kiosk_id)], now)
    code = billcode.decode(text)
    account: Account | None = None
    if code:
        account = _accounts().filter(number=code.account, invoices__number=code.bill).first()
    if account is None:
        _count_miss([_kiosk_key(kiosk_id)], now)
        raise NotFound
    return account


def by_number(number: str, house_number: str, kiosk_id: str, now: datetime) -> Account:
    """Return account `number` if it is at `house_number`. Misses count against the kiosk and against the number."""
    digits = "".join(c for c in number if c.isascii() and c.isdigit())[:20]
    keys = [_kiosk_key(kiosk_id), f"number:{digits}"]
    _check_pace(keys, now)
    account: Account | None = _accounts().filter(number=digits).first()
    if account is None or _folded(account.house_number) != _folded(house_number):
        _count_miss(keys, now)
        raise NotFound
    return account


def _accounts() -> Any:
    return Account.objects.select_related("customer")


def _folded(house_number: str) -> str:
    return "".join(c for c in house_number.upper() if c.isalnum())


def _kiosk_key(kiosk_id: str) -> str:
    return f"kiosk:{kiosk_id}"


def _check_pace(keys: list[str], now: datetime) -> None:
    blocked = Misses.objects.filter(key__in=keys, blocked_until__gt=now)
    waits = [(until - now).total_seconds() for until in blocked.values_list("blocked_until", flat=True)]
    if waits:
        raise SlowDown(int(max(waits)) + 1)


def _count_miss(keys: list[str], now: datetime) -> None:
    """Count one miss; the fifth within a minute starts a delay, which doubles each time it is earned again."""
    with transaction.atomic():
        for key in sorted(keys):
            misses, _ = Misses.objects.select_for_update().get_or_create(key=key, defaults={"window_start": now})
            if now - misses.window_start > _FORGET:
                misses.delay_s = 0
            if now - misses.window_start > _WINDOW:
                misses.window_start, misses.count = now, 0
            misses.count += 1
            if misses.count >= FREE_MISSES:
                misses.delay_s = min(misses.delay_s * 2, _LONGEST_DELAY_S) or _FIRST_DELAY_S
                misses.blocked_until = now + timedelta(seconds=misses.delay_s)
                misses.count = 0
            misses.save()
