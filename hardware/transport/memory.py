"""A line inside one process, with an end for the other side to use. For tests."""

import socket
import threading
from contextlib import suppress

from hardware.transport.line import LineLost

READ_BYTES = 4096


class MemoryLine:
    """Each `open` makes a new connection, whose far end is `peer`. While `present` is False it cannot be opened."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.present = True
        self.opened = 0
        self.peer: socket.socket | None = None
        self._near: socket.socket | None = None
        self._changed = threading.Condition()

    def open(self) -> None:
        if not self.present:
            raise LineLost(f"{self.name} is not there")
        self.close()
        with self._changed:
            self._near, self.peer = socket.socketpair()
            self._near.setblocking(False)
            self.opened += 1
            self._changed.notify_all()

    def wait_peer(self, timeout_s: float) -> socket.socket:
        """Return the far end, as soon as the line is open. TimeoutError if nobody opens it."""
        with self._changed:
            self._changed.wait_for(lambda: self.peer is not None, timeout_s)
            if self.peer is None:
                raise TimeoutError(f"nobody opened {self.name}")
            return self.peer

    def close(self) -> None:
        for end in (self._near, self.peer):
            if end is not None:
                end.close()
        self._near = self.peer = None

    def pull(self) -> None:
        """Cut the connection as the far side; the near side notices when it uses it."""
        self.present = False
        if self.peer is not None:
            with suppress(OSError):
                self.peer.shutdown(socket.SHUT_RDWR)

    def fileno(self) -> int:
        return self._end().fileno()

    def read(self) -> bytes:
        try:
            data = self._end().recv(READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise LineLost(f"{self.name}: {error}") from error
        if not data:
            raise LineLost(f"{self.name} hung up")
        return data

    def write(self, data: bytes) -> None:
        try:
            self._end().sendall(data)
        except OSError as error:
            raise LineLost(f"{self.name}: {error}") from error

    def _end(self) -> socket.socket:
        if self._near is None:
            raise LineLost(f"{self.name} is closed")
        return self._near
