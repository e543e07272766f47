"""The same sum was put on the same bill a moment ago: somebody pays twice by mistake more often than on purpose."""

from datetime import datetime

from kiosk.domain.snapshot import RepeatView, Snapshot
from kiosk.pages.dates import time_words
from kiosk.pages.frame import framed
from kiosk.pages.pad import back
from kiosk.pages.page import Page
from kiosk.pages.tongue import Tongue, choice, line

_NOTHING = RepeatView(0, "1970-01-01T00:00:00+00:00")


def repeat(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    paid = snapshot.repeat or _NOTHING
    time = tongue.plain(time_words(datetime.fromisoformat(paid.at)))
    account = (line(say("Account ending in"), "rule", tongue.digits(paid.last4)),) if paid.last4 else ()
    return framed(
        snapshot,
        tongue,
        say("This bill was paid at {time}. Pay again?", time=time),
        lines=(
            *account,
            line(say("Paid at {time}", time=time), "rule", tongue.money(paid.amount_minor)),
            line(say("The same amount was put on this bill a few minutes ago."), "muted"),
        ),
        choices=(
            choice("leave_it", say("No, do not pay again"), icon="check", kind="primary"),
            choice("pay_again", say("Yes, pay it once more"), kind="plain"),
            back(tongue),
        ),
    )
