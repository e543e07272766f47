"""An ID-003 acceptor is interrupted at every moment of a note: its power, its cable, its host, or two of them.

Whatever is told must be true: a note told as stacked lies in the cassette, one told as given back does not, and no
note is told twice. What was seen stacked without a gap is told with its value.
"""

from collections.abc import Callable
from itertools import product

import pytest

from hardware.acceptors.contract import NoteEscrowed, NoteRejected, NoteReturned, NoteStacked, PoweredUp, ReturnNote
from hardware.acceptors.id003 import Id003Codec
from hardware.sim.id003_device import Acceptor
from hardware.sim.id003_parts import SHOWN, Settings
from hardware.sim.notes import MOMENTS, Body, Place
from tests.protocol.id003_bench import Bench

VALUE, CHANNEL = 2_000, 5
STEP_MS, SPAN_MS = 110, 2_100  # from the mouth to the acknowledgement
DEVICES = [
    Settings(vend_after_start=vend, stacking_is_in=inside, drives_out_as=shown, forgets_stacked=forgets)
    for vend, inside, shown, forgets in product((True, False), ("acceptor", "stacker"), SHOWN, (False, True))
]
USUAL, OTHERWISE = DEVICES[0], DEVICES[-1]


class Notes:
    """What was told since the note went in, over all lives of the host."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._before: list[object] = []

    def told(self, kind: type) -> list[object]:
        return [event for event in (*self._before, *self.bench.events) if isinstance(event, kind)]

    def restart(self) -> None:
        """The host dies, and the next one knows what STACK was sent for."""
        self._before += self.bench.events
        self.bench.restart_host(Id003Codec(stacking=self.bench.codec.stacking))

    def check(self) -> None:
        body = self.bench.device.body
        stacked = [event for event in self.told(NoteStacked) if isinstance(event, NoteStacked)]
        back = self.told(NoteReturned) + self.told(NoteRejected)
        assert body.place is Place.NOWHERE
        assert body.notes.total() + body.returned == 1
        assert not (stacked and back), (stacked, back)
        known = [event for event in stacked if not event.replay]
        assert len(known) <= 1
        if body.returned:
            assert not stacked
            assert len(back) <= 1
        else:
            assert not back
        assert {event.channel for event in stacked} <= {0, CHANNEL}


def begin(settings: Settings, give_back: bool = False) -> tuple[Bench, Notes]:
    bench = Bench(settings).ready()
    if give_back:
        bench.decide = lambda note: bench.codec.command(ReturnNote(note.escrow))
    bench.device.insert(VALUE)
    return bench, Notes(bench)


def cut_power(bench: Bench, off_ms: int) -> None:
    bench.device.power_cut()
    bench.run(off_ms)
    bench.device.power_on()
    bench.plug_in()


@pytest.mark.parametrize("settings", [USUAL, OTHERWISE, DEVICES[10]], ids=["usual", "otherwise", "between"])
@pytest.mark.parametrize("give_back", [False, True])
@pytest.mark.parametrize("off_ms", [300, 8_000])
def test_the_power_fails_at_every_moment(settings: Settings, give_back: bool, off_ms: int) -> None:
    for at_ms in range(0, SPAN_MS, STEP_MS):
        bench, notes = begin(settings, give_back)
        bench.run(at_ms)
        known = notes.told(NoteStacked)
        cut_power(bench, off_ms)
        bench.run(12_000)
        notes.check()
        if known:
            assert notes.told(NoteStacked) == known, "told before the cut, and again after it"
            assert known == [NoteStacked(1, CHANNEL)]


@pytest.mark.parametrize("settings", DEVICES, ids=range(len(DEVICES)))
@pytest.mark.parametrize("moment", MOMENTS)
def test_what_a_power_cut_leaves_inside_is_told_if_the_device_tells(settings: Settings, moment: str) -> None:
    bench = Bench(settings).ready()
    if moment in ("returning", "escrow"):
        bench.decide = lambda note: bench.codec.command(ReturnNote(note.escrow)) if moment == "returning" else None
    bench.device.arm("power_cut", moment)
    bench.device.insert(VALUE)
    notes = Notes(bench)
    bench.until(lambda: not bench.device.powered)
    bench.run(2_000)
    bench.device.power_on()
    bench.run(12_000)
    notes.check()
    assert len(bench.of(PoweredUp)) == 1
    stacked = bench.of(NoteStacked)
    if bench.device.body.returned:
        assert len(bench.of(NoteReturned)) + len(bench.of(NoteRejected)) == 1
    elif moment == "before_stacked" and settings.forgets_stacked:
        assert stacked == []  # for the clerk
    else:
        assert [(event.channel, event.power_up, event.clean) for event in stacked] == [(0, True, True)]


@pytest.mark.parametrize("settings", [USUAL, OTHERWISE], ids=["usual", "otherwise"])
def test_the_power_fails_again_while_it_starts(settings: Settings) -> None:
    for again_ms in range(0, 5_000, 230):
        bench = Bench(settings).ready()
        bench.device.arm("power_cut", "before_stacked")
        bench.device.insert(VALUE)
        notes = Notes(bench)
        bench.until(lambda bench=bench: not bench.device.powered)
        bench.run(500)
        bench.device.power_on()
        bench.run(again_ms)
        known = notes.told(NoteStacked)
        cut_power(bench, 700)
        bench.run(12_000)
        notes.check()
        assert len(notes.told(NoteStacked)) <= 1
        assert not known or notes.told(NoteStacked) == known


@pytest.mark.parametrize("give_back", [False, True])
@pytest.mark.parametrize("away_ms", [60, 1_000, 6_000, 40_000])
def test_the_cable_is_pulled_at_every_moment(give_back: bool, away_ms: int) -> None:
    for at_ms in range(0, SPAN_MS, STEP_MS):
        bench, notes = begin(USUAL, give_back)
        bench.run(at_ms)
        bench.pull()
        bench.run(away_ms)
        bench.plug_in()
        bench.reconnect()
        bench.run(2_000)
        notes.check()
        kept = bench.device.body.notes.total()
        assert notes.told(NoteStacked) == [NoteStacked(1, CHANNEL)] * kept


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("durable", [False, True])
def test_the_host_dies_at_every_moment(durable: bool, twice: bool) -> None:
    for at_ms in range(0, SPAN_MS, STEP_MS):
        bench, notes = begin(USUAL)
        bench.acknowledging = durable
        bench.run(at_ms)
        for _ in range(1 + twice):
            notes.restart()
            bench.run(350)
        bench.acknowledging = True
        bench.acknowledge_all()
        bench.run(12_000)
        notes.check()
        kept = bench.device.body.notes.total()
        assert {event.channel for event in notes.told(NoteStacked)} == ({CHANNEL} if kept else set())  # type: ignore[attr-defined]


def test_host_and_device_lose_their_power_at_every_moment() -> None:
    for settings, at_ms in product((USUAL, OTHERWISE), range(0, SPAN_MS, STEP_MS)):
        bench, notes = begin(settings)
        bench.run(at_ms)
        known = notes.told(NoteStacked)
        bench.device.power_cut()
        bench.restart_host(Id003Codec())
        bench.device.power_on()
        bench.run(12_000)
        stacked = bench.of(NoteStacked)
        assert not bench.device.body.returned or not (stacked or known)
        assert all(event.power_up and event.replay and not event.channel for event in stacked)
        assert len(stacked) <= 1


def test_the_cable_is_pulled_for_good_at_every_frame_of_the_start() -> None:
    for sent in range(24):
        bench = Bench()
        bench.device.power_on()
        bench.until(lambda bench=bench, sent=sent: len(bench.sent) >= sent)
        bench.pull()
        bench.run(300)
        bench.plug_in()
        bench.reconnect()
        bench.device.insert(VALUE)
        bench.until(bench.stacked)
        bench.run(1_000)
        assert len(bench.of(NoteStacked)) == 1


def test_every_setting_sent_while_it_connects_again_takes_nothing() -> None:
    bench = Bench().ready()
    bench.pull()
    bench.run(5_500)
    bench.plug_in()
    count = len(bench.sent)
    bench.run(3_000)
    again = [raw for _, raw in bench.sent[count:]]
    assert bytes.fromhex("FC07C0FFFF9545") in again
    assert bytes.fromhex("FC06C30004D6") not in again
    assert bench.device.enabled == []


def test_a_host_that_starts_anew_sends_a_held_note_back() -> None:
    bench = Bench().ready()
    bench.decide = lambda note: None
    bench.device.insert(VALUE)
    bench.until(lambda: bench.of(NoteEscrowed))
    bench.restart_host(Id003Codec())
    bench.until(lambda: bench.of(NoteReturned), 4_000)
    assert bench.device.body.returned == 1
    assert not bench.of(NoteEscrowed)


@pytest.mark.parametrize("settings", [USUAL, OTHERWISE], ids=["usual", "otherwise"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_the_twin_continues_from_its_file(moment: str, settings: Settings) -> None:
    bench = Bench(settings).ready()
    bench.device.arm("power_cut", moment)
    stack_or_return: Callable[[NoteEscrowed], None] = bench.stack
    if moment == "returning":
        stack_or_return = lambda note: bench.codec.command(ReturnNote(note.escrow))  # noqa: E731
    bench.decide = stack_or_return
    bench.device.insert(VALUE)
    bench.until(lambda: not bench.device.powered)
    again = Bench(device=Acceptor(settings, Body.from_json(bench.device.body.to_json())))
    again.start()
    again.run(1_000)
    body = again.device.body
    assert body.notes.total() + body.returned == 1
    forgotten = moment == "before_stacked" and settings.forgets_stacked
    assert len(again.of(NoteStacked)) == (0 if forgotten else body.notes.total())
