"""A folder for a closed loop's journal, and an end for every journal that a loop left open."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.closed_loop import OPENED

MEMORY = Path("/dev/shm")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: what a real sync keeps is proved elsewhere, here it only costs time."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def journals_closed() -> Iterator[None]:
    """Close what hosts of this test left open: one that was killed had no time to."""
    yield
    while OPENED:
        OPENED.pop().close()
