"""What was paid, what is left, when it counts, and a receipt number large enough to photograph."""

from dataclasses import replace
from datetime import datetime

from kiosk.domain.snapshot import ReceiptView, Snapshot
from kiosk.pages.aftermath import claim_row
from kiosk.pages.dates import time_words
from kiosk.pages.frame import badge, framed
from kiosk.pages.page import Badge, Choice, Line, Notice, Page
from kiosk.pages.tongue import Digits, Money, Said, Tongue, choice, line, notice

_NO_PAPER = ("failed", "unavailable")
_NO_RECEIPT = ReceiptView("", 0, 0, 0, "queued", "unavailable", "1970-01-01T00:00:00+00:00")


def done(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    receipt = snapshot.receipt or _NO_RECEIPT
    label = say("Receipt number")
    # That there is no paper stands with the number; its box would push the good news aside.
    told = snapshot.notice in ("receipt_failed", "printer_out")
    return framed(
        replace(snapshot, notice="") if told else snapshot,
        tongue,
        say("Paid. Thank you."),
        badge=_posted(snapshot, receipt, tongue),
        lines=(*_summary(receipt, tongue), *(claim_row(item.number, tongue) for item in snapshot.aftermath[-1:])),
        picture="done",
        big=(label.text, receipt.number),
        big_spoken=f"{label.spoken}: {tongue.hear(Digits(receipt.number))}. {_paper(receipt, tongue).spoken}",
        notice=_good_news(receipt, tongue),
        help=(line(_paper(receipt, tongue), "strong" if receipt.printed in _NO_PAPER else "muted"),),
        choices=_choices(receipt, tongue),
    )


def _posted(snapshot: Snapshot, receipt: ReceiptView, tongue: Tongue) -> Badge:
    # Translators: badges: the payment is in the city's books, or it waits to be sent.
    if receipt.posted == "posted":
        return badge(snapshot, tongue, tongue.say("Posted"))
    kept = tongue.say("Kept safe")
    return Badge(kept.text, "caution", kept.spoken)


def _summary(receipt: ReceiptView, tongue: Tongue) -> tuple[Line, ...]:
    say = tongue.say
    total = Money(receipt.paid_minor + receipt.credit_minor)
    if receipt.card_minor or receipt.check_minor:
        posted = say(
            "{amount} went to your account at {time} today.",
            amount=total,
            time=time_words(datetime.fromisoformat(receipt.at)),
        )
        queued = say("{amount} counts today. It shows in your account when the line is back.", amount=total)
    else:
        posted = say(
            "{amount} in cash went to your account at {time} today.",
            amount=total,
            time=time_words(datetime.fromisoformat(receipt.at)),
        )
        queued = say("{amount} in cash counts today. It shows in your account when the line is back.", amount=total)
    when = posted if receipt.posted == "posted" else queued
    lines = [line(when, "muted"), line(say("Paid on your bill"), "rule", tongue.money(receipt.paid_minor))]
    if receipt.fee_minor:
        lines.append(line(say("Card fee"), "rule", tongue.money(receipt.fee_minor)))
    if receipt.credit_minor:
        lines.append(line(say("Credit on your account"), "rule", tongue.money(receipt.credit_minor)))
    if receipt.change_minor:
        lines.append(line(say("Change given"), "rule", tongue.money(receipt.change_minor)))
    lines.append(line(say("Left to pay"), "rule", tongue.money(receipt.left_minor)))
    return tuple(lines)


def _paper(receipt: ReceiptView, tongue: Tongue) -> Said:
    say = tongue.say
    if receipt.printed in _NO_PAPER:
        return say("No paper receipt this time. Take a picture of this number.")
    if receipt.printed == "printed":
        return say("Take your receipt below.")
    return say("Your receipt is printing below. You can also photograph this screen.")


def _good_news(receipt: ReceiptView, tongue: Tongue) -> Notice | None:
    if receipt.shut_off_cleared:
        return notice(tongue.say("Your shut-off notice is cancelled. Your service stays on."), "success")
    return None


def _choices(receipt: ReceiptView, tongue: Tongue) -> tuple[Choice, ...]:
    say = tongue.say
    done_ = choice("done", say("Done"), kind="primary")
    if receipt.printed == "unavailable":
        return (done_,)
    return (choice("reprint", say("Print again"), kind="plain"), done_)
