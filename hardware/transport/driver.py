"""The thread between a codec and its port: it waits for bytes, a command or the codec's next due time.

The codec decides everything; here are only the port, the clock and the waiting. A port behind which the codec has
found nobody is closed and opened again: the name may mean another device node by now, and an adapter that lost its
settings gets them anew.
"""

import logging
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from hardware.transport.conversation import Codec, Lost, Met, Refused
from hardware.transport.line import Line, LineLost

log = logging.getLogger(__name__)

BACKOFF_MS = (100, 200, 500, 1_000, 2_000)  # between attempts to open the port; the last repeats
WAIT_S_MAX = 60.0

CommandT = TypeVar("CommandT")
OnWire = Callable[[str, bytes, int], None]


class Driver(Generic[CommandT]):
    """One device on one port.

    `clock()` is monotonic, in nanoseconds. `on_event` is called on the driver's thread with every event of the codec,
    and with `Lost` when the port cannot be opened or dies. `on_wire(direction, data, at_ns)` is called with "in" right
    after bytes were read and with "out" right after they were written. `before_write()` runs before bytes go out, to
    keep what the codec counts outside the process. `on_refused(command, reason)` hears of decisions that came too late;
    they are logged in any case. What a callback raises ends the thread.
    """

    def __init__(
        self,
        codec: Codec[CommandT],
        line: Line,
        clock: Callable[[], int] = time.monotonic_ns,
        on_event: Callable[[Any], None] = lambda event: None,
        *,
        on_wire: OnWire | None = None,
        before_write: Callable[[], None] | None = None,
        on_refused: Callable[[CommandT, Refused], None] | None = None,
    ) -> None:
        self._codec = codec
        self._line = line
        self._clock = clock
        self._on_event = on_event
        self._on_wire = on_wire
        self._before_write = before_write
        self._on_refused = on_refused
        self._commands: deque[CommandT] = deque()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._stopping = threading.Event()
        self._wake_lock = threading.Lock()
        self._awake = True  # the pipe is open
        self._losses = 0  # since the device was last connected
        self._said_lost = ""  # the reason last given, "" while connected or not yet lost

    # From any thread

    def submit(self, command: CommandT) -> None:
        """Hand over a command; it reaches the codec before anything else is sent."""
        self._commands.append(command)
        self._wake()

    def stop(self) -> None:
        """Let `run` return; what the device holds is not touched."""
        self._stopping.set()
        self._wake()

    def _wake(self) -> None:
        with self._wake_lock, suppress(BlockingIOError):  # a full pipe wakes as well
            if self._awake:
                os.write(self._wake_write, b"!")

    # The thread

    def run(self) -> None:
        """Serve the port until `stop`; call it once."""
        try:
            while not self._stopping.is_set():
                try:
                    self._line.open()
                    self._converse()
                except LineLost as loss:
                    self._line_lost(str(loss))
        finally:
            self._line.close()
            with self._wake_lock:
                self._awake = False
                os.close(self._wake_read)
                os.close(self._wake_write)

    def _converse(self) -> None:
        self._codec.line_opened(self._now_ms())
        with selectors.DefaultSelector() as selector:
            selector.register(self._line.fileno(), selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while not self._stopping.is_set():
                ready = selector.select(self._patience_s())
                for key, _ in ready:
                    if key.fd == self._wake_read:
                        self._drain()
                    else:
                        self._read()
                self._take_commands()
                self._tick()

    def _patience_s(self) -> float:
        return min(max(0.0, (self._codec.due_ms() * 1_000_000 - self._clock()) / 1e9), WAIT_S_MAX)

    def _read(self) -> None:
        data = self._line.read()
        now_ns = self._clock()
        if data and self._on_wire:
            self._on_wire("in", data, now_ns)
        self._tell(self._codec.feed(data, now_ns // 1_000_000))

    def _tick(self) -> None:
        data, events = self._codec.tick(self._now_ms())
        if data:
            if self._before_write:
                self._before_write()
            self._line.write(data)
            if self._on_wire:
                self._on_wire("out", data, self._clock())
        self._tell(events)

    def _take_commands(self) -> None:
        while self._commands:
            command = self._commands.popleft()
            try:
                self._codec.command(command)
            except Refused as refusal:
                # What it was about ended while the decision was on its way: the device's next report says how.
                log.warning("%s: %s refused: %s", self._line.name, command, refusal)
                if self._on_refused:
                    self._on_refused(command, refusal)

    def _line_lost(self, reason: str) -> None:
        """Close, say so once, and wait before the next attempt; commands are still taken meanwhile."""
        self._line.close()
        if reason != self._said_lost:
            self._said_lost = reason
            self._on_event(Lost(reason))
        deadline_ns = self._clock() + BACKOFF_MS[min(self._losses, len(BACKOFF_MS) - 1)] * 1_000_000
        self._losses += 1
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            while not self._stopping.is_set() and (left_ns := deadline_ns - self._clock()) > 0:
                if selector.select(left_ns / 1e9):
                    self._drain()
                self._take_commands()

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._wake_read, 4096):
                pass

    def _tell(self, events: list[Any]) -> None:
        """Pass events on. LineLost for the codec's Lost, which is always its last."""
        if events and self._before_write:
            self._before_write()  # what the layer above acts on is kept first
        for event in events:
            if isinstance(event, Lost):
                raise LineLost(event.reason)
            if isinstance(event, Met):
                self._said_lost, self._losses = "", 0
            self._on_event(event)

    def _now_ms(self) -> int:
        return self._clock() // 1_000_000
