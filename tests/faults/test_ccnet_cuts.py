"""CCNET interrupted at every moment of a note: power of the acceptor, cable, process, and all of it on a bad line.

Whatever the sheet leaves open is tried both ways, and a hasty customer pushes a second note of the same value in.
"""

import random
from dataclasses import replace

import pytest

from hardware.acceptors.contract import Fault, NoteReturned, NoteStacked, PoweredUp, Returning
from hardware.sim.ccnet_device import Validator
from hardware.sim.ccnet_parts import Settings
from hardware.sim.lines import Weather
from hardware.sim.notes import MOMENTS, Body, Place
from tests.faults.ccnet_journal import ALL, Journal
from tests.protocol.ccnet_bench import Bench
from tests.protocol.test_ccnet_twin import ready

DEVICES = {
    "latches and remembers": Settings(),
    "latches and forgets": Settings(remembers=False, nak_broken=False),
    "says it once": Settings(latch=False, shows_holding=False),
    "starts by itself": Settings(waits_for_reset=False, told_on_start=False, gives_back_as="rejected"),
}
LONGEST_MS = 2_400  # a note takes two seconds from the slot to the report
EVENTS = (PoweredUp, Returning, NoteReturned, NoteStacked)
ROW = {  # moment of the cut to what is told from the power-up on (sheet sections 7 and 11)
    "accepting": ["PoweredUp", "Returning", "NoteReturned"],
    "escrow": ["PoweredUp", "Returning", "NoteReturned"],
    "stacking": ["PoweredUp", "NoteStacked"],
    "before_stacked": ["PoweredUp", "NoteStacked"],
    "returning": ["PoweredUp", "Returning", "NoteReturned"],
}


def moments(*phase: object) -> range:
    """Return times some 240 ms apart, at other moments for each combination of what is tried."""
    return range(random.Random(repr(phase)).randrange(240), LONGEST_MS, 240)


def in_use(settings: Settings, commit_ms: int = 0) -> Journal:
    """Return a kiosk that takes notes."""
    journal = Journal(settings, commit_ms=commit_ms)
    journal.until(lambda: journal.device.enabled)
    return journal


@pytest.mark.parametrize("commit_ms", [0, 150])
@pytest.mark.parametrize("device", DEVICES)
def test_the_power_of_the_acceptor_fails_at_every_moment(device: str, commit_ms: int) -> None:
    for at_ms in moments("power", device, commit_ms):
        journal = in_use(DEVICES[device], commit_ms)
        journal.insert(2000)
        journal.run(at_ms)
        journal.device.power_cut()
        journal.run(1_000)
        journal.device.power_on()
        journal.push(2000, 1_000)
        journal.come_to_rest()
        journal.check()


@pytest.mark.parametrize("away_ms", [40, 1_500, 14_000])
@pytest.mark.parametrize("device", DEVICES)
def test_the_cable_is_cut_at_every_moment(device: str, away_ms: int) -> None:
    for at_ms in moments("cable", device, away_ms):
        journal = in_use(DEVICES[device])
        journal.insert(2000)
        journal.run(at_ms)
        journal.bench.pull()
        journal.push(2000, away_ms)
        journal.bench.plug_in()
        journal.push(2000, 1_000)
        journal.come_to_rest()
        journal.check()


@pytest.mark.parametrize("commit_ms", [0, 8, 150])
@pytest.mark.parametrize("device", DEVICES)
def test_the_process_dies_at_every_moment(device: str, commit_ms: int) -> None:
    for at_ms in moments("process", device, commit_ms):
        journal = in_use(DEVICES[device], commit_ms)
        journal.insert(2000)
        journal.run(at_ms)
        journal.bench.plugged = False
        journal.push(2000, 12_000)
        journal.bench.plugged = True
        journal.kill()
        journal.push(2000, 1_000)
        journal.come_to_rest()
        journal.check()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("seed", range(8))
def test_much_of_it_on_a_bad_line(device: str, seed: int) -> None:
    """Drawn from the seed: losses, damage, cuts of power, cable and process, refusals by the stacker, more notes."""
    chance = random.Random(f"{device}/{seed}")
    weather = Weather(loss=chance.choice([0, 0.05, 0.2]), flip=chance.choice([0, 0.002]), jitter_ms=8)
    settings = replace(DEVICES[device], jam_yields=True)
    journal = Journal(settings, weather, seed, chance.choice([0, 0, 8, 150]))
    for _ in range(12):
        journal.run(chance.choice([100, 2_000]))
        journal.push(chance.choice([2000, 2000, 500]), chance.choice([100, 700, 3_000]))
        match chance.choice(["power", "cable", "process", "reject", "jam", "calm", "calm"]):
            case "power":
                journal.device.power_cut()
                journal.run(chance.choice([100, 7_000]))
                journal.device.power_on()
            case "cable":
                journal.bench.pull()
                journal.push(2000, chance.choice([50, 3_000, 13_000]))
                journal.bench.plug_in()
            case "process":
                journal.kill()
            case "reject":
                journal.device.arm("reject", "stacking")
            case "jam":
                journal.device.jam()
    journal.come_to_rest()
    journal.check()


@pytest.mark.parametrize("moment", MOMENTS)
def test_each_row_of_the_sheet(moment: str) -> None:
    bench = ready(Bench())
    bench.run(500)
    bench.events.clear()
    if moment in ("escrow", "returning"):
        bench.decide = lambda note: None
    bench.device.arm("power_cut", moment)
    bench.device.insert(2000)
    bench.until(lambda: not bench.device.powered)
    bench.run(2_000)
    bench.events.clear()
    bench.device.power_on()
    bench.run(10_000)
    told = [event for event in bench.events if isinstance(event, EVENTS)]
    assert [type(event).__name__ for event in told] == ROW[moment]
    assert all(event.power_up for event in told if isinstance(event, (NoteStacked, NoteReturned)))
    assert all(event.clean and event.channel == 5 for event in told if isinstance(event, NoteStacked))
    assert bench.device.body.place is Place.NOWHERE


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_twin_continues_from_what_it_kept(moment: str) -> None:
    bench = ready(Bench())
    bench.device.arm("power_cut", moment)
    if moment in ("escrow", "returning"):
        bench.decide = lambda note: None
    bench.device.insert(2000)
    bench.until(lambda: not bench.device.powered)
    again = Bench(device=Validator(Settings(), Body.from_json(bench.device.body.to_json())))
    again.device.power_on()
    again.run(10_000)
    told = [type(event).__name__ for event in again.events if isinstance(event, EVENTS)]
    assert told == ROW[moment]


def test_a_cut_in_the_middle_of_a_power_up_tells_it_all_the_same() -> None:
    journal = in_use(Settings())
    journal.device.arm("power_cut", "stacking")
    journal.insert(2000)
    journal.until(lambda: not journal.device.powered)
    for dark_ms, on_ms in ((300, 100), (6_000, 700), (200, 1_400)):
        journal.run(dark_ms)
        journal.device.power_on()
        journal.run(on_ms)
        journal.device.power_cut()
    journal.run(500)
    journal.device.power_on()
    journal.come_to_rest()
    assert journal.credited == [2000]
    journal.check()


def test_a_report_that_was_heard_and_not_acknowledged_is_credited_once_over_a_power_cut() -> None:
    journal = in_use(Settings(), commit_ms=300)
    journal.insert(2000)
    journal.until(lambda: journal.bench.of(NoteStacked))
    journal.device.power_cut()
    journal.run(1_000)
    journal.device.power_on()
    journal.come_to_rest()
    assert len(journal.bench.of(NoteStacked)) == 2
    assert journal.credited == [2000]
    journal.check()


def test_a_removed_cassette_at_power_up_stacks_nothing() -> None:
    bench = ready(Bench())
    bench.device.arm("power_cut", "stacking")
    bench.device.insert(2000)
    bench.until(lambda: not bench.device.powered)
    bench.device.cassette_out()
    bench.device.power_on()
    bench.until(lambda: Fault("cassette_removed") in bench.events)
    bench.run(3_000)
    assert not bench.of(NoteStacked)
    assert bench.device.body.returned == 1
    assert frozenset(range(1, 8)) == ALL
