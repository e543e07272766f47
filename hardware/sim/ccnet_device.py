"""The twin of a bill validator that speaks CCNET: what it does with notes, not how it says so.

Driven by `step(dt_ms)`; it owns no clock and no thread. Written from the protocol sheet alone (sections 5 to 11) and
from nothing of the host's code.
"""

from collections import Counter, deque
from collections.abc import Callable

from hardware.sim.ccnet_parts import (
    CODES,
    IDENTIFICATION,
    INHIBITED,
    INSERTION,
    STACKING_MOTOR,
    Report,
    Settings,
)
from hardware.sim.control import Refused
from hardware.sim.notes import MOMENTS, Body, Place

INSIDE = (Place.ACCEPTING, Place.ESCROW, Place.STACKING, Place.RETURNING)
ACTS = ("power_cut", "jam", "full", "reject")


class Validator:
    """The behaviour. `poll` says what it is, `acknowledge` that the host has heard it."""

    def __init__(self, settings: Settings | None = None, body: Body | None = None) -> None:
        self.settings = settings or Settings()
        self.body = body or Body()
        self.powered = False
        self.held = False  # frozen in its present state
        self.armed: dict[str, str] = {}  # moment to what happens then
        self.restarts = 0
        self._types = {value: place - 1 for place, value in self.settings.table.items()}
        self._reset_volatile()

    def _reset_volatile(self) -> None:
        self._owed_ms = 0.0  # less than one millisecond of movement
        self._plan: deque[tuple[int, Callable[[], None]]] = deque()
        self._reports: deque[Report] = deque()  # what is to be said before anything else
        self._told = False  # the first of them was said
        self._phase = ""  # waiting, busy or initialize, between power-up and rest
        self._woken_in: Place = Place.NOWHERE  # where the power cut found a note
        self.enabled_types = self.escrow_types = 0
        self.security_types = 0
        self._drawn_in_with = 0, 0  # the masks when the note was taken
        self._escrow_ms = 0
        self._escrow_told = self._holding = False
        self._failure = self._cheated = False
        self._paused_left_ms = self._silent_ms = 0

    # Power

    def power_on(self) -> None:
        if self.powered:
            raise Refused("it is on")
        self._reset_volatile()
        self.powered = True
        self.restarts += 1
        if self.body.place is Place.STACKED_UNTOLD and not (self.settings.latch and self.settings.remembers):
            self.body.place = Place.NOWHERE  # its report is lost for good
        self._woken_in = Place.NOWHERE if self.body.jammed else self.body.place
        self._phase = "waiting"
        if not self.settings.waits_for_reset:
            self._then(self.settings.initialize_ms, self.reset)

    def power_cut(self) -> None:
        self.powered = False
        self._plan.clear()

    def reset(self) -> None:
        """The host's RESET. What was not told of a note that is in the cassette is forgotten, except after power-up."""
        waking = bool(self._phase)
        self._plan.clear()
        self._reports.clear()
        self._told = self._holding = self._cheated = self._failure = False
        self.enabled_types = self.escrow_types = 0
        if self.body.place is Place.STACKED_UNTOLD and not waking:
            self.body.place = Place.NOWHERE
        if self.body.jammed and self.settings.jam_yields:
            self.body.jammed = False
        self._phase = "busy" if self.settings.busy_ms else "initialize"
        if self.settings.busy_ms:
            self._then(self.settings.busy_ms, self._begin_initialize)
        self._then(self.settings.initialize_ms, self._see_to_the_note)

    def _begin_initialize(self) -> None:
        self._phase = "initialize"

    def _see_to_the_note(self) -> None:
        """At the end of the initialisation: what is too far goes in, the rest comes back (section 7)."""
        place = self.body.place
        if self.body.jammed or place is Place.NOWHERE:
            self._rest()
        elif place is Place.STACKING and self.body.cassette:
            self._reach_cassette()
            self._rest()
        elif place is Place.STACKED_UNTOLD:
            self._report("stacked", self._type())
            self._rest()
        else:
            self.body.place = Place.RETURNING
            self._then(self.settings.return_ms, lambda: self._given_back(place))

    def _given_back(self, place: Place) -> None:
        if not self.settings.told_on_start:
            self._hand_back()
        elif place is Place.ACCEPTING:
            self._reject(INSERTION)
        else:
            self._finish_return()
        self._rest()

    def _rest(self) -> None:
        self._phase = ""
        self._woken_in = Place.NOWHERE

    # Time

    def step(self, dt_ms: int) -> None:
        """Let `dt_ms` pass."""
        if not self.powered:
            return
        self._forget_what_was_fired()
        if self.body.place is Place.ESCROW and self._escrow_told:
            self._moment("escrow")  # the host has seen it and not yet answered
        self._paused_left_ms = max(0, self._paused_left_ms - dt_ms)
        self._silent_ms += dt_ms
        if self.settings.silence_ms and self._silent_ms > self.settings.silence_ms:
            self.enabled_types = self.escrow_types = 0
        if not self.held and (self._phase or not self.body.jammed):
            moved_ms = dt_ms * self.settings.speed + self._owed_ms
            self._owed_ms = moved_ms % 1
            self._advance(int(moved_ms))
        self._watch_escrow(dt_ms)

    def _forget_what_was_fired(self) -> None:
        if self._told and not self.settings.latch:
            self._said()

    def _advance(self, dt_ms: int) -> None:
        while self._plan and self.powered:
            left_ms, act = self._plan.popleft()
            if left_ms > dt_ms:
                self._plan.appendleft((left_ms - dt_ms, act))
                return
            dt_ms -= left_ms
            act()

    def _watch_escrow(self, dt_ms: int) -> None:
        if self.body.place is Place.ESCROW and self.powered and not self._phase and not self.body.jammed:
            self._escrow_ms += dt_ms
            if self._escrow_ms >= self.settings.escrow_ms:
                self._start_return()

    def _then(self, delay_ms: int, act: Callable[[], None]) -> None:
        self._plan.append((delay_ms, act))

    # The host

    def poll(self) -> Report:
        """Return what it says now. A report is said again until `acknowledge`, or only once."""
        self._silent_ms = 0
        if self._reports:
            self._told = True
            return self._reports[0]
        report = self._state()
        self._escrow_told = report.name in ("escrowed", "holding")
        return report

    def acknowledge(self) -> None:
        """The host has heard the last reply."""
        if self._told:
            self._said()

    def _said(self) -> None:
        self._told = False
        report = self._reports.popleft()
        if report.name == "stacked" and self.body.place is Place.STACKED_UNTOLD:
            self.body.place = Place.NOWHERE

    def enable(self, types: int, escrow: int) -> bool:
        """Take the two masks; return False if it refuses them before its first RESET."""
        if self._phase == "waiting" and self.settings.refuses_before_reset:
            return False
        if not self._phase:
            self.enabled_types, self.escrow_types = types, escrow
        return True

    @property
    def in_escrow(self) -> bool:
        return self.body.place is Place.ESCROW and not self._phase and not self.body.jammed

    def stack(self) -> None:
        """In escrow only."""
        self._start_stack()

    def give_back(self) -> None:
        """In escrow only."""
        self._start_return()

    def hold(self) -> None:
        """In escrow only: ten more seconds."""
        self._escrow_ms = 0
        self._holding = self.settings.shows_holding

    @property
    def answers_questions(self) -> bool:
        """IDENTIFICATION and GET BILL TABLE are legal now (section 6)."""
        name = self._state().name
        return name in ("power_up", "initialize", "disabled") or 0x41 <= CODES[name] <= 0x47

    def _state(self) -> Report:
        if self._phase == "waiting":
            inside = {Place.NOWHERE: "power_up", Place.STACKING: "power_up_in_stacker"}
            inside[Place.STACKED_UNTOLD] = "power_up_in_stacker"
            return Report(inside.get(self._woken_in, "power_up_in_validator"))
        if self._phase == "busy":
            return Report("busy", -(-self.settings.busy_ms // 100) & 0xFF)
        if self._phase == "initialize" and self.body.place is not Place.RETURNING:
            return Report("initialize")
        if self.body.jammed:
            return Report("jammed")
        if self._paused_left_ms:
            return Report("paused")
        return self._motion() or self._trouble() or Report("idling" if self.enabled_types else "disabled")

    def _motion(self) -> Report | None:
        match self.body.place:
            case Place.ACCEPTING:
                return Report("accepting")
            case Place.ESCROW:
                return Report("holding") if self._holding else Report("escrowed", self._type())
            case Place.STACKING:
                return Report("stacking")
            case Place.RETURNING:
                return Report("returning")
        return None

    def _trouble(self) -> Report | None:
        if self._failure:
            return Report("failure", STACKING_MOTOR)
        if self._cheated:
            return Report("cheated")
        if not self.body.cassette:
            return Report("cassette_out")
        return Report("full") if self.body.full else None

    def _type(self) -> int:
        return self._types.get(self.body.value_minor, 0)

    # A note on its way

    def insert(self, value_minor: int) -> None:
        """A customer offers a note; 0 or a value outside the table is one that cannot be read. Refused if not taken."""
        if not self.powered or self._phase or self.body.jammed or self._trouble() or not self.enabled_types:
            raise Refused(f"it takes no notes now: {self.state()}")
        if self.body.place is not Place.NOWHERE or self._plan or self._reports:
            self._paused_left_ms = self.settings.pause_ms
            raise Refused("another note is being processed")
        self.body.place, self.body.value_minor = Place.ACCEPTING, value_minor
        self._drawn_in_with = self.enabled_types, self.escrow_types
        self._then(self.settings.draw_in_ms, self._judge)
        self._moment("accepting")

    def _judge(self) -> None:
        if self.body.value_minor not in self._types:
            self._reject(IDENTIFICATION)
            return
        bit = 1 << self._type()
        # A mask that came meanwhile and has no type at all does not stop a note that was drawn in under the old one.
        types, escrow = (self.enabled_types, self.escrow_types) if self.enabled_types else self._drawn_in_with
        if not types & bit:
            self._reject(INHIBITED)
        elif not escrow & bit:
            self._start_stack()
        else:
            self.body.place = Place.ESCROW
            self._escrow_ms, self._escrow_told, self._holding = 0, False, False

    def _start_stack(self) -> None:
        self.body.place = Place.STACKING
        self._then(self.settings.stack_ms, self._reach_cassette)
        self._moment("stacking")

    def _reach_cassette(self) -> None:
        self.body.notes[self.body.value_minor] += 1
        self.body.place = Place.STACKED_UNTOLD
        self._moment("before_stacked")
        if self.powered:
            self._report("stacked", self._type())

    def _start_return(self) -> None:
        self.body.place = Place.RETURNING
        self._then(self.settings.return_ms, self._finish_return)
        self._moment("returning")

    def _finish_return(self) -> None:
        self._hand_back()
        self._report("returned", self._type())

    def _reject(self, reason: int) -> None:
        self._hand_back()
        self._report("rejected", reason)
        self._then(self.settings.reject_ms, lambda: None)

    def _hand_back(self) -> None:
        if self.body.place in INSIDE:
            self.body.place = Place.NOWHERE
            self.body.returned += 1

    def _report(self, name: str, extra: int | None = None) -> None:
        self._reports.append(Report(name, extra))

    # Mischief and service

    def arm(self, act: str, when: str) -> None:
        """Let `act` (power_cut, jam, full or reject) happen by itself at the moment `when`."""
        if act not in ACTS or when not in MOMENTS:
            raise Refused(f"cannot arm {act!r} at {when!r}; moments: {', '.join(MOMENTS)}")
        self.armed[when] = act

    def _moment(self, name: str) -> None:
        act = self.armed.pop(name, "")
        if act == "power_cut":
            self.power_cut()
        elif act == "jam":
            self.jam()
        elif act == "full":
            self.body.full = True
            self._refuse()
        elif act == "reject":
            self._refuse()

    def _refuse(self) -> None:
        """Send the note back: at once from the entry, through the whole path from the stacker."""
        if self.body.place is Place.ACCEPTING:
            self._plan.clear()
            self._reject(IDENTIFICATION)
        elif self.body.place in INSIDE:
            self._plan.clear()
            self.body.place = Place.RETURNING
            as_returned = self.settings.gives_back_as == "returned"
            self._then(self.settings.return_ms, self._finish_return if as_returned else self._reject_at_last)

    def _reject_at_last(self) -> None:
        self._reject(IDENTIFICATION)

    def jam(self) -> None:
        self.body.jammed = True

    def fail(self) -> None:
        """The stacking motor fails, until RESET."""
        self._failure = True

    def clear(self, by_hand: bool = True) -> None:
        """Free the path. By hand the note comes out untold, and it initialises; by itself it gives the note back."""
        inside = self.body.place in INSIDE
        self.body.jammed = self._failure = False
        if by_hand or not inside:
            self._hand_back()
            if self.powered and self._phase != "waiting":
                self._initialize()
        elif self.powered and not self._phase:
            self._refuse()
        self._woken_in = self.body.place

    def _initialize(self) -> None:
        """It starts anew by itself; what it has not told yet it still tells."""
        self.enabled_types = self.escrow_types = 0
        self._plan.clear()
        self._phase = "initialize"
        self._then(self.settings.initialize_ms, self._rest)

    def cheat(self) -> None:
        """A note on a string: what is on its way in is pulled out again."""
        if self.body.place in (Place.ACCEPTING, Place.ESCROW):
            self._plan.clear()
            self._hand_back()
        if self.settings.cheat_stays:
            self._cheated = True
        else:
            self._report("cheated")

    def cassette_out(self) -> None:
        """What is not in it yet comes back."""
        self.body.cassette = False
        if self.powered and not self._phase and self.body.place in INSIDE and self.body.place is not Place.RETURNING:
            self._refuse()

    def cassette_in(self) -> None:
        if self.body.cassette:
            raise Refused("the cassette is in")
        self.body.cassette = True
        if self.powered and not self._phase and self.body.place not in INSIDE:
            self._initialize()

    def empty(self) -> Counter[int]:
        """Take the notes out of the cassette and return them."""
        notes, self.body.notes = self.body.notes, Counter()
        self.body.full = False
        return notes

    def fill(self) -> None:
        self.body.full = True

    # Reading it from outside

    @property
    def busy(self) -> bool:
        """Return whether anything in it is under way, or not told yet."""
        return bool(self._plan or self._paused_left_ms or self._reports) or self.body.place is not Place.NOWHERE

    @property
    def enabled(self) -> list[int]:
        """Return the values in cents that would be accepted now."""
        if not self.powered or self._phase or self.body.jammed or self._trouble():
            return []
        return [value for place, value in sorted(self.settings.table.items()) if self.enabled_types >> place - 1 & 1]

    def state(self) -> str:
        """Return one word for what it is doing."""
        if not self.powered:
            return "off"
        if self.body.jammed:
            return "jammed"
        if self._failure:
            return "failure"
        if self._phase and self.body.place is not Place.RETURNING:
            return "powering_up"
        if self.body.place in (Place.NOWHERE, Place.STACKED_UNTOLD):
            return "full" if self.body.full else "idling"
        return "escrowed" if self.body.place is Place.ESCROW else str(self.body.place.value)
