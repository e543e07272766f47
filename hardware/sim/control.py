"""Steering a twin from outside: a Unix socket, one JSON object a line in, one JSON object a line out.

Every request has "do"; every answer has "ok". A refused request is answered {"ok": false, "error": "..."}.
"""

import errno
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

Request = dict[str, Any]
Answer = dict[str, Any]

LINE_BYTES_MAX = 65_536  # bounds what a client without a newline can make us hold


class Refused(Exception):
    """The request cannot be done; the text is the answer's "error"."""


def text(request: Request, name: str, default: str | None = None) -> str:
    """Return a field of the request as text. Refused if it is missing without a default or is not text."""
    value = request.get(name, default)
    if not isinstance(value, str):
        raise Refused(f"{name} must be text")
    return value


def whole(request: Request, name: str, default: int | None = None) -> int:
    """Return a field of the request as a whole number. Refused if it is missing without a default or is none."""
    value = request.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(f"{name} must be a whole number")
    return value


class ControlServer:
    """Listen on the Unix socket `path` and answer each line with `handle(request)`; one thread a client.

    `handle` runs on the client's thread, so it may block (to wait for a state) and must lock what it shares. What it
    returns is sent with "ok": true; `Refused` becomes the error answer. OSError if another server holds the path.
    """

    def __init__(self, path: str | Path, handle: Callable[[Request], Answer]) -> None:
        self.path = Path(path)
        self._handle = handle
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._listener = _listen(self.path)
        self._thread = threading.Thread(target=self._accept, name=f"control {self.path.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, drop every client and remove the socket from the file system."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            clients = list(self._clients)
        _hang_up(self._listener)
        for client in clients:
            _hang_up(client)
        self._thread.join()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> "ControlServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed under us
                return
            with self._lock:
                if self._closed:
                    client.close()
                    return
                self._clients.add(client)
            threading.Thread(target=self._serve, args=(client,), name="control client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, client.makefile("rb") as lines:
                while line := lines.readline(LINE_BYTES_MAX + 1):
                    client.sendall(json.dumps(self._answer(line)).encode() + b"\n")
                    if not line.endswith(b"\n"):
                        return
        except OSError:  # the client went away, or we are closing
            pass
        finally:
            with self._lock:
                self._clients.discard(client)

    def _answer(self, line: bytes) -> Answer:
        if len(line) > LINE_BYTES_MAX:
            return {"ok": False, "error": f"a line has at most {LINE_BYTES_MAX} bytes"}
        try:
            request = json.loads(line)
        except ValueError as error:
            return {"ok": False, "error": f"not JSON: {error}"}
        if not isinstance(request, dict) or not isinstance(request.get("do"), str):
            return {"ok": False, "error": 'a request is an object with "do"'}
        try:
            return {"ok": True} | self._handle(request)
        except Refused as refusal:
            return {"ok": False, "error": str(refusal)}


class ControlClient:
    """Ask a twin, over one connection kept open. Not for several threads at once."""

    def __init__(self, path: str | Path, timeout_s: float = 30.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._lines = self._socket.makefile("rb")

    def ask(self, request: Request) -> Answer:
        """Return the answer. Refused if the twin says no, ConnectionError if it is gone, TimeoutError if silent."""
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        line = self._lines.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the twin closed the connection")
        answer: Answer = json.loads(line)
        if not answer["ok"]:
            raise Refused(answer["error"])
        return answer

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> "ControlClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _bind(listener, path)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _bind(listener: socket.socket, path: Path) -> None:
    try:
        listener.bind(str(path))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        if _answers(path):
            raise OSError(error.errno, "another process listens there", str(path)) from error
        path.unlink()  # left behind by a server that was killed
        listener.bind(str(path))


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0


def _hang_up(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it; close alone does not
    except OSError:
        pass
    finally:
        end.close()
