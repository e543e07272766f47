"""The host's side of CCNET, as `contract.Codec` (sheet sections 4, 5, 9, 10 and 11).

Opening: polls, and what they say is booked before anything else is sent. A device that powers up gets RESET, one that
runs is disabled, a note in its escrow goes back; at rest it is interrogated, and then it is Connected. A power-up later
on goes the same way.

The ACK of a report is sent once `Acknowledge` has come, if that is within 10 ms; else the report is left to be said
again. From the decision to stack a note until its report is durable no other note is taken: the device is disabled.
"""

from collections.abc import Iterable

from hardware.acceptors.ccnet.frames import ACK, ILLEGAL, NAK, Code, State, channels_in, enable_data, read_state
from hardware.acceptors.ccnet.link import Link, Reply
from hardware.acceptors.ccnet.queries import ANSWER_MS, USA, Interrogation, Table, contradiction
from hardware.acceptors.ccnet.watch import FAULTS, FRESH, HOLDS, Watch
from hardware.acceptors.contract import (
    Acknowledge,
    Command,
    Connected,
    Disable,
    Enable,
    Event,
    Fault,
    Lost,
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
from hardware.acceptors.escrow import lapse_ms, undecided

DEGRADED_MS = 1_000
LOST_MS = 5_000
CONNECT_MS_MAX = 60_000  # a device that answers is ready by then; its power-up has a limit of its own
HOLD_MS = 4_000  # sent so often while a note waits for a decision
AGAIN_MS = 500  # before a command that had no effect is repeated
RESET_MS = 5_000  # until a device has left its power-up state after RESET, and is forgiven silence
JAM_RESET_MS = 2_000  # a jam gets one RESET
STUCK_MS = 30_000  # a pause or an alarm that does not end gets one, too
BUSY_MS_MAX = LOST_MS
CHECKS_MAX = 3

NEVER_MS = 1 << 62
_STUCK = {State.JAMMED: JAM_RESET_MS, State.CASSETTE_JAMMED: JAM_RESET_MS, State.PAUSE: STUCK_MS}
_STUCK |= {State.CHEATED: STUCK_MS}
_MAY_DISABLE = frozenset({State.IDLING, State.ACCEPTING, State.STACKING, State.DISABLED})
_MAY_ENABLE = frozenset({State.IDLING, State.DISABLED})
_UNREPORTED = "a note was to be stacked, and the device does not say what became of it"
_EVERY_REPORT = (NoteStacked, NoteReturned, NoteRejected)


class CcnetCodec:
    """One acceptor. `table` is what its bill types are worth by configuration; record 0 of its own table is channel 1.

    A note of a type outside `table`, or that nobody enabled, is escrowed as channel 0.
    """

    def __init__(self, table: Table = USA) -> None:
        self._table = dict(table)
        self._link = Link()
        self._watch = Watch(frozenset(table))
        self._interrogation = Interrogation()
        self._wanted: frozenset[int] = frozenset()
        self._reports: set[int] = set()  # not durable yet
        self._stacked: set[int] = set()  # ... those of them that are money
        self._mask: frozenset[int] | None = None  # what the device has taken; None if that is not known
        self._asked_mask: frozenset[int] = frozenset()
        self._decided: tuple[int, Code] | None = None  # what was sent last about a note in escrow
        self._mask_ms = self._decided_ms = self._hold_ms = 0  # when these may be sent (again)
        self._check = 0  # how often the device is still asked what it has enabled
        self._reset_ms = self._resetting_ms = 0  # when it may be sent (again), and until when the last one takes
        self._reset_wanted = self._jam_reset = False
        self._open = self._connected = False
        self._lost = True
        self._wrong = ""
        self._fresh = False  # the last exchange was a poll: its state may be acted on
        self._good = 0  # polls answered since the line was opened or lost
        self._last_good_ms = self._opened_ms = self._now_ms = 0

    def degraded(self, now_ms: int) -> bool:
        """Return whether the device has been silent for a second or more."""
        return self._open and now_ms - self._last_good_ms >= DEGRADED_MS

    # What the driver calls

    def line_opened(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._link.opened(now_ms)
        self._open, self._lost = True, False
        self._last_good_ms = self._opened_ms = now_ms
        self._begin()

    def feed(self, data: bytes, now_ms: int) -> list[Event]:
        self._now_ms = now_ms
        return self._frames(self._link.receive(data, now_ms), now_ms) if self._open else []

    def tick(self, now_ms: int) -> tuple[bytes, list[Event]]:
        self._now_ms = now_ms
        if not self._open:
            return b"", []
        events: list[Event] = []
        if self._link.broken(now_ms):
            events += self._frames(self._link.flush(), now_ms)
            if not events and (again := self._link.refuse(now_ms)):
                return again, events
        if self._link.overdue(now_ms):
            self._unanswered(now_ms)
        events += self._lapse(now_ms)
        return self._link.courtesy(now_ms) or self._next(now_ms), events

    def due_ms(self) -> int:
        if not self._open:
            return NEVER_MS
        due = [self._link.due_ms(bool(self._request(self._now_ms)))]
        if not self._lost:
            due.append(self._last_good_ms + LOST_MS)
            if not self._connected:
                due.append(max(self._last_good_ms + 1, self._opened_ms + CONNECT_MS_MAX))
        return min(*due, lapse_ms(self._watch.held))

    def command(self, command: Command) -> None:
        match command:
            case Enable(channels):
                self._wanted = channels & self._table.keys()
            case Disable():
                self._wanted = frozenset()
                self._watch.count_idle_anew()
            case Acknowledge(report):
                self._reports.discard(report)
                self._stacked.discard(report)
                self._link.held = bool(self._reports)
            case Reset():
                self._reset_wanted = True
            case ReturnNote(escrow):
                undecided(self._watch.held, escrow).decision = Code.RETURN
            case StackNote(escrow):
                undecided(self._watch.held, escrow).decision = Code.STACK
                self._watch.stack()
            case PayOut():
                raise Refused("it pays nothing out")

    # Replies

    def _frames(self, frames: Iterable[bytes], now_ms: int) -> list[Event]:
        return [event for raw in frames for event in self._frame(raw, now_ms)]

    def _frame(self, raw: bytes, now_ms: int) -> list[Event]:
        kind, data = self._link.take(raw, now_ms)
        if kind is Reply.NONE:
            return []
        if self._lost:  # it has as long as any other to get ready
            self._lost, self._opened_ms = False, now_ms
        self._last_good_ms = max(self._last_good_ms, now_ms)
        asked = self._link.asked
        if kind is Reply.ANSWER and self._fits(asked, data):
            self._link.answered(data, now_ms)
            return self._answer(asked, data, now_ms)
        if kind is Reply.ANSWER:
            self._link.strayed()
        return self._observe(data, now_ms)  # late, and in order all the same

    def _fits(self, asked: int, data: bytes) -> bool:
        """Return whether `data` can be the answer; a reply does not say to what it is one."""
        if asked == Code.POLL:
            return data in (NAK, ILLEGAL) or (len(data) in (1, 2) and data[:1] != ACK)
        if asked == Code.GET_STATUS:
            return data in (NAK, ILLEGAL) or len(data) in (6, 9)
        if asked in (Code.IDENTIFICATION, Code.GET_BILL_TABLE):
            return data == NAK or self._interrogation.fits(asked, data)
        return data in (ACK, NAK, ILLEGAL)

    def _answer(self, asked: int, data: bytes, now_ms: int) -> list[Event]:
        self._fresh = False
        match asked:
            case Code.POLL:
                return self._observe(data, now_ms)
            case Code.IDENTIFICATION | Code.GET_BILL_TABLE:
                self._interrogation.missed() if data == NAK else self._interrogation.take(data)
            case Code.GET_STATUS:
                self._checked(data)
            case Code.ENABLE_BILL_TYPES if data == ACK:
                self._mask = self._asked_mask
                self._check = self._check if self._mask else 0
            case Code.RESET if data == ACK:
                self._reset_wanted, self._jam_reset = False, True
                self._reset_ms = now_ms + RESET_MS
                self._last_good_ms = now_ms + RESET_MS - LOST_MS
        return []

    def _observe(self, data: bytes, now_ms: int) -> list[Event]:
        status = read_state(data)
        if status is None:
            return []
        self._good += 1
        self._fresh = not self._link.asked
        events = self._watch.observe(status, now_ms, self._connected, bool(self._wanted) and not self._wrong)
        for event in events:
            if isinstance(event, _EVERY_REPORT):
                self._reports.add(event.report)
                if isinstance(event, NoteStacked):
                    self._stacked.add(event.report)
            elif isinstance(event, PoweredUp):
                self._disconnect()
                self._opened_ms = now_ms
                if self._good > 1:  # else the line is new: a GX on USB drops its port at RESET
                    self._resetting_ms = 0
                self._reset_ms = self._resetting_ms
        self._link.held = bool(self._reports)
        if "jammed" not in self._watch.faults:
            self._jam_reset = False
        if status.code == State.BUSY and not self._link.asked:
            self._wait(min((status.extra or 0) * 100, BUSY_MS_MAX), now_ms)
        return events + self._connect()

    def _wait(self, ms: int, now_ms: int) -> None:
        """It is busy for so long, and is asked nothing before."""
        self._link.poll_ms = max(self._link.poll_ms, now_ms + ms)
        self._last_good_ms = max(self._last_good_ms, now_ms + ms)

    def _checked(self, data: bytes) -> None:
        """It says which types it has enabled: if these are others than ordered, order once more."""
        self._check -= 1
        if len(data) >= 6 and self._check > 0 and channels_in(data[:3]) != self._mask:
            self._mask, self._mask_ms = None, 0
        else:
            self._check = 0

    # Connecting

    def _begin(self) -> None:
        self._good = 0
        self._fresh = False
        self._watch.lost()
        self._disconnect()

    def _disconnect(self) -> None:
        self._connected = False
        self._wanted = frozenset()
        self._mask, self._mask_ms, self._check = None, 0, 0
        self._interrogation.restart()

    def _connect(self) -> list[Event]:
        if self._connected or self._good < 2 or not self._asleep() or self._interrogation.question:
            return []
        identity = self._interrogation.identity()
        self._connected = True
        self._watch.count_idle_anew()  # the layer above waits for an Idle of its own
        self._wrong = contradiction(identity, self._table)
        events: list[Event] = [Connected(identity)]
        return [*events, Fault("wrong_table", self._wrong)] if self._wrong else events

    def _asleep(self) -> bool:
        """Return whether it takes no notes and may be asked who it is: disabled, or in a fault."""
        state = self._watch.state
        return state is not None and (state.code == State.DISABLED or state.code in FAULTS)

    # Sending

    def _next(self, now_ms: int) -> bytes:
        if not self._link.free(now_ms):
            return b""
        data = self._request(now_ms)
        if data:
            self._sent(data, now_ms)
            slow = data[0] in (Code.IDENTIFICATION, Code.GET_BILL_TABLE)
            return self._link.ask(data, now_ms, ANSWER_MS if slow else 0)
        if now_ms < self._link.poll_ms:
            return b""
        return self._link.ask(bytes([Code.POLL]), now_ms)

    def _sent(self, data: bytes, now_ms: int) -> None:
        self._fresh = False
        match data[0]:
            case Code.RESET:
                self._reset_ms, self._resetting_ms = now_ms + AGAIN_MS, now_ms + RESET_MS
            case Code.STACK | Code.RETURN:
                self._decided, self._decided_ms = self._decision(), now_ms + AGAIN_MS
            case Code.HOLD:
                self._hold_ms = now_ms + HOLD_MS
            case Code.ENABLE_BILL_TYPES:
                self._asked_mask, self._mask, self._mask_ms = self._target(), None, now_ms + AGAIN_MS
                self._check = self._check or CHECKS_MAX

    def _request(self, now_ms: int) -> bytes:
        """Return the command that the last state calls for, b"" if it is a poll's turn. Changes nothing."""
        state = self._watch.state
        if state is None and self._lost and self._reset_wanted:
            return bytes([Code.RESET])
        if state is None or not self._fresh or state.code == State.BUSY:
            return b""
        wishes = (self._reset_due(state.code, now_ms), self._about_escrow(state.code, now_ms))
        code = next((code for code in wishes if code), None)
        if code:
            return bytes([code])
        if self._mask_due(state.code, now_ms):
            return enable_data(self._target())
        question = self._interrogation.question
        if question and not self._connected and self._asleep() and not self._reports:
            return bytes([question])
        if self._check and self._mask and state.code == State.IDLING:
            return bytes([Code.GET_STATUS])
        return b""

    def _reset_due(self, code: int, now_ms: int) -> Code | None:
        """A blind RESET destroys what the device has not told yet, or moves a note."""
        if self._reports or now_ms < self._reset_ms:
            return None
        stuck = code in _STUCK and self._watch.lasted_ms(now_ms) >= _STUCK[State(code)]
        once = stuck and not (self._jam_reset and "jammed" in self._watch.faults)
        ordered = self._reset_wanted and (self._watch.rests() or stuck)
        return Code.RESET if code in FRESH or once or ordered else None

    def _about_escrow(self, code: int, now_ms: int) -> Code | None:
        held = self._watch.held
        if code not in HOLDS:
            return None
        if held is None or held.decision:  # found before anybody above could decide: no payment is open (section 9.1)
            decision = self._decision()
            return decision[1] if decision != self._decided or now_ms >= self._decided_ms else None
        return Code.HOLD if now_ms >= max(held.since_ms + HOLD_MS, self._hold_ms) else None

    def _decision(self) -> tuple[int, Code]:
        """Return which note is to go where."""
        held = self._watch.held
        return (held.escrow, Code(held.decision)) if held else (0, Code.RETURN)

    def _target(self) -> frozenset[int]:
        """Return what is to be enabled now."""
        busy = self._watch.stacking is not None or bool(self._stacked)
        return frozenset() if busy or self._wrong or not self._connected else self._wanted

    def _mask_due(self, code: int, now_ms: int) -> bool:
        """Types are switched only while no note waits in escrow (section 9, rule 8)."""
        target = self._target()
        if code not in (_MAY_ENABLE if target else _MAY_DISABLE):
            return False
        if target == self._asked_mask and now_ms < self._mask_ms:
            return False
        if code == (State.DISABLED if target else State.IDLING):  # unasked, or as we found it
            return True
        return self._mask != target and not (code == State.DISABLED and self._mask is None)

    def _unanswered(self, now_ms: int) -> None:
        if self._link.asked in (Code.IDENTIFICATION, Code.GET_BILL_TABLE):
            self._interrogation.missed()
        elif self._link.asked == Code.GET_STATUS:
            self._check -= 1
        self._link.unanswered(now_ms)

    # Time alone

    def _lapse(self, now_ms: int) -> list[Event]:
        held = self._watch.held
        if held and now_ms >= lapse_ms(held):
            held.decision = Code.RETURN
        reason = "" if self._lost else self._silence(now_ms) or self._slowness(now_ms)
        if self._watch.unreported:
            reason = _UNREPORTED
        if not reason:
            return []
        self._lost = True
        self._begin()
        return [Lost(reason)]

    def _silence(self, now_ms: int) -> str:
        if now_ms < self._last_good_ms + LOST_MS:
            return ""
        if self._link.echoes:
            return "only its own echo answers"
        return "what answers does not speak CCNET" if self._link.strange else f"no reply for {LOST_MS // 1000} s"

    def _slowness(self, now_ms: int) -> str:
        """Return why a device that answers is given up, "" while it may still connect."""
        if self._connected or self._watch.powering_up or self._reports:
            self._opened_ms = now_ms
        if now_ms < self._opened_ms + CONNECT_MS_MAX:
            return ""
        return f"it answers but is not ready after {CONNECT_MS_MAX // 1000} s"
