"""When the kiosk cannot take money: why, in words, and what to do instead."""

from dataclasses import replace

from kiosk.domain.snapshot import Snapshot
from kiosk.pages.aftermath import aftermath_lines
from kiosk.pages.frame import framed
from kiosk.pages.page import Badge, Page
from kiosk.pages.tongue import Said, Tongue, line


def starting(snapshot: Snapshot, tongue: Tongue) -> Page:
    """Before the first session, and while a note is still looked for: that may be the money of who stands here."""
    say = tongue.say
    doubt = snapshot.notice == "note_in_doubt" or any(item.what == "asking" for item in snapshot.aftermath)
    safe = say("Money already put in is safe. We are checking it now.")
    wait = say("It takes less than a minute. Please wait.")
    stuck = tuple(code for code in snapshot.reasons if REASONS.get(code) != "restarting")
    sure = not any(item.what == "lost" for item in snapshot.aftermath)
    return framed(
        # What the box of this notice says is said by the page itself.
        replace(snapshot, notice="") if doubt else snapshot,
        tongue,
        say("We are checking the cash slot") if doubt else say("Good day. This kiosk is getting ready."),
        badge=_badge(say("Checking") if doubt else say("Starting"), "caution"),
        lines=(
            *aftermath_lines(snapshot.aftermath, tongue),
            *(line(reason, "strong") for reason in _foremost(snapshot, stuck, tongue)),
            *((line(safe, "strong" if doubt else "body"),) if sure and (doubt or stuck) else ()),
            line(say("If it takes longer, ask at the counter."), "muted") if stuck else line(wait, "muted"),
        ),
        picture="finding",
    )


def out_of_service(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    reasons = _foremost(snapshot, snapshot.reasons or ("unknown",), tongue)
    # The city hears of it with the next heartbeat, if there is a line.
    told = say("Staff have been told.") if snapshot.online else say("Please tell the staff at the counter.")
    safe = say("Money already paid here is safe.")
    return framed(
        snapshot,
        tongue,
        say("This kiosk is closed for now"),
        badge=_badge(say("Closed"), "error"),
        lines=(
            *aftermath_lines(snapshot.aftermath, tongue),
            *(line(reason, "strong") for reason in reasons),
            line(say("Please pay at the counter, by mail, or on the city's website."), "body"),
            line(told, "muted"),
            # Not to a person who has just read that money is looked for.
            *(() if snapshot.aftermath else (line(safe, "muted"),)),
        ),
        picture="closed",
    )


def _badge(said: Said, tone: str) -> Badge:
    return Badge(said.text, tone, said.spoken)


def _foremost(snapshot: Snapshot, codes: tuple[str, ...], tongue: Tongue) -> tuple[Said, ...]:
    """Return every reason, but only the gravest to a person who has to read what became of money."""
    said = _reasons(codes, tongue)
    return said[:1] if snapshot.aftermath else said


def _reasons(codes: tuple[str, ...], tongue: Tongue) -> tuple[Said, ...]:
    """Return the words of each kind of trouble once. The code itself is for staff, on their health page."""
    return tuple(dict.fromkeys(_reason(code, tongue) for code in codes))


# Kinds of trouble by the codes of Snapshot.reasons; a code that begins with "frozen_" is a matter of records.
REASONS = {
    "acceptor_starting": "restarting",
    "screen_silent": "restarting",
    "engine_away": "restarting",
    "stopping": "stopping",
    "cassette_full": "full",
    "cassette_removed": "emptying",
    "jammed": "blocked",
    "stalled": "blocked",
    "transport_open": "open",
    "acceptor_lost": "slot",
    "acceptor_faulted": "slot",
    "failure": "slot",
    "change_in_doubt": "slot",
    "out_of_service": "slot",
    "cheated": "slot",
    "wrong_table": "settings",
    "journal_damaged": "records",
    "refilling": "fetching",
    "disk_full": "unsafe",
    "disk_read_only": "unsafe",
    "disk_failed": "unsafe",
    "wrong_medium": "unsafe",
    "disk_slow": "slow",
    "crash_loop": "check",
    "not_enrolled": "check",
}


def _reason(code: str, tongue: Tongue) -> Said:
    say = tongue.say
    match "records" if code.startswith("frozen") else REASONS.get(code, "check"):
        case "restarting":
            return say("It is starting again. This may take a minute.")
        case "stopping":
            return say("It is being switched off.")
        case "full":
            return say("The cash box is full.")
        case "emptying":
            return say("The cash box is being changed.")
        case "blocked":
            return say("The cash slot is blocked.")
        case "open":
            return say("The cash slot is open.")
        case "slot":
            return say("The cash slot does not work.")
        case "settings":
            return say("The cash slot needs its settings checked.")
        case "records":
            return say("Its records need a check before it can take money.")
        case "fetching":
            return say("It is getting its records back from the city. This can take a while.")
        case "unsafe":
            return say("It cannot keep its records safe, so it takes no money.")
        case "slow":
            return say("It is still saving its records. Please try again in a minute.")
        case _:
            return say("It needs a check by staff.")
