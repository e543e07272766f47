"""ID-003 on the wire: frames, the host's commands and the device's statuses (sheet sections 3, 4, 5 and 9).

    SYNC FC | LNG | CMD | DATA ... | CRC low | CRC high

LNG counts the whole frame. The CRC is taken over everything before it. One code has two meanings: 40 is RESET from
the host and POWER UP from the device.
"""

from dataclasses import dataclass
from enum import IntEnum

from hardware.framing.buffer import ReceiveBuffer, Verdict
from hardware.framing.checksum import crc_kermit

SYNC = 0xFC
LNG_MIN = 5


class Command(IntEnum):
    """What the host says."""

    STATUS = 0x11
    RESET = 0x40
    STACK_1 = 0x41
    STACK_2 = 0x42
    RETURN = 0x43
    HOLD = 0x44
    WAIT = 0x45
    ACK = 0x50  # of VEND VALID; the only frame without an answer
    VERSION = 0x88
    BOOT_VERSION = 0x89
    CURRENCY = 0x8A
    SERIAL = 0x91
    SIGNATURE = 0xDC
    # Settings: answered by their echo. 80 to 87 read them back.
    DENOMINATIONS = 0xC0
    SECURITY = 0xC1
    MODE = 0xC2
    INHIBIT = 0xC3
    DIRECTION = 0xC4
    OPTIONS = 0xC5
    BARCODE = 0xC6
    BARCODE_INHIBIT = 0xC7
    ESCROW_LIMIT = 0xCD


READ_BACK = 0x40  # below the setting's own code
INHIBIT_READ = Command.INHIBIT - READ_BACK
SETTINGS = frozenset(range(Command.DENOMINATIONS, Command.BARCODE_INHIBIT + 1)) | {Command.ESCROW_LIMIT}


class Status(IntEnum):
    """What the device does. Each lasts until something ends it; nothing is cleared by reading."""

    IDLING = 0x11
    ACCEPTING = 0x12
    ESCROW = 0x13
    STACKING = 0x14
    VEND_VALID = 0x15
    STACKED = 0x16
    REJECTING = 0x17
    RETURNING = 0x18
    HOLDING = 0x19
    DISABLED = 0x1A
    INITIALIZE = 0x1B
    POWER_UP = 0x40
    POWER_UP_IN_ACCEPTOR = 0x41
    POWER_UP_IN_STACKER = 0x42
    STACKER_FULL = 0x43
    STACKER_OPEN = 0x44
    JAM_IN_ACCEPTOR = 0x45
    JAM_IN_STACKER = 0x46
    PAUSE = 0x47
    CHEATED = 0x48
    FAILURE = 0x49


POWER_UPS = frozenset({Status.POWER_UP, Status.POWER_UP_IN_ACCEPTOR, Status.POWER_UP_IN_STACKER})
RESTING = frozenset({Status.IDLING, Status.DISABLED})
FAULTS = {
    Status.STACKER_FULL: ("cassette_full", ""),
    Status.STACKER_OPEN: ("cassette_removed", ""),
    Status.JAM_IN_ACCEPTOR: ("jammed", "in the acceptor"),
    Status.JAM_IN_STACKER: ("jammed", "in the stacker"),
    Status.FAILURE: ("failure", ""),
}


class Answer(IntEnum):
    """What is neither a status nor an echo."""

    COMMUNICATION_ERROR = 0x4A
    INVALID_COMMAND = 0x4B
    ACK = 0x50


TICKET = 0x6F  # in place of a denomination: ASCII follows

REJECTIONS = {
    0x71: "insertion",
    0x72: "magnetic",
    0x73: "note left in the head",
    0x74: "compensation",
    0x75: "conveying",
    0x76: "denomination not recognised",
    0x77: "photo pattern 1",
    0x78: "photo level",
    0x79: "inhibited",
    0x7A: "reserved",
    0x7B: "operation error",
    0x7C: "note in the transport",
    0x7D: "length",
    0x7E: "photo pattern 2",
    0x7F: "true bill feature",
    0x91: "ticket not detected",
    0x92: "unknown ticket",
    0x93: "ticket length",
    0x94: "ticket start bit",
    0x95: "ticket stop bit",
    0x98: "several tickets",
    0x9B: "ticket upside down",
    0x9D: "ticket length",
}
FAILURES = {
    0xA2: "stacker motor",
    0xA5: "transport speed",
    0xA6: "transport motor",
    0xA7: "aligning motor",
    0xAB: "cash box not ready",
    0xAC: "optical sensor",
    0xAD: "magnetic sensor",
    0xAF: "validator head removed",
    0xB0: "boot ROM",
    0xB1: "external ROM",
    0xB2: "ROM",
    0xB3: "external ROM write",
}


class Malformed(Exception):
    """Bytes that are no frame; the text names what is wrong."""


@dataclass(frozen=True)
class Frame:
    """One frame without its envelope."""

    code: int
    data: bytes = b""

    def encode(self) -> bytes:
        body = bytes([SYNC, len(self.data) + LNG_MIN, self.code]) + self.data
        return body + crc_kermit(body).to_bytes(2, "little")


def parse(raw: bytes) -> Frame:
    """Return the frame that `raw` is, exactly. Malformed names the first thing wrong: start, length, checksum."""
    if not raw or raw[0] != SYNC:
        raise Malformed("does not start with SYNC FC")
    if len(raw) < LNG_MIN:
        raise Malformed(f"length: {len(raw)} bytes are too few for a frame")
    if raw[1] != len(raw):
        raise Malformed(f"length: LNG says {raw[1]}, the frame has {len(raw)} bytes")
    expected = crc_kermit(raw[:-2]).to_bytes(2, "little")
    if raw[-2:] != expected:
        raise Malformed(f"checksum: expected {expected.hex(' ').upper()}, found {raw[-2:].hex(' ').upper()}")
    return Frame(raw[2], raw[3:-2])


def receive_buffer() -> ReceiveBuffer:
    """Return a buffer that lets only frames with a correct CRC through, and drops what lies between (ENQ 05)."""
    return ReceiveBuffer(SYNC, _measure)


def _measure(candidate: bytes) -> int | Verdict:
    if len(candidate) < 2:
        return Verdict.MORE
    length = candidate[1]
    if length < LNG_MIN:
        return Verdict.WRONG
    if len(candidate) < length:
        return Verdict.MORE
    return Verdict.WRONG if crc_kermit(candidate[:length]) else length
