"""page(snapshot, translate) -> Page: pure, translated, complete."""

from collections.abc import Callable

from kiosk.domain.snapshot import Snapshot
from kiosk.pages.account import finding, invoice, other_amount, type_account
from kiosk.pages.attract import attract
from kiosk.pages.card import card, card_unknown, fee, partial
from kiosk.pages.check import check
from kiosk.pages.claim import claim_page
from kiosk.pages.done import done
from kiosk.pages.overlay import help_page, idle_page
from kiosk.pages.page import Page
from kiosk.pages.paying import cash, closing, review, tender
from kiosk.pages.refund import staff_refund, staff_refunding
from kiosk.pages.repeat import repeat
from kiosk.pages.search import staff_search
from kiosk.pages.service import out_of_service, starting
from kiosk.pages.staff import staff_cards, staff_health, staff_sign_in, staff_swap
from kiosk.pages.tongue import Tongue, Translate

PAGES: dict[str, Callable[[Snapshot, Tongue], Page]] = {
    "starting": starting,
    "attract": attract,
    "type_account": type_account,
    "finding": finding,
    "invoice": invoice,
    "other_amount": other_amount,
    "repeat": repeat,
    "tender": tender,
    "fee": fee,
    "cash": cash,
    "card": card,
    "partial": partial,
    "card_unknown": card_unknown,
    "check": check,
    "review": review,
    "closing": closing,
    "done": done,
    "out_of_service": out_of_service,
    "staff_sign_in": staff_sign_in,
    "staff_health": staff_health,
    "staff_swap": staff_swap,
    "staff_cards": staff_cards,
    "staff_refund": staff_refund,
    "staff_refunding": staff_refunding,
    "staff_search": staff_search,
}


def page(snapshot: Snapshot, translate: Translate) -> Page:
    """Return what the screen shows now: the idle question above help, help above a claim, a claim above the rest."""
    tongue = Tongue(translate, snapshot.language)
    if snapshot.idle_left_s > 0:
        return idle_page(snapshot, tongue)
    if snapshot.help_open:
        return help_page(snapshot, tongue)
    if snapshot.claim is not None:
        return claim_page(snapshot, tongue)
    return PAGES[snapshot.screen](snapshot, tongue)
