"""From a number or a scan to a bill with its live balance, and to how much of it to pay."""

from kiosk.domain.invoice import Account
from kiosk.domain.snapshot import Snapshot
from kiosk.pages.frame import badge, framed
from kiosk.pages.pad import back, pad
from kiosk.pages.page import Choice, Entry, Line, Notice, Page
from kiosk.pages.tongue import Digits, Money, Said, Tongue, choice, line, notice

# More lines than these would push the choices off the page; the paper bill has them all.
_LINES_MAX = 6


def type_account(snapshot: Snapshot, tongue: Tongue) -> Page:
    """Two questions, one after the other: the account, then the house number that shows the bill is theirs."""
    say = tongue.say
    house = snapshot.field == "house"
    title = say("Type your house number") if house else say("Type your account number")
    where = (
        say("Only the number of your street address. It keeps your bill private.")
        if house
        else say("You find it at the top of any letter from the city.")
    )
    label = say("House number") if house else say("Account number")
    return framed(
        snapshot,
        tongue,
        title,
        # What went wrong says what to do; the hint would only stand in its way.
        lines=() if snapshot.notice else (line(where, "muted"),),
        entry=_entry(tongue, label, snapshot.entry),
        choices=pad(tongue, say("Next"), bool(snapshot.entry)),
    )


def _entry(tongue: Tongue, label: Said, typed: str) -> Entry:
    nothing = tongue.say("nothing yet").spoken
    spoken = tongue.hear(Digits(typed)) if typed else nothing
    return Entry(label.text, _grouped(typed), spoken=f"{label.spoken}: {spoken}")


def _grouped(digits: str) -> str:
    """Return digits in threes, as they are spoken."""
    return " ".join(digits[start : start + 3] for start in range(0, len(digits), 3))


def finding(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    return framed(
        snapshot,
        tongue,
        say("Finding your bill"),
        lines=(line(say("This takes a few seconds."), "muted"),),
        picture="finding",
        choices=(back(tongue),),
    )


def invoice(snapshot: Snapshot, tongue: Tongue) -> Page:
    say = tongue.say
    account = snapshot.account or Account("", "")
    owes = account.balance_minor > 0
    if not owes:
        title = say("You owe nothing today")
    elif account.live:
        title = say("You owe {amount}", amount=Money(account.balance_minor))
    else:
        title = say("Your bill says {amount}", amount=Money(account.balance_minor))
    return framed(
        snapshot,
        tongue,
        title,
        # Translators: a badge: the balance comes from the city's books at this moment.
        badge=badge(snapshot, tongue, say("Live balance")),
        picture="" if owes else "done",
        lines=(line(_whose(account, tongue), "muted"), *_bill_lines(account, tongue)),
        notice=_shut_off(account, tongue),
        choices=(*_amounts(account, tongue), back(tongue)),
    )


def _whose(account: Account, tongue: Tongue) -> Said:
    """Return whose bill this is, masked: kinds of service, last four digits, street without number (S13)."""
    ending = tongue.say("account ending in {digits}", digits=Digits(account.last4))
    label = account.invoices[0].label if len(account.invoices) == 1 else ""
    # A masked house number is shown as dots; a voice would read them one by one.
    street = account.address.lstrip("0123456789.•* ")
    read = [part for part in (label, ending.text, account.address.replace(".", "•")) if part]
    heard = [part for part in (label, ending.spoken, street) if part]
    text = " · ".join(read)
    return Said(text[0].upper() + text[1:], ", ".join(heard))


def _bill_lines(account: Account, tongue: Tongue) -> tuple[Line, ...]:
    if len(account.invoices) == 1:
        rows = [(tongue.plain(part.label), part.amount_minor) for part in account.invoices[0].lines]
    else:
        rows = [(tongue.plain(bill.label or bill.id), bill.balance_minor) for bill in account.invoices]
    shown = [line(label, "rule", tongue.money(minor)) for label, minor in rows[:_LINES_MAX]]
    rest = rows[_LINES_MAX:]
    if rest:
        more = tongue.say("{count} more", count=len(rest))
        shown.append(line(more, "rule", tongue.money(sum(minor for _, minor in rest))))
    return tuple(shown)


def _shut_off(account: Account, tongue: Tongue) -> Notice | None:
    if not any(bill.shut_off for bill in account.invoices) or account.past_due_minor <= 0:
        return None
    return notice(tongue.say("Pay {amount} to keep your service on.", amount=Money(account.past_due_minor)), "caution")


def _amounts(account: Account, tongue: Tongue) -> tuple[Choice, ...]:
    say = tongue.say
    choices = []
    if account.balance_minor > 0:
        all_of_it = say("Pay all of it: {amount}", amount=Money(account.balance_minor))
        choices.append(choice("pay_full", all_of_it, say("Nothing is left to pay"), icon="check", kind="primary"))
    if 0 < account.past_due_minor < account.balance_minor:
        late = say("Pay what is late: {amount}", amount=Money(account.past_due_minor))
        choices.append(choice("pay_past_due", late, say("The rest stays on your account"), icon="clock"))
    if account.balance_minor > 0:
        other = choice("pay_other", say("Pay another amount"), say("A part now, the rest later"), icon="coins")
    else:
        other = choice("pay_other", say("Pay ahead"), say("It stays on your account as credit"), icon="coins")
    return (*choices, other)


def other_amount(snapshot: Snapshot, tongue: Tongue) -> Page:
    """The typed digits are cents, as on a till."""
    say = tongue.say
    typed = Money(int(snapshot.entry or "0"))
    label = say("Amount to pay")
    balance = snapshot.account.balance_minor if snapshot.account else 0
    return framed(
        snapshot,
        tongue,
        say("How much do you want to pay?"),
        lines=()
        if snapshot.notice
        else (line(say("You owe {amount}. Type dollars and cents.", amount=Money(balance)), "muted"),),
        entry=Entry(label.text, typed.read(), spoken=f"{label.spoken}: {tongue.hear(typed)}"),
        choices=pad(tongue, say("Next"), typed.minor > 0),
    )
