"""The host's side of EBDS in standard mode, as `contract.Codec` (sheet sections 4, 9, 10 and 13).

Opening: two good polls, one of each toggle, inhibited. Only from the second are levels believed; stacked, returned
and rejected count from the first, because a device repeats the last reply to a host that comes back with the same
toggle. While the device powers up it is polled and its events are reported; once it rests it is interrogated, and
then it is Connected. A power-up later on goes the same way.

A reply with stacked, returned or rejected is acknowledged by the next toggle. Until `Acknowledge` the frame is
repeated as it is, and the device repeats its reply.
"""

from collections.abc import Iterable

from hardware.acceptors.contract import (
    Acknowledge,
    Command,
    Connected,
    Disable,
    Enable,
    Event,
    Fault,
    Lost,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    PayOut,
    PoweredUp,
    Refused,
    Reset,
    ReturnNote,
    StackNote,
)
from hardware.acceptors.ebds.frames import (
    RETURN,
    STACK,
    STATUS_BYTES,
    Frame,
    MessageType,
    Status,
    command_data,
    parse_status,
)
from hardware.acceptors.ebds.link import Link, Reply
from hardware.acceptors.ebds.profiles import MEI_SC, USA, Profile, Table
from hardware.acceptors.ebds.queries import Interrogation, contradiction
from hardware.acceptors.ebds.watch import Watch
from hardware.acceptors.escrow import lapse_ms, undecided

DEGRADED_MS = 1_000
LOST_MS = 5_000
CONNECT_MS_MAX = 60_000  # a device that answers is ready by then; its power-up has a limit of its own

RESET_DATA = bytes([0x7F, 0x7F, 0x7F])
RESET_REST_MS = 1_000
RESET_POLL_MS = 1_000
RESET_MS_MAX = 15_000

NEVER_MS = 1 << 62


class EbdsCodec:
    """One acceptor. `table` is what its note types are worth by configuration, `toggle` the last one used before.

    A note of a type outside `table`, or that nobody enabled, is escrowed as channel 0.
    """

    def __init__(self, profile: Profile = MEI_SC, table: Table = USA, toggle: int | None = None) -> None:
        self._profile = profile
        self._table = dict(table)
        self._link = Link(toggle)
        self._watch = Watch(frozenset(table), profile)
        self._interrogation = Interrogation(profile)
        self._wanted: frozenset[int] = frozenset()
        self._reports: set[int] = set()  # not durable yet
        self._reset_wanted = False
        self._idle_wanted = False  # Disable was ordered: Idle counts from the first poll that says so
        self._open = False
        self._connected = False
        self._lost = True
        self._wrong = ""
        self._asking = False  # the frame sent is a query
        self._may_ask = False
        self._good = 0  # new-toggle replies since the line was opened or lost
        self._first = True  # no reply at all since this object was made
        self._last_good_ms = 0
        self._opened_ms = 0  # or powered up: connecting is timed from here
        self._status = Status()
        self._answer: Frame | None = None  # the reply to the present toggle
        self._withheld: NoteEscrowed | None = None

    @property
    def toggle(self) -> int:
        """The acknowledge toggle of the frame sent last: to be kept outside the process and given to the next one."""
        return self._link.toggle

    def degraded(self, now_ms: int) -> bool:
        """Return whether the device has been silent for a second or more."""
        return self._open and now_ms - self._last_good_ms >= DEGRADED_MS

    # What the driver calls

    def line_opened(self, now_ms: int) -> None:
        self._link.opened(now_ms)
        self._open, self._lost = True, False
        self._last_good_ms = self._opened_ms = now_ms
        self._begin()

    def feed(self, data: bytes, now_ms: int) -> list[Event]:
        if not self._open:
            return []
        return self._frames(self._link.receive(data), now_ms)

    def tick(self, now_ms: int) -> tuple[bytes, list[Event]]:
        if not self._open:
            return b"", []
        events: list[Event] = []
        if self._link.overdue(now_ms):
            events += self._frames(self._link.flush(), now_ms)
        if self._link.overdue(now_ms):
            self._unanswered()
        events += self._lapse(now_ms)
        data = self._link.send(now_ms, self._content)
        if data and self._reset_sent(data):
            self._rest(now_ms)
        return data, events

    def due_ms(self) -> int:
        if not self._open:
            return NEVER_MS
        due = [self._link.due_ms()]
        if not self._lost:
            due.append(self._last_good_ms + LOST_MS)
            if not self._connected:
                due.append(max(self._last_good_ms + 1, self._opened_ms + CONNECT_MS_MAX))
        return min(*due, lapse_ms(self._watch.held))

    def command(self, command: Command) -> None:
        match command:
            case Enable(channels):
                self._wanted = channels
            case Disable():
                self._wanted = frozenset()
                self._idle_wanted = True
            case Acknowledge(report):
                self._reports.discard(report)
                self._link.held = bool(self._reports)
            case Reset():
                self._reset_wanted = True
                if self._lost:
                    self._link.renew()  # a silent device never brings the new toggle that a frame waits for
            case ReturnNote(escrow):
                self._decide(escrow, RETURN)
            case StackNote(escrow):
                self._decide(escrow, STACK)
            case PayOut():
                raise Refused("it pays nothing out")

    def _decide(self, escrow: int, decision: int) -> None:
        undecided(self._watch.held, escrow).decision = decision
        self._link.hurry()

    # Replies

    def _frames(self, frames: Iterable[bytes], now_ms: int) -> list[Event]:
        return [event for raw in frames for event in self._reply(raw, now_ms)]

    def _reply(self, raw: bytes, now_ms: int) -> list[Event]:
        kind, frame = self._link.take(raw, now_ms)
        if kind is Reply.NONE:
            return []
        if self._lost:  # it has as long as any other to get ready
            self._lost, self._opened_ms = False, now_ms
        self._last_good_ms = now_ms
        if kind is Reply.REPEATED and not self._restarted_behind(frame):
            return []
        if kind is Reply.FRESH:
            self._good += 1
        return self._fresh(frame, now_ms)

    def _restarted_behind(self, frame: Frame) -> bool:
        """Return whether a reply to a toggle already answered is none of the device's memory: it has restarted."""
        status = self._status_in(frame)
        return frame != self._answer and status is not None and self._watch.restarted(status)

    def _fresh(self, frame: Frame, now_ms: int) -> list[Event]:
        self._answer = frame
        if self._asking:
            self._interrogation.take(frame)
            self._asking = False
        events: list[Event] = []
        status = self._status_in(frame)
        self._may_ask = status is not None and frame.type == MessageType.REPLY
        if status is not None:
            self._status = status
            enabled = bool(self._wanted) and not self._wrong
            events = self._watch.observe(status, now_ms, self._good >= 2, enabled, self._first)
            self._first = False
            self._note(events)
        return self._connect(events, now_ms)

    def _status_in(self, frame: Frame) -> Status | None:
        """Return the status a reply carries. Some devices leave it out of extended replies: six zeros."""
        data = frame.data
        if frame.type == MessageType.EXTENDED:
            data = data[1:]
            if not any(data[:STATUS_BYTES]):
                return None
        elif frame.type != MessageType.REPLY:
            return None
        return parse_status(data, self._profile.ignored) if len(data) >= STATUS_BYTES else None

    def _note(self, events: list[Event]) -> None:
        """Hold the toggle for what must become durable; a power-up means that the device is to be asked anew."""
        for event in events:
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
                self._reports.add(event.report)
            elif isinstance(event, PoweredUp):
                self._disconnect()
        self._link.held = bool(self._reports)

    def _disconnect(self) -> None:
        self._connected = self._asking = self._may_ask = False
        self._wanted = frozenset()
        self._withheld = None
        self._interrogation.restart()

    def _begin(self) -> None:
        self._good = 0
        self._watch.lost()
        self._disconnect()

    # Connecting

    def _connect(self, events: list[Event], now_ms: int) -> list[Event]:
        """Report Connected before the note that it finds in escrow, except in power-up, where the note comes first."""
        if self._connected:
            return events
        if not self._status.power_up:
            events = self._withhold(events)
        if not (self._resting() and self._interrogation.done):
            return events
        identity = self._interrogation.identity(self._status)
        self._connected = True
        self._watch.count_idle_anew()  # the layer above waits for an Idle of its own
        self._wrong = contradiction(identity, self._table)
        events.append(Connected(identity, self._watch.held is not None))
        if self._wrong:
            events.append(Fault("wrong_table", self._wrong))
        if self._withheld and self._watch.held and self._watch.held.escrow == self._withheld.escrow:
            self._watch.held.since_ms = now_ms
            events.append(self._withheld)
        self._withheld = None
        return events

    def _withhold(self, events: list[Event]) -> list[Event]:
        for event in events:
            if isinstance(event, NoteEscrowed):
                self._withheld = event
        return [event for event in events if not isinstance(event, NoteEscrowed)]

    def _resting(self) -> bool:
        return self._good >= 2 and not self._status.power_up and not self._status.in_motion

    # Sending

    def _content(self) -> tuple[MessageType, bytes]:
        """Return type and DATA of a frame with a new toggle."""
        self._asking = False
        if self._reset_wanted:
            self._reset_wanted = False
            return MessageType.AUXILIARY, RESET_DATA
        command = self._command_data()
        if self._may_ask and self._resting() and not self._interrogation.done:
            self._asking = True
            return self._interrogation.ask(command)
        return MessageType.COMMAND, command

    def _command_data(self) -> bytes:
        channels = self._wanted if self._connected and not self._wrong else frozenset()
        if self._idle_wanted and not channels:
            self._idle_wanted = False
            self._watch.count_idle_anew()
        held = self._watch.held
        return command_data(channels, held.decision if held else 0)

    def _unanswered(self) -> None:
        self._link.unanswered()
        if self._asking and self._interrogation.missed():
            # A poll before the next question: a late answer to this one must not pass for the answer to that one.
            self._asking = self._may_ask = False
            self._link.renew()

    @staticmethod
    def _reset_sent(data: bytes) -> bool:
        return data[3:-2] == RESET_DATA

    def _rest(self, now_ms: int) -> None:
        """After a reset the device is deaf for a second and may need fifteen (section 4)."""
        self._link.rest(now_ms + RESET_REST_MS, RESET_POLL_MS)
        self._last_good_ms = now_ms + RESET_MS_MAX - LOST_MS
        self._begin()

    # Time alone

    def _lapse(self, now_ms: int) -> list[Event]:
        held = self._watch.held
        if held and now_ms >= lapse_ms(held):
            held.decision = RETURN
        reason = "" if self._lost else self._silence(now_ms) or self._slowness(now_ms)
        if not reason:
            return []
        self._lost = True
        self._begin()
        self._link.renew()
        return [Lost(reason)]

    def _silence(self, now_ms: int) -> str:
        if now_ms < self._last_good_ms + LOST_MS:
            return ""
        if self._link.echoes:
            return "only its own echo answers"
        return "what answers does not speak EBDS" if self._link.strange else f"no reply for {LOST_MS // 1000} s"

    def _slowness(self, now_ms: int) -> str:
        """Return why a device that answers is given up, "" while it may still connect."""
        if self._connected or self._status.power_up or self._reports:
            self._opened_ms = now_ms
        if now_ms < self._opened_ms + CONNECT_MS_MAX:
            return ""
        return f"it answers but is not ready after {CONNECT_MS_MAX // 1000} s"
