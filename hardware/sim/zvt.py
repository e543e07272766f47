"""The twin of a ZVT terminal on a pseudo-terminal or TCP, steered over a Unix socket.

    python -m hardware simulate zvt --control SOCKET (--link PATH | --port PORT) [--state FILE] [--everybody approve]

Port 0 picks one; it listens on this machine alone. The first line on standard output is the address to give the kiosk.
With --state the batch, and what it has not settled with the kiosk, survive the process: a twin that is started again
comes up as after a power cut. On a pseudo-terminal there are no handshake lines; hosts that set RTS or DTR are refused.
Control requests, each a JSON line with "do":

  present {"does", "number"?}: what the next person does, or the one who stands there; everybody {"does"}: what all do
  of whom nothing is said ("nobody": nobody comes); state; ledger; wait_state {any fields of state, "timeout_ms"};
  power_cut; power_on; cable_out; cable_in; status {"code"}; slow_host {"ms"}; refuse {"count"} (busy);
  set {any field of Settings: its value}; drop, corrupt, no_ack, deaf {"count"}; noise {"hex"}; fragment {"on"}; calm

does: approve, decline, partial, too_much, customer_cancels, walks_away, offline, dies_before, dies_after, stays_silent.
`number` is the code of a refusal, or the cents of a partial approval. The fields of Settings that the protocol sheet
leaves open: vending, not_issued_reverses, aborts, busy_code, nothing_stored, reversals_stored, last_only,
close_forgets, progress, minutes, says_amount, ends_declined, prints; leaks sends a (made up) card number in full.
`returns` is what becomes of refunds: approve, decline, customer_cancels, walks_away, stays_silent.
Money in cents, times in milliseconds.
"""

import argparse
import json
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Protocol

from hardware.sim.control import Answer, Refused, Request, text, whole
from hardware.sim.lines import PtyLine
from hardware.sim.twin import Act, Twin, doing, serve, setting, unhex
from hardware.sim.zvt_device import Terminal
from hardware.sim.zvt_parts import Memory, Settings
from hardware.sim.zvt_wire import SerialWire, TcpWire, Trouble

LOOPBACK = "127.0.0.1"
BUSY_S, REST_S = 0.01, 0.1  # how often time is passed on while something is under way, and while nothing is
READ_BYTES = 4096
COUNTED = ("drop", "corrupt", "no_ack", "deaf")


class Port(Protocol):
    """Where the kiosk is. `address` is what it is given."""

    address: str

    @property
    def plugged(self) -> bool: ...

    def plug_in(self) -> None: ...

    def unplug(self) -> None: ...

    def ends(self) -> list[int]:
        """Return the descriptors to wait on."""

    def read(self, wire: TcpWire | SerialWire) -> bytes:
        """Return what has come; tell the wire of those who come and go."""

    def write(self, data: bytes) -> None: ...


class PtyPort:
    def __init__(self, link: str | Path) -> None:
        self._line = PtyLine(link)
        self.address = str(link)

    @property
    def plugged(self) -> bool:
        return self._line.plugged

    def plug_in(self) -> None:
        self._line.plug_in()

    def unplug(self) -> None:
        self._line.unplug()

    def ends(self) -> list[int]:
        return [self._line.fileno()] if self._line.plugged else []

    def read(self, wire: TcpWire | SerialWire) -> bytes:
        return self._line.read()

    def write(self, data: bytes) -> None:
        self._line.write(data)


class TcpPort:
    """One kiosk at a time: who connects takes the place of who was there."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self.plug_in()
        self.address = f"{LOOPBACK}:{self._port}"

    @property
    def plugged(self) -> bool:
        return self._listener is not None

    def plug_in(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server((LOOPBACK, self._port))
            self._listener.setblocking(False)
            self._port = int(self._listener.getsockname()[1])

    def unplug(self) -> None:
        for end in (self._client, self._listener):
            if end is not None:
                end.close()
        self._client = self._listener = None

    def ends(self) -> list[int]:
        return [end.fileno() for end in (self._listener, self._client) if end is not None]

    def read(self, wire: TcpWire | SerialWire) -> bytes:
        self._welcome(wire)
        if self._client is None:
            return b""
        try:
            data = self._client.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._client.close()
            self._client = None
            wire.closed()
        return data

    def _welcome(self, wire: TcpWire | SerialWire) -> None:
        if self._listener is None:
            return
        with suppress(BlockingIOError):
            client, _ = self._listener.accept()
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._client is not None:
                self._client.close()
            self._client = client
            wire.opened()

    def write(self, data: bytes) -> None:
        if self._client is not None:
            with suppress(OSError):  # the next read finds out
                self._client.sendall(data)


class ZvtTwin(Twin):
    """A running twin on a port."""

    def __init__(self, port: Port, settings: Settings | None = None, state: str | Path | None = None) -> None:
        store = Path(state) if state else None
        super().__init__(store)
        kept = json.loads(store.read_text()) if store and store.exists() else None
        self.device = Terminal(settings, Memory.from_json(kept) if kept else None)
        self.trouble = Trouble()
        wire = SerialWire if self.device.settings.serial else TcpWire
        self.wire: TcpWire | SerialWire = wire(self.device, self.trouble)
        self.port = port
        self.port.plug_in()
        self.device.power_on()
        self.start("zvt twin")

    @property
    def address(self) -> str:
        return self.port.address

    # The thread

    def ends(self) -> list[Any]:
        return list(self.port.ends())

    def patience_s(self) -> float:
        return REST_S if self.device.due_ms() is None else BUSY_S

    def step(self, dt_ms: int) -> None:
        self._write(self.wire.step(dt_ms))

    def answer(self, ready: list[Any]) -> None:
        del ready
        self._write(self.wire.feed(self.port.read(self.wire)))

    def unplug(self) -> None:
        self.port.unplug()

    def _write(self, writes: list[bytes]) -> None:
        self.save()  # what the kiosk is about to read must already be true after a restart
        for data in writes:
            self.port.write(data)

    def kept(self) -> dict[str, Any]:
        memory = self.device.memory
        return memory.to_json() | {"clock_ms": memory.clock_ms // 1_000 * 1_000}

    # Control

    def state(self) -> Answer:
        """Return what a person beside it could see, and what its batch holds."""
        device = self.device
        sales = device.memory.standing()
        return {
            "state": device.state(),
            "powered": device.powered,
            "plugged_in": self.port.plugged,
            "registered": device.registered,
            "sales": len(sales),
            "sales_minor": sum(entry.amount_minor for entry in sales),
            "batches_closed": device.memory.closed,
        }

    def _ledger(self) -> Answer:
        return {"entries": [asdict(entry) for entry in self.device.memory.entries]}

    def act(self, do: str, request: Request) -> Act:
        device, trouble = self.device, self.trouble
        plain: dict[str, Callable[[], object]] = {
            "power_cut": device.power_cut,
            "power_on": device.power_on,
            "cable_out": self._cable_out,
            "cable_in": self.port.plug_in,
            "calm": lambda: vars(trouble).update(vars(Trouble())),
        }
        if do in plain:
            return doing(plain[do])
        match do:
            case "state":
                return self.state
            case "ledger":
                return self._ledger
            case "present":
                does, number = text(request, "does"), whole(request, "number", 0)
                return doing(lambda: device.plan(does, number))
            case "everybody":
                does = text(request, "does")
                return doing(lambda: device.all_do(does))
            case "status":
                return setting(device, "status", whole(request, "code"))
            case "slow_host":
                return setting(device, "slow_ms", whole(request, "ms"))
            case "refuse":
                return setting(device, "refusals", whole(request, "count", 1))
            case "set":
                changed = self._changed_settings(request)
                return setting(device, "settings", changed)
            case "noise":
                return setting(trouble, "noise", unhex(text(request, "hex", "AA")))
            case "fragment":
                return setting(trouble, "fragment", bool(request.get("on", True)))
        if do in COUNTED:
            return setting(trouble, do, whole(request, "count", 1))
        raise Refused(f"a ZVT terminal cannot {do!r}")

    def _cable_out(self) -> None:
        self.port.unplug()
        self.wire.closed()

    def _changed_settings(self, request: Request) -> Settings:
        changes = {name: value for name, value in request.items() if name != "do"}
        known = {field.name: type(getattr(self.device.settings, field.name)) for field in fields(Settings)}
        for name, value in changes.items():
            if name not in known or name == "serial":
                raise Refused(f"no such setting: {name}")
            if known[name] is not type(None) and type(value) is not known[name]:
                raise Refused(f"{name} is {known[name].__name__}")
        try:
            return replace(self.device.settings, **changes)
        except ValueError as error:
            raise Refused(str(error)) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate zvt", description="the twin of a ZVT card terminal")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--link", type=Path, help="serial: symbolic link to the pseudo-terminal")
    where.add_argument("--port", type=int, help="TCP port on this machine; 0 picks one")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    parser.add_argument("--state", type=Path, help="file that keeps the batch over a restart")
    parser.add_argument("--everybody", default="approve", help="what all do of whom nothing is said (approve)")
    parser.add_argument("--terminal-id", default="65000028", help="eight digits (65000028)")
    parser.add_argument("--password", default="000000", help="the merchant's, six digits (000000)")
    parser.add_argument("--not-vending", action="store_true", help="without the goods handshake")
    options = parser.parse_args(argv)
    settings = Settings(
        serial=options.link is not None,
        password=options.password,
        terminal_id=options.terminal_id,
        vending=not options.not_vending,
    )

    def start() -> ZvtTwin:
        port: Port = PtyPort(options.link) if options.link else TcpPort(options.port)
        twin = ZvtTwin(port, settings, options.state)
        try:
            twin.device.all_do(options.everybody)
        except Refused:
            twin.close()
            raise
        return twin

    return serve(options.link, options.control, start, lambda twin: twin.address)
