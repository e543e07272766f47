"""Staff at the kiosk: sign in with a PIN, see health, say that the cassette was swapped."""

from kiosk.brain import change
from kiosk.brain.closing import leave
from kiosk.brain.commands import CheckPin, PrintTicket
from kiosk.brain.events import PinChecked
from kiosk.brain.idle import awake
from kiosk.brain.state import fresh_scene
from kiosk.brain.turn import Turn
from kiosk.domain.facts import (
    CassettePeriodClosed,
    CassettePeriodOpened,
    DeviceFaultSeen,
    SessionClosed,
    StaffSignedIn,
    StaffSignedOut,
)


def ask_pin(turn: Turn, value: str) -> None:
    """Staff take over from a resident's session that has no payment yet."""
    del value
    if turn.books.session_id:
        turn.record(SessionClosed(turn.books.session_id, "cancelled"))
    turn.show_scene(fresh_scene(turn.state, "staff_sign_in"))
    turn.show(field="pin", notice="pin_locked" if turn.scene.pin_locked else "")


def submit_pin(turn: Turn, value: str) -> None:
    del value
    if turn.scene.pin_locked or not turn.scene.entry:
        return
    request = turn.moment.ids[2]
    turn.order(CheckPin(request, turn.scene.entry))
    turn.show(request=request, entry="")


def pin_checked(turn: Turn, event: PinChecked) -> None:
    if event.request != turn.scene.request or turn.scene.stage != "staff_sign_in":
        return
    if event.who:
        turn.record(StaffSignedIn(event.who))
        turn.show(stage="staff_health", request="", field="", entry="", notice="", pin_failures=0)
    else:
        wrong_pin(turn)


def wrong_pin(turn: Turn) -> None:
    failures = turn.scene.pin_failures + 1
    locked = failures >= turn.settings.pin_tries
    turn.show(request="", pin_failures=failures, pin_locked=locked, notice="pin_locked" if locked else "pin_wrong")
    if locked:
        turn.record(DeviceFaultSeen("staff", "pin_locked", f"{failures} wrong PINs in a row"))
        turn.start("pin_lock", turn.settings.timeouts.pin_lock)


def pin_unlocked(turn: Turn) -> None:
    turn.show(pin_failures=0, pin_locked=False)
    if turn.scene.notice == "pin_locked":
        turn.show(notice="")


def ask_swap(turn: Turn, value: str) -> None:
    """Closing an empty period is refused: there is nothing to carry away."""
    del value
    if holds_notes(turn):
        turn.show(stage="staff_swap", notice="")


def back_to_health(turn: Turn, value: str) -> None:
    del value
    turn.show(stage="staff_health", notice="")


def show_cards(turn: Turn, value: str) -> None:
    del value
    if turn.settings.cards:
        turn.show(stage="staff_cards", notice="", field="", entry="", request="", refund=None)


def swap(turn: Turn, value: str) -> None:
    """Close the period, open the next, print its ticket."""
    del value
    if turn.books.note is not None or turn.books.payout is not None or not holds_notes(turn):
        return
    close_period(turn, turn.books.staff, "swapped")
    turn.show(stage="staff_health", notice="period_closed")


def close_period(turn: Turn, by: str, reason: str) -> None:
    books = turn.books
    total_minor = sum(count.value_minor * count.count for count in books.period_notes)
    closed = CassettePeriodClosed(
        period=books.period,
        notes=books.period_notes,
        total_minor=total_minor,
        doubtful_minor=books.doubtful_minor,
        by=by,
        reason=reason,
        checks=books.period_checks,
        check_minor=books.period_check_minor,
        cassette=change.in_cassette(turn.state),
        recycler=change.in_store(turn.state),
    )
    turn.record(closed)
    turn.record(CassettePeriodOpened(books.period + 1))
    if turn.devices.printer.state == "ready":
        turn.order(PrintTicket(f"ticket/{books.period}", closed))


def sign_out(turn: Turn, value: str) -> None:
    turn.record(StaffSignedOut(turn.books.staff, value or "signed_out"))
    leave(turn, "staff")
    awake(turn)


def cassette_removed(turn: Turn) -> None:
    """The box left its place. Announced or not, the next note belongs to another period."""
    announced, who = turn.books.swap_announced, turn.books.staff
    if not announced and holds_notes(turn):
        close_period(turn, who, "swapped" if who else "removed")
        if who and turn.scene.stage != "staff_refunding":
            turn.show(stage="staff_health", notice="period_closed", field="", entry="", request="", refund=None)
    turn.record(DeviceFaultSeen("acceptor", "cassette_removed", "announced" if announced or who else "unannounced"))


def holds_notes(turn: Turn) -> bool:
    return bool(turn.books.period_notes or turn.books.doubtful_minor or turn.books.period_checks)
