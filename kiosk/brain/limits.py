"""Which notes fit, and what keeps cash out of service: questions about a state, answered without changing it."""

import json

from kiosk.brain import change
from kiosk.brain.state import Attempt, OpenPayment, State
from kiosk.domain.facts import LinePaid
from kiosk.domain.invoice import Account

# A record may have 32 KiB and a payment names each of its notes with some 72 bytes: the rest is for its bills.
NOTES_MAX = 300
CARDS_MAX = 10
DECLINES_MAX = 3  # in a row: more is somebody who tries stolen cards
BILLS_BYTES_MAX = 8_500
_LINE_BYTES = 56  # of a bill in a record, beside its account and its number

# Reasons that the health of a device gives, in the words of the snapshot.
_ACCEPTOR_STATES = {
    "lost": "acceptor_lost",
    "connecting": "acceptor_lost",
    "interrogating": "acceptor_starting",
    "faulted": "acceptor_faulted",
}


def trouble(state: State) -> tuple[str, ...]:
    """Return every reason why cash cannot be taken now, gravest first; () when it can."""
    devices = state.devices
    reasons = sorted(devices.faults)
    if not devices.faults and devices.acceptor.state in _ACCEPTOR_STATES:
        reasons.append(_ACCEPTOR_STATES[devices.acceptor.state])
    if state.books.payout_unknown:
        reasons.append("change_in_doubt")
    return _with_shared(state, reasons)


def card_trouble(state: State) -> tuple[str, ...]:
    """Return every reason why no card can be taken now, gravest first; () when one can."""
    devices = state.devices
    if not state.settings.cards:
        return ("no_terminal",)
    reasons = [f"terminal_{fault}" for fault in sorted(devices.terminal_faults)]
    if devices.terminal.state != "ready":
        reasons.append("terminal_lost")
    if state.books.attempt is not None:
        reasons.append("card_unknown")
    if devices.batch is not None:
        reasons.append("card_batch")
    return _with_shared(state, reasons)


def asked_elsewhere(state: State, attempt: Attempt) -> bool:
    """True when the terminal that is there is not the one that was asked: what it does not know proves nothing."""
    devices = state.devices
    named = bool(attempt.terminal and devices.terminal_name) and not devices.terminal_central
    return (named and attempt.terminal != devices.terminal_name) or "wrong_terminal" in devices.terminal_faults


def pocket_trouble(state: State) -> tuple[str, ...]:
    """Return why no check may go into the pocket, which is in the cassette; () when it may."""
    return _with_shared(state, ["cassette_removed"] if "cassette_removed" in state.devices.faults else [])


def check_trouble(state: State) -> tuple[str, ...]:
    """Return every reason why no check can be taken now; () when one can."""
    if not state.settings.checks:
        return ("no_check_reader",)
    reasons = list(pocket_trouble(state))
    if state.devices.check_reader.state != "ready":
        reasons.append("check_reader_lost")
    if not state.scene.accounts and not state.devices.online:
        reasons.append("check_offline")  # who comes now is looked up in vain: no account would be known to be sound
    return tuple(reasons)


def shut(state: State) -> tuple[str, ...]:
    """Return why no money at all can be taken now; () when there is a way to pay."""
    return trouble(state) if card_trouble(state) and check_trouble(state) else ()


def _with_shared(state: State, reasons: list[str]) -> tuple[str, ...]:
    """Add what keeps every tender out of service."""
    devices, books = state.devices, state.books
    first = [f"frozen_{books.frozen}"] if books.frozen else []
    if state.scene.stopping:
        first.append("stopping")
    if devices.storage.state != "ready":
        first.append(devices.storage.reason)
    silent = ["screen_silent"] if devices.screen.state != "ready" else []
    return (*first, *reasons, *silent)


def card_refusal(state: State, amount_minor: int) -> str:
    """Return why this sum cannot be paid by card here, "" when it can."""
    reasons, settings, payment = card_trouble(state), state.settings, state.books.payment
    if reasons:
        return reasons[0]
    if too_many_declines(state):
        return "card_declines"
    city = city_limit_minor(state, "card")
    if amount_minor > settings.card_maximum_minor or (city is not None and amount_minor > city):
        return "card_too_high"
    if amount_minor < settings.card_minimum_minor:
        return "card_too_low"
    return "card_count" if payment is not None and len(payment.cards) >= CARDS_MAX else ""


def too_many_declines(state: State) -> bool:
    """True when cards were declined too often in this session, or lately for one of these accounts.

    Starting over does not begin the count anew; the next person, with a bill of their own, has tries of their own.
    """
    tried = max((state.scene.declined.count(account.ref) for account in state.scene.accounts), default=0)
    return max(state.books.declines, tried) >= DECLINES_MAX


def cash_refusal(state: State, amount_minor: int) -> str:
    """Return why this sum cannot be paid in cash here although the slot works, "" when it can."""
    if amount_minor + _cash_minor(state) >= _report_minor(state):
        return "cash_report"
    city = city_limit_minor(state, "cash")
    return "cash_too_high" if city is not None and amount_minor + _cash_minor(state) > city else ""


def _report_minor(state: State) -> int:
    """So much cash has to be reported with a name, which a kiosk does not ask for: staff take it."""
    cities = [account.cash_report_minor for account in state.scene.accounts if account.cash_report_minor]
    return min([state.settings.cash_report_minor, *cities])


def _cash_minor(state: State) -> int:
    payment = state.books.payment
    return sum(note.value_minor for note in payment.notes) if payment is not None else 0


def city_limit_minor(state: State, tender: str) -> int | None:
    """Return what the city lets a tender give in this payment now, None for no limit. The tightest account decides."""
    limits = [one for account in state.scene.accounts for one in account.limits if one.tender == tender]
    sums = [most for one in limits for most in (one.payment_minor, one.left_today_minor)]
    return min((most for most in sums if most is not None), default=None)


def _under_limits(state: State) -> tuple[int, ...]:
    """Return the note values that keep the cash of this payment under the limits."""
    inside, city = _cash_minor(state), city_limit_minor(state, "cash")
    most = _report_minor(state) - 1 if city is None else min(city, _report_minor(state) - 1)
    return tuple(value for value in state.settings.denominations_minor if inside + value <= most)


def takes_claims(state: State) -> bool:
    """A claim needs nothing but a journal that can be written to, however slowly."""
    storage = state.devices.storage
    writable = storage.state == "ready" or storage.reason == "disk_slow"
    return writable and not state.scene.stage.startswith("staff")


def allowed_minor(state: State) -> tuple[int, ...]:
    """Return the note values that fit now, smallest first.

    A note fits when it is at most what is left plus the credit agreed, or when it is the smallest one that
    covers what is left: paying cash is agreeing that the rest of that last note becomes credit. A larger one fits when
    its change can surely be given.
    """
    payment = state.books.payment
    if payment is None or is_full(payment):
        return ()
    room, values = room_minor(payment), _under_limits(state)
    left_minor = payment.left_minor
    covering = min((v for v in values if left_minor and v >= left_minor), default=0)
    fit = {value for value in values if value <= room or value == covering}
    if covering and not payment.credit_up_to_minor:
        over_minor = covering - left_minor
        fit |= {v for v in values if v > covering and change.fits(state, v - left_minor, over_minor)}
    return tuple(value for value in values if value in fit)


def room_minor(payment: OpenPayment) -> int:
    """Return how many cents may still go in: what is left, and credit agreed and not used."""
    over = max(0, payment.in_minor - payment.agreed_minor)
    return payment.left_minor + max(0, payment.credit_up_to_minor - over)


def is_full(payment: OpenPayment) -> bool:
    """True when its record can name no more notes: what is left to pay is another payment."""
    return len(payment.notes) >= NOTES_MAX


def listed(account: Account) -> tuple[LinePaid, ...]:
    """Return the bills that a payment can name, in the order in which they are paid: the city's, else oldest first.

    What is paid beyond them is credit on the account.
    """
    lines: list[LinePaid] = []
    room = BILLS_BYTES_MAX
    place = {number: at for at, number in enumerate(account.order)}
    for invoice in sorted(account.invoices, key=lambda invoice: place.get(invoice.id, len(place))):
        room -= _LINE_BYTES + len(json.dumps([account.ref, invoice.id]))  # never shorter than in the record
        if room < 0:
            break
        lines.append(LinePaid(account.ref, invoice.id, invoice.balance_minor))
    return tuple(lines)


def is_met(state: State) -> bool:
    """True when the agreed amount is in and nothing more was agreed that a note could fill."""
    payment = state.books.payment
    return payment is not None and payment.left_minor == 0 and not allowed_minor(state)


def channels_for(state: State, values: tuple[int, ...]) -> frozenset[int]:
    return frozenset(channel for channel, value in state.settings.channels if value in values)
