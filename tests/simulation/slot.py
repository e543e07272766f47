"""The cash slot: the acceptor's twin on its line, and who put which note in. Money is counted here, by hand."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.sim.control import Refused
from hardware.sim.notes import Place
from tests.simulation.acceptors import Acceptor
from tests.simulation.violation import require

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(frozen=True)
class Inserted:
    """A note in the path. `payment_id` is the payment that stood open when the slot took it, "" if none did."""

    value_minor: int
    payment_id: str


class Slot:
    """`stacked` are the notes that went into a cassette, in order, those carried away since among them."""

    def __init__(self, world: "World", acceptor: Acceptor) -> None:
        self.world = world
        self.acceptor = acceptor
        self.device = acceptor.device
        self.wire = acceptor.wire
        self.inserted: Counter[int] = Counter()
        self.stacked: list[Inserted] = []
        self.total_minor = 0
        self._moving: Inserted | None = None
        self._counted = 0
        self.device.power_on()

    @property
    def busy(self) -> bool:
        """True while a note is on its way."""
        return self._moving is not None and self.device.body.place is not Place.NOWHERE

    @property
    def untold(self) -> bool:
        """True while a note is in the cassette and the host has not acknowledged that."""
        return self.device.body.place is Place.STACKED_UNTOLD

    def insert(self, value_minor: int) -> bool:
        """Push a note in; return False if the slot does not take it."""
        with suppress(Refused):
            self.device.insert(value_minor)
            self.inserted[value_minor] += 1
            self._moving = Inserted(value_minor, self.world.watch.payment_id)
            self._look()
            return True
        return False

    def step(self, dt_ms: int) -> None:
        self.wire.step(dt_ms)
        self._look()

    def exchange(self, data: bytes) -> list[bytes]:
        """Carry bytes of the host to the device, and return what comes back."""
        watch, device = self.world.watch, self.device
        escrowed = device.body.place is Place.ESCROW
        untold = device.body.place is Place.STACKED_UNTOLD
        answers = self.wire.feed(data)
        if escrowed and device.body.place is Place.STACKING:
            watch.told_to_stack(device.body.value_minor)
        if untold and device.powered and device.body.place is not Place.STACKED_UNTOLD:
            watch.told_that_known()
        self._look()
        return answers

    def _look(self) -> None:
        """Count what reached the cassette since the last look."""
        inside = self.device.body.notes.total() + self.acceptor.beyond()
        while inside > self._counted:
            note = self._moving
            require(note is not None, "the twin keeps its notes", "a note nobody put in was stacked")
            assert note is not None
            self.stacked.append(note)
            self.total_minor += note.value_minor
            self._counted += 1
            self._moving = None

    def empty(self) -> None:
        """Carry the notes away."""
        self._counted -= self.device.body.notes.total()
        self.device.body.notes.clear()

    def free_the_path(self) -> None:
        if self.device.state() in ("jammed", "failure"):
            self.device.clear()

    def check(self) -> None:
        """Nothing is in the path: what went in is in a cassette or was handed back."""
        gone = self.device.body.returned + len(self.stacked)
        require(gone == self.inserted.total(), "the twin keeps its notes", f"{self.inserted.total()} in, {gone} out")
