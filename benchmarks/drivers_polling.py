"""What polling costs: every acceptor's driver in one process, each against its own twin on a pseudo-terminal.

A kiosk has one of them; all at once show what each adds. The twins run in processes of their own and are not counted.
"""

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

from hardware.acceptors.families import FAMILIES

SETTLE_S = 6.0
WATCH_S = 15.0
CPU_LIMIT_PERCENT = 10.0
MEMORY_LIMIT_MB = 60.0

# Runs one driver a port, enabled as in a payment, and says when all have met their device.
_POLLER = """
import sys, threading
from hardware.acceptors.contract import Acknowledge, Connected, Enable, NoteStacked
from hardware.acceptors.families import FAMILIES, Options
from hardware.transport.driver import Driver

USD = dict(enumerate([100, 200, 500, 1000, 2000, 5000, 10000], 1))
table = {channel: ("USD", value) for channel, value in USD.items()}

def start(name, port):
    family, met = FAMILIES[name], threading.Event()
    def hear(event):
        if isinstance(event, NoteStacked):
            driver.submit(Acknowledge(event.report))
        if isinstance(event, Connected):
            driver.submit(Enable(frozenset(table)))
            met.set()
    driver = Driver(family.make(Options(), table, None), family.line(port), on_event=hear)
    threading.Thread(target=driver.run, daemon=True).start()
    return met

started = [start(*pair.split("=")) for pair in sys.argv[1:]]
print(all(met.wait(40) for met in started), flush=True)
sys.stdin.read()
"""


def measure() -> list[dict[str, Any]]:
    """Return processor share in percent of one core, and resident memory in MB, with all drivers polling."""
    with tempfile.TemporaryDirectory(prefix="drivers-") as folder, ExitStack() as stack:
        ports = {name: Path(folder) / name for name in FAMILIES}
        for name, port in ports.items():
            _twin(stack, name, port)
        pairs = [f"{name}={port}" for name, port in ports.items()]
        poller = _ended_by(stack, subprocess.Popen([sys.executable, "-c", _POLLER, *pairs], **_PIPES))
        if poller.stdout.readline() != b"True\n":
            raise RuntimeError("not every driver met its device")
        time.sleep(SETTLE_S)
        process = psutil.Process(poller.pid)
        before = _cpu_s(process)
        time.sleep(WATCH_S)
        share = 100 * (_cpu_s(process) - before) / WATCH_S
        resident = process.memory_info().rss / 1e6
    names = ", ".join(FAMILIES)
    return [
        {
            "name": "all acceptors' drivers polling, percent of a core",
            "drivers": names,
            "total": round(share, 2),
            "limit": CPU_LIMIT_PERCENT,
            "ok": share <= CPU_LIMIT_PERCENT,
        },
        {
            "name": "memory of that process, MB",
            "total": round(resident, 1),
            "limit": MEMORY_LIMIT_MB,
            "ok": resident <= MEMORY_LIMIT_MB,
        },
    ]


_PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


def _twin(stack: ExitStack, name: str, port: Path) -> None:
    words = ["--link", str(port), "--control", f"{port}.sock"]
    twin = _ended_by(stack, subprocess.Popen([sys.executable, "-m", "hardware", "simulate", name, *words], **_PIPES))
    if not twin.stdout.readline():
        raise RuntimeError(f"the twin of {name} did not start")


def _ended_by(stack: ExitStack, process: "subprocess.Popen[bytes]") -> Any:
    stack.enter_context(process)  # waits; called last
    stack.callback(process.terminate)
    return process


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
