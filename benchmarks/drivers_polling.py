"""What polling costs: every driver of the kiosk in one process, each against its own twin.

Four acceptors, three card terminals and a check reader, by the ports that ship. A kiosk has one of each kind; all at
once show what each adds. The twins run in processes of their own and are not counted.
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
MEMORY_LIMIT_MB = 80.0
READER = "tmr_LobbyReader01"

# Runs each device by its port, acceptors enabled as in a payment, and says when all have met theirs.
_POLLER = """
import sys, threading
from pathlib import Path
from hardware.acceptors.contract import Acknowledge, Enable
from kiosk.brain.events import AcceptorConnected, CheckReaderConnected, NoteStackedReport, TerminalConnected
from kiosk.config.model import Acceptor, Card, CheckReader
from kiosk.engine.acceptor_port import AcceptorPort
from kiosk.engine.card_port import CardPort
from kiosk.engine.check_port import CheckPort
from kiosk.engine.inbox import Inbox, Told

READY = (AcceptorConnected, CheckReaderConnected, TerminalConnected)
folder = Path(sys.argv[1])
key = folder / "key"
key.write_text("rk_live_twin")
key.chmod(0o600)

def port_of(name, address, inbox):
    own = folder / f"{name}.run"
    own.mkdir()
    if name == "checkreader":
        return CheckPort(CheckReader(address), inbox)
    if name in ("zvt", "pax", "stripe"):
        reader = {"terminal": "tmr_LobbyReader01", "secret_file": key} if name == "stripe" else {}
        return CardPort(Card(name, address, **reader), "USD", own, inbox)
    return AcceptorPort(Acceptor(address, name), "USD", own, inbox, None)

def start(name, address):
    inbox, met = Inbox(), threading.Event()
    port = port_of(name, address, inbox)
    def hear():
        while True:
            told = inbox.take(1_000)
            if not isinstance(told, Told):
                continue
            if told.kind is NoteStackedReport:  # an empty one of the start, maybe
                port.submit(Acknowledge(told.values["report"]))
            if told.kind in READY:
                if told.kind is AcceptorConnected:
                    port.submit(Enable(frozenset(range(1, 8))))
                met.set()
    port.thread.daemon = True
    port.thread.start()
    threading.Thread(target=hear, daemon=True).start()
    return met

started = {pair: start(*pair.split("=", 1)) for pair in sys.argv[2:]}
print("missing:", *[pair for pair, met in started.items() if not met.wait(40)], flush=True)
sys.stdin.read()
"""


def measure() -> list[dict[str, Any]]:
    """Return processor share in percent of one core, and resident memory in MB, with all drivers polling."""
    with tempfile.TemporaryDirectory(prefix="drivers-") as name, ExitStack() as stack:
        folder = Path(name)
        pairs = [f"{device}={_twin(stack, device, folder)}" for device in (*FAMILIES, *_LISTENING, "checkreader")]
        poller = _ended_by(stack, subprocess.Popen([sys.executable, "-c", _POLLER, name, *pairs], **_PIPES))
        said = next((line for line in poller.stdout if line.startswith(b"missing:")), b"")  # among its log
        if said.split() != [b"missing:"]:
            raise RuntimeError(f"not every driver met its device: {said.decode() or 'it ended'}")
        time.sleep(SETTLE_S)
        process = psutil.Process(poller.pid)
        before = _cpu_s(process)
        time.sleep(WATCH_S)
        share = 100 * (_cpu_s(process) - before) / WATCH_S
        resident = process.memory_info().rss / 1e6
    return [
        {
            "name": "all drivers polling, percent of a core",
            "drivers": ", ".join(pair.partition("=")[0] for pair in pairs),
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


# Terminals on the network, and what stands before the port that a twin says it picked.
_LISTENING = {"zvt": "127.0.0.1:", "pax": "127.0.0.1:", "stripe": "http://127.0.0.1:"}
_PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


def _twin(stack: ExitStack, device: str, folder: Path) -> str:
    """Start the twin of a device; return its address."""
    link = folder / device
    where = ["--port", "0"] if device in _LISTENING else ["--link", str(link)]
    command = [sys.executable, "-m", "hardware", "simulate", device, *where, "--control", f"{link}.sock"]
    twin = _ended_by(stack, subprocess.Popen(command, **_PIPES))
    said = twin.stdout.readline().decode().split()
    if not said:
        raise RuntimeError(f"the twin of {device} did not start")
    return str(link) if device not in _LISTENING else _LISTENING[device] + said[-1].rpartition(":")[2].strip("/")


def _ended_by(stack: ExitStack, process: "subprocess.Popen[bytes]") -> Any:
    stack.enter_context(process)  # waits; called last
    stack.callback(process.terminate)
    return process


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
