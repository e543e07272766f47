"""The last acknowledge toggle, kept outside the process (sheet section 4, first frame after open).

Other protocols keep a small number of their own there.

A host that comes back with the toggle it used last gets the device's last reply again, and with it a stacked report
that was not durable yet; with the other toggle it would tell the device that the report had arrived.
"""

import os
from collections.abc import Callable
from pathlib import Path

KEPT_MAX = 63


class ToggleFile:
    """One byte in `path`, on a file system in memory: it must outlive the process, not the power.

    Given to the driver as `before_write`, so that what is stored is never behind what the device has seen.
    """

    def __init__(self, path: str | Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._stored = self.read()

    def read(self) -> int | None:
        """Return the toggle stored, None if there is none."""
        kept = os.pread(self._descriptor, 1, 0)
        return kept[0] - ord("0") if kept and ord("0") <= kept[0] <= ord("0") + KEPT_MAX else None

    def store(self, toggle: int) -> None:
        if toggle != self._stored:
            os.pwrite(self._descriptor, bytes([ord("0") + toggle]), 0)
            self._stored = toggle

    def keeper(self, toggle: Callable[[], int]) -> Callable[[], None]:
        """Return what stores `toggle()` each time it is called."""
        return lambda: self.store(toggle())

    def close(self) -> None:
        os.close(self._descriptor)
