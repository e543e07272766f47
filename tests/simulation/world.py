"""One world from one seed: a lobby with its residents, the kiosk and its devices, the city's server, and bad luck."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from kiosk.brain import events
from kiosk.brain.settings import Timeouts
from kiosk.config.model import CheckReader
from kiosk.domain.snapshot import Snapshot
from kiosk.engine.process import Identity, settings_of
from kiosk.engine.storage import AMPLE, Room
from kiosk.journal.errors import JournalDamaged, JournalUnwritable
from kiosk.journal.store import OPEN
from tests.simulation import faults as trouble
from tests.simulation import installation
from tests.simulation.acceptors import FAMILIES, USUAL
from tests.simulation.card_watch import CardWatch
from tests.simulation.central import Central, LedgerServer
from tests.simulation.checks import Desk
from tests.simulation.day_end import DayEnd
from tests.simulation.disk import Disk, PowerLost
from tests.simulation.host import Host, Killed
from tests.simulation.households import CHANNELS, Household, draw
from tests.simulation.machine import SimulatedMachine
from tests.simulation.network import Network
from tests.simulation.printer import SimulatedPrinter
from tests.simulation.refunds import Refunds
from tests.simulation.residents import Resident, look_at_the_recycler
from tests.simulation.server_state import SERVER_KEY
from tests.simulation.slot import Slot
from tests.simulation.terminals import TERMINALS
from tests.simulation.till import Till
from tests.simulation.timeline import Life, Timeline
from tests.simulation.violation import Violation
from tests.simulation.watch import COMMITTED, Watch

STEP_MS = 100
VISIT_MS = 22_000  # about how long one takes, for the spread of faults
ALL_TRIED_MS = 30_000  # a line says all it has to say three times, five seconds apart
REST_MS = 600_000  # within ten minutes after the last fault all is posted
_TIMEOUTS = Timeouts(idle=15_000, idle_answer=5_000, done=6_000, staff_idle=20_000, pin_lock=20_000)


class World:
    """Everything of one seed. `run` lives it to its end and raises Violation if a rule does not hold.

    `chosen` are the places in the seed's list of faults that happen, None for all: each part of the world draws from
    its own chance, so that leaving out one fault changes nothing else by itself.
    """

    def __init__(
        self,
        seed: int,
        chosen: Sequence[int] | None = None,
        trace: Callable[[str], None] | None = None,
        family: str = USUAL,
    ) -> None:
        self.seed = seed
        self._trace = trace
        chance = self.chance_of("world")
        self.timeline = Timeline()
        self.machine = SimulatedMachine(self.timeline, self.chance_of("machine"))
        self.households = draw(self.chance_of("households"), chance.choice((1, 2, 2, 3, 3, 4)))
        self.checks = Desk.of(self, family)
        if self.checks is not None:
            flags = self.chance_of("checks that came back")
            self.households = [replace(house, checks_refused=flags.random() < 0.15) for house in self.households]
        again = [chance.choice(self.households) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
        self.comers = self.households + again  # some come twice, with the same bill in hand
        self.who = Identity(installation.KIOSK_KEY, installation.enrolment())
        self.disk = Disk(self.chance_of("disk"))
        self.disk.on_sync = self._syncing
        self.journal_path = self.disk.folder / "journal.db"
        self.fold_every = chance.choice((4, 15, 1_000))  # records between two kept folds
        self.usual_sync_ms = self.sync_ms = chance.choice((0, 0, 0, 30, 250))
        terminal = TERMINALS.get(family)
        self.day_end = DayEnd(self, possible=terminal is not None and terminal.closes_batch)
        card = installation.card(self.chance_of("fee"), self.day_end.at) if terminal is not None else None
        self.config = installation.config(card)
        if self.checks is not None:
            printer = replace(self.config.printer, slip=self.chance_of("slips").random() < 0.6)
            self.config = replace(self.config, check_reader=CheckReader("/dev/checks"), printer=printer)
        self.settings = replace(settings_of(self.config, self.who.enrolment), timeouts=_TIMEOUTS)
        self.table = {channel: ("USD", value_minor) for channel, value_minor in CHANNELS.items()}
        self.profiles = installation.profiles()
        self.watch = Watch(self)
        self.slot = Slot(self, FAMILIES.get(family, FAMILIES[USUAL])(chance, self.table))
        self.printer = SimulatedPrinter(self.timeline, self.watch, self.chance_of("slips put in"))
        self.printer.sends_only = chance.random() < 0.2
        self.central: Central = self._central()
        self.network = Network(self.central, self.timeline, self.chance_of("network"))
        self.till = Till(self, terminal(self.chance_of("till"))) if terminal is not None else None
        self.card_watch = CardWatch(self)
        self.refunds = Refunds(self, possible=self.till is not None)
        self.plugged = True
        self.screen_lit = True
        self.restores = 0  # how often the server was restored
        self.repaired = False
        self._repaired_ms = 0
        self.visits = 0
        self.host: Host | None = None
        self._doom: tuple[int, bool, bool] | None = None
        self._with_device = False
        if self.till is not None and self.till.undoing:  # whose money came back comes again
            more = self.chance_of("comers of undoing")
            self.comers += [more.choice(self.households) for _ in range(more.choice((1, 2, 3)))]
        self.comers += self.refunds.more_comers()
        self.horizon_ms = VISIT_MS * len(self.comers)
        drawn = trouble.draw(self.chance_of("faults"), self.horizon_ms, cards=self.till is not None)
        drawn += trouble.draw_besides(self, self.horizon_ms)
        self.drawn = len(drawn)
        self.faults = [fault for at, fault in enumerate(drawn) if chosen is None or at in chosen]

    def _central(self) -> Central:
        """Return the server: in one world of ten all of it, else its ledger code."""
        enrolment = self.who.enrolment
        if self.seed // 2 % 10 == 0:
            from tests.simulation.django_server import DjangoServer

            return DjangoServer(self.timeline, enrolment, installation.KIOSK_KEY, self.households, self.machine.unix_s)
        kiosk = (enrolment.kiosk_id, enrolment.epoch, enrolment.nonce, installation.KIOSK_KEY.public_key())
        return LedgerServer(self.timeline, kiosk, SERVER_KEY, self.households)

    def chance_of(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/{name}")

    def trace(self, what: str) -> None:
        if self._trace is not None:
            self._trace(f"{self.timeline.now_ms / 1000:9.3f}  {what}")

    # Its course

    def run(self) -> None:
        """Live through all visits and faults, repair everything, wait, and look a last time."""
        try:
            self._boot()
            over: list[bool] = []
            self.timeline.live(self._crowd(over))
            self.day_end.live()
            self.refunds.live()
            for fault in self.faults:
                self.timeline.live(trouble.happen(self, fault))
            last_ms = max((self.day_end.until_ms, self.refunds.until_ms, *(fault.at_ms for fault in self.faults)))
            while not over or self.timeline.now_ms < last_ms:
                self.step()
            self._repair()
            self._come_to_rest()
            self.watch.at_rest()
        finally:
            self._bury()
            self.disk.close()

    def _crowd(self, over: list[bool]) -> Life:
        chance = self.chance_of("crowd")
        for at, house in enumerate(self.comers):
            yield chance.choice([0, 500, 4_000, 12_000]) + self.day_end.pause_ms() + self.refunds.pause_ms()
            self.visits += 1
            self.trace(f"-- visit {at + 1}: {house.number} owes {house.owed_minor}")
            yield from Resident(self, house, self.chance_of(f"visit {at}")).visit()
        over.append(True)

    def _come_to_rest(self) -> None:
        end_ms = self.timeline.now_ms + REST_MS
        while not self._rests() and self.timeline.now_ms < end_ms:
            self.step()  # what is still open at the end is named by the last look

    def _rests(self) -> bool:
        self.slot.free_the_path()
        books = self.watch.books
        return (
            self.host is not None
            and not self.host.busy
            and self.screen == "attract"
            and self.takes_cash
            and not self.device.busy
            and books.note is None
            and books.payment is None
            and books.attempt is None
            and books.payout is None
            and not books.unprinted
            and self._terminal_met()
            and self.day_end.over
            and not self.day_end.under_way
            and self.central.head_seq == len(self.watch.entries)
        )

    def _terminal_met(self) -> bool:
        """The terminal has answered its opening questions: what it undid by itself is told by then."""
        if self.till is None:
            return True
        tried = self.timeline.now_ms >= self._repaired_ms + ALL_TRIED_MS
        return tried and self.host is not None and self.host.engine.state.devices.terminal.state == "ready"

    def _repair(self) -> None:
        """All faults end, and nobody stands at the kiosk."""
        self.trace("== everything is repaired")
        self.repaired = True
        self._repaired_ms = self.timeline.now_ms
        self._doom = None
        self.mend_disk()
        self.empty_disk()
        self.disk.cut_at, self.disk.fail_sync = None, False
        self.slot.acceptor.mend()
        self.device.armed.clear()
        self.device.held = False
        self.machine.synchronise()
        self.network.down, self.network.serving = False, True
        self.clear_weather()
        self.screen_lit = True
        self.printer.become("ready")
        self.plug_in()
        self.put_cassette_back()
        self._device_on()
        self.slot.free_the_path()
        if self.till is not None:
            self.till.mend()
        if self.checks is not None:
            self.checks.mend()
        self.day_end.armed.clear()
        self.refunds.armed.clear()
        if self.day_end.at:
            self.timeline.live(self.day_end.last_visit())
        self.timeline.live(look_at_the_recycler(self))

    def step(self) -> None:
        """Let the engine do one thing, or time pass while there is none."""
        if self.host is None:
            self.pass_time(500)
        else:
            self._risk(self._turn)
        self.watch.after_step()

    def _turn(self) -> None:
        assert self.host is not None
        if not self.host.engine.step():
            self.trace("the engine has ended")
            self._dead(power=False, down_ms=1_000)

    def _risk(self, act: Callable[[], None]) -> None:
        """Do what the host may die of."""
        try:
            act()
        except Killed as death:
            self._dead(death.power, self._down_ms(death.power))
        except PowerLost:
            self._dead(True, self._down_ms(True))
        except JournalUnwritable as error:
            self.trace(f"journal unwritable: {error}")
            self._dead(power=False, down_ms=3_000)
        except JournalDamaged as error:
            raise Violation(COMMITTED, f"the journal is damaged: {error}") from error

    def pass_time(self, at_most_ms: int) -> None:
        """Let time pass until something wants to happen, in world and host, but for the engine."""
        line, host = self.timeline, self.host
        now = line.now_ms
        until = min(now + max(1, at_most_ms), now + STEP_MS, line.next_ms())
        if host is not None:
            until = min(until, host.due_ms())
        line.now_ms = max(now, until)
        if line.now_ms > now:
            self.slot.step(line.now_ms - now)
            if self.till is not None:
                self.till.step(line.now_ms - now)
        line.run_due()
        if host is not None and host is self.host:
            host.serve()

    # The host's life and death

    def _boot(self) -> None:
        self._risk(self._start)

    def _start(self) -> None:
        Host(self).start()

    def moment(self, name: str) -> None:
        """The host may die here, if it is its time."""
        if self._doom is None:
            return
        left, power, with_device = self._doom
        if left > 0:
            self._doom = (left - 1, power, with_device)
            return
        self._doom, self._with_device = None, with_device
        self.trace(f"the {'power goes' if power else 'process dies'} at: {name}")
        raise Killed(power)

    def doom(self, moments: int, *, power: bool, with_device: bool = False) -> None:
        self._doom = (moments, power, with_device)

    def cut_at_write(self, operations: int, *, with_device: bool) -> None:
        self.disk.cut_at = self.disk.operations + operations
        self._with_device = with_device

    def _down_ms(self, power: bool) -> int:
        chance = random.Random(f"{self.seed}/down/{self.timeline.now_ms}")
        return chance.choice([8_000, 15_000, 40_000]) if power else chance.choice([300, 1_500, 4_000])

    def _dead(self, power: bool, down_ms: int) -> None:
        self._bury()
        self._doom = None
        if power:
            self.trace(f"power is off for {down_ms} ms")
            self.disk.power_cut()
            self.watch.toggle_kept = False
            if self._with_device:
                self.device_off(down_ms)
            lost_ms = random.Random(down_ms + self.timeline.now_ms).choice([0, down_ms, 3_600_000])
            self.timeline.after(down_ms, partial(self._machine_up, lost_ms))
        else:
            self.disk.crash()
            self.timeline.after(down_ms, self._boot)
        self._with_device = False

    def _machine_up(self, lost_ms: int) -> None:
        self.machine.reboot(lost_ms)
        self.timeline.after(20_000, self.machine.synchronise)
        self._boot()

    def _bury(self) -> None:
        if self.host is not None:
            self.host.die()
        self.host = None
        OPEN.leave(self.journal_path)

    def ask_to_stop(self) -> None:
        """SIGTERM: the program ends by itself and is started again."""
        if self.host is not None:
            self.host.tell(events.StopRequested)

    def _syncing(self) -> None:
        """A sync takes its time; the rest of the world does not wait for it."""
        end_ms = self.timeline.now_ms + self.sync_ms
        while self.timeline.now_ms < end_ms:
            self.pass_time(end_ms - self.timeline.now_ms)

    # What people see and do

    @property
    def takes_fees(self) -> bool:
        return self.config.card is not None and self.config.card.fees is not None

    @property
    def device(self) -> Any:
        return self.slot.device

    @property
    def picture(self) -> Snapshot | None:
        return self.host.picture if self.host else None

    @property
    def screen(self) -> str:
        return self.picture.screen if self.picture and self.screen_lit else ""

    @property
    def takes_cash(self) -> bool:
        return bool(self.picture and self.picture.cash)

    def touch(self, name: str, value: str = "") -> None:
        if self.host is not None and self.screen_lit:
            self.trace(f"touch {name} {value}")
            self.host.touch(name, value)

    def hold_to_reader(self, payload: str) -> None:
        if self.host is not None and self.host.looks != "off":
            self.host.read(payload)

    def insert(self, value_minor: int) -> bool:
        taken = self.slot.insert(value_minor)
        self.trace(f"note of {value_minor} {'goes in' if taken else 'is not taken'}")
        return taken

    def household_of(self, reference: str) -> Household:
        return next(house for house in self.households if reference in (house.token, f"num:{house.number}"))

    # What breaks

    def pull_cable(self) -> None:
        if self.plugged:
            self.plugged = False
            if self.host is not None:
                self.host.cable(False)

    def plug_in(self) -> None:
        if not self.plugged:
            self.plugged = True
            if self.host is not None:
                self.host.cable(True)

    def device_off(self, for_ms: int) -> None:
        if self.device.powered:
            self.device.power_cut()
            self.timeline.after(for_ms, self._device_on)

    def _device_on(self) -> None:
        if not self.device.powered:
            self.device.power_on()

    def watch_device_power(self) -> None:
        """Whoever plugs the acceptor in again looks every few seconds whether it went dark."""

        def looks() -> Life:
            for _ in range(60):
                yield 3_000
                self._device_on()

        self.timeline.live(looks())

    def clear_jam_after(self, after_ms: int, *, by_hand: bool) -> None:
        """A device frees itself while it has power. Hands need half a minute more in the dark."""

        def free() -> None:
            if self.device.body.jammed:
                self.device.clear(by_hand=by_hand)

        def clear() -> None:
            self.device.armed.clear()
            if self.device.powered:
                free()
            elif by_hand:
                self.timeline.after(30_000, free)

        self.timeline.after(after_ms, clear)

    def take_cassette(self) -> None:
        if self.device.body.cassette:
            self.device.cassette_out()
            self.slot.empty()

    def put_cassette_back(self) -> None:
        if not self.device.body.cassette:
            self.device.cassette_in()

    def fail_next_sync(self) -> None:
        self.disk.fail_sync = True

    def fill_disk(self) -> None:
        self.disk.full_after = 0

    def room(self) -> Room:
        """Return what the kiosk would see of the disk's room."""
        return AMPLE if self.disk.full_after is None else Room(0)

    def mend_disk(self) -> None:
        """A sync takes its usual time again."""
        self.sync_ms = self.usual_sync_ms

    def empty_disk(self) -> None:
        self.disk.full_after = None

    def clear_weather(self) -> None:
        self.network.weather, self.network.slow_ms = {}, self.network.usual_ms

    def restore_server(self, backup: object) -> None:
        self.trace("the server is restored from its backup")
        self.central.restore(backup)
        self.restores += 1
