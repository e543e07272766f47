"""Paying by card: choosing it, its fee, the sale, cancelling, the void. How it ends is in card_results.py.

No time-out is ever "declined" (architecture, rule 6). A sale is announced in the journal, then sent once; whatever
happens to its answer, it is looked for by its reference and never sent again.
"""

from kiosk.brain.closing import close, disable, stop_paying
from kiosk.brain.commands import CancelCard, FindCard, SellByCard, VoidCard
from kiosk.brain.events import CardPrompted
from kiosk.brain.idle import awake, still
from kiosk.brain.limits import asked_elsewhere, card_refusal
from kiosk.brain.opening import begin_payment
from kiosk.brain.state import Attempt
from kiosk.brain.turn import Turn
from kiosk.domain.tenders import CardSaleApproved, CardSaleStarted, FeeAgreed, VoidStarted

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PREFIX_MAX = 8


def due_minor(turn: Turn) -> int:
    """Return what is to be paid by card now: what is left, or the agreed amount when nothing is in yet."""
    payment = turn.books.payment
    return payment.left_minor if payment is not None else turn.scene.total_minor


def fee_on(turn: Turn, base_minor: int) -> int:
    rule = turn.scene.fee_rule
    return rule.of(base_minor) if rule is not None else 0


# What the person does


def pay_card(turn: Turn, value: str) -> None:
    """Card for the whole, or for what cash has left. A note on its way is waited for first."""
    del value
    if card_refusal(turn.state, due_minor(turn)):
        turn.show(notice="card_unavailable")
        return
    if turn.scene.stage == "cash":
        disable(turn)
        if turn.books.note is not None:
            turn.show(card_wanted=True)
            return
    turn.show(card_wanted=False)
    if fee_on(turn, due_minor(turn)):
        turn.show(stage="fee", notice="")
    else:
        prepare(turn)


def agree_fee(turn: Turn, value: str) -> None:
    """The fee was on the screen, beside the way to pay without it."""
    del value
    if card_refusal(turn.state, due_minor(turn)):
        turn.show(stage="tender", notice="card_unavailable")
    else:
        prepare(turn)


def prepare(turn: Turn) -> None:
    begin_payment(turn)
    turn.show(stage="card", card_phase="preparing", card_prompt="", notice="")
    still(turn)
    if not turn.scene.request:
        sell(turn)


def sell(turn: Turn) -> None:
    """The city's books agree, or are away: ask the terminal for the card."""
    payment = turn.books.payment
    if payment is None or turn.scene.card_phase != "preparing":
        return
    amount_minor = payment.left_minor
    if card_refusal(turn.state, amount_minor):
        turn.show(stage="tender", card_phase="", notice="card_unavailable")
        awake(turn)
        return
    rule, fee_minor = turn.scene.fee_rule, fee_on(turn, amount_minor)
    if rule is not None and fee_minor:
        turn.record(FeeAgreed(payment.payment_id, rule.name, rule.programme, amount_minor, fee_minor))
    turn.show(fee_minor=fee_minor)
    start_sale(turn, "bill", amount_minor)


def start_sale(turn: Turn, leg: str, amount_minor: int) -> None:
    payment = turn.books.payment
    if payment is None:
        raise AssertionError("a sale for no payment")
    reference = fresh_reference(turn)
    currency = turn.settings.currency
    turn.record(CardSaleStarted(payment.payment_id, reference, leg, amount_minor, currency, turn.devices.terminal_name))
    turn.order(SellByCard(reference, amount_minor, currency))
    ask_terminal(turn, "asking")


def start_void(turn: Turn, sale: CardSaleApproved, why: str) -> None:
    reference = fresh_reference(turn)
    turn.record(VoidStarted(sale.payment_id, reference, sale.reference, sale.amount_minor, turn.settings.currency, why))
    turn.order(VoidCard(reference, sale.reference, sale.amount_minor, sale.terminal_ref, sale.slip))
    ask_terminal(turn, "undoing")


def ask_terminal(turn: Turn, phase: str, stage: str = "card") -> None:
    turn.start("card", turn.settings.timeouts.card)
    turn.show(stage=stage, card_phase=phase, card_prompt="", notice="")
    still(turn)


def fresh_reference(turn: Turn) -> str:
    """Return a name that no attempt ever had or will have: kiosk, epoch, and a count that the journal keeps."""
    kiosk = "".join(sign for sign in turn.settings.receipt_prefix.upper() if sign in _DIGITS)[-_PREFIX_MAX:]
    epoch = turn.settings.epoch
    return f"{kiosk}{_DIGITS[epoch // 36 % 36]}{_DIGITS[epoch % 36]}{turn.books.references + 1:06d}"


def cancel_card(turn: Turn, value: str) -> None:
    """A request only: the terminal may have the money already, and its answer decides."""
    del value
    attempt = turn.books.attempt
    if turn.scene.card_phase == "preparing":
        turn.show(stage="tender", card_phase="", notice="")
    elif turn.scene.card_phase == "asking" and attempt is not None:
        turn.order(CancelCard(attempt.reference))
        turn.show(card_phase="cancelling", card_prompt="")


def leave_unknown(turn: Turn, value: str) -> None:
    """A bill's leg that nobody knows of ends the payment; after a fee's the rest can be paid, but not by card."""
    del value
    attempt = turn.books.attempt
    if attempt is not None and (attempt.operation, attempt.leg) == ("sale", "fee"):
        go_on(turn, "card_unknown")
    else:
        close(turn, "stopped")


def keep_partial(turn: Turn, value: str) -> None:
    """The card gave less than was asked: it is kept, and its fee taken; the rest comes by another tender."""
    del value
    take_fee(turn)


def keep_and_stop(turn: Turn, value: str) -> None:
    """What was approved is kept, as for everybody who leaves with money in, and nothing more is asked for."""
    turn.show(stop_wanted=True)
    keep_partial(turn, value)


def refuse_partial(turn: Turn, value: str) -> None:
    del value
    payment = turn.books.payment
    if payment is not None and payment.cards:
        turn.show(fee_minor=0)
        start_void(turn, payment.cards[-1], "undersized")


def take_fee(turn: Turn) -> None:
    """The bill's leg is approved. A fee agreed for it is a sale of its own, never more than on what was approved."""
    payment, agreed_minor = turn.books.payment, turn.scene.fee_minor
    turn.show(fee_minor=0)
    base_minor = payment.cards[-1].amount_minor if payment is not None and payment.cards else 0
    fee_minor = min(agreed_minor, fee_on(turn, base_minor)) if base_minor else 0
    if fee_minor and not turn.scene.stopping and turn.books.attempt is None:
        start_sale(turn, "fee", fee_minor)
    else:
        go_on(turn)


def go_on(turn: Turn, notice: str = "") -> None:
    """Nothing is under way at the terminal: the payment is met, or the rest is asked for."""
    payment = turn.books.payment
    fee = orphan(turn)
    if fee is not None:
        turn.show(orphan="")
        start_void(turn, fee, "bill_reversed")
        return
    turn.show(card_phase="", card_prompt="", fee_minor=0)
    if payment is not None and payment.holds_money and (payment.left_minor == 0 or turn.scene.stopping):
        close(turn, "stopping" if turn.scene.stopping else "met")
    elif turn.scene.stopping:
        close(turn, "stopping")
    elif turn.scene.stop_wanted and payment is not None and payment.holds_money:
        stop_paying(turn)
        awake(turn)
    else:
        turn.show(stage="tender", notice=notice, stop_wanted=False)
        awake(turn)


def orphan(turn: Turn) -> CardSaleApproved | None:
    """Return a fee whose bill's leg is gone, if it can be undone now."""
    payment = turn.books.payment
    if payment is None or turn.books.attempt is not None or turn.books.note is not None:
        return None
    return next((card for card in payment.cards if card.reference == turn.scene.orphan), None)


def card_prompted(turn: Turn, event: CardPrompted) -> None:
    """What the terminal shows is shown and spoken here, too."""
    attempt = turn.books.attempt
    at_terminal = turn.scene.stage in ("card", "staff_refunding")
    if attempt is not None and attempt.reference == event.reference and at_terminal:
        turn.show(card_prompt=event.code)


# Asking what became of a transaction


def find(turn: Turn, attempt: Attempt) -> None:
    """Ask the terminal, if it is there and the same. Who waits is let go by a timer that this does not move."""
    if turn.devices.terminal.state == "ready" and not asked_elsewhere(turn.state, attempt):
        after = attempt.after or None
        turn.order(FindCard(attempt.reference, attempt.operation, attempt.amount_minor, attempt.of, after))


def stop_looking(turn: Turn) -> None:
    if turn.books.attempt is None:
        turn.stop("card")
        turn.stop("card_look")
