"""What the device is set to before it may take notes, and how far it has confirmed it (sheet 4.2 and 7).

A setting is answered by its own echo. On a line that echoes, or after a start that nobody saw, the device may have
another one than it confirmed: it shows that by resting in the wrong status, and is told everything again.
"""

from hardware.acceptors.id003.currency import CODE_BASE, channel_of
from hardware.acceptors.id003.frames import Command, Frame

REFUSALS_MAX = 3  # of a setting that can be done without
DISAGREEMENTS_MAX = 7  # polls at rest in the wrong status

ACCEPT, INHIBIT = b"\x00", b"\x01"
NO_NOTES = b"\xff\xff"  # a 1 disables
# Polled, all directions, power recovery, tickets off. C0 goes before them and C3 after; both follow what is wanted.
FIXED = (
    (Command.SECURITY, b"\x00\x00"),
    (Command.MODE, b"\x00"),
    (Command.DIRECTION, b"\x00"),
    (Command.OPTIONS, b"\x02\x00"),
    (Command.BARCODE_INHIBIT, b"\x02"),
)


class Settings:
    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The device has initialised, or may be another one: all settings are sent again."""
        self._confirmed: dict[int, bytes] = {}
        self._refusals: dict[int, int] = {}
        self._disagreements = 0

    def next(self, channels: frozenset[int], idling: bool) -> Frame | None:
        """Return the setting to send now, None if all is as it should be for `channels`.

        `idling`: it takes notes at this moment. One that an earlier host left enabled is inhibited before all else.
        """
        if idling and not channels and Command.INHIBIT not in self._confirmed:
            return Frame(Command.INHIBIT, INHIBIT)
        for code, data in self._wanted(channels):
            given_up = self._refusals.get(code, 0) >= REFUSALS_MAX
            if self._confirmed.get(code) != data and not given_up:
                return Frame(code, data)
        return None

    def _wanted(self, channels: frozenset[int]) -> list[tuple[int, bytes]]:
        if channels:
            return [(Command.DENOMINATIONS, disabled_mask(channels)), *FIXED, (Command.INHIBIT, ACCEPT)]
        if Command.DENOMINATIONS in self._confirmed:  # what it is does not matter while nothing is taken
            return [*FIXED, (Command.INHIBIT, INHIBIT)]
        return [(Command.DENOMINATIONS, NO_NOTES), *FIXED, (Command.INHIBIT, INHIBIT)]

    def sent(self, frame: Frame) -> None:
        """It is on its way: what the device has now is not known until its echo."""
        self._confirmed.pop(frame.code, None)

    def confirm(self, frame: Frame) -> None:
        """The device echoed this setting."""
        self._confirmed[frame.code] = frame.data
        self._refusals.pop(frame.code, None)

    def refused(self, code: int) -> None:
        """The device does not take it now; C0 and C3 cannot be done without."""
        if code not in (Command.DENOMINATIONS, Command.INHIBIT):
            self._refusals[code] = self._refusals.get(code, 0) + 1

    def observe(self, idling: bool) -> None:
        """The device rests, ready for notes (`idling`) or disabled. That should be what it confirmed last."""
        confirmed = self._confirmed.get(Command.INHIBIT)
        if confirmed is None or (confirmed == ACCEPT) == idling:
            self._disagreements = 0
            return
        self._disagreements += 1
        if self._disagreements >= DISAGREEMENTS_MAX:
            self.restart()


def disabled_mask(channels: frozenset[int]) -> bytes:
    """Return the two bytes of C0 that leave only `channels` enabled."""
    enabled = sum(1 << channel - 1 for channel in channels if channel_of(channel + CODE_BASE))
    low, high = (0xFFFF & ~enabled).to_bytes(2, "little")
    return bytes([low, high])
