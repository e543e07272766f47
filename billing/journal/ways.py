"""The ways to resolve a suspense item: which items each is for, what it needs, and the lines it posts.

Money above 0 is placed. Money below 0 is a receipt whose cash no record accounts for: another item that holds it, the
count, or in the end the city makes up for it, never the resident, unless the card was paid back. A memo has no line in
the ledger; a note found at the count, or a sale found at the processor, gets its first one here. Paying somebody out is
not a way: that is done at the counter, from the credit.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from billing.customers.models import Account, Invoice
from billing.journal import cards
from billing.journal.models import BookedNote, BookedTender, Resolution, SuspenseItem
from billing.journal.terms import CARD_UNKNOWN, REFUND, REFUND_UNKNOWN, SALE, VOID, VOID_UNKNOWN
from billing.kiosks.models import Kiosk
from billing.ledger import balances
from billing.ledger.chart import CARD, CASH, CASH_SHORT, CREDIT, FORK_SUSPENSE, RECEIVABLE, SUSPENSE, card_of, cash_of
from billing.ledger.models import Entry
from billing.ledger.posting import Line
from billing.money import format_minor

NOTE_UNVALUED = "note-unvalued"
FOUND_MAX_MINOR = 100_000  # no note is worth more


class NotPlaceable(ValueError):
    """This item cannot be resolved in this way; the words say why."""


@dataclass(frozen=True)
class Choice:
    """What a clerk chose. `cash_subject` is the kiosk and period whose cash was counted.

    `found_minor` is what the count found a note of unknown value to be worth, 0 for anything else.
    """

    way: str
    other: SuspenseItem | None = None
    account: Account | None = None
    invoice: Invoice | None = None
    cash_subject: str = ""
    earlier: Resolution | None = None
    found_minor: int = 0


@dataclass(frozen=True)
class Outcome:
    """`lines` are posted under the item's name, none for words; no record may book the note or the sale any more."""

    summary: str
    lines: tuple[Line, ...] = ()
    note_id: str = ""
    tender: tuple[str, str, str] | None = None  # what, reference, payment


def outcome(item: SuspenseItem, choice: Choice) -> Outcome:
    """Return what `choice` comes to now. NotPlaceable if it does not fit the item."""
    if choice.way not in _WAYS:
        raise NotPlaceable("choose what becomes of it")
    if choice.way != "words" and item.currency != settings.CURRENCY:
        raise NotPlaceable(f"accounts are kept in {settings.CURRENCY}")
    return _WAYS[choice.way](item, choice)


def possible(item: SuspenseItem) -> tuple[str, ...]:
    """Return the ways that can be open to `item` at all, the usual one first."""
    if item.memo:
        known = item.amount_minor > 0 or is_unvalued(item)
        return _MEMO_WAYS.get(item.reason, ("words",)) if known else ("words",)
    if item.amount_minor < 0:
        return ("owed", "offset", "short") if item.reason in _PAID_BACK else ("offset", "counted", "short", "already")
    usual = ("join", "credit", "invoice") if item.reason == "note-unexpected" else ("credit", "invoice")
    return (*usual, "already")


def held_in(item: SuspenseItem) -> str:
    """Return the ledger account that holds the item's money."""
    return FORK_SUSPENSE if item.reason == "journal-fork" else SUSPENSE


def period_of(item: SuspenseItem, period: str) -> str:
    """Return the ledger's name for a cassette period of the item's kiosk: "7", or "2/7" for another epoch."""
    epoch, _, number = period.rpartition("/")
    known = int(epoch) if re.fullmatch("[0-9]{1,9}", epoch) else 0
    return cash_of(item.chain.kiosk_id, known if epoch else item.chain.epoch, number)


def booked_before(item: SuspenseItem) -> Any:
    """Return the confirmed resolutions that may have booked the item's money before its record did, newest first."""
    corrected = Resolution.objects.filter(earlier=OuterRef("pk"), end__outcome="confirmed")
    found = Resolution.objects.filter(
        ~Exists(corrected),
        item__chain__kiosk=item.chain.kiosk_id,
        item__currency=item.currency,
        item__amount_minor__in=(item.amount_minor, -item.amount_minor),
        end__outcome="confirmed",
        way__in=_booking_ways(item),
    )
    return found.select_related("item", "end").order_by("-pk")


def _credit(item: SuspenseItem, choice: Choice) -> Outcome:
    _require_money(item)
    account = _account(choice)
    lines = (_out(item), Line(CREDIT, account.number, -item.amount_minor))
    return Outcome(f"credit on {account.number}", lines)


def _invoice(item: SuspenseItem, choice: Choice) -> Outcome:
    """Pay what is still owed on the invoice; the rest becomes credit on its account."""
    _require_money(item)
    if choice.invoice is None:
        raise NotPlaceable("no invoice has this number")
    # Locked as a posting kiosk locks it, so that the two see each other.
    invoice = Invoice.objects.select_for_update(of=("self",)).select_related("account").get(pk=choice.invoice.pk)
    owed = balances.by_subject(RECEIVABLE, [invoice.number], item.currency).get(invoice.number, 0)
    fits = min(max(0, owed), item.amount_minor)
    if not fits:
        raise NotPlaceable("nothing is owed on this invoice any more")
    rest = item.amount_minor - fits
    lines = [_out(item), Line(RECEIVABLE, invoice.number, -fits)]
    if rest:
        lines.append(Line(CREDIT, invoice.account.number, -rest))
    return Outcome(f"pays invoice {invoice.number}", tuple(lines))


def _join(item: SuspenseItem, choice: Choice) -> Outcome:
    """The note that turned up is the note in doubt: its money goes to the account, and the memo is closed with it."""
    _require_money(item)
    memo, account = choice.other, _account(choice)
    if item.reason != "note-unexpected" or memo is None or not _is_doubt(memo):
        raise NotPlaceable("only an unexpected note can be a note in doubt")
    _require_same(item, memo, memo.amount_minor)
    _require_unbooked(memo)
    lines = (_out(item), Line(CREDIT, account.number, -item.amount_minor))
    return Outcome(f"is the note in doubt #{memo.pk}: credit on {account.number}", lines, memo.subject)


def _offset(item: SuspenseItem, choice: Choice) -> Outcome:
    _require_missing(item)
    other = choice.other
    if other is None or other.memo or other.amount_minor <= 0:
        raise NotPlaceable("choose an item that holds money")
    _require_same(item, other, -other.amount_minor)
    return Outcome(f"the missing cash is in item #{other.pk}", (_out(item), _out(other)))


def _counted(item: SuspenseItem, choice: Choice) -> Outcome:
    """The count found more than the records say, by this item: the cash of that period rises to what is there."""
    if not _is_period(choice.cash_subject, item.chain.kiosk):
        raise NotPlaceable("say in which cassette period of this kiosk it was counted")
    if not item.memo:
        _require_missing(item)
        cash = Line(CASH, choice.cash_subject, -item.amount_minor)
        return Outcome(f"found at the count of {choice.cash_subject}", (cash, _out(item)))
    account, value = _account(choice), _found(item, choice)
    _require_unbooked(item)
    lines = (Line(CASH, choice.cash_subject, value), Line(CREDIT, account.number, -value))
    what = f"{format_minor(value)} " if is_unvalued(item) else ""
    summary = f"{what}found at the count of {choice.cash_subject}: credit on {account.number}"
    return Outcome(summary, lines, item.subject)


def _found(item: SuspenseItem, choice: Choice) -> int:
    """Return what the note of a memo is worth: by its record, or by the count if no record knows."""
    if is_unvalued(item):
        if not 0 < choice.found_minor <= FOUND_MAX_MINOR:
            raise NotPlaceable("say what the count found this note to be worth")
        return choice.found_minor
    if not _is_doubt(item) or item.amount_minor <= 0:
        raise NotPlaceable("only a note in doubt can be found at the count")
    return int(item.amount_minor)


def _short(item: SuspenseItem, choice: Choice) -> Outcome:
    del choice
    _require_missing(item)
    short = Line(CASH_SHORT, item.chain.kiosk_id, -item.amount_minor)
    return Outcome(f"never found: the city bears {format_minor(-item.amount_minor)}", (short, _out(item)))


def _already(item: SuspenseItem, choice: Choice) -> Outcome:
    """Take back what stands twice; after a count, the cash of the record: the count saw where the note lay."""
    if item.memo:
        raise NotPlaceable("there is no money in this item")
    earlier = choice.earlier
    if earlier is None or not booked_before(item).filter(pk=earlier.pk).exists():
        raise NotPlaceable("choose the resolution that booked this money before")
    summary = f"booked before by proposal {earlier.pk} for item #{earlier.item_id}"
    if earlier.way == "paid":
        return Outcome(summary, (Line(CREDIT, earlier.account.number, -item.amount_minor), _out(item)))
    if earlier.way == "short":
        return Outcome(summary, (_out(item), Line(CASH_SHORT, item.chain.kiosk_id, -item.amount_minor)))
    return Outcome(summary, (_out(item), Line(CASH, _recorded_cash(item), -item.amount_minor)))


def _paid(item: SuspenseItem, choice: Choice) -> Outcome:
    """The processor has this sale: the acquirer owes it, and the account gets it."""
    account, sale = _account(choice), _attempt(item, CARD_UNKNOWN, SALE)
    owed = Line(CARD, card_of(item.chain.kiosk_id, sale[1]), item.amount_minor)
    lines = (owed, Line(CREDIT, account.number, -item.amount_minor))
    return Outcome(f"{sale[1]} is paid: credit on {account.number}", lines, tender=sale)


def _unpaid(item: SuspenseItem, choice: Choice) -> Outcome:
    del choice
    return Outcome(f"{_attempt(item, CARD_UNKNOWN, SALE)[1]} is not paid")


def _voided(item: SuspenseItem, choice: Choice) -> Outcome:
    """The processor has this void: the acquirer owes nothing, and what the sale gave the account is taken off."""
    account, void = _account(choice), _attempt(item, VOID_UNKNOWN, VOID)
    owed = Line(CARD, card_of(item.chain.kiosk_id, void[1]), -item.amount_minor)
    lines = (Line(CREDIT, account.number, item.amount_minor), owed)
    return Outcome(f"{void[1]} is voided: taken off {account.number}", lines, tender=void)


def _refunded(item: SuspenseItem, choice: Choice) -> Outcome:
    """The processor has this refund: the acquirer owes less, and what the card had given the account is taken off."""
    account, refund = _account(choice), _attempt(item, REFUND_UNKNOWN, REFUND)
    owed = Line(CARD, card_of(item.chain.kiosk_id, refund[1]), -item.amount_minor)
    lines = (Line(CREDIT, account.number, item.amount_minor), owed)
    return Outcome(f"{refund[1]} is refunded: taken off {account.number}", lines, tender=refund)


def _owed(item: SuspenseItem, choice: Choice) -> Outcome:
    """The receipt counts on a card that was paid back: the account owes the sum again."""
    account = _account(choice)
    _require_missing(item)
    if item.reason not in _PAID_BACK:
        raise NotPlaceable("no card was paid back here")
    return Outcome(f"owed again by {account.number}", (Line(CREDIT, account.number, -item.amount_minor), _out(item)))


def _words(item: SuspenseItem, choice: Choice) -> Outcome:
    del choice
    if not item.memo:
        raise NotPlaceable("there is money in this item: words alone do not place it")
    return Outcome("closed by words")


_WAYS: dict[str, Callable[[SuspenseItem, Choice], Outcome]] = {
    "credit": _credit,
    "invoice": _invoice,
    "join": _join,
    "offset": _offset,
    "counted": _counted,
    "short": _short,
    "already": _already,
    "paid": _paid,
    "unpaid": _unpaid,
    "voided": _voided,
    "refunded": _refunded,
    "owed": _owed,
    "words": _words,
}
_MEMO_WAYS = {
    "note-in-doubt": ("counted", "words"),
    NOTE_UNVALUED: ("counted", "words"),
    CARD_UNKNOWN: ("paid", "unpaid"),
    VOID_UNKNOWN: ("voided", "words"),
    REFUND_UNKNOWN: ("refunded", "words"),
}
_PAID_BACK = ("void-after-receipt", "refund-over-sale", "refund-not-placed")


def _out(item: SuspenseItem) -> Line:
    """Take the item's money out of where it is held, whichever sign it has."""
    return Line(held_in(item), item.subject, item.amount_minor)


def _booking_ways(item: SuspenseItem) -> tuple[str, ...]:
    if item.amount_minor < 0:
        return ("paid",)
    return ("counted", "short") if _recorded_cash(item) else ("short",)


def _attempt(item: SuspenseItem, reason: str, what: str) -> tuple[str, str, str]:
    """Return the sale, void or refund that the memo is about: what, reference, payment. It must not be booked."""
    if not item.memo or item.reason != reason or item.amount_minor <= 0:
        raise NotPlaceable("only an unknown attempt can be found at the processor")
    sale, payment_id = cards.named_by(item)
    reference = item.subject if what == REFUND else sale
    booked = BookedTender.objects.filter(kiosk_id=item.chain.kiosk_id, what=what, name=reference, payment_id=payment_id)
    if booked.exists():
        raise NotPlaceable("a record has booked this attempt already")
    return what, reference, payment_id


def _recorded_cash(item: SuspenseItem) -> str:
    """Return the cash account's subject that the item's own record booked its sum to, "" if it booked none."""
    opened = Q(transaction__record__chain=item.chain, transaction__record__seq=item.seq)
    if item.reason == "journal-fork":
        opened = Q(transaction__fork_record__chain=item.chain, transaction__fork_record__seq=item.seq)
    cash = Entry.objects.filter(
        opened, account=CASH, amount_minor=item.amount_minor, transaction__currency=item.currency
    )
    return str(cash.values_list("subject", flat=True).first() or "")


def _is_period(cash_subject: str, kiosk: Kiosk) -> bool:
    """Is this the cash of a period in an epoch of `kiosk`?"""
    period = cash_subject.rpartition("/")[2]
    epochs = kiosk.chains.values_list("epoch", flat=True)
    named = {cash_of(kiosk.pk, epoch, period) for epoch in epochs}
    return cash_subject in named and bool(re.fullmatch("[0-9]{1,10}|unknown", period))


def _account(choice: Choice) -> Account:
    if choice.account is None:
        raise NotPlaceable("no account has this number")
    return choice.account


def is_unvalued(item: SuspenseItem) -> bool:
    """Is this a note in the cassette of which no record knows the value?"""
    return bool(item.memo and item.reason == NOTE_UNVALUED)


def _is_doubt(item: SuspenseItem) -> bool:
    return bool(item.memo and item.reason == "note-in-doubt")


def _require_money(item: SuspenseItem) -> None:
    if item.memo or item.amount_minor <= 0:
        raise NotPlaceable("there is no money in this item")


def _require_missing(item: SuspenseItem) -> None:
    if item.memo or item.amount_minor >= 0:
        raise NotPlaceable("no cash is missing from this item")


def _require_same(item: SuspenseItem, other: SuspenseItem, amount_minor: int) -> None:
    fits = (other.chain.kiosk_id, other.currency, amount_minor) == (
        item.chain.kiosk_id,
        item.currency,
        item.amount_minor,
    )
    if not fits:
        raise NotPlaceable("the two items must be of one kiosk and one sum")


def _require_unbooked(memo: SuspenseItem) -> None:
    if BookedNote.objects.filter(kiosk_id=memo.chain.kiosk_id, note_id=memo.subject).exists():
        raise NotPlaceable("a record has booked this note already")
