"""A whole kiosk in virtual time: brain, engine, journal, codec and the acceptor's twin, in one thread.

The world stands in for the queue: when the engine waits for its next event, time passes here until there is one. So
the engine's own loop runs, timers included, and a run depends on nothing but its script and its seed.

The host can die at any *moment*: before each event is decided on, after each append to the journal, and before each
command leaves. What survives is the journal, the device's body and, unless the machine lost power too, the toggle.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hardware.acceptors.contract import Event as DeviceEvent
from hardware.acceptors.contract import Lost, NotInEscrow
from hardware.acceptors.ebds import PROFILES, EbdsCodec
from hardware.sim.control import Refused
from hardware.sim.ebds_device import Acceptor
from hardware.sim.ebds_parts import Settings as TwinSettings
from hardware.sim.ebds_wire import Wire
from hardware.sim.notes import Place
from hardware.transport.driver import BACKOFF_MS
from kiosk.brain import commands, events
from kiosk.brain.settings import Settings
from kiosk.brain.state import Books, State
from kiosk.domain import facts as f
from kiosk.domain.fees import FeeRule
from kiosk.domain.intents import Intent
from kiosk.domain.invoice import Account, Invoice, InvoiceReference
from kiosk.domain.snapshot import DeviceHealth, Snapshot
from kiosk.engine.acceptor import order, translate
from kiosk.engine.engine import Engine
from kiosk.engine.frames import FrameRing
from kiosk.engine.history import read_history
from kiosk.engine.inbox import Inbox, Job, Told
from kiosk.engine.storage import AMPLE, Storage
from kiosk.journal.ids import uuid7
from kiosk.journal.record import Moment as Stamp
from kiosk.journal.record import Record
from kiosk.journal.store import Journal
from tests.faults.card_end import CardEnd

SERVICE_FEE = FeeRule("card-2026", "service", date(2020, 1, 1), per_mille=28, least_minor=150)
CHANNELS = ((1, 100), (3, 500), (4, 1000), (5, 2000), (6, 5000), (7, 10000))
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BOOT_ID = "0" * 32
BEGINNING = datetime(2026, 11, 23, 19, 42, tzinfo=UTC)
STEP_MS = 100  # the longest stretch of time that passes in one piece
PRINT_MS = 1_500
ANSWER_MS = 200
OPENED: list[Journal] = []  # by any loop, and maybe closed since


class Killed(Exception):
    """The host process died."""


@dataclass
class VirtualClock:
    """Time that passes only when the loop says so; it goes on over restarts."""

    now_ms: int = 1_000
    ids: int = 0
    boot_id: str = BOOT_ID

    def mono_ms(self) -> int:
        return self.now_ms

    def fresh_id(self) -> str:
        self.ids += 1
        return uuid7(1_763_900_000_000 + self.now_ms, self.ids.to_bytes(10, "big"))

    def moment(self) -> events.Moment:
        now = BEGINNING + timedelta(milliseconds=self.now_ms)
        utc = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
        local = (now - timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%S-06:00")
        return events.Moment(self.now_ms, utc, local, "trusted", (self.fresh_id(), self.fresh_id(), self.fresh_id()))

    def not_before(self, device_time: str) -> None:
        """Virtual time never goes back."""


@dataclass
class Fate:
    """When the host dies: at the moment number `at`, counted over all its lives, or at the next one called `after`."""

    at: int | None = None
    after: str = ""
    with_power: bool = False  # the machine dies with it, and what was kept in memory
    count: int = 0
    names: list[str] = field(default_factory=list)
    watch: Callable[[str], None] = lambda name: None  # told of each moment, and of each reply before it arrives

    def moment(self, name: str) -> None:
        self.names.append(name)
        self.watch(name)
        self.count += 1
        if self.count - 1 == self.at or name == self.after:
            self.after = ""
            raise Killed(name)


class MortalJournal:
    """The real journal; `commit` is called before each append, and the host may die right after it."""

    def __init__(self, journal: Journal, fate: Fate, commit: Callable[[], None]) -> None:
        self._journal = journal
        self._fate = fate
        self._commit = commit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def append(self, decided: Sequence[tuple[f.Fact, Stamp]]) -> list[Record]:
        kinds = "+".join(type(fact).__name__ for fact, _ in decided)
        self._commit()
        records = self._journal.append(decided)
        self._fate.moment(f"after {kinds}")
        return records


class Loop(Inbox):
    """One kiosk and what is plugged into it. `step` runs the engine once; touches and troubles come between steps."""

    def __init__(
        self, folder: Path, twin: TwinSettings | None = None, settings: Settings | None = None, cards: bool = False
    ) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.card = CardEnd(self.clock.mono_ms, self.tell) if cards else None
        self.fate = Fate()
        self.device = Acceptor(twin)
        self.wire = Wire(self.device)
        self.plugged = True
        self.line_whole = True  # behind the adapter; a cut there is silence, not a lost port
        self.sent: list[bytes] = []
        self.printer = "ready"
        self.head = "same"  # what the server answers when it is asked for its head
        self.online = False
        self.commit_ms = 0  # how long a commit takes while device and codec go on
        self.room = AMPLE
        self.beats: list[int] = []  # when the watchdog was fed
        self.inserted: Counter[int] = Counter()
        self.settings = settings or Settings("City of Riverbend", "Lobby 7", "RB-07", 1, "test", CHANNELS, checks=True)
        if cards:
            self.settings = replace(self.settings, cards=True, card_fees=(SERVICE_FEE,), batch_at="23:30")
        self.picture: Snapshot | None = None
        self.prints: list[str] = []
        self.refused: list[commands.Command] = []
        self.ended = 0  # how often the brain ordered Exit
        self._folder = folder
        self._toggle: int | None = None
        self._queue_: deque[Told] = deque()
        self._later: list[tuple[int, Told]] = []
        self._open_at_ms: int | None = None  # when the driver opens the port again; None while it is open
        self._journal: Journal | None = None
        self.device.power_on()
        self.boot("boot")

    # The host's life

    def boot(self, reason: str) -> None:
        """Start the host, however often it dies while starting."""
        while True:
            try:
                self._begin(reason)
                return
            except Killed:
                reason = "restart"
                self._forget()

    def _forget(self) -> None:
        if self.fate.with_power:
            self._toggle = None

    def _begin(self, reason: str) -> None:
        if self._journal is not None:
            self._journal.close()
        self._queue_.clear()
        self._later.clear()
        self._journal = Journal.open(
            self._folder / "journal.db", key=KEY, kiosk_id="rb-07", epoch=1, nonce="0" * 64, allow_volatile=True
        )
        OPENED.append(self._journal)
        books = read_history(self._journal).books
        self.ring = FrameRing()
        self.codec = EbdsCodec(PROFILES[self.device.settings.profile], toggle=self._toggle)
        mortal: Any = MortalJournal(self._journal, self.fate, self._commit)
        self.engine = Engine(State(self.settings, books), mortal, self.clock, self, self, storage=self._storage())
        self.engine.begin(reason)
        for name in ("scanner", "screen"):
            self.health(name, "ready")
        self.health("printer", self.printer)
        self.tell(events.OnlineChanged, online=self.online)
        self._open()
        if self.card is not None:
            self.card.start()

    def kill(self, power: bool = False) -> None:
        """The host dies now. With `power` the machine forgets the toggle too."""
        if power:
            self._toggle = None
        self.boot("restart")

    def step(self) -> None:
        """Let the engine do one thing; a host that dies or ends is started again."""
        try:
            running = self.engine.step()
        except Killed:
            self._forget()
            self.boot("restart")
            return
        if not running:
            self.ended += 1
            self.boot("restart")

    def run(self, ms: int) -> None:
        """Let at least `ms` pass."""
        end_ms = self.clock.now_ms + ms
        while self.clock.now_ms < end_ms:
            self.step()

    def until(self, reached: Callable[[], object], limit_ms: int = 60_000) -> None:
        """Go on until `reached()`; fails after `limit_ms`."""
        end_ms = self.clock.now_ms + limit_ms
        while not reached():
            assert self.clock.now_ms < end_ms, f"not within {limit_ms} ms: {self.where()}"
            self.step()

    def where(self) -> str:
        state = self.engine.state
        return f"stage {state.scene.stage}, {self.device.state()}, {state.books.note}, {state.devices.faults}"

    # Inbox: the engine waits, time passes

    def tell(self, kind: type[events.Event], **values: Any) -> None:
        self._queue_.append(Told(kind, values))

    def take(self, timeout_ms: int) -> Told | Job | None:
        if not self._queue_:
            self._pass(timeout_ms)
        if not self._queue_:
            return None
        self.fate.moment(f"event {self._queue_[0].kind.__name__}")
        return self._queue_.popleft()

    def _commit(self) -> None:
        self._sync()
        self.fate.moment("before commit")

    def _storage(self) -> Storage:
        """A probe of the medium takes as long as a commit."""
        return Storage(lambda: self.room, self._sync)

    def _sync(self) -> None:
        end_ms = self.clock.now_ms + self.commit_ms
        while self.clock.now_ms < end_ms:
            self._pass(end_ms - self.clock.now_ms)

    def _pass(self, timeout_ms: int) -> None:
        now = self.clock.now_ms
        due = [now + max(1, timeout_ms), now + STEP_MS]
        due.append(max(now + 1, self.codec.due_ms() if self._open_at_ms is None else self._open_at_ms))
        due += [at for at, _ in self._later]
        if self.card is not None:
            due.append(max(now + 1, self.card.due_ms()))
        self.clock.now_ms = max(now, min(due))
        self.wire.step(self.clock.now_ms - now)
        if self.card is not None:
            self.card.serve(self.clock.now_ms - now)
        self._queue_ += [told for at, told in self._later if at <= self.clock.now_ms]
        self._later = [(at, told) for at, told in self._later if at > self.clock.now_ms]
        self._poll()

    def _poll(self) -> None:
        now = self.clock.now_ms
        if self._open_at_ms is not None and now >= self._open_at_ms:
            self._open()
        if self._open_at_ms is not None:
            return
        data, heard = self.codec.tick(now)
        self._hear(heard)
        if not data:
            return
        self._toggle = self.codec.toggle
        self.ring.hear("out", data, now)
        if not self.line_whole:
            return
        self.sent.append(data)
        place = self.device.body.place
        answers = self.wire.feed(data)
        self.fate.watch("reply")
        for answer in answers if self.plugged and self.line_whole else ():
            self.ring.hear("in", answer, now)
            self._hear(self.codec.feed(answer, now))
        if place is Place.ESCROW and self.device.body.place is Place.STACKING:
            note = self.engine.state.books.note
            assert note is not None, "STACK was on the wire without a committed request"
            assert note.value_minor == self.device.body.value_minor

    def _hear(self, heard: list[DeviceEvent]) -> None:
        for event in heard:
            kind, values = translate(event)
            self.tell(kind, **values)
            if isinstance(event, Lost):
                self._open_at_ms = self.clock.now_ms + BACKOFF_MS[-1]

    def _open(self) -> None:
        """The driver tries to open the port."""
        self._open_at_ms = None if self.plugged else self.clock.now_ms + BACKOFF_MS[-1]
        if self.plugged:
            self.codec.line_opened(self.clock.now_ms)

    # Hands

    def carry_out(self, command: commands.Command, state: State, records: list[Record]) -> None:
        del records
        self.fate.moment(f"command {type(command).__name__}")
        if isinstance(command, commands.StackNote):
            assert state.books.note is not None
            assert state.books.note.note_id == command.note_id
        if self.card is not None:
            self.card.carry_out(command)
        to_device = order(command)
        if to_device is not None:
            try:
                self.codec.command(to_device)
            except NotInEscrow:
                self.refused.append(command)
        elif isinstance(command, commands.KeepFrames):
            self.tell(events.FramesTaken, about=command.about, frames=self.ring.frames())
        elif isinstance(command, commands.PrintReceipt):
            self.prints.append(command.receipt_number)
            outcome = "confirmed" if self.printer == "ready" else "failed"
            self._soon(PRINT_MS, events.PrintFinished, job=command.job, outcome=outcome, reason="")
        elif isinstance(command, commands.CheckHead):
            self._soon(ANSWER_MS, events.HeadChecked, request=command.request, result=self.head)

    def _soon(self, after_ms: int, kind: type[events.Event], **values: Any) -> None:
        self._later.append((self.clock.now_ms + after_ms, Told(kind, values)))

    def publish(self, picture: Snapshot) -> None:
        self.picture = picture

    def committed(self, records: list[Record]) -> None:
        """Nothing is posted here."""

    def beat(self, now_ms: int) -> None:
        self.beats.append(now_ms)

    # What people do

    def health(self, name: str, state: str) -> None:
        self.tell(events.HealthChanged, health=DeviceHealth(name, state))

    def touch(self, name: str, value: str = "") -> None:
        self.tell(events.IntentReceived, intent=Intent(name, value))

    def scan(self, balance_minor: int) -> None:
        """Hold a bill to the scanner; the server knows it."""
        self.tell(events.BillScanned, reference=InvoiceReference("00004417", "riverbend", "scan", "INV1"))
        self.until(lambda: not self._queue_)
        invoice = Invoice("INV1", "utility", "Water", "2026-12-01", balance_minor)
        account = Account("tok1", "4417", "J. R.", "", "open", balance_minor, invoices=(invoice,))
        self.tell(events.AccountFound, request=self.engine.state.scene.request, account=account)

    def insert(self, value_minor: int) -> bool:
        """Push a note in; return False if the device does not take it."""
        with suppress(Refused):
            self.device.insert(value_minor)
            self.inserted[value_minor] += 1
            return True
        return False

    def pull_cable(self) -> None:
        """The port vanishes with its adapter."""
        if self.plugged:
            self.plugged = False
            if self._open_at_ms is None:
                self._open_at_ms = self.clock.now_ms + BACKOFF_MS[0]
            self.tell(events.AcceptorLost, reason="the port is gone")

    def plug_in(self) -> None:
        """The port is back and is opened; what was cut behind it is whole."""
        self.line_whole = True
        if not self.plugged:
            self.plugged = True
            self._open()

    def cut_line(self) -> None:
        """The cable behind the adapter is cut: the port stays, and nothing answers."""
        self.line_whole = False

    def repair(self) -> None:
        """Whatever is broken is whole again, and nobody stands at the kiosk."""
        self.fate.at = None
        self.commit_ms, self.room = 0, AMPLE
        self.wire.trouble = replace(self.wire.trouble, drop=0, when="", corrupt=0, echo=0, other_toggle=0, noise=b"")
        self.device.armed.clear()
        self.device.held = False
        self.printer = "ready"
        self.health("printer", "ready")
        self.health("scanner", "ready")
        self.health("screen", "ready")
        self.plug_in()
        if self.card is not None:
            self.card.mend()
        if not self.device.powered:
            self.device.power_on()
        self._free_the_path()
        if not self.device.body.cassette:
            self.device.cassette_in()

    def _free_the_path(self) -> None:
        if self.device.state() in ("jammed", "failure"):
            self.device.clear()

    # What is true

    @property
    def terminal(self) -> CardEnd:
        assert self.card is not None
        return self.card

    @property
    def screen(self) -> str:
        return self.picture.screen if self.picture else ""

    @property
    def books(self) -> Books:
        return self.engine.state.books

    @property
    def cassette_minor(self) -> int:
        return sum(value * count for value, count in self.device.body.notes.items())

    def facts(self) -> list[f.Fact]:
        """Return what the journal says, from its first record."""
        assert self._journal is not None
        return [record.envelope().fact() for record in self._journal.all_records()]

    def of(self, kind: type[Any]) -> list[Any]:
        return [fact for fact in self.facts() if isinstance(fact, kind)]

    def check(self) -> None:
        """Hold the journal against the cassette, for a kiosk at rest: not a cent lost, invented or doubled."""
        assert self._journal is not None
        assert self._journal.verify().ok
        stacked, unexpected = self.of(f.NoteStacked), self.of(f.NoteUnexpected)
        doubtful = sum(fact.value_minor for fact in self.of(f.NoteInDoubt))
        booked = sum(fact.value_minor for fact in (*stacked, *unexpected))
        assert booked <= self.cassette_minor, "money was invented or booked twice"
        assert self.cassette_minor <= booked + doubtful, "money was lost"
        paid = self.of(f.PaymentCompleted)
        by_card = sum(card.amount_minor for fact in paid for card in fact.cards if card.leg == "bill")
        assert sum(fact.total_minor for fact in paid) == sum(fact.value_minor for fact in stacked) + by_card
        if self.card is not None:
            back = sum(minor for _, minor in self.card.twin.refunded())
            assert sum(self.card.twin.standing()) - back == self.books.card_minor, "not booked as the terminal has it"
            assert self.books.card_minor == sum(card.amount_minor for fact in paid for card in fact.cards) - back
        assert [note for fact in paid for note in fact.notes] == [
            f.NoteInPayment(fact.note_id, fact.value_minor) for fact in stacked
        ], "each stacked note is evidence of one payment, once"
        assert [fact.receipt_number for fact in paid] == [f"RB-07-1-{at + 1:06d}" for at in range(len(paid))]
        assert self.books.payment is None
        assert self.books.note is None
        body = self.device.body
        assert body.returned + body.notes.total() == self.inserted.total(), "the twin itself lost a note"

    def come_to_rest(self, limit_ms: int = 400_000) -> None:
        """Repair everything and wait, untouched, until the kiosk is ready for the next person."""
        self.repair()
        self.until(lambda: not self._queue_)
        self.until(self._at_rest, limit_ms)

    def _at_rest(self) -> bool:
        self._free_the_path()  # a device may find only at its power-up that a person must see to it
        return self.screen == "attract" and not self.books.unprinted and not self.device.busy


def to_cash(loop: Loop, balance_minor: int) -> None:
    """A resident scans a bill and chooses to pay all of it in cash."""
    loop.until(lambda: loop.screen == "attract")
    loop.scan(balance_minor)
    for name in ("pay_full", "pay_again", "pay_cash"):
        loop.touch(name)


def to_card(loop: Loop, balance_minor: int) -> None:
    """A resident chooses to pay all of it by card, and the terminal waits for the card."""
    loop.scan(balance_minor)
    for name in ("pay_full", "pay_again", "pay_card", "agree_fee"):
        loop.touch(name)
    loop.until(loop.terminal.twin.customer_waits)
