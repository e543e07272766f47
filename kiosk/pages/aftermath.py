"""What became of money that somebody may be waiting for, in sentences."""

from kiosk.domain.claim import Aftermath
from kiosk.pages.page import Line
from kiosk.pages.tongue import Digits, Money, Said, Tongue, line

# What a person reads before they hold their own paper: the newest is theirs.
_MOST = 2


def aftermath_lines(items: tuple[Aftermath, ...], tongue: Tongue) -> tuple[Line, ...]:
    """Return what is said of the newest items: a sentence each, and the number to ask with."""
    return tuple(said for item in items[-_MOST:] for said in _told(item, tongue))


def claim_row(number: str, tongue: Tongue) -> Line:
    """Return a claim's number as a line of its own: a number never breaks."""
    return line(tongue.say("Claim number"), "rule", tongue.digits(number))


def _told(item: Aftermath, tongue: Tongue) -> tuple[Line, ...]:
    happened, paper = _happened(item, tongue), _paper(item, tongue)
    both = Said(f"{happened.text} {paper.text}".rstrip(), f"{happened.spoken} {paper.spoken}".rstrip())
    return (line(both, "strong"), *_number(item, tongue))


def _number(item: Aftermath, tongue: Tongue) -> tuple[Line, ...]:
    if item.what == "asking":
        return ()
    if item.what != "applied":
        return (claim_row(item.number, tongue),)
    if item.paper in ("printing", "printed"):
        return ()
    return (line(tongue.say("Receipt number"), "rule", tongue.digits(item.number)),)


def _happened(item: Aftermath, tongue: Tongue) -> Said:
    say = tongue.say
    amount, note = Money(item.amount_minor), Money(item.amount_minor, short=True)
    match item.what:
        case "applied" if item.last4:
            digits = Digits(item.last4)
            # Translators: told after a power cut
            return say(
                "{amount} went in before this kiosk stopped. It counts for the account ending in {digits}.",
                amount=amount,
                digits=digits,
            )
        case "applied":
            return say("{amount} went in before this kiosk stopped. It counts for your bill.", amount=amount)
        case "asking":
            return say("We are still checking if {note} went in.", note=note)
        case "found":
            return say("{note} was found. Staff will put it where it belongs.", note=note)
        case "filed":
            return say("Your claim is open.")
        case "change":
            return say("We are not sure {amount} of change came out. We opened a claim.", amount=amount)
        case _ if not item.amount_minor:
            return say("The machine took cash it could not read. We opened a claim.")
        case "lost":
            return say("We are not sure {note} went in. We opened a claim.", note=note)
        case _:
            return say("{note} went in, and we do not know whose it is. We opened a claim.", note=note)


def _paper(item: Aftermath, tongue: Tongue) -> Said:
    say = tongue.say
    if item.what in ("asking", "found"):
        return Said("", "")
    applied = item.what == "applied"
    match item.paper:
        case "printing":
            return say("Your receipt is printing.") if applied else say("The slip is printing.")
        case "printed":
            return say("Take your receipt below.") if applied else say("Take the slip below.")
        case _:
            return say("Take a picture of this number.")
