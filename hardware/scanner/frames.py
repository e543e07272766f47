"""Frames and the port behind which every camera stands."""

from collections.abc import Callable
from typing import Protocol

from PIL import Image, ImageChops

# A look at the scene: enough to see that paper came or went, too little to read anything.
THUMBNAIL = (48, 36)


class CameraLost(Exception):
    """The camera is not there, or stopped giving frames; the text says why."""


class Frame:
    """One picture. `load` makes the grey picture, at least of the size asked for; it is called when needed."""

    def __init__(self, load: Callable[[tuple[int, int] | None], Image.Image]) -> None:
        self._load = load

    def image(self) -> Image.Image:
        """Return the whole picture, mode L. OSError if it is damaged."""
        return self._load(None)

    def thumbnail(self) -> Image.Image:
        """Return the picture in THUMBNAIL size, mode L. OSError if it is damaged."""
        return self._load(THUMBNAIL).resize(THUMBNAIL, Image.Resampling.BOX)


class Camera(Protocol):
    """A source of frames. Both methods raise CameraLost when the device is gone."""

    def frame(self) -> Frame | None:
        """Return the newest frame, or None if none came since the last call."""

    def close(self) -> None:
        """Give the device back."""


class MotionGate:
    """Says whether a frame is worth decoding: the scene differs from the last frame let through.

    After a change it stays open for `patience` more frames, for what moved into view is blurred at first.
    """

    # Noise stays below STEP grey levels; AREA of the pixels is a bill's corner at arm's length.
    STEP = 16
    AREA = 0.01

    def __init__(self, patience: int = 4) -> None:
        self.patience = patience
        self._reference: Image.Image | None = None
        self._open_for = 0

    def passes(self, thumbnail: Image.Image) -> bool:
        """Whether the frame with this thumbnail should be decoded."""
        if self._reference is None or self._differs(thumbnail):
            self._reference = thumbnail
            self._open_for = self.patience
            return True
        self._open_for = max(0, self._open_for - 1)
        return self._open_for > 0

    def settle(self) -> None:
        """What is in view has been read: wait for the next change."""
        self._open_for = 0

    def _differs(self, thumbnail: Image.Image) -> bool:
        assert self._reference is not None
        counts = ImageChops.difference(self._reference, thumbnail).histogram()
        return sum(counts[self.STEP :]) > self.AREA * thumbnail.width * thumbnail.height
