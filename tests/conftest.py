"""What every test process needs before anything is imported, the order of the rooms, and an eye on open files.

Importing Kivy makes files in its home folder, and two workers doing so at once on a new machine fall over each
other: each process gets a home of its own.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_home = tempfile.mkdtemp(prefix="kivy-home-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["KIVY_HOME"] = _home

LONG_ONES = ("system", "simulation")
OPEN_MAX = 512  # pyserial waits with select, which knows descriptors below 1,024 only


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the rooms that take minutes a test: at the end, one worker would run them while the others wait."""
    rooms = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(rooms).parts[0] not in LONG_ONES)


@pytest.fixture(autouse=True, scope="module")
def files_closed() -> Iterator[None]:
    """No file of tests may leave so much open that tests after it in the same process fail at a port."""
    yield
    count = len(os.listdir("/proc/self/fd"))
    assert count < OPEN_MAX, f"{count} files are open"
