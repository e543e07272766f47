"""The engine's loop: take an event, decide, commit, apply, and only then act (architecture, rules 2 and 3)."""

from dataclasses import replace
from typing import Protocol

from kiosk.brain import commands, events
from kiosk.brain.decide import Decision, decide, settle
from kiosk.brain.snapshot import snapshot
from kiosk.brain.state import State
from kiosk.domain.facts import Fact, PaymentCompleted
from kiosk.domain.snapshot import Snapshot
from kiosk.engine.clock import Clock
from kiosk.engine.inbox import Inbox, Job, Timers, Told
from kiosk.engine.storage import AMPLE, Storage
from kiosk.engine.upkeep import Upkeep
from kiosk.journal.record import Moment as Stamp
from kiosk.journal.record import Record
from kiosk.journal.store import Journal

BEAT_MS = 1_000  # the loop turns at least this often
CHECKPOINT_AFTER_MS = 5_000
CHECKPOINT_SYNCS = 3


class Hands(Protocol):
    """Carries out the brain's commands; one method a command would only repeat commands.py."""

    def carry_out(self, command: commands.Command, state: State, records: list[Record]) -> None: ...

    def publish(self, picture: Snapshot) -> None: ...

    def committed(self, records: list[Record]) -> None: ...

    def beat(self, now_ms: int) -> None: ...


class Engine:
    """Owns the state and the journal. `run` returns after the brain ordered Exit; anything unexpected raises.

    Without `upkeep` it folds and checks its journal and prunes nothing. Without `storage` nobody looks after the
    medium's room; a commit that fails is fatal all the same.
    """

    def __init__(
        self,
        state: State,
        journal: Journal,
        clock: Clock,
        inbox: Inbox,
        hands: Hands,
        upkeep: Upkeep | None = None,
        storage: Storage | None = None,
    ) -> None:
        self.state = state
        self.journal = journal
        self._clock = clock
        self._inbox = inbox
        self._hands = hands
        self._storage = storage or Storage(lambda: AMPLE, lambda: None)
        self._timers = Timers()
        self._revision = 0
        self._picture: Snapshot | None = None
        self._unposted_receipts: dict[int, str] = {}
        self._quiet_since_ms: int | None = clock.mono_ms()
        self._upkeep = upkeep or Upkeep(journal)
        self._exit = False

    def run(self, reason: str) -> None:
        """Start with `reason` ("boot" or "restart") and go on until told to stop."""
        self.begin(reason)
        while self.step():
            pass

    def begin(self, reason: str) -> None:
        """Settle what lay open (rule 4). Comes before the first step."""
        self.turn(Told(events.Started, {"reason": reason}))

    def step(self) -> bool:
        """Do the next thing: a timer that is due, else what comes in within a beat. Return False when it is over."""
        if self._exit:
            return False
        now = self._clock.mono_ms()
        self._hands.beat(now)
        self._tidy(now)
        health = self._storage.look(now)
        if health is not None:
            # Before anything that came in during a slow commit: no note is stacked on a medium just found slow.
            self.turn(Told(events.HealthChanged, {"health": health}))
            return True
        name = self._timers.pop_due(now)
        if name is not None:
            self.turn(Told(events.TimerFired, {"name": name}))
            return True
        item = self._inbox.take(self._timers.wait_ms(now, BEAT_MS))
        if isinstance(item, Job):
            item.run()
        elif item is not None:
            self.turn(item)
        elif self.state.books.note is None:
            self._storage.rest(self._clock.mono_ms)
        return True

    def turn(self, told: Told) -> None:
        """One event, from decision to effect."""
        moment = self._clock.moment()
        decision = decide(self.state, told.kind(moment=moment, **told.values))
        records = self._commit(decision.facts, moment)
        self.state = self._settled(decision)
        for command in decision.commands:
            self._act(command, records)
        if records:
            self._hands.committed(records)
            self._quiet_since_ms = moment.mono_ms
        self._show()

    def _commit(self, facts: tuple[Fact, ...], moment: events.Moment) -> list[Record]:
        if not facts:
            return []
        stamped = [(fact, self._stamp(moment)) for fact in facts]
        began_ms = self._clock.mono_ms()
        records = self.journal.append(stamped)
        self._storage.took(self._clock.mono_ms() - began_ms)
        for fact, record in zip(facts, records, strict=True):
            if isinstance(fact, PaymentCompleted):
                self._unposted_receipts[record.seq] = fact.receipt_number
        return records

    def _stamp(self, moment: events.Moment) -> Stamp:
        entry_id = self._clock.fresh_id()
        return Stamp(entry_id, moment.utc, moment.clock_state, self._clock.boot_id, moment.mono_ms)

    def _settled(self, decision: Decision) -> State:
        state = settle(self.state, decision)
        return replace(state, devices=replace(state.devices, records=self.journal.head.seq))

    def _act(self, command: commands.Command, records: list[Record]) -> None:
        if isinstance(command, commands.SetTimer):
            self._timers.set(command.name, self._clock.mono_ms() + command.after_ms)
        elif isinstance(command, commands.CancelTimer):
            self._timers.cancel(command.name)
        elif isinstance(command, commands.Exit):
            self._exit = True
        else:
            self._hands.carry_out(command, self.state, records)

    def _show(self) -> None:
        """Publish the picture if it is another one than before."""
        picture = snapshot(self.state, self._revision)
        if self._picture is None or picture != self._picture:
            self._revision += 1
            self._picture = replace(picture, revision=self._revision)
            self._hands.publish(self._picture)

    def acknowledged(self, seq: int) -> None:
        """The server holds our records up to `seq`: tell the brain which receipts that means, and how many are left."""
        receipts = tuple(number for at, number in self._unposted_receipts.items() if at <= seq)
        self._unposted_receipts = {at: number for at, number in self._unposted_receipts.items() if at > seq}
        unposted = self.journal.head.seq - seq
        self.turn(Told(events.Acknowledged, {"receipts": receipts, "unposted": unposted}))

    def _tidy(self, now_ms: int) -> None:
        """When nothing has happened for a while and nobody is here: checkpoint, then the upkeep of the journal."""
        if self.state.books.session_id or self._storage.slow:
            return
        if self._quiet_since_ms is None:
            told = self._upkeep.step(now_ms, self.state.books)
            if told is not None:
                self.turn(told)
        elif now_ms - self._quiet_since_ms > CHECKPOINT_AFTER_MS:
            self._checkpoint()
            self._quiet_since_ms = None

    def _checkpoint(self) -> None:
        began_ms = self._clock.mono_ms()
        self.journal.checkpoint(lambda: self._hands.beat(self._clock.mono_ms()))
        self._storage.took((self._clock.mono_ms() - began_ms) // CHECKPOINT_SYNCS)
