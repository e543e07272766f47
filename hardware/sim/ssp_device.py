"""The twin of a note device that speaks SSP: what it does with notes, not how it says so.

Driven by `step(dt_ms)`; it owns no clock and no thread. Written from the protocol sheet alone (sections 9 to 13) and
from nothing of the host's code.
"""

from collections import Counter, deque
from collections.abc import Callable

from hardware.sim.control import Refused
from hardware.sim.notes import Body, Place
from hardware.sim.ssp_parts import MOMENTS, NEEDS_ACK, PAYOUT_FAILURES, Event, Settings, SspBody

STACKED_ON_SILENCE_MS = 2_000
HOST_REJECTS, NOT_KNOWN, INHIBITED, HOST_DISABLED, TIMED_OUT, NO_ROOM = 0x08, 0x02, 0x06, 0x0C, 0x13, 0x1D


class Acceptor:
    """The behaviour. The wire steps it, and passes on each new command."""

    def __init__(self, settings: Settings | None = None, body: SspBody | None = None) -> None:
        self.settings = settings or Settings()
        self.own = body or SspBody()
        self.body: Body = self.own  # as every twin calls it
        self.powered = False
        self.held = False  # frozen in its present state
        self.armed: dict[str, str] = {}  # moment to what happens then
        self.payout_fails = ("", 0)  # how, and how many notes still come out before that
        self.restarts = 0
        self._channels = {value: channel for channel, value in self.settings.table.items()}
        self._surviving: list[Event] = []
        self._reset_volatile()

    def _reset_volatile(self) -> None:
        self._owed_ms = 0.0  # less than one millisecond of movement
        self._plan: deque[tuple[int, Callable[[], None]]] = deque()
        self._queue: list[Event] = []  # events that were not told, or not for good
        self._told: list[Event] = []  # those of the last reply
        self._told_acked = False  # it was asked for with acknowledgement
        self._last_acked: list[Event] = []  # what the next EVENT ACK is about
        self.silent = False  # starting
        self._powering_up = False
        self._enabled = False
        self._mask = 0
        self._escrow_ms = 0
        self._escrow_told = False
        self.reject_code = 0
        self.payout_enabled = False
        self.stored: set[int] = set()  # values that are routed to the payout store
        self._to_pay: list[int] = []

    # Power

    def power_on(self) -> None:
        """Start, and see to the note that the power cut found inside."""
        if self.powered:
            raise Refused("it is on")
        self._reset_volatile()
        self.powered = self.silent = self._powering_up = True
        self.restarts += 1
        self._then(self.settings.boot_ms, self._speak)
        self._then(self.settings.clear_ms, self._clear_path)

    def power_cut(self) -> None:
        pending = [event for event in self._queue if event.name in NEEDS_ACK]
        self._surviving = pending if self.settings.unacknowledged_survive else []
        self.powered = False
        self._plan.clear()

    def reset(self) -> None:
        """The host's RESET: a restart that throws pending events away."""
        self.power_cut()
        self._surviving = []
        self.own.jammed = False
        self.power_on()

    def _speak(self) -> None:
        self.silent = False
        self._queue = [Event("reset"), *self._surviving]
        if not self.own.cassette:
            self._tell("cassette_removed")

    def _clear_path(self) -> None:
        if self.own.jammed:
            return
        body, place = self.own, self.own.place
        into = place is Place.STACKING or (place is Place.ESCROW and self.settings.escrow_at_power_up == "stacked")
        channel = self._channels.get(body.value_minor, 0) if self.settings.names_channel_at_power_up else 0
        if into:
            self._keep()
        if into or body.settling:
            self._told_at_power_up(channel)
        elif place in (Place.ACCEPTING, Place.ESCROW, Place.RETURNING):
            self._hand_back()
            self._tell("cleared_from_front", 0 if place is Place.ACCEPTING else channel)
        elif place is Place.STACKED_UNTOLD and not any(event.name == "credit" for event in self._queue):
            body.place = Place.NOWHERE  # its credit is lost for good
        body.settling = 0
        self._resume_payout()
        self._powering_up = False

    def _told_at_power_up(self, channel: int) -> None:
        body = self.own
        if body.place is not Place.NOWHERE:
            body.place = Place.STACKED_UNTOLD
        if self.settings.recycles:
            where = "store" if body.into_store else "stacker"
            self._queue.append(Event(f"paid_into_{where}_at_power_up", 0, body.value_minor))
        else:
            self._tell("cleared_into_cashbox", channel)

    # Time

    def step(self, dt_ms: int) -> None:
        """Let `dt_ms` pass."""
        if not self.powered:
            return
        if self.own.place is Place.ESCROW and self._escrow_told:
            self._moment("escrow")  # the host has seen it and not yet answered
        if not self.held and (self._powering_up or not self.own.jammed):
            moved_ms = dt_ms * self.settings.speed + self._owed_ms
            self._owed_ms = moved_ms % 1
            self._advance(int(moved_ms))
        self._watch_escrow(dt_ms)

    def _advance(self, dt_ms: int) -> None:
        while self._plan and self.powered and (self._powering_up or not self.own.jammed):
            left_ms, act = self._plan.popleft()
            if left_ms > dt_ms:
                self._plan.appendleft((left_ms - dt_ms, act))
                return
            dt_ms -= left_ms
            act()

    def _watch_escrow(self, dt_ms: int) -> None:
        if not self.powered or self.own.place is not Place.ESCROW or self.own.jammed:
            return
        self._escrow_ms += dt_ms
        if self.settings.escrow_ends == "stacked" and self._escrow_told and self._escrow_ms >= STACKED_ON_SILENCE_MS:
            self._start_stack()
        elif self._escrow_ms >= self.settings.escrow_ms:
            self._send_back(TIMED_OUT)

    def _then(self, delay_ms: int, act: Callable[[], None]) -> None:
        self._plan.append((delay_ms, act))

    # The host

    def new_command(self) -> None:
        """A frame with another flag came: the host knows what it was told. Not so of what needs an acknowledgement."""
        for event in self._told:
            if event in self._queue and not (self._told_acked and event.name in NEEDS_ACK):
                self._forget(event)
        self._told = []

    def acknowledge(self) -> bool:
        """EVENT ACK; return whether anything was pending."""
        pending = [event for event in self._queue if event.name in NEEDS_ACK and event in self._last_acked]
        for event in pending:
            self._forget(event)
        self._last_acked = []
        return bool(pending)

    def _forget(self, event: Event) -> None:
        self._queue.remove(event)
        knows = event.name in ("credit", "cleared_into_cashbox") or event.name.startswith("paid_into")
        if knows and self.own.place is Place.STACKED_UNTOLD:
            self.own.place = Place.NOWHERE

    def poll(self, acked: bool) -> list[Event]:
        """Return what a poll reply tells; a note that was told to be in escrow before is stacked by it."""
        pending = acked and any(event.name in NEEDS_ACK for event in self._queue)
        if self.own.place is Place.ESCROW and self._escrow_told and not pending and not self.own.jammed:
            self._start_stack()
        self._told, self._told_acked = list(self._queue), acked
        if acked:
            self._last_acked = [event for event in self._queue if event.name in NEEDS_ACK]
        return self._told + self._states(pending)

    def hold(self) -> bool:
        if self.own.place is not Place.ESCROW:
            return False
        self._escrow_ms = 0
        return True

    def reject(self) -> bool:
        if self.own.place is not Place.ESCROW or self.own.jammed:
            return False
        self._send_back(HOST_REJECTS)
        return True

    def inhibit(self, mask: int) -> None:
        self._mask = mask

    def enable(self) -> bool:
        if self._powering_up or self._out_of_service():
            return False
        self._enabled = True
        return True

    def disable(self) -> None:
        self._enabled = False
        if self.own.place is Place.ESCROW and self.settings.disable_returns and not self.own.jammed:
            self._send_back(HOST_DISABLED)

    def _states(self, pending: bool) -> list[Event]:
        place, channel = self.own.place, self._channels.get(self.own.value_minor, 0)
        states: list[Event] = []
        if place is Place.ACCEPTING:
            states.append(Event("read", 0))
        elif place is Place.ESCROW and not self._powering_up and not pending:
            self._escrow_told = True
            states.append(Event("read", channel))
        elif place is Place.STACKING and self.settings.tells_stacking:
            states.append(Event("stacking"))
        elif place is Place.RETURNING:
            states.append(Event("rejecting"))
        if self.own.transit:
            states.append(Event("dispensing", 0, self.own.paid))
        conditions = {
            "unsafe_jam": self.own.jammed,
            "stacker_full": self.own.full,
            "cassette_removed": self.settings.removed_repeats and not self.own.cassette,
            "disabled": not self._enabled or self._out_of_service(),
            "all_inhibited": not self._mask,
        }
        named = {event.name for event in self._told}
        return states + [Event(name) for name, holds in conditions.items() if holds and name not in named]

    # A note on its way in

    def insert(self, value_minor: int) -> None:
        """A customer offers a note; 0 or a value outside the table is one that cannot be read. Refused if not taken."""
        if (
            self.silent
            or not self.powered
            or self._powering_up
            or not self._enabled
            or not self._mask
            or self._out_of_service()
        ):
            raise Refused(f"it takes no notes now: {self.state()}")
        if self.own.place is not Place.NOWHERE or self._plan or self._acks_pending():
            raise Refused("another note is being processed")
        self.own.place, self.own.value_minor = Place.ACCEPTING, value_minor
        self._then(self.settings.draw_in_ms, self._judge)
        self._moment("accepting")

    def _acks_pending(self) -> bool:
        return self._told_acked and any(event.name in NEEDS_ACK for event in self._queue)

    def _out_of_service(self) -> bool:
        return self.own.jammed or self.own.full or not self.own.cassette

    def _judge(self) -> None:
        channel = self._channels.get(self.own.value_minor, 0)
        if not channel:
            self._send_back(NOT_KNOWN, told=False)
        elif not self._enabled:
            self._send_back(HOST_DISABLED, told=False)
        elif not self._mask >> channel - 1 & 1:
            self._send_back(INHIBITED, told=False)
        else:
            self.own.place = Place.ESCROW
            self._escrow_ms, self._escrow_told = 0, False

    def _start_stack(self) -> None:
        self.own.place = Place.STACKING
        room = self.own.store.total() < self.settings.capacity
        self.own.into_store = self.payout_enabled and room and self.own.value_minor in self.stored
        self._then(self.settings.stack_ms, self._take_in)
        self._moment("stacking")

    def _keep(self) -> None:
        """The note cannot come back any more."""
        where = self.own.store if self.own.into_store else self.own.notes
        where[self.own.value_minor] += 1

    def _take_in(self) -> None:
        self._keep()
        self.own.place, self.own.settling = Place.STACKED_UNTOLD, self.own.value_minor
        self._moment("before_stacked")
        if not self.powered:
            return
        self._tell("credit", self._channels.get(self.own.value_minor, 0))
        if self.settings.joins_credit_and_stacked:
            self._settle()
        else:
            self._then(self.settings.settle_ms, self._settle)

    def _settle(self) -> None:
        self.own.settling = 0
        self._tell("stored" if self.own.into_store else "stacked")

    def _send_back(self, code: int, told: bool = True) -> None:
        self._plan.clear()
        self.reject_code = code
        self.own.place = Place.RETURNING
        self._then(self.settings.return_ms, self._finish_return)
        if told:
            self._moment("returning")

    def _finish_return(self) -> None:
        self._hand_back()
        self._tell("rejected")

    def _hand_back(self) -> None:
        if self.own.place not in (Place.NOWHERE, Place.STACKED_UNTOLD):
            self.own.place = Place.NOWHERE
            self.own.returned += 1

    def _tell(self, name: str, channel: int = 0) -> None:
        self._queue.append(Event(name, channel))

    # A note on its way out

    def pay_out(self, values: list[int], *, test: bool) -> int:
        """Start to pay these notes out, or only look whether that is possible; return 0 or the error byte."""
        if not self.payout_enabled:
            return 4
        if self.own.paying or self._plan or self.own.place is not Place.NOWHERE:
            return 3
        if Counter(values) - self.own.store:
            return 1
        if not test and self._fails_now("refused"):
            return 1  # a note that it counted is not there
        if not test:
            self._to_pay = sorted(values, reverse=True)
            self.own.paying, self.own.paid = sum(values), 0
            self._next_out()
        return 0

    def _next_out(self) -> None:
        value = self._to_pay.pop(0)
        self.own.store[value] -= 1
        self.own.transit = value
        self._then(self.settings.dispense_ms, self._come_out)
        self._moment("dispensing")
        how, before = self.payout_fails
        if how and not before and self.powered:
            self.payout_fails = ("", 0)
            self._fail_payout(how)
        elif how:
            self.payout_fails = (how, before - 1)

    def _fails_now(self, how: str) -> bool:
        if self.payout_fails != (how, 0):
            return False
        self.payout_fails = ("", 0)
        return True

    def _fail_payout(self, how: str) -> None:
        """The note on its way does not come out: it stays in the path, or goes back to the store."""
        if how == "power_cut":
            self.power_cut()
        elif how == "jammed":
            self.jam()
        else:
            self._back_to_store()
            self._plan.clear()
            self._end_payout({"halted": "payout_halted", "timed_out": "payout_timeout"}[how])

    def _come_out(self) -> None:
        body = self.own
        body.handed_out[body.transit] += 1
        body.paid, body.transit = body.paid + body.transit, 0
        if self._to_pay:
            self._next_out()
        else:
            self._end_payout("dispensed")

    def _end_payout(self, name: str) -> None:
        self._queue.append(Event(name, 0, self.own.paid, self.own.paying))
        self.own.paying = self.own.paid = 0
        self._to_pay = []

    def halt(self) -> bool:
        if not self.own.paying:
            return False
        self._back_to_store()
        self._plan.clear()
        self._end_payout("payout_halted")
        return True

    def _back_to_store(self) -> None:
        if self.own.transit:
            self.own.store[self.own.transit] += 1
            self.own.transit = 0

    def _resume_payout(self) -> None:
        """A payout that the power cut broke off is over; the note on its way goes back, or out."""
        body = self.own
        if not body.paying:
            return
        if self.settings.transit_at_power_up == "out" and body.transit:
            body.handed_out[body.transit] += 1
            body.paid += body.transit
            self._queue.append(Event("dispensed_at_power_up", 0, body.transit))
            body.transit = 0
        self._back_to_store()
        self._end_payout("incomplete_payout")

    # Mischief and service

    def arm(self, act: str, when: str) -> None:
        """Let `act` (power_cut, jam, full or reject) happen by itself at the moment `when`."""
        if act not in ("power_cut", "jam", "full", "reject") or when not in MOMENTS:
            raise Refused(f"cannot arm {act!r} at {when!r}; moments: {', '.join(MOMENTS)}")
        self.armed[when] = act

    def fail_payout(self, how: str, after: int) -> None:
        """Let the next payout fail in one of PAYOUT_FAILURES, after so many notes came out."""
        if how not in PAYOUT_FAILURES or after < 0:
            raise Refused(f"a payout cannot fail as {how!r}; it can be {', '.join(PAYOUT_FAILURES)}")
        self.payout_fails = (how, after)

    def _moment(self, name: str) -> None:
        act = self.armed.pop(name, "")
        if act == "power_cut":
            self.power_cut()
        elif act == "jam":
            self.jam()
        elif act == "full":
            self.own.full = True
            self._refuse()
        elif act == "reject":  # after the accepting poll too
            self._refuse()

    def _refuse(self) -> None:
        if self.own.place in (Place.ACCEPTING, Place.ESCROW, Place.STACKING):
            self._send_back(NO_ROOM, told=False)

    def jam(self) -> None:
        self.own.jammed = True
        if self.own.paying:
            self._plan.clear()
            self._end_payout("payout_jammed")

    def clear(self, by_hand: bool = True) -> None:
        """Free the path. By hand nothing is reported; a device that frees itself reports the note as rejected."""
        inside = self.own.place not in (Place.NOWHERE, Place.STACKED_UNTOLD)
        self.own.jammed = False
        self.own.settling = 0
        self._back_to_store()
        if inside:
            if not self._powering_up:
                self._plan.clear()
            self._hand_back()
            if not by_hand:
                self._tell("rejected")
        if self.powered and self._powering_up and not self.silent and not self._plan:
            self._clear_path()

    def cheat(self) -> None:
        """A note on a string: what is on its way in is pulled out again."""
        channel = self._channels.get(self.own.value_minor, 0) if self.own.place is Place.ESCROW else 0
        if self.own.place in (Place.ACCEPTING, Place.ESCROW):
            self._plan.clear()
            self._hand_back()
        self._tell("fraud", channel)

    def cassette_out(self) -> None:
        self.own.cassette = False
        self._tell("cassette_removed")

    def cassette_in(self) -> None:
        if self.own.cassette:
            raise Refused("the cassette is in")
        self.own.cassette = True
        self._tell("cassette_replaced")

    def empty(self) -> Counter[int]:
        """Take the notes out of the cassette and return them."""
        notes, self.own.notes = self.own.notes, Counter()
        self.own.full = False
        return notes

    def fill(self) -> None:
        self.own.full = True

    # Reading it from outside

    @property
    def busy(self) -> bool:
        """Return whether anything in it is under way."""
        return bool(self._plan) or self.own.place is not Place.NOWHERE or bool(self.own.transit)

    @property
    def enabled(self) -> list[int]:
        """Return the values in cents that would be accepted now."""
        if not self.powered or self._powering_up or not self._enabled or self._out_of_service():
            return []
        return [value for channel, value in sorted(self.settings.table.items()) if self._mask >> channel - 1 & 1]

    def state(self) -> str:
        """Return one word for what it is doing."""
        if not self.powered:
            return "off"
        if self.own.jammed:
            return "jammed"
        if self._powering_up:
            return "powering_up"
        if self.own.transit:
            return "dispensing"
        if self.own.place in (Place.NOWHERE, Place.STACKED_UNTOLD):
            return "full" if self.own.full else "idling"
        return "escrowed" if self.own.place is Place.ESCROW else str(self.own.place.value)
