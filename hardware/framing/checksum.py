"""Checksums of the serial protocols."""

from collections.abc import Iterable
from functools import reduce
from operator import xor


def xor_of(data: Iterable[int]) -> int:
    """Return all bytes combined by exclusive or; 0 for none."""
    return reduce(xor, data, 0)


def _kermit_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x8408 if byte & 1 else 0)
    return byte


_KERMIT = tuple(_kermit_of(byte) for byte in range(256))


def crc_kermit(data: Iterable[int]) -> int:
    """Return the CRC-16 with polynomial 8408, start 0, least significant bit first; 0 over data with its own CRC."""
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _KERMIT[(crc ^ byte) & 0xFF]
    return crc
