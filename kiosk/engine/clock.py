"""Time and fresh ids for the engine. The wall clock never starts before the journal's last record (rule 10)."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from kiosk.brain.events import Moment
from kiosk.journal.ids import uuid7

# Written by systemd-timesyncd and chrony's wait service once the clock was set from the network.
_SYNCHRONISED = (Path("/run/systemd/timesync/synchronized"), Path("/run/chrony/synchronized"))
_STEP_MS = 2_000  # wall and monotonic clock disagreeing by more is a step


class Clock(Protocol):
    """What the engine needs of time."""

    @property
    def boot_id(self) -> str: ...

    def mono_ms(self) -> int: ...

    def moment(self) -> Moment: ...

    def fresh_id(self) -> str: ...

    def not_before(self, device_time: str) -> None: ...


class Machine:
    """The clocks and the chance of this machine, as its kernel gives them."""

    def __init__(self) -> None:
        self.boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")

    def mono_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def synchronised(self) -> bool:
        """Return True once the wall clock was set from the network."""
        return any(path.exists() for path in _SYNCHRONISED)

    def chance(self, size: int) -> bytes:
        return os.urandom(size)


class SystemClock:
    """What the kiosk makes of its machine's clocks. `zone` is the city's."""

    def __init__(self, zone: str, trusted: bool = False, machine: Machine | None = None) -> None:
        self._machine = machine or Machine()
        self._zone = ZoneInfo(zone)
        self._always_trusted = trusted
        self._floor = datetime.fromtimestamp(0, UTC)
        self._offset_ms = self._machine.wall_ms() - self.mono_ms()

    @property
    def boot_id(self) -> str:
        return self._machine.boot_id

    def mono_ms(self) -> int:
        return self._machine.mono_ms()

    def not_before(self, device_time: str) -> None:
        """Never tell a time before `device_time` (RFC 3339), that of the journal's last record."""
        self._floor = max(self._floor, datetime.fromisoformat(device_time))

    def moment(self) -> Moment:
        wall_ms = self._machine.wall_ms()
        now = datetime.fromtimestamp(wall_ms / 1000, UTC)
        state = self._state(now, wall_ms)
        if now < self._floor:
            now = self._floor + timedelta(milliseconds=1)
        self._floor = now
        utc = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
        local = now.astimezone(self._zone).isoformat(timespec="seconds")
        ids = (self.fresh_id(), self.fresh_id(), self.fresh_id())
        return Moment(self.mono_ms(), utc, local, state, ids)

    def fresh_id(self) -> str:
        return uuid7(self._machine.wall_ms(), self._machine.chance(10))

    def _state(self, now: datetime, wall_ms: int) -> str:
        offset_ms = wall_ms - self.mono_ms()
        stepped = abs(offset_ms - self._offset_ms) > _STEP_MS
        self._offset_ms = offset_ms
        if stepped:
            return "stepped"
        trusted = now >= self._floor and (self._always_trusted or self._machine.synchronised())
        return "trusted" if trusted else "untrusted"
