"""Pages on which staff give a card its money back: which payment, how much, why, who agrees, how it ended."""

from datetime import datetime

from kiosk.domain.intents import Intent
from kiosk.domain.refunds import WHYS
from kiosk.domain.snapshot import CardView, RefundCardView, RefundPaymentView, RefundView, Snapshot, StaffView
from kiosk.pages.card import at_reader
from kiosk.pages.dates import date_words, time_words
from kiosk.pages.pad import back, pad
from kiosk.pages.page import Choice, Entry, Line, Notice, Page
from kiosk.pages.staff_frame import sign_out, staff_page
from kiosk.pages.tongue import Digits, Money, Said, Tongue, choice, line, notice

_NOTHING = RefundCardView("", "bill", "", "", 0, 0, 0)
_NOWHERE = RefundPaymentView("", "1970-01-01T00:00:00+00:00", ())


def refund_choice(staff: StaffView, tongue: Tongue) -> tuple[Choice, ...]:
    """Return the way to these pages, on the page of cards."""
    if staff.refunds == "refunds_off":
        return ()
    say = tongue.say
    hint = say("Not now") if staff.refunds else say("To the card that paid")
    return (choice("staff_refund", say("Refund a card"), hint, icon="start_over", enabled=not staff.refunds),)


def staff_refund(snapshot: Snapshot, tongue: Tongue) -> Page:
    view = _view(snapshot)
    pages = {"number": _number, "card": _card, "amount": _amount, "why": _why, "sign": _sign, "done": _done}
    return pages.get(view.step, _find)(snapshot, view, tongue)


def _view(snapshot: Snapshot) -> RefundView:
    return (snapshot.staff or StaffView()).refund or RefundView("find")


# Which payment


def _find(snapshot: Snapshot, view: RefundView, tongue: Tongue) -> Page:
    """The newest payments are choices; any other one is typed as its receipt says it."""
    say = tongue.say
    none = say("One moment") if view.waiting else say("No payment by card in the last {days} days", days=view.days)
    number = choice("refund_number", say("Type the receipt number"), kind="plain", beside=True)
    return staff_page(
        snapshot,
        tongue,
        say("Which payment goes back?"),
        lines=() if view.payments else (line(none, "muted"),),
        choices=(
            *(_payment_choice(payment, tongue) for payment in view.payments),
            number,
            back(tongue),
            sign_out(tongue),
        ),
    )


def _payment_choice(payment: RefundPaymentView, tongue: Tongue) -> Choice:
    paid = Money(sum(card.approved_minor for card in payment.cards))
    act = Intent("refund_payment", payment.receipt_number)
    label = tongue.say("{amount}, card {last4}", amount=paid, last4=Digits(_last4(payment)))
    number, when = tongue.digits(payment.receipt_number), _when(payment, tongue)
    return choice(act, label, Said(f"{number.text}, {when.text}", f"{number.spoken}. {when.spoken}"), beside=True)


def _number(snapshot: Snapshot, view: RefundView, tongue: Tongue) -> Page:
    say = tongue.say
    label = say("Receipt number")
    typed = view.prefix + snapshot.entry
    hint = say("Only the last digits. Payments of the last {days} days.", days=view.days)
    return staff_page(
        snapshot,
        tongue,
        say("Which payment goes back?"),
        lines=() if snapshot.notice else (line(hint, "muted"),),
        entry=Entry(label.text, typed, spoken=f"{label.spoken}: {tongue.hear(Digits(typed))}"),
        choices=pad(tongue, say("Find"), bool(snapshot.entry) and not view.waiting),
    )


def _last4(payment: RefundPaymentView) -> str:
    return next((card.last4 for card in payment.cards if card.last4), "?")


def _when(payment: RefundPaymentView, tongue: Tongue) -> Said:
    at = datetime.fromisoformat(payment.at)
    day = date_words(at.date(), tongue.translate)
    return tongue.plain(f"{day}, {time_words(at)}")


# How much


def _card(snapshot: Snapshot, view: RefundView, tongue: Tongue) -> Page:
    say = tongue.say
    payment = view.found or _NOWHERE
    choices: list[Choice] = []
    for card in payment.cards:
        choices += _sums(card, len(payment.cards) > 1, tongue)
    slip = (choice("reprint", say("Print the slip again"), kind="plain", beside=True),) if view.slip else ()
    rest = say("Nothing is left to give back here. Ask the finance office.")
    left = any(card.most_minor for card in payment.cards)
    return staff_page(
        snapshot,
        tongue,
        say("How much goes back?"),
        lines=(
            line(say("Receipt"), "rule", tongue.digits(payment.receipt_number)),
            line(_when(payment, tongue), "muted"),
            *(row for card in payment.cards for row in _paid(card, tongue)),
        ),
        notice=None if left else notice(rest, "caution"),
        choices=(*choices, *slip, back(tongue), sign_out(tongue)),
    )


def _paid(card: RefundCardView, tongue: Tongue) -> tuple[Line, ...]:
    paid = line(_name(card, tongue), "rule", tongue.money(card.approved_minor))
    if not card.refunded_minor:
        return (paid,)
    return paid, line(tongue.say("Refunded before"), "rule", tongue.money(card.refunded_minor))


def _name(card: RefundCardView, tongue: Tongue) -> Said:
    if card.leg == "fee":
        return tongue.say("Card fee")
    return tongue.say("{brand} ending in {last4}", brand=card.brand or "?", last4=Digits(card.last4 or "?"))


def _sums(card: RefundCardView, several: bool, tongue: Tongue) -> tuple[Choice, ...]:
    say = tongue.say
    if not card.most_minor:
        return ()
    hint = _name(card, tongue) if several else None
    whole, part = Intent("refund_whole", card.reference), Intent("refund_part", card.reference)
    if card.leg == "fee":
        return (choice(whole, say("The fee: {amount}", amount=Money(card.most_minor)), beside=True),)
    all_ = say("All of it: {amount}", amount=Money(card.most_minor))
    return choice(whole, all_, hint, kind="primary"), choice(part, say("A part of it"), hint, beside=True)


def _amount(snapshot: Snapshot, view: RefundView, tongue: Tongue) -> Page:
    """The typed digits are cents, as on a till."""
    say = tongue.say
    typed = Money(int(snapshot.entry or "0"))
    label = say("Amount to refund")
    most = Money((view.card or _NOTHING).most_minor)
    hint = say("Type dollars and cents. {amount} at most.", amount=most)
    return staff_page(
        snapshot,
        tongue,
        say("How much goes back?"),
        lines=() if snapshot.notice else (line(hint, "muted"),),
        entry=Entry(label.text, typed.read(), spoken=f"{label.spoken}: {tongue.hear(typed)}"),
        choices=pad(tongue, say("Next"), typed.minor > 0),
    )


# Why, and who agrees


def _why(snapshot: Snapshot, view: RefundView, tongue: Tongue) -> Page:
    return staff_page(
        snapshot,
        tongue,
        tongue.say("Why does it go back?"),
        lines=(line(_to_card(view, tongue), "rule", tongue.money(view.amount_minor)),),
        choices=(
            *(choice(Intent("refund_why", why), _reason(why, tongue), beside=True) for why in WHYS),
            back(tongue),
            sign_out(tongue),
        ),
    )


def _reason(why: str, tongue: Tongue) -> Said:
    say = tongue.say
    words = {
        "paid_twice": say("Paid twice"),
        "wrong_account": say("The wrong account was paid"),
        "wrong_amount": say("The amount was wrong"),
    }
    return words.get(why, say("Another reason"))


def _to_card(view: RefundView, tongue: Tongue) -> Said:
    card = view.card or _NOTHING
    return tongue.say("To card {last4}", last4=Digits(card.last4 or "?"))


def _sign(snapshot: Snapshot, view: RefundView, tongue: Tongue) -> Page:
    say = tongue.say
    to_card = line(_to_card(view, tongue), "rule", tongue.money(view.amount_minor))
    lines = () if snapshot.notice else (to_card, line(_reason(view.why, tongue), "muted"))
    if not view.two:
        label = say("Refund {amount}", amount=Money(view.amount_minor))
        go = choice("confirm", label, say("The card reader may ask for the card"), icon="check", kind="primary")
        return staff_page(
            snapshot, tongue, say("Is this right?"), lines=lines, choices=(go, back(tongue), sign_out(tongue))
        )
    count, label = say("{count} digits", count=len(snapshot.entry)), say("PIN of the second person")
    ready = bool(snapshot.entry) and snapshot.notice != "pin_locked" and not view.waiting
    return staff_page(
        snapshot,
        tongue,
        say("A second person agrees"),
        lines=lines,
        entry=Entry(label.text, snapshot.entry, spoken=f"{label.spoken}: {count.spoken}"),
        choices=pad(tongue, say("Refund {amount}", amount=Money(view.amount_minor)), ready),
    )


# At the card reader, and after


def staff_refunding(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    view = _view(snapshot)
    asks = view.phase == "asking"
    title, what = _at_reader(view, tongue), say("The card reader shows the same amount.")
    if view.phase == "checking":
        what = say("The card reader did not answer. Please wait and refund nothing again.")
    return staff_page(
        snapshot,
        tongue,
        title,
        lines=(line(_to_card(view, tongue), "rule", tongue.money(view.amount_minor)), line(what, "muted")),
        picture="card" if asks and view.prompt not in ("", "authorising") else "finding",
        choices=(choice("cancel_card", say("Cancel the refund"), kind="plain"),) if asks else (),
    )


def _at_reader(view: RefundView, tongue: Tongue) -> Said:
    """Most readers refund without the card; others ask for it."""
    match view.phase:
        case "checking":
            return tongue.say("We are looking for the refund")
        case "cancelling":
            return tongue.say("Cancelling the refund")
    if not view.prompt:
        return tongue.say("The card reader makes the refund")
    return at_reader(CardView("asking", prompt=view.prompt), tongue)


def _done(snapshot: Snapshot, view: RefundView, tongue: Tongue) -> Page:
    say = tongue.say
    slip = (choice("reprint", say("Print the slip again"), kind="plain", enabled=view.printed != "printing"),)
    label = say("Reference")
    return staff_page(
        snapshot,
        tongue,
        _ended(view, tongue),
        lines=(
            line(_to_card(view, tongue), "rule", tongue.money(view.amount_minor)),
            line(say("Receipt"), "rule", tongue.digits((view.found or _NOWHERE).receipt_number)),
            line(label, "rule", tongue.digits(view.reference)),
            line(_after(view, tongue), "muted"),
        ),
        notice=_paper(view, tongue),
        choices=(*(slip if view.slip else ()), back(tongue), sign_out(tongue)),
    )


def _ended(view: RefundView, tongue: Tongue) -> Said:
    say = tongue.say
    match view.result:
        case "refunded":
            return say("{amount} went back to the card", amount=Money(view.amount_minor))
        case "unknown":
            return say("We do not know yet if it went back")
        case "declined":
            return say("The bank refused the refund")
        case "cancelled":
            return say("The refund was cancelled")
        case _:
            return say("The refund was not made")


def _after(view: RefundView, tongue: Tongue) -> Said:
    say = tongue.say
    match view.result:
        case "refunded":
            return say("The bill is open again by this amount.") if _bill(view) else say("The fee is given back.")
        case "unknown":
            return say("Refund nothing again. We go on asking; cards rest here until we know.")
        case "declined":
            return say("No money moved. Ask the finance office how else to pay it back.")
        case _:
            return say("No money moved. You can try again.")


def _bill(view: RefundView) -> bool:
    return (view.card or _NOTHING).leg == "bill"


def _paper(view: RefundView, tongue: Tongue) -> Notice | None:
    if view.result == "refunded" and view.printed in ("failed", "unavailable"):
        return notice(tongue.say("The slip was not printed. Look at the printer, then print it again."), "caution")
    return None
