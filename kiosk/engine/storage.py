"""Watches what the journal lies on: its room, whether it can be written to, and how long a commit takes (rule 12)."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kiosk.domain.snapshot import DeviceHealth
from kiosk.journal.errors import JournalUnwritable
from kiosk.journal.medium import SYSTEM, VOLATILE, Medium, reason_of

LOOK_EVERY_MS = 2_000
PROBE_EVERY_MS = 3_000
FAST_AGAIN = 3  # commits in a row that end slowness
FILES_MIN = 16  # names that a file system must still be able to hold
START_FREE = 2_000_000  # below this a start cannot write down what it finds
PROBE_NAME = "probe"
_PROBE = b"\0" * 512


@dataclass(frozen=True)
class Room:
    """Bytes that the kiosk's account may still write."""

    free: int
    read_only: bool = False


AMPLE = Room(1 << 40)


@dataclass(frozen=True)
class Limits:
    """Free bytes below which staff are warned and money is refused; milliseconds that a commit may take."""

    warn_free: int = 50_000_000
    refuse_free: int = 20_000_000
    slow_ms: int = 500


def room_at(folder: Path) -> Room:
    """Ask the file system of `folder`. Raises OSError."""
    seen = os.statvfs(folder)
    no_names = seen.f_files and seen.f_favail < FILES_MIN
    return Room(0 if no_names else seen.f_bavail * seen.f_frsize, bool(seen.f_flag & os.ST_RDONLY))


def probe(folder: Path, medium: Medium = SYSTEM) -> None:
    """Write a little and wait until it is on the medium. Raises JournalUnwritable.

    It has a file of its own: the journal's files are written when something happened and at no other time.
    """
    try:
        file = medium.open(folder / PROBE_NAME, os.O_RDWR | os.O_CREAT)
        try:
            file.pwrite(_PROBE, 0)
            file.sync()
        finally:
            file.close()
    except OSError as error:
        raise JournalUnwritable(f"{folder}: {error}", reason_of(error)) from error


def unfit(folder: Path, allow_volatile: bool = False) -> str:
    """Return why a journal in `folder` could not be written to now, "" if it could."""
    try:
        room = room_at(folder)
        if room.read_only:
            return "disk_read_only"
        if not allow_volatile and SYSTEM.filesystem(folder) in VOLATILE:
            return "wrong_medium"
        if room.free < START_FREE:
            return "disk_full"
        probe(folder)
    except OSError as error:
        return reason_of(error)
    except JournalUnwritable as error:
        return error.reason
    return ""


class Mended:
    """Asked at every beat; looks now and then whether the reason for a refused start is gone, or another by now."""

    def __init__(self, look: Callable[[], str], reason: str, every_ms: int, mono_ms: Callable[[], int]) -> None:
        self._look = look
        self._reason = reason
        self._every_ms = every_ms
        self._mono_ms = mono_ms
        self._due_ms = mono_ms() + every_ms

    def __call__(self) -> bool:
        now_ms = self._mono_ms()
        if now_ms < self._due_ms:
            return False
        self._due_ms = now_ms + self._every_ms
        return self._look() != self._reason


class Storage:
    """For the engine's thread. `look` and `rest` are called at each turn of its loop, `took` after each commit."""

    def __init__(self, room: Callable[[], Room], probe: Callable[[], None], limits: Limits | None = None) -> None:
        self._room = room
        self._probe = probe
        self._limits = limits or Limits()
        self._reason = ""  # of the room
        self._slow = False
        self._fast = 0
        self._look_due_ms = 0
        self._probe_due_ms = 0
        self._told = DeviceHealth("storage", "ready")

    @property
    def slow(self) -> bool:
        return self._slow

    def look(self, now_ms: int) -> DeviceHealth | None:
        """Return the health of the storage if it is another one than before."""
        if now_ms >= self._look_due_ms:
            self._look_due_ms = now_ms + LOOK_EVERY_MS
            self._reason = self._seen()
        health = self._health()
        if health == self._told:
            return None
        self._told = health
        return health

    def took(self, ms: int) -> None:
        """A commit took so long."""
        if ms > self._limits.slow_ms:
            self._slow, self._fast = True, 0
        elif self._slow:
            self._fast += 1
            self._slow = self._fast < FAST_AGAIN

    def rest(self, mono_ms: Callable[[], int]) -> None:
        """Nothing else is to do: find out whether a slow medium is fast again. Raises JournalUnwritable."""
        began = mono_ms()
        if not self._slow or began < self._probe_due_ms:
            return
        self._probe()
        ended = mono_ms()
        self.took(ended - began)
        self._probe_due_ms = ended + PROBE_EVERY_MS

    def _seen(self) -> str:
        try:
            room = self._room()
        except OSError as error:
            return reason_of(error)
        if room.read_only:
            return "disk_read_only"
        # A file system at the brink must not open and close the kiosk by turns.
        refused = self._reason == "disk_full"
        if room.free < self._limits.refuse_free * (1.25 if refused else 1):
            return "disk_full"
        return "disk_low" if room.free < self._limits.warn_free else ""

    def _health(self) -> DeviceHealth:
        if self._reason not in ("", "disk_low"):
            return DeviceHealth("storage", "faulted", self._reason)
        if self._slow:
            return DeviceHealth("storage", "faulted", "disk_slow")
        return DeviceHealth("storage", "ready", self._reason)
