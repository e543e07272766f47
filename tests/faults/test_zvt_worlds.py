"""Random cuts, crashes, power cuts and slow commits: what the journal says of cards is what the terminal did.

The layer above is the journal in small: what was not acknowledged before a crash was not on disk, and what is open is
looked for until it is certain. The seed is the test's parameter.
"""

import random
from collections import Counter

import pytest

from hardware.cards.contract import Acknowledge, Busy, Cancel, Command, Ended, Event, Query, Reversed, Sale
from hardware.sim.lines import Weather
from hardware.sim.zvt_parts import Settings
from tests.protocol.terminal_bench import BACK, OUT
from tests.protocol.zvt_bench import ZvtBench

SEEDS = range(80)
SALES = 4
TROUBLES = ("pull", "pull", "crash", "power", "cut out", "cut back", "cancel")


class World(ZvtBench):
    """`ends` holds the certain ends on disk, `reversed` the references that the terminal took back."""

    def __init__(self, settings: Settings, weather: Weather | None, seed: int) -> None:
        self.ends: dict[str, Ended] = {}
        self.reversed: set[str] = set()
        self._told: dict[int, Event] = {}
        super().__init__(settings, weather=weather, seed=seed)
        self.twin.power_on()

    def _take(self, events: list[Event]) -> None:
        self._told |= {event.report: event for event in events if isinstance(event, (Ended, Reversed))}
        super()._take(events)

    def do(self, command: Command) -> None:
        told = self._told.get(command.report) if isinstance(command, Acknowledge) else None
        if isinstance(told, Ended) and told.result != "unknown":
            self.ends[told.reference] = told
        if isinstance(told, Reversed):
            self.reversed.add(told.reference)
        super().do(command)

    def restart_host(self) -> None:
        self._told.clear()
        super().restart_host()

    def recover(self) -> None:
        """Put everything back in place, and wait until the terminal is met."""
        if not self.plugged:
            self.plug_in()
        self.twin.power_on()
        self.until(lambda: self.idle() and not self.under_way, 600_000)

    def begin(self, command: Command) -> None:
        """Give a command as soon as the terminal has ended what it is at."""
        for _ in range(60):
            try:
                return self.do(command)
            except Busy:
                self.run(5_000)
                self.recover()
        raise AssertionError(f"busy for ever: {self.events[-8:]}")

    def standing(self) -> list[Ended]:
        return [end for end in self.ends.values() if end.result == "approved" and end.reference not in self.reversed]


def terminal(chance: random.Random) -> Settings:
    return Settings(
        serial=chance.random() < 0.5,
        vending=chance.random() < 0.7,
        reversals_stored=chance.random() < 0.5,
        prints=chance.choice([0, 0, 2]),
        progress=chance.random() < 0.8,
        minutes=chance.random() < 0.5,
        says_amount=chance.random() < 0.9,
        busy_code=chance.choice([0x9C, 0xA0]),
        present_ms=chance.choice([100, 800, 5_000]),
        host_ms=chance.choice([50, 1_200, 9_000]),
        not_issued_reverses=chance.random() < 0.7,
    )


def trouble(world: World, chance: random.Random, reference: str) -> None:
    world.run(int(chance.choice([1, 5, 50, 400, 1_000, 3_000, 12_000]) * chance.random() * 2))
    match chance.choice(TROUBLES):
        case "pull":
            world.pull()
            world.run(chance.choice([0, 3_000, 20_000]))
            if chance.random() < 0.8:
                world.plug_in()
        case "crash":
            world.restart_host()
        case "power":
            world.twin.power_cut()
            world.run(chance.choice([100, 8_000]))
            world.twin.power_on()
        case "cut out":
            world.cut_at(OUT, chance.randint(1, 6), chance.random() < 0.5)
        case "cut back":
            world.cut_at(BACK, chance.randint(1, 6), chance.random() < 0.5)
        case _:
            world.do(Cancel(reference))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_journal_and_the_terminal_agree(seed: int) -> None:
    chance = random.Random(seed)
    world = World(terminal(chance), chance.choice([None, None, Weather(delay_ms=30, jitter_ms=60)]), seed)
    for number in range(SALES):
        reference, amount_minor = f"A{number}", chance.choice([100, 100, 4_725])
        world.recover()
        world.run(chance.choice([0, 500, 12_000]))
        world.ack_after_ms = chance.choice([0, 5, 300, 900, 4_000, 15_000])
        before = world.standing()[-1].terminal_ref if world.standing() else ""
        world.begin(Sale(reference, amount_minor))
        for _ in range(chance.choice([0, 0, 1, 2, 3])):
            trouble(world, chance, reference)
        world.run(chance.choice([0, 5_000, 30_000]))
        world.spare()
        for _ in range(8):
            world.recover()
            world.run(20_000)
            if reference in world.ends:
                break
            world.begin(Query(reference, "sale", amount_minor, after=before))
            world.run(20_000)
        assert reference in world.ends, f"never certain: {world.events[-8:]}"
    world.recover()
    world.run(400_000)
    world.recover()
    assert Counter(end.amount_minor for end in world.standing()) == Counter(world.twin.standing())
    assert world.twin.made() <= SALES
