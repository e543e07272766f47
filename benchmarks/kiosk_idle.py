"""What the whole kiosk costs while nobody is there: processor share of all its processes, memory of engine and reader.

The camera looks at two frames a second behind its motion gate, as in a lobby.
"""

import time
from typing import Any

import psutil

from benchmarks.lobby import running
from kiosk.demo.steps import Lobby

SETTLE_S = 8.0
WATCH_S = 20.0
CPU_LIMIT_PERCENT = 12.0
MEMORY_LIMIT_MB = 150.0
PROCESSES = ("engine", "screen", "reader")


def measure() -> list[dict[str, Any]]:
    """Return processor share in percent of one core, and resident memory in MB."""
    with running() as lobby:
        found = _processes(str(lobby.world.base))
        time.sleep(SETTLE_S)
        before = {name: _cpu_s(process) for name, process in found.items()}
        _watch_the_desk(lobby)
        shares = {name: 100 * (_cpu_s(found[name]) - before[name]) / WATCH_S for name in found}
        memory = {name: process.memory_info().rss / 1e6 for name, process in found.items()}
    total, resident = sum(shares.values()), memory["engine"] + memory["reader"]
    return [
        {
            "name": "kiosk at rest, percent of one core",
            **{name: round(share, 2) for name, share in shares.items()},
            "total": round(total, 2),
            "limit": CPU_LIMIT_PERCENT,
            "ok": total <= CPU_LIMIT_PERCENT,
        },
        {
            "name": "memory of engine and reader, MB",
            **{name: round(memory[name], 1) for name in ("engine", "reader")},
            "total": round(resident, 1),
            "limit": MEMORY_LIMIT_MB,
            "ok": resident <= MEMORY_LIMIT_MB,
        },
    ]


def _watch_the_desk(lobby: Lobby) -> None:
    """Let the camera see an empty desk, a new noisy frame every half second."""
    until = time.monotonic() + WATCH_S
    while (left_s := until - time.monotonic()) > 0:
        lobby.world.twin("camera").ask("clear")
        time.sleep(min(left_s, 0.5))


def _processes(base: str) -> dict[str, psutil.Process]:
    found = {}
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if len(words) > 3 and words[3] in PROCESSES and any(base in word for word in words[4:]):
            found[words[3]] = process
    if set(found) != set(PROCESSES):
        raise RuntimeError(f"only {sorted(found)} run")
    return found


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
