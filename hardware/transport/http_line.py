"""A line that is none: each write is one HTTP GET, and what is read is the body of its answer.

The request is a frame in base64 behind the question mark, as PAX terminals take it (PAX sheet section 2). There is
nothing to hold open, so `open` always succeeds, and a device that is not there shows at the first write.
"""

import base64
import http.client
import os
import threading
from collections import deque
from contextlib import suppress

from hardware.transport.line import LineLost

CONNECT_S_MAX = 3.0
ANSWER_S_MAX = 300.0  # the codec's own timer is shorter and decides
BODY_BYTES_MAX = 65_536


class HttpLine:
    """Requests to `host` at `port`. Each is made on a thread of its own; `close` forgets those under way."""

    def __init__(self, host: str, port: int, connect_s: float = CONNECT_S_MAX, answer_s: float = ANSWER_S_MAX) -> None:
        self.name = f"http://{host}:{port}"
        self._address = (host, port)
        self._connect_s, self._answer_s = connect_s, answer_s
        self._visit: _Visit | None = None

    def open(self) -> None:
        self.close()
        self._visit = _Visit()

    def close(self) -> None:
        if self._visit is not None:
            visit, self._visit = self._visit, None
            visit.close()

    def fileno(self) -> int:
        return self._open_visit().wake_read

    def read(self) -> bytes:
        answer = self._open_visit().take()
        if isinstance(answer, Exception):
            raise LineLost(f"{self.name}: {answer or type(answer).__name__}") from answer
        return answer

    def write(self, data: bytes) -> None:
        visit = self._open_visit()
        threading.Thread(target=self._ask, args=(visit, data), name=f"request to {self.name}", daemon=True).start()

    def _ask(self, visit: "_Visit", data: bytes) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=self._connect_s)
        try:
            connection.connect()
            connection.sock.settimeout(self._answer_s)
            if not visit.begin(connection):
                return
            connection.request("GET", "/?" + base64.b64encode(data).decode("ascii"))
            visit.give(_body(connection.getresponse()))
        except (OSError, http.client.HTTPException) as error:
            visit.give(error)
        finally:
            visit.end(connection)
            connection.close()

    def _open_visit(self) -> "_Visit":
        if self._visit is None:
            raise LineLost(f"{self.name} is closed")
        return self._visit


class _Visit:
    """From `open` to `close`: the requests under way, their answers, and a pipe to wait on."""

    def __init__(self) -> None:
        self._answers: deque[bytes | Exception] = deque()
        self._connections: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()
        self._closed = False
        self.wake_read, self._wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)

    def begin(self, connection: http.client.HTTPConnection) -> bool:
        """Note the connection. False if the line was closed meanwhile: nothing may be sent any more."""
        with self._lock:
            if not self._closed:
                self._connections.add(connection)
            return not self._closed

    def end(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._connections.discard(connection)

    def give(self, answer: bytes | Exception) -> None:
        with self._lock:
            if not self._closed:
                self._answers.append(answer)
                os.write(self._wake_write, b"!")

    def take(self) -> bytes | Exception:
        """Return the next answer, b"" if none is there."""
        with suppress(BlockingIOError):
            os.read(self.wake_read, 1)
        return self._answers.popleft() if self._answers else b""

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for connection in self._connections:
                if connection.sock is not None:
                    with suppress(OSError):
                        connection.sock.shutdown(2)  # wakes the thread that waits for the answer
            os.close(self.wake_read)
            os.close(self._wake_write)


def _body(response: http.client.HTTPResponse) -> bytes:
    if response.status != http.client.OK:
        raise http.client.HTTPException(f"answered {response.status}")
    body = response.read(BODY_BYTES_MAX + 1)
    if not body or len(body) > BODY_BYTES_MAX:
        raise http.client.HTTPException(f"an answer of {len(body)} bytes")
    if response.length:
        raise http.client.HTTPException(f"{response.length} bytes of the answer are missing")
    return body
