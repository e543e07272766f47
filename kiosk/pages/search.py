"""The page for staff about a card transaction whose end the card reader never told, and the way to it."""

from kiosk.domain.snapshot import SearchView, Snapshot, StaffView
from kiosk.pages.pad import back
from kiosk.pages.page import Choice, Page
from kiosk.pages.staff_frame import sign_out, staff_page
from kiosk.pages.tongue import Said, Tongue, choice, line


def search_choice(staff: StaffView, tongue: Tongue) -> tuple[Choice, ...]:
    """Return the way to this page, on the page of cards."""
    if staff.search is None:
        return ()
    say = tongue.say
    return (choice("staff_search", say("A card is looked for"), _amount(staff.search, tongue), icon="help"),)


def staff_search(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    view = (snapshot.staff or StaffView()).search or SearchView("sale", "", 0)
    terminal = (line(say("Card reader"), "rule", tongue.plain(view.terminal)),) if view.terminal else ()
    return staff_page(
        snapshot,
        tongue,
        say("A card is looked for"),
        lines=(
            line(_what(view, tongue), "rule", tongue.money(view.amount_minor)),
            line(say("Reference"), "rule", tongue.plain(view.reference)),
            *terminal,
            line(say("The card reader has not said how this ended. No card is taken meanwhile.")),
            line(say("1. Connect the card reader that did it, and wait a minute.")),
            line(
                say("2. If it is broken or gone: look the reference up at the processor, and settle it at the office.")
            ),
            line(say("3. Then stop looking here.")),
        ),
        choices=(
            choice(
                "confirm",
                say("Stop looking"),
                say("Cards are taken again"),
                icon="card",
                kind="primary",
                enabled=(snapshot.staff or StaffView()).search is not None,
            ),
            back(tongue),
            sign_out(tongue),
        ),
    )


def _what(view: SearchView, tongue: Tongue) -> Said:
    say = tongue.say
    if view.operation == "refund":
        return say("Refund to a card")
    # Translators: what staff look for at the card reader: a payment that was undone, a payment
    return say("Undoing of a card payment") if view.operation == "void" else say("Card payment")


def _amount(view: SearchView, tongue: Tongue) -> Said:
    money = tongue.money(view.amount_minor)
    return Said(f"{money.text}, {view.reference}", f"{money.spoken}, {view.reference}")
