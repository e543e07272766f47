"""The twin of a bill acceptor that speaks EBDS: what it does with notes, not how it says so.

Driven by `step(dt_ms)`; it owns no clock and no thread. Written from the protocol sheet alone (sections 4, 9, 10, 11
and 14) and from nothing of the host's code.
"""

from collections import Counter, deque
from collections.abc import Callable

from hardware.sim.control import Refused
from hardware.sim.ebds_parts import EXCLUSIVE, Report, Settings
from hardware.sim.notes import MOMENTS, Body, Place


class Acceptor:
    """The behaviour. `step` first, then at most one `poll`, then `report`."""

    def __init__(self, settings: Settings | None = None, body: Body | None = None) -> None:
        self.settings = settings or Settings()
        self.body = body or Body()
        self.powered = False
        self.held = False  # frozen in its present state
        self.armed: dict[str, str] = {}  # moment to what happens then
        self.escrow_timeout_ms = 0
        self.restarts = 0
        self._channels = {value: channel for channel, value in self.settings.table.items()}
        self._reset_volatile()

    def _reset_volatile(self) -> None:
        self._now_ms = 0
        self._owed_ms = 0.0  # less than one millisecond of movement
        self._plan: deque[tuple[int, Callable[[], None]]] = deque()
        self._events: dict[str, int] = {}  # event to polls it stays
        self._told: set[str] = set()
        self._stacked_value = 0
        self._powering_up = False
        self._unvalued = False  # after a power cut the value of the note inside is forgotten
        self._failure = False
        self._denominations = 0
        self._last_poll_ms: int | None = None
        self._slow_gaps = 0
        self._escrow_ms = 0
        self._escrow_told = False
        self._paused_left_ms = 0
        self._resting = False  # silent after the reset command

    # Power

    def power_on(self) -> None:
        """Start, and see to the note that the power cut found inside (section 10)."""
        if self.powered:
            raise Refused("it is on")
        self._reset_volatile()
        self.powered = True
        self.restarts += 1
        self.escrow_timeout_ms = 0
        self._powering_up = True
        if self.settings.profile == "pyramid":
            self._event("power_up")
        self._then(self.settings.power_up_ms, self._resume)

    def power_cut(self) -> None:
        self.powered = False
        self._plan.clear()

    def reset(self) -> None:
        """The host's soft reset: a restart, and a jam that can clear itself does."""
        self.power_cut()
        jammed, self.body.jammed = self.body.jammed, False
        if jammed:
            self._hand_back()
        self.power_on()
        if jammed:
            self._event("rejected")

    def _resume(self) -> None:
        place, policies = self.body.place, self.settings.self_tests
        if self.body.jammed or place is Place.NOWHERE:
            self._self_test()
        elif not policies:
            self._resume_without_policy()
        elif place is Place.ACCEPTING:
            self._reject()
            self._self_test()
        elif place is Place.RETURNING:
            self._reject()
            self._powering_up = False
        elif place is Place.ESCROW and self.settings.policy == "A":
            self._unvalued = True  # waits for the host
        elif place is Place.ESCROW:
            self._failure = True
        else:
            self._finish_interrupted_stack()

    def _resume_without_policy(self) -> None:
        """Series 2000 gives back what is not stacked; of a Pyramid nothing is known, so it does the same."""
        if self.body.place is Place.STACKED_UNTOLD:
            self.body.place = Place.NOWHERE  # its report is lost for good
        else:
            self._hand_back()
            self._event(self.settings.given_back_as)
        self._powering_up = False

    def _finish_interrupted_stack(self) -> None:
        """Policy A and C: the only sign is the blank report of the self-test. Policy B still knows the value."""
        value = self.body.value_minor if self.settings.policy == "B" else 0
        if self.body.place is Place.STACKING:
            self.body.notes[self.body.value_minor] += 1
        self.body.place = Place.NOWHERE
        self._then(self.settings.self_test_ms, lambda: self._stacked(value))
        self._then(0, self._end_power_up)

    def _self_test(self) -> None:
        if not self.body.cassette and self.settings.self_tests:
            self._then(self.settings.no_cassette_ms, self._end_power_up)
            return
        if self.settings.self_tests:
            self._then(self.settings.self_test_ms, lambda: self._stacked(0))
        self._then(0, self._end_power_up)

    def _end_power_up(self) -> None:
        self._powering_up = False

    # Time

    def step(self, dt_ms: int) -> None:
        """Let `dt_ms` pass."""
        if not self.powered:
            return
        if self.body.place is Place.ESCROW and self._escrow_told:
            self._moment("escrow")  # the host has seen it and not yet answered
        self._now_ms += dt_ms
        self._paused_left_ms = max(0, self._paused_left_ms - dt_ms)
        if not (self.held or self.body.jammed or self._stalled_by_slow_polls()):
            moved_ms = dt_ms * self.settings.speed + self._owed_ms
            self._owed_ms = moved_ms % 1
            self._advance(int(moved_ms))
        self._watch_escrow(dt_ms)
        if self._silent_for(self.settings.silence_ms):
            self._denominations = 0

    def _advance(self, dt_ms: int) -> None:
        while self._plan and self.powered:
            left_ms, act = self._plan.popleft()
            if left_ms > dt_ms:
                self._plan.appendleft((left_ms - dt_ms, act))
                return
            dt_ms -= left_ms
            act()

    def _stalled_by_slow_polls(self) -> bool:
        """Measured on an SC66: polled every 500 ms it answers and never leaves power-up (section 4)."""
        mei = self.settings.profile != "pyramid"
        fast = self._last_poll_ms is not None and not self._silent_for(1_000)
        return mei and self._powering_up and not (fast and self._slow_gaps < self.settings.slow_polls)

    def _silent_for(self, limit_ms: int) -> bool:
        return self._last_poll_ms is None or self._now_ms - self._last_poll_ms > limit_ms

    def _watch_escrow(self, dt_ms: int) -> None:
        if self.body.place is not Place.ESCROW:
            return
        self._escrow_ms += dt_ms
        timed_out = self.escrow_timeout_ms and self._escrow_ms >= self.escrow_timeout_ms
        forsaken = self.settings.profile == "mei-s2k" and self._silent_for(self.settings.give_back_ms)
        if timed_out or forsaken:
            self._start_return()

    def _then(self, delay_ms: int, act: Callable[[], None]) -> None:
        self._plan.append((delay_ms, act))

    # The host

    def poll(self, denominations: int, stack: bool, give_back: bool) -> None:
        """Take a new omnibus command. Stack and return count in escrow only, and not both."""
        if self._last_poll_ms is not None:
            slow = self._now_ms - self._last_poll_ms > self.settings.slow_poll_ms
            self._slow_gaps = self._slow_gaps + 1 if slow else 0
        self._last_poll_ms = self._now_ms
        self._denominations = denominations & 0x7F
        if self.body.place is not Place.ESCROW or self._failure or self.body.jammed or stack == give_back:
            return
        if self._powering_up and not self._unvalued:
            return
        if stack:
            self._start_stack()
        else:
            self._start_return()

    def acknowledge(self) -> None:
        """A frame with a new toggle came: the host knows what it was told, and told events go."""
        if "stacked" in self._told and self.body.place is Place.STACKED_UNTOLD:
            self.body.place = Place.NOWHERE
        for name in self._told & set(self._events):
            self._events[name] -= 1
            if self._events[name] <= 0:
                del self._events[name]
        self._told.clear()

    def report(self) -> Report:
        """Return the status and remember its events as told."""
        told = [name for name in EXCLUSIVE if name in self._events][:1]
        told += [name for name in self._events if name not in EXCLUSIVE]
        self._told = set(told)
        self._escrow_told = self.body.place is Place.ESCROW and not (self._powering_up and not self._unvalued)
        return Report(frozenset(told) | self._states() | self._conditions(), self._channel(told))

    def _channel(self, told: list[str]) -> int:
        if "stacked" in told:
            return self._channels.get(self._stacked_value, 0)
        known = self.body.place is Place.ESCROW and not self._unvalued
        return self._channels.get(self.body.value_minor, 0) if known else 0

    def _states(self) -> frozenset[str]:
        if self._failure or self.body.jammed or (self.body.full and self.settings.profile == "pyramid"):
            return frozenset()
        if self._powering_up and not self._unvalued:
            return self._power_up_states()
        states = {
            Place.ACCEPTING: "accepting",
            Place.ESCROW: "escrowed",
            Place.STACKING: "stacking",
            Place.RETURNING: "returning",
        }
        return frozenset({states.get(self.body.place, "idling")})

    def _power_up_states(self) -> frozenset[str]:
        if self.settings.profile != "pyramid":
            return frozenset({"idling"} if self.settings.power_up_idles else ())
        inside = self.body.place not in (Place.NOWHERE, Place.STACKED_UNTOLD)
        return frozenset({"returning" if inside else "idling"})

    def _conditions(self) -> frozenset[str]:
        mei = self.settings.profile != "pyramid"
        conditions = {
            "jammed": self.body.jammed,
            "full": self.body.full,
            "cassette": self.body.cassette,
            "failure": self._failure,
            "paused": mei and self._paused_left_ms > 0,
            "power_up": mei and self._powering_up,
        }
        return frozenset(name for name, holds in conditions.items() if holds)

    # A note on its way

    def insert(self, value_minor: int) -> None:
        """A customer offers a note; 0 or a value outside the table is one that cannot be read. Refused if not taken."""
        if not self.powered or self._powering_up or not self._denominations or self._out_of_service():
            raise Refused(f"it takes no notes now: {self.state()}")
        if self.body.place is not Place.NOWHERE or self._plan:
            self._paused_left_ms = self.settings.paused_ms
            raise Refused("another note is being processed")
        self.body.place, self.body.value_minor = Place.ACCEPTING, value_minor
        self._unvalued = False
        self._then(self.settings.draw_in_ms, self._judge)
        self._moment("accepting")

    def _out_of_service(self) -> bool:
        return self.body.jammed or self.body.full or self._failure or not self.body.cassette

    def _judge(self) -> None:
        channel = self._channels.get(self.body.value_minor, 0)
        # An inhibit that came meanwhile does not stop a note that was enabled when it was drawn in (section 9), but
        # a type that is switched off while others are on is refused.
        if not channel or (self._denominations and not self._denominations >> channel - 1 & 1):
            self._reject()
            return
        self.body.place = Place.ESCROW
        self._escrow_ms, self._escrow_told = 0, False

    def _start_stack(self) -> None:
        self.body.place = Place.STACKING
        self._then(self.settings.stack_ms, self._reach_cassette)
        self._moment("stacking")

    def _reach_cassette(self) -> None:
        self.body.notes[self.body.value_minor] += 1
        self.body.place = Place.STACKED_UNTOLD
        self._moment("before_stacked")
        if self.powered:
            self._stacked(0 if self._unvalued else self.body.value_minor)
            self._unvalued = self._powering_up = False

    def _stacked(self, value_minor: int) -> None:
        self._stacked_value = value_minor
        self._event("stacked")

    def _start_return(self) -> None:
        self.body.place = Place.RETURNING
        self._then(self.settings.return_ms, self._finish_return)
        self._moment("returning")

    def _finish_return(self) -> None:
        self._hand_back()
        self._event("returned")
        if self._unvalued:
            self._unvalued = False
            self._self_test()

    def _reject(self) -> None:
        self._hand_back()
        polls = 1 if self.settings.profile == "pyramid" else self.settings.rejected_polls
        self._event("rejected", polls)

    def _hand_back(self) -> None:
        if self.body.place is not Place.NOWHERE:
            self.body.place = Place.NOWHERE
            self.body.returned += 1

    def invalid_command(self) -> None:
        """The host asked for something that does not exist here."""
        self._event("invalid_command")

    def _event(self, name: str, polls: int = 1) -> None:
        self._events[name] = polls

    # Mischief and service

    def arm(self, act: str, when: str) -> None:
        """Let `act` (power_cut, jam, full or reject) happen by itself at the moment `when`."""
        if act not in ("power_cut", "jam", "full", "reject") or when not in MOMENTS:
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
        elif act == "reject":  # after the stack command too, as stackerless units do
            self._refuse()

    def _refuse(self) -> None:
        """Send the note back: at once from the entry, through the whole path from the stacker."""
        self._plan.clear()
        if self.body.place is Place.ACCEPTING:
            self._reject()
        elif self.body.place not in (Place.NOWHERE, Place.STACKED_UNTOLD):
            self.body.place = Place.RETURNING
            self._then(self.settings.return_ms, self._reject)

    def jam(self) -> None:
        self.body.jammed = True

    def clear(self, by_hand: bool = True) -> None:
        """Free the path. By hand nothing is reported; a device that frees itself reports the note as rejected."""
        inside = self.body.place not in (Place.NOWHERE, Place.STACKED_UNTOLD)
        self.body.jammed = self._failure = False
        self._unvalued = False
        if inside:
            self._plan.clear()
            self._hand_back()
        if not by_hand:
            self._event("rejected")
        if self.powered and self._powering_up and not self._plan:
            self._self_test()

    def cheat(self) -> None:
        """A note on a string: what is on its way in is pulled out again."""
        if self.body.place in (Place.ACCEPTING, Place.ESCROW):
            self._plan.clear()
            self._hand_back()
        self._event("cheated")

    def cassette_out(self) -> None:
        self.body.cassette = False

    def cassette_in(self) -> None:
        if self.body.cassette:
            raise Refused("the cassette is in")
        self.body.cassette = True
        if self.powered and self.settings.self_tests and not self._powering_up:
            self._then(self.settings.self_test_ms, lambda: self._stacked(0))

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
        """Return whether anything in it is under way."""
        return bool(self._plan or self._paused_left_ms) or self.body.place is not Place.NOWHERE

    @property
    def enabled(self) -> list[int]:
        """Return the values in cents that would be accepted now."""
        if not self.powered or self._powering_up or self._out_of_service():
            return []
        table = sorted(self.settings.table.items())
        return [value for channel, value in table if self._denominations >> channel - 1 & 1]

    def state(self) -> str:
        """Return one word for what it is doing."""
        if not self.powered:
            return "off"
        if self.body.jammed:
            return "jammed"
        if self._failure:
            return "failure"
        if self._powering_up and not self._unvalued:
            return "powering_up"
        if self.body.place in (Place.NOWHERE, Place.STACKED_UNTOLD):
            return "full" if self.body.full else "idling"
        return "escrowed" if self.body.place is Place.ESCROW else str(self.body.place.value)
