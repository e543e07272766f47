"""The host's side of ID-003 in polled mode, as `contract.Codec` (sheet sections 6 to 9).

Opening: the status is polled; nothing is believed before an answer that cannot be an echo of ours. A device that
powers up is asked who it is, then RESET, and set up while it initialises. One that was running is not reset: what it
holds comes first, and it is asked and set up at rest. Then it is Connected. A power-up later on goes the same way.

Acknowledge is the host's ACK 50 of VEND VALID: until the report is durable the device is only polled, and waits.
"""

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
from hardware.acceptors.escrow import lapse_ms, undecided
from hardware.acceptors.id003 import frames
from hardware.acceptors.id003.currency import USA, Table
from hardware.acceptors.id003.frames import FAULTS, INHIBIT_READ, POWER_UPS, RESTING, SETTINGS, Answer, Frame, Status
from hardware.acceptors.id003.link import Link
from hardware.acceptors.id003.queries import Interrogation
from hardware.acceptors.id003.settings import Settings
from hardware.acceptors.id003.watch import Watch

LOST_MS = 5_000
SEARCH_MS = 1_000  # between two polls to a device that is lost
CONNECT_MS_MAX = 60_000  # a device that answers is ready by then; its power-up has a limit of its own
HOLD_MS = 2_000  # restarts that limit, should this device's be a shorter one
PROOF_MS = 2_000  # between two questions to a device at rest whose answer cannot be an echo
RESET_MS_MAX = 15_000  # it may be silent for so long after RESET
RESET_AGAIN_MS = 2_000  # ... or not have heard it
FAULT_RESET_MS = 10_000  # a fault may not end by itself when its cause is gone
FAULT_RESET_AGAIN_MS = 30_000
DUMB_POLLS = 15  # without an answer after an acknowledged VEND VALID: only RESET brings such a unit back
SILENT_RESET_MS = 60_000  # ... and one that an earlier run left so

NEVER_MS = 1 << 62

_STATUSES = frozenset(Status)
_HELD = frozenset({Status.ESCROW, Status.HOLDING})
_SETTABLE = RESTING | {Status.INITIALIZE}
_STUCK = FAULTS.keys() | {Status.CHEATED}  # some leave these only by RESET
_REPORTS = (NoteStacked, NoteReturned, NoteRejected)
_DECISIONS = {"stack": frames.Command.STACK_2, "return": frames.Command.RETURN}


class Id003Codec:
    """One acceptor. `table` is what its channels are worth by configuration, `stacking` what an earlier run left.

    A note of a channel outside `table`, or that nobody enabled, is escrowed as channel 0.
    """

    def __init__(self, table: Table = USA, stacking: int = 0) -> None:
        self._table = dict(table)
        self._link = Link()
        self._watch = Watch(frozenset(table), stacking)
        self._interrogation = Interrogation()
        self._settings = Settings()
        self._wanted: frozenset[int] = frozenset()
        self._reports: set[int] = set()  # not durable yet
        self._open = False
        self._connected = False
        self._lost = True
        self._wrong = ""
        self._first = True  # no status at all since this object was made
        self._believed = False  # something was heard since the line was opened that is no echo
        self._reset_wanted = False
        self._stack = frames.Command.STACK_2
        self._stack_refused = False  # once, and it is not known yet why
        self._setting_sent: Frame | None = None
        self._status: int | None = None  # the last one
        self._fresh = False  # it was asked for after the last order
        self._stale = False  # the last frame was refused or not answered: a status comes before anything else
        self._silent = 0  # frames without an answer in a row
        self._silent_ms = 0  # nothing was heard since
        self._missed = False  # a question had no answer; it counts when the device answers something else
        self._opened_ms = self._last_good_ms = self._proof_ms = 0  # opened or powered up: connecting is timed from here
        self._deaf_until_ms = 0  # after RESET
        self._hold_ms = self._reset_ms = self._fault_ms = 0

    @property
    def stacking(self) -> int:
        """The channel that STACK was sent for, 0 if none: to be kept outside the process, and given to the next one."""
        return self._watch.stacking

    # What the driver calls

    def line_opened(self, now_ms: int) -> None:
        self._link.opened(now_ms)
        self._open, self._lost = True, False
        self._last_good_ms = self._opened_ms = now_ms
        self._deaf_until_ms = 0
        self._silent_ms = self._silent_ms or now_ms
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
        if not self._link.may_send(now_ms):
            return b"", events
        return self._link.send(self._next(now_ms), now_ms), events

    def due_ms(self) -> int:
        if not self._open:
            return NEVER_MS
        due = [self._link.due_ms()]
        if not self._lost:
            due.append(self._lost_ms())
            if not self._connected:
                due.append(max(self._last_good_ms + 1, self._opened_ms + CONNECT_MS_MAX))
        return min(*due, lapse_ms(self._watch.held))

    def command(self, command: Command) -> None:
        match command:
            case Enable(channels):
                self._wanted = channels
                if channels:
                    self._watch.notes_wanted()
            case Disable():
                self._wanted = frozenset()
                self._watch.count_idle_anew()
            case Acknowledge(report):
                self._reports.discard(report)
                if report == self._watch.vend:
                    self._link.hurry()
            case Reset():
                self._reset_wanted = True
            case ReturnNote(escrow):
                self._decide(escrow, "return")
            case StackNote(escrow):
                self._decide(escrow, "stack")
            case PayOut():
                raise Refused("it pays nothing out")

    def _decide(self, escrow: int, decision: str) -> None:
        undecided(self._watch.held, escrow).decision = decision
        self._link.hurry()

    # Answers

    def _frames(self, heard: list[Frame], now_ms: int) -> list[Event]:
        return [event for frame in heard for event in self._answer(frame, now_ms)]

    def _answer(self, frame: Frame, now_ms: int) -> list[Event]:
        sent = self._link.sent
        if sent is None:
            return []
        if self._link.is_echo(frame):
            self._link.echoes += 1
            self._link.answered(now_ms, more=False)
            self._stale = True
            return []
        if frame in (sent, self._setting_sent):  # IDLE, or a setting: taken for what it says, and may be an echo
            self._silent = 0
        else:
            self._heard(now_ms)
        status_asked = self._link.waiting and sent.code == frames.Command.STATUS
        self._link.answered(now_ms, more=self._has_more(frame))
        self._stale = self._stale and not (status_asked and frame.code in _STATUSES)
        if frame.code in SETTINGS:
            self._setting_echo(frame)
        elif frame.code in (frames.Command.VERSION, frames.Command.CURRENCY, frames.Command.SERIAL):
            self._interrogation.take(frame)
        elif frame.code == Answer.INVALID_COMMAND:
            self._refusal(sent)
        elif frame.code in _STATUSES and self._believed:
            return self._take_status(frame, status_asked, now_ms)
        return self._connect(now_ms)

    def _heard(self, now_ms: int) -> None:
        """Something came that the device alone can have said."""
        self._last_good_ms = self._proof_ms = now_ms
        if self._lost:
            self._lost, self._opened_ms = False, now_ms
        self._believed = True
        self._silent = self._link.echoes = 0
        self._silent_ms = now_ms
        self._watch.proven()

    @staticmethod
    def _has_more(frame: Frame) -> bool:
        """Return whether the next frame need not wait: not after a status, or what is no answer to anything."""
        return frame.code not in _STATUSES and frame.code != Answer.COMMUNICATION_ERROR

    def _setting_echo(self, frame: Frame) -> None:
        if frame == self._setting_sent:
            self._settings.confirm(frame)
            self._setting_sent = None

    def _refusal(self, sent: Frame) -> None:
        """Refused now, or done already and the answer lost: the next status tells."""
        self._stale = True
        if sent.code in SETTINGS:
            self._settings.refused(sent.code)
        elif sent.code in (frames.Command.VERSION, frames.Command.CURRENCY, frames.Command.SERIAL):
            self._interrogation.missed()
        elif sent.code == frames.Command.STACK_2:
            self._stack_refused = True

    def _take_status(self, frame: Frame, asked: bool, now_ms: int) -> list[Event]:
        status = frame.code
        if status != self._status:
            self._changed(status, now_ms)
        if self._missed:
            self._missed = False
            self._interrogation.missed()
        self._status, self._fresh, self._deaf_until_ms = status, asked, 0
        if self._fresh and self._stack_refused:  # while it still holds the note: it knows only STACK-1
            self._stack = frames.Command.STACK_1 if status in _HELD else self._stack
            self._stack_refused = False
        self._link.slow = status in POWER_UPS or status == Status.INITIALIZE
        if status in RESTING and self._connected:
            self._settings.observe(status == Status.IDLING)
        wanted = self._wanted if self._connected and not self._wrong else frozenset()
        # A device that was told to take nothing and still idles has not been told.
        counts = status == Status.DISABLED or bool(wanted) or not self._connected
        events = self._watch.observe(status, frame.data, now_ms, wanted, self._first, counts)
        self._first = False
        for event in events:
            if isinstance(event, _REPORTS):
                self._reports.add(event.report)
            elif isinstance(event, PoweredUp):
                self._disconnect()
                self._opened_ms = now_ms
        return self._connect(now_ms, self._ours(events))

    def _changed(self, status: int, now_ms: int) -> None:
        if status == Status.INITIALIZE or status in POWER_UPS:
            self._settings.restart()
            self._reset_ms = 0
        if status in _STUCK and not self._watch.faults:
            self._fault_ms = now_ms + FAULT_RESET_MS
        self._hold_ms = now_ms + HOLD_MS

    def _ours(self, events: list[Event]) -> list[Event]:
        """A note found in escrow before the device is Connected is not ours any more: it goes back unasked."""
        if self._connected:
            return events
        held = self._watch.held
        if held and not held.decision:
            held.decision = "return"
        return [event for event in events if not isinstance(event, NoteEscrowed)]

    def _disconnect(self) -> None:
        self._connected = self._missed = self._stack_refused = False
        self._wanted = frozenset()
        self._interrogation.restart()
        self._settings.restart()

    def _begin(self) -> None:
        self._status, self._fresh, self._stale, self._believed = None, False, False, False
        self._watch.lost()
        self._disconnect()

    def _connect(self, now_ms: int, events: list[Event] | None = None) -> list[Event]:
        events = events or []
        if self._connected or not self._interrogation.done or not self._ready():
            return events
        self._connected = True
        self._watch.count_idle_anew()  # the layer above waits for an Idle of its own
        self._wrong = self._interrogation.contradiction(self._table)
        events.append(Connected(self._interrogation.identity(), self._watch.held is not None))
        if self._wrong:
            events.append(Fault("wrong_table", self._wrong))
        return events

    def _ready(self) -> bool:
        """Return whether the device is set up and its path was seen empty, or it waits for a person."""
        if self._status in FAULTS:
            return True
        idling = self._status == Status.IDLING
        return self._status in RESTING and self._watch.empty and self._settings.next(frozenset(), idling) is None

    # Sending

    def _next(self, now_ms: int) -> Frame:
        """Return the frame to send now. What is ordered after an order rests on a status asked for in between."""
        frame = self._acknowledgement() or self._decision(now_ms) or self._reset(now_ms)
        if frame is None and not self._stale:
            frame = self._setting() or self._question() or self._proof(now_ms)
        if frame is None:
            return Frame(frames.Command.STATUS)
        self._fresh = False
        return frame

    def _acknowledgement(self) -> Frame | None:
        vend = self._watch.vend
        if self._fresh and self._status == Status.VEND_VALID and vend and vend not in self._reports:
            return Frame(frames.Command.ACK)
        return None

    def _decision(self, now_ms: int) -> Frame | None:
        held = self._watch.held
        if held is None or not self._fresh or self._status not in _HELD:
            return None
        if held.decision:
            if held.decision == "stack":
                self._watch.stack_sent()
                return Frame(self._stack)
            return Frame(frames.Command.RETURN)
        if now_ms >= self._hold_ms:
            self._hold_ms = now_ms + HOLD_MS
            return Frame(frames.Command.HOLD)
        return None

    def _reset(self, now_ms: int) -> Frame | None:
        """RESET after a power-up, against a fault, and for a unit that fell silent over its VEND VALID; see `_due`."""
        if self._reports or not (self._fresh or self._silent) or not self._reset_due(now_ms):
            return None
        if not self._silent:
            self._deaf_until_ms = now_ms + RESET_MS_MAX
        self._reset_wanted, self._silent, self._silent_ms = False, 0, now_ms
        self._reset_ms = now_ms + RESET_AGAIN_MS
        self._fault_ms = now_ms + FAULT_RESET_AGAIN_MS
        return Frame(frames.Command.RESET)

    def _reset_due(self, now_ms: int) -> bool:
        if self._silent:
            dumb = bool(self._watch.vend) and self._silent >= DUMB_POLLS
            return dumb or now_ms >= self._silent_ms + SILENT_RESET_MS
        if self._status in POWER_UPS:
            return self._interrogation.done and now_ms >= self._reset_ms
        return self._reset_wanted or (self._status in _STUCK and now_ms >= self._fault_ms)

    def _question(self) -> Frame | None:
        if self._interrogation.done:
            return None
        askable = self._status in _SETTABLE or self._status in POWER_UPS or self._status in FAULTS
        return self._interrogation.ask() if askable else None

    def _setting(self) -> Frame | None:
        if self._status not in _SETTABLE:
            return None
        takes = self._connected and not self._wrong and self._status != Status.INITIALIZE
        wanted = self._wanted if takes else frozenset[int]()
        frame = self._settings.next(self._interrogation.offered(wanted), self._status == Status.IDLING)
        if frame is not None:
            self._settings.sent(frame)
            self._setting_sent = frame
        return frame

    def _proof(self, now_ms: int) -> Frame | None:
        """Ask what an echo cannot answer, while the device seems to idle."""
        if not self._believed:
            return Frame(INHIBIT_READ) if self._link.sent is not None else None
        idling = self._status == Status.IDLING and self._fresh
        if idling and (self._watch.wants_proof or now_ms >= self._proof_ms + PROOF_MS):
            return Frame(INHIBIT_READ)
        return None

    def _unanswered(self) -> None:
        self._link.unanswered(SEARCH_MS if self._lost else 0)
        self._silent += 1
        self._fresh, self._stale = False, True
        sent = self._link.sent
        if sent is not None and sent.code in (frames.Command.VERSION, frames.Command.CURRENCY, frames.Command.SERIAL):
            self._missed = True

    # Time alone

    def _lapse(self, now_ms: int) -> list[Event]:
        held = self._watch.held
        if held and now_ms >= lapse_ms(held):
            held.decision = "return"
        reason = "" if self._lost else self._silence(now_ms) or self._slowness(now_ms)
        if not reason:
            return []
        self._lost = True
        self._begin()
        return [Lost(reason)]

    def _lost_ms(self) -> int:
        return max(self._last_good_ms + LOST_MS, self._deaf_until_ms)

    def _silence(self, now_ms: int) -> str:
        if now_ms < self._lost_ms():
            return ""
        if self._link.echoes:
            return "only its own echo answers"
        return "what answers does not speak ID-003" if self._link.strange else f"no reply for {LOST_MS // 1000} s"

    def _slowness(self, now_ms: int) -> str:
        """Return why a device that answers is given up, "" while it may still connect."""
        starting = self._status in POWER_UPS or self._status == Status.INITIALIZE
        if self._connected or starting or self._reports:
            self._opened_ms = now_ms
        if now_ms < self._opened_ms + CONNECT_MS_MAX:
            return ""
        return f"it answers but is not ready after {CONNECT_MS_MAX // 1000} s"
