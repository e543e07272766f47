"""What the device is asked at start: who it is and what its bill types are worth (sheet sections 6, 8 and 12).

IDENTIFICATION and GET BILL TABLE are legal only at rest, disabled or in a fault; elsewhere the answer is ILLEGAL
COMMAND. Without a table nothing is known of the bill types, whose order is the device's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hardware.acceptors.ccnet.frames import ILLEGAL, TYPES, Code
from hardware.acceptors.contract import Identity

TRIES_MAX = 3
MISSES_MAX = 10  # a bad line may swallow some answers; without its table a device takes no money
ANSWER_MS = 1_500  # slow units take that long for these two (section 5)
IDENTIFICATION_BYTES_MIN, RECORD_BYTES = 15, 5
PART_BYTES, SERIAL_BYTES = 15, 12
DIVIDE = 0x80
EXPONENT_MAX = 6
CURRENCIES = {"USA": "USD"}  # letters are a country's or a currency's; others are taken as they are

Table = Mapping[int, tuple[str, int]]

# Bill types of most United States units (section 8), as channels: record 0 of the device's table is channel 1.
USA: Table = {
    1: ("USD", 100),
    2: ("USD", 200),
    3: ("USD", 500),
    4: ("USD", 1000),
    5: ("USD", 2000),
    6: ("USD", 5000),
    7: ("USD", 10000),
}


@dataclass(frozen=True)
class Plate:
    """The reply to IDENTIFICATION."""

    part: str = ""
    serial: str = ""
    asset: str = ""


def read_plate(data: bytes) -> Plate | None:
    """Return part number, serial number and asset number; clones split them otherwise, so nothing is refused."""
    if len(data) < IDENTIFICATION_BYTES_MIN:
        return None
    ends = PART_BYTES, PART_BYTES + SERIAL_BYTES
    return Plate(_text(data[: ends[0]]), _text(data[ends[0] : ends[1]]), data[ends[1] :].hex().upper())


def _text(data: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else " " for byte in data).strip()


def read_table(data: bytes) -> dict[int, tuple[str, int]] | None:
    """Return channel to (currency, cents) of the 24 records; None if it is no table."""
    if len(data) != TYPES * RECORD_BYTES:
        return None
    records = [data[at : at + RECORD_BYTES] for at in range(0, len(data), RECORD_BYTES)]
    read = {channel: read_record(record) for channel, record in enumerate(records, 1)}
    return {channel: value for channel, value in read.items() if value}


def read_record(record: bytes) -> tuple[str, int] | None:
    """Return (currency, cents) of digits, three letters and exponent; None if unused or no whole number of cents."""
    digits, letters, exponent = record[0], record[1:4], record[4] & ~DIVIDE
    if not digits or exponent > EXPONENT_MAX:
        return None
    scale = 10**exponent
    cents, rest = divmod(digits * 100, scale) if record[4] & DIVIDE else (digits * 100 * scale, 0)
    text = _text(letters)
    return None if rest or not cents else (CURRENCIES.get(text, text), cents)


def firmware_of(part: str) -> str:
    """Return the digits at the end of the part number, "" if it does not end with some."""
    return part[len(part.rstrip("0123456789")) :]


class Interrogation:
    """The two questions in their order, each until it is answered, refused three times or given up."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._left = [Code.IDENTIFICATION, Code.GET_BILL_TABLE]
        self._tries = self._misses = 0
        self._plate = Plate()
        self._table: dict[int, tuple[str, int]] = {}

    @property
    def question(self) -> Code | None:
        """What to ask next, None if all is asked."""
        return self._left[0] if self._left else None

    def fits(self, code: int, data: bytes) -> bool:
        """Return whether `data` can be the answer to the question `code`."""
        if data == ILLEGAL:
            return True
        return (read_plate(data) if code == Code.IDENTIFICATION else read_table(data)) is not None

    def take(self, data: bytes) -> None:
        """Take the answer to the present question; ILLEGAL COMMAND is one try less."""
        if data == ILLEGAL:
            self._tries += 1
            if self._tries >= TRIES_MAX:
                self._next()
        elif self.question == Code.IDENTIFICATION:
            self._plate = read_plate(data) or Plate()
            self._next()
        elif self.question == Code.GET_BILL_TABLE:
            self._table = read_table(data) or {}
            self._next()

    def missed(self) -> None:
        """It brought no answer that could be understood."""
        self._misses += 1
        if self._misses >= (MISSES_MAX if self.question == Code.GET_BILL_TABLE else TRIES_MAX):
            self._next()

    def _next(self) -> None:
        del self._left[0]
        self._tries = self._misses = 0

    def identity(self) -> Identity:
        plate = self._plate
        return Identity("ccnet", plate.part, plate.serial, firmware_of(plate.part), table=dict(self._table))


def contradiction(identity: Identity, table: Table) -> str:
    """Return how the device's own table contradicts the configured one, or that it has none; "" if they agree."""
    if not identity.table:
        return "the device does not tell its bill table"
    for channel, value in sorted(table.items()):
        own = identity.table.get(channel)
        if own != value:
            return f"bill type {channel - 1}: configured {_show(value)}, the device says {_show(own)}"
    return ""


def _show(value: tuple[str, int] | None) -> str:
    return f"{value[0]} {value[1] // 100}.{value[1] % 100:02d}" if value else "nothing"
