"""Lines for twins: a pseudo-terminal with a name, and a bad line in virtual time."""

import hashlib
import os
import random
import socket
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

READ_BYTES = 4096


@contextmanager
def sole_server(link: str | Path) -> Iterator[None]:
    """Keep other twins off `link`. OSError if one is there already, or if the name is a real device's and not ours."""
    path = Path(link).absolute()
    real = not os.readlink(path).startswith("/dev/") if path.is_symlink() else path.exists()
    if real:
        raise OSError(f"{link} is not the link of a simulated device: remove it, or choose another name")
    with socket.socket(socket.AF_UNIX) as claim:
        # An address without a file: the kernel frees it however this process ends.
        try:
            claim.bind(f"\0lobby twin {hashlib.sha256(bytes(path)).hexdigest()}")
        except OSError as error:
            raise OSError(f"{link} is served by another simulated device") from error
        yield


class PtyLine:
    """A pseudo-terminal whose far end is found under the symbolic link `link`.

    Unplugging removes the link and hangs up: whoever has the port open sees it die as a pulled adapter does. What a
    host sends at another speed than `baud` is not understood; 0 understands all.
    """

    def __init__(self, link: str | Path, baud: int = 0) -> None:
        self.link = Path(link)
        self._speed = getattr(termios, f"B{baud}") if baud else None
        self._ends: tuple[int, int] | None = None

    @property
    def plugged(self) -> bool:
        return self._ends is not None

    def plug_in(self) -> None:
        """Make the terminal and the link; nothing if both are there."""
        if self._ends is not None:
            return
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        # Our own hold on the far end keeps the line up while no host has it open.
        self._ends = (ours, theirs)
        fresh = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(theirs))
        fresh.replace(self.link)

    def unplug(self) -> None:
        if self._ends is None:
            return
        ends, self._ends = self._ends, None
        self.link.unlink(missing_ok=True)
        for end in ends:
            os.close(end)

    def fileno(self) -> int:
        """Return our end; OSError if unplugged."""
        if self._ends is None:
            raise OSError("the cable is out")
        return self._ends[0]

    def read(self) -> bytes:
        """Return what the host has sent, b"" if nothing."""
        if self._ends is None:
            return b""
        try:
            data = os.read(self._ends[0], READ_BYTES)
        except BlockingIOError:
            return b""
        speed = termios.tcgetattr(self._ends[1])[5]
        return data if self._speed in (None, speed) else b""

    def write(self, data: bytes) -> None:
        """Send; what a host that never reads leaves no room for is lost, as on a real line."""
        if self._ends is not None:
            with suppress(BlockingIOError):
                os.write(self._ends[0], data)


@dataclass(frozen=True)
class Weather:
    """How bad a line is. Probabilities are per write (`loss`) and per byte (`flip`); times in milliseconds."""

    loss: float = 0.0
    flip: float = 0.0
    delay_ms: int = 0
    jitter_ms: int = 0
    byte_by_byte: bool = False


class BadLine:
    """One direction of a line in virtual time. Bytes stay in order; `chance` decides what happens to them."""

    def __init__(self, weather: Weather, chance: random.Random) -> None:
        self._weather = weather
        self._chance = chance
        self._travelling: list[tuple[int, bytes]] = []
        self._last_ms = 0

    def send(self, data: bytes, now_ms: int) -> None:
        weather, chance = self._weather, self._chance
        if not data or chance.random() < weather.loss:
            return
        data = bytes(byte ^ 1 << chance.randrange(7) if chance.random() < weather.flip else byte for byte in data)
        arrival_ms = max(self._last_ms, now_ms + weather.delay_ms + chance.randint(0, weather.jitter_ms))
        pieces = [data[at : at + 1] for at in range(len(data))] if weather.byte_by_byte else [data]
        for piece in pieces:
            # At 9600 baud a byte takes a little more than a millisecond.
            arrival_ms += 1
            self._travelling.append((arrival_ms, piece))
        self._last_ms = arrival_ms

    def arrived(self, now_ms: int) -> list[bytes]:
        """Return what has come by now, one item a read."""
        here = [data for at_ms, data in self._travelling if at_ms <= now_ms]
        self._travelling = self._travelling[len(here) :]
        return here

    def due_ms(self) -> int | None:
        """Return when the next byte arrives, None if nothing is on its way."""
        return self._travelling[0][0] if self._travelling else None

    def cut(self) -> None:
        """Lose what is on its way."""
        self._travelling.clear()
