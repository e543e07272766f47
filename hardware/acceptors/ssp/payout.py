"""Change from a recycler, one note after the other (sheet sections 12 and 13).

Each note is ordered by itself, after the one before it is durable: whatever happens, at most one note is in question,
and the amount that the device reports names it. The whole order is tried first with the test option.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from hardware.acceptors.contract import Cashbox, Event, Levels, NotePaidOut, PayOut, PayoutEnded, Refused
from hardware.acceptors.ssp.events import Code, Told
from hardware.acceptors.ssp.setup import Table
from hardware.acceptors.ssp.words import FOR_REAL, TEST_ONLY, Command, Reply, payout, read_levels

LEVELS_RETRY_MS = 2_000
BUSY_RETRY_MS = 500
BUSY_TRIES_MAX = 20
PAYOUT_MS_MAX = 120_000  # a note may wait in the bezel for the person
QUIET_POLLS = 5  # after a break: the device says nothing of a payout any more
BUSY = 3

REASONS = {
    0: "not enough notes",
    1: "not enough notes",
    2: "cannot pay exactly",
    4: "payout unit is disabled",
}
_ENDS = {
    Code.DISPENSED: "",
    Code.PAYOUT_JAMMED: "jammed",
    Code.PAYOUT_HALTED: "halted",
    Code.PAYOUT_TIMEOUT: "timed out",
    Code.INCOMPLETE_PAYOUT: "the power went",
}


@dataclass
class _Order:
    """`left` are the channels of the notes still to come; `stage`: test, pay, out (the first of them), or search."""

    payout: int
    left: list[int]
    stage: str = "test"
    paid: int = 0
    since_ms: int = 0
    quiet: int = 0
    tries: int = 0
    before: int = 0  # how many notes of the present channel were there
    sent: bool = False  # the command for the present note has left


class Payout:
    """`number()` gives the number of the next report; `channels` are those that the device may pay out."""

    def __init__(self, table: Table, number: Callable[[], int]) -> None:
        self._table = table
        self._channels = {value: channel for channel, value in table.items()}
        self._number = number
        self._order: _Order | None = None
        self._levels: dict[int, int] | None = None
        self._told: dict[int, int] | None = None
        self._levels_wanted = False
        self._next_ms = 0
        self._there = False  # the store
        self._emptied = False
        self._at_power_up_minor = 0  # told as paid out in this power-up

    @property
    def busy(self) -> bool:
        return self._order is not None

    def connected(self) -> None:
        """It has a payout store: ask for the levels, and tell them whatever they are."""
        self._there = True
        self._told = None
        self._levels_wanted = True

    def lost(self) -> None:
        """What was said last may not have arrived: it is never said again, the device is asked what became of it."""
        order = self._order
        if order is not None:
            if order.stage != "out" and not order.sent:
                order.before = 0  # the present note was not ordered, and after a break it never is
            order.stage, order.quiet = "search", 0

    def changed(self) -> None:
        """Notes went into the payout store or out of it."""
        self._levels_wanted, self._next_ms = self._there, 0

    def start(self, command: PayOut) -> None:
        """Take an order. Refused if one is under way or the levels do not hold it."""
        if self._order is not None:
            raise Refused("another payout is under way")
        if self._told is None:
            raise Refused("what can be paid out is not known")
        wanted = Counter({channel: count for channel, count in command.notes.items() if count})
        if not wanted or any(count < 0 for count in wanted.values()):
            raise Refused("nothing is to be paid out")
        short = [channel for channel, count in wanted.items() if count > self._told.get(channel, 0)]
        if short:
            raise Refused(f"channels {short} do not hold that many notes")
        largest_first = sorted(wanted.elements(), key=lambda channel: -self._table[channel][1])
        self._order = _Order(command.payout, largest_first)

    # Asking

    def ask(self, now_ms: int) -> bytes:
        """Return the command to say now, b"" if there is none."""
        order = self._order
        if now_ms >= self._next_ms:
            if order is not None and order.stage in ("test", "pay"):
                return self._pay(order, now_ms)
            if self._levels_wanted:
                return bytes([Command.GET_ALL_LEVELS])
        return b""

    def _pay(self, order: _Order, now_ms: int) -> bytes:
        order.since_ms = now_ms
        if order.stage == "test":
            return payout(dict(Counter(self._table[channel] for channel in order.left)), TEST_ONLY)
        order.before, order.sent = (self._levels or {}).get(order.left[0], 0), True
        return payout({self._table[order.left[0]]: 1}, FOR_REAL)

    def answered(self, asked: bytes, data: bytes, now_ms: int) -> list[Event]:
        """Take the reply to a command of `ask`."""
        if asked[0] == Command.GET_ALL_LEVELS:
            return self._counted(data, now_ms)
        order = self._order
        if asked[0] != Command.PAYOUT_BY_DENOMINATION or order is None:
            return []
        if data[0] == Reply.OK:
            order.stage = {"test": "pay", "pay": "out"}.get(order.stage, order.stage)
            order.tries, order.sent = 0, False
            return []
        error = data[1] if len(data) > 1 else -1
        if error == BUSY and order.tries < BUSY_TRIES_MAX:
            order.tries, order.sent = order.tries + 1, False
            self._next_ms = now_ms + BUSY_RETRY_MS
            return []
        return self._end("", REASONS.get(error, f"it answers {data.hex(' ').upper()}"))

    def _counted(self, data: bytes, now_ms: int) -> list[Event]:
        read = read_levels(data[1:]) if data[0] == Reply.OK else None
        if read is None:  # happens now and then; what was known stays (section 19)
            self._next_ms = now_ms + LEVELS_RETRY_MS
            return []
        self._levels_wanted = False
        before, self._levels = (
            self._levels,
            {self._channels[key]: n for key, n in read.items() if key in self._channels},
        )
        events: list[Event] = []
        if self._emptied and before is not None:
            gone = Counter(before) - Counter(self._levels)
            events += [Cashbox(self._number(), dict(gone))] if gone else []
        self._emptied = False
        events += self._found(self._order)
        if self._levels != self._told:
            self._told = dict(self._levels)
            events.append(Levels(dict(self._levels)))
        return events

    # Hearing

    def told(self, events: list[Told], now_ms: int, replay: bool) -> list[Event]:
        """Return what the events of a poll reply mean for payouts."""
        heard: list[Event] = []
        for event in events:
            heard += self._event(event, now_ms, replay)
        order = self._order
        if order is not None:
            moving = any(event.code in _MOVING for event in events)
            order.quiet = 0 if moving else order.quiet + 1
            if order.stage == "out" and moving:
                order.since_ms = now_ms
            if order.stage == "search" and order.quiet >= QUIET_POLLS:
                self._levels_wanted = True
            if order.stage == "out" and now_ms - order.since_ms >= PAYOUT_MS_MAX:
                order.stage, order.quiet = "search", 0
        return heard

    def _event(self, event: Told, now_ms: int, replay: bool) -> list[Event]:
        if event.code == Code.SLAVE_RESET:
            self._at_power_up_minor = 0
            self.lost()
        elif event.code in _ENDS:
            return self._over(event, _ENDS[Code(event.code)], now_ms, replay)
        elif event.code == Code.DISPENSED_AT_POWER_UP:
            self._at_power_up_minor += event.minor
            return self._over(event, "the power went", now_ms, replay)
        elif event.code in (Code.STORED, Code.TRANSFERRED_TO_STACKER, Code.PAID_INTO_STORE_AT_POWER_UP, Code.STACKED):
            self.changed()
        elif event.code in (Code.EMPTIED, Code.SMART_EMPTIED):
            self._emptied = True
            self.changed()
        return []

    def _over(self, event: Told, reason: str, now_ms: int, replay: bool) -> list[Event]:
        """A payout has ended, with what it paid: our note, or somebody else's order."""
        self.changed()
        paid = event.minor
        if event.code == Code.INCOMPLETE_PAYOUT:
            paid, self._at_power_up_minor = max(0, paid - self._at_power_up_minor), 0
            if self._order is None and not paid and event.minor:
                return []  # told before as dispensed at power-up
        order = self._order
        if order is None or order.stage not in ("out", "search"):
            return self._unordered(event, paid, reason, replay)
        channel = order.left[0]
        if paid and paid != self._table[channel][1]:
            return self._end("unknown", f"it paid {paid} for a note of {self._table[channel][1]}")
        events: list[Event] = []
        if paid:
            events.append(self._paid(order, replay))
        if reason or not paid:
            return events + self._end("", reason or "nothing came")
        if not order.left:
            return events + self._end("done", "")
        order.stage = "pay"
        return events

    def _paid(self, order: _Order, replay: bool) -> Event:
        channel = order.left.pop(0)
        order.paid += 1
        if self._levels is not None:
            self._levels[channel] = max(0, self._levels.get(channel, 0) - 1)
        return NotePaidOut(self._number(), order.payout, channel, replay)

    def _unordered(self, event: Told, paid: int, reason: str, replay: bool) -> list[Event]:
        """Ordered by an earlier run of the host, note by note as well, or by nobody."""
        channel = next((ch for ch, (_, value) in self._table.items() if value == paid and len(event.sums) == 1), 0)
        if not paid:
            return [PayoutEnded(self._number(), 0, "refused", reason, replay)]
        if not channel:
            return [PayoutEnded(self._number(), 0, "unknown", f"it paid {paid}", replay)]
        result = "partial" if reason else "done"
        return [
            NotePaidOut(self._number(), 0, channel, replay),
            PayoutEnded(self._number(), 0, result, reason, replay),
        ]

    def _found(self, order: _Order | None) -> list[Event]:
        """After a break the device says nothing of our note: if the store still holds it, it did not come out."""
        if order is None or order.stage != "search" or order.quiet < QUIET_POLLS:
            return []
        there = (self._levels or {}).get(order.left[0], 0)
        if there >= order.before:
            return self._end("", "the device forgot it")
        return self._end("unknown", f"a note of {self._table[order.left[0]][1]} left the store and was not told of")

    def _end(self, result: str, detail: str) -> list[Event]:
        order, self._order = self._order, None
        assert order is not None
        self.changed()
        if not result:
            result = "done" if not order.left else "partial" if order.paid else "refused"
        return [PayoutEnded(self._number(), order.payout, result, detail)]


_MOVING = frozenset({Code.DISPENSING, Code.HELD_IN_BEZEL, Code.INITIALISING, Code.JAM_RECOVERY})
