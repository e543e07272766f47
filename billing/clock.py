"""The server's clock: official time, in UTC, and the city's calendar."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings


def now() -> datetime:
    return datetime.now(UTC)


def city_date(moment: datetime) -> date:
    """Return the calendar date of `moment` in the city."""
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def stamp(moment: datetime) -> str:
    """Return `moment` as RFC 3339 UTC with milliseconds: "2026-11-23T19:42:07.123Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def shown(moment: datetime) -> str:
    """Return `moment` for staff, by the city's clock: "2026-11-23 13:42:07"."""
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).strftime("%Y-%m-%d %H:%M:%S")
