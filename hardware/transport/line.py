"""What a driver needs of a line, and how a line says that it is gone."""

from typing import Protocol


class LineLost(Exception):
    """The port is not there, or died: close it and open it again later."""


class LineBusy(LineLost):
    """Another process holds the port."""


class Line(Protocol):
    """A serial connection that may come and go. Only `fileno` may be called while it is closed: it raises too."""

    @property
    def name(self) -> str:
        """What to call it in messages."""

    def open(self) -> None:
        """Open it, finding it anew. LineLost if that fails; LineBusy if another process holds it."""

    def close(self) -> None:
        """Close it; harmless if it is closed."""

    def fileno(self) -> int:
        """Return the descriptor to wait on."""

    def read(self) -> bytes:
        """Return what has arrived without waiting. LineLost if the line died."""

    def write(self, data: bytes) -> None:
        """Send all of `data`. LineLost if the line died."""
