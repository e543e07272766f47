"""Pages for city staff: sign in, health of the devices, the swap of the cassette. They never look like a resident's."""

from datetime import date

from kiosk.domain.snapshot import BatchView, DeviceHealth, Snapshot, StaffView
from kiosk.pages.dates import day_words
from kiosk.pages.pad import back, pad
from kiosk.pages.page import Choice, Entry, Line, Page
from kiosk.pages.refund import refund_choice
from kiosk.pages.search import search_choice
from kiosk.pages.staff_frame import sign_out, staff_page
from kiosk.pages.tongue import Said, Tongue, choice, line, notice


def staff_sign_in(snapshot: Snapshot, tongue: Tongue) -> Page:
    """The PIN is shown and spoken as how many digits were typed, never which (A6)."""
    say = tongue.say
    count = say("{count} digits", count=len(snapshot.entry))
    label = say("PIN")
    locked = snapshot.notice == "pin_locked"
    return staff_page(
        snapshot,
        tongue,
        say("Type your PIN"),
        lines=(line(say("For city staff only. Every sign-in is recorded."), "muted"),),
        entry=Entry(label.text, snapshot.entry, spoken=f"{label.spoken}: {count.spoken}"),
        choices=pad(tongue, say("Sign in"), bool(snapshot.entry) and not locked),
    )


def staff_health(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    staff = snapshot.staff or StaffView()
    ends = say("Ends this period and prints a ticket") if staff.notes or staff.checks else say("Nothing is in it yet")
    swap = choice(
        "swap_cassette",
        say("Swap the cassette"),
        None if staff.cards else ends,  # the next page says so, too
        icon="cassette",
        kind="primary",
        enabled=staff.notes > 0 or staff.checks > 0,
        beside=staff.cards,
    )
    return staff_page(
        snapshot,
        tongue,
        say("Health of {kiosk}", kiosk=snapshot.kiosk),
        lines=(*(_device(device, tongue) for device in staff.devices), *_figures(snapshot, staff, tongue)),
        choices=(swap, *_cards(staff, tongue), sign_out(tongue)),
    )


def _figures(snapshot: Snapshot, staff: StaffView, tongue: Tongue) -> tuple[Line, ...]:
    say = tongue.say
    rows: tuple[tuple[Said, Said], ...] = (
        (say("Cassette period"), tongue.plain(str(staff.period))),
        (say("Notes in the cassette"), _notes(staff, tongue)),
        (say("Value by count"), tongue.money(staff.total_minor)),
        *(((say("Checks in the pocket"), tongue.plain(str(staff.checks))),) if staff.checks else ()),
        (say("Line to the city"), say("working") if snapshot.online else say("down")),
        (
            say("Records not yet sent"),
            say("{some} of {all}", some=f"{staff.unposted:,}", all=f"{staff.journal_records:,}"),
        ),
        (say("Program version"), tongue.plain(staff.version or "?")),
    )
    return tuple(line(label, "rule", value) for label, value in rows)


def _notes(staff: StaffView, tongue: Tongue) -> Said:
    if not staff.unvalued:
        return tongue.plain(str(staff.notes))
    # Translators: notes in the cassette; the second number is of those whose value is unknown
    return tongue.say("{count}, {unknown} of unknown value", count=staff.notes, unknown=staff.unvalued)


def _cards(staff: StaffView, tongue: Tongue) -> tuple[Choice, ...]:
    if not staff.cards:
        return ()
    return (choice("staff_cards", tongue.say("Cards"), icon="card", beside=True),)


def staff_cards(snapshot: Snapshot, tongue: Tongue) -> Page:
    """Refunds, and the day end of the card reader where the kiosk is the one to order it."""
    say = tongue.say
    staff = snapshot.staff or StaffView()
    batch = staff.batch
    rows = (
        (
            line(say("Cards since the last day end"), "rule", tongue.plain(str(batch.count))),
            line(say("Last day end for cards"), "rule", _last_day_end(batch, tongue)),
        )
        if batch
        else (line(say("The bank closes the day of this card reader by itself."), "muted"),)
    )
    close = (_close_batch(batch, tongue),) if batch else ()
    return staff_page(
        snapshot,
        tongue,
        say("Cards"),
        lines=rows,
        choices=(*close, *refund_choice(staff, tongue), *search_choice(staff, tongue), back(tongue), sign_out(tongue)),
    )


def _last_day_end(batch: BatchView, tongue: Tongue) -> Said:
    say = tongue.say
    if not batch.result:
        # Translators: the card reader's day end has not happened yet
        return say("never")
    if batch.result == "approved":
        return day_words(date.fromisoformat(batch.day), tongue) if batch.day else say("done")
    return say("not known") if batch.result == "unknown" else say("failed")


def _close_batch(batch: BatchView, tongue: Tongue) -> Choice:
    say = tongue.say
    hints = {
        "batch_closing": say("The card reader is at it"),
        "card_unknown": say("Not while a card payment is looked for"),
        "terminal_lost": say("The card reader is not connected"),
        "terminal_faulted": say("The card reader has a fault"),
        "payment_open": say("Not while a payment is open"),
    }
    able = say("The day end, now and not only at its time") if batch.waits else say("Nothing is in it yet")
    hint = hints.get(batch.hindrance, able)
    enabled = batch.waits and not batch.hindrance
    return choice("close_batch", say("Close the card batch"), hint, icon="card", kind="primary", enabled=enabled)


def _device(device: DeviceHealth, tongue: Tongue) -> Line:
    """A state is words beside the name, never a colour alone; the device's own code stays as it is, for the manual."""
    say = tongue.say
    names = {
        "acceptor": say("Bill acceptor"),
        "terminal": say("Card reader"),
        "check_reader": say("Check reader"),
        "printer": say("Printer"),
        "scanner": say("Scanner"),
        "screen": say("Screen"),
        "voice": say("Voice"),
        # Translators: the disk or card that keeps the kiosk's records
        "storage": say("Storage"),
    }
    states = {
        "ready": say("ready"),
        "lost": say("not connected"),
        "connecting": say("connecting"),
        "interrogating": say("starting"),
        "faulted": say("fault"),
    }
    state = states.get(device.state, tongue.plain(device.state))
    # The reason of a device that works warns: paper low, disk low. Its detail (the model) would crowd the page.
    code = device.reason.replace("_", " ")
    value = Said(f"{state.text}: {code}", f"{state.spoken}: {code}") if code else state
    return line(names.get(device.name, tongue.plain(device.name)), "rule", value)


def staff_swap(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    staff = snapshot.staff or StaffView()
    return staff_page(
        snapshot,
        tongue,
        say("Swap the cassette"),
        lines=(
            line(say("Period {period} ends when you confirm.", period=staff.period), "muted"),
            line(say("1. Take out the full cassette.")),
            line(say("2. Put in an empty one and close the door.")),
            line(say("3. Confirm. Put the ticket in the bag.")),
            line(say("Notes in the cassette"), "rule", tongue.plain(str(staff.notes))),
        ),
        notice=notice(say("Interrupted? Go back: the period stays open and nothing is lost."), "caution"),
        choices=(
            choice(
                "confirm", say("The cassette is swapped"), say("Prints the ticket"), icon="cassette", kind="primary"
            ),
            back(tongue),
            sign_out(tongue),
        ),
    )
