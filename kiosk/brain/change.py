"""Change from a recycler: what can surely be given, told before money goes in, and the order to give it.

What the recycler then reports is in payout.py. Without a recycler, or while it is not well, no change is given.
"""

from collections import Counter
from functools import lru_cache

from kiosk.brain.commands import PayOut
from kiosk.brain.state import State
from kiosk.brain.turn import Turn
from kiosk.domain.facts import NoteCount, PayoutStarted

NOTES_MAX = 20  # of one payout: each takes seconds
_GIVEN = ("met", "stopped")  # who walked away, or was cut off, finds it as credit

Stock = tuple[tuple[int, int], ...]  # value in cents and how many


def stock(state: State) -> Stock:
    """Return the notes that can be paid out, () when none can."""
    devices = state.devices
    well = devices.acceptor.state == "ready" and devices.levels_told and not devices.faults
    if not well or state.books.payout_unknown:
        return ()
    values = ((state.settings.value_of(channel), count) for channel, count in _fullest_last(state))
    return tuple(sorted({value: count for value, count in values if value and count > 0}.items()))


def _fullest_last(state: State) -> list[tuple[int, int]]:
    """Should two channels be worth the same, the one that holds more is used."""
    return sorted(state.devices.levels, key=lambda level: level[1])


def in_store(state: State) -> tuple[NoteCount, ...]:
    """Return what the recycler last said it holds, () without one."""
    counts = Counter[int]()
    for channel, count in state.devices.levels:
        counts[state.settings.value_of(channel)] += count
    return _listed(counts)


def in_cassette(state: State) -> tuple[NoteCount, ...]:
    """Return what of the period is not in the recycler: notes that it held before are not of this period."""
    if not state.devices.levels:
        return ()
    counts = Counter({note.value_minor: note.count for note in state.books.period_notes})
    counts.update({note.value_minor: note.count for note in state.books.carried})
    counts.subtract({note.value_minor: note.count for note in in_store(state)})
    return _listed(counts)


def _listed(counts: Counter[int]) -> tuple[NoteCount, ...]:
    return tuple(NoteCount(value, counts[value]) for value in sorted(counts) if value and counts[value])


@lru_cache(maxsize=64)
def _ways(held: Stock, most_minor: int) -> dict[int, tuple[int, ...]]:
    """Return every sum up to `most_minor` that these notes can make, with the fewest notes, largest first."""
    ways: dict[int, tuple[int, ...]] = {0: ()}
    for value, count in reversed(held):
        for total, notes in list(ways.items()):
            for more in range(1, count + 1):
                reached, used = total + more * value, len(notes) + more
                if reached > most_minor or used > NOTES_MAX:
                    break
                if reached not in ways or len(ways[reached]) > used:
                    ways[reached] = notes + (value,) * more
    return ways


def _most(state: State) -> int:
    """Return a sum above all change that can be due: the last note is worth more than what is over."""
    return max(state.settings.denominations_minor, default=0)


def notes_for(state: State, over_minor: int) -> tuple[int, ...]:
    """Return the notes that give most of `over_minor` back; what they do not give is credited."""
    most_minor = min(over_minor, _most(state))
    if most_minor <= 0:
        return ()
    ways = _ways(stock(state), most_minor)
    return ways[max(ways)]


def offer_minor(state: State) -> int:
    """Return up to which sum change can surely be given: every sum to here, but for less than the smallest note."""
    held, most_minor = stock(state), _most(state)
    if not held:
        return 0
    ways, least = _ways(held, most_minor), held[0][0]
    sure_minor = 0
    while sure_minor + least in ways:
        sure_minor += least
    return sure_minor


def fits(state: State, over_minor: int, covering_over_minor: int) -> bool:
    """Can a note be taken that puts in `over_minor` too much? Its change is offered, and no more of it becomes credit
    than of the smallest note that covers what is left."""
    held = stock(state)
    if not held or over_minor >= offer_minor(state) + held[0][0]:
        return False
    return _credited(state, over_minor) <= _credited(state, covering_over_minor)


def _credited(state: State, over_minor: int) -> int:
    return over_minor - sum(notes_for(state, over_minor))


def due(state: State) -> tuple[int, ...]:
    """Return the notes that the open payment is to give back now. Who asked for credit instead gets none."""
    payment = state.books.payment
    if payment is None or payment.credit_up_to_minor or payment.change_tried:
        return ()
    over_minor = payment.in_minor - payment.agreed_minor
    cash_minor = sum(note.value_minor for note in payment.notes)
    return notes_for(state, min(over_minor, cash_minor))


def coming_minor(state: State) -> int:
    """Return how much is still to come back in notes."""
    payout = state.books.payout
    return payout.amount_minor - payout.paid_minor if payout is not None else sum(due(state))


def give(turn: Turn) -> bool:
    """Order the change of the payment that is being closed. False when there is none to give."""
    notes, payment = due(turn.state), turn.books.payment
    if payment is None or not notes or turn.scene.stopping or turn.scene.closing_reason not in _GIVEN:
        return False
    held = tuple(NoteCount(value, count) for value, count in stock(turn.state))
    turn.record(
        PayoutStarted(
            payout_id=turn.moment.ids[1],
            payment_id=payment.payment_id,
            amount_minor=sum(notes),
            currency=turn.settings.currency,
            notes=_listed(Counter(notes)),
            cassette_period=turn.books.period,
            held=held,
        )
    )
    turn.hear(payout=turn.books.payouts)
    turn.order(PayOut(turn.books.payouts, _channels(turn, notes)))
    turn.start("payout", turn.settings.timeouts.payout)
    return True


def _channels(turn: Turn, notes: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    of = {turn.settings.value_of(channel): channel for channel, _ in _fullest_last(turn.state)}
    return tuple(sorted((of[value], notes.count(value)) for value in set(notes)))
