"""Dates in the catalogue's words, so that kiosk.pages needs no locale of the machine."""

from collections.abc import Callable
from datetime import date, datetime

from kiosk.pages.tongue import Said, Tongue

Translate = Callable[[str], str]


def date_words(day: date, _: Translate) -> str:
    """Return a date as people write it: "November 23, 2026"."""
    months = (
        _("January"),
        _("February"),
        _("March"),
        _("April"),
        _("May"),
        _("June"),
        _("July"),
        _("August"),
        _("September"),
        _("October"),
        _("November"),
        _("December"),
    )
    return _("{month} {day}, {year}").format(month=months[day.month - 1], day=day.day, year=day.year)


def time_words(at: datetime) -> str:
    """Return the time of day as on the receipt: "7:44 PM"."""
    return f"{at.hour % 12 or 12}:{at.minute:02d} {'AM' if at.hour < 12 else 'PM'}"


def day_words(day: date, tongue: Tongue) -> Said:
    """Return a date for a page; a voice reads it as it stands."""
    return tongue.plain(date_words(day, tongue.translate))
