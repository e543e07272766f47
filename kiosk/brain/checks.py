"""Paying by check: read, its amount typed twice, dropped into the slot, and only then money.

The kiosk cannot see the slot. That the check is in is said by the person, after the journal has said that it may be;
a check that is counted without having been said to be in is found by that memo.
"""

from dataclasses import asdict, replace

from kiosk.brain.closing import close
from kiosk.brain.commands import FrankCheck, ListenForCheck, RestCheckReader
from kiosk.brain.events import CheckRead, CheckReaderConnected, CheckReaderLost, CheckUnread
from kiosk.brain.idle import awake
from kiosk.brain.limits import check_trouble, city_limit_minor, pocket_trouble
from kiosk.brain.opening import begin_payment
from kiosk.brain.state import CheckDraft, OpenPayment, State
from kiosk.brain.turn import Turn
from kiosk.domain.snapshot import DeviceHealth
from kiosk.domain.tenders import CheckAwaited, CheckTaken

CHECKS_MAX = 5  # in one payment
REMEMBERED = 500  # fingerprints of checks that were taken

_TRY_AGAIN = ("unreadable", "garbled", "routing")

# Questions about a state


def check_refusal(state: State) -> str:
    """Return why no check can be taken now, "" when one can."""
    if reasons := check_trouble(state):
        return reasons[0]
    if any(account.checks_refused for account in state.scene.accounts):
        return "check_flagged"
    if not all(account.live for account in state.scene.accounts):
        return "check_offline"  # nobody can say whether the last check of this account came back
    payment = state.books.payment
    if payment is not None and len(payment.checks) >= CHECKS_MAX:
        return "check_count"
    return "" if _room_minor(state) > 0 else "check_too_high"


def check_most_minor(state: State, due_minor: int) -> int:
    """Return the most that a check may be: a check gets no change, and no credit."""
    return max(0, min(due_minor, _room_minor(state)))


def listens(state: State) -> bool:
    draft = state.scene.check
    return state.scene.stage == "check" and draft is not None and draft.phase == "read"


def _room_minor(state: State) -> int:
    city = city_limit_minor(state, "check")
    most = state.settings.check_maximum_minor
    return (most if city is None else min(most, city)) - _by_check_minor(state.books.payment)


def _by_check_minor(payment: OpenPayment | None) -> int:
    return sum(check.amount_minor for check in payment.checks) if payment is not None else 0


# The reader


def reader_connected(turn: Turn, event: CheckReaderConnected) -> None:
    turn.hear(check_reader=DeviceHealth("check_reader", "ready", "", event.detail))
    if listens(turn.state):
        turn.order(ListenForCheck())


def reader_lost(turn: Turn, event: CheckReaderLost) -> None:
    """A check that was read already needs the reader no more."""
    turn.hear(check_reader=DeviceHealth("check_reader", "lost", event.reason))
    if listens(turn.state):
        _to_tender(turn, "check_unavailable")


def at_slot(state: State) -> bool:
    """The check may be in already: only the person knows."""
    draft = state.scene.check
    return state.scene.stage == "check" and draft is not None and draft.phase == "slot"


def listen(turn: Turn, before: bool) -> None:
    """Let the reader report what goes through exactly while a check is awaited."""
    now = listens(turn.state)
    if now != before:
        turn.order(ListenForCheck() if now else RestCheckReader())


def check_read(turn: Turn, event: CheckRead) -> None:
    if not listens(turn.state):
        return
    if event.fingerprint in turn.devices.checks_taken:
        turn.show(notice="check_twice")
    else:
        draft = CheckDraft(
            "amount",
            routing=event.routing,
            number=event.number,
            account_last4=event.account_last4,
            fingerprint=event.fingerprint,
        )
        turn.show(check=draft, field="check_amount", entry="", notice="")
    awake(turn)


def check_unread(turn: Turn, event: CheckUnread) -> None:
    if listens(turn.state):
        turn.show(notice="check_unreadable" if event.code in _TRY_AGAIN else "check_counter")
        awake(turn)


# What the person does


def pay_check(turn: Turn, value: str) -> None:
    """A check for the whole, or for a part of it."""
    del value
    if check_refusal(turn.state):
        turn.show(notice="check_unavailable")
        return
    begin_payment(turn)
    turn.show(stage="check", check=CheckDraft(), field="", entry="", notice="")


def amount_typed(turn: Turn) -> None:
    """Typed twice and equal; the digits are cents."""
    draft, payment, amount_minor = turn.scene.check, turn.books.payment, int(turn.scene.entry or "0")
    if draft is None or payment is None or not amount_minor:
        return
    most_minor = check_most_minor(turn.state, payment.left_minor)
    if draft.phase == "amount":
        if amount_minor > most_minor:
            turn.show(entry="", notice="check_too_high", notice_minor=most_minor)
        else:
            turn.show(check=replace(draft, phase="again", amount_minor=amount_minor), entry="", notice="")
    elif draft.phase == "again" and amount_minor != draft.amount_minor:
        turn.show(check=replace(draft, phase="amount", amount_minor=0), entry="", notice="check_differs")
    elif draft.phase == "again":
        _agreed(turn, replace(draft, check_id=turn.moment.ids[0]))


def _agreed(turn: Turn, draft: CheckDraft) -> None:
    """Frank it where the printer can; a printer that does not work keeps nobody from paying (rule 12)."""
    if turn.scene.request:
        turn.show(notice="server_slow")  # the city's books are being compared: before the first money
    elif pocket_trouble(turn.state):
        _to_tender(turn, "check_unavailable")
    elif turn.settings.franks and turn.devices.printer.state == "ready":
        turn.order(FrankCheck(f"{draft.check_id}/frank", draft.number))
        turn.show(check=replace(draft, phase="frank"), field="", entry="", notice="")
    else:
        _to_slot(turn, draft)


def frank_ended(turn: Turn, check_id: str, outcome: str) -> None:
    draft = turn.scene.check
    if draft is None or turn.scene.stage != "check" or (draft.phase, draft.check_id) != ("frank", check_id):
        return
    if pocket_trouble(turn.state):
        _to_tender(turn, "check_unavailable")
    else:
        _to_slot(turn, replace(draft, franked=outcome == "confirmed"))
    awake(turn)


def _to_slot(turn: Turn, draft: CheckDraft) -> None:
    """From here on the check may be in the pocket: the journal says so before the page does (rule 4)."""
    payment = turn.books.payment
    if payment is None:
        raise AssertionError("a check for no payment")
    draft = replace(draft, phase="slot")
    turn.record(_awaited(turn, draft, payment.payment_id))
    turn.show(check=draft, field="", entry="", notice="")


def _awaited(turn: Turn, draft: CheckDraft, payment_id: str) -> CheckAwaited:
    return CheckAwaited(
        check_id=draft.check_id,
        payment_id=payment_id,
        amount_minor=draft.amount_minor,
        currency=turn.settings.currency,
        number=draft.number,
        routing=draft.routing,
        account_last4=draft.account_last4,
        cassette_period=turn.books.period,
    )


def check_in(turn: Turn, value: str) -> None:
    """The person says that it is in the slot. It cannot come back, so nothing refuses it now."""
    del value
    draft, payment = turn.scene.check, turn.books.payment
    if draft is None or payment is None or draft.phase != "slot":
        return
    awaited = _awaited(turn, draft, payment.payment_id)
    turn.record(CheckTaken(**asdict(awaited), franked=draft.franked))
    turn.hear(checks_taken=(*turn.devices.checks_taken, draft.fingerprint)[-REMEMBERED:])
    _to_tender(turn, "check_taken", draft.amount_minor)


def cancel_check(turn: Turn, value: str) -> None:
    """The person keeps the check."""
    del value
    _to_tender(turn, "")


def _to_tender(turn: Turn, notice: str, notice_minor: int = 0) -> None:
    """Ask how the rest is paid, if there is one: a card that was found meanwhile may have paid it."""
    payment = turn.books.payment
    if turn.scene.stopping:
        close(turn, "stopping")
    elif payment is not None and payment.holds_money and not payment.left_minor:
        close(turn, "met")
    else:
        _choose(turn, notice, notice_minor)


def _choose(turn: Turn, notice: str, notice_minor: int) -> None:
    turn.show(stage="tender", check=None, field="", entry="", notice=notice, notice_minor=notice_minor)
