"""The page that waits for a resident: what can be done here, in each language by its own name."""

from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import Snapshot
from kiosk.pages.aftermath import aftermath_lines
from kiosk.pages.frame import badge, framed
from kiosk.pages.language import LANGUAGES
from kiosk.pages.page import Choice, Page
from kiosk.pages.tongue import Tongue, choice, line, notice


def attract(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    # Translators: the first words a resident reads; "light" is the lit scanner above the shelf.
    scan = say("Hold your bill under the light")
    title = scan if snapshot.scanner else say("Pay your city bill here")
    lead = say("Water, trash, licenses, permits. Most people are done in under a minute.")
    no_scanner = say("The scanner does not work now. Type your account number to begin.")
    return framed(
        snapshot,
        tongue,
        title,
        badge=badge(snapshot, tongue),
        lines=aftermath_lines(snapshot.aftermath, tongue) or (line(lead if snapshot.scanner else no_scanner, "muted"),),
        picture="scan" if snapshot.scanner else "keypad",
        notice=None
        if snapshot.online
        else notice(say("The line to the city is down. Payments are kept safe and sent later. They count today.")),
        choices=(_typed(snapshot, tongue), *_languages(snapshot)),
    )


def _typed(snapshot: Snapshot, tongue: Tongue) -> Choice:
    say = tongue.say
    return choice(
        "type_account",
        say("I do not have my bill"),
        say("Use your account and house number"),
        icon="keypad",
        kind="card" if snapshot.scanner else "primary",
    )


def _languages(snapshot: Snapshot) -> tuple[Choice, ...]:
    """Names of languages are never translated: each is found by those who read it."""
    return tuple(
        Choice(Intent("language", code), name, kind="chip", spoken=name, selected=code == snapshot.language)
        for code, name in LANGUAGES.items()
    )
