"""Tells systemd that the engine's loop turns."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sdnotify

START_S = 300.0  # a start that does not get on for longer has hung
BEAT_S = 1.0


class Watchdog:
    """Silent where systemd gave no socket."""

    def __init__(self, beat_s: float = BEAT_S, start_s: float = START_S) -> None:
        self._beat_s = beat_s
        self._start_s = start_s
        self._notifier = sdnotify.SystemdNotifier()
        # A tenth, for two syncs of 10 s in one turn of the loop leave only a third of 30 s.
        self._every_ms = int(os.environ.get("WATCHDOG_USEC", "20000000")) // 10_000
        self._next_ms = 0

    def ready(self, status: str) -> None:
        self._notifier.notify(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        self._notifier.notify("STOPPING=1")

    def beat(self, now_ms: int) -> None:
        if now_ms >= self._next_ms:
            self._next_ms = now_ms + self._every_ms
            self._notifier.notify("WATCHDOG=1")

    @contextmanager
    def patient(self) -> Iterator[Callable[[], None]]:
        """Beat while a journal is opened and read, which on a slow medium takes longer than one interval.

        The function that is given is called as the start gets on: only one that does not has hung.
        """
        done, moved = threading.Event(), threading.Event()

        def wait() -> None:
            left_s = self._start_s
            while left_s > 0 and not done.wait(self._beat_s):
                left_s = self._start_s if moved.is_set() else left_s - self._beat_s
                moved.clear()
                self._notifier.notify("WATCHDOG=1")

        threading.Thread(target=wait, name="patience", daemon=True).start()
        try:
            yield moved.set
        finally:
            done.set()
