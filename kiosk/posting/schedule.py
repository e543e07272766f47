"""When to try again after the server could not be reached. Pure: the random fraction comes from outside."""

from dataclasses import dataclass, replace

FIRST_S = 1.0
LONGEST_S = 300.0
RETRY_AFTER_LONGEST_S = 3600.0  # a proxy's wish may not silence a kiosk for longer


@dataclass(frozen=True)
class Retry:
    """Counts failures in a row: 1 s doubling to 5 min, with full jitter so that kiosks do not march in step."""

    failures: int = 0

    def failed(self) -> "Retry":
        return replace(self, failures=self.failures + 1)

    def ceiling_s(self) -> float:
        """Return the longest wait that the jitter may choose after this many failures."""
        if not self.failures:
            return 0.0
        doublings = min(self.failures - 1, 16)  # keeps the power small; the cap is reached at 9
        return min(LONGEST_S, FIRST_S * 2.0**doublings)

    def delay_s(self, fraction: float, retry_after_s: float = 0.0) -> float:
        """Return how long to wait; `fraction` is uniform in [0, 1). The server's wish is a floor, jitter on top."""
        if retry_after_s > 0:
            return max(fraction * self.ceiling_s(), min(retry_after_s, RETRY_AFTER_LONGEST_S) + fraction * FIRST_S)
        return fraction * self.ceiling_s()
