"""The one queue where everything meets, and the timers of the brain."""

import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kiosk.brain.events import Event


@dataclass(frozen=True)
class Told:
    """An event for the brain; its moment is added when its turn comes."""

    kind: type[Event]
    values: dict[str, Any]


@dataclass(frozen=True)
class Job:
    """Work that only the engine's thread may do (it alone touches SQLite)."""

    run: Callable[[], None]


class Inbox:
    """Any thread puts, the engine's thread takes."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Told | Job] = queue.SimpleQueue()

    def tell(self, kind: type[Event], **values: Any) -> None:
        self._queue.put(Told(kind, values))

    def job(self, run: Callable[[], None]) -> None:
        self._queue.put(Job(run))

    def take(self, timeout_ms: int) -> Told | Job | None:
        """Return the next item, None when none came in `timeout_ms`."""
        try:
            return self._queue.get(timeout=max(0, timeout_ms) / 1000)
        except queue.Empty:
            return None


class Timers:
    """The brain's timers by name, on monotonic milliseconds. Setting one again moves it."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}

    def set(self, name: str, due_ms: int) -> None:
        self._due[name] = due_ms

    def cancel(self, name: str) -> None:
        self._due.pop(name, None)

    def pop_due(self, now_ms: int) -> str | None:
        """Return the earliest timer that is due, and forget it."""
        name = min(self._due, key=self._due.__getitem__, default=None)
        if name is None or self._due[name] > now_ms:
            return None
        del self._due[name]
        return name

    def wait_ms(self, now_ms: int, at_most_ms: int) -> int:
        return max(0, min([due - now_ms for due in self._due.values()] + [at_most_ms]))
