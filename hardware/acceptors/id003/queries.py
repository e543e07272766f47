"""What the device is asked once: who it is, and what its notes are worth (sheet 4.3). It answers in power-up too."""

from hardware.acceptors.contract import Identity
from hardware.acceptors.id003.currency import Row, Table, contradiction, own_table, read_rows
from hardware.acceptors.id003.frames import Command, Frame

# How often each is asked. Without its currency assignment the device may not be enabled, so that one is insisted on.
TRIES_MAX = {Command.VERSION: 3, Command.CURRENCY: 8, Command.SERIAL: 3}


class Interrogation:
    """The queries in their order, each until it is answered or given up."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._left = list(TRIES_MAX)
        self._tries = 0
        self._texts: dict[int, str] = {}
        self.rows: dict[int, Row] | None = None

    @property
    def done(self) -> bool:
        return not self._left

    def ask(self) -> Frame:
        return Frame(self._left[0])

    def take(self, frame: Frame) -> None:
        """Take the answer to the question asked; any other frame is none."""
        if self._left and frame.code == self._left[0] and self._read(frame):
            self._next()

    def missed(self) -> None:
        """The question brought no answer: one try less."""
        self._tries += 1
        if self._left and self._tries >= TRIES_MAX[self._left[0]]:
            self._next()

    def _read(self, frame: Frame) -> bool:
        if frame.code == Command.CURRENCY:
            self.rows = read_rows(frame.data)
            return self.rows is not None
        self._texts[frame.code] = read_text(frame.data)
        return bool(self._texts[frame.code])

    def _next(self) -> None:
        del self._left[0]
        self._tries = 0

    def identity(self) -> Identity:
        model, variant, firmware = read_version(self._texts.get(Command.VERSION, ""))
        serial = self._texts.get(Command.SERIAL, "")
        return Identity("id003", model, serial, firmware, variant, own_table(self.rows or {}))

    def contradiction(self, table: Table) -> str:
        return contradiction(self.rows, table)

    def offered(self, channels: frozenset[int]) -> frozenset[int]:
        """Return those of `channels` that the device has a note for."""
        return channels & (self.rows or {}).keys()


def read_text(data: bytes) -> str:
    """Return printable ASCII, with anything else as a question mark."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in data.rstrip(b"\0")).strip()


def read_version(text: str) -> tuple[str, str, str]:
    """Return model, country and firmware of `i(EUR5)100-SS ID003-05V300-45 28JUN23 7F23`."""
    hardware, _, firmware = text.partition(" ")
    letter, opened, rest = hardware.partition("(")
    country, closed, kind = rest.partition(")")
    if not (opened and closed):
        return hardware, "", firmware
    return f"{letter}{kind}", country, firmware
