"""Staff give a card its money back: which payment, how much, why, who agrees. How it ends is in refund_results.py.

What was paid, and what of it was refunded before, is looked up in the journal by the engine: the books would have to
hold every payment for ever. A refund is announced in the journal, then sent once, and looked for like a sale.
"""

from collections.abc import Callable
from dataclasses import replace

from kiosk.brain import staff
from kiosk.brain.apply_refunds import cut
from kiosk.brain.card import ask_terminal, fresh_reference
from kiosk.brain.commands import CheckPin, FindPayments, RefundCard
from kiosk.brain.events import PaymentsFound, PinChecked
from kiosk.brain.limits import card_trouble
from kiosk.brain.refund_results import print_refund
from kiosk.brain.state import RefundDraft, State
from kiosk.brain.turn import Turn
from kiosk.domain.card_payment import CardPayment, PaidCard
from kiosk.domain.refunds import WHYS, RefundStarted

NEWEST = 5  # payments to choose from
_LOOKING = ("find", "number")
_FIELDS = {"number": "receipt", "amount": "refund_amount", "sign": "pin"}


def hindrance(state: State) -> str:
    """Return why nothing can be refunded now, "" when it can."""
    books = state.books
    if not state.settings.cards or not state.settings.refund_days:
        return "refunds_off"
    trouble = card_trouble(state)
    if trouble:
        return trouble[0]
    moving = books.under_way or books.payment is not None or books.late is not None or bool(books.session_id)
    return "payment_open" if moving else ""


def prefix(state: State) -> str:
    """Return what all receipt numbers in this kiosk's journal begin with."""
    return f"{state.settings.receipt_prefix}-{state.settings.epoch}-"


def _draft(turn: Turn) -> RefundDraft:
    return turn.scene.refund or RefundDraft()


def _step(turn: Turn, draft: RefundDraft, notice: str = "") -> None:
    """Show this step of the draft, with nothing typed yet."""
    field = _FIELDS.get(draft.step, "")
    if draft.step == "sign" and not turn.settings.refund_two_people:
        field = ""
    turn.show(stage="staff_refund", refund=draft, field=field, entry="", request="", notice=notice)


# Which payment


def open_page(turn: Turn, value: str) -> None:
    """The newest payments by card; any other one by its number."""
    del value
    if hindrance(turn.state):
        turn.show(notice="refund_blocked")
        return
    _begin(turn)


def _begin(turn: Turn, notice: str = "") -> None:
    _step(turn, RefundDraft(), notice)
    _look_up(turn, "")


def _look_up(turn: Turn, receipt_number: str) -> None:
    request = turn.moment.ids[2]
    turn.show(request=request, refund=replace(_draft(turn), wanted=receipt_number, as_of=_cards_known(turn)))
    turn.order(FindPayments(request, receipt_number, turn.settings.refund_days, NEWEST))


def _cards_known(turn: Turn) -> tuple[int, int]:
    """Two counts: whatever befalls a card's money moves one of them."""
    return turn.books.card_minor, turn.books.references


def payments_found(turn: Turn, event: PaymentsFound) -> None:
    draft = _draft(turn)
    if turn.scene.stage != "staff_refund" or draft.step not in _LOOKING or event.request != turn.scene.request:
        return
    turn.show(request="")
    if not draft.wanted:
        turn.show(refund=replace(draft, payments=event.payments))
    elif event.payments:
        _step(turn, replace(draft, step="card", found=event.payments[0]))
    else:
        _step(turn, draft, "refund_absent")


def choose_payment(turn: Turn, value: str) -> None:
    if _draft(turn).step in _LOOKING and value:
        turn.show(notice="")
        _look_up(turn, value)


def type_number(turn: Turn, value: str) -> None:
    del value
    if _draft(turn).step == "find":
        _step(turn, replace(_draft(turn), step="number"))


def _number_typed(turn: Turn) -> None:
    """People type the count alone: the rest is the same on every receipt of this kiosk."""
    if turn.scene.entry.strip("0"):
        choose_payment(turn, f"{prefix(turn.state)}{int(turn.scene.entry):06d}")


# How much


def choose_whole(turn: Turn, value: str) -> None:
    draft = replace(_draft(turn), of=value)
    if draft.step == "card" and draft.found is not None and draft.card is not None:
        _amount_agreed(turn, draft, draft.found.most_minor(draft.card))


def choose_part(turn: Turn, value: str) -> None:
    draft = replace(_draft(turn), of=value)
    if draft.step == "card" and draft.card is not None:
        _step(turn, replace(draft, step="amount"))


def _amount_typed(turn: Turn) -> None:
    """The typed digits are cents, as on a till."""
    draft = _draft(turn)
    if draft.found is not None and draft.card is not None:
        amount_minor, most_minor = int(turn.scene.entry or "0"), draft.found.most_minor(draft.card)
        if amount_minor > most_minor:
            turn.show(notice="refund_too_high", notice_minor=most_minor, entry="")
        else:
            _amount_agreed(turn, draft, amount_minor)


def _amount_agreed(turn: Turn, draft: RefundDraft, amount_minor: int) -> None:
    if amount_minor > 0:
        _step(turn, replace(draft, step="why", amount_minor=amount_minor))


# Why, and who agrees


def choose_why(turn: Turn, value: str) -> None:
    draft = _draft(turn)
    if draft.step == "why" and value in WHYS:
        _step(turn, replace(draft, step="sign", why=value))


def submit(turn: Turn, value: str) -> None:
    del value
    match turn.scene.field:
        case "receipt":
            _number_typed(turn)
        case "refund_amount":
            _amount_typed(turn)
        case "pin" if turn.scene.entry and not turn.scene.pin_locked:
            request = turn.moment.ids[2]
            turn.order(CheckPin(request, turn.scene.entry))
            turn.show(request=request, entry="")


def pin_checked(turn: Turn, event: PinChecked) -> None:
    """Of who signs in, or of the second person who agrees to a refund."""
    if turn.scene.stage != "staff_refund":
        staff.pin_checked(turn, event)
    elif _draft(turn).step == "sign" and event.request == turn.scene.request:
        if not event.who:
            staff.wrong_pin(turn)
        elif event.who == turn.books.staff:
            turn.show(request="", notice="refund_same_person")
        else:
            turn.show(pin_failures=0)
            _start(turn, event.who)


def confirm(turn: Turn, value: str) -> None:
    """Where one person is enough."""
    del value
    if _draft(turn).step == "sign" and not turn.settings.refund_two_people:
        _start(turn, "")


def _start(turn: Turn, second: str) -> None:
    """Announce it, then send it. What was looked up must still be all that is known of cards."""
    draft = _draft(turn)
    payment, card = draft.found, draft.card
    if payment is None or card is None or hindrance(turn.state):
        _step(turn, draft, "refund_blocked")
    elif draft.as_of != _cards_known(turn):
        _begin(turn, "refund_changed")
    else:
        _send(turn, draft, payment, card, second)


def _send(turn: Turn, draft: RefundDraft, payment: CardPayment, card: PaidCard, second: str) -> None:
    reference, amount_minor = fresh_reference(turn), draft.amount_minor
    turn.record(
        RefundStarted(
            payment_id=payment.payment_id,
            reference=reference,
            of=card.reference,
            leg=card.leg,
            amount_minor=amount_minor,
            currency=payment.currency,
            approved_minor=card.approved_minor,
            refunded_minor=card.refunded_minor,
            lines=cut(payment.lines, amount_minor) if card.leg == "bill" else (),
            receipt_number=payment.receipt_number,
            terminal=turn.devices.terminal_name,
            by=turn.books.staff,
            second=second,
            why=draft.why,
        )
    )
    turn.order(RefundCard(reference, card.reference, amount_minor, payment.currency, card.terminal_ref, card.slip))
    turn.show(refund=replace(draft, second=second, reference=reference), field="", entry="", request="")
    ask_terminal(turn, "asking", "staff_refunding")


# The slip, and going back


def reprint(turn: Turn, value: str) -> None:
    del value
    draft, found = _draft(turn), _draft(turn).found
    if draft.printed == "printing":
        return
    if draft.step == "done" and draft.done is not None:
        print_refund(turn, draft.done, draft.receipt_number, copy=True)
    elif draft.step == "card" and found is not None and found.refunded is not None:
        print_refund(turn, found.refunded, found.receipt_number, found.refunded_at, copy=True)


def back(turn: Turn, value: str) -> None:
    draft = _draft(turn)
    match draft.step:
        case "card" | "number":
            _begin(turn)
        case "amount" | "why":
            _step(turn, replace(draft, step="card"))
        case "sign":
            _step(turn, replace(draft, step="why"))
        case _:
            staff.show_cards(turn, value)


ACTS: dict[str, Callable[[Turn, str], None]] = {
    "submit": submit,
    "refund_payment": choose_payment,
    "refund_number": type_number,
    "refund_whole": choose_whole,
    "refund_part": choose_part,
    "refund_why": choose_why,
    "confirm": confirm,
    "reprint": reprint,
    "staff_refund": open_page,
    "back": back,
}
