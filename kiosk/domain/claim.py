"""Claims of residents, and what became of money after an interruption: what is said, and by when it is answered."""

from dataclasses import dataclass
from datetime import date, timedelta

# What a resident can say went wrong.
WHATS = ("not_counted", "wrong_amount", "no_receipt", "other")
WHENS = ("now", "earlier")

ANSWER_DAYS = 2
# From this hour on nobody at the office could still answer the same day.
LAST_HOUR = 16
_SATURDAY = 5


@dataclass(frozen=True)
class Aftermath:
    """What became of money that a person may be waiting for. `number` is of the receipt or the claim.

    `what`: applied (to an account), asking (the device is asked about a note), lost (a note in doubt; a claim is
    open), found (such a note turned up), unplaced (a note nobody asked for; a claim is open), change (that may not
    have come out; a claim is open), filed (a claim by the resident). `paper`: printing, waiting, printed, failed; ""
    in the fold as long as nothing is known.
    """

    what: str
    amount_minor: int
    last4: str = ""
    number: str = ""
    paper: str = ""


def answer_by(local: str, threatened: bool) -> str:
    """Return the date of the answer to a claim made at `local` time: two business days, the same day under threat."""
    day = date.fromisoformat(local[:10])
    if not threatened:
        return business_days_after(day, ANSWER_DAYS).isoformat()
    today = day.weekday() < _SATURDAY and int(local[11:13]) < LAST_HOUR
    return (day if today else business_days_after(day, 1)).isoformat()


def business_days_after(day: date, count: int) -> date:
    """Return the business day (Monday to Friday) that is `count` of them after `day`."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < _SATURDAY
    return day
