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
serial, store_and_forward, card_ms, card_wait_ms, host_ms. Money in cents, times in milliseconds.
"""

import argparse
import base64
import binascii
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from hardware.sim.control import Answer, ControlServer, Refused, Request, text, whole
from hardware.sim.lines import PtyLine, sole_server
from hardware.sim.pax_device import Terminal
from hardware.sim.pax_parts import RESULTS, Memory, Plan, Settings
from hardware.sim.pax_wire import Trouble, Wire

LOOPBACK = "127.0.0.1"
BUSY_S, REST_S = 0.01, 0.1  # how often time is passed on while something is under way, and while nothing is
WAIT_MS = 10_000
READ_BYTES = 4096
REQUEST_BYTES_MAX = 65_536
COUNTED = ("lose_ack", "nak", "lose_answer", "corrupt", "twice", "lose_eot", "hang_up")
SWITCHED = ("split", "glue", "packets")

Job = tuple[Callable[[], Answer], "Future[Answer]"]


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


class PaxTwin:
    """A running twin. One thread owns terminal and lines; `handle` may be called from any other.

    With `state` the batch survives the process: a twin that is started again comes up as after a power cut.
    """

    def __init__(
        self,
        link: str | Path | None = None,
        port: int | None = None,
        settings: Settings | None = None,
        state: str | Path | None = None,
    ) -> None:
        self._store = Path(state) if state else None
        self.terminal = Terminal(settings, _load(self._store))
        self.trouble = Trouble()
        self._line = PtyLine(link) if link else None
        self._wire = Wire(self.terminal, self.trouble)  # of the pseudo-terminal
        self._wanted_port = port
        self.port = 0
        self._listener: socket.socket | None = None
        self._clients: list[_Client] = []
        self._cable = True
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._saved: dict[str, Any] = {}
        self._owed_ms = 0.0
        self._closed = False
        self._wake_read, self._wake_write = os.pipe()
        self.terminal.power_on()
        self._tend_lines()
        self._thread = threading.Thread(target=self._serve, name="pax twin", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Unplug and end the thread."""
        if not self._closed:
            self._closed = True
            os.write(self._wake_write, b"!")
            self._thread.join()
            for end in (self._wake_read, self._wake_write):
                os.close(end)

    def __enter__(self) -> "PaxTwin":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # The thread

    def _serve(self) -> None:
        before = time.monotonic()
        while not self._closed:
            ready, _, _ = select.select(self._ends(), [], [], BUSY_S if self._stirring() else REST_S)
            now = time.monotonic()
            with self._changed:
                self._pass(now - before)
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                    self._work()
                self._read(ready)
                self._save()  # what a host is about to read must already be true after a restart
                self._write()
                self._tend_lines()
                self._changed.notify_all()
            before = now
        self._cable = False
        self._tend_lines()
        self._work()

    def _ends(self) -> list[Any]:
        ends: list[Any] = [self._wake_read, *(client.connection for client in self._clients)]
        ends += [self._listener] if self._listener else []
        return ends + ([self._line.fileno()] if self._line and self._line.plugged else [])

    def _stirring(self) -> bool:
        return self.terminal.busy or any(wire.stirs for wire in [self._wire, *(each.wire for each in self._clients)])

    def _pass(self, elapsed_s: float) -> None:
        self._owed_ms += elapsed_s * 1_000
        whole_ms = int(self._owed_ms)
        self._owed_ms -= whole_ms
        self.terminal.step(whole_ms)
        for wire in [self._wire, *(client.wire for client in self._clients)]:
            wire.step(whole_ms)

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

    def _work(self) -> None:
        while self._jobs:
            act, result = self._jobs.popleft()
            try:
                result.set_result(act())
            except Refused as refusal:
                result.set_exception(refusal)
        self._save()

    def _save(self) -> None:
        content = self.terminal.memory.to_json()
        if self._store is None or content == self._saved:
            return
        fresh = self._store.with_name(f"{self._store.name}.new")
        fresh.write_text(json.dumps(content), encoding="utf-8")
        fresh.replace(self._store)
        self._saved = content

    # Control

    def handle(self, request: Request) -> Answer:
        """Do one control request. Refused if it makes no sense now, or at all."""
        if request["do"] == "wait_state":
            return self._wait(request)
        act = self._act(request["do"], request)
        result: Future[Answer] = Future()
        if self._closed:
            raise Refused("the twin is stopping")
        self._jobs.append((act, result))
        os.write(self._wake_write, b"!")
        return result.result()

    def _wait(self, request: Request) -> Answer:
        timeout_ms = whole(request, "timeout_ms", WAIT_MS)
        wanted = {name: value for name, value in request.items() if name not in ("do", "timeout_ms")}
        if unknown := wanted.keys() - self.state().keys():
            raise Refused(f"state has no {', '.join(sorted(unknown))}")
        with self._changed:
            if not self._changed.wait_for(lambda: wanted.items() <= self.state().items(), timeout_ms / 1_000):
                raise Refused(f"not within {timeout_ms} ms: {self.state()}")
            return self.state()

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

    def _act(self, do: str, request: Request) -> Callable[[], Answer]:
        """Return what to do on the twin's thread; fields are checked here, on the client's."""
        terminal = self.terminal
        plain: dict[str, Callable[[], None]] = {"power_cut": terminal.power_cut, "power_on": terminal.power_on}
        match do:
            case "state":
                return self.state
            case "ledger":
                return lambda: {"records": [asdict(each) for each in terminal.memory.settled + terminal.memory.records]}
            case "power_cut" | "power_on":
                return _do(plain[do])
            case "present":
                plan = _plan(request)
                return _do(lambda: terminal.present(plan))
            case "auto":
                return self._set({"default": text(request, "does")})
            case "set":
                return self._set({name: value for name, value in request.items() if name != "do"})
            case "power_cut_at":
                when = text(request, "when")
                return _do(lambda: terminal.arm("power_cut", when))
            case "hold":
                return _set(terminal, "held", bool(request.get("on", True)))
            case "cable_out" | "cable_in":
                return _set(self, "_cable", do == "cable_in")
        return self._make_trouble(do, request)

    def _make_trouble(self, do: str, request: Request) -> Callable[[], Answer]:
        if do in COUNTED:
            return _set(self.trouble, do, whole(request, "count", 1))
        if do in SWITCHED:
            return _set(self.trouble, do, bool(request.get("on", True)))
        if do == "calm":
            calm = asdict(Trouble())
            return _do(lambda: vars(self.trouble).update(calm))
        raise Refused(f"a PAX terminal cannot {do!r}")

    def _set(self, wanted: dict[str, Any]) -> Callable[[], Answer]:
        types = {each.name: type(getattr(self.terminal.settings, each.name)) for each in fields(Settings)}
        wrong = [name for name, value in wanted.items() if types.get(name) is not type(value)]
        if wrong:
            raise Refused(f"no such setting, or not of its kind: {', '.join(wrong)}")
        try:
            settings = replace(self.terminal.settings, **wanted)
        except ValueError as error:
            raise Refused(str(error)) from error
        return _set(self.terminal, "settings", settings)


def _plan(request: Request) -> Plan:
    times = {name: whole(request, name) for name in ("card_ms", "host_ms") if name in request}
    return Plan(text(request, "does", "approve"), whole(request, "part_minor", 0), **times)


def _do(act: Callable[[], None]) -> Callable[[], Answer]:
    def answer() -> Answer:
        act()
        return {}

    return answer


def _set(target: object, name: str, value: object) -> Callable[[], Answer]:
    return _do(lambda: setattr(target, name, value))


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
    done = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, done)  # before the threads, which inherit it
    try:
        with ExitStack() as stack:
            if options.link:
                stack.enter_context(sole_server(options.link))
            twin = stack.enter_context(PaxTwin(options.link, options.port, settings, options.state))
            stack.enter_context(ControlServer(options.control, twin.handle))
            print(options.link or f"{LOOPBACK}:{twin.port}", flush=True)  # whoever started it may connect now
            signal.sigwait(done)
    except OSError as error:
        print(f"simulate pax: {error}", file=sys.stderr)
        return 1
    return 0
