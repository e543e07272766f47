"""The cable of the acceptor is pulled in each state, and put back: one note stays one report."""

import pytest

from hardware.acceptors.contract import Connected, Enable, Lost, NoteEscrowed, NoteStacked
from hardware.acceptors.ebds import PROFILES, EbdsCodec
from hardware.acceptors.ebds.frames import parse
from hardware.sim.ebds_parts import Settings
from tests.protocol.ebds_bench import ALL, Bench

STATES = ("idling", "accepting", "escrowed", "stacking", "returning")


def ready(profile: str = "mei-sc") -> Bench:
    bench = Bench(Settings(profile=profile))
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected))
    bench.codec.command(Enable(ALL))
    bench.until(lambda: bench.device.enabled)
    return bench


def again(bench: Bench) -> None:
    """Wait for the next Connected and enable anew."""
    count = len(bench.of(Connected))
    bench.until(lambda: len(bench.of(Connected)) > count)
    bench.codec.command(Enable(ALL))


@pytest.mark.parametrize("away_ms", [50, 900, 6_000, 40_000])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("profile", ["mei-sc", "pyramid"])
def test_pulled_in_each_state(profile: str, state: str, away_ms: int) -> None:
    bench = ready(profile)
    if state != "idling":
        bench.device.insert(2000)
        if state == "returning":
            bench.decide = lambda note: None
        bench.until(lambda: bench.device.state() == state, 8_000)
    bench.pull()
    bench.run(away_ms)
    bench.plug_in()
    again(bench)
    bench.until(lambda: not bench.device.busy)
    bench.run(1_500)
    taken, returned = bench.device.body.notes.total(), bench.device.body.returned
    assert taken + returned == (state != "idling")
    assert len(bench.stacked()) == taken
    bench.until(lambda: bench.device.enabled)
    bench.decide = bench.stack
    bench.device.insert(500)
    bench.until(lambda: len(bench.stacked()) == taken + 1)


@pytest.mark.parametrize("sent", range(12))
def test_pulled_while_connecting_and_interrogating(sent: int) -> None:
    """After each number of frames, twice in a row."""
    bench = Bench()
    bench.device.power_on()
    bench.until(lambda: bench.device.state() == "idling")
    for _ in range(2):
        start = len(bench.sent)
        bench.until(lambda start=start: len(bench.sent) >= start + sent)
        bench.pull()
        bench.run(300)
        bench.plug_in()
    bench.until(lambda: bench.of(Connected))
    bench.codec.command(Enable(ALL))
    bench.until(lambda: bench.device.enabled)
    bench.device.insert(2000)
    bench.until(bench.stacked)
    bench.run(1_000)
    assert len(bench.stacked()) == 1


def test_pulled_for_good_while_connecting_is_lost_in_five_seconds() -> None:
    bench = Bench()
    bench.device.power_on()
    bench.run(500)
    bench.pull()
    bench.run(5_600)
    assert bench.of(Lost)


def test_pulled_while_a_report_is_being_committed() -> None:
    bench = ready()
    bench.acknowledging = False
    bench.device.insert(2000)
    bench.until(bench.stacked)
    bench.run(500)
    toggle = bench.codec.toggle
    bench.pull()
    bench.run(7_000)
    bench.plug_in()
    bench.run(1_000)
    assert bench.codec.toggle == toggle  # still not told that we know
    assert len(bench.stacked()) == 1
    bench.acknowledge_all()
    again(bench)
    assert len(bench.stacked()) == 1


@pytest.mark.parametrize("state", ["stacking", "idling"])
def test_a_host_that_starts_anew_with_its_toggle_gets_an_undelivered_report(state: str) -> None:
    """The process dies before the report is durable; the next one is told again, marked as a replay."""
    bench = ready()
    bench.acknowledging = False
    bench.device.insert(2000)
    bench.until(lambda: bench.device.state() == "stacking")
    if state == "idling":
        bench.until(bench.stacked)
    toggle = bench.codec.toggle
    bench.run(0 if state == "stacking" else 300)
    bench.restart_host(EbdsCodec(PROFILES["mei-sc"], toggle=toggle))
    bench.acknowledging = True
    bench.until(lambda: bench.of(Connected))
    bench.run(2_000)
    assert [note.channel for note in bench.stacked()] == [5]
    assert bench.stacked()[0].replay == (state == "idling")


def test_a_host_that_starts_anew_finds_the_note_in_escrow() -> None:
    bench = ready()
    bench.decide = lambda note: None
    bench.device.insert(2000)
    bench.until(lambda: bench.of(NoteEscrowed))
    bench.restart_host(EbdsCodec())
    bench.until(lambda: bench.of(NoteEscrowed))
    assert [type(event) for event in bench.events] == [Connected, NoteEscrowed]
    bench.until(lambda: bench.device.body.returned == 1)
    assert not bench.of(NoteStacked)


def test_every_frame_sent_while_away_is_inhibited() -> None:
    bench = ready()
    bench.pull()
    bench.run(5_500)
    bench.plug_in()
    count = len(bench.sent)
    again(bench)
    commands = [parse(raw) for _, raw in bench.sent[count:] if parse(raw).type == 1]
    assert commands
    assert all(frame.data[0] == 0 for frame in commands)
