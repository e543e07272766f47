"""When the kiosk cannot take money: why, in words, and what to do instead."""

from kiosk.domain.snapshot import Snapshot
from kiosk.pages.frame import framed
from kiosk.pages.page import Badge, Page
from kiosk.pages.tongue import Said, Tongue, line


def starting(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    return framed(
        snapshot,
        tongue,
        say("Good day. This kiosk is getting ready."),
        badge=_badge(tongue.say("Starting"), "caution"),
        lines=(line(say("It takes less than a minute. Please wait."), "muted"),),
        picture="finding",
    )


def out_of_service(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    reasons = _reasons(snapshot.reasons, tongue)
    return framed(
        snapshot,
        tongue,
        say("This kiosk is closed for now"),
        badge=_badge(say("Closed"), "error"),
        lines=(
            *(line(reason, "strong") for reason in reasons),
            line(say("Please pay at the counter, by mail, or on the city's website."), "body"),
            line(say("Staff have been told. Money already paid here is safe."), "muted"),
        ),
        picture="closed",
    )


def _badge(said: Said, tone: str) -> Badge:
    return Badge(said.text, tone, said.spoken)


def _reasons(codes: tuple[str, ...], tongue: Tongue) -> tuple[Said, ...]:
    """Return each reason once. A resident is not helped by more than the kind of trouble."""
    said = [_reason(code, tongue) for code in codes] or [tongue.say("It needs a check by staff.")]
    return tuple(dict.fromkeys(said))


def _reason(code: str, tongue: Tongue) -> Said:
    say = tongue.say
    match code:
        case "acceptor_starting" | "screen_silent" | "engine_away":
            return say("It is starting again. This may take a minute.")
        case "stopping":
            return say("It is being switched off.")
        case "cassette_full":
            return say("The cash box is full.")
        case "cassette_removed":
            return say("The cash box is being changed.")
        case "jammed" | "transport_open":
            return say("The cash slot is blocked.")
        case _ if code.startswith("frozen"):
            return say("Its records need a check before it can take money.")
        case _:
            return say("The cash slot does not work.")
