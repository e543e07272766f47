"""Dates in the catalogue's words, so that kiosk.pages needs no locale of the machine."""

from collections.abc import Callable
from datetime import date

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


def day_words(day: date, tongue: Tongue) -> Said:
    """Return a date for a page; a voice reads it as it stands."""
    return tongue.plain(date_words(day, tongue.translate))
