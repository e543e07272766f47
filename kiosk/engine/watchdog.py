"""Tells systemd that the engine's loop turns: at half the watchdog's interval and no faster."""

import os

import sdnotify


class Watchdog:
    """Silent where systemd gave no socket."""

    def __init__(self) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        self._every_ms = int(os.environ.get("WATCHDOG_USEC", "20000000")) // 2_000
        self._next_ms = 0

    def ready(self, status: str) -> None:
        self._notifier.notify(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        self._notifier.notify("STOPPING=1")

    def beat(self, now_ms: int) -> None:
        if now_ms >= self._next_ms:
            self._next_ms = now_ms + self._every_ms
            self._notifier.notify("WATCHDOG=1")
