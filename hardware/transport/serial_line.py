"""A serial port over pyserial, held by this process alone.

The path is resolved at every `open`: an adapter that comes back is often another device node behind the same link.
"""

import errno
import fcntl
import logging
import os
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import serial

from hardware.transport.line import LineBusy, LineLost

log = logging.getLogger(__name__)

WRITE_S_MAX = 1.0  # a frame takes some 12 ms; a port that takes nothing for a second is dead
READ_BYTES = 4096

_BUSY = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EBUSY)

Parity = Literal["N", "E", "O"]


class SerialLine:
    """`path` at `baud`; 9600 7E1 unless said otherwise.

    A pseudo-terminal has no UART and on some kernels refuses 7E1: it is then opened 8N1, which makes no difference
    there (EBDS sheet section 2). A real port that does not keep 7E1, as the Pi's mini-UART, is warned of.
    """

    def __init__(
        self,
        path: str | Path,
        baud: int = 9600,
        data_bits: int = serial.SEVENBITS,
        parity: Parity = "E",
        stop_bits: int = serial.STOPBITS_ONE,
        connect: Callable[..., serial.Serial] = serial.Serial,
    ) -> None:
        self.name = str(path)
        self._path = Path(path)
        self._baud = baud
        self._data_bits, self._parity, self._stop_bits = data_bits, parity, stop_bits
        self._connect = connect
        self._port: serial.Serial | None = None
        self.warning = ""  # what the port that was opened last did not keep

    def open(self) -> None:
        self.close()
        try:
            device = self._path.resolve(strict=True)
        except OSError as error:
            raise LineLost(f"{self.name} is not there") from error
        self.warning = ""
        is_pty = str(device).startswith("/dev/pts/")
        self._port = self._open(device, is_pty)
        try:
            self._port.reset_input_buffer()
            if not is_pty:
                self._check_kept(self._port)
                hold_alone(self._port.fileno())
        except (serial.SerialException, termios.error, OSError) as error:
            self.close()
            raise LineLost(f"{self.name}: {error}") from error

    def _open(self, device: Path, is_pty: bool) -> serial.Serial:
        wanted = (self._data_bits, self._parity, self._stop_bits)
        plain = (serial.EIGHTBITS, serial.PARITY_NONE, serial.STOPBITS_ONE)
        try:
            return self._configured(device, *wanted)
        except (serial.SerialException, termios.error, OSError, ValueError) as error:
            if not is_pty or _reason(error) in (*_BUSY, errno.EACCES):
                raise self._failure(device, error) from error
        try:
            return self._configured(device, *plain)
        except (serial.SerialException, termios.error, OSError, ValueError) as error:
            raise self._failure(device, error) from error

    def _configured(self, device: Path, data_bits: int, parity: str, stop_bits: int) -> serial.Serial:
        return self._connect(
            str(device),
            self._baud,
            data_bits,
            parity,
            stop_bits,
            timeout=0,
            write_timeout=WRITE_S_MAX,
            exclusive=True,
        )

    def _failure(self, device: Path, error: Exception) -> LineLost:
        held = held_elsewhere(self.name, error, device)
        return LineBusy(held) if held else LineLost(f"{self.name}: {error}")

    def _check_kept(self, port: serial.Serial) -> None:
        flags = termios.tcgetattr(port.fileno())[2]
        sizes = {5: termios.CS5, 6: termios.CS6, 7: termios.CS7, 8: termios.CS8}
        size_kept = flags & termios.CSIZE == sizes[self._data_bits]
        parity_kept = bool(flags & termios.PARENB) == (self._parity != serial.PARITY_NONE)
        if not (size_kept and parity_kept):
            self.warning = f"{self.name} does not keep {self._data_bits}{self._parity}: not a full UART?"
            log.warning("%s", self.warning)

    def close(self) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            port.close()

    def fileno(self) -> int:
        return self._open_port().fileno()

    def read(self) -> bytes:
        try:
            # pyserial raises when a port is readable and yet empty: unplugged, or a second reader is on it.
            return bytes(self._open_port().read(READ_BYTES))
        except (serial.SerialException, OSError, TypeError) as error:
            raise LineLost(f"{self.name}: {error}") from error

    def write(self, data: bytes) -> None:
        try:
            self._open_port().write(data)
        except (serial.SerialException, OSError) as error:
            raise LineLost(f"{self.name}: {error}") from error

    def _open_port(self) -> serial.Serial:
        if self._port is None:
            raise LineLost(f"{self.name} is closed")
        return self._port


def _reason(error: Exception) -> int | None:
    """Return the errno behind an error of pyserial, which keeps it in different places."""
    number = getattr(error, "errno", None)
    if isinstance(number, int):
        return number
    cause = error.__cause__ or error.__context__
    if isinstance(cause, Exception):
        return _reason(cause)
    return error.args[0] if error.args and isinstance(error.args[0], int) else None


def hold_alone(descriptor: int) -> None:
    """Let the kernel refuse the port to those who do not ask for the lock: a terminal program steals every answer.

    Not for a pseudo-terminal: its other end keeps this up when we are killed. The administrator is not refused.
    """
    fcntl.ioctl(descriptor, termios.TIOCEXCL)


def held_elsewhere(name: str, error: Exception, device: Path | None = None) -> str:
    """Return who holds the port `name` when that is why it could not be opened, else "".

    `device` is the node behind the name, if it was looked up already.
    """
    if _reason(error) not in _BUSY:
        return ""
    holder = holders(device or Path(name).resolve())
    return f"{name} is held by another process{f' ({holder})' if holder else ''}"


def holders(device: Path) -> str:
    """Return the other processes that have `device` open or locked, as "name 123, name 456", as far as we may see."""
    numbers = {int(process.name) for process in Path("/proc").glob("[0-9]*") if _has_open(process, device)}
    numbers = (numbers | _lockers(device)) - {os.getpid()}
    return ", ".join(sorted(f"{_command_of(Path(f'/proc/{number}'))} {number}".strip() for number in numbers))


def _lockers(device: Path) -> set[int]:
    """Who has a lock on `device`: the kernel tells this of processes of other users too."""
    try:
        file = device.stat()
        locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return set()
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    # "1: FLOCK  ADVISORY  WRITE 4417 00:17:6 0 EOF"; a waiter has "->" after the number, another namespace is 0 or -1
    held = [line.split() for line in locks if "->" not in line and place in line.split()]
    return {int(words[4]) for words in held if words[4].isdigit() and words[4] != "0"}


def _has_open(process: Path, device: Path) -> bool:
    try:
        return any(os.readlink(entry) == str(device) for entry in (process / "fd").iterdir())
    except OSError:  # it ended, or it is not ours to look at
        return False


def _command_of(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
