"""The kiosk's process: the shipped brain, engine, journal, codec, hands and posting, driven in virtual time.

It stands in for the queue between threads: when the engine waits for its next event, the world goes on until there is
one. The process can die at any *moment*: before an event is taken, around each commit, before each command leaves.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from hardware.acceptors.contract import Command as DeviceCommand
from hardware.acceptors.contract import Event as DeviceEvent
from hardware.transport.conversation import Refused
from kiosk.brain import commands, events
from kiosk.brain.state import Scene, State
from kiosk.domain import facts as f
from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import DeviceHealth, Snapshot
from kiosk.engine.acceptor import refusal, translate
from kiosk.engine.city import City
from kiosk.engine.clock import SystemClock
from kiosk.engine.engine import Engine
from kiosk.engine.frames import FrameRing
from kiosk.engine.hands import KioskHands
from kiosk.engine.history import believes, read_history
from kiosk.engine.inbox import Inbox, Job, Told
from kiosk.engine.papers import Papers
from kiosk.engine.storage import Storage, probe
from kiosk.engine.upkeep import Upkeep
from kiosk.journal.record import Moment as Stamp
from kiosk.journal.record import Record
from kiosk.journal.store import Journal
from kiosk.scanning.matching import match
from kiosk.scanning.outcome import Match
from tests.simulation.checks import CheckLine
from tests.simulation.residents import PIN, SECOND_PIN
from tests.simulation.timeline import FOREVER_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.world import World

POSTER_EVERY_MS = 1
DYING = ("process", "power")
STAFF = {PIN: "Dana", SECOND_PIN: "Lee"}


class Killed(Exception):
    """The process died. `power`: with the whole machine."""

    def __init__(self, power: bool) -> None:
        super().__init__("power" if power else "process")
        self.power = power


class Host(Inbox):
    """One life of the process, from its start to its death."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self.world = world
        self.picture: Snapshot | None = None
        self.looks = "off"
        self._queue_: deque[Told | Job] = deque()
        self._held: list[Told | Job] | None = None
        self._alive = True
        self._screen = ""
        machine = world.machine
        self.journal = Journal.open(
            world.journal_path,
            key=world.who.key,
            kiosk_id=world.who.enrolment.kiosk_id,
            epoch=world.who.enrolment.epoch,
            nonce=world.who.enrolment.nonce,
            server_key=world.who.enrolment.pinned_server_key(),
            medium=world.disk.medium,
            believe=believes,
        )
        world.host = self  # from here on the world can see it
        world.watch.reopened(self.journal)
        history = read_history(self.journal)
        self.clock = SystemClock(world.who.enrolment.time_zone, machine=machine)  # type: ignore[arg-type]
        if history.last_time:
            self.clock.not_before(history.last_time)
        enrolled = world.who.enrolment
        self.city = City(
            world.config,
            enrolled.epoch,
            self.journal,
            world.network,
            self.clock,
            self,
            fraction=world.chance_of("poster").random,
            aside=self._aside,
        )
        self.poster_due_ms = machine.mono_ms()
        self._ring = FrameRing()
        self.codec = world.slot.acceptor.codec(machine.kept)
        self.card = world.till.terminal.line(self, world.till) if world.till is not None else None
        self.checks = CheckLine(self, world.checks) if world.checks is not None else None
        hands = _Hands(
            inbox=self,
            clock=self.clock,
            acceptor=self,
            printer=world.printer,  # type: ignore[arg-type]
            papers=Papers(world.config, enrolled.kiosk_id, enrolled.epoch, enrolled.time_zone),
            city=self.city,
            screen=self,  # type: ignore[arg-type]
            reader=self,  # type: ignore[arg-type]
            staff=(),
            watchdog=self,  # type: ignore[arg-type]
            period_opened_seq=history.period_opened_seq,
            terminal=self.card,  # type: ignore[arg-type]
            check_reader=self.checks,  # type: ignore[arg-type]
            journal=self.journal,
        )
        hands.host = self
        state = State(world.settings, history.books, Scene(language=world.settings.language))
        mortal: Any = _MortalJournal(self.journal, self)
        upkeep = Upkeep(self.journal, history, fold_every=world.fold_every)
        storage = Storage(world.room, partial(probe, world.disk.folder, world.disk.medium))
        self.engine = Engine(state, mortal, self.clock, self, hands, upkeep, storage)
        self.city._engine = self.engine  # the poster has no thread here: `serve` makes its steps

    def start(self) -> None:
        """Settle what lay open, and let devices and server speak."""
        world = self.world
        self.engine.begin("boot" if self.journal.head.seq == 0 else "restart")
        world.printer.plugged_into(self)
        self.tell(events.HealthChanged, health=DeviceHealth("scanner", "ready"))
        if world.plugged:
            self.codec.line_opened(world.machine.mono_ms())
        else:
            self.tell(events.AcceptorLost, reason="the port is gone")
        if self.card is not None:
            self.card.start()
        if self.checks is not None:
            self.checks.start()

    def moment(self, name: str) -> None:
        """The process may die here."""
        self.world.moment(name)

    def die(self) -> None:
        """Nothing that was on its way to this process reaches it."""
        self._alive = False
        self._queue_.clear()

    # Inbox: the engine waits, time passes

    def tell(self, kind: type[events.Event], **values: Any) -> None:
        self._put(Told(kind, values))

    def job(self, run: Callable[[], None]) -> None:
        self._put(Job(run))

    def _put(self, item: Told | Job) -> None:
        if self._held is not None:
            self._held.append(item)
        elif self._alive:
            self._queue_.append(item)

    def take(self, timeout_ms: int) -> Told | Job | None:
        if not self._queue_:
            self.world.pass_time(timeout_ms)
        if not self._queue_:
            self.moment("waiting")
            return None
        item = self._queue_[0]
        self.moment("job" if isinstance(item, Job) else f"event {item.kind.__name__}")
        return self._queue_.popleft()

    @property
    def alive(self) -> bool:
        return self._alive

    @property
    def busy(self) -> bool:
        return bool(self._queue_)

    # The poster's thread and those of its questions

    @contextmanager
    def _answered_later(self) -> "Iterator[None]":
        """What is told inside arrives when the network has answered; what is told without a question, at once."""
        self._held, self.world.network.lag_ms = [], 0
        try:
            yield
        finally:
            told, self._held = self._held, None
            lag_ms = self.world.network.lag_ms
            if lag_ms:
                self.world.timeline.after(lag_ms, lambda: [self._put(item) for item in told])
            else:
                self._queue_.extend(told)

    def _aside(self, ask: Callable[[], None]) -> None:
        with self._answered_later():
            ask()

    def serve(self) -> None:
        """Let the other threads do what is due: the acceptor's and the poster's."""
        now = self.world.machine.mono_ms()
        if self.world.plugged and self.codec.due_ms() <= now:
            self._converse(now)
        if self.card is not None:
            self.card.serve()
        if self.checks is not None:
            self.checks.serve()
        if self.poster_due_ms <= now or (self.city.poster.woken and not self._posting(now)):
            with self._answered_later():
                due_s = self.city.poster.step()
            self._busy_until_ms = now + self.world.network.lag_ms
            self.poster_due_ms = max(int(due_s * 1000) + 1, self._busy_until_ms, now + POSTER_EVERY_MS)

    _busy_until_ms = 0

    def _posting(self, now: int) -> bool:
        return now < self._busy_until_ms

    def due_ms(self) -> int:
        """Return when, in the world's time, one of them wants to do something."""
        mono = self.world.machine.mono_ms()
        due = self.poster_due_ms
        if self.city.poster.woken:
            due = min(due, max(mono, self._busy_until_ms))
        if self.world.plugged:
            due = min(due, self.codec.due_ms())
        if self.card is not None:
            due = min(due, self.card.due_ms() or due)
        if self.checks is not None:
            due = min(due, self.checks.due_ms())
        return self.world.timeline.now_ms + max(0, due - mono) if due < FOREVER_MS else FOREVER_MS

    # The acceptor's thread

    def submit(self, command: DeviceCommand) -> None:
        try:
            self.codec.command(command)
        except Refused as refused:
            told = refusal(command, refused)
            if told is not None:
                self.tell(told[0], **told[1])

    def _converse(self, now: int) -> None:
        data, heard = self.codec.tick(now)
        self._hear(heard)
        if data:
            self.world.machine.kept = self.world.slot.acceptor.keep(self.codec)
            self._ring.hear("out", data, now)
            for answer in self.world.slot.exchange(data):
                self._ring.hear("in", answer, now)
                self._hear(self.codec.feed(answer, now))

    def frames(self) -> tuple[f.FrameSeen, ...]:
        return self._ring.frames()

    def _hear(self, heard: list[DeviceEvent]) -> None:
        for event in heard:
            kind, values = translate(event)
            self.tell(kind, **values)

    def cable(self, plugged: bool) -> None:
        if plugged:
            self.codec.line_opened(self.world.machine.mono_ms())
        else:
            self.tell(events.AcceptorLost, reason="the port is gone")

    # The screen's and the reader's ends, and the watchdog

    def publish(self, picture: Snapshot) -> None:
        self.picture = picture
        self.world.watch.shown(picture)

    def beat(self, now_ms: int) -> None:
        del now_ms
        state = "ready" if self.world.screen_lit else "lost"
        if state != self._screen:
            self._screen = state
            self.tell(events.HealthChanged, health=DeviceHealth("screen", state))

    def look(self, mode: str) -> None:
        self.looks = mode

    def touch(self, name: str, value: str = "") -> None:
        self.tell(events.IntentReceived, intent=Intent(name, value))

    def read(self, payload: str) -> None:
        """The reader read this from a bill."""
        found = match(payload, "code128", self.world.profiles)
        if isinstance(found, Match):
            self.tell(events.BillScanned, reference=found.reference)
        else:
            self.tell(events.ScanRefused, code=found.code)


class _Hands(KioskHands):
    """The shipped hands; the process may die before each command, and PINs are not hashed."""

    host: Host

    def carry_out(self, command: commands.Command, state: State, records: list[Record]) -> None:
        self.host.moment(f"command {type(command).__name__}")
        self.host.world.watch.ordered(command, state)
        super().carry_out(command, state, records)

    def _check_pin(self, command: commands.CheckPin, state: State, records: list[Record]) -> None:
        del state, records
        self.inbox.tell(events.PinChecked, request=command.request, who=STAFF.get(command.pin, ""))


class _MortalJournal:
    """The real journal; the process may die before and after each commit."""

    def __init__(self, journal: Journal, host: Host) -> None:
        self._journal = journal
        self._host = host

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def append(self, decided: Sequence[tuple[f.Fact, Stamp]]) -> list[Record]:
        kinds = "+".join(type(fact).__name__ for fact, _ in decided)
        self._host.moment(f"before {kinds}")
        records = self._journal.append(decided)
        self._host.world.watch.committed(records)
        self._host.moment(f"after {kinds}")
        return records
