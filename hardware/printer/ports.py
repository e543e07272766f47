"""The four ways to a printer: serial, the kernel's USB printer device, the network, a file.

A port moves bytes and nothing else. Every failure is `PortLost`; the driver opens it again.
"""

import os
import select
import socket
import stat
import struct
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import serial

from hardware.transport.serial_line import held_elsewhere, hold_alone

_DRAIN_BYTES_MAX = 65_536  # more than any printer has left to say: something else is there, and it does not stop
_NOTHING_S = 0.02  # usblp calls itself readable and then reads nothing; without a pause we would spin


class PortLost(Exception):
    """The port is gone, cannot be opened, or takes no more bytes in time."""


class Port(Protocol):
    """`answers` is False for a port that nobody speaks back on."""

    answers: bool

    def open(self) -> None:
        """Open anew, dropping what an earlier time left to read. PortLost if that fails."""

    def write(self, data: bytes, timeout_s: float) -> None:
        """Hand over all of `data`. PortLost if it is not taken in `timeout_s` seconds."""

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, waiting at most `timeout_s` seconds for the first byte; b"" if nothing came."""

    def close(self) -> None:
        """Close; a closed port may be closed again."""


class _Descriptor:
    """What the ports share that are a file descriptor to the kernel. `_connect` opens it, non-blocking."""

    answers = True

    def __init__(self, name: str, connect: Callable[[], int], end_is_loss: bool = True) -> None:
        self._name = name
        self._connect = connect
        self._end_is_loss = end_is_loss
        self._fd: int | None = None

    def open(self) -> None:
        self.close()
        try:
            self._fd = self._connect()
            self._drain()
        except (OSError, termios.error) as error:
            self.close()
            raise PortLost(held_elsewhere(self._name, error) or str(error)) from error

    def close(self) -> None:
        if self._fd is not None:
            with suppress(OSError):
                os.close(self._fd)
            self._fd = None

    def write(self, data: bytes, timeout_s: float) -> None:
        rest = memoryview(data)
        until = time.monotonic() + timeout_s
        while rest:
            _, writable, _ = self._select(write=True, timeout_s=max(0.0, until - time.monotonic()))
            if not writable:
                raise PortLost(f"{len(rest)} bytes not taken in {timeout_s} s")
            try:
                rest = rest[os.write(self._open_fd, rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise PortLost(str(error)) from error

    def read(self, timeout_s: float) -> bytes:
        readable, _, _ = self._select(write=False, timeout_s=timeout_s)
        if not readable:
            return b""
        try:
            data = os.read(self._open_fd, 256)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise PortLost(str(error)) from error
        if not data and self._end_is_loss:
            raise PortLost("the other end hung up")
        if not data:
            select.select([], [], [], min(timeout_s, _NOTHING_S))
        return data

    @property
    def _open_fd(self) -> int:
        if self._fd is None:
            raise PortLost("not open")
        return self._fd

    def _select(self, write: bool, timeout_s: float) -> tuple[list[int], list[int], list[int]]:
        fd = self._open_fd
        return select.select([] if write else [fd], [fd] if write else [], [], timeout_s)

    def _drain(self) -> None:
        left = _DRAIN_BYTES_MAX
        with suppress(BlockingIOError):  # called readable, with nothing to read
            while left > 0 and self._select(write=False, timeout_s=0)[0] and (data := os.read(self._open_fd, 4096)):
                left -= len(data)
        if left <= 0:
            raise OSError(f"what is on {self._name} does not fall silent")


class SerialPort(_Descriptor):
    """RS-232 or a USB bridge, opened exclusively. 8N1, no flow control unless `rtscts`."""

    def __init__(self, device: str, baud: int = 38_400, rtscts: bool = False) -> None:
        self._device, self._baud, self._rtscts = device, baud, rtscts
        self._serial: serial.Serial | None = None
        super().__init__(device, self._open_serial)

    def close(self) -> None:
        self._fd = None  # pyserial's, which closes it
        if self._serial is not None:
            # What the kernel still holds must not reach the printer later, nor keep close() waiting.
            with suppress(OSError, termios.error):
                self._serial.reset_output_buffer()
            with suppress(OSError, termios.error):
                self._serial.close()
            self._serial = None

    def _open_serial(self) -> int:
        self._serial = serial.Serial(self._device, self._baud, timeout=0, rtscts=self._rtscts, exclusive=True)
        if not os.path.realpath(self._device).startswith("/dev/pts/"):
            hold_alone(self._serial.fileno())
        return self._serial.fileno()


class UsbPort(_Descriptor):
    """The kernel's usblp device, as /dev/usb/lp0. A read of nothing means that there is nothing to read."""

    def __init__(self, device: str) -> None:
        self._device = device
        super().__init__(device, self._open_device, end_is_loss=False)

    def _open_device(self) -> int:
        return os.open(self._device, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


class NetworkPort(_Descriptor):
    """A printer's raw TCP port, usually 9100."""

    def __init__(self, host: str, port: int = 9100, connect_s: float = 2.0) -> None:
        self._address, self._connect_s = (host, port), connect_s
        super().__init__(f"{host}:{port}", self._open_socket)

    def close(self) -> None:
        if self._fd is not None:
            with suppress(OSError), socket.socket(fileno=os.dup(self._fd)) as connection:
                # Drop what is unsent instead of delivering it when the network is back.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().close()

    def _open_socket(self) -> int:
        with socket.create_connection(self._address, self._connect_s) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setblocking(False)
            return connection.detach()


class FilePort:
    """A file that jobs are appended to; for setting up a kiosk without a printer."""

    answers = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> None:
        try:
            if self._path.exists() and not stat.S_ISREG(self._path.stat().st_mode):
                raise PortLost(f"{self._path} is no regular file")
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PortLost(str(error)) from error

    def write(self, data: bytes, timeout_s: float) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(data)
        except OSError as error:
            raise PortLost(str(error)) from error

    def read(self, timeout_s: float) -> bytes:
        return b""

    def close(self) -> None:
        pass


def port_at(kind: str, address: str, baud: int = 38_400) -> Port:
    """Return the port that a configuration names, not yet opened. ValueError if it names none.

    `kind` is serial (a device, at `baud` bits per second), usb (a device file as /dev/usb/lp0), network (a host or
    host:port, 9100 if left out) or file (a path).
    """
    if kind == "serial":
        return SerialPort(address, baud)
    if kind == "usb":
        return UsbPort(address)
    if kind == "network":
        host, _, port = address.partition(":")
        return NetworkPort(host, int(port or 9100))
    if kind == "file":
        return FilePort(Path(address))
    raise ValueError(f"no printer port is called {kind!r}")
