"""A terminal's codec and twin on one bench in virtual time: no thread, no clock, no sleeping.

The bench does what the driver does: it opens the line again when the codec finds it lost. It counts what is written in
both directions, and can cut the line at any of these writes.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from hardware.cards.contract import (
    Acknowledge,
    BatchClosed,
    Codec,
    Command,
    Connected,
    Ended,
    Event,
    Lost,
    Query,
    Refund,
    Reversed,
    Sale,
    Void,
)
from hardware.sim.lines import BadLine, Weather

REPORTS = (Ended, Reversed, BatchClosed)
REOPEN_MS = 200
STRIDE_MS, STIR_MS, LONG_STRIDE_MS = 20, 400, 200  # how closely time is looked at, and where nothing stirs
OUT, BACK = "out", "back"  # from the host, and to it
Kind = TypeVar("Kind")


class Twin(ABC):
    """A terminal and its side of one line, as the bench sees them."""

    @abstractmethod
    def power_on(self) -> None:
        """Start; harmless if it is on."""

    @abstractmethod
    def power_cut(self) -> None:
        """Stop at once. What its memory keeps is there after `power_on`."""

    @abstractmethod
    def power_cut_at(self, when: str) -> None:
        """Cut the power of the next sale or void: "card", before anything; "host", before the host approves; "booked",
        after it did and before the answer leaves; "": at none any more."""

    @abstractmethod
    def customer(self, does: str, **more: Any) -> None:
        """What the next customer does: approve, decline, partial (`part_minor`), cancel, walk_away; `host_ms` is how
        long the host takes."""

    @abstractmethod
    def returns(self, does: str, host_ms: int = 300) -> None:
        """What becomes of refunds from now on: approve, decline, and whatever else this terminal knows."""

    @abstractmethod
    def customer_waits(self) -> bool:
        """Whether the terminal waits for a card now."""

    @abstractmethod
    def busy(self) -> bool:
        """Whether a transaction is under way."""

    @abstractmethod
    def standing(self) -> list[int]:
        """Return the amounts in cents of all sales that were approved and not voided, in order."""

    @abstractmethod
    def refunded(self) -> list[tuple[str, int]]:
        """Return what the host calls each refund that moved money, "" where it keeps no name, and its cents."""

    @abstractmethod
    def made(self) -> int:
        """Return how many sales the host ever approved."""

    def references(self) -> list[str]:
        """Return what the approved sales were called by the host, none where the terminal does not keep that."""
        return []

    def known(self) -> int:
        """Return how many approved sales the host has said that it knows of."""
        return 0

    @abstractmethod
    def batches_closed(self) -> int:
        """Return how often a batch was closed."""

    def in_batch(self) -> list[int]:
        """Return the amounts of `standing` that are in no closed batch, where batches are closed on order."""
        return []

    @abstractmethod
    def step(self, dt_ms: int) -> None:
        """Let time pass."""

    @abstractmethod
    def feed(self, data: bytes) -> None:
        """Take bytes from the host."""

    @abstractmethod
    def take(self) -> list[bytes]:
        """Return what is written to the host by now, one item a write."""

    @abstractmethod
    def connected(self) -> None:
        """The line is open (again)."""

    @abstractmethod
    def disconnected(self) -> None:
        """The line was cut. On a serial line nobody notices."""


class Bench:
    """`make_codec()` returns a codec that knows nothing, as after a crash."""

    def __init__(
        self, make_codec: Callable[[], Codec], twin: Twin, weather: Weather | None = None, seed: int = 0
    ) -> None:
        self.now_ms = 1_000
        self.twin = twin
        self.events: list[Event] = []
        self.written: list[tuple[str, bytes]] = []  # every write that left, with its direction
        self.ack_after_ms = 0  # how long a commit takes
        self.acknowledging = True
        self.plugged = True
        self.last_ref: str | None = ""  # terminal_ref of the last sale that is known to have been approved
        self.under_way = ""  # reference of the command that this codec was given and has not ended
        self._make_codec = make_codec
        chance = random.Random(seed)
        self._lines = {OUT: BadLine(weather or Weather(), chance), BACK: BadLine(weather or Weather(), chance)}
        self._acks: list[tuple[int, int]] = []
        self._cut: tuple[str, int] | None = None
        self._torn = 0
        self._reopen_ms: int | None = None
        self._stirred_ms = 0  # when something was written last
        self.codec = make_codec()
        self._open_line()

    # What a test does

    def do(self, command: Command) -> None:
        self.codec.command(command)
        if isinstance(command, Sale | Void | Refund | Query):
            self.under_way = command.reference

    def sell(self, reference: str, amount_minor: int = 4725) -> None:
        self.before = self.last_ref
        self.do(Sale(reference, amount_minor))

    def ended(self, reference: str, found: bool | None = None) -> Ended | None:
        """Return the last end that was told of `reference`."""
        ends = [end for end in self.of(Ended) if end.reference == reference and found in (None, end.found)]
        return ends[-1] if ends else None

    def end_of(self, reference: str, limit_ms: int = 400_000) -> Ended:
        """Wait for an end of `reference`; return it."""
        self.until(lambda: self.ended(reference), limit_ms)
        end = self.ended(reference)
        assert end is not None
        return end

    def look_up(self, reference: str, amount_minor: int, operation: str = "sale", of: str = "", ref: str = "") -> Ended:
        """Ask what became of it, as often as it takes; the terminal must be there."""
        for _ in range(12):
            self.until(self.idle, 120_000)
            before = len(self.of(Ended))
            after = getattr(self, "before", None) if operation == "sale" else None
            self.do(Query(reference, operation, amount_minor, ref, of, after))
            self.until(lambda before=before: len(self.of(Ended)) > before, 900_000)
            end = self.of(Ended)[-1]
            if end.result != "unknown":
                return end
            self.run(5_000)
        raise AssertionError(f"never found: {self.events[-12:]}")

    def idle(self) -> bool:
        """Whether the terminal is met and has nothing to acknowledge."""
        since = self.events[self._opened :]
        state = [event for event in since if isinstance(event, Connected | Lost)]
        connected = bool(state) and isinstance(state[-1], Connected)
        return connected and self.plugged and not self._acks and self._reopen_ms is None

    def restart_host(self) -> None:
        """The host's process dies and another starts; the terminal goes on."""
        self.events.clear()
        self._acks.clear()
        self.under_way = ""
        self.codec = self._make_codec()
        self.twin.disconnected()
        self.plugged = True
        self._open_line()

    def pull(self) -> None:
        self.plugged = False
        self._cut = None
        for line in self._lines.values():
            line.cut()
        self.twin.disconnected()

    def plug_in(self) -> None:
        self.plugged = True
        self._open_line()

    def cut_at(self, direction: str, write: int, torn: bool = False) -> None:
        """Cut the line at the `write`-th write from now in that direction: it is lost, or half of it (`torn`)."""
        self._cut = (direction, write)
        self._torn = torn

    def spare(self) -> None:
        """Cut the line no more, if the write at which it was to be cut never came."""
        self._cut = None

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
            assert self.now_ms < end_ms, f"not within {limit_ms} ms; {self.events[-8:]}"
            self._turn(end_ms)

    def _turn(self, end_ms: int) -> None:
        stride_ms = STRIDE_MS if self.now_ms - self._stirred_ms < STIR_MS else LONG_STRIDE_MS
        due = [end_ms, self.now_ms + stride_ms, max(self.now_ms + 1, self.codec.due_ms())]
        due += [at for at in (line.due_ms() for line in self._lines.values()) if at is not None]
        due += [at for at, _ in self._acks]
        if self._reopen_ms is not None and self.plugged:
            due.append(self._reopen_ms)
        next_ms = max(self.now_ms, min(due))
        self.twin.step(next_ms - self.now_ms)
        self.now_ms = next_ms
        if self._reopen_ms is not None and next_ms >= self._reopen_ms and self.plugged:
            self._open_line()
        self._carry()
        self._acknowledge_due()
        if self._reopen_ms is None:
            data, events = self.codec.tick(next_ms)
            self._take(events)
            self._send(OUT, data)

    def _carry(self) -> None:
        for data in self._lines[OUT].arrived(self.now_ms):
            self.twin.feed(data)
        for write in self.twin.take():
            self._send(BACK, write)
        for data in self._lines[BACK].arrived(self.now_ms):
            if self.plugged and self._reopen_ms is None:
                self._take(self.codec.feed(data, self.now_ms))

    def _send(self, direction: str, data: bytes) -> None:
        if not data or not self.plugged or self._reopen_ms is not None:
            return
        if self._cut and self._cut[0] == direction:
            left = self._cut[1] - 1
            self._cut = (direction, left)
            if left <= 0:
                half = data[: len(data) // 2]
                if self._torn and half:
                    self._deliver(direction, half)
                self.pull()
                return
        self.written.append((direction, data))
        self._stirred_ms = self.now_ms
        self._lines[direction].send(data, self.now_ms)

    def _deliver(self, direction: str, data: bytes) -> None:
        if direction == OUT:
            self.twin.feed(data)
        else:
            self._take(self.codec.feed(data, self.now_ms))

    def _take(self, events: list[Event]) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, Ended):
                self.under_way = ""
            if isinstance(event, Ended) and event.result == "approved" and event.operation == "sale":
                self.last_ref = event.terminal_ref
            if isinstance(event, REPORTS) and self.acknowledging:
                self._acks.append((self.now_ms + self.ack_after_ms, event.report))
            if isinstance(event, Lost):
                self._reopen_ms = self.now_ms + REOPEN_MS
                for line in self._lines.values():
                    line.cut()
                self.twin.disconnected()

    def _acknowledge_due(self) -> None:
        for at_ms, report in list(self._acks):
            if at_ms <= self.now_ms:
                self._acks.remove((at_ms, report))
                self.do(Acknowledge(report))

    def acknowledge_all(self) -> None:
        """What was reported so far is durable now."""
        self.acknowledging = True
        for event in self.events:
            if isinstance(event, REPORTS):
                self.do(Acknowledge(event.report))

    def _open_line(self) -> None:
        self._reopen_ms, self._opened = None, len(self.events)
        for line in self._lines.values():
            line.cut()
        self.twin.connected()
        self.codec.line_opened(self.now_ms)

    # What happened

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    def void_of(self, sale: Ended, reference: str) -> Void:
        return Void(reference, sale.reference, sale.amount_minor, sale.terminal_ref, sale.slip)
