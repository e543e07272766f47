"""CCNET on the wire: frames, the host's commands and the device's states (sheet sections 3, 6 and 7).

    SYNC 02 | ADR 03 | LNG | CMD or data ... | CRC low | CRC high

LNG counts the whole frame; 00 would announce a long one, which only a firmware download needs. The CRC goes over
everything before it. A reply does not say which command it answers: who reads one must know what was asked.
"""

from dataclasses import dataclass
from enum import IntEnum

from hardware.framing.buffer import ReceiveBuffer, Verdict
from hardware.framing.checksum import crc_kermit

SYNC, VALIDATOR = 0x02, 0x03
LENGTH_MIN = 6
ENVELOPE = 5  # bytes of a frame that are not data

ACK, NAK, ILLEGAL = b"\x00", b"\xff", b"\x30"


class Code(IntEnum):
    """Commands of the host (section 6), as far as a bill validator has them."""

    RESET = 0x30
    GET_STATUS = 0x31
    SET_SECURITY = 0x32
    POLL = 0x33
    ENABLE_BILL_TYPES = 0x34
    STACK = 0x35
    RETURN = 0x36
    IDENTIFICATION = 0x37
    HOLD = 0x38
    SET_BARCODE_PARAMETERS = 0x39
    EXTRACT_BARCODE_DATA = 0x3A
    GET_BILL_TABLE = 0x41
    CRC32_OF_THE_CODE = 0x51
    REQUEST_STATISTICS = 0x60


class State(IntEnum):
    """What a POLL is answered with (section 7)."""

    POWER_UP = 0x10
    POWER_UP_IN_VALIDATOR = 0x11
    POWER_UP_IN_STACKER = 0x12
    INITIALIZE = 0x13
    IDLING = 0x14
    ACCEPTING = 0x15
    STACKING = 0x17
    RETURNING = 0x18
    DISABLED = 0x19
    HOLDING = 0x1A
    BUSY = 0x1B
    REJECTING = 0x1C
    CASSETTE_FULL = 0x41
    CASSETTE_OUT = 0x42
    JAMMED = 0x43
    CASSETTE_JAMMED = 0x44
    CHEATED = 0x45
    PAUSE = 0x46
    FAILURE = 0x47
    ESCROW = 0x80
    STACKED = 0x81
    RETURNED = 0x82


WITH_EXTRA = frozenset(
    {State.BUSY, State.REJECTING, State.FAILURE, State.ESCROW, State.STACKED, State.RETURNED}
)  # one more byte: a time, a reason, a code or a bill type
TYPES = 24  # records in the bill table; the bill type is the number of the record, from 0
TYPE_COUPON = 23


class Malformed(Exception):
    """Bytes that are no frame; the text names what is wrong."""


@dataclass(frozen=True)
class Status:
    """One state. `extra` is its second byte, None if it has none."""

    code: int
    extra: int | None = None

    @property
    def channel(self) -> int:
        """Return the bill type as a channel: record 0 of the table is channel 1, for 0 means "no value"."""
        return 0 if self.extra is None else self.extra + 1


def seal(data: bytes) -> bytes:
    """Return the frame around command or data."""
    body = bytes([SYNC, VALIDATOR, len(data) + ENVELOPE]) + data
    return body + crc_kermit(body).to_bytes(2, "little")


def parse(raw: bytes) -> bytes:
    """Return the data of the frame that `raw` is, exactly. Malformed names the first thing wrong."""
    if not raw or raw[0] != SYNC:
        raise Malformed("does not start with SYNC 02")
    if len(raw) < LENGTH_MIN:
        raise Malformed(f"length: {len(raw)} bytes are too few for a frame")
    if raw[1] != VALIDATOR:
        raise Malformed(f"address: {raw[1]:02X} is no bill validator's")
    if raw[2] == 0:
        raise Malformed("length: a long frame, which only a firmware download needs")
    if raw[2] != len(raw):
        raise Malformed(f"length: LNG says {raw[2]}, the frame has {len(raw)} bytes")
    expected = crc_kermit(raw[:-2]).to_bytes(2, "little")
    if raw[-2:] != expected:
        raise Malformed(f"CRC: expected {expected.hex(' ').upper()}, found {raw[-2:].hex(' ').upper()}")
    return raw[3:-2]


def receive_buffer() -> ReceiveBuffer:
    """Return a buffer that lets only frames with a good CRC through. SYNC also occurs inside them (section 3)."""
    return ReceiveBuffer(SYNC, _measure)


def _measure(candidate: bytes) -> int | Verdict:
    if len(candidate) > 1 and candidate[1] != VALIDATOR:
        return Verdict.WRONG
    if len(candidate) < 3:
        return Verdict.MORE
    length = candidate[2]
    if length < LENGTH_MIN:
        return Verdict.WRONG
    if len(candidate) < length:
        return Verdict.MORE
    return Verdict.WRONG if crc_kermit(candidate[:length]) else length


def read_state(data: bytes) -> Status | None:
    """Return the state that the data of a reply is, None if it is none that section 7 knows for a bill validator."""
    if not data or data[0] not in State.__members__.values():
        return None
    if len(data) == 1 and (data[0] not in WITH_EXTRA or data[0] == State.FAILURE):
        return Status(data[0])
    if len(data) == 2 and data[0] in WITH_EXTRA:
        return Status(data[0], data[1])
    return None


def enable_data(channels: frozenset[int]) -> bytes:
    """Return command and masks for ENABLE BILL TYPES, most significant byte first, every type with its escrow bit.

    A type without that bit would be stacked without asking; a coupon (type 23) is no money and never enabled.
    """
    mask = sum(1 << channel - 1 for channel in channels if 1 <= channel <= TYPE_COUPON)
    return bytes([Code.ENABLE_BILL_TYPES]) + mask.to_bytes(3, "big") * 2


def channels_in(mask: bytes) -> frozenset[int]:
    """Return the channels of a three-byte mask."""
    bits = int.from_bytes(mask, "big")
    return frozenset(number + 1 for number in range(TYPES) if bits >> number & 1)
