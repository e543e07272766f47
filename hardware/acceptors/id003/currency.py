"""What the device's note codes are worth: its currency assignment, held against the configuration (sheet 4.3 and 5).

A channel is the note code less 60: code 61, the lowest bit of the first byte of C0, is channel 1.
"""

from collections.abc import Mapping
from typing import NamedTuple

Table = Mapping[int, tuple[str, int]]  # channel to (ISO currency, cents)

# Typical of United States sets; 62 and 68 are gaps.
USA: Table = {
    1: ("USD", 100),
    3: ("USD", 500),
    4: ("USD", 1000),
    5: ("USD", 2000),
    6: ("USD", 5000),
    7: ("USD", 10000),
}

CODE_BASE = 0x60
CHANNELS = 16  # as many bits as the two bytes of C0
ROW_BYTES = 4
EXPONENT_MAX = 6

# One currency has several country numbers; all known ones have hundredths.
COUNTRIES = {
    "USD": frozenset({0x01, 0x1B, 0x2E}),
    "CAD": frozenset({0x08, 0x48}),
    "GBP": frozenset({0x17, 0x26, 0x3E, 0x44}),
    "EUR": frozenset({0xE0}),
    "MXN": frozenset({0x09}),
}
_CURRENCIES = {number: currency for currency, numbers in COUNTRIES.items() for number in numbers}


class Row(NamedTuple):
    """One assigned row; `currency` is "" for a country number that is not known."""

    country: int
    currency: str
    value_minor: int


def channel_of(code: int) -> int:
    """Return the channel of a note code, 0 if it is none (a ticket has 6F)."""
    channel = code - CODE_BASE
    return channel if 1 <= channel <= CHANNELS and channel != 15 else 0


def read_rows(data: bytes) -> dict[int, Row] | None:
    """Return the assigned rows of an 8A answer by channel; None if it is no table at all."""
    if not data or len(data) % ROW_BYTES:
        return None
    rows: dict[int, Row] = {}
    for at in range(0, len(data), ROW_BYTES):
        code, country, base, exponent = data[at : at + ROW_BYTES]
        channel = channel_of(code)
        if channel and base and exponent <= EXPONENT_MAX:
            rows[channel] = Row(country, _CURRENCIES.get(country, ""), base * 10**exponent * 100)
    return rows


def own_table(rows: Mapping[int, Row]) -> dict[int, tuple[str, int]]:
    """Return the rows whose currency is known."""
    return {channel: (row.currency, row.value_minor) for channel, row in rows.items() if row.currency}


def contradiction(rows: Mapping[int, Row] | None, table: Table) -> str:
    """Return how the device's own table contradicts the configured one, "" if it does not.

    A configured code that the device leaves unassigned is no contradiction: such a note never comes.
    """
    if rows is None:
        return "the device does not say what its notes are worth"
    shared = sorted(table.keys() & rows.keys())
    for channel in shared:
        row = rows[channel]
        if not row.currency:
            return f"code {channel + CODE_BASE:02X}: country number {row.country:02X} is not known"
        if (row.currency, row.value_minor) != table[channel]:
            configured, own = _show(*table[channel]), _show(row.currency, row.value_minor)
            return f"code {channel + CODE_BASE:02X}: configured {configured}, the device says {own}"
    return "" if shared else "the device knows none of the configured notes"


def _show(currency: str, value_minor: int) -> str:
    return f"{currency} {value_minor // 100}.{value_minor % 100:02d}"
