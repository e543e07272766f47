"""By when a claim is answered. The city's business days are Monday to Friday: it keeps no other calendar here."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

ANSWER_DAYS = 2
LAST_HOUR = 16  # from here on nobody could answer the same day; the kiosk prints the same (docs/wire.md)
_SATURDAY = 5


def answer_by(opened_at: datetime, threatened: bool) -> date:
    """Return two business days after `opened_at`, the same day when service is threatened."""
    local = opened_at.astimezone(ZoneInfo(settings.TIME_ZONE))
    if not threatened:
        return after(local.date(), ANSWER_DAYS)
    today = local.weekday() < _SATURDAY and local.hour < LAST_HOUR
    return local.date() if today else after(local.date(), 1)


def after(day: date, count: int) -> date:
    """Return the business day that is `count` of them after `day`."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < _SATURDAY
    return day
