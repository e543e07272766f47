"""SSP on the wire: frame, byte stuffing and CRC (sheet section 3).

    STX 7F | SEQ/ID | LEN | DATA ... | CRCL | CRCH

SEQ/ID holds the sequence flag (bit 7) and the device's address. LEN counts DATA before stuffing. The CRC runs from
SEQ/ID to the last byte of DATA. After the STX every 7F is sent twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass

STX = 0x7F
POLYNOMIAL, CRC_START = 0x8005, 0xFFFF
HEAD, CRC_BYTES = 2, 2  # SEQ/ID and LEN; CRCL and CRCH
FLAG, ADDRESS = 0x80, 0x7F


class Malformed(Exception):
    """Bytes that are no frame; the text names what is wrong."""


def crc_of(data: Iterable[int]) -> int:
    """Return the CRC-16 of section 3.2: not reflected, most significant bit first."""
    register = CRC_START
    for byte in data:
        register = (register << 8 & 0xFFFF) ^ _CRCS[register >> 8 ^ byte]
    return register


def _crc_of_byte(byte: int) -> int:
    register = byte << 8
    for _ in range(8):
        register = register << 1 ^ (POLYNOMIAL if register & 0x8000 else 0)
    return register & 0xFFFF


_CRCS = [_crc_of_byte(byte) for byte in range(256)]


@dataclass(frozen=True)
class Frame:
    """One frame without its envelope. DATA of the host is a command, of the device a generic reply byte and more."""

    flag: int
    data: bytes
    address: int = 0

    def encode(self) -> bytes:
        """Return the bytes for the line, stuffed."""
        body = bytes([self.flag << 7 | self.address, len(self.data)]) + self.data
        body += crc_of(body).to_bytes(CRC_BYTES, "little")
        return bytes([STX]) + body.replace(b"\x7f", b"\x7f\x7f")


def parse(body: bytes) -> Frame:
    """Return the frame of `body`: unstuffed, from SEQ/ID to CRCH. Malformed names the first thing wrong."""
    if len(body) < HEAD + 1 + CRC_BYTES:
        raise Malformed(f"length: {len(body) + 1} bytes are too few for a frame")
    if body[1] != len(body) - HEAD - CRC_BYTES:
        raise Malformed(f"length: LEN says {body[1]}, the frame has {len(body) - HEAD - CRC_BYTES} bytes of DATA")
    expected, found = crc_of(body[:-CRC_BYTES]), int.from_bytes(body[-CRC_BYTES:], "little")
    if found != expected:
        raise Malformed(f"CRC: expected {expected:04X}, found {found:04X}")
    return Frame(body[0] >> 7, body[HEAD:-CRC_BYTES], body[0] & ADDRESS)


def unstuff(raw: bytes) -> bytes:
    """Return what stands between the STX and the end of `raw`. Malformed if it does not start so, or a 7F is single."""
    if not raw or raw[0] != STX:
        raise Malformed("does not start with STX 7F")
    body, rest = bytearray(), iter(raw[1:])
    for byte in rest:
        if byte == STX and next(rest, None) != STX:
            raise Malformed("stuffing: a single 7F inside the frame")
        body.append(byte)
    return bytes(body)


class Receiver:
    """Cut a byte stream into frames, byte by byte. Only frames with a correct CRC come out."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget half a frame."""
        self._body: bytearray | None = None  # None: outside a frame
        self._escaped = False  # a 7F came and its twin did not yet

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames completed by them, in order."""
        return [frame for byte in data if (frame := self._take(byte)) is not None]

    def _take(self, byte: int) -> Frame | None:
        if byte == STX and not self._escaped:
            self._escaped = True
            return None
        if self._escaped:
            self._escaped = byte == STX and self._body is None  # outside a frame the second may be the STX
            if byte != STX:
                self._body = bytearray()  # a single 7F starts a frame, and this is its SEQ/ID
        if self._body is None:
            return None
        self._body.append(byte)
        return self._whole(self._body)

    def _whole(self, body: bytearray) -> Frame | None:
        if len(body) < HEAD or len(body) < HEAD + body[1] + CRC_BYTES:
            return None
        self._body = None
        try:
            return parse(bytes(body))
        except Malformed:
            return None
