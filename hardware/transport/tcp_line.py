"""A line over TCP, for devices on the kiosk's own network."""

import socket
from contextlib import suppress

from hardware.transport.line import LineLost

CONNECT_S_MAX = 3.0
WRITE_S_MAX = 3.0
READ_BYTES = 4096

# A cable pulled while nobody speaks is noticed after some 20 s, while we speak after 10 s.
IDLE_S, PROBE_S, PROBES = 10, 4, 3
UNANSWERED_MS_MAX = 10_000


class TcpLine:
    """A connection to `host` at `port`, made anew by each `open`."""

    def __init__(self, host: str, port: int, connect_s: float = CONNECT_S_MAX) -> None:
        self.name = f"{host}:{port}"
        self._address = (host, port)
        self._connect_s = connect_s
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self) -> None:
        self.close()
        try:
            connection = socket.create_connection(self._address, self._connect_s)
        except OSError as error:
            raise LineLost(f"{self.name}: {_words(error)}") from error
        if connection.getsockname() == connection.getpeername():
            # Nobody listens, and the kernel joined our own end to itself: it may on loopback.
            connection.close()
            raise LineLost(f"{self.name}: nobody listens")
        self._socket = connection
        try:
            _watch(connection)
            connection.setblocking(False)
        except OSError as error:
            self.close()
            raise LineLost(f"{self.name}: {_words(error)}") from error

    def close(self) -> None:
        if self._socket is not None:
            connection, self._socket = self._socket, None
            connection.close()

    def pull(self) -> None:
        """Cut the connection, from any thread; who uses it next finds it lost."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def fileno(self) -> int:
        return self._connection().fileno()

    def read(self) -> bytes:
        try:
            data = self._connection().recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as error:
            raise LineLost(f"{self.name}: {_words(error)}") from error
        if not data:
            raise LineLost(f"{self.name} hung up")
        return data

    def write(self, data: bytes) -> None:
        connection = self._connection()
        try:
            connection.settimeout(WRITE_S_MAX)
            connection.sendall(data)
            connection.setblocking(False)
        except OSError as error:
            raise LineLost(f"{self.name}: {_words(error)}") from error

    def _connection(self) -> socket.socket:
        if self._socket is None:
            raise LineLost(f"{self.name} is closed")
        return self._socket


def _watch(connection: socket.socket) -> None:
    """Have the kernel find out when the other side is gone, and send small frames at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        socket.TCP_NODELAY: 1,
        socket.TCP_KEEPIDLE: IDLE_S,
        socket.TCP_KEEPINTVL: PROBE_S,
        socket.TCP_KEEPCNT: PROBES,
        socket.TCP_USER_TIMEOUT: UNANSWERED_MS_MAX,
    }
    for option, value in options.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
