"""The demo city's machines: server, network, twins and kiosk, wired as in a lobby, on this machine alone."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from hardware.sim.control import ControlClient, Refused
from kiosk.demo.processes import DemoFailed, Processes, answers, free_port
from kiosk.demo.view import View
from kiosk.engine.pins import hash_pin

TERMINAL_KEY = "rk_live_twin"  # of the simulated card service on this machine, and of no other
PIN = "246810"
SECOND_PIN = "135790"  # of who agrees to a refund

_CONFIG = """\
state_dir = "{base}/kiosk"
run_dir = "{base}/run"
production = false
allow_volatile_state = true

[kiosk]
name = "Lobby 7"
place = "City Hall, east lobby"
trust_clock = true

[office]
name = "City of Riverbend"
address = ["100 Main Street", "Riverbend, MO 63999"]
phone = "(636) 555-0142"
claim_phone = "(636) 555-0143"

[server]
url = "http://127.0.0.1:{port}"
heartbeat_s = 2

[acceptor]
port = "{base}/dev/acceptor"
{acceptor}

{card}
{checks}
[printer]
kind = "serial"
address = "{base}/dev/printer"

[reader]
camera = "folder:{base}/camera"

[screen]
width = {width}
height = {height}
fullscreen = false
touch_panel = false
left = {place[0]}
top = {place[1]}
pixels_per_mm = {pixels_per_mm}

[times]
idle_s = {idle_s}
idle_answer_s = {idle_answer_s}
done_s = 30

[[staff]]
name = "Dana"
pin = "{pin}"

[[staff]]
name = "Luis"
pin = "{second_pin}"
"""


_CARD = """\
[card]
protocol = "stripe"
address = "http://127.0.0.1:{port}"
terminal = "tmr_LobbyReader01"
secret_file = "{base}/terminal.key"
"""

_CHECKS = """\
[check_reader]
port = "{base}/dev/checks"
"""


# An SSP device that keeps fives and tens to give change, and what a clerk puts into its store.
RECYCLER = "recycler"
_RECYCLER = """\
protocol = "ssp"
profile = "smart-payout"
stored = [3, 4]
"""
_STORE = {500: 10, 1000: 10}


class World:
    """Everything of one demo under `base`. `start` brings it up; the twins answer through `twin(name)`."""

    def __init__(
        self,
        base: Path,
        display: str,
        size: tuple[int, int] = (720, 1280),
        idle_s: tuple[float, float] = (120, 45),
        extra: tuple[str, ...] = ("--touch-map",),
        place: tuple[int, int] = (0, 0),
        acceptor: str = "ebds",
        cards: bool = False,
        checks: bool = False,
    ) -> None:
        """`place` is the window's upper left corner; `acceptor` the acceptor's protocol, or `RECYCLER`; `cards` and
        `checks` add their readers.

        `idle_s` before the question and for the answer; `extra` arguments of the kiosk, as `--ui none`.
        """
        self.base = base
        self._extra = extra
        self.receipts = base / "receipts"
        self.bills = base / "bills"
        self._size = size
        self._place = place
        self.acceptor = acceptor
        self._cards = cards
        self._checks = checks
        self._idle = idle_s
        self.processes = Processes(base / "logs", {"DISPLAY": display} if display else {})
        self.server_port, self.proxy_port, self.terminal_port = free_port(), free_port(), free_port()
        self.view = View(base / "run" / "control.sock")
        self.taken_minor = 0  # what staff took out of the cassette
        self.dropped_minor = 0  # checks that residents dropped into their slot
        self.loaded_minor = 0  # what a clerk put into a recycler's store: it is no payment, and in no book

    @property
    def config(self) -> Path:
        return self.base / "kiosk.toml"

    @property
    def database(self) -> Path:
        return self.base / "city" / "billing.sqlite3"

    def control(self, twin: str) -> Path:
        return self.base / "control" / f"{twin}.sock"

    def twin(self, name: str) -> "Twin":
        return Twin(self.control(name))

    def start(self, bills: int) -> None:
        """Bring up server, twins and kiosk; raises DemoFailed naming what did not come up."""
        for folder in ("dev", "camera", "control", "kiosk", "run", "city"):
            (self.base / folder).mkdir(parents=True, exist_ok=True)
        self._write_config()
        self._start_server(bills)
        self._start_twins(self.twin_programs())
        code = self.processes.run("billing", "enrol-code", "--state", str(self.base / "city")).split()[-1]
        self.processes.run("kiosk", "enrol", "--config", str(self.config), "--code", code)
        self.start_kiosk()

    def start_kiosk(self) -> None:
        self.processes.python("kiosk", "kiosk", "--config", str(self.config), *self._extra)
        self.processes.wait_for("kiosk", lambda: answers(self.base / "run" / "control.sock"), 60)

    def tell(self, intent: str, value: str = "") -> None:
        """Send an intent over the control socket: for load and tests, never for a journey."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.base / "run" / "control.sock"))
            connection.settimeout(10)
            connection.sendall(json.dumps({"intent": {"name": intent, "value": value}}).encode() + b"\n")
            lines = connection.makefile("rb")
            while json.loads(lines.readline()).get("ok") is None:
                pass

    def kill(self, process: str, signum: signal.Signals) -> None:
        """Send a signal to the kiosk's engine, screen or reader; what started them starts it again."""
        wanted = ["kiosk", process]
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                if words[2:4] == wanted and any(str(self.base) in word for word in words[4:]):
                    os.kill(int(entry.name), signum)
                    return
        raise DemoFailed(f"no {process} runs")

    def wait_until(self, what: str, true: Callable[[], bool], seconds: float) -> None:
        """Look ten times a second until `true()`. Raises DemoFailed."""
        until = time.monotonic() + seconds
        while not true():
            if time.monotonic() > until:
                raise DemoFailed(f"waited {seconds:.0f} s for {what}")
            time.sleep(0.1)

    def stop(self) -> None:
        self.view.close()
        self.processes.stop_all()

    def _write_config(self) -> None:
        width, height = self._size
        idle_s, idle_answer_s = self._idle
        text = _CONFIG.format(
            base=self.base,
            port=self.proxy_port,
            card=_CARD.format(base=self.base, port=self.terminal_port) if self._cards else "",
            checks=_CHECKS.format(base=self.base) if self._checks else "",
            acceptor=_RECYCLER if self.acceptor == RECYCLER else f'protocol = "{self.acceptor}"',
            width=width,
            height=height,
            place=self._place,
            pixels_per_mm=5.58 * min(width, height) / 1080,
            idle_s=idle_s,
            idle_answer_s=idle_answer_s,
            pin=hash_pin(PIN),
            second_pin=hash_pin(SECOND_PIN),
        )
        self.config.write_text(text, encoding="utf-8")
        key = self.base / "terminal.key"
        key.touch(mode=0o600)
        key.write_text(TERMINAL_KEY, encoding="ascii")

    def _start_server(self, bills: int) -> None:
        state = str(self.base / "city")
        self.processes.python("server", "billing", "serve", "--port", str(self.server_port), "--state", state, "--demo")
        log = self.base / "logs" / "server.log"
        self.processes.wait_for("server", lambda: b'"listening"' in log.read_bytes(), 120)
        self.processes.run(
            "billing", "make-bills", "--state", state, "--out", str(self.bills), "--accounts", str(bills)
        )

    def twin_programs(self) -> dict[str, list[str]]:
        """Return the arguments of each twin's program, by the twin's name."""
        terminal = {"terminal": ["stripe", "--port", str(self.terminal_port)]} if self._cards else {}
        checks = {"checks": ["checkreader", "--link", f"{self.base}/dev/checks"]} if self._checks else {}
        return (
            terminal
            | checks
            | {
                "acceptor": [*self._acceptor_twin(), "--link", f"{self.base}/dev/acceptor"],
                "printer": ["printer", "--link", f"{self.base}/dev/printer", "--out", str(self.receipts)],
                "camera": ["camera", "--folder", f"{self.base}/camera"],
                "network": ["network", "--listen", str(self.proxy_port), "--to", str(self.server_port)],
            }
        )

    def _acceptor_twin(self) -> list[str]:
        return ["ssp", "--profile", "smart-payout"] if self.acceptor == RECYCLER else [self.acceptor]

    def _start_twins(self, programs: dict[str, list[str]]) -> None:
        for name, arguments in programs.items():
            self.processes.python(name, "hardware", "simulate", *arguments, "--control", str(self.control(name)))
        for name in programs:
            self.processes.wait_for(name, partial(answers, self.control(name)), 30)
        if "acceptor" in programs:
            self.fill_store()

    def exchange_acceptor(self, acceptor: str) -> None:
        """Switch the kiosk off, put another acceptor in the place of this one with all that is in it, and start."""
        self.taken_minor += self.cassette_minor()
        self.processes.stop("kiosk", 60)
        self.loaded_minor = 0
        self.processes.stop("acceptor")
        self.acceptor = acceptor
        self._write_config()
        self._start_twins({"acceptor": self.twin_programs()["acceptor"]})
        self.start_kiosk()

    def fill_store(self) -> None:
        """Put in what is missing in a recycler's store, as a clerk does who counts it."""
        if self.acceptor != RECYCLER:
            return
        acceptor = Twin(self.control("acceptor"))
        held = acceptor.ask("state")["store"]
        for value_minor, count in _STORE.items():
            missing = count - held.get(str(value_minor), 0)
            if missing > 0:
                acceptor.ask("load", value_minor=value_minor, count=missing)
                self.loaded_minor += value_minor * missing

    def put_in(self, value_minor: int) -> None:
        """Push a note at the slot until it takes it, as a person does while the last one is still on its way."""
        acceptor = self.twin("acceptor")

        def taken() -> bool:
            acceptor.ask("wait_enabled", timeout_ms=20_000)
            try:
                acceptor.ask("insert", value_minor=value_minor)
            except DemoFailed:
                return False
            return True

        self.wait_until(f"the slot to take a note of {value_minor // 100}", taken, 20)

    # The books

    def bill_of(self, account: str) -> Path:
        """Return the printed bill of an account number."""
        found = sorted(self.bills.glob(f"*{account}*.pdf"))
        if not found:
            raise DemoFailed(f"no bill was printed for account {account}")
        return found[0]

    def cassette_minor(self) -> int:
        """Return what residents have left in the acceptor's twin, in cents: in its cassette, and in its store."""
        return self.held_by(self.twin("acceptor").ask("state"))

    def held_by(self, state: dict[str, Any]) -> int:
        store_minor = sum(int(value) * int(count) for value, count in state.get("store", {}).items())
        return int(state["cassette_minor"]) + store_minor - self.loaded_minor

    def ledger_minor(self) -> int:
        """Return the city's cash in kiosks, in cents, read from the server's database by SQL."""
        return self._one("SELECT SUM(amount_minor) FROM ledger_entry WHERE account_id = 'cash'")

    def batch_minor(self) -> int:
        """Return what the card service has taken and not given back, in cents."""
        state = self.twin("terminal").ask("state")
        return int(state["approved_minor"]) - int(state["refunded_minor"])

    def receivable_minor(self) -> int:
        """Return what the city's books say that the acquirer owes, by SQL."""
        return self._one("SELECT SUM(amount_minor) FROM ledger_entry WHERE account_id = 'card-receivable'")

    def checks_minor(self) -> int:
        """Return the city's checks in kiosks, in cents, by SQL."""
        return self._one("SELECT SUM(amount_minor) FROM ledger_entry WHERE account_id = 'checks'")

    def head_seq(self) -> int:
        """Return how many of the kiosk's records the server holds, by SQL."""
        return self._one("SELECT MAX(seq) FROM journal_record")

    def journal_seq(self) -> int:
        """Return how many records the kiosk's journal has, as its control socket tells."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.base / "run" / "control.sock"))
            connection.sendall(b'{"journal": "verify"}\n')
            for line in connection.makefile("rb"):
                message = json.loads(line)
                if "report" in message:
                    return int(message["report"]["head_seq"])
        raise DemoFailed("the kiosk's control socket closed")

    def _one(self, query: str) -> int:
        ((number,),) = self.rows(query)
        return int(number or 0)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the server's database."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            return list(database.execute(query))


class Twin:
    """A twin's control socket with its refusals raised."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        try:
            with ControlClient(self._path) as client:
                answer: dict[str, Any] = client.ask({"do": do, **fields})
        except (Refused, OSError) as refused:
            raise DemoFailed(f"{self._path.stem} refused {do} {fields}: {refused}") from refused
        return answer
