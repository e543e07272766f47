"""The network's twin: a relay on loopback before the server that can be unplugged, slowed or made to lose answers.

It knows no protocol: bytes pass as they come. Over plain HTTP a lost answer is a request that the server has carried
out and of which the client never hears, the case that posting must survive.
"""

import argparse
import json
import signal
import socket
import threading
from collections.abc import Sequence

from hardware.sim.control import Answer, ControlServer, Refused, Request, whole

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 65_536
CONNECT_TIMEOUT_S = 5.0
SLOW_MS_MAX = 600_000
LOSE_MAX = 1_000_000


class _Line:
    """One relayed connection: both its sockets live and die together."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.is_cut = threading.Event()

    def cut(self) -> None:
        self.is_cut.set()
        for end in (self.client, self.server):
            _hang_up(end)


class NetworkTwin:
    """Relay `127.0.0.1:listen_port` to `127.0.0.1:to_port`, from construction to `close`. Port 0 picks a free one.

    `handle` takes the control socket's requests: down, up, slow {"ms"}, lose_answers {"count"}, state.
    OSError if the port is taken.
    """

    def __init__(self, listen_port: int, to_port: int) -> None:
        self._to_port = to_port
        self._lock = threading.Lock()
        self._lines: set[_Line] = set()
        self._slow_ms = 0
        self._losing = 0
        self._refused = 0
        self._lost = 0
        self._listener: socket.socket | None = None
        self.port = listen_port
        self._plug_in()

    def handle(self, request: Request) -> Answer:
        """Carry out one request and return the state after it. Refused for an unknown or malformed one."""
        match request["do"]:
            case "down":
                self._unplug()
            case "up":
                self._plug_in()
            case "slow":
                self._set_slow(_between(request, "ms", SLOW_MS_MAX))
            case "lose_answers":
                self._set_losing(_between(request, "count", LOSE_MAX))
            case "state":
                pass
            case other:
                raise Refused(f"the network cannot do {other!r}")
        return self.state()

    def state(self) -> Answer:
        """Return what the network does now: `losing` answers are still to be lost, `lost` were."""
        with self._lock:
            return {
                "up": self._listener is not None,
                "port": self.port,
                "to": self._to_port,
                "slow_ms": self._slow_ms,
                "losing": self._losing,
                "lost": self._lost,
                "open": len(self._lines),
                "unreachable": self._refused,
            }

    def close(self) -> None:
        """Refuse new connections and cut those that are open."""
        self._unplug()

    def _plug_in(self) -> None:
        with self._lock:
            if self._listener is not None:
                return
            listener = socket.create_server((LOOPBACK, self.port))
            self.port = listener.getsockname()[1]  # kept over an unplugging
            self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="network accept", daemon=True).start()

    def _unplug(self) -> None:
        with self._lock:
            listener, self._listener = self._listener, None
            lines, self._lines = self._lines, set()
        if listener is not None:
            _hang_up(listener)
        for line in lines:
            line.cut()

    def _set_slow(self, slow_ms: int) -> None:
        with self._lock:
            self._slow_ms = slow_ms

    def _set_losing(self, count: int) -> None:
        with self._lock:
            self._losing = count

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # unplugged
                return
            threading.Thread(target=self._relay, args=(listener, client), name="network line", daemon=True).start()

    def _relay(self, listener: socket.socket, client: socket.socket) -> None:
        line = self._connect(listener, client)
        if line is None:
            return
        asks = threading.Thread(target=self._carry_requests, args=(line,), name="network requests", daemon=True)
        asks.start()
        self._carry_answers(line)
        asks.join()

    def _connect(self, listener: socket.socket, client: socket.socket) -> _Line | None:
        """Return the line to the server, or None after hanging up: no server, or unplugged in the meantime."""
        try:
            server = socket.create_connection((LOOPBACK, self._to_port), CONNECT_TIMEOUT_S)
        except OSError:
            with self._lock:
                self._refused += 1
            _hang_up(client)
            return None
        server.settimeout(None)
        line = _Line(client, server)
        with self._lock:
            plugged_in = self._listener is listener
            if plugged_in:
                self._lines.add(line)
        if not plugged_in:
            line.cut()
            return None
        return line

    def _carry_requests(self, line: _Line) -> None:
        try:
            while data := line.client.recv(CHUNK_BYTES):
                line.server.sendall(data)
        except OSError:  # an end went away, or the line was cut
            pass
        self._drop(line)

    def _carry_answers(self, line: _Line) -> None:
        try:
            while (data := line.server.recv(CHUNK_BYTES)) and self._lets_through(line):
                line.client.sendall(data)
        except OSError:
            pass
        self._drop(line)

    def _lets_through(self, line: _Line) -> bool:
        """Return whether the answer that has begun to arrive may reach the client, after the delay set."""
        with self._lock:
            if self._losing:
                self._losing -= 1
                self._lost += 1
                return False
            slow_ms = self._slow_ms
        return not line.is_cut.wait(slow_ms / 1000) if slow_ms else True

    def _drop(self, line: _Line) -> None:
        with self._lock:
            self._lines.discard(line)
        line.cut()


def main(argv: Sequence[str]) -> int:
    """Run a twin until SIGTERM or SIGINT; its first line on standard output is {"port": ...}."""
    parser = argparse.ArgumentParser(prog="hardware simulate network", description="A network that can be unplugged.")
    parser.add_argument("--listen", type=int, required=True, metavar="PORT", help="port to listen on; 0 picks one")
    parser.add_argument("--to", type=int, required=True, metavar="PORT", help="port of the server on this machine")
    parser.add_argument("--control", required=True, metavar="SOCKET", help="Unix socket that takes JSON lines")
    options = parser.parse_args(argv)
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # before the threads, which inherit it
    twin = NetworkTwin(options.listen, options.to)
    with ControlServer(options.control, twin.handle):
        print(json.dumps({"port": twin.port}), flush=True)
        signal.sigwait(stops)
    twin.close()
    return 0


def _between(request: Request, name: str, most: int) -> int:
    value = whole(request, name)
    if not 0 <= value <= most:
        raise Refused(f"{name} must be from 0 to {most}")
    return value


def _hang_up(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it; close alone does not
    except OSError:
        pass
    finally:
        end.close()
