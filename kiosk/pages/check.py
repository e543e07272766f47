"""Paying by check: through the reader, its amount typed twice, into the slot."""

from kiosk.domain.snapshot import CheckView, PaymentView, Snapshot
from kiosk.pages.frame import framed
from kiosk.pages.pad import pad
from kiosk.pages.page import Choice, Entry, Line, Page
from kiosk.pages.strip import money_strip
from kiosk.pages.tongue import Digits, Money, Said, Tongue, choice, line


def check_choice(snapshot: Snapshot, tongue: Tongue) -> tuple[Choice, ...]:
    """Return the check among the ways to pay, where there is a reader for it."""
    if snapshot.check_reason == "no_check_reader":
        return ()
    name = tongue.say("Pay by check")
    return (choice("pay_check", name, _hint(snapshot, tongue), icon="check_paper", enabled=snapshot.check),)


def _hint(snapshot: Snapshot, tongue: Tongue) -> Said:
    say = tongue.say
    if snapshot.check:
        return say("No fee. For what you owe, or less.")
    match snapshot.check_reason:
        case "check_flagged":
            return say("Not for this account. Please ask at the counter.")
        case "check_offline":
            return say("Not while the line is down. Checks work at the counter.")
        case "check_too_high" | "check_count":
            return say("Not for this amount. Checks work at the counter.")
        case _:
            return say("Checks do not work right now")


def check(snapshot: Snapshot, tongue: Tongue) -> Page:
    view = snapshot.check_view or CheckView("read")
    match view.phase:
        case "amount" | "again":
            return _amount(snapshot, view, tongue)
        case "frank":
            return _frank(snapshot, view, tongue)
        case "slot":
            return _slot(snapshot, view, tongue)
        case _:
            return _read(snapshot, view, tongue)


def _read(snapshot: Snapshot, view: CheckView, tongue: Tongue) -> Page:
    say = tongue.say
    payment = snapshot.payment if snapshot.payment is not None and snapshot.payment.in_minor else None
    return framed(
        snapshot,
        tongue,
        say("Put your check through the reader"),
        lines=(
            line(say("Numbers at the bottom, printed side toward the reader. It comes back to you.")),
            line(say("Write it for {amount} or less, to {city}.", amount=Money(view.most_minor), city=snapshot.city)),
            line(say("Date it today and sign it."), "muted"),
        ),
        picture="check",
        choices=(_cancel(say("Go back")),),
        money=money_strip(payment, tongue) if payment else None,
    )


def _amount(snapshot: Snapshot, view: CheckView, tongue: Tongue) -> Page:
    """The typed digits are cents, as on a till. The second time nothing of the first is shown."""
    say = tongue.say
    again = view.phase == "again"
    typed = Money(int(snapshot.entry or "0"))
    label = say("Amount on the check")
    hint = say("To be sure, type the same amount once more.") if again else _which(view, tongue)
    return framed(
        snapshot,
        tongue,
        say("Type the amount again") if again else say("How much is your check?"),
        lines=() if snapshot.notice else (line(hint, "muted"),),
        entry=Entry(label.text, typed.read(), spoken=f"{label.spoken}: {tongue.hear(typed)}"),
        choices=(*pad(tongue, say("Next"), typed.minor > 0)[:-1], _cancel(say("Go back"))),
    )


def _which(view: CheckView, tongue: Tongue) -> Said:
    return tongue.say("Check {number}. Type dollars and cents.", number=Digits(view.number))


def _frank(snapshot: Snapshot, view: CheckView, tongue: Tongue) -> Page:
    say = tongue.say
    return framed(
        snapshot,
        tongue,
        say("Put your check into the printer"),
        lines=(
            line(say("Check {number}", number=Digits(view.number)), "rule", tongue.money(view.amount_minor)),
            line(say("It stamps the back and gives your check back to you. Then drop it into the check slot.")),
        ),
        picture="check_slot",
        choices=(_cancel(say("Keep my check and go back")),),
    )


def _slot(snapshot: Snapshot, view: CheckView, tongue: Tongue) -> Page:
    """The one page on which a check can be lost to the eye: what to do, in order, and no way to do it by mistake."""
    say = tongue.say
    payment = snapshot.payment or PaymentView(snapshot.agreed_minor, 0, snapshot.agreed_minor)
    rows: tuple[Line, ...] = (
        line(say("Check {number}", number=Digits(view.number)), "rule", tongue.money(view.amount_minor)),
        line(say("It cannot come back out. Then press the button.")),
    )
    return framed(
        snapshot,
        tongue,
        say("Drop your check into the check slot"),
        lines=rows,
        picture="check_slot",
        choices=(
            choice("check_in", say("My check is in the slot"), icon="check", kind="primary"),
            _cancel(say("Keep my check and go back")),
        ),
        money=money_strip(payment, tongue) if payment.in_minor else None,
    )


def _cancel(label: Said) -> Choice:
    return choice("cancel_check", label, icon="back", kind="plain")
