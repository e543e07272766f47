"""PAX over TCP: one connection for each exchange, as every surveyed host does it, and another for a cancel.

The terminal may hang up when it has been told that its answer arrived: that ends the exchange and loses nothing. Going
away before is a lost line.
"""

import select
from contextlib import suppress

from hardware.cards.pax.frames import ACK, EOT, STX
from hardware.transport.line import LineLost
from hardware.transport.tcp_line import CONNECT_S_MAX, TcpLine

PORT = 10_009
ASIDE_S_MAX = 1.0  # a cancel is worth no more: the answer to the sale decides in any case
CANCEL = b"A14"


class PaxTcpLine:
    """A Line that connects for a request and hangs up after its EOT."""

    def __init__(self, host: str, port: int = PORT, connect_s: float = CONNECT_S_MAX) -> None:
        self.name = f"{host}:{port}"
        self._main = TcpLine(host, port, connect_s)
        self._aside = TcpLine(host, port, min(connect_s, ASIDE_S_MAX))
        self._poll: select.epoll | None = None
        self._asking = False  # a request was written, and its answer not acknowledged
        self._ending = False  # what was written last may be the end of an exchange

    def open(self) -> None:
        self.close()
        self._poll = select.epoll()
        try:
            self._connect(self._main)
        except LineLost:
            self.close()
            raise

    def close(self) -> None:
        self._main.close()
        self._aside.close()
        self._asking = self._ending = False
        if self._poll is not None:
            poll, self._poll = self._poll, None
            poll.close()

    def fileno(self) -> int:
        return self._watched().fileno()

    def read(self) -> bytes:
        self._watched()
        self._hear_aside()
        if not self._main.is_open:
            return b""
        try:
            data = self._main.read()
        except LineLost:
            self._main.close()
            if self._asking:
                raise
            ended, self._ending = self._ending, False
            return bytes([EOT]) if ended else b""
        if self._ending and data[-1:] == bytes([EOT]):
            self._ending = False
            self._main.close()
        return data

    def write(self, data: bytes) -> None:
        self._watched()
        if data[:1] != bytes([STX]):
            self._control(data)
        elif data[1:4] == CANCEL and self._asking:
            self._cancel(data)
        else:
            self._aside.close()
            if not self._main.is_open:
                self._connect(self._main)
            self._main.write(data)
            # What follows a cancel outside a sale is nobody's business.
            self._asking = data[1:4] != CANCEL
            self._ending = not self._asking

    def _control(self, data: bytes) -> None:
        if data[:1] in (bytes([ACK]), bytes([EOT])):
            self._asking, self._ending = False, True
        if self._main.is_open:
            with suppress(LineLost):  # it hung up: `read` finds that out
                self._main.write(data)

    def _cancel(self, data: bytes) -> None:
        """Nobody waits for what becomes of it."""
        with suppress(LineLost):
            self._aside.close()
            self._connect(self._aside)
            self._aside.write(data)

    def _hear_aside(self) -> None:
        if self._aside.is_open:
            try:
                self._aside.read()
            except LineLost:
                self._aside.close()

    def _connect(self, line: TcpLine) -> None:
        line.open()
        self._watched().register(line.fileno(), select.EPOLLIN)

    def _watched(self) -> select.epoll:
        if self._poll is None:
            raise LineLost(f"{self.name} is closed")
        return self._poll
