"""A display of our own for the tests of the screens: one Xvfb for each worker."""

import os
from collections.abc import Iterator

import pytest

from kiosk.ui.setup import prepare_kivy
from kiosk.ui.xvfb import virtual_display


@pytest.fixture(scope="session")
def kivy() -> Iterator[str]:
    """Kivy as the kiosk prepares it, with a small window in this process; returns the name of its display.

    The environment is put back at once: programs that other tests start must not inherit this one's settings.
    """
    before = dict(os.environ)
    with virtual_display(1200, 2000) as name:
        prepare_kivy(320, 240)
        import kivy.core.window  # noqa: F401  # opens the window while the settings hold

        os.environ.clear()
        os.environ.update(before)
        yield name


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """A display for programs started by a test."""
    before = dict(os.environ)
    with virtual_display(1200, 2000) as name:
        os.environ.clear()
        os.environ.update(before)
        yield name
