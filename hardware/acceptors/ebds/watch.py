"""From one status to the next: which events happened (sheet sections 6, 9, 10 and 11).

Stacked, returned, rejected and cheated count on their edge, for devices repeat or hold them. Everything else is a
level, believed from the second good reply on.
"""

from dataclasses import dataclass, replace

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
from hardware.acceptors.ebds.frames import Status
from hardware.acceptors.ebds.profiles import Profile

IDLE_POLLS = 3
POWER_UP_MS_MAX = 30_000  # without a cassette an SC66 tries for 19 s (section 4)
POWER_UP_HELD_MS_MAX = 60_000  # ... with a note in escrow that waits for the host


@dataclass
class Held:
    """The note in escrow. `decision` is 0, STACK or RETURN; `since_ms` when the layer above was told."""

    escrow: int
    channel: int
    since_ms: int
    decision: int = 0


class Watch:
    """Compare statuses. `channels` are the note types that have a value here."""

    def __init__(self, channels: frozenset[int], profile: Profile) -> None:
        self._channels = channels
        self._one_state = profile.one_state
        self._self_tests = profile.self_tests
        self._reports = 0
        self._escrows = 0
        self._before = Status()
        self._state = Status()  # the last one whose levels were believed
        self._powering_up = False  # from the power-up bit to the next Idle
        self._touched = False  # an escrowed, returned or rejected note was seen in this power-up
        self._cassette_out = False  # ... since the last stacked or valued escrow
        self._power_up_since_ms: int | None = None
        self._idle_polls = 0
        self.faults: dict[str, str] = {}
        self.held: Held | None = None
        self._held_before = 0  # channel of the note that was in escrow when the line went

    def lost(self) -> None:
        """Nothing is known of states any more. Faults stand until the device says otherwise."""
        self._held_before = self.held.channel if self.held else 0
        self.held = None
        self._state = Status()
        self._idle_polls = 0
        self._before = replace(self._before, power_up=False)

    def count_idle_anew(self) -> None:
        """Notes are no longer wanted: an Idle from here on means that none can come any more."""
        self._idle_polls = 0

    def restarted(self, status: Status) -> bool:
        """Return whether this status is the first of a power-up."""
        return status.power_up and not self._before.power_up

    def observe(self, status: Status, now_ms: int, trusted: bool, enabled: bool, replay: bool) -> list[Event]:
        """Return what happened since the status before.

        `trusted`: the levels may be believed. `enabled`: notes are wanted now; one that comes all the same has no
        value. `replay`: an event in this status may have been reported to an earlier run of the host.
        """
        events: list[Event] = []
        if self.restarted(status):
            events.append(self._power_up())
        events += self._note_events(status, replay)
        if status.cheated and not self._before.cheated and not status.stacked:
            # Together with stacked some firmware means "nearly full" by it (section 6, Rules).
            events.append(Fault("cheated"))
        self._before = status
        if trusted and self._plausible(status):
            events += self._levels(status, now_ms, enabled)
            self._state = status
        return events

    def _power_up(self) -> Event:
        self._before = Status()
        # A line that went in the middle of a power-up shows it once more: what was seen in it still counts.
        self._powering_up, self._touched = True, self._powering_up and self._touched
        self.held, self._held_before = None, 0
        return PoweredUp()

    def _note_events(self, status: Status, replay: bool) -> list[Event]:
        before, events = self._before, list[Event]()
        returned = status.returned and not before.returned
        rejected = status.rejected and not before.rejected
        stacked = status.stacked and not (before.stacked and before.channel == status.channel)
        if returned:
            events.append(NoteReturned(self._next_report(), self._powering_up))
        if rejected:
            events.append(NoteRejected(self._next_report(), self._powering_up))
        self._touched = self._touched or returned or rejected
        if stacked and not status.returned:
            events.append(self._stacked(status, rejected, replay))
        return events

    def _stacked(self, status: Status, rejected: bool, replay: bool) -> Event:
        """Stacked and rejected exclude each other: both at once have no value and are for people to judge."""
        clean = not rejected and not self._cassette_out and not (self._powering_up and self._touched)
        self._cassette_out = False
        channel = 0 if rejected else status.channel
        test = self._self_tests and not status.channel
        return NoteStacked(self._next_report(), channel, self._powering_up, clean, replay, self_test=test)

    def _next_report(self) -> int:
        self._reports += 1
        return self._reports

    def _plausible(self, status: Status) -> bool:
        """A Pyramid sets one state; two of them are damage (section 6). None is out of service on every device."""
        return not self._one_state or status.state_count <= 1

    def _levels(self, status: Status, now_ms: int, enabled: bool) -> list[Event]:
        events = self._escrow(status, now_ms, enabled)
        if status.accepting and not self._state.accepting:
            events.append(Accepting())
        if status.returning and not self._state.returning:
            events.append(Returning())
        if status.paused and not self._state.paused:
            events.append(Paused())
        self._cassette_out = self._cassette_out or not status.cassette
        events += self._fault_events(self._conditions(status, now_ms))
        return events + self._idling(status)

    def _escrow(self, status: Status, now_ms: int, enabled: bool) -> list[Event]:
        if not status.escrowed:
            self.held, self._held_before = None, 0
            return []
        if self.held and self._state.channel == status.channel:
            return []
        # Another value without leaving escrow is another note: what was decided for the first is void.
        self._escrows += 1
        self._touched = True
        wanted = enabled or status.channel == self._held_before
        channel = status.channel if wanted and status.channel in self._channels else 0
        if channel:
            self._cassette_out = False
        self.held = Held(self._escrows, channel, now_ms)
        return [NoteEscrowed(self._escrows, channel)]

    def _idling(self, status: Status) -> list[Event]:
        if not _empty_path(status):
            self._idle_polls = 0
            return []
        self._idle_polls += 1
        if self._idle_polls != IDLE_POLLS:
            return []
        self._powering_up = self._touched = False
        return [Idle()]

    def _conditions(self, status: Status, now_ms: int) -> dict[str, str]:
        """Return the faults that hold now, by code, with their detail (section 11)."""
        holding = {
            "jammed": status.jammed,
            "cassette_full": status.full,
            "cassette_removed": not status.cassette,
            "failure": status.failure,
            "stalled": status.stalled,
            "transport_open": status.transport_open,
        }
        conditions = {code: "" for code, holds in holding.items() if holds}
        reason = self._out_of_service(status, now_ms, bool(conditions))
        return conditions | ({"out_of_service": reason} if reason else {})

    def _out_of_service(self, status: Status, now_ms: int, explained: bool) -> str:
        if not status.power_up:
            self._power_up_since_ms = None
        elif self._power_up_since_ms is None:
            self._power_up_since_ms = now_ms
        if status.power_up:
            limit_ms = POWER_UP_HELD_MS_MAX if status.escrowed else POWER_UP_MS_MAX
            waits = now_ms - (self._power_up_since_ms or now_ms) < limit_ms
            return "" if waits else "power-up does not end"
        for name in ("calibrating", "flash_ready", "disabled"):
            if getattr(status, name):
                return name.replace("_", " ")
        return "no state" if status.inactive and not explained else ""

    def _fault_events(self, conditions: dict[str, str]) -> list[Event]:
        cleared: list[Event] = [FaultCleared(code) for code in self.faults if code not in conditions]
        risen: list[Event] = [Fault(code, detail) for code, detail in conditions.items() if code not in self.faults]
        self.faults = conditions
        return cleared + risen


def _empty_path(status: Status) -> bool:
    busy = status.in_motion or status.escrowed or status.paused or status.jammed or status.power_up or status.failure
    leaving = status.stacked or status.returned or status.rejected
    return status.idling and not busy and not leaving
