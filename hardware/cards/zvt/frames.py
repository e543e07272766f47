"""ZVT on the wire: messages, and the frame that a serial line puts around them (sheet sections 2 and 3).

serial   10 02 | message, every 10 doubled | 10 03 | CRC low | CRC high        06 or 15 after every frame
TCP      message after message
message  CLASS INSTR LEN DATA, or CLASS INSTR FF low high DATA from 255 bytes on
"""

from dataclasses import dataclass, field
from enum import Enum

DLE, STX, ETX = 0x10, 0x02, 0x03
ACK, NAK = 0x06, 0x15
EXTENDED = 0xFF
HEAD_BYTES = 3

# The first byte of every message there is. Anything else on a TCP stream is another protocol.
CLASSES = frozenset({0x04, 0x05, 0x06, 0x08, 0x0F, 0x80, 0x84})


class Malformed(Exception):
    """Bytes that are no message or no frame; the text names what is wrong."""


@dataclass(frozen=True)
class Message:
    """One message. `code` is CLASS and INSTR in one number. What it carries is never shown."""

    code: int
    data: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        size = len(self.data)
        length = bytes([size]) if size < EXTENDED else bytes([EXTENDED, size & 0xFF, size >> 8])
        return self.code.to_bytes(2, "big") + length + self.data


def parse(raw: bytes) -> Message:
    """Return the message that `raw` is, exactly. Malformed if its length says something else."""
    end = length_of(raw)
    if end is None or end != len(raw):
        said = "more" if end is None else str(end)
        raise Malformed(f"length: {said} bytes expected, found {len(raw)}")
    head = HEAD_BYTES + (2 if raw[2] == EXTENDED else 0)
    return Message(int.from_bytes(raw[:2], "big"), raw[head:])


def length_of(raw: bytes) -> int | None:
    """Return how many bytes the message at the start of `raw` has, None while that cannot be said."""
    if len(raw) < HEAD_BYTES:
        return None
    if raw[2] != EXTENDED:
        return HEAD_BYTES + raw[2]
    return None if len(raw) < HEAD_BYTES + 2 else HEAD_BYTES + 2 + (raw[3] | raw[4] << 8)


def crc(data: bytes) -> int:
    """CRC-16/KERMIT: reflected 8408, start 0000, no final XOR."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return value


def framed(message: bytes) -> bytes:
    """Return the serial frame around a message."""
    check = crc(message + bytes([ETX])).to_bytes(2, "little")
    return bytes([DLE, STX]) + message.replace(b"\x10", b"\x10\x10") + bytes([DLE, ETX]) + check


class Noise(Enum):
    """What a serial line delivers beside frames."""

    ACK = "received"
    NAK = "not received"
    DAMAGED = "a frame that is none"


class Receiver:
    """Find frames and acknowledge bytes in what a serial line delivers, in any pieces.

    DLE STX cannot stand inside a frame, where each DLE is doubled: it starts a new one and damages the old.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._held: bytearray | None = None  # None between frames
        self._escaped = False
        self._check: bytearray | None = None  # the CRC, once DLE ETX has come

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._held is not None or self._escaped

    def feed(self, data: bytes) -> list[bytes | Noise]:
        """Take bytes; return the messages and acknowledge bytes that they complete."""
        return [item for byte in data if (item := self._take(byte)) is not None]

    def _take(self, byte: int) -> bytes | Noise | None:
        if self._check is not None:
            return self._checked(byte)
        if self._escaped:
            return self._after_escape(byte)
        if byte == DLE:
            self._escaped = True
        elif self._held is not None:
            self._held.append(byte)
        elif byte in (ACK, NAK):
            return Noise.ACK if byte == ACK else Noise.NAK
        return None

    def _after_escape(self, byte: int) -> Noise | None:
        self._escaped = False
        inside = self._held is not None
        if byte == STX:
            self._held = bytearray()
            return Noise.DAMAGED if inside else None
        if self._held is None:
            self._escaped = byte == DLE
            return None
        if byte == DLE:
            self._held.append(byte)
        elif byte == ETX:
            self._check = bytearray()
        else:
            self.reset()
            return Noise.DAMAGED
        return None

    def _checked(self, byte: int) -> bytes | Noise | None:
        assert self._check is not None
        assert self._held is not None
        self._check.append(byte)
        if len(self._check) < 2:
            return None
        message, check = bytes(self._held), int.from_bytes(self._check, "little")
        self.reset()
        whole = length_of(message) == len(message) and crc(message + bytes([ETX])) == check
        return message if whole else Noise.DAMAGED
