"""The journals open in this process."""

import threading
from pathlib import Path

from kiosk.journal.errors import JournalInUse


class OpenJournals:
    """The journals open in this process, by resolved path.

    POSIX locks do not hold against their own process, and closing any descriptor of the file would drop them.
    So a second look at an open journal has to be turned away before the file is touched.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: set[Path] = set()

    def enter(self, path: Path) -> None:
        with self._lock:
            if path.resolve() in self._paths:
                raise JournalInUse(f"{path} is open in this process")
            self._paths.add(path.resolve())

    def leave(self, path: Path) -> None:
        with self._lock:
            self._paths.discard(path.resolve())

    def __contains__(self, path: Path) -> bool:
        with self._lock:
            return path.resolve() in self._paths


OPEN = OpenJournals()
