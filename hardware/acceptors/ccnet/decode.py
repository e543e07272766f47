"""A frame in words, for people who read line captures."""

import re
from typing import Any

from hardware.acceptors.ccnet.frames import (
    ACK,
    NAK,
    TYPE_COUPON,
    TYPES,
    Code,
    Malformed,
    State,
    channels_in,
    parse,
    read_state,
)
from hardware.acceptors.ccnet.queries import RECORD_BYTES, read_plate, read_table

Fields = dict[str, Any]

_PREFIX = re.compile(r"^\s*(?:([HhDd])\s*[:>]\s*|([HhDd])\s+)")
_REASONS = {
    0x60: "insertion",
    0x61: "magnetic",
    0x62: "a bill is still in the head",
    0x63: "compensation",
    0x64: "conveying",
    0x65: "identification",
    0x66: "verification",
    0x67: "optic",
    0x68: "inhibited type",
    0x69: "capacitance",
    0x6A: "operation",
    0x6C: "length",
    0x6D: "UV",
    0x92: "unrecognised barcode",
    0x93: "wrong number of characters",
    0x94: "start of code",
    0x95: "end of code",
}
_FAILURES = {
    0x50: "stacking motor",
    0x51: "transport motor speed",
    0x52: "transport motor",
    0x53: "aligning motor",
    0x54: "cassette status at start",
    0x55: "optic canal",
    0x56: "magnetic canal",
    0x5F: "capacitance canal",
    0xFE: "cover open",
}
# Data of a host's command beside its code
_PARAMETERS = {Code.SET_SECURITY: 3, Code.ENABLE_BILL_TYPES: 6, Code.SET_BARCODE_PARAMETERS: 2}


def decode_line(line: str) -> Fields:
    """Return what the frame in `line` says: hex digits, spaced or not, with "H" or "D" before them if it is known who
    sent it. {"ok": False, "error"} if it is none."""
    try:
        said, raw = _bytes_of(line)
        data = parse(raw)
        direction = {"H": "host", "D": "device"}.get(said) or _likely_direction(data)
        return {"ok": True, "direction": direction} | (_command(data) if direction == "host" else _reply(data))
    except Malformed as error:
        return {"ok": False, "error": str(error)}


def _bytes_of(line: str) -> tuple[str, bytes]:
    prefix = _PREFIX.match(line)
    said = (prefix[1] or prefix[2]).upper() if prefix else ""
    digits = "".join(line[prefix.end() if prefix else 0 :].split())
    if not digits:
        raise Malformed("empty line")
    if not re.fullmatch("[0-9A-Fa-f]+", digits):
        raise Malformed("not hexadecimal")
    if len(digits) % 2:
        raise Malformed("odd number of hexadecimal digits")
    return said, bytes.fromhex(digits)


def _likely_direction(data: bytes) -> str:
    """A reply bears no sign of being one: what is well formed as a command is taken for one."""
    if data in (ACK, NAK):
        return "either"
    known = data[0] in Code.__members__.values()
    return "host" if known and len(data) == 1 + _PARAMETERS.get(Code(data[0]), 0) else "device"


def _command(data: bytes) -> Fields:
    if data in (ACK, NAK):
        return {"type": "ack" if data == ACK else "nak"}
    if data[0] not in Code.__members__.values():
        return {"type": "unknown", "number": f"{data[0]:02X}", "data": _hex(data[1:])}
    code, parameters = Code(data[0]), data[1:]
    fields: Fields = {"type": code.name.lower()}
    if len(parameters) != _PARAMETERS.get(code, 0):
        raise Malformed(f"length: {code.name} has {_PARAMETERS.get(code, 0)} bytes of data, found {len(parameters)}")
    if code == Code.ENABLE_BILL_TYPES:
        return fields | {"enabled": _types(parameters[:3]), "escrow": _types(parameters[3:])}
    if code == Code.SET_SECURITY:
        return fields | {"high_security": _types(parameters)}
    return fields | ({"data": _hex(parameters)} if parameters else {})


def _reply(data: bytes) -> Fields:
    """Read it by its length; the question that it answers is not known here."""
    if data in (ACK, NAK):
        return {"type": "ack" if data == ACK else "nak"}
    if data[0] == Code.RESET and len(data) == 1:
        return {"type": "illegal_command"}
    status = read_state(data)
    if status is not None:
        return {"type": "state", "state": State(status.code).name.lower()} | _extra(status.code, status.extra)
    if len(data) == 6:
        return {"type": "status", "enabled": _types(data[:3]), "high_security": _types(data[3:])}
    if len(data) == TYPES * RECORD_BYTES:
        table = read_table(data) or {}
        rows = {str(channel - 1): {"currency": iso, "value_minor": value} for channel, (iso, value) in table.items()}
        return {"type": "bill_table", "table": rows}
    if data.isdigit() and 6 <= len(data) <= 18:
        return {"type": "barcode", "digits": data.decode("ascii")}
    plate = read_plate(data)
    if plate is not None:
        return {"type": "identification", "part": plate.part, "serial": plate.serial, "asset": plate.asset}
    return {"type": "unknown", "number": f"{data[0]:02X}", "data": _hex(data[1:])}


def _extra(code: int, extra: int | None) -> Fields:
    if extra is None:
        return {}
    match code:
        case State.BUSY:
            return {"busy_ms": extra * 100}
        case State.REJECTING:
            return {"reason": _REASONS.get(extra, "unknown"), "number": f"{extra:02X}"}
        case State.FAILURE:
            return {"failure": _FAILURES.get(extra, "unknown"), "number": f"{extra:02X}"}
    return {"bill_type": extra} | ({"coupon": True} if extra == TYPE_COUPON else {})


def _types(mask: bytes) -> list[int]:
    return sorted(channel - 1 for channel in channels_in(mask))


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()
