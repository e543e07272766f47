"""Power, cable and host fail at every moment of a note: what the host is told must settle the one open request.

The host here is the journal's rule in small: a note is asked for once, and what follows credits it, closes it or leaves
it open; open ones are put in doubt by the layers above, and people count.
"""

import json
import random

import pytest

from hardware.acceptors.contract import (
    Acknowledge,
    Connected,
    Enable,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    ReturnNote,
    StackNote,
)
from hardware.acceptors.ssp import NV, NV_ENCRYPTED, SMART_PAYOUT, Profile
from hardware.sim.notes import Place
from hardware.sim.ssp_device import Acceptor
from hardware.sim.ssp_parts import Settings, SspBody
from tests.protocol.ssp_bench import ALL, SspBench

STEP_MS = 90  # a note takes some two and a half seconds
MOMENTS_MS = range(0, 2_700, STEP_MS)
WAYS: dict[str, tuple[Profile, Settings]] = {
    "clear": (NV, Settings()),
    "terse": (NV, Settings(tells_stacking=False, joins_credit_and_stacked=True, names_channel_at_power_up=False)),
    "slow to settle": (NV, Settings(settle_ms=1_500)),
    "encrypted": (NV_ENCRYPTED, Settings()),
    "remembering": (NV_ENCRYPTED, Settings(require_key="everything", unacknowledged_survive=True)),
    "recycler": (SMART_PAYOUT, Settings("smart-payout", require_key="everything", counts_before_value=True)),
}


class Books:
    """What a journal would say: the open request, credits in order, and money that nobody asked for."""

    def __init__(self, bench: SspBench) -> None:
        self.bench = bench
        self.open = 0
        self.last = 0
        self.credits: list[int] = []
        self.unasked: list[int] = []
        self.returned = 0
        self._heard = 0
        bench.decide = self.decide

    def decide(self, note: NoteEscrowed) -> None:
        self.hear()
        if note.channel and not self.open:
            self.open = note.channel
            self.bench.codec.command(StackNote(note.escrow))
        else:
            self.bench.codec.command(ReturnNote(note.escrow))

    def hear(self) -> None:
        for event in self.bench.events[self._heard :]:
            if isinstance(event, NoteStacked):
                self._stacked(event)
            elif isinstance(event, (NoteReturned, NoteRejected)):
                self.returned += bool(self.open)
                self.open = 0
        self._heard = len(self.bench.events)

    def _stacked(self, event: NoteStacked) -> None:
        if self.open and (event.channel or (event.power_up and event.clean)):
            self.last = event.channel or self.open
            self.credits.append(self.last)
        elif event.channel and not ((event.replay or event.power_up) and event.channel == self.last):
            self.unasked.append(event.channel)
        if event.channel or event.power_up:
            self.open = 0

    def reborn(self) -> None:
        self.hear()
        self.bench.reborn()
        self._heard = 0


def check(books: Books, bench: SspBench) -> None:
    """Not a cent more than lies in the device; what is missing is the one open request."""
    books.hear()
    inside = bench.device.own.notes.total() + bench.device.own.store.total()
    told = len(books.credits) + len(books.unasked)
    assert told <= inside, "money was invented or booked twice"
    assert inside <= told + bool(books.open), "money was lost"
    assert not books.unasked
    assert bench.device.own.place is Place.NOWHERE
    assert inside + bench.device.own.returned == 1


def note_on_its_way(way: str, until_ms: int) -> tuple[SspBench, Books]:
    profile, settings = WAYS[way]
    bench = SspBench(settings, profile).ready()
    books = Books(bench)
    bench.device.insert(2000)
    bench.run(until_ms)
    return bench, books


def settle(bench: SspBench) -> None:
    bench.until(lambda: bench.of(Connected))
    bench.until(lambda: not bench.device.busy)
    bench.run(2_000)


@pytest.mark.parametrize("off_ms", [400, 12_000])
@pytest.mark.parametrize("way", WAYS)
def test_the_device_loses_power_at_each_moment(way: str, off_ms: int) -> None:
    for at_ms in MOMENTS_MS:
        bench, books = note_on_its_way(way, at_ms)
        bench.device.power_cut()
        bench.run(off_ms)
        bench.device.power_on()
        settle(bench)
        check(books, bench)


@pytest.mark.parametrize("away_ms", [300, 25_000])
@pytest.mark.parametrize("way", WAYS)
def test_the_cable_is_pulled_at_each_moment(way: str, away_ms: int) -> None:
    for at_ms in MOMENTS_MS:
        bench, books = note_on_its_way(way, at_ms)
        count = len(bench.of(Connected))
        bench.pull()
        bench.run(away_ms)
        bench.plug_in()
        bench.until(lambda bench=bench, count=count: len(bench.of(Connected)) > count)
        settle(bench)
        check(books, bench)
        assert not books.open, "a device that kept its power knows"


@pytest.mark.parametrize("way", WAYS)
def test_the_host_dies_at_each_moment(way: str) -> None:
    for at_ms in MOMENTS_MS:
        bench, books = note_on_its_way(way, at_ms)
        books.reborn()
        settle(bench)
        check(books, bench)
        assert not books.open


@pytest.mark.parametrize("way", WAYS)
def test_the_host_dies_with_a_report_that_was_not_acknowledged(way: str) -> None:
    """It was told and is on nobody's disk: the next process is told again."""
    for at_ms in MOMENTS_MS:
        profile, settings = WAYS[way]
        bench = SspBench(settings, profile).ready()
        books = Books(bench)
        bench.acknowledging = False
        bench.device.insert(2000)
        bench.run(at_ms)
        books._heard = len(bench.events)  # heard, and lost with the process
        bench.reborn()
        books._heard = 0
        bench.acknowledging = True
        settle(bench)
        check(books, bench)
        assert not books.open


@pytest.mark.parametrize("seed", range(12))
def test_everything_fails_together(seed: int) -> None:
    """Power of both, in any order, several times about one note."""
    chance = random.Random(seed)
    way = chance.choice(list(WAYS))
    bench, books = note_on_its_way(way, chance.randrange(2_700))
    for _ in range(3):
        act = chance.choice(["device", "host", "cable"])
        if act == "device" and bench.device.powered:
            bench.device.power_cut()
            bench.run(chance.choice([200, 3_000]))
            bench.device.power_on()
        elif act == "host":
            books.reborn()
        else:
            bench.pull()
            bench.run(chance.choice([100, 6_000]))
            bench.plug_in()
        bench.run(chance.randrange(2_000))
    settle(bench)
    check(books, bench)


@pytest.mark.parametrize("way", WAYS)
def test_the_twin_continues_from_its_file(way: str) -> None:
    profile, settings = WAYS[way]
    for at_ms in range(0, 2_700, 300):
        bench, books = note_on_its_way(way, at_ms)
        bench.device.power_cut()
        books.hear()
        kept = json.loads(json.dumps(bench.device.own.to_json()))
        again = SspBench(settings, profile, device=Acceptor(settings, SspBody.from_json(kept)))
        books.bench, books._heard = again, 0
        again.decide = books.decide
        again.device.power_on()
        settle(again)
        check(books, again)


def test_the_next_note_is_taken_after_all_that() -> None:
    bench, books = note_on_its_way("clear", 1_500)
    bench.device.power_cut()
    bench.run(8_000)
    bench.device.power_on()
    settle(bench)
    bench.codec.command(Enable(ALL))
    bench.until(lambda: bench.device.enabled)
    bench.device.insert(500)
    bench.until(lambda: bench.device.own.notes[500] == 1)
    bench.run(2_000)
    books.hear()
    assert books.credits[-1] == 3
    for event in bench.of(NoteStacked):
        bench.codec.command(Acknowledge(event.report))
