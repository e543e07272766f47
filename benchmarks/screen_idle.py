"""What a resting attract page costs, in points of one core above a bare static Kivy window."""

import time
from typing import Any

import psutil

from benchmarks.screens import bare, display, screen

SETTLE_S = 1.5
WATCH_S = 8.0
LIMIT_POINTS = 2.0


def measure() -> dict[str, Any]:
    """Return the shares of one core in percent. Both windows stand at the same time, watched over the same seconds."""
    with (
        display() as environment,
        bare(environment) as (bare_pid, _),
        screen(environment) as (screen_pid, _seconds, _engine),
    ):
        time.sleep(SETTLE_S)
        before = _cpu_s(bare_pid), _cpu_s(screen_pid)
        start = time.monotonic()
        time.sleep(WATCH_S)
        elapsed = time.monotonic() - start
        after = _cpu_s(bare_pid), _cpu_s(screen_pid)
    shares = [100 * (late - early) / elapsed for early, late in zip(before, after, strict=True)]
    above = shares[1] - shares[0]
    return {
        "name": "screen at rest",
        "ours_percent": round(shares[1], 2),
        "bare_percent": round(shares[0], 2),
        "above_points": round(above, 2),
        "limit_points": LIMIT_POINTS,
        "ok": above <= LIMIT_POINTS,
    }


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
