"""The twin of a PAX terminal on a pseudo-terminal, TCP or HTTP, steered over a Unix socket.

    python -m hardware simulate pax --control SOCKET [--link PATH] [--port PORT] [--state FILE] [--auto approve]

At least one of --link and --port; port 0 picks one, and both TCP and HTTP hosts are answered there, on this machine
alone. The first line on standard output is the address to give the kiosk. Control requests, each a JSON line with "do":

  present {"does", "part_minor"?, "card_ms"?, "host_ms"?}: what the person who stands there does, or the next one;
  auto {"does"}: what everybody does of whom nothing is said ("nobody": nobody comes); state; ledger;
  wait_state {any fields of state, "timeout_ms"}; power_cut; power_on; power_cut_at {"when"}; hold {"on"};
  cable_out; cable_in; set {any field of Settings: its value};
  lose_ack, nak, lose_answer, corrupt, twice, lose_eot, hang_up {"count"}; split, glue, packets {"on"}; calm

does: approve, partial, decline, cancel (at the terminal), walk_away, offline, receive_error, receive_error_paid,
stored, leak. `when`: card, host (before it approves), booked (after it did, before the answer). Fields of Settings
that the sheet leaves open: busy, cancel, cancels_host, void_record, duplicates, echoes, says_eot, hangs_up; others:
serial, store_and_forward, card_ms, card_wait_ms, host_ms, and returns (what the host says of a refund, as `does`).
Money in cents, times in milliseconds.
"""

import argparse
import base64
import binascii
import json
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from hardware.sim.control import Answer, Refused, Request, text, whole
from hardware.sim.lines import PtyLine
from hardware.sim.pax_device import Terminal
from hardware.sim.pax_parts import RESULTS, Memory, Plan, Settings
from hardware.sim.pax_wire import Trouble, Wire
from hardware.sim.twin import Act, Twin, doing, serve, setting

LOOPBACK = "127.0.0.1"
BUSY_S, REST_S = 0.01, 0.1  # how often time is passed on while something is under way, and while nothing is
READ_BYTES = 4096
REQUEST_BYTES_MAX = 65_536
COUNTED = ("lose_ack", "nak", "lose_answer", "corrupt", "twice", "lose_eot", "hang_up")
SWITCHED = ("split", "glue", "packets")


class _Client:
    """One connection. Its first byte says whether it speaks HTTP."""

    def __init__(self, connection: socket.socket, terminal: Terminal, trouble: Trouble) -> None:
        self.connection = connection
        self.connection.setblocking(False)
        self.wire = Wire(terminal, trouble)
        self.gone = False
        self._request = b""

    def read(self) -> None:
        try:
            data = self.connection.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.gone = True
        elif self._request or data[:1] == b"G":
            self._http(data)
        else:
            self.wire.feed(data)

    def _http(self, data: bytes) -> None:
        self.wire.handshake = False
        self._request += data
        if b"\r\n\r\n" not in self._request:
            self.gone = len(self._request) > REQUEST_BYTES_MAX
            return
        _, _, query = self._request.split(b" ", 2)[1].partition(b"?")
        with suppress(binascii.Error):
            self.wire.feed(base64.b64decode(query, validate=True))

    def write(self) -> None:
        for data in self.wire.take():
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode()
            with suppress(OSError):
                self.connection.sendall(data if self.wire.handshake else head + data)
            self.gone = self.gone or not self.wire.handshake
        self.gone = self.gone or self.wire.done

    def close(self) -> None:
        self.wire.hung_up()
        self.connection.close()


class PaxTwin(Twin):
    """A running twin. With `state` the batch survives the process."""

    def __init__(
        self,
        link: str | Path | None = None,
        port: int | None = None,
        settings: Settings | None = None,
        state: str | Path | None = None,
    ) -> None:
        store = Path(state) if state else None
        super().__init__(store)
        self.terminal = Terminal(settings, _load(store))
        self.trouble = Trouble()
        self._line = PtyLine(link) if link else None
        self._wire = Wire(self.terminal, self.trouble)  # of the pseudo-terminal
        self._wanted_port = port
        self.port = 0
        self._listener: socket.socket | None = None
        self._clients: list[_Client] = []
        self._cable = True
        self.terminal.power_on()
        self._tend_lines()
        self.start("pax twin")

    # The thread

    def ends(self) -> list[Any]:
        ends: list[Any] = [client.connection for client in self._clients]
        ends += [self._listener] if self._listener else []
        return ends + ([self._line.fileno()] if self._line and self._line.plugged else [])

    def patience_s(self) -> float:
        stirs = self.terminal.busy or any(wire.stirs for wire in [self._wire, *(each.wire for each in self._clients)])
        return BUSY_S if stirs else REST_S

    def step(self, dt_ms: int) -> None:
        self.terminal.step(dt_ms)
        for wire in [self._wire, *(client.wire for client in self._clients)]:
            wire.step(dt_ms)

    def answer(self, ready: list[Any]) -> None:
        self._read(ready)
        self.save()  # what a host is about to read must already be true after a restart
        self._write()
        self._tend_lines()

    def unplug(self) -> None:
        self._cable = False
        self._tend_lines()

    def kept(self) -> dict[str, Any]:
        return self.terminal.memory.to_json()

    def _read(self, ready: list[Any]) -> None:
        if self._line and self._line.plugged and self._line.fileno() in ready and (data := self._line.read()):
            self._wire.feed(data)
        if self._listener in ready and self._listener:
            connection, _ = self._listener.accept()
            self._clients.append(_Client(connection, self.terminal, self.trouble))
        for client in self._clients:
            if client.connection in ready:
                client.read()

    def _write(self) -> None:
        for data in self._wire.take():
            if self._line:
                self._line.write(data)
        self._wire.wants_close = False  # a serial line cannot be closed
        for client in list(self._clients):
            client.write()
            if client.gone:
                self._drop(client)

    def _drop(self, client: _Client) -> None:
        self._clients.remove(client)
        client.close()

    def _tend_lines(self) -> None:
        """A terminal that is off, or has no cable, is not on the network; the pseudo-terminal stays while it is off."""
        if self._line and self._cable != self._line.plugged:
            (self._line.plug_in if self._cable else self._line.unplug)()
        there = self._cable and self.terminal.powered and self._wanted_port is not None
        if there and self._listener is None:
            self._listener = socket.create_server((LOOPBACK, self.port or self._wanted_port or 0))
            self.port = int(self._listener.getsockname()[1])
        elif not there and self._listener is not None:
            self._listener.close()
            self._listener = None
            for client in list(self._clients):
                self._drop(client)

    # Control

    def state(self) -> Answer:
        """Return what a person beside the terminal could see, and what is in its batches."""
        terminal, memory = self.terminal, self.terminal.memory
        return {
            "state": terminal.state(),
            "screen": list(terminal.screen),
            "powered": terminal.powered,
            "plugged_in": self._cable,
            "held": terminal.held,
            "sales": len(memory.standing()),
            "sales_minor": sum(record.amount_minor for record in memory.standing()),
            "refunds_minor": sum(record.amount_minor for record in memory.refunds()),
            "made": memory.made,
            "batch": memory.batch,
            "clients": len(self._clients),
            "port": self.port,
        }

    def act(self, do: str, request: Request) -> Act:
        terminal = self.terminal
        plain: dict[str, Callable[[], None]] = {"power_cut": terminal.power_cut, "power_on": terminal.power_on}
        match do:
            case "state":
                return self.state
            case "ledger":
                return lambda: {"records": [asdict(each) for each in terminal.memory.settled + terminal.memory.records]}
            case "power_cut" | "power_on":
                return doing(plain[do])
            case "present":
                plan = _plan(request)
                return doing(lambda: terminal.present(plan))
            case "auto":
                return self._set({"default": text(request, "does")})
            case "set":
                return self._set({name: value for name, value in request.items() if name != "do"})
            case "power_cut_at":
                when = text(request, "when")
                return doing(lambda: terminal.arm("power_cut", when))
            case "hold":
                return setting(terminal, "held", bool(request.get("on", True)))
            case "cable_out" | "cable_in":
                return setting(self, "_cable", do == "cable_in")
        return self._make_trouble(do, request)

    def _make_trouble(self, do: str, request: Request) -> Act:
        if do in COUNTED:
            return setting(self.trouble, do, whole(request, "count", 1))
        if do in SWITCHED:
            return setting(self.trouble, do, bool(request.get("on", True)))
        if do == "calm":
            calm = asdict(Trouble())
            return doing(lambda: vars(self.trouble).update(calm))
        raise Refused(f"a PAX terminal cannot {do!r}")

    def _set(self, wanted: dict[str, Any]) -> Act:
        types = {each.name: type(getattr(self.terminal.settings, each.name)) for each in fields(Settings)}
        wrong = [name for name, value in wanted.items() if types.get(name) is not type(value)]
        if wrong:
            raise Refused(f"no such setting, or not of its kind: {', '.join(wrong)}")
        try:
            settings = replace(self.terminal.settings, **wanted)
        except ValueError as error:
            raise Refused(str(error)) from error
        return setting(self.terminal, "settings", settings)


def _plan(request: Request) -> Plan:
    times = {name: whole(request, name) for name in ("card_ms", "host_ms") if name in request}
    return Plan(text(request, "does", "approve"), whole(request, "part_minor", 0), **times)


def _load(path: Path | None) -> Memory | None:
    if path is None or not path.exists():
        return None
    return Memory.from_json(json.loads(path.read_text(encoding="utf-8")))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the twin until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="hardware simulate pax", description="the twin of a PAX card terminal")
    parser.add_argument("--link", type=Path, help="symbolic link to the pseudo-terminal")
    parser.add_argument("--port", type=int, help="port on 127.0.0.1 for TCP and HTTP; 0 picks one")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for control requests")
    parser.add_argument("--state", type=Path, help="file that keeps the batch over a restart")
    parser.add_argument("--auto", default="approve", choices=(*RESULTS, "nobody"), help="what everybody does (approve)")
    parser.add_argument("--serial", default=Settings.serial, help=f"its serial number ({Settings.serial})")
    parser.add_argument("--card-ms", type=int, default=Settings.card_ms, help="until a card is there (3000)")
    parser.add_argument("--start-ms", type=int, default=Settings.start_ms, help="until it is up (4000)")
    options = parser.parse_args(argv)
    if options.link is None and options.port is None:
        parser.error("at least one of --link and --port")
    settings = Settings(options.serial, default=options.auto, card_ms=options.card_ms, start_ms=options.start_ms)
    return serve(
        options.link,
        options.control,
        lambda: PaxTwin(options.link, options.port, settings, options.state),
        lambda twin: options.link or f"{LOOPBACK}:{twin.port}",
    )
