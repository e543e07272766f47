"""An engine's end of the socket for tests and benchmarks: sends snapshots, hears what the screen says."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kiosk.domain.snapshot import Snapshot, to_json

PATIENCE_S = 20.0


class FakeEngine:
    """One screen's connection. Every wait ends after some seconds with TimeoutError."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(1)
        self._server.settimeout(PATIENCE_S)
        self._connection: socket.socket | None = None
        self._lines: Any = None

    def accept(self) -> None:
        self._connection, _ = self._server.accept()
        self._connection.settimeout(PATIENCE_S)
        self._lines = self._connection.makefile("rb")

    def show(self, snapshot: Snapshot) -> None:
        if self._connection is None:
            raise RuntimeError("no screen has connected")
        self._connection.sendall(json.dumps({"snapshot": to_json(snapshot)}).encode() + b"\n")

    def hear(self, kind: str) -> dict[str, Any]:
        """Return the next message that has `kind`, passing over others. ConnectionError if the screen hangs up."""
        deadline = time.monotonic() + PATIENCE_S
        while line := self._lines.readline():
            message: dict[str, Any] = json.loads(line)
            if kind in message:
                return message
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {kind!r} in {PATIENCE_S} s")
        raise ConnectionError("the screen hung up")

    def drawn(self, snapshot: Snapshot) -> None:
        """Show a snapshot and wait until it is on the glass."""
        self.show(snapshot)
        while self.hear("drawn")["drawn"] != snapshot.revision:
            pass

    def hang_up(self) -> None:
        if self._connection is not None:
            self._lines.close()
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        self.hang_up()
        self._server.close()


@contextmanager
def fake_engine(path: Path) -> Iterator[FakeEngine]:
    engine = FakeEngine(path)
    try:
        yield engine
    finally:
        engine.close()
