"""What the device is told to take: inhibits and ENABLE, said again where it does not hold (sheet section 10)."""

from hardware.acceptors.ssp.words import Command, channels_mask

RETRY_MS = 1_000


class Enabling:
    """`wanted` are the channels to take. Acceptance needs both the mask and ENABLE."""

    def __init__(self) -> None:
        self.wanted: frozenset[int] = frozenset()
        self.refusals = 0  # of ENABLE, in a row
        self.forget()

    def forget(self) -> None:
        """The device is (re)started or new: nothing is enabled until somebody asks again."""
        self.wanted = frozenset()
        self._mask: frozenset[int] | None = None  # as the device confirmed it
        self._enabled: bool | None = None
        self._asked: frozenset[int] = frozenset()
        self._refused: tuple[int, int] = (0, 0)  # the command, and until when it is not said again
        self._settled_ms = 0  # from then on DISABLED means that it disabled itself
        self.refusals = 0

    def ask(self, channels: frozenset[int], now_ms: int) -> bytes:
        """Return the next command, b"" if the device is as it should be."""
        command = self._command(channels)
        word, until_ms = self._refused
        return b"" if command and command[0] == word and now_ms < until_ms else command

    def _command(self, channels: frozenset[int]) -> bytes:
        if not channels:
            return bytes([Command.DISABLE]) if self._enabled is not False else b""
        if self._mask != channels:
            self._asked = channels
            return bytes([Command.SET_INHIBITS]) + channels_mask(channels)
        return bytes([Command.ENABLE]) if not self._enabled else b""

    def answered(self, asked: bytes, well: bool, now_ms: int) -> None:
        """Take the reply to a command of `ask`."""
        if not well:
            self._refused = (asked[0], now_ms + RETRY_MS)
            self.refusals += 1
        elif asked[0] == Command.SET_INHIBITS:
            self._mask = self._asked
        else:
            self._enabled = asked[0] == Command.ENABLE
            self._settled_ms = now_ms + RETRY_MS
            self.refusals = 0

    def heard(self, disabled: bool, now_ms: int) -> None:
        """A device that disabled itself is enabled again, mask first, if it is still wanted."""
        if disabled and self._enabled and now_ms >= self._settled_ms:
            self._enabled, self._mask = None, None
