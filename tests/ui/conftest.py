"""A display of our own for the tests of the screens: one Xvfb for each worker."""

from collections.abc import Iterator

import pytest

from kiosk.ui.setup import prepare_kivy
from kiosk.ui.xvfb import virtual_display


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    with virtual_display(1200, 2000) as name:
        yield name


@pytest.fixture(scope="session")
def kivy(display: str) -> str:
    """Kivy as the kiosk prepares it, with a small window in this process."""
    prepare_kivy(320, 240)
    return display
