"""The machine took my money: what went wrong, how much it was, and a number to ask for the answer with."""

from dataclasses import replace
from datetime import date

from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import ClaimView, Snapshot
from kiosk.pages.dates import day_words
from kiosk.pages.frame import framed
from kiosk.pages.pad import back, pad
from kiosk.pages.page import Entry, Line, Page
from kiosk.pages.tongue import Digits, Money, Said, Tongue, choice, line

_NO_PAPER = ("failed", "unavailable")


def claim_page(snapshot: Snapshot, tongue: Tongue) -> Page:
    """Return the step of the claim that is to be answered now."""
    claim = snapshot.claim or ClaimView("what")
    steps = {"what": _what, "when": _when, "notes": _notes, "amount": _amount, "slip": _slip}
    # A notice belongs to the page below.
    return steps[claim.step](replace(snapshot, notice=""), claim, tongue)


def _what(snapshot: Snapshot, claim: ClaimView, tongue: Tongue) -> Page:
    say = tongue.say
    # Translators: kinds of trouble with cash at the kiosk
    kinds = {
        "not_counted": (say("Cash not counted"), "cash"),
        "wrong_amount": (say("The amount is wrong"), "coins"),
        "no_receipt": (say("No receipt"), "receipt"),
        "other": (say("Other"), "help"),
    }
    return framed(
        snapshot,
        tongue,
        say("What went wrong?"),
        name="claim_what",
        lines=_whose(snapshot, claim, tongue),
        choices=(
            *(
                choice(
                    Intent("claim_what", kind), said, icon=icon, kind="plain", beside=kind in ("no_receipt", "other")
                )
                for kind, (said, icon) in kinds.items()
            ),
            back(tongue),
        ),
    )


def _whose(snapshot: Snapshot, claim: ClaimView, tongue: Tongue) -> tuple[Line, ...]:
    """Say what is known, so that nobody asks for it, and that a payment under way waits as it is."""
    say = tongue.say
    known = say("For the account ending in {digits}.", digits=Digits(claim.last4))
    lines = [line(known if claim.last4 else say("You need no account for this."), "muted")]
    if snapshot.payment:
        lines.append(line(say("Your payment waits: {amount} is in.", amount=Money(snapshot.payment.in_minor)), "muted"))
    return tuple(lines)


def _when(snapshot: Snapshot, claim: ClaimView, tongue: Tongue) -> Page:
    say = tongue.say
    return framed(
        snapshot,
        tongue,
        say("When was it?"),
        name="claim_when",
        choices=(
            choice(Intent("claim_when", "now"), say("Just now"), say("In the last few minutes")),
            choice(Intent("claim_when", "earlier"), say("Earlier"), say("Today or another day")),
            back(tongue),
        ),
    )


def _notes(snapshot: Snapshot, claim: ClaimView, tongue: Tongue) -> Page:
    """Pressing a note adds it; the sum stands above, and who does not know it goes on without."""
    say = tongue.say
    total = Money(claim.amount_minor)
    label = say("You put in")
    notes = tuple(
        choice(Intent("claim_note", str(minor)), tongue.money(minor, short=True), kind="chip")
        for minor in claim.denominations_minor
    )
    # Translators: a key that empties the field
    clear = choice(Intent("claim_note", "clear"), say("Clear"), kind="chip")
    send = choice("submit", say("Send"), kind="primary", beside=True) if total.minor else None
    unknown = choice("submit", say("I do not know"), kind="primary", beside=True)
    return framed(
        snapshot,
        tongue,
        say("How much did you put in?"),
        name="claim_notes",
        lines=(line(say("Press each cash bill that you put in."), "muted"),),
        entry=Entry(label.text, total.read(), spoken=f"{label.spoken}: {tongue.hear(total)}"),
        choices=(
            *notes,
            *((clear,) if total.minor else ()),
            choice("claim_type", say("Type it"), icon="keypad", kind="plain", beside=True),
            send or unknown,
            back(tongue),
        ),
    )


def _amount(snapshot: Snapshot, claim: ClaimView, tongue: Tongue) -> Page:
    """The typed digits are cents, as on a till."""
    say = tongue.say
    typed = Money(claim.amount_minor)
    label = say("You put in")
    return framed(
        snapshot,
        tongue,
        say("How much did you put in?"),
        name="claim_amount",
        lines=(line(say("Type dollars and cents."), "muted"),),
        entry=Entry(label.text, typed.read(), spoken=f"{label.spoken}: {tongue.hear(typed)}"),
        choices=pad(tongue, say("Send"), typed.minor > 0),
    )


def _slip(snapshot: Snapshot, claim: ClaimView, tongue: Tongue) -> Page:
    """The number, by when there is an answer, and where to ask: the same as on the paper."""
    say = tongue.say
    label = say("Claim number")
    paper = _paper(claim, tongue)
    number = tongue.hear(Digits(claim.number))
    no_paper = claim.printed in _NO_PAPER
    again = () if claim.printed == "unavailable" else (choice("reprint", say("Print again"), kind="plain"),)
    done = say("I have the number") if no_paper else say("Done")
    return framed(
        snapshot,
        tongue,
        say("Your claim is open"),
        name="claim_slip",
        lines=_next(claim, tongue),
        big=(label.text, claim.number),
        big_spoken=f"{label.spoken}: {number}. {paper.spoken}",
        help=(line(paper, "strong" if no_paper else "muted"),),
        choices=(*again, choice("done", done, kind="primary")),
    )


def _paper(claim: ClaimView, tongue: Tongue) -> Said:
    say = tongue.say
    if claim.printed in _NO_PAPER:
        return say("No paper slip this time. Take a picture of this number.")
    if claim.printed == "printed":
        return say("Take the slip below.")
    return say("Your slip is printing below. You can also photograph this screen.")


def _next(claim: ClaimView, tongue: Tongue) -> tuple[Line, ...]:
    say = tongue.say
    by = day_words(date.fromisoformat(claim.answer_by), tongue) if claim.answer_by else Said("", "")
    lines = [line(say("We answer by {date}.", date=by), "strong")]
    # Nobody's name or number is asked here: the office takes it down when they call.
    lines.append(line(say("Call {phone} and say the claim number.", phone=Digits(claim.phone))))
    if claim.place:
        lines.append(line(say("Or come to {place}.", place=claim.place)))
    if claim.amount_minor:
        lines.append(line(say("You put in"), "rule", tongue.money(claim.amount_minor)))
    return tuple(lines)
