"""A lobby whose kiosk is killed: the demo's world and journeys with the real engine process, without window and reader.

Server, network and twins live on; the engine alone dies and is started again. A person's waiting ends at once when
the engine is dead. The clerk bills every account anew, so a journey can be played as often as the engine can die.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from hardware.sim.control import ControlClient, Refused
from kiosk.demo.processes import DemoFailed, Processes, answers
from kiosk.demo.steps import Lobby, Step, hold_bill, pay_cash, put_in_last, receipt, steps
from kiosk.demo.view import View
from kiosk.demo.world import Twin, World

ROOT = Path(__file__).parents[2]
IDLE_S = (3.0, 4.0)
SPEED = 8  # of the acceptor's mechanics, and of reading a card
LOOK_S = 0.1
READY_S = 60.0
REST_S = 150.0  # the card service is sure that a refund was never made only after 90 s
DEATH_S = 2.0

# What the demo city's accounts owe when nobody has paid, in cents.
BALANCES = {
    "10293843": 2500,
    "33182072": 4000,
    "44170934": 5318,
    "55264188": 12000,
    "22031454": 6000,
    "99678526": 8500,
    "88567417": 18640,
    "11789633": 3500,
    "60482155": 3500,
    "77456309": 1000,  # the next resident's
}
NEXT_RESIDENT = steps(hold_bill("77456309"), pay_cash(), put_in_last(1000), receipt("10.00"))


class Died(Exception):
    """The engine is dead."""


class Clerk:
    """The city's clerk, a process of its own."""

    def __init__(self, state: Path) -> None:
        command = [sys.executable, "-m", "tests.simulation.kill_clerk", str(state)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def bring_to(self, balances: dict[str, int]) -> dict[str, str]:
        """Let accounts owe these sums; return their barcodes. Raises DemoFailed when the clerk is gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(balances) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise DemoFailed("the clerk ended")
        barcodes: dict[str, str] = json.loads(line)
        return barcodes

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(15)


class Eyes(View):
    """A view that looks away when the engine is dead."""

    def __init__(self, path: Path, require_life: Callable[[], None]) -> None:
        self._require_life = require_life
        super().__init__(path)

    def wait(self, what: str, seconds: float, **wanted: Any) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while True:
            try:
                return super().wait(what, LOOK_S, **wanted)
            except DemoFailed as not_yet:
                self._require_life()
                if time.monotonic() > until:
                    raise DemoFailed(f"after {seconds:.0f} s: {not_yet}") from not_yet


class MortalTwin(Twin):
    """A twin whose waits end with the engine. What staff take out of the cassette is counted; no check comes twice."""

    def __init__(self, path: Path, world: "KillWorld") -> None:
        super().__init__(path)
        self._world = world

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        self._world.require_life()
        if do == "check":
            self._world.checks += 1
            fields["line"] = f"{fields['line'].rpartition(' ')[0]} {1000 + self._world.checks}"
        if not do.startswith("wait_"):
            answer = super().ask(do, **fields)
            if do == "empty":
                self._world.emptied_minor += answer["cassette_minor"]
            return answer
        until = time.monotonic() + fields.pop("timeout_ms", 10_000) / 1000
        while True:
            try:
                return super().ask(do, timeout_ms=round(LOOK_S * 1000), **fields)
            except DemoFailed:
                self._world.require_life()
                if time.monotonic() > until:
                    raise


class BarcodeReader:
    """Stands in for camera and reader: what a held bill says comes over the reader's socket."""

    def __init__(self, world: "KillWorld") -> None:
        self._world = world

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        if do == "show":
            payload = self._world.barcodes[Path(fields["image"]).name]
            self._say({"reading": {"payload": payload, "symbology": "code128"}})
        return {}

    def _say(self, message: dict[str, Any]) -> None:
        self._world.require_life()
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self._world.base / "run" / "reader" / "reader.sock"))
                connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            self._world.has_died(error)


class KillWorld(World):
    """The demo's world with one engine process that can be killed at a failpoint and started again."""

    def __init__(self, base: Path) -> None:
        super().__init__(base, "", idle_s=IDLE_S, extra=("--ui", "none"), cards=True, checks=True)
        self.orders = base / "failpoint"
        self.processes = Processes(base / "logs", {"KIOSK_FAILPOINT": f"@{self.orders}"})
        self.emptied_minor = 0
        self.checks = 0  # shown to the reader
        self.barcodes: dict[str, str] = {}
        self.power_cut_s: float | None = None  # how long after the engine's death the acceptor's power goes
        self._clerk: Clerk | None = None
        self._death: threading.Thread | None = None
        self._dead = threading.Event()
        self._closed = threading.Event()

    # World, with less of it

    def start(self, bills: int) -> None:
        super().start(bills)
        self._clerk = Clerk(self.base / "city")

    def stop(self) -> None:
        self._closed.set()
        if self._clerk is not None:
            self._clerk.close()
        super().stop()

    def _write_config(self) -> None:
        super()._write_config()
        text = self.config.read_text(encoding="utf-8")
        self.config.write_text(text.replace("heartbeat_s = 2", "heartbeat_s = 0.5"), encoding="utf-8")

    def twin_programs(self) -> dict[str, list[str]]:
        programs = super().twin_programs()
        del programs["camera"]
        for name in ("acceptor", "terminal"):
            programs[name] += ["--speed", str(SPEED)]
        return programs

    def start_kiosk(self) -> None:
        """Start the engine alone. Its crash guard forgets: nobody dies three times in ten minutes but here."""
        (self.base / "kiosk" / "starts.json").unlink(missing_ok=True)
        self.view.close()
        self.processes.python("kiosk", "kiosk", "engine", "--config", str(self.config), *self._extra)
        self._dead.clear()
        self._death = threading.Thread(target=self._watch, name="engine's death", daemon=True)
        self._death.start()
        self.processes.wait_for("kiosk", lambda: answers(self.base / "run" / "control.sock"), READY_S)
        self.view = Eyes(self.base / "run" / "control.sock", self.require_life)

    def twin(self, name: str) -> Any:
        return BarcodeReader(self) if name == "camera" else MortalTwin(self.control(name), self)

    def bill_of(self, account: str) -> Path:
        return Path(account)

    def tell(self, intent: str, value: str = "") -> None:
        self.require_life()
        try:
            super().tell(intent, value)
        except (OSError, ValueError) as error:
            self.has_died(error)

    # Life and death

    def order(self, failpoint: str) -> None:
        """Arm the running engine; "" disarms it."""
        if not failpoint:
            self.orders.unlink(missing_ok=True)
            return
        draft = self.orders.with_suffix(".new")
        draft.write_text(failpoint, encoding="utf-8")
        draft.replace(self.orders)

    def require_life(self) -> None:
        if not self.processes.alive("kiosk"):
            raise Died

    def has_died(self, error: Exception) -> NoReturn:
        """A line to the engine broke: that is its death, or a failure of its own. Raises Died or DemoFailed."""
        if self._dead.wait(DEATH_S):
            raise Died from error
        raise DemoFailed(f"the engine lives and hangs up: {error!r}") from error

    def _watch(self) -> None:
        """When the engine dies and power is to go with it, cut the acceptor's."""
        pid = self.processes.pid("kiosk")
        with contextlib.suppress(ProcessLookupError), open(os.pidfd_open(pid), "rb") as death:  # or gone already
            select.select([death], [], [])
        self._dead.set()
        if self.power_cut_s is None or self.orders.exists():
            return
        self._closed.wait(self.power_cut_s)
        with contextlib.suppress(OSError, Refused), ControlClient(self.control("acceptor")) as acceptor:
            acceptor.ask({"do": "power_cut"})

    def bury(self) -> int:
        """Wait until the dead engine is gone, and what goes with it; return how it ended."""
        code = self.processes.ended("kiosk")
        if self._death is not None:
            self._death.join()
        return code

    def repair(self) -> None:
        """What a caretaker does: cables in, power on, paper in, network up, cassette in its place."""
        acts = (
            ("network", ("up",)),
            ("printer", ("paper_ok",)),
            ("terminal", ("calm",)),
            ("checks", ("cable_in",)),
            ("acceptor", ("disarm", "power_on", "cable_in", "cassette_in")),
        )
        for name, dos in acts:
            with ControlClient(self.control(name)) as twin:
                for do in dos:
                    with contextlib.suppress(Refused):
                        twin.ask({"do": do})

    def bill_all(self) -> None:
        """Let every account owe what the journeys expect."""
        assert self._clerk is not None
        self.barcodes = self._clerk.bring_to(BALANCES)

    def at_rest(self) -> None:
        """Wait until the kiosk is ready for the next person. It takes cards only once it looks for no sale any more."""
        self.view.wait("at rest", REST_S, screen="attract", cash=True, card=True, printer=True, online=True)

    # Books

    def held_minor(self) -> int:
        """Return what the twin holds and what was taken out of it, in cents."""
        return self.held_by(self.twin_state()) + self.emptied_minor

    def twin_state(self) -> dict[str, Any]:
        with ControlClient(self.control("acceptor")) as acceptor:
            return acceptor.ask({"do": "state"})

    def exchange_acceptor(self, acceptor: str) -> None:
        """Nothing is armed, and what was in the old one is not lost sight of."""
        self.power_cut_s = None
        self.order("")
        self.emptied_minor += self.held_minor() - self.emptied_minor
        super().exchange_acceptor(acceptor)
        self.at_rest()

    def journal(self) -> list[dict[str, Any]]:
        """Return all records of the running kiosk, as its export writes them."""
        self.require_life()
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self.base / "run" / "control.sock"))
                connection.settimeout(30)
                connection.sendall(b'{"journal": "export"}\n')
                for line in connection.makefile("rb"):
                    message = json.loads(line)
                    if "lines" in message:
                        return [json.loads(record) for record in message["lines"].splitlines()]
        except (OSError, ValueError) as error:
            self.has_died(error)
        self.require_life()
        raise DemoFailed("the kiosk's control socket closed")


class KillLobby(Lobby):
    """Touches go over the control socket, and nobody takes pictures."""

    def __init__(self, world: KillWorld) -> None:
        super().__init__(world, None, Path())  # type: ignore[arg-type]

    def touch(self, intent: str, value: str | None = None) -> None:
        self.world.tell(intent, value or "")

    def picture(self, name: str) -> None:
        """Nothing is drawn."""


def play(lobby: KillLobby, name: str, parts: tuple[Step, ...] | Any) -> None:
    lobby.journey = name
    for step in parts:
        step(lobby)
