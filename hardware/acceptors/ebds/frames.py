"""EBDS on the wire: frames, the host's commands and the device's status (sheet sections 3, 5 to 8).

    STX 02 | LEN | CTL | DATA ... | ETX 03 | CHK

LEN counts the whole frame. CTL holds the acknowledge toggle (bit 0), the device type (1-3) and the message type
(4-6). CHK is LEN xor CTL xor DATA. The line has seven data bits, so no byte exceeds 7F.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from hardware.framing.buffer import ReceiveBuffer, Verdict
from hardware.framing.checksum import xor_of

STX, ETX = 0x02, 0x03
LEN_MIN = 5
DEVICE_TYPE = 0x0E  # CTL bits 1-3: 0 acceptor, 1 recycler
SEVEN_BITS = 0x7F


class MessageType(IntEnum):
    COMMAND = 1
    REPLY = 2
    BOOKMARK = 3
    CALIBRATE = 4
    FLASH = 5
    AUXILIARY = 6
    EXTENDED = 7


class Malformed(Exception):
    """Bytes that are no frame; the text names what is wrong."""


@dataclass(frozen=True)
class Frame:
    """One frame without its envelope. `type` is the number in CTL bits 4-6, 0 included."""

    type: int
    toggle: int
    data: bytes
    device_type: int = 0

    def encode(self) -> bytes:
        control = self.type << 4 | self.device_type << 1 | self.toggle
        body = bytes([len(self.data) + LEN_MIN, control]) + self.data
        return bytes([STX]) + body + bytes([ETX, xor_of(body)])


def parse(raw: bytes) -> Frame:
    """Return the frame that `raw` is, exactly. Malformed names the first thing wrong: start, length, ETX, checksum."""
    if not raw or raw[0] != STX:
        raise Malformed("does not start with STX 02")
    if len(raw) < LEN_MIN:
        raise Malformed(f"length: {len(raw)} bytes are too few for a frame")
    if raw[1] != len(raw):
        raise Malformed(f"length: LEN says {raw[1]}, the frame has {len(raw)} bytes")
    if raw[-2] != ETX:
        raise Malformed(f"ETX: expected 03, found {raw[-2]:02X}")
    expected = xor_of(raw[1:-2])
    if raw[-1] != expected:
        raise Malformed(f"checksum: expected {expected:02X}, found {raw[-1]:02X}")
    control = raw[2]
    return Frame(control >> 4 & 7, control & 1, raw[3:-2], (control & DEVICE_TYPE) >> 1)


def receive_buffer() -> ReceiveBuffer:
    """Return a buffer that lets only frames with correct ETX and checksum through (sheet section 3, Receiving)."""
    return ReceiveBuffer(STX, _measure, SEVEN_BITS)


def _measure(candidate: bytes) -> int | Verdict:
    if len(candidate) < 2:
        return Verdict.MORE
    length = candidate[1]
    if length < LEN_MIN:
        return Verdict.WRONG
    if len(candidate) < length:
        return Verdict.MORE
    try:
        parse(candidate[:length])
    except Malformed:
        return Verdict.WRONG
    return length


# The host's three bytes (section 5). Four-way orientation and escrow mode are always on; no-push, vouchers and
# extended reporting always off, and the power-up policy is A, which is D2 = 00.
OPERATING_MODE = 0x1C
STACK, RETURN = 0x20, 0x40
CONFIGURATION = 0x00


def command_data(channels: frozenset[int], decision: int = 0) -> bytes:
    """Return D0 D1 D2: note types 1 to 7 to accept, and STACK, RETURN or 0 for the note in escrow."""
    denominations = sum(1 << channel - 1 for channel in channels if 1 <= channel <= 7)
    return bytes([denominations, OPERATING_MODE | decision, CONFIGURATION])


@dataclass(frozen=True)
class Status:
    """The six bytes of every reply (section 6). `channel` is the note type, 0 where the device gives no value."""

    idling: bool = False
    accepting: bool = False
    escrowed: bool = False
    stacking: bool = False
    stacked: bool = False
    returning: bool = False
    returned: bool = False
    cheated: bool = False
    rejected: bool = False
    jammed: bool = False
    full: bool = False
    cassette: bool = False
    paused: bool = False
    calibrating: bool = False
    power_up: bool = False
    invalid_command: bool = False
    failure: bool = False
    transport_open: bool = False
    stalled: bool = False
    flash_ready: bool = False
    disabled: bool = False
    channel: int = 0
    model: int = field(default=0, compare=False)
    revision: int = field(default=0, compare=False)

    @property
    def in_motion(self) -> bool:
        return self.accepting or self.stacking or self.returning

    @property
    def inactive(self) -> bool:
        """No bit of d0: out of service, unless another bit or power-up explains it."""
        d0 = (self.idling, self.accepting, self.escrowed, self.stacking, self.stacked, self.returning, self.returned)
        return not any(d0)

    @property
    def state_count(self) -> int:
        """How many of the states are set of which a Pyramid sets exactly one (section 6, Rules)."""
        states = (self.idling, self.accepting, self.escrowed, self.stacking, self.returning)
        return sum((*states, self.jammed, self.full, self.failure))


STATUS_BYTES = 6
VALUE_SHIFT, VALUE_MASK = 3, 0x07  # note type in d2 bits 3-5

# (byte, mask) of every flag
FLAGS = {
    "idling": (0, 0x01),
    "accepting": (0, 0x02),
    "escrowed": (0, 0x04),
    "stacking": (0, 0x08),
    "stacked": (0, 0x10),
    "returning": (0, 0x20),
    "returned": (0, 0x40),
    "cheated": (1, 0x01),
    "rejected": (1, 0x02),
    "jammed": (1, 0x04),
    "full": (1, 0x08),
    "cassette": (1, 0x10),
    "paused": (1, 0x20),
    "calibrating": (1, 0x40),
    "power_up": (2, 0x01),
    "invalid_command": (2, 0x02),
    "failure": (2, 0x04),
    "transport_open": (2, 0x40),
    "stalled": (3, 0x01),
    "flash_ready": (3, 0x02),
    "disabled": (3, 0x20),
}

# A Pyramid keeps these at 0; should one ever be set it means nothing there (section 6, Rules).
MEI_ONLY = frozenset({"paused", "calibrating", "transport_open", "stalled", "flash_ready", "disabled"})


def parse_status(data: bytes, ignored: frozenset[str] = frozenset()) -> Status:
    """Return the status in the first six bytes of `data`; flags named in `ignored` stay False. Malformed if short."""
    if len(data) < STATUS_BYTES:
        raise Malformed(f"length: a status has {STATUS_BYTES} bytes, found {len(data)}")
    flags = {name: bool(data[byte] & mask) for name, (byte, mask) in FLAGS.items() if name not in ignored}
    return Status(**flags, channel=data[2] >> VALUE_SHIFT & VALUE_MASK, model=data[4], revision=data[5])
