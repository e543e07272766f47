"""JSON lines over a Unix socket: how engine, screen, reader and control speak.

A client that does not read must never hold the engine up: each has its own writer, and of several messages with
the same key it gets only the newest.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]

LINE_BYTES_MAX = 1_048_576
PENDING_MAX = 1_000


class Client:
    """One connected process. `send` never blocks."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._wake = threading.Condition()
        self._pending: dict[str, bytes] = {}
        self._count = 0
        self._open = True
        threading.Thread(target=self._write, name="client writer", daemon=True).start()

    def send(self, message: Message, key: str = "") -> None:
        """Queue `message`; it replaces a waiting one with the same `key` ("" never replaces)."""
        line = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        with self._wake:
            self._count += 1
            name = key or f"#{self._count}"
            self._pending.pop(name, None)
            self._pending[name] = line
            if len(self._pending) > PENDING_MAX:
                self._open = False
            self._wake.notify()

    def close(self) -> None:
        with self._wake:
            self._open = False
            self._wake.notify()

    def _write(self) -> None:
        while (data := self._next()) is not None:
            try:
                self._connection.sendall(data)
            except OSError:
                break
        shut(self._connection)

    def _next(self) -> bytes | None:
        with self._wake:
            self._wake.wait_for(lambda: self._pending or not self._open)
            if not self._open and not self._pending:
                return None
            data = b"".join(self._pending.values())
            self._pending.clear()
            return data


class LineServer:
    """Listens on `path`. `hear(client, message)` runs on the client's own thread; `greet(client)` at connection.

    Lines that are no JSON object end the connection: the other side is not what it should be.
    """

    def __init__(
        self,
        path: Path,
        hear: Callable[[Client, Message], None],
        greet: Callable[[Client], None] = lambda client: None,
        mode: int = 0o660,
    ) -> None:
        self.path = path
        self._hear = hear
        self._greet = greet
        self._clients: set[Client] = set()
        self._lock = threading.Lock()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(mode)
        self._listener.listen()
        threading.Thread(target=self._accept, name=f"listen {path.name}", daemon=True).start()

    @property
    def connected(self) -> bool:
        with self._lock:
            return bool(self._clients)

    def broadcast(self, message: Message, key: str = "") -> None:
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.send(message, key)

    def close(self) -> None:
        shut(self._listener)
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name=self.path.name, daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        client = Client(connection)
        with self._lock:
            self._clients.add(client)
        self._greet(client)
        try:
            received = connection.makefile("rb")
            while line := received.readline(LINE_BYTES_MAX + 1):
                message = parse(line)
                if message is None:
                    break
                self._hear(client, message)
        except OSError:
            pass
        finally:
            with self._lock:
                self._clients.discard(client)
            client.close()


def parse(line: bytes) -> Message | None:
    """Return the JSON object in `line`, None if it is none, or holds text that could not be written down again."""
    if len(line) > LINE_BYTES_MAX:
        return None
    try:
        message = json.loads(line)
        if b"\\ud" in line.lower():  # half of a surrogate pair would end whoever encodes it
            json.dumps(message, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def shut(connection: socket.socket) -> None:
    """Close so that a thread blocked on the socket wakes up."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
