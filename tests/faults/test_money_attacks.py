"""Goal: no death of the host, loss of power, lost reply or fault loses, invents or doubles a cent, or stops the kiosk.

Method: brain, engine, journal, codec and twin in one closed loop in virtual time. A journey is killed at each of its
moments in turn; seeded worlds mix everything. At rest the journal is held against what lies in the twin's cassette.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from hardware.sim.ebds_parts import Settings as TwinSettings
from kiosk.brain import events
from kiosk.domain import facts as f
from tests.faults.closed_loop import Loop, to_cash

PROFILES = ("mei-sc", "mei-s2k", "pyramid")
FEW = range(16)


def pay(loop: Loop, balance_minor: int, *notes: int) -> None:
    """Scan, choose cash, put the notes in one after the other; whatever happens meanwhile, go on or give up."""
    to_cash(loop, balance_minor)
    for value_minor in notes:
        if not put_in(loop, value_minor):
            return


def put_in(loop: Loop, value_minor: int) -> bool:
    """Wait for the slot, push the note in, wait until it is in or out; False when the slot stays closed."""
    end_ms = loop.clock.now_ms + 3_000
    while not loop.insert(value_minor):
        if loop.clock.now_ms > end_ms:
            return False
        loop.run(100)
    loop.run(100)
    loop.until(lambda: not loop.device.busy or not loop.device.powered)
    return True


def test_a_plain_payment(folder: Path) -> None:
    loop = Loop(folder)
    pay(loop, 2500, 2000, 500)
    loop.until(lambda: loop.screen == "done")
    loop.come_to_rest()
    loop.check()
    assert loop.cassette_minor == 2500
    assert loop.prints == ["RB-07-1-000001"]


def moments(here: Path, journey: Callable[[Loop], None], profile: str) -> int:
    """Return at how many moments the host can die from its boot until the journey is over and all is at rest."""
    loop = Loop(here, TwinSettings(profile))
    journey(loop)
    loop.come_to_rest()
    return loop.fate.count


def two_notes(loop: Loop) -> None:
    pay(loop, 5318, 2000, 500, 5000)


def part_payment(loop: Loop) -> None:
    pay(loop, 5318, 2000)
    loop.touch("stop")
    loop.touch("confirm")
    loop.run(2_000)


@pytest.mark.parametrize(
    ("profile", "journey", "power", "commit_ms"),
    [
        ("mei-sc", two_notes, False, 0),
        ("mei-sc", two_notes, False, 350),
        ("mei-sc", two_notes, True, 0),
        ("mei-sc", part_payment, False, 0),
        ("mei-s2k", two_notes, False, 0),
        ("pyramid", two_notes, True, 350),
    ],
)
def test_the_host_dies_at_every_moment(
    folder: Path, profile: str, journey: Callable[[Loop], None], power: bool, commit_ms: int
) -> None:
    (folder / "whole").mkdir()
    for at in range(moments(folder / "whole", journey, profile)):
        here = folder / str(at)
        here.mkdir()
        loop = Loop(here, TwinSettings(profile))
        loop.fate.at, loop.fate.with_power = at, power
        loop.commit_ms = commit_ms
        journey(loop)
        loop.come_to_rest()
        loop.check()
        assert power or not loop.of(f.NoteInDoubt), "the toggle was kept, so the device said again what became of it"


@pytest.mark.parametrize("place", ["accepting", "escrow", "stacking", "before_stacked", "returning"])
@pytest.mark.parametrize("policy", ["A", "B", "C"])
@pytest.mark.parametrize("host", ["stays", "dies"])
def test_the_device_loses_power_at_every_place(folder: Path, place: str, policy: str, host: str) -> None:
    loop = Loop(folder, TwinSettings(policy=policy))
    pay(loop, 5318, 1000)
    loop.device.arm("power_cut", place)
    put_in(loop, 2000)
    if host == "dies":
        loop.kill(power=True)
    loop.run(3_000)
    loop.come_to_rest()
    loop.check()


@pytest.mark.parametrize("flag", ["escrowed", "stacking", "stacked", "idling"])
@pytest.mark.parametrize("count", [1, 3, 30, 80])
def test_lost_replies_change_nothing(folder: Path, flag: str, count: int) -> None:
    loop = Loop(folder)
    to_cash(loop, 2500)
    loop.until(lambda: 2000 in loop.device.enabled)
    loop.wire.trouble.drop, loop.wire.trouble.when = count, flag
    put_in(loop, 2000)
    loop.run(30_000)
    loop.come_to_rest()
    loop.check()
    assert loop.cassette_minor == loop.books.cash_minor


@pytest.mark.parametrize("after_ms", range(0, 3_000, 200))
def test_stopping_at_any_time_returns_or_credits_and_ends(folder: Path, after_ms: int) -> None:
    loop = Loop(folder)
    to_cash(loop, 5318)
    loop.until(lambda: 2000 in loop.device.enabled)
    loop.insert(2000)
    loop.run(after_ms)
    loop.tell(events.StopRequested)
    loop.until(lambda: loop.ended, 20_000)
    assert loop.books.payment is None
    loop.come_to_rest()
    loop.check()


class Mischief:
    """One random world: a resident, a technician and the weather, all drawing from `chance`."""

    def __init__(self, loop: Loop, chance: random.Random) -> None:
        self.loop = loop
        self.chance = chance
        self._acts = [
            *[self.note] * 8,
            *[self.go_on] * 4,
            *[self.begin] * 4,
            self.finger,
            self.dies_soon,
            self.dies,
            self.power,
            self.power_at,
            self.cable,
            self.bad_line,
            self.jam,
            self.cassette,
            self.printer,
            self.screen,
            self.stop,
            self.head,
        ]

    def act(self) -> None:
        self.chance.choice(self._acts)()
        self.loop.run(self.chance.choice([50, 300, 1_000, 4_000, 12_000]))

    def begin(self) -> None:
        loop = self.loop
        if loop.screen in ("attract", "done"):
            loop.scan(self.chance.choice([100, 700, 2500, 5318, 20000]))
            loop.touch("pay_full")
            loop.touch("pay_cash")
            loop.run(1_500)

    def note(self) -> None:
        self.loop.insert(self.chance.choice([100, 200, 500, 1000, 2000, 5000, 10000]))

    def go_on(self) -> None:
        self.loop.run(2_500)

    def finger(self) -> None:
        self.loop.touch(self.chance.choice(["stop", "confirm", "put_in_more", "start_over", "done", "allow_credit"]))

    def dies_soon(self) -> None:
        self.loop.fate.at = self.loop.fate.count + self.chance.randrange(12)
        self.loop.fate.with_power = self.chance.random() < 0.3

    def dies(self) -> None:
        self.loop.kill(power=self.chance.random() < 0.3)

    def power(self) -> None:
        if self.loop.device.powered:
            self.loop.device.power_cut()
        else:
            self.loop.device.power_on()

    def power_at(self) -> None:
        self.loop.device.arm("power_cut", self.chance.choice(["accepting", "escrow", "stacking", "before_stacked"]))

    def cable(self) -> None:
        (self.loop.pull_cable if self.loop.plugged else self.loop.plug_in)()

    def bad_line(self) -> None:
        trouble = self.loop.wire.trouble
        trouble.when = self.chance.choice(["", "stacked", "escrowed", "returned"])
        trouble.drop, trouble.corrupt = self.chance.choice([1, 5, 70]), self.chance.randrange(4)

    def jam(self) -> None:
        if self.loop.device.body.jammed:
            self.loop.device.clear(by_hand=self.chance.random() < 0.5)
        else:
            self.loop.device.arm("jam", self.chance.choice(["accepting", "stacking", "returning"]))

    def cassette(self) -> None:
        if self.loop.device.body.cassette:
            self.loop.device.cassette_out()
        else:
            self.loop.device.cassette_in()

    def printer(self) -> None:
        self.loop.printer = "faulted" if self.loop.printer == "ready" else "ready"
        self.loop.health("printer", self.loop.printer)

    def screen(self) -> None:
        self.loop.health("screen", self.chance.choice(["ready", "lost"]))

    def stop(self) -> None:
        self.loop.tell(events.StopRequested)

    def head(self) -> None:
        self.loop.online = not self.loop.online
        self.loop.tell(events.OnlineChanged, online=self.loop.online)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seed", FEW)
def test_nothing_that_happens_together_moves_a_cent(folder: Path, seed: int, profile: str) -> None:
    chance = random.Random(seed)
    loop = Loop(folder, TwinSettings(profile, policy=chance.choice("ABC")))
    loop.commit_ms = chance.choice([0, 0, 250, 6_000])
    mischief = Mischief(loop, chance)
    for _ in range(40):
        mischief.act()
    loop.come_to_rest()
    loop.check()


@pytest.mark.parametrize("policy", ["A", "B", "C"])
def test_a_note_committed_just_before_the_power_went_is_counted_once(folder: Path, policy: str) -> None:
    """The report was not acknowledged: at its power-up the device (policy B: with the value) tells it again."""
    loop = Loop(folder, TwinSettings(policy=policy))
    to_cash(loop, 5318)
    loop.until(lambda: 5000 in loop.device.enabled)
    loop.insert(5000)
    loop.until(lambda: loop.books.note is not None)
    loop.fate.after, loop.fate.with_power = "after NoteStacked", True
    loop.until(lambda: loop.of(f.NoteStacked))
    loop.device.power_cut()
    loop.device.power_on()
    loop.come_to_rest()
    loop.check()
    assert loop.books.cash_minor == loop.cassette_minor == 5000
    assert not loop.of(f.NoteUnexpected)
