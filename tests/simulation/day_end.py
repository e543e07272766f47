"""The card terminal's day end in a world: at its own time and by staff, and what it says against the journal.

The order to close is not in the journal before it leaves: a process that dies then, or an answer that never comes,
leaves open whether it was done. Until a later one is known, a total may count from there on or from the one before.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from hardware.cards import contract
from kiosk.domain import tenders as t
from tests.simulation.residents import quiet, sign_in
from tests.simulation.timeline import Life
from tests.simulation.violation import require

if TYPE_CHECKING:
    from tests.simulation.world import World

SHARE = 0.7  # of the worlds whose terminal can be told to close its batch
MINUTE_MS = 60_000
TIMES = {"13:43": 1, "13:44": 2, "23:30": 0}  # a world begins at 13:42 there; minutes until its time comes, 0 for never
WAIT_MS = 20_000

LOOKED_UP = "no batch is closed while a card is under way or unknown"
ASKED = "a batch is closed no more often than that was asked for"
TOTAL = "a day end's total is the journal's sales less its voids"
UNDONE = "a day end that is said not to have been was not"
BATCH = "what is in the terminal's batch is what the journal has since its day end"
CLOSED = "after the faults the batch can be closed"


class DayEnd:
    """`at` is its time of day, "" in a world that knows no day end."""

    def __init__(self, world: "World", possible: bool) -> None:
        self.world = world
        chance = world.chance_of("day end")
        drawn = possible and chance.random() < SHARE
        self.at = chance.choice(tuple(TIMES)) if drawn else ""
        self.until_ms = (TIMES[self.at] + 1) * MINUTE_MS + 10_000 if drawn and TIMES[self.at] else 0
        self.over = not drawn  # staff came a last time
        self.armed: list[Callable[[], None]] = []  # what goes wrong at the next one
        self._pauses = world.chance_of("pauses for the day end")
        self._sales: list[t.CardSaleApproved] = []
        self._voided: set[str] = set()
        self._since = 0  # of the sales, those from here on are in the batch
        self._asked: dict[str, tuple[int, int]] = {}  # by reference: sales before it, batches closed before it
        self._maybe: dict[str, int] = {}  # may have been done: sales before it

    def pause_ms(self) -> int:
        """Return how long nobody comes, so that there is a time for it."""
        return self._pauses.choice((0, 0, 15_000, 40_000)) if self.at else 0

    def live(self) -> None:
        """Let staff come now and then."""
        chance = self.world.chance_of("staff at the day end")
        for _ in range(chance.choice((0, 1, 2, 3)) if self.at else 0):
            self.world.timeline.after(
                chance.randrange(10_000, 150_000), lambda: self.world.timeline.live(self._close())
            )

    # What it says

    def fact(self, fact: object) -> None:
        match fact:
            case t.CardSaleApproved():
                self._sales.append(fact)
            case t.CardSaleVoided():
                self._voided.add(fact.of)
            case t.BatchClosed():
                self._closed(fact)

    def ordered(self, order: contract.CloseBatch) -> None:
        attempt = self.world.watch.books.attempt
        require(attempt is None, LOOKED_UP, f"{order.reference} while {attempt}")
        self._asked[order.reference] = (len(self._sales), self._times())
        self._maybe[order.reference] = len(self._sales)
        if self.armed:
            self.armed.pop(0)()

    def _closed(self, fact: t.BatchClosed) -> None:
        require(fact.reference in self._asked, ASKED, f"{fact} was never asked for")
        until, times = self._asked[fact.reference]
        if fact.result == "approved":
            said = (fact.count, fact.total_minor)
            known = [self._sums(self._in_batch(since, until)) for since in self._begins()]
            require(said in known, TOTAL, f"{said} in {fact.reference}, {known} in the journal")
            self._since = until
            self._maybe = {name: at for name, at in self._maybe.items() if at > until}
        elif fact.result != "unknown":
            require(self._times() == times, UNDONE, f"{fact}: {self._times()} closed, {times} before")
            self._maybe.pop(fact.reference, None)

    def _begins(self) -> list[int]:
        return [self._since, *self._maybe.values()]

    def _in_batch(self, since: int, until: int | None = None) -> list[int]:
        return sorted(card.amount_minor for card in self._sales[since:until] if card.reference not in self._voided)

    @staticmethod
    def _sums(amounts: list[int]) -> tuple[int, int]:
        return len(amounts), sum(amounts)

    def _times(self) -> int:
        return self.world.till.twin.batches_closed() if self.world.till is not None else 0

    # After every step, and at rest

    def step(self) -> None:
        if self.at:
            require(self._times() <= len(self._asked), ASKED, f"{self._times()} closed, {len(self._asked)} asked for")

    def at_rest(self) -> None:
        till, books = self.world.till, self.world.watch.books
        if not self.at or till is None or books.attempt is not None:
            return
        held, known = sorted(till.twin.in_batch()), [self._in_batch(since) for since in self._begins()]
        require(held in known, BATCH, f"{held} at the terminal, {known} in the journal")
        require(not books.in_batch, CLOSED, f"{books.in_batch} still in it, {books.batch}")

    # Who asks for it

    def last_visit(self) -> Life:
        """Staff close what is left, as often as it takes."""
        for _ in range(54):  # a void that is looked for takes minutes
            yield 10_000
            books = self.world.watch.books
            if books.attempt is None and not books.in_batch:
                break
            if books.attempt is None:
                yield from self._close()
        self.over = True

    def _close(self) -> Life:
        world = self.world
        yield from quiet(world)
        if world.screen != "attract":
            return
        yield from sign_in(world)
        for name in ("staff_cards", "close_batch"):
            world.touch(name)
            yield 300
        waited = 0
        while self.under_way and waited < WAIT_MS:
            waited += 500
            yield 500
        world.touch("sign_out")
        yield 300

    @property
    def under_way(self) -> bool:
        host = self.world.host
        return host is not None and host.engine.state.devices.batch is not None
