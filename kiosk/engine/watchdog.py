"""Tells systemd that the engine's loop turns."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sdnotify

START_S = 300  # a start that takes longer has hung
_BEAT_S = 1.0


class Watchdog:
    """Silent where systemd gave no socket."""

    def __init__(self) -> None:
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
    def patient(self) -> Iterator[None]:
        """Beat while a journal is opened and read, which on a slow medium takes longer than one interval."""
        done = threading.Event()

        def wait() -> None:
            for _ in range(int(START_S / _BEAT_S)):
                if done.wait(_BEAT_S):
                    return
                self._notifier.notify("WATCHDOG=1")

        threading.Thread(target=wait, name="patience", daemon=True).start()
        try:
            yield
        finally:
            done.set()
