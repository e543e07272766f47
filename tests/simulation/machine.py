"""The kiosk's computer as its kernel shows it: clocks that jump, chance that repeats, a memory that power clears."""

import random

from tests.simulation.timeline import BEGINNING, Timeline


class SimulatedMachine:
    """Stands in for `kiosk.engine.clock.Machine`. The wall clock is battery-less: what it says is `drift_ms` off."""

    def __init__(self, timeline: Timeline, chance: random.Random) -> None:
        self._timeline = timeline
        self._chance = chance
        self._booted_ms = 0
        self.boot_id = self._chance.randbytes(16).hex()
        self.drift_ms = 0
        self.network_time = True
        self.kept: object = None  # of the codec: the file in memory that outlives the process and not the power

    def mono_ms(self) -> int:
        return self._timeline.now_ms - self._booted_ms + 1

    def wall_ms(self) -> int:
        return int(BEGINNING.timestamp() * 1000) + self._timeline.now_ms + self.drift_ms

    def unix_s(self) -> float:
        return self.wall_ms() / 1000

    def synchronised(self) -> bool:
        return self.network_time

    def chance(self, size: int) -> bytes:
        return self._chance.randbytes(size)

    def jump(self, by_ms: int) -> None:
        """Set the wall clock forward or back."""
        self.drift_ms += by_ms

    def reboot(self, lost_ms: int) -> None:
        """Power comes back: a new boot, monotonic time from the start, a wall clock that is `lost_ms` behind."""
        self._booted_ms = self._timeline.now_ms
        self.boot_id = self._chance.randbytes(16).hex()
        self.drift_ms = -lost_ms
        self.network_time = lost_ms == 0
        self.kept = None

    def synchronise(self) -> None:
        """The network tells the time."""
        self.drift_ms, self.network_time = 0, True
