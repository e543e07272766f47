"""From start to the first attract frame, and resident memory there, against a bare Kivy window of the same size."""

import statistics
from typing import Any

import psutil

from benchmarks.screens import bare, display, screen

ROUNDS = 5
START_LIMIT = 1.8
MEMORY_LIMIT = 1.4


def measure() -> list[dict[str, Any]]:
    """Return medians of rounds in which both take turns, after one round that fills the caches of the machine."""
    bare_s, ours_s, bare_mb, ours_mb = [], [], [], []
    with display() as environment:
        for _ in range(ROUNDS + 1):
            with bare(environment) as (pid, seconds):
                bare_s.append(seconds)
                bare_mb.append(_memory_mb(pid))
            with screen(environment) as (pid, seconds, _engine):
                ours_s.append(seconds)
                ours_mb.append(_memory_mb(pid))
    return [
        _compared("screen start to attract frame", "s", ours_s[1:], bare_s[1:], START_LIMIT),
        _compared("screen resident memory", "mb", ours_mb[1:], bare_mb[1:], MEMORY_LIMIT),
    ]


def _memory_mb(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def _compared(name: str, unit: str, ours: list[float], bare_: list[float], limit: float) -> dict[str, Any]:
    mine, other = statistics.median(ours), statistics.median(bare_)
    return {
        "name": name,
        f"ours_{unit}": round(mine, 3),
        f"bare_{unit}": round(other, 3),
        "ratio": round(mine / other, 3),
        "limit": limit,
        "ok": mine / other <= limit,
    }
