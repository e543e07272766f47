"""The reader's line to the engine: JSON lines over a Unix socket, dialled again whenever it breaks."""

import contextlib
import json
import os
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]

_RETRY_S = 0.2
_WAIT_S = 0.2  # how late `stop` may be noticed
_STUCK_S = 5.0  # an engine that takes nothing for so long is dialled again
_LINE_BYTES_MAX = 65_536


class Link:
    """`greet` gives the first messages of each connection, `hear` takes what the engine says.

    What is sent while nobody listens is dropped: a reading is worth nothing later. `send` may be called by any thread.
    """

    def __init__(self, path: str | Path, greet: Callable[[], list[Message]], hear: Callable[[Message], None]) -> None:
        self._path = str(path)
        self._greet = greet
        self._hear = hear
        self._outgoing: deque[Message] = deque()
        self._connected = threading.Event()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def send(self, message: Message) -> None:
        """Hand over a message for the engine, in order."""
        if self._connected.is_set():
            self._outgoing.append(message)
            self._wake()

    def close(self) -> None:
        """Give the pipe back; nothing may be sent after this."""
        os.close(self._wake_read)
        os.close(self._wake_write)

    def run(self, stop: threading.Event) -> None:
        """Keep the line until `stop` is set."""
        while not stop.is_set():
            try:
                self._talk(stop)
            except OSError:  # not there yet, or gone
                stop.wait(_RETRY_S)
            finally:
                self._connected.clear()

    def _talk(self, stop: threading.Event) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(_STUCK_S)
            line.connect(self._path)
            self._outgoing.clear()
            self._connected.set()
            self._outgoing.extendleft(reversed(self._greet()))
            unread = b""
            while not stop.is_set():
                while self._outgoing:
                    line.sendall(json.dumps(self._outgoing.popleft()).encode() + b"\n")
                readable, _, _ = select.select([line.fileno(), self._wake_read], [], [], _WAIT_S)
                if self._wake_read in readable:
                    os.read(self._wake_read, 4096)
                if line.fileno() in readable:
                    unread = self._take(unread + _receive(line))

    def _take(self, data: bytes) -> bytes:
        """Pass on every whole line; return the rest."""
        *lines, rest = data.split(b"\n")
        for text in lines:
            message = json.loads(text)
            if isinstance(message, dict):
                self._hear(message)
        if len(rest) > _LINE_BYTES_MAX:
            raise ConnectionError("the engine sends no lines")
        return rest

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # the pipe is full of wakes already
            os.write(self._wake_write, b"!")


def _receive(line: socket.socket) -> bytes:
    data = line.recv(4096)
    if not data:
        raise ConnectionError("the engine closed the line")
    return data
