"""The journal's rule in small, for an acceptor that is interrupted: a note to be stacked stays open until it is known.

What the brain does (kiosk.brain.cash) is written down here once more, by hand, so that codec and twin can be tried at
thousands of moments without it.
"""

from collections.abc import Callable

from hardware.acceptors.ccnet import CcnetCodec
from hardware.acceptors.contract import (
    Connected,
    Enable,
    Event,
    Lost,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    PoweredUp,
    ReturnNote,
    StackNote,
)
from hardware.sim.ccnet_device import Validator
from hardware.sim.ccnet_parts import USA, Settings
from hardware.sim.ccnet_wire import Wire
from hardware.sim.control import Refused
from hardware.sim.lines import Weather
from tests.protocol.acceptor_bench import Bench

ALL = frozenset(USA)
DOUBT_MS = 30_000  # after this an open note of which nothing is heard is in doubt


class Journal:
    """`open_minor` is a note that was to be stacked. All amounts in cents, all lists in order."""

    def __init__(self, settings: Settings, weather: Weather | None = None, seed: int = 0, commit_ms: int = 0) -> None:
        device = Validator(settings)
        self.bench = Bench(CcnetCodec(), device, Wire(device), weather, seed)
        self.device = device
        self.bench.ack_after_ms = commit_ms
        self.bench.decide = self._decide
        self.credited: list[int] = []
        self.doubted: list[int] = []
        self.returned = 0
        self.open_minor = 0
        self.last_minor = 0
        self.inserted = 0
        self._powered_up = False
        self._open_ms = 0
        self._heard = 0
        self._ready = False
        device.power_on()

    # What the layers above do

    def _decide(self, note: NoteEscrowed) -> None:
        value_minor = USA.get(note.channel, 0)
        if self.open_minor or not value_minor:
            self.bench.codec.command(ReturnNote(note.escrow))
            return
        self.open_minor, self._open_ms, self._powered_up = value_minor, self.bench.now_ms, False
        self.bench.codec.command(StackNote(note.escrow))

    def fold(self) -> None:
        """Take what was heard since the last look."""
        events, self._heard = self.bench.events[self._heard :], len(self.bench.events)
        for event in events:
            self._hear(event)
        if self.open_minor and self._ready and self.bench.now_ms - self._open_ms >= DOUBT_MS:
            self.doubted.append(self.open_minor)
            self._settle()

    def _hear(self, event: Event) -> None:
        match event:
            case Connected():
                self._ready, self._open_ms = True, self.bench.now_ms
                if not self.open_minor:
                    self.bench.codec.command(Enable(ALL))
            case Lost():
                self._ready = False
            case PoweredUp():
                self._ready, self._powered_up, self._open_ms = False, True, self.bench.now_ms
            case NoteStacked():
                self._stacked(event)
            case NoteReturned():
                self.returned += bool(self.open_minor)
                self._settle()
            case NoteRejected() if self.open_minor:
                if self._powered_up:
                    self.doubted.append(self.open_minor)
                else:
                    self.returned += 1
                self._settle()

    def _stacked(self, event: NoteStacked) -> None:
        value_minor = USA.get(event.channel, 0)
        again = not self.open_minor and (event.replay or event.power_up) and value_minor == self.last_minor
        if value_minor and not again:
            self.credited.append(value_minor)
        self.last_minor = value_minor if self.open_minor else self.last_minor
        self._settle()

    def _settle(self) -> None:
        was_open, self.open_minor = self.open_minor, 0
        if was_open and self._ready:
            self.bench.codec.command(Enable(ALL))

    # What happens

    def kill(self) -> None:
        """The process dies; what it had heard and not committed is heard again or not at all."""
        pending = {report for _, report in self.bench._acks}
        kept = [event for event in self.bench.events[self._heard :] if getattr(event, "report", 0) not in pending]
        for event in kept:
            self._hear(event)
        self.bench.restart_host(CcnetCodec())
        self._heard, self._ready, self._open_ms = 0, False, self.bench.now_ms

    def until(self, reached: Callable[[], object], limit_ms: int = 120_000) -> None:
        def looked() -> object:
            self.fold()
            return reached()

        self.bench.until(looked, limit_ms)

    def run(self, ms: int) -> None:
        end_ms = self.bench.now_ms + ms
        self.until(lambda: self.bench.now_ms >= end_ms)

    def insert(self, value_minor: int) -> bool:
        """Push a note in; return False if the slot does not take it."""
        try:
            self.device.insert(value_minor)
        except Refused:
            return False
        self.inserted += 1
        return True

    def push(self, value_minor: int, ms: int) -> None:
        """Try for `ms` to push another note in, every 50 ms."""
        for _ in range(0, ms, 50):
            self.insert(value_minor)
            self.run(50)

    def come_to_rest(self) -> None:
        """Wait until nothing is in the path and nothing is open."""
        self.until(self._at_rest, 200_000)
        self.run(3_000)

    def _at_rest(self) -> bool:
        if self.device.state() == "jammed" and self.bench.now_ms % 20_000 < 50:  # somebody sees to it now and then
            self.device.clear()
        return self._ready and not self.open_minor and not self.device.busy

    def check(self) -> None:
        """Not a cent invented, lost or doubled: what lies in the cassette was credited, or it is in doubt."""
        notes = self.device.body.notes
        kept_minor = sum(value * count for value, count in notes.items())
        assert self.device.body.returned + notes.total() == self.inserted, "the twin lost a note"
        assert sum(self.credited) <= kept_minor, f"invented: {self.credited}, {self.doubted} for {notes}"
        assert kept_minor <= sum(self.credited) + sum(self.doubted), (
            f"lost: {self.credited}, {self.doubted} for {notes}"
        )
