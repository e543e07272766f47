"""From what the scanners see, again and again, to what the engine should hear once. Pure: times come in."""

from collections.abc import Sequence
from dataclasses import dataclass

from hardware.scanner.reading import Reading
from kiosk.scanning.matching import prefer
from kiosk.scanning.outcome import Match
from kiosk.scanning.profile import Profile

REPEAT_MS = 3000  # a payload is not said twice within this time
AWAY_MS = 1000  # nor again before it was out of view for this long
SETTLE_MS = 600  # a code that fits no profile waits so long for a better one: a bill carries several


@dataclass
class _Sight:
    sent_ms: int
    seen_ms: int


class Sightings:
    """Remembers what was said. `profiles` only rank the codes of one picture; nothing is kept from the engine."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self._profiles = profiles
        self._sights: dict[str, _Sight] = {}
        self._waiting: tuple[Reading, int] | None = None

    def see(self, readings: Sequence[Reading], now_ms: int, patient: bool = False) -> list[Reading]:
        """Return what to say of the codes of one picture or message: the best one, if it was not said just now.

        With `patient` one that fits no profile is kept for `tick`, in case a better one comes into view.
        """
        if not readings:
            return []
        (best, outcome), *_ = prefer(readings, self._profiles)
        if isinstance(outcome, Match):
            self._waiting = None
        elif patient:
            if not self._is_old(best, now_ms) and self._waiting is None:
                self._waiting = (best, now_ms)
            return []
        return self._say(best, now_ms)

    def still(self, now_ms: int) -> None:
        """The scene has not changed: what was in view a moment ago still is."""
        for sight in self._sights.values():
            if now_ms - sight.seen_ms < AWAY_MS:
                sight.seen_ms = now_ms

    def tick(self, now_ms: int) -> list[Reading]:
        """Return the refused code that has waited long enough, if any."""
        if self._waiting is None or now_ms - self._waiting[1] < SETTLE_MS:
            return []
        reading, self._waiting = self._waiting[0], None
        return self._say(reading, now_ms)

    def forget(self) -> None:
        """Nobody listened so far: whatever is in view is news."""
        self._sights.clear()
        self._waiting = None

    def drop_waiting(self) -> None:
        """Nobody wants a scan now: a refusal would come too late."""
        self._waiting = None

    def _say(self, reading: Reading, now_ms: int) -> list[Reading]:
        if self._is_old(reading, now_ms):
            return []
        self._sights = {payload: sight for payload, sight in self._sights.items() if now_ms - sight.seen_ms < REPEAT_MS}
        self._sights[reading.payload] = _Sight(now_ms, now_ms)
        return [reading]

    def _is_old(self, reading: Reading, now_ms: int) -> bool:
        """Whether the payload was said too short a time ago; being seen keeps it in view."""
        sight = self._sights.get(reading.payload)
        if sight is None:
            return False
        in_view = now_ms - sight.seen_ms < AWAY_MS
        sight.seen_ms = now_ms
        return in_view or now_ms - sight.sent_ms < REPEAT_MS
