"""Checksums of the serial protocols."""

from collections.abc import Iterable
from functools import reduce
from operator import xor


def xor_of(data: Iterable[int]) -> int:
    """Return all bytes combined by exclusive or; 0 for none."""
    return reduce(xor, data, 0)
