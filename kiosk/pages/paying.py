"""Choosing how to pay, putting in cash, and ending with less than was agreed."""

from dataclasses import replace

from kiosk.domain.snapshot import PaymentView, Snapshot
from kiosk.pages.aftermath import claim_row
from kiosk.pages.card import card_choice
from kiosk.pages.check import check_choice
from kiosk.pages.frame import badge, framed
from kiosk.pages.notices import WORDS, largest_minor
from kiosk.pages.pad import back
from kiosk.pages.page import Chip, Choice, Line, Page
from kiosk.pages.strip import money_strip
from kiosk.pages.tongue import Digits, Money, Said, Tongue, choice, line, notice

_NOTHING = PaymentView(0, 0, 0)


def tender(snapshot: Snapshot, tongue: Tongue) -> Page:
    """Fee and change are told before the first money (cash rule; design, Behaviour)."""
    say = tongue.say
    payment = snapshot.payment
    paid = payment is not None and payment.in_minor > 0
    due = payment.left_minor if payment is not None and paid else snapshot.agreed_minor
    cash = choice(
        "pay_cash",
        say("Pay with cash"),
        _cash_hint(snapshot, tongue),
        icon="cash",
        kind="primary",
        enabled=snapshot.cash and not snapshot.cash_limit,
    )
    ending = choice("stop", say("Stop here and use what I paid"), kind="plain") if paid else back(tongue)
    amount = Money(due)
    whole = say("How will you pay {amount}?", amount=amount)
    # With money in, its strip needs the room.
    printed = (snapshot.cash or snapshot.card) and snapshot.printer and not snapshot.cart and not paid
    return framed(
        snapshot,
        tongue,
        say("How will you pay the rest, {amount}?", amount=amount) if paid else whole,
        lines=(
            *_cart(snapshot, tongue),
            *((line(say("Your receipt prints right after."), "muted"),) if printed else ()),
        ),
        picture="" if snapshot.cart else "cash" if snapshot.cash else "card" if snapshot.card else "closed",
        choices=(cash, *_others(snapshot, tongue), *_add(snapshot, tongue), ending),
        money=money_strip(payment, tongue) if payment is not None and paid else None,
    )


def _others(snapshot: Snapshot, tongue: Tongue) -> tuple[Choice, ...]:
    """Card and check share a row where each can be said in a word: a small panel has no room for three with hints."""
    by_card, by_check = card_choice(snapshot, tongue), check_choice(snapshot, tongue)
    if not (by_check and snapshot.check and snapshot.card and snapshot.fee is None):
        return (by_card, *by_check)
    words = tongue.say("By card"), tongue.say("By check")
    return tuple(
        replace(one, label=word.text, hint="", kind="plain", beside=True)
        for one, word in zip((by_card, *by_check), words, strict=True)
    )


def _cart(snapshot: Snapshot, tongue: Tongue) -> tuple[Line, ...]:
    """What each of several accounts gets."""
    rows = ((tongue.say("account ending in {digits}", digits=Digits(one.last4)), one) for one in snapshot.cart)
    return tuple(line(_capital(label), "rule", tongue.money(one.amount_minor)) for label, one in rows)


def _capital(said: Said) -> Said:
    return Said(said.text[:1].upper() + said.text[1:], said.spoken)


def _add(snapshot: Snapshot, tongue: Tongue) -> tuple[Choice, ...]:
    if not snapshot.may_add:
        return ()
    return (choice("add_bill", tongue.say("Add another bill"), kind="plain"),)


def _cash_hint(snapshot: Snapshot, tongue: Tongue) -> Said:
    say = tongue.say
    if not snapshot.cash:
        return say("Cash does not work right now")
    if snapshot.cash_limit == "cash_report":
        return say("So much cash goes to the counter. Staff take it there.")
    if snapshot.cash_limit:
        return say("Not for this amount. Cash works at the counter.")
    if snapshot.change_minor:
        most = Money(snapshot.change_minor, short=True)
        # Translators: "bills" are banknotes here
        return say("No fee. Change in bills up to {amount}. Anything over goes to your account.", amount=most)
    if snapshot.payment is not None and snapshot.payment.in_minor:
        return say("No fee. No change is given.")
    return say("No fee. No change is given: anything over goes to your account.")


def cash(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    payment = snapshot.payment or _NOTHING
    keep = _kept(snapshot, tongue)
    # Translators: "bill" is a banknote here
    title = say("Put in cash, one bill at a time") if snapshot.cash else say("The cash slot has stopped")
    return framed(
        snapshot,
        tongue,
        title,
        badge=badge(snapshot, tongue),
        lines=_claimed(snapshot, tongue) or _last_note(snapshot, payment, tongue),
        # The drawing of a note going in is an invitation.
        picture="cash" if snapshot.cash else "closed",
        chips=_chips(payment, tongue) if snapshot.cash else (),
        notice=notice(keep, "caution"),
        choices=_ways_on(snapshot, payment, tongue),
        money=money_strip(payment, tongue),
    )


def _kept(snapshot: Snapshot, tongue: Tongue) -> Said:
    say = tongue.say
    if snapshot.change_minor:
        most = Money(snapshot.change_minor, short=True)
        # Translators: "bills" are banknotes here
        return say("Change comes in bills, up to {amount}. Other cash cannot come back: it all counts.", amount=most)
    return say("Cash cannot come back out. Stop any time: all you put in counts.")


def _last_note(snapshot: Snapshot, payment: PaymentView, tongue: Tongue) -> tuple[Line, ...]:
    say = tongue.say
    if not payment.last_note_minor:
        if not snapshot.cash:
            return ()
        # One line: with two, the drawing of the slot would have no room.
        ready = say("The slot lights up when it is ready.")
        return (line(_largest(payment, tongue) if largest_minor(payment) else ready, "muted"),)
    words, _tone = WORDS["note_accepted"]
    accepted = words(tongue, Money(0), Money(payment.last_note_minor, short=True))
    if snapshot.notice != "note_accepted":
        return (line(accepted, "strong"),)
    spoken = [accepted.spoken, _standing(payment, tongue).spoken]
    if largest_minor(payment):
        spoken.append(_largest(payment, tongue).spoken)
    return (line(Said(accepted.text, " ".join(spoken)), "strong"),)


def _largest(payment: PaymentView, tongue: Tongue) -> Said:
    """Say what the chips show: which note is the largest that is taken."""
    # Translators: "bills" are banknotes here
    return tongue.say("Cash bills up to {amount} fit now.", amount=Money(largest_minor(payment), short=True))


def _claimed(snapshot: Snapshot, tongue: Tongue) -> tuple[Line, ...]:
    """The number of the claim that the kiosk opened for a note in doubt, until its notice gives way."""
    numbers = [item.number for item in snapshot.aftermath] if snapshot.notice == "note_in_doubt" else []
    return (claim_row(numbers[-1], tongue),) if numbers else ()


def _standing(payment: PaymentView, tongue: Tongue) -> Said:
    """Say where the payment stands after a note (A9): so much in, so much left, so much credit."""
    say = tongue.say
    inside = Money(payment.in_minor)
    if payment.change_minor:
        back_ = Money(payment.change_minor)
        return say("{amount} in. Nothing left to pay. {change} comes back to you.", amount=inside, change=back_)
    if payment.left_minor:
        return say("{amount} in. {left} left to pay.", amount=inside, left=Money(payment.left_minor))
    if payment.credit_minor:
        credit = Money(payment.credit_minor)
        return say("{amount} in. Nothing left to pay. {credit} goes to your account.", amount=inside, credit=credit)
    return say("{amount} in. Nothing left to pay.", amount=inside)


def _chips(payment: PaymentView, tongue: Tongue) -> tuple[Chip, ...]:
    """Notes of this kiosk; those that do not fit now are struck through, and said to be so."""
    chips = []
    for minor in payment.denominations_minor:
        value = tongue.money(minor, short=True)
        fits = minor in payment.allowed_minor
        spoken = value.spoken if fits else tongue.say("{note}: not now", note=value).spoken
        chips.append(Chip(value.text, fits, spoken))
    return tuple(chips)


def _ways_on(snapshot: Snapshot, payment: PaymentView, tongue: Tongue) -> tuple[Choice, ...]:
    """Stopping is the way on only when nothing is left to pay or no cash can follow."""
    say = tongue.say
    by_card = (card_choice(snapshot, tongue),) if snapshot.card and payment.left_minor else ()
    if payment.in_minor == 0:
        ending = choice("back", say("Cancel"), kind="plain")
    elif payment.left_minor:
        kind = "plain" if snapshot.cash or snapshot.card else "primary"
        ending = choice("stop", say("Stop here and use what I put in"), kind=kind)
    else:
        ending = choice("stop", say("Finish"), kind="primary")
    larger = max(payment.denominations_minor, default=0) > max(payment.allowed_minor, default=0)
    if not larger or payment.credit_agreed or not snapshot.cash:
        return (ending, *by_card)
    # Translators: "bill" is a banknote here
    credit = choice("allow_credit", say("Use a larger bill"), say("The rest goes to your account"), icon="coins")
    return (ending, credit, *by_card)


def review(snapshot: Snapshot, tongue: Tongue) -> Page:
    """Ending short is confirmed once, with both sums in words (C5)."""
    say = tongue.say
    payment = snapshot.payment or _NOTHING
    # A card or a check was used, or can be: the slot is not the only way to go on.
    others = payment.by_card_minor or payment.by_check_minor or snapshot.check
    more = say("Pay the rest") if others else say("Put in more cash")
    stays = say("It counts toward your bill today. You still owe {amount}.", amount=Money(payment.left_minor))
    return framed(
        snapshot,
        tongue,
        say("Stop with {amount} paid?", amount=Money(payment.in_minor)),
        # Both sums stand large in the strip below.
        lines=(line(stays, "muted"),),
        picture="receipt",
        choices=(
            choice("put_in_more", more, say("Go on until it is paid"), icon="cash", kind="primary"),
            choice("confirm", say("Stop here"), say("Get a receipt for what is in"), icon="receipt"),
        ),
        money=money_strip(payment, tongue),
    )


def closing(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    payment = snapshot.payment
    if payment is not None and payment.change_minor:
        return _giving_change(snapshot, payment, tongue)
    return framed(
        snapshot,
        tongue,
        say("One moment"),
        lines=(line(say("We are finishing your payment. Please wait for your receipt."), "muted"),),
        picture="receipt",
        money=money_strip(payment, tongue) if payment else None,
    )


def _giving_change(snapshot: Snapshot, payment: PaymentView, tongue: Tongue) -> Page:
    """The strip stays away: what comes back would make its figures run."""
    say = tongue.say
    credit = say("{amount} goes to your account as credit.", amount=Money(payment.credit_minor))
    return framed(
        snapshot,
        tongue,
        say("Take your change: {amount}", amount=Money(payment.change_minor)),
        lines=(
            # Translators: "bill" is a banknote here
            line(say("It comes out one bill at a time. Take each one from the slot."), "strong"),
            *((line(credit, "muted"),) if payment.credit_minor else ()),
            line(say("Your receipt prints right after."), "muted"),
        ),
        picture="change",
    )
