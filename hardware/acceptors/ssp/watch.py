"""From one poll reply to the next: which events happened (sheet sections 9 to 12).

A poll reply tells each event once, and states as long as they last: a state not told in three replies in a row is
over. Whatever moved a note decides whether the path can be called empty.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hardware.acceptors.contract import (
    Accepting,
    Cashbox,
    Event,
    Fault,
    FaultCleared,
    Idle,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    PoweredUp,
    Returning,
)
from hardware.acceptors.ssp.events import Code, Told
from hardware.acceptors.ssp.setup import Table

STACK, RETURN = 1, 2
QUIET_POLLS = 3  # for Idle, and for a state that is not told any more
UNTIL_CLEARED = 1 << 62
MOTION_MS_MAX = 15_000  # a motion that is told no end of, and goes on no longer
CHANNELS_MAX = 16


@dataclass
class Held:
    """The note in escrow. `decision` is 0, STACK or RETURN; `since_ms` when the layer above was told."""

    escrow: int
    channel: int
    raw: int  # the channel as the device said it, 0 if only that a note is there
    since_ms: int
    decision: int = 0
    unsure: bool = False  # REJECT was not possible: HOLD says whether it is still there


class Watch:
    """`number()` gives the number of the next report; `stored` are the channels routed to the payout store."""

    def __init__(self, table: Table, stored: frozenset[int], number: Callable[[], int]) -> None:
        self._table = table
        self._stored = stored
        self._number = number
        self._escrows = 0
        self._escrowed = False  # since the last note's end a note was in escrow, and nobody had it stacked
        self._credited: int | None = None  # channel of the note that was reported and is not at rest yet
        self._recycled = False  # ... and was said to go to the payout store
        self._sent_back = False  # Returning was told, and not yet the end of it
        self._powering_up = False  # from the reset to the next Idle
        self._touched = False  # an escrowed, returned or rejected note was seen in this power-up
        self._cassette_in_doubt = False  # the device started since it said that the cassette was taken
        self._moving_since_ms: int | None = None
        self._quiet = 0
        self._later: list[Told] = []  # events of the same reply that are not looked at yet
        self._unseen: dict[str, tuple[int, int]] = {}  # fault to replies without it, and how many it outlasts
        self.disabled = False  # in the last reply
        self.faults: dict[str, str] = {}
        self.held: Held | None = None

    # What the codec tells

    def lost(self) -> None:
        """Nothing is known of the path any more. Faults stand until the device says otherwise."""
        self.held, self._escrowed = None, False
        self._moving_since_ms = None
        self._quiet = 0

    @property
    def moving(self) -> bool:
        """Whether a note may be in the path."""
        return self.held is not None or self._moving_since_ms is not None

    @property
    def quiet(self) -> bool:
        """Whether nothing moves, and the last replies told of nothing."""
        return not self.moving and self._quiet >= QUIET_POLLS

    def another_device(self) -> None:
        """What was on its way in the device before is not in this one."""
        self._credited = None

    def count_idle_anew(self) -> None:
        """Notes are no longer wanted: an Idle from here on means that none can come any more."""
        self._quiet = 0

    def found(self, now_ms: int) -> Event:
        """HOLD says that a note is in escrow; which one only a POLL would tell, and that would stack it."""
        return self._escrow(0, 0, now_ms)

    def accepted(self) -> None:
        """The POLL that stacks the note leaves now."""
        self._escrowed = False

    def gone(self) -> None:
        """The device says that no note is in escrow any more; what became of it the next polls tell."""
        self.held = None

    def fault(self, code: str, detail: str, polls: int = QUIET_POLLS) -> list[Event]:
        """Return the fault if it is new; it stands until so many replies do not show it any more, or `clear`."""
        self._unseen[code] = (0, polls)
        if code in self.faults:
            return []
        self.faults[code] = detail
        return [Fault(code, detail)]

    def clear(self, code: str) -> list[Event]:
        self._unseen.pop(code, None)
        return [FaultCleared(code)] if self.faults.pop(code, None) is not None else []

    # A poll reply

    def late(self, told: list[Told], now_ms: int, replay: bool) -> list[Event]:
        """Return what a reply of some time ago says of notes that ended. What it says of states is over.

        `replay`: it may have been reported to an earlier run of the host, which heard of a restart too.
        """
        over = [event for event in told if event.code in (_ENDS if replay else _ENDS | {Code.SLAVE_RESET})]
        return self._happened(over, now_ms, frozenset(), replay)

    def observe(self, told: list[Told], problem: str, now_ms: int, wanted: frozenset[int], replay: bool) -> list[Event]:
        """Return what happened since the reply before.

        `wanted`: channels that are enabled; another note has no value. `replay`: an event may have been reported to
        an earlier run of the host.
        """
        events = self._happened(told, now_ms, wanted, replay)
        if problem:
            events += self.fault("failure", problem)
        self.disabled = any(event.code == Code.DISABLED for event in told)
        if self.held and self.held.decision == STACK and not any(event.code == Code.READ for event in told):
            self.held = None  # the poll that accepts it was answered
        events += self._states(told, bool(problem))
        return events + self._idling(bool(problem) or any(event.code in _BUSY for event in told), now_ms)

    def _happened(self, told: list[Told], now_ms: int, wanted: frozenset[int], replay: bool) -> list[Event]:
        events: list[Event] = []
        for at, event in enumerate(told):
            self._later = told[at + 1 :]
            events += self._event(event, now_ms, wanted, replay)
        return events

    def _event(self, event: Told, now_ms: int, wanted: frozenset[int], replay: bool) -> list[Event]:
        match event.code:
            case Code.SLAVE_RESET:
                return self._power_up()
            case Code.READ:
                return self._read(event.channel, now_ms, wanted)
            case Code.STACKING:
                self._move(now_ms)
                self.held, self._escrowed = None, False
            case Code.CREDIT:
                return [self._credit(event.channel, replay, now_ms)]
            case Code.STACKED | Code.STORED:
                return self._at_rest(event.code == Code.STACKED)
            case Code.REJECTING:
                return self._rejecting(now_ms)
            case Code.REJECTED:
                return [self._rejected()]
            case Code.CLEARED_FROM_FRONT:
                return self._from_front()
            case Code.CLEARED_INTO_CASHBOX:
                return self._into_device(event.channel, False, replay)
            case Code.PAID_INTO_STACKER_AT_POWER_UP | Code.PAID_INTO_STORE_AT_POWER_UP:
                recycled = event.code == Code.PAID_INTO_STORE_AT_POWER_UP
                return self._into_device(self.channel_of(event.sums), recycled, replay)
            case Code.TRANSFERRED_TO_STACKER:
                channel = self.channel_of(event.sums)
                return [Cashbox(self._number(), {channel: 1})] if channel else []
            case Code.FRAUD_ATTEMPT:
                return [Fault("cheated", f"channel {event.channel}" if event.channel else "")]
            case Code.CASHBOX_REMOVED:
                self._cassette_in_doubt = False
                return self.fault("cassette_removed", "", UNTIL_CLEARED)
            case Code.CASHBOX_REPLACED:
                return self.clear("cassette_removed")
        return []

    def channel_of(self, sums: tuple[tuple[str, int], ...]) -> int:
        """Return the channel of one note of this value, 0 if there is none."""
        for channel, (currency, value_minor) in self._table.items():
            if len(sums) == 1 and sums[0][1] == value_minor and sums[0][0] in ("", currency):
                return channel
        return 0

    # The path of a note

    def _power_up(self) -> list[Event]:
        self._powering_up, self._touched = True, self._powering_up and self._touched
        self._cassette_in_doubt = True
        self.held, self._escrowed = None, False
        self._moving_since_ms, self._quiet = None, 0
        return [PoweredUp()]

    def _read(self, channel: int, now_ms: int, wanted: frozenset[int]) -> list[Event]:
        approaching: list[Event] = [] if self._moving_since_ms is not None else [Accepting()]
        self._move(now_ms)
        if not channel:
            return approaching
        if self.held is not None and self.held.raw == channel:
            return []
        # Another value without leaving escrow is another note: what was decided for the first is void.
        self._credited = None
        alarm: list[Event] = []
        if channel > CHANNELS_MAX:
            alarm = self.fault("failure", f"impossible channel {channel}")
        known = channel in wanted and channel in self._table
        return approaching + alarm + [self._escrow(channel if known else 0, channel, now_ms)]

    def _escrow(self, channel: int, raw: int, now_ms: int) -> Event:
        self._escrows += 1
        self._touched = self._escrowed = True
        self._move(now_ms)
        self.held = Held(self._escrows, channel, raw, now_ms)
        return NoteEscrowed(self._escrows, channel)

    def _credit(self, channel: int, replay: bool, now_ms: int) -> Event:
        """The only word that pays in: the note cannot come back any more."""
        self.held, self._escrowed = None, False
        self._credited = channel
        self._move(now_ms)
        # A credit always names its note: one that does not is for people to judge.
        clean = bool(channel) and not (self._powering_up and self._touched)
        recycled = channel in self._stored and not any(event.code == Code.STACKED for event in self._later)
        self._recycled = recycled
        return NoteStacked(self._number(), channel, self._powering_up, clean, replay, recycled)

    def _at_rest(self, in_cassette: bool) -> list[Event]:
        """The credited note has arrived, maybe not where it was routed to."""
        self._moving_since_ms = None
        channel, self._credited = self._credited, None
        diverted, self._recycled = in_cassette and self._recycled, False
        return [Cashbox(self._number(), {channel: 1})] if diverted and channel else []

    def _rejecting(self, now_ms: int) -> list[Event]:
        self._move(now_ms)
        self.held = None
        first, self._sent_back = not self._sent_back, True
        return [Returning()] if first else []

    def _rejected(self) -> Event:
        """A note that was in escrow is returned; one that never was, or that the stacker refused, is rejected."""
        returned = self._escrowed
        self.held, self._escrowed, self._sent_back = None, False, False
        self._moving_since_ms = None
        self._touched = True
        kind = NoteReturned if returned else NoteRejected
        return kind(self._number(), self._powering_up)

    def _from_front(self) -> list[Event]:
        """At power-up the note in the path went back to the customer."""
        self._touched = True
        credited, self._credited = self._credited, None
        events: list[Event] = [NoteReturned(self._number(), True)]
        if credited is not None:
            events.append(Fault("cheated", f"a note of channel {credited} left at power-up after its credit"))
        return events

    def _into_device(self, channel: int, recycled: bool, replay: bool) -> list[Event]:
        """At power-up a note in the path was taken in. One whose credit was told is the same note (section 12)."""
        credited = self._credited
        if credited is not None and channel in (0, credited):
            return self._at_rest(not recycled)
        clean = not self._touched
        return [NoteStacked(self._number(), channel, True, clean, replay, recycled)]

    def _move(self, now_ms: int) -> None:
        self._moving_since_ms = now_ms

    # States

    def _states(self, told: list[Told], unreadable: bool) -> list[Event]:
        events: list[Event] = []
        for event in told:
            if event.code in _STANDING:
                events += self.fault(*_STANDING[event.code])
        seen = {_STANDING[event.code][0] for event in told if event.code in _STANDING}
        if unreadable or any(event.code == Code.READ and event.channel > CHANNELS_MAX for event in told):
            seen.add("failure")
        for code in [code for code in self.faults if code not in seen]:
            count, polls = self._unseen[code]
            self._unseen[code] = (count + 1, polls)
            if count + 1 >= polls:
                events += self.clear(code)
        return events

    def _idling(self, busy: bool, now_ms: int) -> list[Event]:
        moving = self._moving_since_ms is not None and now_ms - self._moving_since_ms < MOTION_MS_MAX
        if busy or moving or self.held is not None or "jammed" in self.faults:
            self._quiet = 0
            return []
        self._quiet += 1
        if self._quiet != QUIET_POLLS:
            return []
        self._powering_up = self._touched = self._escrowed = self._sent_back = False
        self._credited, self._moving_since_ms = None, None
        events: list[Event] = []
        if self._cassette_in_doubt:  # a device without its cassette says so when it starts
            self._cassette_in_doubt = False
            events += self.clear("cassette_removed")
        return [*events, Idle()]


_BUSY = frozenset(
    {
        Code.SLAVE_RESET,
        Code.READ,
        Code.STACKING,
        Code.CREDIT,
        Code.STACKED,
        Code.STORED,
        Code.REJECTING,
        Code.REJECTED,
        Code.CLEARED_FROM_FRONT,
        Code.CLEARED_INTO_CASHBOX,
        Code.PAID_INTO_STACKER_AT_POWER_UP,
        Code.PAID_INTO_STORE_AT_POWER_UP,
        Code.INITIALISING,
        Code.SAFE_JAM,
        Code.UNSAFE_JAM,
        Code.JAM_RECOVERY,
        Code.DISPENSING,
        Code.DISPENSED,
        Code.HELD_IN_BEZEL,
    }
)
# What happened to a note, for good.
_ENDS = frozenset(
    {
        Code.CREDIT,
        Code.STACKED,
        Code.STORED,
        Code.REJECTED,
        Code.CLEARED_FROM_FRONT,
        Code.CLEARED_INTO_CASHBOX,
        Code.PAID_INTO_STACKER_AT_POWER_UP,
        Code.PAID_INTO_STORE_AT_POWER_UP,
        Code.CASHBOX_REMOVED,
        Code.CASHBOX_REPLACED,
    }
)
_STANDING: dict[int, tuple[str, str]] = {
    Code.UNSAFE_JAM: ("jammed", "unsafe: the note may be reachable from outside"),
    Code.SAFE_JAM: ("jammed", "safe"),
    Code.STACKER_FULL: ("cassette_full", ""),
    Code.PATH_OPEN: ("transport_open", ""),
    Code.PAYOUT_OUT_OF_SERVICE: ("out_of_service", "payout unit"),
    Code.FLOAT_REMOVED: ("out_of_service", "the note float is off"),
}
