"""The money strip: what is owed, what was put in, what is left."""

from kiosk.domain.snapshot import PaymentView
from kiosk.pages.page import MoneyStrip
from kiosk.pages.tongue import Money, Tongue


def money_strip(payment: PaymentView, tongue: Tongue) -> MoneyStrip:
    say = tongue.say
    put_in = say("You paid") if payment.by_card_minor or payment.by_check_minor else say("You put in")
    labels = say("You owe"), put_in, say("Left to pay")
    sums = payment.owe_minor, payment.in_minor, payment.left_minor
    spoken = ". ".join(f"{label.spoken}: {tongue.hear(Money(s))}" for label, s in zip(labels, sums, strict=True))
    owe, paid, left = ((label.text, Money(s).read()) for label, s in zip(labels, sums, strict=True))
    filled = 1000 if payment.left_minor == 0 else 1000 * payment.in_minor // max(1, payment.owe_minor)
    return MoneyStrip(owe, paid, left, min(1000, filled), spoken)
