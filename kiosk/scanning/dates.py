"""Due dates as codes print them, turned into YYYY-MM-DD."""

from calendar import monthrange
from datetime import date

# Where year, month and day stand in each form a profile may name. YYDDD counts days of the year.
FORMS = ("YYMMDD", "MMDDYY", "DDMMYY", "YYYYMMDD", "YYDDD")


def century(year: int, today: date) -> int:
    """Return the full year of a two-digit `year` that is nearest `today`; of two as near, the later."""
    candidates = [today.year - today.year % 100 + year + step for step in (100, 0, -100)]
    return min(candidates, key=lambda candidate: abs(candidate - today.year))


def parse(text: str, form: str, today: date) -> str:
    """Return the date that `text` holds in `form`, "" if it is all zeros; ValueError if there is no such date."""
    if not text.strip("0"):
        return ""
    if form == "YYDDD":
        year, day = century(int(text[:2]), today), int(text[2:])
        if not 1 <= day <= (date(year, 12, 31) - date(year, 1, 1)).days + 1:
            raise ValueError(f"no day {day} in {year}")
        return date.fromordinal(date(year, 1, 1).toordinal() + day - 1).isoformat()
    year_at, month_at, day_at = form.index("Y"), form.index("M"), form.index("D")
    width = form.count("Y")
    year = int(text[year_at : year_at + width])
    full = year if width == 4 else century(year, today)
    return date(full, int(text[month_at : month_at + 2]), int(text[day_at : day_at + 2])).isoformat()


def gs1(text: str, today: date) -> str:
    """Return the date of a GS1 YYMMDD field, where day 00 means the last day of the month (sheet 4)."""
    if text[4:] != "00":
        return parse(text, "YYMMDD", today)
    year, month = century(int(text[:2]), today), int(text[2:4])
    if not 1 <= month <= 12:
        raise ValueError(f"no month {month}")
    return date(year, month, monthrange(year, month)[1]).isoformat()
