"""The screen's line to the engine: JSON lines over a Unix socket (architecture, Three processes).

Comes in: `{"snapshot": {...}}`. Goes out: `{"intent": {"name", "value"}, "revision"}`, `{"drawn": revision}`,
`{"alive": true}` every second, `{"voice": state}` when it changes, and with a touch map `{"layout": {...}}`.
One thread reads; it keeps only the newest snapshot.
"""

import json
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from kiosk.domain.snapshot import Snapshot, from_json

RETRY_S = 0.5
# A local socket takes a line at once; one that does not has a dead engine at its other end.
SEND_S = 0.2
LINE_MAX = 1 << 20


class Link:
    """Connects, reads and reconnects until closed. `wake` is called, from the reading thread, when news are there."""

    def __init__(self, path: str, wake: Callable[[], None]) -> None:
        self._path = path
        self._wake = wake
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._newest: Snapshot | None = None
        self._connected = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-link", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            if self._socket is not None:
                self._socket.close()

    def state(self) -> tuple[bool, Snapshot | None]:
        """Return whether the engine is there, and its newest snapshot since it is."""
        with self._lock:
            return self._connected, self._newest

    def send(self, message: dict[str, Any]) -> None:
        """Send one line if the engine is there. What cannot be sent is dropped: it was about a page now gone."""
        with self._lock:
            if self._socket is None:
                return
            try:
                self._socket.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            except OSError:
                self._socket.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            connection = self._connect()
            if connection is not None:
                try:
                    self._read(connection)
                finally:
                    self._disconnected(connection)
            self._closing.wait(RETRY_S)

    def _connect(self) -> socket.socket | None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(self._path)
        except OSError:
            connection.close()
            return None
        # Seconds for sending only: reading waits as long as it takes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(SEND_S))
        with self._lock:
            self._socket, self._connected = connection, True
        return connection

    def _read(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as lines:
                while line := lines.readline(LINE_MAX):
                    self._take(line)
        except (OSError, ValueError):
            return

    def _take(self, line: bytes) -> None:
        """Keep the snapshot of a line. ValueError for what is no JSON object: the engine is not what it should be."""
        content = json.loads(line)
        if not isinstance(content, dict):
            raise ValueError("a line is one JSON object")
        if "snapshot" not in content:
            return
        snapshot = from_json(content["snapshot"])
        with self._lock:
            self._newest = snapshot
        self._wake()

    def _disconnected(self, connection: socket.socket) -> None:
        connection.close()
        with self._lock:
            self._socket, self._connected, self._newest = None, False, None
        self._wake()


def _timeval(seconds: float) -> bytes:
    """Return struct timeval of two longs, as the kernel takes it."""
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
