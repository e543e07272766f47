"""From one status to the next: what happened to the note (sheet sections 5, 7, 8 and 9).

Statuses are levels that last until something ends them, so every event is an edge between two of them. After escrow
the device never says a value again: what a VEND VALID is worth is what was held when STACK was sent, remembered here.
That is certain, because the device takes no other note until its VEND VALID is acknowledged. After a power cut it is
not: then the report is blank, and whoever keeps the journal decides.

What became of a note that showed no VEND VALID is said when the path is empty: three polls at rest in a row, one of
them proven to be no echo of the poll itself.
"""

from dataclasses import dataclass

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
from hardware.acceptors.id003.currency import channel_of
from hardware.acceptors.id003.frames import FAILURES, FAULTS, POWER_UPS, RESTING, TICKET, Status

IDLE_POLLS = 3
GAP_MS_MAX = 1_500  # not seen for longer, a note in escrow may be another one with the same code
POWER_UP_MS_MAX = 30_000

_HELD = frozenset({Status.ESCROW, Status.HOLDING})
_WORKS = frozenset({Status.IDLING, Status.DISABLED, Status.ACCEPTING, Status.ESCROW, Status.HOLDING, Status.STACKING})
_GOING_BACK = {Status.REJECTING: "rejected", Status.RETURNING: "returned"}
_STARTING = POWER_UPS | {Status.INITIALIZE}


@dataclass
class Held:
    """The note in escrow. `own` is its channel by the device's code, `channel` what was told: 0 for an unwanted one.

    `decision` is "", "stack" or "return"; `since_ms` when the layer above was told.
    """

    escrow: int
    channel: int
    own: int
    since_ms: int
    decision: str = ""


class Watch:
    """Compare statuses. `channels` have a value here; `stacking` is the one that an earlier process had sent STACK for.

    `path` is what is known of the note: "" nothing, "escrow" it was held, "stack" STACK was sent, "told" its VEND VALID
    was reported, "refused" its rejection was.
    """

    def __init__(self, channels: frozenset[int], stacking: int = 0) -> None:
        self._channels = channels
        self.stacking = stacking
        self.held: Held | None = None
        self.faults: dict[str, str] = {}
        self.path = "stack" if stacking else ""
        self.vend = 0  # number of the report of a VEND VALID that the device still shows
        self._reports = 0
        self._escrows = 0
        self._before: int | None = None
        self._seen_ms = 0
        self._watched = False  # the note was seen before its VEND VALID: that one is no repetition
        self._going = ""  # how the note is on its way back
        self._broken = False  # a fault or a power-up was seen since STACK was sent
        self._unsettled = False  # such a note has ended, and nothing said how
        self._second = False  # another note was pushed in after it: what a start finds in the acceptor may be that
        self._vend_report = 0  # the number under which the note was told
        self._powering_up = False  # from a power-up status to the next Idle
        self._touched = False  # an escrowed, returned or rejected note, or a fault, was seen in this power-up
        self._inside = ""  # what the power-up said of a note: "", "acceptor" or "stacker"
        self._repeats = False  # ... with the first status of all, so an earlier process may have heard it too
        self._idle_polls = 0
        self._proven = False
        self._start_since_ms: int | None = None

    # What the codec tells

    def lost(self) -> None:
        """The line went: a note in escrow is not ours to decide any more. What else was seen stays seen."""
        self.held = None
        if self.path == "escrow":
            self.path = ""
        self._before = None
        self.count_idle_anew()

    def count_idle_anew(self) -> None:
        """Notes are no longer wanted: an Idle from here on means that none can come any more."""
        self._idle_polls, self._proven = 0, False

    def stack_sent(self) -> None:
        """STACK goes out for the note in escrow: from here on a VEND VALID is worth that note."""
        if self.held:
            self.path, self.stacking, self._broken = "stack", self.held.own, False

    def notes_wanted(self) -> None:
        """The layer above offers itself for notes: no earlier one is open any more."""
        self._unsettled = False

    def proven(self) -> None:
        """An answer came that cannot be an echo. One from before the device came to rest proves nothing of it."""
        self._proven = self._proven or self._idle_polls > 0

    @property
    def wants_proof(self) -> bool:
        return self._before == Status.IDLING and self._idle_polls >= IDLE_POLLS - 1 and not self._proven

    @property
    def empty(self) -> bool:
        """Return whether the path was seen empty for long enough."""
        return self._idle_polls >= IDLE_POLLS and self._proven

    # Statuses

    def observe(
        self, status: int, data: bytes, now_ms: int, wanted: frozenset[int], first: bool, counts: bool = True
    ) -> list[Event]:
        """Return what happened since the status before.

        `wanted`: the channels that are taken now; another note that comes all the same has no value. `first`: nothing
        was heard before since this process began. `counts`: resting as it does now, the device takes nothing unasked.
        """
        events: list[Event] = []
        edge = status != self._before
        if status in POWER_UPS:
            events += self._power_up(status, first) if edge else []
        elif status == Status.ACCEPTING:
            events += [*self._new_note(), Accepting()] if edge else []
        elif status in _HELD:
            events += self._escrow(status, data, now_ms, wanted)
        elif status == Status.STACKING:
            self._leave_escrow()
            self._watched = True
        elif status == Status.VEND_VALID:
            events += self._vend_valid()
        elif status in _GOING_BACK:
            events += self._back(status) if edge else []
        elif status == Status.PAUSE:
            self._second = True
            events += [Paused()] if edge else []
        elif status == Status.CHEATED:
            events += self._cheated() if edge else []
        events += self._fault_events(status, data, now_ms)
        if status != Status.VEND_VALID:
            self.vend = 0
        self._before, self._seen_ms = status, now_ms
        return events + self._rest(status, counts)

    def _power_up(self, status: int, first: bool) -> list[Event]:
        """The device restarted, or tells once more that it did because the line went meanwhile."""
        self._touched = (self._powering_up and self._touched) or bool(self._going or self.faults)
        if self._inside == "stacker" and status != Status.POWER_UP_IN_STACKER:
            self._touched = True  # started twice, and what it said first was never finished before our eyes
        elif status != Status.POWER_UP:
            self._inside = "acceptor" if status == Status.POWER_UP_IN_ACCEPTOR else "stacker"
            self._repeats = first
        self._powering_up = True
        self._interrupted()
        self.stacking = 0
        return [PoweredUp()]

    def _interrupted(self) -> None:
        """What was seen of the note before proves nothing any more: it may be taken out by hand."""
        self.held, self._going, self._broken = None, "", True
        if self.path == "escrow":
            self.path = ""

    def _new_note(self) -> list[Event]:
        """A note is drawn in: the one before is out of the path."""
        self._touched = True
        events = self._settle()
        self.path, self.stacking = "", 0
        self._watched = True
        return events

    def _escrow(self, status: int, data: bytes, now_ms: int, wanted: frozenset[int]) -> list[Event]:
        code = data[0] if data and data[0] != TICKET else 0
        own = channel_of(code) if channel_of(code) in self._channels else 0
        if self.held and self._same(status, own, now_ms):
            return []
        # Another code, or a gap, is another note: what was decided for the first is void.
        events = self._new_note() if self._before != Status.ACCEPTING else []
        self._escrows += 1
        self.held = Held(self._escrows, own if own in wanted else 0, own, now_ms)
        self.path = "escrow"
        return [*events, NoteEscrowed(self._escrows, self.held.channel)]

    def _same(self, status: int, own: int, now_ms: int) -> bool:
        assert self.held is not None
        still = self._before in (*_HELD, Status.PAUSE) and now_ms - self._seen_ms <= GAP_MS_MAX
        return still and (status == Status.HOLDING or own == self.held.own)

    def _leave_escrow(self) -> None:
        """It is being stacked; should nobody have asked for that, it is still the note that was held."""
        if self.held:
            self.path, self.stacking = "stack", self.held.own
            self.held = None

    def _vend_valid(self) -> list[Event]:
        """The note is in the cassette. The device says so until it is acknowledged, and may again after a start."""
        self._leave_escrow()
        if self.path == "told":
            self.vend = self._vend_report
            return []
        known = not (self._powering_up or self._going)
        clean = not self._going and not (self._powering_up and self._touched)
        replay = not self._watched if known else self._repeats
        report = self._stacked(self.stacking if known else 0, clean, replay)
        self.vend = report.report
        return [report]

    def _stacked(self, channel: int, clean: bool, replay: bool) -> NoteStacked:
        self.path = "told"
        self._going = self._inside = ""
        self._unsettled = False
        self._vend_report = self._next_report()
        return NoteStacked(self._vend_report, channel, self._powering_up, clean, replay)

    def _back(self, status: int) -> list[Event]:
        """It comes back. One refused at the entry is told at once: its owner is to see why."""
        at_entry = not (self.path or self._powering_up or self._before is None)
        self.held = None
        self._touched = True
        if self._going or self.path == "refused":
            return []
        if at_entry:
            self.path = "refused"
            return [Returning(), *self._returned("rejected")]
        self._going = _GOING_BACK[Status(status)]
        return [Returning()]

    def _returned(self, how: str) -> list[Event]:
        """Nothing is said while an earlier note is unsettled: it would pass for that one."""
        if self._unsettled:
            return []
        kind = NoteReturned if how == "returned" else NoteRejected
        return [kind(self._next_report(), self._powering_up)]

    def _cheated(self) -> list[Event]:
        """A note on a string: whatever the device says of it later has no value."""
        self._interrupted()
        self.stacking = 0
        self._touched = True
        return [Fault("cheated")]

    def _next_report(self) -> int:
        self._reports += 1
        return self._reports

    # At rest

    def _rest(self, status: int, counts: bool) -> list[Event]:
        if status not in RESTING or not counts:
            self.count_idle_anew()
            return []
        before = self.empty
        self._idle_polls += 1
        self._proven = self._proven or status == Status.DISABLED
        if before or not self.empty:
            return []
        events = self._settle()
        self.stacking = 0
        self._powering_up = self._touched = self._second = False
        return [*events, Idle()]

    def _settle(self) -> list[Event]:
        """The path is empty: say what became of the note, as far as the device has said it."""
        events = self._fate()
        if self.path != "told":
            self.path = ""
        self._going = self._inside = ""
        self.held = None
        return events

    def _fate(self) -> list[Event]:
        if self.path in ("told", "refused"):
            return []
        if self._inside == "stacker" and not self._going:
            return [self._stacked(0, not self._touched, self._repeats)]
        if self._going:
            # Said to be in the stacker and then given back: whose note that was is for people to judge.
            return self._returned("rejected" if self._inside == "stacker" else self._going)
        if self.path == "escrow" or (self._inside == "acceptor" and not (self._touched or self._second)):
            return self._returned("returned")
        self._unsettled = self._unsettled or (self.path == "stack" and self._broken)
        return []

    # Faults

    def _fault_events(self, status: int, data: bytes, now_ms: int) -> list[Event]:
        faults = dict(self.faults)
        found = FAULTS.get(status)  # type: ignore[call-overload]
        if found:
            code, detail = found
            faults.setdefault(code, detail or (_failure(data) if code == "failure" else ""))
            if code in ("cassette_full", "jammed"):
                faults.pop("cassette_removed", None)
            self._troubled(status)
        elif status in _WORKS:
            faults.clear()
        if status not in _STARTING:
            self._start_since_ms = None
        elif self._start_since_ms is None:
            self._start_since_ms = now_ms
        elif now_ms - self._start_since_ms >= POWER_UP_MS_MAX:
            faults.setdefault("out_of_service", "it does not finish its start")
        cleared: list[Event] = [FaultCleared(code) for code in self.faults if code not in faults]
        risen: list[Event] = [Fault(code, detail) for code, detail in faults.items() if code not in self.faults]
        self.faults = faults
        return cleared + risen

    def _troubled(self, status: int) -> None:
        """Nothing goes on until somebody has seen to it."""
        if status != self._before:
            self._interrupted()
            self._touched = True


def _failure(data: bytes) -> str:
    return f"{data[0]:02X} {FAILURES.get(data[0], 'unknown')}" if data else ""
