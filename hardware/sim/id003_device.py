"""The twin of a bill acceptor that speaks ID-003: what it does with notes, not how it says so.

Driven by `step(dt_ms)`; it owns no clock and no thread. Written from the protocol sheet alone (sections 4 to 9 and 11)
and from nothing of the host's code.
"""

from collections import Counter, deque
from collections.abc import Callable

from hardware.sim import id003_parts as code
from hardware.sim.control import Refused
from hardware.sim.id003_parts import Settings
from hardware.sim.notes import MOMENTS, Body, Place

_INSIDE = (Place.ACCEPTING, Place.ESCROW, Place.STACKING, Place.RETURNING)


class Acceptor:
    """The behaviour. The wire passes on commands and settings, and asks for the status."""

    def __init__(self, settings: Settings | None = None, body: Body | None = None) -> None:
        self.settings = settings or Settings()
        self.body = body or Body()
        self.powered = False
        self.held = False  # frozen in its present state
        self.armed: dict[str, str] = {}  # moment to what happens then
        self._channels = {value: channel for channel, value in self.settings.notes.items()}
        self._reset_volatile()

    def _reset_volatile(self) -> None:
        self._now_ms = 0
        self._owed_ms = 0.0  # less than one millisecond of movement
        self._plan: deque[tuple[int, Callable[[], None]]] = deque()
        self._start = 0  # the power-up status that waits for RESET
        self._initializing = False
        self._unfinished = False  # a start goes on with a note that was being stacked
        self._shown = 0  # a status that shows instead of INITIALIZE
        self._fault = 0  # one whose cause may be gone, but which shows until RESET
        self._failure = False
        self._reason = 0  # why the note in the mouth was rejected
        self._denominations = 0  # a 1 disables
        self.inhibited = True
        self._holding = False
        self._quiet_since_ms = 0
        self._escrow_ms = 0
        self._escrow_told = False
        self._vend_ms = 0
        self._stacked_polls = 0
        self._paused_left_ms = self._cheated_left_ms = 0

    # Power and RESET

    def power_on(self) -> None:
        """Start, say what the power cut found inside, and wait for RESET (section 8)."""
        if self.powered:
            raise Refused("it is on")
        self.powered = True
        self._restart()

    def _restart(self) -> None:
        self._reset_volatile()
        if self.body.place is Place.STACKED_UNTOLD and self.settings.forgets_stacked:
            self.body.place = Place.NOWHERE
        self._start = self._found()

    def _found(self) -> int:
        place = self.body.place
        if place is Place.STACKING:
            place = Place.STACKED_UNTOLD if self.settings.stacking_is_in == "stacker" else Place.ACCEPTING
        if place is Place.STACKED_UNTOLD:
            return code.IN_STACKER
        return code.POWER_UP if place is Place.NOWHERE else code.IN_ACCEPTOR

    def power_cut(self) -> None:
        self.powered = False
        self._plan.clear()

    def reset(self) -> None:
        """The host's RESET: all settings are lost, and what is inside is stacked or driven out."""
        in_stacker = self._found() == code.IN_STACKER
        self._reset_volatile()
        self._initializing, self._unfinished = True, in_stacker
        self._then(self.settings.init_ms // 2, self._initialize)

    def _initialize(self) -> None:
        if not self.body.jammed and self.body.place is not Place.NOWHERE:
            if self._unfinished:
                self._then(self.settings.stack_ms, self._finish_interrupted_stack)
            else:
                self.body.place = Place.RETURNING
                shown = {"returning": code.RETURNING, "rejecting": code.REJECTING, "": 0}
                self._shown, self._reason = shown[self.settings.drives_out_as], code.CONVEYING
                self._then(self.settings.return_ms, self._hand_back)
        self._then(self.settings.init_ms // 2, self._initialized)

    def _finish_interrupted_stack(self) -> None:
        if self.body.place is Place.STACKING:
            self.body.notes[self.body.value_minor] += 1
        self.body.place = Place.STACKED_UNTOLD if self.settings.vend_after_start else Place.NOWHERE
        self._vend_ms, self._unfinished = 0, False

    def _initialized(self) -> None:
        self._initializing = False
        if self.body.place in _INSIDE and not self.body.jammed:  # it was freed meanwhile
            self._unfinished = False
            self._reject(code.CONVEYING)

    # Time

    def step(self, dt_ms: int) -> None:
        """Let `dt_ms` pass."""
        if not self.powered:
            return
        if self.body.place is Place.ESCROW and self._escrow_told:
            self._moment("escrow")  # the host has seen it and not yet answered
        self._now_ms += dt_ms
        self._paused_left_ms = max(0, self._paused_left_ms - dt_ms)
        self._cheated_left_ms = max(0, self._cheated_left_ms - dt_ms)
        if not (self.held or (self.body.jammed and not self._initializing) or self._stands()):
            moved_ms = dt_ms * self.settings.speed + self._owed_ms
            self._owed_ms = moved_ms % 1
            self._advance(int(moved_ms))
        self._watch(dt_ms)

    def _stands(self) -> bool:
        """A note cannot be stacked into nothing."""
        return not self.body.cassette and self.body.place is Place.STACKING

    def _advance(self, dt_ms: int) -> None:
        while self._plan and self.powered:
            left_ms, act = self._plan.popleft()
            if left_ms > dt_ms:
                self._plan.appendleft((left_ms - dt_ms, act))
                return
            dt_ms -= left_ms
            act()

    def _watch(self, dt_ms: int) -> None:
        """The limits of silence and of escrow (section 6)."""
        place = self.body.place
        if place is Place.STACKED_UNTOLD:
            self._vend_ms += dt_ms
        if self._start or self._initializing or self.body.jammed or self.held:
            return
        if place in (Place.ACCEPTING, Place.ESCROW) and self._now_ms - self._quiet_since_ms > self.settings.silence_ms:
            self._plan.clear()
            self._start_return()
        elif place is Place.ESCROW:
            self._escrow_ms += dt_ms
            if self._escrow_ms >= self.settings.escrow_ms:
                self._reject(code.INHIBITED)

    def _then(self, delay_ms: int, act: Callable[[], None]) -> None:
        self._plan.append((delay_ms, act))

    # The host

    def heard(self) -> bool:
        """A good frame came; return whether it is answered at all. RESET always is."""
        self._quiet_since_ms = self._now_ms
        dumb = self.settings.dumb_ms and self.body.place is Place.STACKED_UNTOLD
        return not (dumb and self._vend_ms >= self.settings.dumb_ms)

    @property
    def settable(self) -> bool:
        return not self._start

    def inhibit(self, on: bool) -> None:
        self.inhibited = on

    def disable(self, mask: int) -> None:
        """Take C0: a set bit disables, the lowest is note type 1."""
        self._denominations = mask

    def decide(self, what: int) -> bool:
        """STACK-1, STACK-2, RETURN or HOLD; return False if it is not for now."""
        if self.status()[0] not in (code.ESCROW, code.HOLDING):
            return False
        if what == 0x44:
            self._holding, self._escrow_ms = True, 0
        elif what == 0x43:
            self._start_return()
        elif what == 0x41 or self.settings.knows_stack_2:
            self._start_stack()
        else:
            return False
        return True

    def acknowledge(self) -> None:
        """The host's ACK: it knows of the VEND VALID."""
        if self.status()[0] == code.VEND_VALID:
            self.body.place = Place.NOWHERE
            self._stacked_polls = self.settings.stacked_polls

    def poll(self) -> tuple[int, bytes]:
        """Return the status, and count what a poll uses up."""
        now = self.status()
        self._escrow_told = now[0] in (code.ESCROW, code.HOLDING)
        if now[0] == code.STACKED:
            self._stacked_polls -= 1
        return now

    def status(self) -> tuple[int, bytes]:
        """Return status and data."""
        if self._start:
            return self._start, b""
        if self.body.place is Place.STACKED_UNTOLD and not self._unfinished:
            return code.VEND_VALID, bytes([self._note_code()]) if self.settings.vend_data else b""
        if self._initializing and self.body.cassette:
            reason = bytes([self._reason]) if self._shown == code.REJECTING else b""
            return self._shown or code.INITIALIZE, reason
        return self._trouble() or self._way()

    def _trouble(self) -> tuple[int, bytes] | None:
        if self._failure:
            return 0x49, b"\xa2"
        if self.body.jammed:
            return (code.JAM_STACKER if self.body.place is Place.STACKING else code.JAM_ACCEPTOR), b""
        if not self.body.cassette:
            return code.OPEN, b""
        if self._fault:
            return self._fault, b""
        if self._cheated_left_ms:
            return code.CHEATED, b""
        if self._paused_left_ms:
            return code.PAUSE, b""
        return None

    def _way(self) -> tuple[int, bytes]:
        match self.body.place:
            case Place.ACCEPTING:
                return code.ACCEPTING, b""
            case Place.ESCROW:
                return (code.HOLDING, b"") if self._holding else (code.ESCROW, bytes([self._note_code()]))
            case Place.STACKING:
                return code.STACKING, b""
            case Place.RETURNING:
                return (code.REJECTING, bytes([self._reason])) if self._reason else (code.RETURNING, b"")
        if self._stacked_polls > 0:
            return code.STACKED, b""
        if self._reason:
            return code.REJECTING, bytes([self._reason])
        if self.body.full:
            return code.FULL, b""
        return (code.DISABLED if self.inhibited else code.IDLING), b""

    def _note_code(self) -> int:
        return 0x60 + self._channels.get(self.body.value_minor, 0)

    # A note on its way

    def insert(self, value_minor: int) -> None:
        """A customer offers a note; 0 or a value outside the table is one that cannot be read. Refused if not taken."""
        if not self.powered or not self.enabled:
            raise Refused(f"it takes no notes now: {self.state()}")
        if self.body.place is not Place.NOWHERE or self._plan:
            self._paused_left_ms = self.settings.paused_ms
            raise Refused("another note is being processed")
        self.body.place, self.body.value_minor = Place.ACCEPTING, value_minor
        self._quiet_since_ms = self._now_ms
        self._then(self.settings.draw_in_ms, self._judge)
        self._moment("accepting")

    def _judge(self) -> None:
        channel = self._channels.get(self.body.value_minor, 0)
        if not channel:
            self._reject(code.NOT_RECOGNISED)
        elif self._denominations >> channel - 1 & 1:
            self._reject(code.INHIBITED)
        else:  # an inhibit that came meanwhile does not stop it (section 7)
            self.body.place = Place.ESCROW
            self._escrow_ms, self._escrow_told, self._holding = 0, False, False

    def _start_stack(self) -> None:
        self.body.place = Place.STACKING
        self._then(self.settings.stack_ms, self._reach_cassette)
        self._moment("stacking")

    def _reach_cassette(self) -> None:
        self.body.notes[self.body.value_minor] += 1
        self.body.place = Place.STACKED_UNTOLD
        self._vend_ms = 0
        self._moment("before_stacked")

    def _start_return(self) -> None:
        self.body.place, self._reason = Place.RETURNING, 0
        self._then(self.settings.return_ms, self._hand_back)
        self._moment("returning")

    def _reject(self, reason: int) -> None:
        """The note is driven to the mouth, and the status stays until its owner takes it."""
        self.body.place, self._reason = Place.RETURNING, reason
        self._then(self.settings.rejecting_ms, self._hand_back)

    def _hand_back(self) -> None:
        if self.body.place is not Place.NOWHERE:
            self.body.place = Place.NOWHERE
            self.body.returned += 1
        self._reason = self._shown = 0
        self._unfinished = False

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
        elif act == "reject":  # after the stack command too
            self._refuse()

    def _refuse(self) -> None:
        if self.body.place in _INSIDE:
            self._plan.clear()
            self._reject(code.CONVEYING)

    def jam(self) -> None:
        self.body.jammed = True

    def clear(self, by_hand: bool = True) -> None:
        """Free the path. By hand the note is out and nothing is said of it; a device that frees itself rejects it."""
        shown = (self._trouble() or (0, b""))[0]
        self.body.jammed = self._failure = False
        if self.body.place in _INSIDE and not self._initializing and not self._start:
            self._plan.clear()
            if by_hand or not self.powered:
                self._hand_back()
            else:
                self._reject(code.CONVEYING)
                return
        elif self.body.place in _INSIDE and by_hand:
            self._hand_back()
        if self.powered and not self._start and not self._initializing and shown:
            self._recover(shown)

    def _recover(self, shown: int) -> None:
        """The cause of a fault is gone: it initialises by itself, or shows the fault until RESET."""
        if self.settings.clears == "by itself":
            self.reset()
        else:
            self._fault = shown

    def cheat(self) -> None:
        """A note on a string: what is on its way in is pulled out again."""
        if self.body.place in (Place.ACCEPTING, Place.ESCROW):
            self._plan.clear()
            self._hand_back()
        self._cheated_left_ms = self.settings.cheated_ms

    def cassette_out(self) -> None:
        self.body.cassette = False

    def cassette_in(self) -> None:
        if self.body.cassette:
            raise Refused("the cassette is in")
        self.body.cassette = True
        if not self.powered or self._start:
            return
        if self.settings.cassette_back == "power up":
            self._restart()
        elif self.settings.cassette_back == "initialize":
            self.reset()
        else:
            self._fault = code.OPEN

    def empty(self) -> Counter[int]:
        """Take the notes out of the cassette and return them."""
        notes, self.body.notes = self.body.notes, Counter()
        if self.body.full:
            self.body.full = False
            if self.powered and not self._start:
                self._recover(code.FULL)
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
        starting = self._start or self._initializing
        if not self.powered or starting or self.inhibited or self._out_of_service():
            return []
        notes = sorted(self.settings.notes.items())
        return [value for channel, value in notes if not self._denominations >> channel - 1 & 1]

    def _out_of_service(self) -> bool:
        body = self.body
        return body.jammed or body.full or self._failure or not body.cassette or bool(self._fault)

    def state(self) -> str:
        """Return one word for what it is doing."""
        if not self.powered:
            return "off"
        if self.body.jammed:
            return "jammed"
        if self._failure:
            return "failure"
        return code.WORDS.get(self.status()[0], "failure")
