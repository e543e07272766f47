"""Receipts and collection tickets in words: in the resident's language and in English, line under line.

Every text is marked for the catalogue with `_`. The layout is made twice, with the resident's words and with English,
and the two are laid into one another, so that a line can never be translated without its English (accessibility L3).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from kiosk.domain.money import format_minor, format_note
from kiosk.domain.paper import Columns, Cut, Feed, Item, Paper, Qr, Rule, Text
from kiosk.domain.receipt import (
    QUEUED,
    CassetteTicket,
    CassetteTicketCopy,
    ClaimSlip,
    IncidentSlip,
    Receipt,
    ReceiptLine,
    RefundSlip,
)
from kiosk.pages.card_slip import card_items, refund_card_items
from kiosk.pages.dates import date_words

Translate = Callable[[str], str]


def receipt_items(receipt: Receipt, translate: Translate, large: bool = False) -> Paper:
    """Return the paper of a receipt; `translate` gives the resident's words, `large` is the large-print receipt."""
    paper = _interleave(_receipt(receipt, translate), _receipt(receipt, _english))
    return _enlarge(paper) if large else paper


def ticket_items(ticket: CassetteTicket, translate: Translate) -> Paper:
    """Return the blind collection ticket: for the bag, or for the collector."""
    return _interleave(_ticket(ticket, translate), _ticket(ticket, _english))


def ticket_copy_items(copy: CassetteTicketCopy, translate: Translate) -> Paper:
    """Return the copy with figures, which never goes into the bag."""
    return _interleave(_copy(copy, translate), _copy(copy, _english))


def slip_items(slip: ClaimSlip, translate: Translate, large: bool = False) -> Paper:
    """Return the numbered slip of a claim."""
    paper = _interleave(_slip(slip, translate), _slip(slip, _english))
    return _enlarge(paper) if large else paper


def incident_items(slip: IncidentSlip, translate: Translate, large: bool = False) -> Paper:
    """Return the slip of a card payment whose end nobody knows."""
    paper = _interleave(_incident(slip, translate), _incident(slip, _english))
    return _enlarge(paper) if large else paper


def refund_items(slip: RefundSlip, translate: Translate, large: bool = False) -> Paper:
    """Return the slip of what went back to a card."""
    paper = _interleave(_refund(slip, translate), _refund(slip, _english))
    return _enlarge(paper) if large else paper


def _english(text: str) -> str:
    return text


# Receipt


def _receipt(receipt: Receipt, _: Translate) -> list[Item]:
    return [
        *_head(receipt, _),
        *_bills(receipt, _),
        *_tender(receipt, _),
        *_posting(receipt, _),
        *_foot(receipt, _),
        Cut(),
    ]


def _head(receipt: Receipt, _: Translate) -> list[Item]:
    office = receipt.office
    items: list[Item] = [Text(office.name, "center", size=2, bold=True)]
    items += [Text(line, "center") for line in office.address]
    items += [Text(office.phone, "center"), Feed(), Text(_("Payment receipt"), "center", bold=True, tall=True)]
    if receipt.reprint:
        items.append(Text(_("COPY: printed again, paid once"), "center", bold=True))
    if receipt.recovered:
        items.append(Text(_("Made after an interruption at the kiosk"), "center", bold=True))
    return [
        *items,
        Feed(),
        Columns(_("Receipt"), receipt.number, bold=True, tall=True),
        Columns(date_words(receipt.at.date(), _), _time(receipt.at, _)),
        Columns(_("Kiosk {kiosk}").format(kiosk=receipt.kiosk_id), receipt.place),
        Rule(),
    ]


def _bills(receipt: Receipt, _: Translate) -> list[Item]:
    items: list[Item] = []
    for line in receipt.bills:
        items += _bill(line, _)
    for line in receipt.credits:
        items += _credit(line, _)
    order = _order(receipt.applied, _)
    if order:
        items += [Text(order), Feed()]
    items.append(Columns(_("Fee"), format_minor(receipt.fee_minor)))
    items += [Rule(), Columns(_("Total paid"), format_minor(receipt.total_minor), bold=True, size=2), Rule()]
    return items


def _order(applied: str, _: Translate) -> str:
    """Return in words what was paid first: a part payment must not surprise anybody."""
    match applied:
        case "oldest":
            return _("The oldest bill is paid first.")
        case "shut_off":
            return _("The bill with a shut-off notice is paid first, then the oldest.")
        case "utility":
            return _("Utility bills are paid first, then the oldest.")
        case "chosen":
            return _("The accounts are paid in the order in which they were chosen.")
        case _:
            return ""


def _bill(line: ReceiptLine, _: Translate) -> list[Item]:
    after = _("not known now") if line.balance_after_minor is None else format_minor(line.balance_after_minor)
    # Offline or after a restart nobody can say what the bill is for.
    label = line.label or _("City bill")
    return [
        Columns(label, format_minor(line.amount_minor), bold=True, tall=True),
        *_account(line, _),
        Columns(_("Bill"), line.invoice),
        Columns(_("Still owed"), after, tall=True),
        Feed(),
    ]


def _credit(line: ReceiptLine, _: Translate) -> list[Item]:
    return [
        Columns(_("Credit for the next bill"), format_minor(line.amount_minor), bold=True, tall=True),
        *_account(line, _),
        Feed(),
    ]


def _account(line: ReceiptLine, _: Translate) -> list[Item]:
    return [Columns(_("Account ending in"), line.last4)] if line.last4 else []


def _tender(receipt: Receipt, _: Translate) -> list[Item]:
    notes = [note for note in sorted(receipt.notes, key=lambda note: -note.value_minor) if note.count]
    items: list[Item] = []
    if notes:
        rows = (
            Columns(f"  {n.count} x {format_note(n.value_minor)}", format_minor(n.value_minor * n.count)) for n in notes
        )
        items += [Text(_("Cash put in"), bold=True), *rows]
    if receipt.change_minor:
        items.append(Columns(_("Change given"), format_minor(-receipt.change_minor)))
    for check in receipt.checks:
        items.append(Columns(_("Check {number}").format(number=check.number), format_minor(check.amount_minor)))
    for card in receipt.cards:
        items += card_items(card, _)
    return [*items, Rule()]


def _posting(receipt: Receipt, _: Translate) -> list[Item]:
    day = date_words(receipt.value_date, _)
    if receipt.posting == QUEUED:
        state = _("Received. The city's system will show it when the line is back.")
        return [Text(state, bold=True), Text(_("It counts as paid on {date}.").format(date=day))]
    return [Text(_("Posted to your account."), bold=True), Text(_("Paid as of {date}.").format(date=day))]


def _foot(receipt: Receipt, _: Translate) -> list[Item]:
    office = receipt.office
    return [
        Feed(),
        Text(_("Keep this receipt. It is your proof of payment."), bold=True),
        Text(_("Something not right? Call {phone} and say the receipt number.").format(phone=office.claim_phone)),
        *([Text(_("Or come to {place}.").format(place=office.claim_address))] if office.claim_address else []),
        Feed(),
        Text(_("Verification code"), "center"),
        Text(f"{receipt.code[:5]} {receipt.code[5:]}", "center", bold=True, tall=True),
        Qr(receipt.qr),
        Text(_("Scan to check this receipt"), "center"),
    ]


# Collection ticket


def _ticket(ticket: CassetteTicket, _: Translate) -> list[Item]:
    return [
        *_ticket_head(ticket, _("Collection ticket"), _),
        Text(_("Blind count: this ticket shows no value."), bold=True),
        Feed(),
        *_signatures(ticket, _),
        Cut(),
    ]


def _copy(copy: CassetteTicketCopy, _: Translate) -> list[Item]:
    notes = [note for note in sorted(copy.notes, key=lambda note: -note.value_minor) if note.count and note.value_minor]
    unvalued = sum(note.count for note in copy.notes if not note.value_minor)
    doubtful = [Columns(_("In doubt, not in the total"), format_minor(copy.doubtful_minor))]
    return [
        *_ticket_head(copy.ticket, _("Collection ticket, staff copy"), _),
        Text(_("Do not put this copy in the bag."), bold=True),
        Feed(),
        *(Columns(f"{n.count} x {format_note(n.value_minor)}", format_minor(n.value_minor * n.count)) for n in notes),
        Rule(),
        Columns(_("Total"), format_minor(copy.total_minor), bold=True, size=2),
        *(doubtful if copy.doubtful_minor else []),
        *([Columns(_("Value unknown, not in the total"), str(unvalued))] if unvalued else []),
        *([Columns(_("Checks, not in the total"), format_minor(copy.check_minor))] if copy.check_minor else []),
        *_store(copy, _),
        Feed(),
        *_signatures(copy.ticket, _),
        Cut(),
    ]


def _store(copy: CassetteTicketCopy, _: Translate) -> list[Item]:
    """With a recycler: what stays in it, and what the period took in less the change it gave."""
    if copy.booked_minor is None:
        return []
    stays = sum(note.value_minor * note.count for note in copy.store)
    return [
        Columns(_("Stays in the recycler"), format_minor(stays)),
        Columns(_("Cash booked in the period"), format_minor(copy.booked_minor)),
    ]


def _ticket_head(ticket: CassetteTicket, title: str, _: Translate) -> list[Item]:
    return [
        Text(ticket.office.name, "center", size=2, bold=True),
        Text(title, "center", bold=True, tall=True),
        Feed(),
        Columns(_("Ticket"), ticket.number, bold=True, tall=True),
        Columns(date_words(ticket.at.date(), _), _time(ticket.at, _)),
        Columns(_("Kiosk {kiosk}").format(kiosk=ticket.kiosk_id), ticket.place),
        Columns(_("Cassette period"), str(ticket.period)),
        Columns(_("Journal records"), f"{ticket.opened_record} - {ticket.closed_record}"),
        Rule(),
        Columns(_("Notes in the cassette"), str(ticket.note_count), bold=True, size=2),
        *([Columns(_("Checks in the pocket"), str(ticket.checks), bold=True)] if ticket.checks else []),
        *([] if ticket.store_count is None else [Columns(_("Notes in the recycler"), str(ticket.store_count))]),
        Rule(),
    ]


def _signatures(ticket: CassetteTicket, _: Translate) -> list[Item]:
    items: list[Item] = [Columns(_("Bag number"), "_" * 20), Feed()]
    for name in ticket.who:
        items += [Columns(_("Collected by"), name), Feed(), Columns(_("Signature"), "_" * 20), Feed()]
    return items


# Claim


def _slip(slip: ClaimSlip, _: Translate) -> list[Item]:
    place = slip.office.claim_address
    return [
        Text(slip.office.name, "center", size=2, bold=True),
        *(Text(line, "center") for line in slip.office.address),
        Text(slip.office.phone, "center"),
        Feed(),
        Text(_("Claim slip"), "center", bold=True, tall=True),
        Text(_("This is not a receipt."), "center"),
        Feed(),
        Columns(_("Claim"), slip.number, bold=True, tall=True),
        Columns(date_words(slip.at.date(), _), _time(slip.at, _)),
        Columns(_("Kiosk {kiosk}").format(kiosk=slip.kiosk_id), slip.place),
        Rule(),
        Text(_happened(slip, _), bold=True),
        *([Columns(_("Cash in question"), format_minor(slip.amount_minor), bold=True)] if slip.amount_minor else []),
        *([Columns(_("Account ending in"), slip.last4)] if slip.last4 else []),
        Rule(),
        Text(_("We answer by {date}.").format(date=date_words(slip.answer_by, _)), bold=True, tall=True),
        Feed(),
        Text(_("Call {phone} and say the claim number.").format(phone=slip.office.claim_phone)),
        *([Text(_("Or come to {place}.").format(place=place))] if place else []),
        Feed(),
        Text(_("Bring this slip, your receipt if you have one, and a bill or letter from the city.")),
        Feed(),
        Text(_("The kiosk keeps no name and no phone number. Leave yours when you call or come.")),
        Cut(),
    ]


def _happened(slip: ClaimSlip, _: Translate) -> str:
    match slip.what:
        case "not_counted":
            return _("Cash was put in and not counted.")
        case "wrong_amount":
            return _("The amount counted is wrong.")
        case "no_receipt":
            return _("There was no receipt.")
        case "note_in_doubt":
            return _("The kiosk opened this claim itself: it is not sure that a cash bill went in.")
        case "note_unexpected":
            return _("The kiosk opened this claim itself: a cash bill came in that no payment asked for.")
        case "change_in_doubt":
            return _("The kiosk opened this claim itself: it is not sure that all change came out.")
        case _:
            return _("Something went wrong with cash.")


# A card nobody knows of


def _incident(slip: IncidentSlip, _: Translate) -> list[Item]:
    what, advice = _incident_words(slip, _)
    return [
        Text(slip.office.name, "center", size=2, bold=True),
        *(Text(line, "center") for line in slip.office.address),
        Feed(),
        Text(_("Card payment not known"), "center", bold=True, tall=True),
        Text(_("This is not a receipt."), "center"),
        Feed(),
        Columns(_("Reference"), slip.reference, bold=True, tall=True),
        Columns(date_words(slip.at.date(), _), _time(slip.at, _)),
        Columns(_("Kiosk {kiosk}").format(kiosk=slip.kiosk_id), slip.place),
        Columns(_("Card amount"), format_minor(slip.amount_minor), bold=True),
        *([Columns(_("Account ending in"), slip.last4)] if slip.last4 else []),
        Rule(),
        Text(what, bold=True),
        Text(advice),
        Feed(),
        Text(_("Call {phone} and say the reference.").format(phone=slip.office.claim_phone)),
        Cut(),
    ]


def _incident_words(slip: IncidentSlip, _: Translate) -> tuple[str, str]:
    if slip.operation == "void":
        return (
            _("We do not know if this card payment was undone."),
            _("We go on asking the bank. If it was undone, the card has it back. If not, it stays on the card."),
        )
    if slip.leg == "fee":
        return (
            _("We do not know if this card fee was charged."),
            _("The card payment for your bill counts. Do not pay the fee again. We go on asking the bank."),
        )
    return (
        _("We do not know if this card payment went through."),
        _("Do not pay this again by card. We go on asking the bank. If it was charged, it pays your bill."),
    )


# Money that went back to a card


def _refund(slip: RefundSlip, _: Translate) -> list[Item]:
    """No new balance: what is open by now the city alone knows."""
    office, refund = slip.office, slip.refund
    due = _("This amount is open again at the city: it is no longer paid.")
    again: list[Item] = [Feed(), Text(due)] if refund.leg == "bill" else []
    return [
        Text(office.name, "center", size=2, bold=True),
        *(Text(line, "center") for line in office.address),
        Text(office.phone, "center"),
        Feed(),
        Text(_("REFUND"), "center", bold=True, size=2),
        *([Text(_("COPY: printed again, refunded once"), "center", bold=True)] if slip.copy else []),
        Feed(),
        Columns(_("Receipt of the payment"), slip.receipt_number, bold=True, tall=True),
        Columns(date_words(slip.at.date(), _), _time(slip.at, _)),
        Columns(_("Kiosk {kiosk}").format(kiosk=slip.kiosk_id), slip.place),
        Rule(),
        Columns(_("Refunded"), format_minor(refund.amount_minor), bold=True, size=2),
        Rule(),
        *refund_card_items(refund, _),
        Rule(),
        Text(_("It can take your bank a few days to show it.")),
        *again,
        Feed(),
        Text(_("Something not right? Call {phone} and say the receipt number.").format(phone=office.claim_phone)),
        Cut(),
    ]


# Times


def _time(at: datetime, _: Translate) -> str:
    half = _("AM") if at.hour < 12 else _("PM")
    return f"{at.hour % 12 or 12}:{at.minute:02d} {half} {at.tzname()}"


# Two languages on one paper


def _interleave(own: list[Item], english: list[Item]) -> Paper:
    """Lay the English under every line that differs. Both lists were made by one layout: same items, same order."""
    paper: list[Item] = []
    for mine, theirs in zip(own, english, strict=True):
        if mine != theirs and _ends_paragraph(paper, mine):
            paper.append(Feed())
        paper.append(mine)
        if mine != theirs:
            paper.append(_under(mine, theirs))
    return tuple(paper)


def _ends_paragraph(paper: list[Item], item: Item) -> bool:
    """Would two sentences in two languages run into one another?"""
    last = paper[-1] if paper else None
    return all(isinstance(one, Text) and one.align == "left" for one in (last, item))


def _under(mine: Item, theirs: Item) -> Item:
    """Return the English line in plain type; a figure that both share is printed once, so it cannot be read as two."""
    if isinstance(mine, Columns) and isinstance(theirs, Columns):
        right = "" if mine.right == theirs.right else theirs.right
        return Columns(theirs.left, right) if mine.left != theirs.left else Columns("", right)
    if isinstance(theirs, Text):
        return replace(theirs, size=1, bold=False, tall=False)
    raise TypeError(f"no words to translate in {theirs!r}")


def _enlarge(paper: Paper) -> Paper:
    return tuple(replace(item, size=2, tall=False) if isinstance(item, Text | Columns) else item for item in paper)
