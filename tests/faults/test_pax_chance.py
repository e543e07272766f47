"""Seeded days of a PAX terminal: sales and voids on bad lines, with cables pulled, crashes and power cuts between.

After each, what the layer above was told must be what the terminal's host holds.
"""

import random

import pytest

from hardware.cards.contract import Cancel, Ended
from hardware.cards.pax import Settings as HostSettings
from hardware.sim.lines import Weather
from hardware.sim.pax_parts import BUSY, CANCELS, DUPLICATES, VOIDS, Settings
from tests.protocol.pax_bench import PaxTwin, pax_bench
from tests.protocol.terminal_bench import BACK, OUT, Bench

SEEDS = range(40)
WEATHERS = [Weather(), Weather(), Weather(loss=0.1), Weather(flip=0.001), Weather(delay_ms=80, jitter_ms=200)]
DOES = ["approve", "approve", "approve", "partial", "decline", "cancel", "walk_away", "receive_error_paid", "offline"]
TROUBLES = ["lose_ack", "nak", "lose_answer", "corrupt", "twice", "lose_eot"]


class Day:
    """One terminal and what the layer above knows of it: every sale by reference, 0 if it is certainly none."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        chance = self.chance
        settings = Settings(
            busy=chance.choice(BUSY),
            cancel=chance.choice(CANCELS),
            void_record=chance.choice(VOIDS),
            duplicates=chance.choice([name for name in DUPLICATES if name != "card"]),
            echoes=chance.random() < 0.5,
            says_eot=chance.random() < 0.8,
            cancels_host=chance.random() < 0.2,
        )
        host = HostSettings(link=chance.choice(["serial", "serial", "tcp"]))
        weather = chance.choice(WEATHERS) if host.link == "serial" else WEATHERS[0]
        self.bench: Bench = pax_bench(settings, host, weather, seed)
        self.bench.twin.power_on()
        self.known: dict[str, int] = {}
        self.sales: dict[str, Ended] = {}

    def live(self, tries: int) -> None:
        for at in range(tries):
            self.rest()
            amount_minor = self.chance.randrange(100, 9_000)
            standing = [end for reference, end in self.sales.items() if self.known[reference]]
            if standing and self.chance.random() < 0.3:
                self.void(self.chance.choice(standing), f"V{at:07d}")
            else:
                self.sell(f"K{at:07d}", amount_minor)
            held = sorted(self.bench.twin.standing())
            assert held == sorted(value for value in self.known.values() if value), self.bench.events[-10:]

    def rest(self) -> None:
        bench = self.bench
        bench.run(5_000)
        bench.until(lambda: bench.idle() and not bench.under_way and not bench.twin.busy(), 1_800_000)

    def sell(self, reference: str, amount_minor: int) -> None:
        bench, chance = self.bench, self.chance
        part_minor = chance.randrange(1, amount_minor)
        does = chance.choice(DOES)
        more = {"part_minor": part_minor} if does == "partial" else {}
        bench.twin.customer(does, host_ms=chance.choice([500, 2_000, 20_000, 90_000]), **more)
        bench.sell(reference, amount_minor)
        end = self.meddle(reference, amount_minor, "sale", "")
        self.known[reference] = end.amount_minor if end.result == "approved" else 0
        if end.result == "approved":
            self.sales[reference] = end

    def void(self, sale: Ended, reference: str) -> None:
        self.bench.do(self.bench.void_of(sale, reference))
        end = self.meddle(reference, sale.amount_minor, "void", sale.reference)
        if end.result == "approved":
            self.known[sale.reference] = 0

    def meddle(self, reference: str, amount_minor: int, operation: str, of: str) -> Ended:
        """Let something happen to it; return its certain end."""
        bench, chance = self.bench, self.chance
        twin = bench.twin
        assert isinstance(twin, PaxTwin)
        what = chance.choice(["none", "cut", "torn", "pull", "power", "trouble", "crash", "cancel"])
        wait_ms = chance.choice([10, 300, 1_500, 3_200, 5_000, 9_000, 40_000])
        if what in ("cut", "torn"):
            bench.cut_at(chance.choice([OUT, BACK]), chance.randrange(1, 9), what == "torn")
        elif what == "power":
            twin.power_cut_at(chance.choice(["card", "host", "booked"]))
        elif what == "trouble":
            setattr(twin.trouble, chance.choice(TROUBLES), chance.randrange(1, 5))
        bench.run(wait_ms)
        if what == "pull":
            bench.pull()
        if what == "cancel":
            bench.do(Cancel(reference))
        bench.run(chance.choice([0, 1_000, 30_000]))
        bench.spare()
        self.mend(twin, crash=what == "crash" or chance.random() < 0.2)
        end = bench.ended(reference)
        if end is None or end.result == "unknown":
            end = bench.look_up(reference, amount_minor, operation, of)
        self.mend(twin, crash=False)
        return end

    def mend(self, twin: PaxTwin, crash: bool) -> None:
        """Put right what was done; with `crash` the host begins anew in the middle of it."""
        bench = self.bench
        twin.terminal.armed.clear()
        for trouble in TROUBLES:
            setattr(twin.trouble, trouble, 0)
        twin.power_on()
        if crash:
            bench.restart_host()
        elif not bench.plugged:
            bench.plug_in()
        bench.until(lambda: not bench.under_way and bench.idle(), 1_800_000)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_told_is_what_the_host_holds(seed: int) -> None:
    Day(seed).live(5)


def test_a_day_can_fail() -> None:
    """A host that calls every open sale off is found out."""
    day = Day(1)
    day.rest()
    day.sell("K9999999", 1_000)
    day.known["K9999999"] = 0 if day.bench.twin.standing() else 1
    with pytest.raises(AssertionError):
        day.live(1)


def test_the_seeds_meet_every_end() -> None:
    ends: set[str] = set()
    for seed in range(12):
        day = Day(seed)
        day.live(4)
        ends |= {end.result for end in day.bench.of(Ended)}
    assert {"approved", "declined", "cancelled", "unknown"} <= ends
