"""The words of every notice: what happened, and what to do now (C4)."""

from collections.abc import Callable

from kiosk.domain.snapshot import PaymentView, Snapshot
from kiosk.pages.page import Notice
from kiosk.pages.tongue import Money, Said, Tongue, notice

# Notices that a page tells in a better place than a box: the accepted note stands under the picture of the slot,
# and "nothing owed" is that page's title.
TOLD_ELSEWHERE = {"", "note_accepted", "nothing_owed"}


def notice_of(snapshot: Snapshot, tongue: Tongue) -> Notice | None:
    """Return the snapshot's notice in words, None for none or one that its page tells itself."""
    if snapshot.notice in TOLD_ELSEWHERE:
        return None
    words, tone = WORDS[snapshot.notice]
    most = Money(largest_minor(snapshot.payment), short=True)
    if most.minor and snapshot.notice == "note_too_large":
        note = Money(snapshot.notice_minor, short=True)
        # Translators: "bills" are banknotes here
        said = tongue.say(
            "{note} is too much now. Use cash bills up to {most}, or agree to credit.", note=note, most=most
        )
        return notice(said, tone)
    if most.minor and snapshot.notice == "note_rejected":
        # Translators: "bills" are banknotes here
        said = tongue.say("That was not taken. Cash bills up to {most} fit now. Smooth yours and try again.", most=most)
        return notice(said, tone)
    if snapshot.notice == "note_in_doubt" and any(item.what == "lost" for item in snapshot.aftermath):
        return notice(tongue.say("We are not sure the last cash bill went in. We opened a claim for you."), tone)
    return notice(words(tongue, Money(snapshot.notice_minor), Money(snapshot.notice_minor, short=True)), tone)


def largest_minor(payment: PaymentView | None) -> int:
    """Return the largest note that fits now where the kiosk takes larger ones at other times, else 0."""
    if payment is None:
        return 0
    largest = max(payment.allowed_minor, default=0)
    return largest if largest < max(payment.denominations_minor, default=0) else 0


Words = Callable[[Tongue, Money, Money], Said]

WORDS: dict[str, tuple[Words, str]] = {
    "scan_unknown": (
        lambda t, sum_, note: t.say("This code is not from a city bill. Hold up the page with your amount due."),
        "caution",
    ),
    "scan_short": (
        lambda t, sum_, note: t.say("Part of the code was hidden. Hold the bill flat and show the whole code."),
        "caution",
    ),
    "scan_check": (
        lambda t, sum_, note: t.say("That number does not add up. Check it and try again."),
        "caution",
    ),
    "scan_postal": (
        lambda t, sum_, note: t.say("That code is for the mail. Show the code beside your amount due."),
        "caution",
    ),
    "scan_ambiguous": (
        lambda t, sum_, note: t.say("We saw two codes at once. Show one bill at a time."),
        "caution",
    ),
    "account_unknown": (
        lambda t, sum_, note: t.say("No account fits these numbers. Check both and try again."),
        "caution",
    ),
    "account_closed": (
        lambda t, sum_, note: t.say("This account is closed. Please ask at the counter."),
        "caution",
    ),
    "account_twice": (
        lambda t, sum_, note: t.say("This account is in your payment already. Add another one, or go back."),
        "caution",
    ),
    "account_offline": (
        lambda t, sum_, note: t.say("We cannot look up accounts right now. Scan a paper bill to pay."),
        "caution",
    ),
    "server_slow": (lambda t, sum_, note: t.say("This takes longer than usual. Please wait."), "info"),
    "server_away": (
        lambda t, sum_, note: t.say("The line is down. We use the amount on your bill. Your payment counts today."),
        "info",
    ),
    "printed_amount": (
        lambda t, sum_, note: t.say("Your paper bill says {amount}. The amount above is from today.", amount=sum_),
        "info",
    ),
    "amount_invalid": (lambda t, sum_, note: t.say("Type the amount with the number keys."), "caution"),
    "amount_too_low": (
        lambda t, sum_, note: t.say("The least you can pay here is {amount}.", amount=sum_),
        "caution",
    ),
    "amount_too_high": (
        lambda t, sum_, note: t.say("The most you can pay here is {amount}.", amount=sum_),
        "caution",
    ),
    "note_accepted": (lambda t, sum_, note: t.say("{note} accepted. Thank you.", note=note), "success"),
    "note_returned": (lambda t, sum_, note: t.say("That cash came back. It was not counted."), "caution"),
    "note_rejected": (
        lambda t, sum_, note: t.say("The slot could not read that. Smooth it out and try again, or try another."),
        "caution",
    ),
    "note_too_large": (
        lambda t, sum_, note: t.say("{note} is more than you owe. Use a smaller one, or agree to credit.", note=note),
        "caution",
    ),
    "note_in_doubt": (
        lambda t, sum_, note: t.say("We are not sure the last cash bill went in. Staff will check. Keep your receipt."),
        "error",
    ),
    "change_in_doubt": (
        lambda t, sum_, note: t.say("We are not sure all your change came out. We opened a claim for you."),
        "error",
    ),
    "take_second_note": (lambda t, sum_, note: t.say("One cash bill at a time. Take back the second one."), "caution"),
    "cash_lost": (
        lambda t, sum_, note: t.say("The cash slot has stopped. What you put in is safe. Wait a moment, or stop here."),
        "error",
    ),
    "cash_back": (lambda t, sum_, note: t.say("The cash slot works again. You can go on."), "success"),
    "cash_jammed": (
        lambda t, sum_, note: t.say("The cash slot is jammed. What you put in is safe. You can stop here."),
        "error",
    ),
    "cash_full": (
        lambda t, sum_, note: t.say("The cash box is full. What you put in is safe. You can stop here."),
        "error",
    ),
    "cash_unavailable": (
        lambda t, sum_, note: t.say("This kiosk cannot take cash right now. Please pay at the counter."),
        "error",
    ),
    "cash_unsafe": (
        lambda t, sum_, note: t.say("This kiosk cannot save new records. What you put in is safe. Stop here."),
        "error",
    ),
    "cash_slow": (
        lambda t, sum_, note: t.say("Saving takes longer than usual. What you put in is safe. Wait, or stop here."),
        "caution",
    ),
    "card_unavailable": (
        lambda t, sum_, note: t.say("Cards do not work right now. Please pay with cash or at the counter."),
        "error",
    ),
    "card_declined": (
        lambda t, sum_, note: t.say("The card was declined. Nothing was charged. Use another card or cash."),
        "caution",
    ),
    "card_counter": (
        lambda t, sum_, note: t.say("Three cards were declined. Please use cash, or pay by card at the counter."),
        "caution",
    ),
    "card_cancelled": (lambda t, sum_, note: t.say("The card was cancelled. Nothing was charged."), "info"),
    "card_failed": (
        lambda t, sum_, note: t.say("The card reader did not start. Nothing was charged. Try again, or use cash."),
        "caution",
    ),
    "card_not_charged": (
        lambda t, sum_, note: t.say("We asked the bank: your card was not charged. Try again, or use cash."),
        "info",
    ),
    "card_undone": (
        lambda t, sum_, note: t.say("The card payment was undone. This card is not charged. Choose how to pay."),
        "info",
    ),
    "card_stands": (
        lambda t, sum_, note: t.say("The card payment could not be undone. It counts toward your bill."),
        "caution",
    ),
    "card_unknown": (
        lambda t, sum_, note: t.say("We do not know yet if your card was charged {amount}. Staff see it.", amount=sum_),
        "caution",
    ),
    "check_unavailable": (
        lambda t, sum_, note: t.say("A check does not work right now. Please pay another way or at the counter."),
        "caution",
    ),
    "check_unreadable": (
        lambda t, sum_, note: t.say("The reader could not read that. Put the same check through once more."),
        "caution",
    ),
    "check_counter": (
        lambda t, sum_, note: t.say("This kiosk cannot take that check. Keep it, and bring it to the counter."),
        "caution",
    ),
    "check_twice": (
        lambda t, sum_, note: t.say("That check was taken already. Put another one through, or go back."),
        "caution",
    ),
    "check_differs": (
        lambda t, sum_, note: t.say("The two amounts were not the same. Type the amount on your check again."),
        "caution",
    ),
    "check_too_high": (
        lambda t, sum_, note: t.say("A check can be {amount} at most here. Keep yours and go back.", amount=sum_),
        "caution",
    ),
    "check_taken": (
        lambda t, sum_, note: t.say("Your check for {amount} counts. Choose how to pay the rest.", amount=sum_),
        "success",
    ),
    "tender_unsafe": (
        lambda t, sum_, note: t.say(
            "This kiosk cannot keep its records safe, so it takes no money. Please pay at the counter."
        ),
        "error",
    ),
    "tender_slow": (
        lambda t, sum_, note: t.say("This kiosk is still saving its records. Wait a moment, or pay at the counter."),
        "caution",
    ),
    "printer_out": (
        lambda t, sum_, note: t.say("The printer is out. You will see your receipt number on the screen."),
        "caution",
    ),
    "receipt_failed": (
        lambda t, sum_, note: t.say("The receipt did not print. Take a picture of this screen."),
        "caution",
    ),
    "claim_limit": (
        lambda t, sum_, note: t.say("You have three claims already. Show their slips at the counter."),
        "info",
    ),
    "pin_wrong": (lambda t, sum_, note: t.say("That PIN is not right. Try again."), "error"),
    "pin_locked": (lambda t, sum_, note: t.say("Too many wrong PINs. Wait, then try again."), "error"),
    "period_closed": (
        lambda t, sum_, note: t.say("The period is closed. Its ticket is printing. A new period has begun."),
        "success",
    ),
    "batch_closed": (lambda t, sum_, note: t.say("The card batch is closed."), "success"),
    "batch_not_closed": (
        lambda t, sum_, note: t.say("The card batch may not be closed. It is tried again; the journal has the reason."),
        "error",
    ),
    "search_ended": (
        lambda t, sum_, note: t.say("Nothing is looked for any more. The office settles what became of that card."),
        "caution",
    ),
    "refund_absent": (
        lambda t, sum_, note: t.say("No card payment with this number here, or too old. Ask the finance office."),
        "caution",
    ),
    "refund_changed": (
        lambda t, sum_, note: t.say("Something changed meanwhile. Nothing was refunded. Please begin again."),
        "caution",
    ),
    "refund_too_high": (
        lambda t, sum_, note: t.say("That is too much: {amount} can go back.", amount=sum_),
        "caution",
    ),
    "refund_blocked": (
        lambda t, sum_, note: t.say("Nothing can be refunded now. Look at the card reader's line in Health."),
        "error",
    ),
    "refund_same_person": (
        lambda t, sum_, note: t.say("The second person must be another one than who signed in."),
        "caution",
    ),
}
