"""What a person can do at each stage. A touch that comes too late for its stage is no error: it does nothing."""

from collections.abc import Callable

from kiosk.brain import batch, card, cart, checks, claiming, refund, search, staff
from kiosk.brain.cash import refresh_offer
from kiosk.brain.claims import carried
from kiosk.brain.closing import close, done, leave, reprint, stop_paying
from kiosk.brain.commands import CheckTyped
from kiosk.brain.events import HeadChecked, IntentReceived
from kiosk.brain.fees import card_rule
from kiosk.brain.finding import open_session, type_account
from kiosk.brain.idle import awake
from kiosk.brain.limits import cash_refusal, trouble
from kiosk.brain.opening import begin_payment, drop_empty_payment
from kiosk.brain.repeats import leave_it, pay_again, repeated
from kiosk.brain.state import PAYING
from kiosk.brain.turn import Turn
from kiosk.domain.facts import CreditAgreed, KioskFrozen
from kiosk.domain.invoice import Account

ENTRY_MAX = {"account": 12, "house": 6, "amount": 7, "check_amount": 7, "receipt": 6, "refund_amount": 7, "pin": 12}


# Choosing how much


def pay_full(turn: Turn, value: str) -> None:
    del value
    _agree(turn, _account(turn).balance_minor)


def pay_past_due(turn: Turn, value: str) -> None:
    del value
    _agree(turn, _account(turn).past_due_minor)


def pay_other(turn: Turn, value: str) -> None:
    del value
    turn.show(stage="other_amount", field="amount", entry="", notice="")


def amount_submitted(turn: Turn) -> None:
    """The typed digits are cents, as on a till: 5 3 1 8 is $53.18."""
    amount_minor = int(turn.scene.entry or "0")
    least = min(turn.settings.minimum_minor, max(1, _account(turn).balance_minor))
    # With several accounts none is paid ahead: nobody could say whose credit it is.
    ahead = 0 if turn.scene.cart else turn.settings.credit_limit_minor
    most = min(turn.settings.maximum_minor, _account(turn).balance_minor + ahead)
    if amount_minor < least:
        turn.show(notice="amount_too_low", notice_minor=least)
    elif amount_minor > most:
        turn.show(notice="amount_too_high", notice_minor=most)
    else:
        _agree(turn, amount_minor)


def _agree(turn: Turn, amount_minor: int) -> None:
    before_minor = sum(line.amount_minor for line in turn.scene.cart)
    if amount_minor + before_minor > turn.settings.maximum_minor:
        turn.show(notice="amount_too_high", notice_minor=turn.settings.maximum_minor - before_minor)
    elif amount_minor > 0:
        rule = card_rule(turn.settings, turn.moment.local[:10])
        again = repeated(turn, _account(turn), amount_minor)
        turn.show(stage="repeat" if again else "tender", repeat=again)
        turn.show(agreed_minor=amount_minor, fee_rule=rule, field="", entry="", notice="")


def _account(turn: Turn) -> Account:
    if turn.scene.account is None:
        raise AssertionError(f"no account at {turn.scene.stage}")
    return turn.scene.account


# Paying


def pay_cash(turn: Turn, value: str) -> None:
    """For the whole, or for what a card has left."""
    del value
    if trouble(turn.state):
        turn.show(notice="cash_unavailable")
        return
    if cash_refusal(turn.state, card.due_minor(turn)):
        return  # the page says why
    begin_payment(turn)
    turn.show(stage="cash", notice="", last_note_minor=0)
    refresh_offer(turn)


def head_checked(turn: Turn, event: HeadChecked) -> None:
    """A bad answer stops new money even when it comes late; a good one counts for the session that asked."""
    awaited = event.request == turn.scene.request
    if awaited:
        turn.stop("head")
        turn.show(request="")
    if event.result in ("ahead", "differs") and not turn.books.frozen:
        turn.record(KioskFrozen(f"head_{event.result}", "compared before the first note"))
        if awaited:
            close(turn, "cancelled")
            return
    if turn.scene.stage == "cash":
        refresh_offer(turn)
    elif awaited:
        card.sell(turn)


def allow_credit(turn: Turn, value: str) -> None:
    del value
    payment = turn.books.payment
    if payment is not None:
        turn.record(CreditAgreed(payment.payment_id, turn.settings.credit_limit_minor))
        turn.show(notice="")
        refresh_offer(turn)


def stop(turn: Turn, value: str) -> None:
    del value
    stop_paying(turn)


def put_in_more(turn: Turn, value: str) -> None:
    """Back to the slot, or to the choice of tenders if the slot does not work, or another one was used or can be."""
    del value
    payment = turn.books.payment
    another = payment is not None and bool(payment.cards or payment.checks)
    choose = bool(trouble(turn.state)) or another or not checks.check_refusal(turn.state)
    turn.show(stage="tender" if choose else "cash", notice="")
    refresh_offer(turn)


def confirm_review(turn: Turn, value: str) -> None:
    del value
    close(turn, "stopped")


def cancel_cash(turn: Turn, value: str) -> None:
    payment = turn.books.payment
    if payment is not None and not payment.holds_money:
        stop(turn, value)


# The end, and going back


def start_over(turn: Turn, value: str) -> None:
    if turn.scene.stage == "card":
        card.cancel_card(turn, value)
    elif turn.scene.stage == "card_unknown":
        close(turn, "stopped")
    elif turn.books.payment is not None and turn.scene.stage in PAYING:
        stop(turn, value)
    elif turn.scene.stage == "done":
        done(turn, value)
    else:
        leave(turn, "cancelled")


def back(turn: Turn, value: str) -> None:
    stage, field = turn.scene.stage, turn.scene.field
    if stage == "type_account" and field == "house":
        turn.show(field="account", entry=turn.scene.typed_number, notice="")
    elif stage in ("other_amount", "repeat", "tender"):
        if drop_empty_payment(turn):
            turn.show(stage="invoice", field="", entry="", notice="")
    elif stage == "fee":
        turn.show(stage="tender", notice="")
    elif stage in ("type_account", "finding", "invoice") and cart.back_to_cart(turn):
        pass
    else:
        leave(turn, "cancelled")
    del value


# Typing


def key(turn: Turn, value: str) -> None:
    entry, field = turn.scene.entry, turn.scene.field
    if value == "back":
        turn.show(entry=entry[:-1], notice="")
    elif value == "clear":
        turn.show(entry="", notice="")
    elif len(value) == 1 and value.isascii() and value.isdigit() and len(entry) < ENTRY_MAX.get(field, 0):
        turn.show(entry=entry + value, notice="")


def submit(turn: Turn, value: str) -> None:
    del value
    scene = turn.scene
    if scene.field == "amount":
        amount_submitted(turn)
    elif scene.field == "check_amount":
        checks.amount_typed(turn)
    elif scene.field == "account" and scene.entry:
        turn.show(typed_number=scene.entry, field="house", entry="", notice="")
    elif scene.field == "house" and scene.entry:
        request = turn.moment.ids[2]
        turn.show(request=request)
        turn.order(CheckTyped(request, scene.typed_number, scene.entry))


# What can be done at every stage


def open_help(turn: Turn, value: str) -> None:
    del value
    turn.show(help_open=True)


def close_help(turn: Turn, value: str) -> None:
    del value
    turn.show(help_open=False)


def choose_language(turn: Turn, value: str) -> None:
    turn.show(language=value)


def choose_theme(turn: Turn, value: str) -> None:
    turn.show(theme=value)


def choose_text_size(turn: Turn, value: str) -> None:
    size = int(value) if value.isdecimal() else turn.scene.text_size + 1
    turn.show(text_size=size % 4)


def choose_sound(turn: Turn, value: str) -> None:
    turn.show(sound=value == "on" or (value == "" and not turn.scene.sound))


def more_time(turn: Turn, value: str) -> None:
    """Awake already: every touch is."""
    del turn, value


Act = Callable[[Turn, str], None]

ALWAYS: dict[str, Act] = {
    "help": open_help,
    "close_help": close_help,
    "language": choose_language,
    "theme": choose_theme,
    "text_size": choose_text_size,
    "sound": choose_sound,
    "more_time": more_time,
    "claim": claiming.open_page,
}

ACTS: dict[str, dict[str, Act]] = {
    "starting": {"staff": staff.ask_pin},
    "attract": {"begin": more_time, "type_account": type_account, "staff": staff.ask_pin, "start_over": start_over},
    "type_account": {"key": key, "submit": submit, "back": back, "start_over": start_over, "staff": staff.ask_pin},
    "finding": {"start_over": start_over, "back": back},
    "invoice": {
        "pay_full": pay_full,
        "pay_past_due": pay_past_due,
        "pay_other": pay_other,
        "back": back,
        "start_over": start_over,
    },
    "other_amount": {"key": key, "submit": submit, "back": back, "start_over": start_over},
    "repeat": {"leave_it": leave_it, "pay_again": pay_again, "back": back, "start_over": start_over},
    "tender": {
        "pay_cash": pay_cash,
        "pay_card": card.pay_card,
        "pay_check": checks.pay_check,
        "add_bill": cart.add_bill,
        "stop": stop,
        "back": back,
        "start_over": start_over,
    },
    "fee": {
        "agree_fee": card.agree_fee,
        "pay_cash": pay_cash,
        "pay_check": checks.pay_check,
        "back": back,
        "start_over": start_over,
    },
    "card": {"cancel_card": card.cancel_card, "start_over": start_over},
    "partial": {
        "keep_partial": card.keep_partial,
        "refuse_partial": card.refuse_partial,
        "start_over": card.keep_and_stop,
    },
    "check": {
        "key": key,
        "submit": submit,
        "check_in": checks.check_in,
        "cancel_check": checks.cancel_check,
        "start_over": start_over,
    },
    "card_unknown": {"done": card.leave_unknown, "start_over": start_over},
    "cash": {
        "stop": stop,
        "back": cancel_cash,
        "allow_credit": allow_credit,
        "pay_card": card.pay_card,
        "start_over": start_over,
    },
    "review": {"confirm": confirm_review, "put_in_more": put_in_more, "back": put_in_more, "start_over": start_over},
    "closing": {},
    "done": {"done": done, "reprint": reprint, "start_over": start_over},
    "staff_sign_in": {"key": key, "submit": staff.submit_pin, "back": back, "start_over": start_over},
    "staff_health": {
        "swap_cassette": staff.ask_swap,
        "staff_cards": staff.show_cards,
        "sign_out": staff.sign_out,
    },
    "staff_cards": {
        "close_batch": batch.close_by_staff,
        "staff_refund": refund.open_page,
        "staff_search": search.show_search,
        "back": staff.back_to_health,
        "sign_out": staff.sign_out,
    },
    "staff_refund": {"key": key, **refund.ACTS, "sign_out": staff.sign_out},
    "staff_refunding": {"cancel_card": card.cancel_card},
    "staff_search": {"confirm": search.end_search, "back": staff.show_cards, "sign_out": staff.sign_out},
    "staff_swap": {"confirm": staff.swap, "back": staff.back_to_health, "sign_out": staff.sign_out},
}

# Residents' stages in which any touch means that somebody has begun.
_OPENS = ("attract",)
_FREE = (staff.ask_pin, more_time, close_help)


def intent_received(turn: Turn, event: IntentReceived) -> None:
    """Do what the person asks if this stage offers it."""
    intent = event.intent
    if intent.name == "start_over" and turn.scene.idle_left_s:
        # The answer to the idle question is about everything, not about the claim above it.
        turn.show(claim=carried(turn, "idle"))
    act = ALWAYS.get(intent.name) or _offered(turn).get(intent.name)
    if act is None or (intent.name == "language" and intent.value not in ("en", "es")):
        return
    if not _begins(turn, act):
        return
    if intent.name not in ("help", "close_help"):
        turn.show(help_open=False)
    act(turn, intent.value)
    awake(turn)


def _offered(turn: Turn) -> dict[str, Act]:
    claim = turn.scene.claim
    return ACTS[turn.scene.stage] if claim is None else claiming.ACTS[claim.step]


def _begins(turn: Turn, act: Act) -> bool:
    """Open a session if this act needs one. False when there can be none and the act cannot do without.

    Reading on the waiting page what became of one's money, and claiming it, begins nothing new.
    """
    if turn.scene.stage not in _OPENS or turn.scene.claim is not None or act in _FREE:
        return True
    if turn.books.aftermath and act in ALWAYS.values():
        return True
    return open_session(turn) or act is claiming.open_page
