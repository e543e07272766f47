"""The host's side of SSP and eSSP, as `contract.Codec` (sheet sections 4, 6, 9, 10 and 12).

A POLL after a note was told to be in escrow stacks it, so HOLD is said instead until the note is decided. A reply with
the end of a note is acknowledged by the next command (under POLL WITH ACK by EVENT ACK, which then is the next); until
`Acknowledge` the frame is repeated as it is, and the device repeats its reply.

A reply that got lost with the line is asked for again with its own flag, before SYNC would make the device forget it.
"""

import os

from hardware.acceptors.contract import (
    Acknowledge,
    Cashbox,
    Command,
    Connected,
    Disable,
    Enable,
    Event,
    Fault,
    Idle,
    Lost,
    NoteEscrowed,
    NotePaidOut,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    PayOut,
    PayoutEnded,
    PoweredUp,
    Refused,
    Reset,
    ReturnNote,
    StackNote,
)
from hardware.acceptors.escrow import lapse_ms, undecided
from hardware.acceptors.ssp.acks import Acks
from hardware.acceptors.ssp.enabling import Enabling
from hardware.acceptors.ssp.events import Code, Told, read_events
from hardware.acceptors.ssp.frames import Frame
from hardware.acceptors.ssp.link import POLL_MS, Kind, Link
from hardware.acceptors.ssp.opening import Opening
from hardware.acceptors.ssp.payout import Payout
from hardware.acceptors.ssp.profiles import NV, Profile
from hardware.acceptors.ssp.secrecy import FACTORY_KEY, Entropy
from hardware.acceptors.ssp.setup import USA, Table, contradiction
from hardware.acceptors.ssp.watch import RETURN, STACK, UNTIL_CLEARED, Held, Watch
from hardware.acceptors.ssp.words import Command as Word
from hardware.acceptors.ssp.words import Reply

LOST_MS = 5_000
LOST_MOVING_MS = 20_000  # twenty tries while a note may be moving
CONNECT_MS_MAX = 60_000
HOLD_MS = 500
RESET_REST_MS = 2_000
RESET_MS_MAX = 20_000
CASSETTE_AWAY_MS = 600_000  # and the device is started anew, which tells of a cassette that is not there
GOOD_POLLS = 3  # before Connected; a power-up that left nothing in the path is over by then
REFUSED_POLLS = 50  # after which a device that would not be enabled is tried again
KEY_RETRIES = 5  # replies that cannot be believed, before keys are made anew

NEVER_MS = 1 << 62
REPORTS = (NoteStacked, NoteReturned, NoteRejected, NotePaidOut, PayoutEnded, Cashbox)


class SspCodec:
    """One note device at `address`. `table` is what its channels are worth by configuration.

    `memory` is what the codec before this one kept outside the process. `key` is the fixed half of the key. `stored`
    are the channels that a recycler keeps to pay out. A note of a channel outside `table`, or that nobody enabled, is
    escrowed as channel 0.
    """

    def __init__(
        self,
        profile: Profile = NV,
        table: Table = USA,
        memory: int | None = None,
        *,
        key: bytes = FACTORY_KEY,
        stored: frozenset[int] = frozenset(),
        address: int = 0,
        entropy: Entropy = os.urandom,
    ) -> None:
        self._profile = profile
        self._table = dict(table)
        self._link = Link(memory, entropy, address)
        self._opening = Opening(profile, key, stored, self._table, entropy)
        self._numbers = 0
        self._watch = Watch(self._table, stored if profile.pays_out else frozenset(), self._number)
        self._payout = Payout(self._table, self._number)
        self._enabling = Enabling()
        self._reports: set[int] = set()  # not durable yet
        self._acks = Acks()
        self._probing = False
        self._first = True  # no poll reply at all since this object was made
        self._reset_wanted = False
        self._away_since_ms: int | None = None  # the cassette
        self._idle_wanted = False
        self._open = False
        self._lost = True
        self._connected = False
        self._serial = ""
        self._wrong = ""
        self._good = 0
        self._answer = b""  # to the frame sent last
        self._last_good_ms = 0
        self._opened_ms = 0

    @property
    def memory(self) -> int:
        """What is to be kept outside the process, before each write, and given to the next codec."""
        return self._link.memory

    # What the driver calls

    def line_opened(self, now_ms: int) -> None:
        self._link.opened(now_ms)
        self._open, self._lost = True, False
        self._last_good_ms = self._opened_ms = now_ms
        self._begin()

    def feed(self, data: bytes, now_ms: int) -> list[Event]:
        if not self._open:
            return []
        return [event for frame in self._link.receive(data) for event in self._reply(frame, now_ms)]

    def tick(self, now_ms: int) -> tuple[bytes, list[Event]]:
        if not self._open:
            return b"", []
        if self._link.overdue(now_ms):
            self._unanswered(now_ms)
        events = self._lapse(now_ms)
        data = self._link.send(now_ms, lambda: self._content(now_ms))
        if data and self._link.asked == bytes([Word.RESET]):
            self._rest(now_ms)
        return data, events

    def due_ms(self) -> int:
        if not self._open:
            return NEVER_MS
        due = [self._link.due_ms()]
        if not self._lost:
            due.append(self._last_good_ms + self._patience_ms)
            if not self._connected:
                due.append(max(self._last_good_ms + 1, self._opened_ms + CONNECT_MS_MAX))
        return min(*due, lapse_ms(self._watch.held))

    def command(self, command: Command) -> None:
        match command:
            case Enable(channels):
                self._enabling.wanted = channels
                self._link.hurry()
            case Disable():
                self._enabling.wanted = frozenset()
                self._idle_wanted = True
                self._watch.count_idle_anew()
                self._link.hurry()
            case Acknowledge(report):
                self._reports.discard(report)
                self._link.held = bool(self._reports)
            case Reset():
                self._reset_wanted = True
                if self._lost:
                    self._link.renew()
            case ReturnNote(escrow):
                self._decide(escrow, RETURN)
            case StackNote(escrow):
                self._decide(escrow, STACK)
            case PayOut():
                self._pay_out(command)

    def _decide(self, escrow: int, decision: int) -> None:
        undecided(self._watch.held, escrow).decision = decision
        self._link.hurry()

    def _pay_out(self, command: PayOut) -> None:
        if not self._connected or self._wrong:
            raise Refused("it is not ready")
        if self._watch.held is not None or self._watch.moving:
            raise Refused("a note is being taken in")
        self._payout.start(command)
        self._link.hurry()

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    # Replies

    def _reply(self, frame: Frame, now_ms: int) -> list[Event]:
        heard = self._link.take(frame, now_ms)
        if heard.kind is Kind.NONE:
            return []
        if self._lost:  # it has as long as any other to get ready
            self._lost, self._opened_ms = False, now_ms
        self._last_good_ms = now_ms
        if heard.kind is Kind.REPEATED and not self._restarted_behind(heard.data):
            return []
        self._answer = heard.data
        events = self._fresh(heard.data, now_ms)
        for event in events:
            if isinstance(event, REPORTS):
                self._reports.add(event.report)
        self._link.held = bool(self._reports)
        return events

    def _restarted_behind(self, data: bytes) -> bool:
        """Return whether one more reply to an answered poll is none of the device's memory: it has restarted."""
        if not data or data == self._answer or data[0] != Reply.OK or self._link.asked != bytes([Word.POLL]):
            return False
        told, _ = self._read(data)
        return any(event.code == Code.SLAVE_RESET for event in told)

    def _fresh(self, data: bytes, now_ms: int) -> list[Event]:
        """What a reply to the command sent last means."""
        asked = self._link.asked
        if self._probing:
            return self._late(data, now_ms)
        if data[0] == Reply.NO_KEY:
            return self._key_lost()
        if data[0] == Reply.SOFTWARE_ERROR:
            self._reset_wanted = not self._watch.faults.get("failure")  # once
            return self._watch.fault("failure", "software error")
        if asked[0] in (Word.POLL, Word.POLL_WITH_ACK):
            return self._polled(data, now_ms)
        if not self._opening.done:
            return self._opened(data, now_ms)
        match asked[0]:
            case Word.HOLD if data[0] != Reply.OK:
                self._watch.gone()
            case Word.REJECT:
                self._rejected(data)
            case Word.EVENT_ACK:
                self._acks.answered()
            case Word.SET_INHIBITS | Word.ENABLE | Word.DISABLE:
                return self._switched(asked, data, now_ms)
            case Word.GET_ALL_LEVELS | Word.PAYOUT_BY_DENOMINATION:
                if asked[0] == Word.PAYOUT_BY_DENOMINATION and data[0] == Reply.OK:
                    self._acks.answered()  # what it tells from here on is of this payout
                return self._payout.answered(asked, data, now_ms)
        return []

    def _late(self, data: bytes, now_ms: int) -> list[Event]:
        """The reply of some time ago, asked for once more; or to the HOLD that asked, if that poll never arrived."""
        self._probing = False
        if data[0] != Reply.OK:
            return []
        told, _ = self._read(data)
        replay, self._first = self._first, False
        events = self._watch.late(told, now_ms, replay)
        if any(isinstance(event, PoweredUp) for event in events):
            self._disconnect()
        return events

    def _read(self, data: bytes) -> tuple[list[Told], str]:
        setup = self._opening.setup
        return read_events(data[1:], self._opening.version, bool(setup and setup.pays_out))

    def _polled(self, data: bytes, now_ms: int) -> list[Event]:
        if data[0] != Reply.OK:
            if data[0] == Reply.UNKNOWN_COMMAND:
                self._acks.known = False
            return []
        told, problem = self._read(data)
        if self._link.asked[0] == Word.POLL_WITH_ACK:
            told = self._acks.unheard(told)
        wanted = self._enabling.wanted if self._connected and not self._wrong else frozenset()
        replay = self._first and bool(self._link.session)
        self._first = False
        events = self._watch.observe(told, problem, now_ms, wanted, replay)
        events += self._payout.told(told, now_ms, replay)
        self._enabling.heard(self._watch.disabled, now_ms)
        self._look_for_cassette(told, now_ms)
        return self._powered_up(events) or self._connect(events, told, now_ms)

    def _look_for_cassette(self, told: list[Told], now_ms: int) -> None:
        """That it is back is told once (E4) and may be lost: ask by a start, with nothing under way or to be told."""
        if "cassette_removed" not in self._watch.faults:
            self._away_since_ms = None
        elif self._away_since_ms is None or any(event.code == Code.CASHBOX_REMOVED for event in told):
            self._away_since_ms = now_ms
        elif now_ms >= self._away_since_ms + CASSETTE_AWAY_MS and self._connected and self._at_rest():
            self._away_since_ms = now_ms
            self._reset_wanted = True

    def _at_rest(self) -> bool:
        return self._watch.quiet and not (self._reports or self._acks.due or self._payout.busy)

    def _rejected(self, data: bytes) -> None:
        """A note that is not there any more is moving. If REJECT is not possible now, HOLD tells which it is."""
        held = self._watch.held
        if data[0] == Reply.OK:
            self._watch.gone()
        elif held is not None:
            held.unsure = True

    def _switched(self, asked: bytes, data: bytes, now_ms: int) -> list[Event]:
        self._enabling.answered(asked, data[0] == Reply.OK, now_ms)
        if asked[0] == Word.DISABLE:
            self._idle_again()
        if self._enabling.refusals >= 3:
            return self._watch.fault("out_of_service", "it cannot be enabled", REFUSED_POLLS)
        return []

    def _idle_again(self) -> None:
        if self._idle_wanted and not self._enabling.wanted:
            self._idle_wanted = False
            self._watch.count_idle_anew()

    # The opening

    def _begin(self) -> None:
        """Nothing is known of the device any more."""
        self._watch.lost()
        self._payout.lost()
        self._disconnect()
        self._opening.begin()
        self._link.session = None
        self._probing = self._link.undelivered and not self._link.held
        if self._probing:
            self._link.ask_again(bytes([Word.HOLD]))
        elif not self._link.held:
            self._link.renew()

    def _disconnect(self) -> None:
        self._connected = self._acks.due = False
        self._good = 0
        self._enabling.forget()

    def _key_lost(self) -> list[Event]:
        """It wants a key: it has none any more, or never had."""
        if self._profile.encryption == "never":
            return self._give_up("it wants encryption, which is configured off")
        self._watch.lost()
        self._payout.lost()
        self._disconnect()
        self._link.session = None
        self._opening.key_lost()
        return []

    def _opened(self, data: bytes, now_ms: int) -> list[Event]:
        self._opening.take(data)
        if self._opening.session is not None and self._link.session is None:
            self._link.session = self._opening.session
        if self._opening.failed:
            return self._give_up(self._opening.failed)
        if not self._opening.done:
            return []
        serial = self._opening.identity().serial
        if serial != self._serial:
            self._serial = serial
            self._watch.another_device()
        if not self._opening.escrowed:
            return []
        # A poll would stack the note: it is decided first, and the polls come after.
        return [*self._announce(), self._watch.found(now_ms)]

    def _powered_up(self, events: list[Event]) -> list[Event]:
        """Ask the device anew after a restart; what else its reply told stays told."""
        if not any(isinstance(event, PoweredUp) for event in events):
            return []
        due = self._acks.due
        self._disconnect()
        self._acks.due = due
        self._opening.device_restarted()
        return events

    def _connect(self, events: list[Event], told: list[Told], now_ms: int) -> list[Event]:
        """Report Connected before a note in escrow."""
        if self._connected:
            return events
        escrowed = any(isinstance(event, NoteEscrowed) for event in events)
        calm = not any(event.code == Code.INITIALISING for event in told)
        self._good = self._good + 1 if calm else 0
        if self._good < GOOD_POLLS and not escrowed:
            return [event for event in events if not isinstance(event, Idle)]
        notes = [event for event in events if isinstance(event, NoteEscrowed)]
        others = [event for event in events if not isinstance(event, (NoteEscrowed, Idle))]
        if self._watch.held:
            self._watch.held.since_ms = now_ms
        return [*others, *self._announce(bool(notes)), *notes]

    def _announce(self, escrowed: bool = True) -> list[Event]:
        self._connected = True
        self._watch.count_idle_anew()
        identity = self._opening.identity()
        self._wrong = contradiction(identity.table, self._table)
        events: list[Event] = [Connected(identity, escrowed)]
        if self._wrong:
            events.append(Fault("wrong_table", self._wrong))
        if self._opening.complaint:
            events += self._watch.fault("out_of_service", self._opening.complaint, UNTIL_CLEARED)
        else:
            events += self._watch.clear("out_of_service")
        if self._profile.pays_out and self._opening.setup and self._opening.setup.pays_out:
            self._payout.connected()
        return events

    # Sending

    def _content(self, now_ms: int) -> tuple[bytes, int]:
        """Return a new command, and the time until the one after it."""
        self._probing = False
        if self._reset_wanted:
            self._reset_wanted = False
            return bytes([Word.RESET]), 0
        if self._acks.due and self._link.session is not None:
            self._acks.due = False
            return bytes([Word.EVENT_ACK]), 0
        if not self._opening.done:
            return self._opening.ask(), 0
        held = self._watch.held
        if held is not None and self._connected:
            return self._about(held)
        if self._connected:
            command = self._enabling.ask(frozenset() if self._wrong else self._enabling.wanted, now_ms)
            command = command or self._payout.ask(now_ms)
            if command:
                return command, 0
            self._idle_again()
        return self._poll()

    def _about(self, held: Held) -> tuple[bytes, int]:
        """What is said while a note is in escrow: only the decision ends the HOLDs."""
        if held.unsure or not held.decision:
            held.unsure = False
            return bytes([Word.HOLD]), HOLD_MS if not held.decision else 0
        if held.decision == RETURN:
            return bytes([Word.REJECT]), 0
        self._watch.accepted()
        return self._poll()

    def _poll(self) -> tuple[bytes, int]:
        acked = self._link.session is not None and self._acks.known
        return bytes([Word.POLL_WITH_ACK if acked else Word.POLL]), POLL_MS

    def _unanswered(self, now_ms: int) -> None:
        self._link.unanswered(now_ms)
        if self._link.session is not None and self._link.illegible >= KEY_RETRIES:
            self._key_lost()
            self._link.renew()

    def _rest(self, now_ms: int) -> None:
        """After a reset the device is away for a second and may need twenty (section 4)."""
        self._link.rest(now_ms + RESET_REST_MS)
        self._last_good_ms = now_ms + RESET_MS_MAX - LOST_MS
        self._watch.lost()
        self._payout.lost()
        self._disconnect()
        self._opening.begin()
        self._link.session = None

    # Time alone

    @property
    def _patience_ms(self) -> int:
        return LOST_MOVING_MS if self._watch.moving else LOST_MS

    def _lapse(self, now_ms: int) -> list[Event]:
        held = self._watch.held
        if held and now_ms >= lapse_ms(held):
            held.decision = RETURN
        if self._lost:
            return []
        reason = self._silence(now_ms) or self._slowness(now_ms)
        return self._give_up(reason) if reason else []

    def _give_up(self, reason: str) -> list[Event]:
        self._lost = True
        self._begin()
        return [Lost(reason)]

    def _silence(self, now_ms: int) -> str:
        if now_ms < self._last_good_ms + self._patience_ms:
            return ""
        if self._link.echoes:
            return "only its own echo answers"
        if self._link.strange:
            return "what answers does not speak SSP"
        return f"no reply for {self._patience_ms // 1000} s"

    def _slowness(self, now_ms: int) -> str:
        """Return why a device that answers is given up, "" while it may still connect."""
        if self._connected or self._reports:
            self._opened_ms = now_ms
        if now_ms < self._opened_ms + CONNECT_MS_MAX:
            return ""
        return f"it answers but is not ready after {CONNECT_MS_MAX // 1000} s"
