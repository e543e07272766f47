"""PAX on the line: control bytes, frames, and what a response holds once card data is gone (sheet sections 3 and 4)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from hardware.cards.masking import without_card_numbers
from hardware.framing.checksum import xor_of

STX, ETX, EOT, ENQ, ACK, NAK = 0x02, 0x03, 0x04, 0x05, 0x06, 0x15
FS, US = "\x1c", "\x1f"
CONTROLS = frozenset({EOT, ENQ, ACK, NAK})

FRAME_BYTES_MAX = 16_384  # the longest captured answer has 537
PACKETS_MAX = 16

Group = tuple[str, ...]

# By response: which group is the account, and which are extended data (sheet sections 6 and 8).
_ACCOUNT_GROUP = {"T01": 8, "T03": 8, "T05": 8, "T07": 8, "R03": 12}
# Of an account: last four digits, entry mode, card type, card present. The rest is for nobody here.
_ACCOUNT_KEPT = frozenset({0, 1, 6, 10})
_LAST4 = re.compile("[0-9]{4}")
_KEYS_DROPPED = frozenset({"CARDBIN", "TOKEN", "EXPDATE", "TRACK1", "TRACK2", "PAN", "ACCOUNT", "CVV"})


class Malformed(Exception):
    """These bytes are no frame, or no response."""


def lrc(body: bytes) -> int:
    """Return the checksum of what stands between STX and ETX."""
    return xor_of(body) ^ ETX


def seal(body: str) -> bytes:
    """Return the frame around `body`, which is ASCII without STX and ETX."""
    raw = body.encode("ascii")
    return bytes([STX, *raw, ETX, lrc(raw)])


@dataclass(frozen=True)
class Control:
    """A byte that stands alone."""

    byte: int


@dataclass(frozen=True)
class Body:
    """What stood between STX and ETX; `good` if the checksum agreed. It may still hold card data: parse it."""

    raw: bytes = field(repr=False)
    good: bool


class Receiver:
    """Cuts what a line delivers into control bytes and frames.

    The byte after ETX is the checksum, whatever its value; elsewhere STX begins a frame anew, because no body has one.
    """

    def __init__(self) -> None:
        self._body: bytearray | None = None
        self._ended = False

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._body is not None

    def clear(self) -> None:
        self._body, self._ended = None, False

    def feed(self, data: bytes) -> list[Control | Body]:
        found: list[Control | Body] = []
        for byte in data:
            item = self._take(byte)
            if item is not None:
                found.append(item)
        return found

    def _take(self, byte: int) -> Control | Body | None:
        if self._body is None or (byte == STX and not self._ended):
            if byte == STX:
                self._body, self._ended = bytearray(), False
            return Control(byte) if byte in CONTROLS else None
        if self._ended:
            body = bytes(self._body)
            self.clear()
            return Body(body, lrc(body) == byte)
        if byte == ETX:
            self._ended = True
        elif len(self._body) >= FRAME_BYTES_MAX:
            self.clear()
            return Body(b"", good=False)
        else:
            self._body.append(byte)
        return None


@dataclass(frozen=True)
class Response:
    """An answer of the terminal without card data. `groups` are those after the message; missing ones read as empty."""

    command: str
    version: str = ""
    code: str = ""
    message: str = ""
    groups: tuple[Group, ...] = field(default=(), repr=False)
    more: bool = False  # another packet follows

    def group(self, index: int) -> Group:
        """Return a group by its index in the sheet, where the command is 1 and the message 4."""
        at = index - 5
        return self.groups[at] if 0 <= at < len(self.groups) else ()

    def text(self, index: int, position: int = 0) -> str:
        group = self.group(index)
        return group[position] if position < len(group) else ""


def split(raw: bytes) -> list[str]:
    """Return the groups of a body. Malformed if it holds a control byte."""
    if any(byte < 0x20 and byte not in (0x1C, 0x1F) for byte in raw):
        raise Malformed("a byte that no field may hold")
    return raw.decode("latin-1").split(FS)


def parse(bodies: Sequence[bytes]) -> Response:
    """Return the response in these bodies: more than one if it came in packets. Malformed if it is none."""
    first = split(bodies[0])
    status, command = first[0], first[1] if len(first) > 1 else ""
    if status not in ("0", "1") or not is_command(command):
        raise Malformed("no response of a terminal")
    for body in bodies[1:]:
        # What follows the status belongs to where the packet before broke off.
        status, _, rest = FS.join(split(body)).partition(FS)
        if status not in ("0", "1"):
            raise Malformed("no further packet")
        first = FS.join([*first[:-1], first[-1] + rest]).split(FS)
    head = [without_card_numbers(text) for text in first[1:5]] + [""] * 4
    groups = tuple(tuple(without_card_numbers(text) for text in group.split(US)) for group in first[5:])
    return Response(head[0], head[1], head[2], head[3], _without_card(command, groups), status == "1")


def is_command(text: str) -> bool:
    return re.fullmatch("[A-Z][0-9]{2}", text) is not None


def _without_card(command: str, groups: tuple[Group, ...]) -> tuple[Group, ...]:
    account = _ACCOUNT_GROUP.get(command, 0) - 5
    return tuple(_account(group) if at == account else _extended(group) for at, group in enumerate(groups))


def _account(group: Group) -> Group:
    kept = [text if at in _ACCOUNT_KEPT else "" for at, text in enumerate(group)]
    if not _LAST4.fullmatch(kept[0]):
        kept[0] = ""
    return tuple(kept)


def _extended(group: Group) -> Group:
    return tuple("" if text.partition("=")[0].upper() in _KEYS_DROPPED else text for text in group)
