"""What a paper says of a card: brand and last four, approval, the chip's application. Never more of its number."""

from collections.abc import Callable

from kiosk.domain.money import format_minor
from kiosk.domain.paper import Columns, Item, Text
from kiosk.domain.refunds import CardRefunded
from kiosk.domain.tenders import CardSaleApproved, CardSlip

Translate = Callable[[str], str]


def card_items(card: CardSaleApproved, _: Translate) -> list[Item]:
    """Return the lines of one card: what every network wants printed, as far as the terminal said it."""
    what = _card_fee(card, _) if card.leg == "fee" else _card_bill(card.slip, _)
    return [Columns(what, format_minor(card.amount_minor), bold=True), *_details(card.slip, card.reference, _)]


def refund_card_items(refund: CardRefunded, _: Translate) -> list[Item]:
    """Return the lines of the card that got its money back. Some terminals say little of it."""
    what = _("Fee of card {last4}").format(last4=refund.slip.last4) if refund.leg == "fee" else ""
    to_card = _("To your card") if not refund.slip.last4 else what or _card_bill(refund.slip, _)
    return [Columns(to_card, format_minor(refund.amount_minor), bold=True), *_details(refund.slip, refund.reference, _)]


def _details(slip: CardSlip, reference: str, _: Translate) -> list[Item]:
    rows = (
        (_("Approval"), slip.approval),
        (_("Reference"), reference),
        (_("Read by"), _entry(slip.entry, _)),
        (_("Application"), slip.application),
        ("AID", slip.aid),
        ("TVR", slip.tvr),
        ("TSI", slip.tsi),
        ("ARC", slip.response_code),
        ("TC", slip.cryptogram),
        ("TID", slip.terminal_id),
        ("MID", slip.merchant_id),
    )
    items: list[Item] = [Columns(f"  {label}", value) for label, value in rows if value]
    verified = _verified(slip.verified, _)
    return [*items, Text(f"  {verified}")] if verified else items


def _card_bill(slip: CardSlip, _: Translate) -> str:
    if not slip.last4:
        return _("Paid by card")
    return _("Card {brand} ending in {last4}").format(brand=slip.brand, last4=slip.last4)


def _card_fee(card: CardSaleApproved, _: Translate) -> str:
    return _("Fee by card {last4}").format(last4=card.slip.last4)


def _entry(entry: str, _: Translate) -> str:
    words = {"chip": _("chip"), "contactless": _("contactless"), "swipe": _("swipe"), "fallback": _("swipe")}
    return words.get(entry, "")


def _verified(how: str, _: Translate) -> str:
    match how:
        case "pin":
            return _("PIN verified")
        case "device":
            return _("Checked on the card holder's device")
        case "none":
            return _("No signature or PIN was needed")
        case _:
            return ""
