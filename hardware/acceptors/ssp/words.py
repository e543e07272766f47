"""The words of SSP: the host's commands, the device's generic replies, the numbers in both (sheet sections 5, 7)."""

from enum import IntEnum


class Command(IntEnum):
    RESET = 0x01
    SET_INHIBITS = 0x02
    SETUP_REQUEST = 0x05
    HOST_PROTOCOL_VERSION = 0x06
    POLL = 0x07
    REJECT = 0x08
    DISABLE = 0x09
    ENABLE = 0x0A
    GET_SERIAL_NUMBER = 0x0C
    UNIT_DATA = 0x0D
    CHANNEL_VALUES = 0x0E
    SYNC = 0x11
    LAST_REJECT_CODE = 0x17
    HOLD = 0x18
    GET_FIRMWARE_VERSION = 0x20
    GET_DATASET_VERSION = 0x21
    GET_ALL_LEVELS = 0x22
    GET_BARCODE_DATA = 0x27
    PAYOUT_AMOUNT = 0x33
    HALT_PAYOUT = 0x38
    SET_ROUTE = 0x3B
    GET_ROUTE = 0x3C
    EMPTY_ALL = 0x3F
    PAYOUT_BY_DENOMINATION = 0x46
    SET_GENERATOR = 0x4A
    SET_MODULUS = 0x4B
    KEY_EXCHANGE = 0x4C
    SET_BAUD_RATE = 0x4D
    SMART_EMPTY = 0x52
    POLL_WITH_ACK = 0x56
    EVENT_ACK = 0x57
    GET_COUNTERS = 0x58
    DISABLE_PAYOUT = 0x5B
    ENABLE_PAYOUT = 0x5C


class Reply(IntEnum):
    OK = 0xF0
    UNKNOWN_COMMAND = 0xF2
    WRONG_PARAMETERS = 0xF3
    OUT_OF_RANGE = 0xF4
    CANNOT = 0xF5
    SOFTWARE_ERROR = 0xF6
    CHECKSUM_ERROR = 0xF7
    FAIL = 0xF8
    HEADER_FAILURE = 0xF9
    NO_KEY = 0xFA


KEY_COMMANDS = (Command.SYNC, Command.SET_GENERATOR, Command.SET_MODULUS, Command.KEY_EXCHANGE)  # always in clear
FIRST_REPLY = 0xF0  # what a host says begins below it
TEST_ONLY, FOR_REAL = 0x19, 0x58  # option byte of the payout commands
TO_STORE, TO_CASHBOX = 0x00, 0x01


def number(value: int, size: int = 4) -> bytes:
    """Return the bytes of a number: low byte first."""
    return value.to_bytes(size, "little")


def channels_mask(channels: frozenset[int]) -> bytes:
    """Return the two bytes of SET INHIBITS; the lowest bit is channel 1."""
    return number(sum(1 << channel - 1 for channel in channels if 1 <= channel <= 16), 2)


def route(value_minor: int, currency: str, where: int) -> bytes:
    """Return the command that says where notes of this value go."""
    return bytes([Command.SET_ROUTE, where]) + number(value_minor) + currency.encode("ascii")


def payout(notes: dict[tuple[str, int], int], option: int) -> bytes:
    """Return the command that pays out these notes: (currency, cents) to count."""
    rows = b"".join(
        number(count, 2) + number(value) + currency.encode("ascii") for (currency, value), count in notes.items()
    )
    return bytes([Command.PAYOUT_BY_DENOMINATION, len(notes)]) + rows + bytes([option])


def read_levels(data: bytes) -> dict[tuple[str, int], int] | None:
    """Return (currency, cents) to count of a GET ALL LEVELS reply, None if it is garbage (section 13)."""
    row = 9
    if not data or len(data) != 1 + data[0] * row:
        return None
    levels: dict[tuple[str, int], int] = {}
    for at in range(1, len(data), row):
        count, value = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 6], "little")
        currency = data[at + 6 : at + row]
        if not currency.isalpha():
            return None
        levels[currency.decode("ascii", "replace"), value] = count
    return levels
