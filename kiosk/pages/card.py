"""Paying by card: its fee, what to do at the card reader, and what became of it.

No page asks for a card number, a PIN or a code of a card: those are typed at the card reader alone.
"""

from dataclasses import replace

from kiosk.domain.snapshot import CardView, FeeView, PaymentView, Snapshot
from kiosk.pages.check import check_choice
from kiosk.pages.frame import framed
from kiosk.pages.pad import back
from kiosk.pages.page import Choice, Page
from kiosk.pages.strip import money_strip
from kiosk.pages.tongue import Digits, Money, Said, Tongue, choice, line

_NOTHING = PaymentView(0, 0, 0)


def card_choice(snapshot: Snapshot, tongue: Tongue) -> Choice:
    """Return the card among the ways to pay: with its fee, or with the reason why it is off."""
    say = tongue.say
    rest = snapshot.payment is not None and snapshot.payment.in_minor > 0
    return choice(
        "pay_card",
        say("Pay the rest by card") if rest and snapshot.screen == "cash" else say("Pay by card"),
        _card_hint(snapshot, tongue),
        icon="card",
        enabled=snapshot.card,
    )


def _card_hint(snapshot: Snapshot, tongue: Tongue) -> Said:
    say = tongue.say
    if snapshot.card:
        if snapshot.fee is None:
            return say("No fee. Use the card reader.")
        return say("The card fee is {amount}.", amount=Money(snapshot.fee.fee_minor))
    match snapshot.card_reason:
        case "no_terminal":
            return say("Not at this kiosk. Cards work at the counter.")
        case "card_declines":
            return say("Not after three tries. Cards work at the counter.")
        case "card_too_high" | "card_too_low" | "card_count":
            return say("Not for this amount. Cards work at the counter.")
        case _:
            return say("Cards do not work right now")


def fee_words(kind: str, tongue: Tongue) -> Said:
    say = tongue.say
    # Translators: names of fees for paying by card, as the card networks call them
    if kind == "service":
        return say("Card service fee")
    return say("Credit card surcharge") if kind == "surcharge" else say("Card fee")


def fee(snapshot: Snapshot, tongue: Tongue) -> Page:
    """Bill, fee and total on lines of their own before the card is asked for, and cash without a fee beside it."""
    say = tongue.say
    fee_ = snapshot.fee or FeeView("service", 0, 0)
    total = Money(fee_.base_minor + fee_.fee_minor)
    return framed(
        snapshot,
        tongue,
        say("Pay {amount} by card?", amount=total),
        lines=(
            line(say("Your bill"), "rule", tongue.money(fee_.base_minor)),
            line(fee_words(fee_.kind, tongue), "rule", tongue.money(fee_.fee_minor)),
            line(say("Total by card"), "rule", tongue.money(total.minor)),
            line(say("The card reader asks two times: for the bill, then for the fee."), "muted"),
        ),
        choices=(
            choice("agree_fee", say("Yes, pay by card"), icon="card", kind="primary"),
            choice(
                "pay_cash",
                say("Pay with cash"),
                say("No fee") if snapshot.cash else say("Cash does not work right now"),
                icon="cash",
                enabled=snapshot.cash and not snapshot.cash_limit,
            ),
            *check_choice(snapshot, tongue),
            back(tongue),
        ),
    )


def card(snapshot: Snapshot, tongue: Tongue) -> Page:
    """What to do at the card reader now. A cancel is a request: until it is answered the page says so."""
    say = tongue.say
    view = snapshot.card_view or CardView("preparing")
    what = say("Card fee") if view.leg == "fee" else say("By card")
    stops = view.phase in ("preparing", "asking")
    cancel = (choice("cancel_card", say("Cancel the card"), kind="plain"),) if stops else ()
    money = snapshot.payment if snapshot.payment is not None and snapshot.payment.in_minor else None
    return framed(
        snapshot,
        tongue,
        at_reader(view, tongue),
        lines=(
            line(what, "rule", tongue.money(view.amount_minor)),
            line(_what_happens(view, tongue), "muted"),
        ),
        # The drawing of a card at the reader is an invitation.
        picture="card" if view.phase == "asking" and view.prompt != "authorising" else "finding",
        choices=cancel,
        money=money_strip(money, tongue) if money else None,
    )


def at_reader(view: CardView, tongue: Tongue) -> Said:
    say = tongue.say
    match view.phase:
        case "cancelling":
            return say("Cancelling the card")
        case "checking":
            return say("We are checking your card payment")
        case "undoing":
            return say("Undoing the card payment")
        case "preparing":
            return say("One moment")
    match view.prompt:
        case "present_card":
            return say("Tap, insert or swipe your card")
        case "insert_card" | "use_chip":
            return say("Insert your card, chip first")
        case "remove_card":
            return say("Take out your card")
        case "enter_pin":
            return say("Type your PIN at the card reader")
        case "try_again":
            return say("Please try your card again")
        case "authorising":
            return say("Your bank is being asked")
        case _:
            return say("Follow the card reader")


def _what_happens(view: CardView, tongue: Tongue) -> Said:
    say = tongue.say
    match view.phase:
        case "cancelling":
            return say("The card reader was asked to stop. If it took the money already, your bill is paid.")
        case "checking":
            return say("The card reader did not answer. Please wait and do not pay again.")
        case "undoing":
            return say("Please wait. The card reader may ask for your card again.")
        case "preparing":
            return say("The card reader is getting ready.")
    if view.leg == "fee":
        return say("The bill went through. Now the card reader asks for the fee.")
    return say("The card reader shows the same amount.")


def partial(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    payment = snapshot.payment or _NOTHING
    paid = Money(snapshot.card_view.amount_minor if snapshot.card_view else 0)
    left = Money(payment.left_minor)
    return framed(
        snapshot,
        tongue,
        say("Your card paid {amount}", amount=paid),
        lines=(line(say("The card did not have enough. You still owe {amount}.", amount=left), "muted"),),
        picture="card",
        choices=(
            choice(
                "keep_partial",
                say("Keep it"),
                say("Pay the rest another way, or stop"),
                icon="check",
                kind="primary",
            ),
            choice("refuse_partial", say("Undo the card payment"), say("The card gets it back"), icon="start_over"),
        ),
        money=money_strip(payment, tongue),
    )


def card_unknown(snapshot: Snapshot, tongue: Tongue) -> Page:
    """Nobody knows whether the card was charged: never "declined", and never again by card."""
    say = tongue.say
    view = snapshot.card_view or CardView("")
    payment = snapshot.payment or _NOTHING
    fee_only = (view.operation, view.leg) == ("sale", "fee")
    counts = payment.in_minor > 0 and not fee_only
    go_on = fee_only and payment.left_minor > 0
    title, advice = _unknown_words(view, tongue)
    label = say("Your number to ask with")
    call = say("Questions? Call {phone}.", phone=Digits(view.phone)) if view.phone else say("Ask at the counter.")
    return framed(
        # What the box of its notice says is said by the page itself.
        replace(snapshot, notice=""),
        tongue,
        title,
        lines=(
            line(say("Card fee") if view.leg == "fee" else say("By card"), "rule", tongue.money(view.amount_minor)),
            line(advice),
            *((line(say("The rest of what you put in counts today.")),) if counts else ()),
            line(call),
        ),
        big=(label.text, view.reference),
        big_spoken=f"{label.spoken}: {tongue.hear(Digits(view.reference))}",
        choices=(choice("done", say("Pay the rest") if go_on else say("Done"), kind="primary"),),
    )


def _unknown_words(view: CardView, tongue: Tongue) -> tuple[Said, Said]:
    say = tongue.say
    if view.operation == "void":
        return (
            say("We do not know yet if the card payment was undone"),
            say("We go on asking. If it was undone, the card has it back. If not, it stays on the card."),
        )
    if view.leg == "fee":
        return (
            say("We do not know yet if the card fee was charged"),
            say("The card payment for your bill counts. Do not pay the fee again. We go on asking."),
        )
    return (
        say("We do not know yet if your card was charged"),
        say("Do not pay this again by card. We go on asking. If it was charged, it pays your bill."),
    )
