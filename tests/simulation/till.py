"""The card terminal beside the kiosk: its line, the driver's part in virtual time, and what its customers do."""

import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hardware.cards import contract
from kiosk.brain import events
from kiosk.engine.card import clean, translate
from kiosk.engine.card_patience import Begun, Patience
from tests.simulation.terminals import Terminal

if TYPE_CHECKING:
    from tests.simulation.host import Host
    from tests.simulation.world import World

REOPEN_MS = 500
LONG = 20  # bytes of a frame that says more than yes or no
UNDOING = 0.5  # of all worlds with a terminal


class Till:
    """The terminal, which outlives every process. `plugged` is its cable.

    Of what is written by either side, `drop` writes get lost and `damage` arrive with wrong bytes, one by one;
    of the terminal's long ones, `damage_back`.
    `undoing`: in this world many cards give less than is asked or fail at the fee, so that sales have to be undone.
    """

    def __init__(self, world: "World", terminal: Terminal) -> None:
        self.world = world
        self.terminal = terminal
        self.twin = terminal.twin
        self.kept: object = None
        self.plugged = True
        self.drop = self.damage = 0
        self._chance = world.chance_of("till's line")
        self.damage_back = 0
        self.armed: list[Callable[[], None]] = []  # what goes wrong at the next approval
        self._undone = world.chance_of("cards undone")
        self.undoing = self._undone.random() < UNDOING
        self.powered = True
        self.twin.power_on()

    def step(self, dt_ms: int) -> None:
        self.twin.step(dt_ms)

    def somebody(self, chance: random.Random) -> None:
        """Decide what the next person at the terminal does with the next sale."""
        if self.undoing and self._undone.random() < 0.8:
            self._somebody_whose_sale_is_undone()
            return
        way = chance.choice(self.terminal.ways)
        more = {"part_minor": chance.choice([100, 500, 1500])} if way == "partial" else {}
        self.twin.customer(way, host_ms=chance.choice([300, 300, 2_000, 30_000]), **more)

    def _somebody_whose_sale_is_undone(self) -> None:
        chance = self._undone
        if not self.world.takes_fees or chance.random() < 0.5:
            part_minor = chance.choice([50, 50, 100, 500])
            self.twin.customer("partial", host_ms=chance.choice([300, 2_000]), part_minor=part_minor)
        else:
            self.twin.customer("approve", host_ms=300)
            self.twin.customer(chance.choice(["decline", "cancel"]), host_ms=300)  # the fee

    def power_cut(self, off_ms: int) -> None:
        self.twin.power_cut()
        self.powered = False
        self.world.timeline.after(off_ms, self.power_on)

    def power_on(self) -> None:
        self.twin.power_on()
        self.powered = True

    def carried_back(self, data: bytes) -> bytes:
        """Return what arrives of the terminal's write, b"" if nothing does."""
        if self.damage_back and len(data) >= LONG and self.terminal.damage_max:
            self.damage_back -= 1
            self.damage += 1
        return self.carried(data)

    def carried(self, data: bytes) -> bytes:
        """Return what arrives of a write, b"" if nothing does."""
        if self.drop:
            self.drop -= 1
            return b""
        if not self.damage or not self.terminal.damage_max:
            return data
        self.damage -= 1
        damaged = bytearray(data)
        for at in self._chance.sample(range(len(data)), min(self.terminal.damage_max, len(data))):
            damaged[at] ^= self._chance.choice((1, 2, 3, 4, 0x10))
        return bytes(damaged)

    def mend(self) -> None:
        self.drop = self.damage = self.damage_back = 0
        self.armed.clear()
        self.terminal.mend()
        self.twin.power_cut_at("")
        self.twin.returns("approve")
        self.power_on()
        self.plug_in()

    def unplug(self) -> None:
        if self.plugged:
            self.plugged = False
            self.twin.disconnected()
            if self.world.host is not None and self.world.host.card is not None:
                self.world.host.card.unplugged()

    def plug_in(self) -> None:
        if not self.plugged:
            self.plugged = True
            if self.world.host is not None and self.world.host.card is not None:
                self.world.host.card.plugged_in()


class CardLine:
    """One process's end of it: codec and driver, as CardPort has them."""

    def __init__(self, host: "Host", till: Till) -> None:
        self.host = host
        self.till = till
        self.codec = till.terminal.codec(till.kept)
        self._open = False
        self._opening = 0
        self._untold = ""  # the sale that this terminal said is approved, until the engine says that it is on disk
        till.world.card_watch.reopened()
        machine = host.world.machine
        self._patience = Patience(
            self._give,
            self._never_began,
            lambda: machine.mono_ms() / 1000,
            self._later,
        )

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        def if_alive() -> None:
            if self.host.alive:
                act()

        self.host.world.timeline.after(int(seconds * 1000), if_alive)

    # What the engine calls

    def submit(self, command: contract.Command) -> None:
        self.till.world.card_watch.ordered(command)
        if isinstance(command, contract.Acknowledge):
            self._untold = ""
        self._patience.ordered(command)
        self._give(command)

    def _give(self, command: contract.Command) -> None:
        try:
            self.codec.command(command)
        except contract.Refused as refusal:
            self._patience.refused(command, refusal)

    def _never_began(self, command: Begun, reason: str) -> None:
        if isinstance(command, contract.CloseBatch):
            values = {"count": 0, "total_minor": 0, "reason": clean(reason)}
            self.host.tell(
                events.BatchEnded, report=0, reference=command.reference, result=contract.NOT_STARTED, **values
            )
            return
        self.host.tell(
            events.CardEnded,
            report=0,
            operation=type(command).__name__.lower(),
            reference=command.reference,
            result=contract.NOT_STARTED,
            reason=clean(reason),
        )

    # The driver's thread

    def start(self) -> None:
        if self.till.plugged:
            self.open()

    def unplugged(self) -> None:
        self.gone("the port is gone")

    def plugged_in(self) -> None:
        self.open()

    def open(self) -> None:
        self._open, self._untold = True, ""
        self._opening += 1
        self.till.twin.connected()
        self.codec.line_opened(self._now())

    def gone(self, reason: str) -> None:
        self._open = False
        self._patience.lost()
        kind, values = translate(contract.Lost(reason))
        self.host.tell(kind, **values)

    def serve(self) -> None:
        """Carry what is due in both directions."""
        if not self._open:
            self.till.twin.take()  # nobody listens
            return
        heard = False
        for data in self.till.twin.take():
            arrived = self.till.carried_back(data)
            if arrived and self._open:
                heard = True
                self._hear(self.codec.feed(arrived, self._now()))
        if self._open and (heard or self.codec.due_ms() <= self._now()):  # as the driver, which ticks after each read
            data, heard = self.codec.tick(self._now())
            self._hear(heard)
            if data and self._open:
                self.till.kept = self.till.terminal.keep(self.codec)
                self._say(self.till.carried(data))

    def _say(self, data: bytes) -> None:
        twin = self.till.twin
        known = twin.known()
        if data:
            twin.feed(data)
        if twin.known() > known and self._untold:
            self.till.world.card_watch.told(self._untold)

    def due_ms(self) -> int | None:
        """Return when, in monotonic time, something is to be done; None while the line is closed."""
        return self.codec.due_ms() if self._open else None

    def _hear(self, heard: list[contract.Event]) -> None:
        if heard:
            self.till.kept = self.till.terminal.keep(self.codec)
        for event in heard:
            if isinstance(event, contract.Lost):
                self.gone(event.reason)
                self.till.twin.disconnected()
                self.till.world.timeline.after(REOPEN_MS, partial(self._reopen, self._opening))
                return
            self._tell(event)

    def _tell(self, event: contract.Event) -> None:
        if isinstance(event, contract.Ended) and event.result == contract.APPROVED and not event.found:
            self._untold = event.reference if event.operation == "sale" else ""
            if self.till.armed:
                self.till.armed.pop(0)()
        self.till.world.card_watch.heard(event)
        kind, values = translate(event)
        self.host.tell(kind, **values)

    def _reopen(self, opening: int) -> None:
        if self.host.alive and self.till.plugged and opening == self._opening:
            self.open()

    def _now(self) -> int:
        return self.host.world.machine.mono_ms()
