"""What every page has: the bands above and below, in the same place on every page (S11)."""

from typing import Any

from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import Snapshot
from kiosk.pages.language import LANGUAGES, following
from kiosk.pages.notices import notice_of
from kiosk.pages.page import Badge, Choice, Notice, Page
from kiosk.pages.tongue import Said, Tongue, choice


def framed(snapshot: Snapshot, tongue: Tongue, title: Said, **parts: Any) -> Page:
    """Return a page with its bands; `parts` are the fields of Page that differ. The snapshot's notice goes first."""
    parts["notice"] = _notice(snapshot, tongue, parts.get("notice"))
    parts.setdefault("badge", badge(snapshot, tongue))
    return Page(
        name=parts.pop("name", snapshot.screen),
        language=snapshot.language,
        theme=snapshot.theme,
        text_size=snapshot.text_size,
        city=snapshot.city,
        title=title.text,
        title_spoken=title.spoken,
        bar=bar(snapshot, tongue),
        # Translators: shows the rest of a page that does not fit
        more=(tongue.say("More").text, tongue.say("Back to the top").text),
        **parts,
    )


def _notice(snapshot: Snapshot, tongue: Tongue, own: Notice | None) -> Notice | None:
    return notice_of(snapshot, tongue) or own


def bar(snapshot: Snapshot, tongue: Tongue) -> tuple[Choice, ...]:
    """Return Help, Language, Sound, Text size, Start over: always these, always in this order."""
    say = tongue.say
    other = following(snapshot.language)
    name = tongue.plain(LANGUAGES[other])
    sound = say("Sound on") if snapshot.sound else say("Sound")
    return (
        # Translators: the five labels of the bottom band; at most ten letters each, two words may stand on two lines.
        choice("help", say("Help"), icon="help", kind="bar"),
        choice(Intent("language", other), name, icon="globe", kind="bar"),
        choice("sound", sound, icon="sound" if snapshot.sound else "sound_off", kind="bar"),
        choice("text_size", say("Text size"), icon="text_size", kind="bar"),
        choice("start_over", say("Start over"), icon="start_over", kind="bar"),
    )


def badge(snapshot: Snapshot, tongue: Tongue, well: Said | None = None) -> Badge:
    """Return the state of the kiosk in a word; `well` is what to say when nothing is wrong."""
    say = tongue.say
    if not snapshot.cash:
        return _badge(_without_cash(snapshot, tongue), "caution")
    if not snapshot.online:
        # Translators: a badge: the line to the city's computers is down, payments are kept and sent later.
        return _badge(say("Offline"), "caution")
    if snapshot.after_hours:
        return _badge(say("After hours"), "success")
    return _badge(well or _with_cash(snapshot, tongue), "success")


def _with_cash(snapshot: Snapshot, tongue: Tongue) -> Said:
    say = tongue.say
    # Translators: badges: what this kiosk takes now.
    if snapshot.card:
        return say("Cash, cards")  # a third word would squeeze the city's name; the next page offers the check
    return say("Cash, checks") if snapshot.check else say("Cash")


def _without_cash(snapshot: Snapshot, tongue: Tongue) -> Said:
    say = tongue.say
    # Translators: badges: this kiosk takes these and no cash now; it takes no cash.
    if snapshot.check:
        return say("Cards, checks") if snapshot.card else say("Checks only")
    return say("Cards only") if snapshot.card else say("No cash now")


def _badge(said: Said, tone: str) -> Badge:
    return Badge(said.text, tone, said.spoken)
