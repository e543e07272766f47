"""Codec and twin on one bench in virtual time: no thread, no clock, no sleeping."""

import random
from collections.abc import Callable
from typing import TypeVar

from hardware.acceptors.contract import (
    Acknowledge,
    Codec,
    Event,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    StackNote,
)
from hardware.sim.acceptor import Device, Wire
from hardware.sim.lines import BadLine, Weather

REPORTS = (NoteStacked, NoteReturned, NoteRejected)
Kind = TypeVar("Kind")


class Bench:
    """`ack_after_ms` is how long a commit takes; `decide` says what happens to a note in escrow (default: stack it)."""

    def __init__(self, codec: Codec, device: Device, wire: Wire, weather: Weather | None = None, seed: int = 0) -> None:
        self.now_ms = 1_000
        self.device, self.wire, self.codec = device, wire, codec
        chance = random.Random(seed)
        self._out, self._back = BadLine(weather or Weather(), chance), BadLine(weather or Weather(), chance)
        self.events: list[Event] = []
        self.sent: list[tuple[int, bytes]] = []
        self.ack_after_ms = 0
        self.acknowledging = True
        self.decide: Callable[[NoteEscrowed], None] = self.stack
        self.plugged = True
        self._acks: list[tuple[int, int]] = []
        self.codec.line_opened(self.now_ms)

    def stack(self, note: NoteEscrowed) -> None:
        """Take every note."""
        self.codec.command(StackNote(note.escrow))

    def restart_host(self, codec: Codec) -> None:
        """The host's process dies and another starts; the device goes on."""
        self.events.clear()
        self._acks.clear()
        self.codec = codec
        self.plug_in()

    # Time

    def run(self, ms: int) -> None:
        """Let `ms` pass, in steps no longer than the next thing that is due."""
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms:
            self._turn(end_ms)

    def until(self, reached: Callable[[], object], limit_ms: int = 60_000) -> None:
        """Let time pass until `reached()`; fails after `limit_ms`."""
        end_ms = self.now_ms + limit_ms
        while not reached():
            assert self.now_ms < end_ms, f"not within {limit_ms} ms; {self.device.state()}; {self.events[-8:]}"
            self._turn(end_ms)

    def _turn(self, end_ms: int) -> None:
        due = [end_ms, self.now_ms + 10, max(self.now_ms + 1, self.codec.due_ms())]
        due += [at for at in (self._out.due_ms(), self._back.due_ms()) if at is not None]
        due += [at for at, _ in self._acks]
        next_ms = max(self.now_ms, min(due))
        self.wire.step(next_ms - self.now_ms)
        self.now_ms = next_ms
        for data in self._out.arrived(next_ms):
            for write in self.wire.feed(data):
                self._back.send(write, next_ms)
        for data in self._back.arrived(next_ms):
            self._take(self.codec.feed(data, next_ms))
        self._acknowledge_due()
        data, events = self.codec.tick(next_ms)
        self._take(events)
        if data and self.plugged:
            self.sent.append((next_ms, data))
            self._out.send(data, next_ms)

    def _take(self, events: list[Event]) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, REPORTS) and self.acknowledging:
                self._acks.append((self.now_ms + self.ack_after_ms, event.report))
            if isinstance(event, NoteEscrowed):
                self.decide(event)

    def _acknowledge_due(self) -> None:
        for at_ms, report in list(self._acks):
            if at_ms <= self.now_ms:
                self._acks.remove((at_ms, report))
                self.codec.command(Acknowledge(report))

    def acknowledge_all(self) -> None:
        """What was reported so far is durable now."""
        self.acknowledging = True
        for event in self.events:
            if isinstance(event, REPORTS):
                self.codec.command(Acknowledge(event.report))

    # Cable

    def pull(self) -> None:
        self.plugged = False
        self._out.cut()
        self._back.cut()

    def mend(self) -> None:
        """The cable is whole behind an adapter that stayed: nobody opens the line."""
        self.plugged = True

    def plug_in(self) -> None:
        self.mend()
        self.codec.line_opened(self.now_ms)

    # What happened

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    def stacked(self) -> list[NoteStacked]:
        """Return the stacked reports with a value."""
        return [event for event in self.of(NoteStacked) if event.channel]
