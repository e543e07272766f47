"""The twin of a note device that speaks SSP: what it does with notes, not how it says so.

Driven by `step(dt_ms)`; it owns no clock and no thread. Written from the protocol sheet alone (sections 9 to 13) and
from nothing of the host's code.
"""

from collections import Counter, deque
from collections.abc import Callable

from hardware.sim.control import Refused
from hardware.sim.notes import Body, Place
from hardware.sim.ssp_parts import MOMENTS, NEEDS_ACK, Event, Settings, SspBody
from hardware.sim.ssp_payout_unit import PayoutUnit

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
        self.restarts = 0
        self._channels = {value: channel for channel, value in self.settings.table.items()}
        self._surviving: list[Event] = []
        self.payout = PayoutUnit(self)
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
        self.payout.lose_power()

    # Power

    def power_on(self) -> None:
        """Start, and see to the note that the power cut found inside."""
        if self.powered:
            raise Refused("it is on")
        self._reset_volatile()
        self.powered = self.silent = self._powering_up = True
        self.restarts += 1
        self.then(self.settings.boot_ms, self._speak)
        self.then(self.settings.clear_ms, self._clear_path)

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
        self.payout.resume()
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
            self.moment("escrow")  # the host has seen it and not yet answered
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

    def then(self, delay_ms: int, act: Callable[[], None]) -> None:
        """Do `act` so much later than all that is planned."""
        self._plan.append((delay_ms, act))

    def standing(self) -> bool:
        """Return whether nothing is planned."""
        return not self._plan

    def stop(self) -> None:
        """Forget what is planned."""
        self._plan.clear()

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
        self.then(self.settings.draw_in_ms, self._judge)
        self.moment("accepting")

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
        self.own.into_store = self.payout.keeps(self.own.value_minor)
        self.then(self.settings.stack_ms, self._take_in)
        self.moment("stacking")

    def _keep(self) -> None:
        """The note cannot come back any more."""
        where = self.own.store if self.own.into_store else self.own.notes
        where[self.own.value_minor] += 1

    def _take_in(self) -> None:
        self._keep()
        self.own.place, self.own.settling = Place.STACKED_UNTOLD, self.own.value_minor
        self.moment("before_stacked")
        if not self.powered:
            return
        self._tell("credit", self._channels.get(self.own.value_minor, 0))
        if self.settings.joins_credit_and_stacked:
            self._settle()
        else:
            self.then(self.settings.settle_ms, self._settle)

    def _settle(self) -> None:
        self.own.settling = 0
        self._tell("stored" if self.own.into_store else "stacked")

    def _send_back(self, code: int, told: bool = True) -> None:
        self._plan.clear()
        self.reject_code = code
        self.own.place = Place.RETURNING
        self.then(self.settings.return_ms, self._finish_return)
        if told:
            self.moment("returning")

    def _finish_return(self) -> None:
        self._hand_back()
        self._tell("rejected")

    def _hand_back(self) -> None:
        if self.own.place not in (Place.NOWHERE, Place.STACKED_UNTOLD):
            self.own.place = Place.NOWHERE
            self.own.returned += 1

    def _tell(self, name: str, channel: int = 0) -> None:
        self.queue(Event(name, channel))

    def queue(self, event: Event) -> None:
        self._queue.append(event)

    # Mischief and service

    def arm(self, act: str, when: str) -> None:
        """Let `act` (power_cut, jam, full or reject) happen by itself at the moment `when`."""
        if act not in ("power_cut", "jam", "full", "reject") or when not in MOMENTS:
            raise Refused(f"cannot arm {act!r} at {when!r}; moments: {', '.join(MOMENTS)}")
        self.armed[when] = act

    def moment(self, name: str) -> None:
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
        self.payout.jammed()

    def clear(self, by_hand: bool = True) -> None:
        """Free the path. By hand nothing is reported; a device that frees itself reports the note as rejected."""
        inside = self.own.place not in (Place.NOWHERE, Place.STACKED_UNTOLD)
        self.own.jammed = False
        self.own.settling = 0
        self.payout.back_to_store()
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
