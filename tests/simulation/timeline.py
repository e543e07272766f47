"""Virtual time: what is to happen, in order. Nothing here waits."""

import heapq
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

BEGINNING = datetime(2026, 11, 23, 19, 42, tzinfo=UTC)
FOREVER_MS = 1 << 60

Life = Generator[int, None, None]


class Timeline:
    """`now_ms` is the world's true time since it began. Acts due at one moment run in the order they were asked for."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._acts: list[tuple[int, int, Callable[[], Any]]] = []
        self._order = count()

    @property
    def utc(self) -> datetime:
        return BEGINNING + timedelta(milliseconds=self.now_ms)

    def after(self, delay_ms: int, act: Callable[[], Any]) -> None:
        heapq.heappush(self._acts, (self.now_ms + max(0, delay_ms), next(self._order), act))

    def live(self, life: Life) -> None:
        """Run a life: a generator that yields how long it does nothing, in milliseconds."""

        def go_on() -> None:
            for pause_ms in life:
                self.after(pause_ms, go_on)
                return

        self.after(0, go_on)

    def next_ms(self) -> int:
        return self._acts[0][0] if self._acts else FOREVER_MS

    def run_due(self) -> None:
        while self._acts and self._acts[0][0] <= self.now_ms:
            _, _, act = heapq.heappop(self._acts)
            act()
