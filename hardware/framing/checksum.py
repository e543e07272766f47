"""Checksums of the serial protocols."""

from collections.abc import Iterable
from functools import reduce
from operator import xor


def xor_of(data: Iterable[int]) -> int:
    """Return all bytes combined by exclusive or; 0 for none."""
    return reduce(xor, data, 0)


def crc_kermit(data: Iterable[int]) -> int:
    """Return the CRC-16 with polynomial 8408, start 0, least significant bit first; 0 over data with its own CRC."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc
