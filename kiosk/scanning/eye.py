"""What to do with each frame: nothing if the scene is as it was, else one stage of the decoder's ladder."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from PIL import Image

from hardware.scanner.decode import stages
from hardware.scanner.frames import Frame, MotionGate
from hardware.scanner.reading import Reading
from kiosk.scanning.matching import fits
from kiosk.scanning.profile import Profile

_RETRY_MS = 1000  # focus and light settle without moving anything: while scanning, look again this often

# What Pillow raises for a damaged picture, depending on format and place of the damage.
_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


class Eye:
    """Decides from frames of one camera. Pure but for the decoding: times come in. `profiles` tell whole codes."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self._profiles = profiles
        self._gate = MotionGate()
        self._ladder: Iterator[list[Reading]] | None = None
        self._opened_ms = 0

    def look(self, frame: Frame | None, active: bool, now_ms: int) -> list[Reading] | None:
        """Return the codes found by one step, or None if nothing was looked at because nothing changed.

        `frame` None means that the camera has nothing new. A picture that defeats one stage gets the next at the
        next call, unless a changed scene comes first. A damaged picture is one without codes.
        """
        try:
            if frame is not None:
                self._consider(frame, active, now_ms)
            return self._step()
        except _UNREADABLE:
            self._ladder = None
            return []

    def _consider(self, frame: Frame, active: bool, now_ms: int) -> None:
        """Start on `frame` if the scene changed, or take one cheap stage of it if none was tried for long."""
        changed = self._gate.passes(frame.thumbnail())
        stale = active and self._ladder is None and now_ms - self._opened_ms >= _RETRY_MS
        if changed or stale:
            self._ladder = islice(
                stages(frame.image(), fits=partial(fits, profiles=self._profiles)), None if changed else 1
            )
            self._opened_ms = now_ms

    def _step(self) -> list[Reading] | None:
        if self._ladder is None:
            return None
        found = next(self._ladder, None)
        if found:
            self._gate.settle()
        if found or found is None:
            self._ladder = None
        return found
