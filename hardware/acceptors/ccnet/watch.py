"""From one state to the next: which events happened (sheet sections 7, 9, 10 and 11).

A device says one state at a time, and says a report again until it was acknowledged: the same report right after
itself is the same note, however long the line was away in between; after any other state it is a new one.
"""

from dataclasses import dataclass

from hardware.acceptors.ccnet.frames import Code, State, Status
from hardware.acceptors.contract import (
    Accepting,
    Event,
    Fault,
    FaultCleared,
    Idle,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    Paused,
    PoweredUp,
    Returning,
)

IDLE_POLLS = 3
POWER_UP_MS_MAX = 60_000  # slow models need 40 s (section 5)
REJECTING_MS_MAX = 60_000  # a note that is rejected for that long is stuck (section 10)

FRESH = frozenset({State.POWER_UP, State.POWER_UP_IN_VALIDATOR, State.POWER_UP_IN_STACKER})
STARTING = FRESH | {State.INITIALIZE}
RESTING = frozenset({State.IDLING, State.DISABLED})
HOLDS = frozenset({State.ESCROW, State.HOLDING})
REPORTS = frozenset({State.STACKED, State.RETURNED, State.REJECTING})
FAULTS = {
    State.CASSETTE_FULL: "cassette_full",
    State.CASSETTE_OUT: "cassette_removed",
    State.JAMMED: "jammed",
    State.CASSETTE_JAMMED: "jammed",
    State.FAILURE: "failure",
}
_PASSING = STARTING | REPORTS | {State.BUSY, State.PAUSE, State.CHEATED}  # say nothing about a fault


@dataclass
class Held:
    """The note in escrow. `channel` is told above, `type` is what the device says, 0 if it does not; `since_ms` is when
    the layer above was told, `decision` 0 or the command decided on."""

    escrow: int
    channel: int
    type: int
    since_ms: int
    decision: int = 0


class Watch:
    """Compare states. `channels` are the bill types that have a value here, as channels."""

    def __init__(self, channels: frozenset[int]) -> None:
        self._channels = channels
        self._reports = 0
        self._escrows = 0
        self._told: Status | None = None  # the report that was the last thing said, whoever heard it
        self._starting = False  # from power-up to the first state that is none of it
        self._powering_up = False  # from power-up until it has rested
        self._touched = False  # an escrowed, returned or rejected note was seen in this power-up
        self._given_back = False  # it started with a note in the validator, which goes back
        self._rested = False  # since the line was opened or the device started
        self._first = True  # nothing was heard since the line was opened
        self._idle_polls = 0
        self._since_ms = 0  # when the present state began
        self._starting_ms = 0
        self.state: Status | None = None
        self.faults: dict[str, str] = {}
        self.held: Held | None = None
        self.stacking: int | None = None  # channel of a note that is to be stacked and of which nothing is known yet
        self._strayed = False  # since then the device was ready for another note
        self._mistakable = False  # ... and then it started: what comes back may be that other note

    def lost(self) -> None:
        """Nothing is known of states any more. Faults stand until the device says otherwise."""
        self.state = self.held = self.stacking = None
        self._strayed = self._starting = self._rested = False
        self._first = True
        self._idle_polls = 0

    def count_idle_anew(self) -> None:
        """An Idle from here on means that no note can come any more, or is the first one of a connection."""
        self._idle_polls = 0

    def stack(self) -> None:
        """The note in escrow is to be stacked: from now on its report is awaited."""
        if self.held:
            self.stacking, self._strayed = self.held.type, False

    def rests(self) -> bool:
        return self.state is not None and (self.state.code in RESTING or self.state.code in FAULTS)

    def lasted_ms(self, now_ms: int) -> int:
        """Return how long the device has said what it says now."""
        return now_ms - self._since_ms

    @property
    def unreported(self) -> bool:
        """A note was to be stacked and the device rests without having said what became of it (section 9, rule 7)."""
        return self.stacking is not None and self._idle_polls >= IDLE_POLLS

    @property
    def powering_up(self) -> bool:
        return self._starting

    def observe(self, status: Status, now_ms: int, told: bool, wanted: bool) -> list[Event]:
        """Return what happened since the state before.

        `told`: the layer above knows the device; before that a note in escrow is ours to send back, and Idle waits.
        `wanted`: notes are wanted now; one that comes all the same has no value.
        """
        if self.state is None or status != self.state:
            self._since_ms = now_ms
        events = self._start(status, now_ms)
        events += self._report(status)
        events += self._escrow(status, now_ms, told, wanted)
        events += self._motion(status)
        self.state, self._first = status, False
        return events + self._fault_events(now_ms) + self._idling(status, told, wanted)

    # Power-up

    def _start(self, status: Status, now_ms: int) -> list[Event]:
        code, before = status.code, self.state.code if self.state else None
        begun = code in STARTING and not self._starting
        anew = code in FRESH and self._starting and before not in (code, State.BUSY)
        if code not in STARTING and code not in REPORTS and code not in (State.BUSY, State.RETURNING):
            self._starting = False
        if not (begun or anew):
            return []
        # A line that went in the middle of a power-up shows it once more: what was seen in it still counts.
        self._touched = self._touched and self._powering_up
        self._starting = self._powering_up = True
        self._starting_ms = now_ms
        self._mistakable = self._mistakable or (self.stacking is not None and self._strayed)
        self._given_back = code == State.POWER_UP_IN_VALIDATOR and not self._mistakable
        self._rested = self._strayed = False
        self._told = self.held = self.stacking = None
        return [PoweredUp()]

    # Reports

    def _report(self, status: Status) -> list[Event]:
        if status.code not in REPORTS:
            self._told = None
            return []
        again = self._told == status or (
            status.code == State.REJECTING and self._told is not None and self._told.code == status.code
        )
        self._told = status
        if again:
            return []
        if status.code == State.STACKED:
            return [self._stacked(status)]
        if status.code == State.RETURNED:
            return self._returned(status)
        return self._rejected()

    def _stacked(self, status: Status) -> Event:
        clean = not (self._powering_up and self._touched)
        self.held = self.stacking = None
        self._strayed = False
        return NoteStacked(self._next_report(), status.channel, self._powering_up, clean, self._first)

    def _returned(self, status: Status) -> list[Event]:
        """A return closes the note that was to be stacked, unless it may be another: then only people can tell."""
        self._given_back = False
        self._touched = True
        self.held = None
        other = self.stacking is not None and (self._strayed or self.stacking not in (0, status.channel))
        if other or self._mistakable:
            return []
        self.stacking = None
        return [NoteReturned(self._next_report(), self._powering_up)]

    def _rejected(self) -> list[Event]:
        """What is rejected while a note is stacked, or was before we were here, may be another note at the entry."""
        self._touched = True
        if self.stacking is not None or not self._rested:
            return []
        self.held = None
        return [NoteRejected(self._next_report(), self._powering_up)]

    def _next_report(self) -> int:
        self._reports += 1
        return self._reports

    # Escrow and motion

    def _escrow(self, status: Status, now_ms: int, told: bool, wanted: bool) -> list[Event]:
        if status.code not in HOLDS:
            if status.code not in (State.PAUSE, State.BUSY):  # these say nothing of the note inside
                self.held = None
            return []
        self._touched = True
        if not told:
            return []
        if self.held and (status.code == State.HOLDING or self.held.type in (0, status.channel)):
            return []
        # Another type without leaving escrow is another note: what was decided for the first is void.
        self._escrows += 1
        known = status.channel if wanted and status.channel in self._channels else 0
        self.held = Held(self._escrows, known, status.channel, now_ms)
        if self._strayed:  # not the note that was to be stacked: nobody above could tell the two apart
            self.held.decision = Code.RETURN
            return []
        return [NoteEscrowed(self._escrows, known)]

    def _motion(self, status: Status) -> list[Event]:
        if self.stacking is not None and status.code in RESTING | {State.ACCEPTING}:
            self._strayed = True
        self._rested = self._rested or status.code in RESTING
        begins: dict[int, Event] = {
            State.ACCEPTING: Accepting(),
            State.RETURNING: Returning(),
            State.PAUSE: Paused(),
            State.CHEATED: Fault("cheated"),
        }
        new = self.state is None or self.state.code != status.code
        return [begins[status.code]] if new and status.code in begins else []

    def _idling(self, status: Status, told: bool, wanted: bool) -> list[Event]:
        """Disabled, or ready for notes while they are wanted, three times in a row."""
        if status.code not in RESTING or (status.code == State.IDLING and not wanted and self.stacking is None):
            self._idle_polls = 0
            return []
        self._idle_polls += 1
        if self._idle_polls < IDLE_POLLS or self.stacking is not None:
            return []
        events: list[Event] = []
        if self._given_back:  # section 11: it had a note in the validator and has none any more
            self._given_back = False
            events.append(NoteReturned(self._next_report(), self._powering_up))
        self._powering_up = self._touched = self._mistakable = False
        return [*events, Idle()] if told and self._idle_polls == IDLE_POLLS else events

    # Faults

    def _fault_events(self, now_ms: int) -> list[Event]:
        conditions = self._conditions(now_ms)
        if conditions is None:
            return []
        cleared: list[Event] = [FaultCleared(code) for code in self.faults if code not in conditions]
        risen: list[Event] = [Fault(code, detail) for code, detail in conditions.items() if code not in self.faults]
        if conditions:
            self._given_back = False  # whatever is in the path, people may take it out
        self.faults = conditions
        return cleared + risen

    def _conditions(self, now_ms: int) -> dict[str, str] | None:
        """Return the faults that hold now, by code, with their detail; None if this state says nothing about them."""
        assert self.state is not None
        code, extra = self.state.code, self.state.extra
        if code in FAULTS:
            detail = "cassette" if code == State.CASSETTE_JAMMED else "" if extra is None else f"{extra:02X}"
            return {FAULTS[State(code)]: detail}
        if code == State.REJECTING and self.lasted_ms(now_ms) >= REJECTING_MS_MAX:
            return {"jammed": "rejecting does not end"}
        if self._starting and now_ms - self._starting_ms >= POWER_UP_MS_MAX:
            return {"out_of_service": "power-up does not end"}
        return None if code in _PASSING else {}
