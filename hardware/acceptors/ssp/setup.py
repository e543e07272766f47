"""What a note device says it is, and how that may contradict the configuration (sheet sections 8 and 14)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Table = Mapping[int, tuple[str, int]]

# The United States data sets (section 8.1): channel to (ISO currency, cents).
USA: Table = {
    1: ("USD", 100),
    2: ("USD", 200),
    3: ("USD", 500),
    4: ("USD", 1000),
    5: ("USD", 2000),
    6: ("USD", 5000),
    7: ("USD", 10000),
}

HOPPER = 0x03
PAYOUT_UNITS = (0x06, 0x07)
UNITS = {0x00: "note validator", 0x03: "SMART Hopper", 0x06: "SMART Payout", 0x07: "Note Float"}
FIXED = 12  # bytes before the channel values


@dataclass(frozen=True)
class Setup:
    """The reply to SETUP REQUEST. `table` leaves out channels without a value."""

    unit: int
    firmware: str
    currency: str
    channels: int
    version: int
    table: dict[int, tuple[str, int]] = field(default_factory=dict)

    @property
    def pays_out(self) -> bool:
        return self.unit in PAYOUT_UNITS

    @property
    def model(self) -> str:
        return UNITS.get(self.unit, f"unit {self.unit:02X}")


def read_setup(data: bytes) -> Setup | None:
    """Return what the bytes after the F0 say; None if they are no note device's, or cut short."""
    if len(data) < FIXED or data[0] == HOPPER:
        return None
    count = data[11]
    tail = FIXED + 2 * count
    if len(data) < tail + 4:
        return None
    multiplier, real = int.from_bytes(data[8:11], "big"), int.from_bytes(data[tail : tail + 3], "big")
    currency, version = _text(data[5:8]), data[tail + 3]
    values = [value * multiplier for value in data[FIXED : FIXED + count]]
    currencies = [currency] * count
    rows = data[tail + 4 :]
    if version >= 6 and len(rows) >= 7 * count:
        currencies = [_text(rows[at : at + 3]) for at in range(0, 3 * count, 3)]
        values = [int.from_bytes(rows[at : at + 4], "little") for at in range(3 * count, 7 * count, 4)]
    table = {
        channel: (iso, value * real)
        for channel, (iso, value) in enumerate(zip(currencies, values, strict=True), 1)
        if value * real
    }
    return Setup(data[0], _version_text(_text(data[1:5])), currency, count, version, table)


def _text(data: bytes) -> str:
    return data.decode("ascii", "replace").strip("\0 ")


def _version_text(digits: str) -> str:
    """ "0459" is 4.59."""
    return f"{int(digits) // 100}.{int(digits) % 100:02d}" if digits.isdigit() else digits


def contradiction(own: Table, table: Table) -> str:
    """Return how the device's own table contradicts the configured one, "" if it does not."""
    for channel, value in sorted(table.items()):
        if own.get(channel) != value:
            return f"channel {channel}: configured {_show(value)}, the device says {_show(own.get(channel))}"
    return ""


def _show(value: tuple[str, int] | None) -> str:
    return f"{value[0]} {value[1] // 100}.{value[1] % 100:02d}" if value else "nothing"
