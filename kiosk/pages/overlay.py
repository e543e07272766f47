"""Pages that stand above the page that was there: help, and the question whether anyone is still here."""

from dataclasses import replace

from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import Snapshot
from kiosk.pages.frame import framed
from kiosk.pages.page import Choice, Line, Page
from kiosk.pages.tongue import Said, Tongue, choice, line

# Where staff may take over from a resident's page: nothing is being paid there.
STAFF_FROM = {"starting", "attract", "type_account", "out_of_service"}


def help_page(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    free = snapshot.claim is None
    takes_over = free and snapshot.screen in STAFF_FROM
    staff = (choice("staff", say("Staff"), icon="lock", kind="chip"),) if takes_over else ()
    claim = choice("claim", say("Money is missing"), say("Tell us what went wrong"), icon="coins")
    return replace(
        framed(
            replace(snapshot, notice=""),
            tongue,
            say("How can we help?"),
            name="help",
            lines=(
                *(line(text) for text in _advice(snapshot, tongue)),
                line(say("Screen colors:"), "muted"),
            ),
            choices=(
                *_themes(snapshot, tongue),
                *staff,
                *((claim,) if snapshot.claims and free else ()),
                choice("close_help", say("Go on"), kind="primary"),
            ),
        ),
        overlay=True,
    )


def _advice(snapshot: Snapshot, tongue: Tongue) -> tuple[Said, ...]:
    say = tongue.say
    person = say("Need a person? Ask at the counter. After hours, call the number on your bill.")
    match "claim" if snapshot.claim else snapshot.screen:
        case "claim":
            own = say("A claim tells the city that money is missing. You get a number to ask with.")
        case "type_account":
            own = say("Type the numbers from any city letter. We show only the last four digits.")
        case "card" | "partial" | "card_unknown":
            own = say("Use your card at the card reader. Type a PIN only there.")
        case "invoice" | "other_amount" | "tender" | "fee":
            own = say("You can pay all or a part. You see every amount before you pay.")
        case "cash" | "review" | "closing":
            own = say("Put in one bill at a time, flat, any side up. Coins do not fit.")
        case "done":
            own = say("Take your receipt. Keep the number: with it we find your payment.")
        case screen if screen.startswith("staff"):
            own = say("This part is for city staff.")
        case _:
            own = say("Hold your bill under the light, or type your account number.")
    return own, person


def help_lines(snapshot: Snapshot, tongue: Tongue) -> tuple[Line, ...]:
    """Return what Help would say about this page, for the voice."""
    return tuple(line(text) for text in _advice(snapshot, tongue))


def _themes(snapshot: Snapshot, tongue: Tongue) -> tuple[Choice, ...]:
    say = tongue.say
    # Translators: three ways to colour the screen
    names = {"light": say("Light"), "black": say("Black"), "low_glare": say("Soft")}
    return tuple(
        choice(Intent("theme", theme), said, kind="chip", selected=theme == snapshot.theme)
        for theme, said in names.items()
    )


def idle_page(snapshot: Snapshot, tongue: Tongue) -> Page:
    """Ask by sight and sound; any touch goes on (T1, T2)."""
    say = tongue.say
    cash_in = snapshot.payment is not None and snapshot.payment.in_minor > 0
    by_card = snapshot.payment is not None and snapshot.payment.by_card_minor > 0
    kept = say("What you paid counts toward your bill.")
    if not by_card:
        kept = say("The cash you put in counts toward your bill.")
    private = say("We will close this page to keep it private.")
    return replace(
        framed(
            replace(snapshot, notice=""),
            tongue,
            say("Are you still there?"),
            name="idle",
            lines=(line(kept if cash_in else private, "muted"),),
            big=(say("Seconds left").text, str(snapshot.idle_left_s)),
            big_spoken=say("{count} seconds left", count=snapshot.idle_left_s).spoken,
            choices=(
                choice("more_time", say("I need more time"), icon="clock", kind="primary"),
                choice("start_over", say("I am finished"), kind="plain"),
            ),
        ),
        overlay=True,
    )
