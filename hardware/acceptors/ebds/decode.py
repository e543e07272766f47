"""A frame in words, for people who read line captures."""

import re
from typing import Any

from hardware.acceptors.ebds.frames import (
    FLAGS,
    RETURN,
    SEVEN_BITS,
    STACK,
    STATUS_BYTES,
    Frame,
    Malformed,
    MessageType,
    parse,
    parse_status,
)
from hardware.acceptors.ebds.queries import (
    ROW_BYTES,
    read_part_number,
    read_row,
    read_text,
    read_value_table,
    read_variant,
)

Fields = dict[str, Any]

_PREFIX = re.compile(r"^\s*(?:([HhDd])\s*[:>]\s*|([HhDd])\s+)")
_STATES = ("idling", "accepting", "escrowed", "stacking", "returning")
_EVENTS = ("stacked", "returned", "cheated", "rejected", "invalid_command")
_CONDITIONS = tuple(name for name in FLAGS if name not in _STATES + _EVENTS + ("cassette",))
_ORIENTATIONS = {0x00: "one way", 0x04: "two way", 0x08: "four way", 0x0C: "four way"}
_AUXILIARY = {
    0x00: "software CRC",
    0x01: "cashbox total",
    0x02: "number of resets",
    0x03: "clear cashbox total",
    0x04: "acceptor type",
    0x05: "serial number",
    0x06: "boot part number",
    0x07: "application part number",
    0x08: "variant name",
    0x09: "variant part number",
    0x0A: "life totals",
    0x0B: "QP measures",
    0x0C: "performance",
    0x0D: "device capabilities",
    0x0E: "application ID",
    0x0F: "variant ID",
    0x10: "note feeder status",
    0x11: "set bezel",
}
_TELEMETRY = {
    0x00: "ping",
    0x01: "serial number",
    0x02: "cashbox metrics",
    0x03: "clear cashbox count",
    0x04: "unit metrics",
    0x05: "service counters",
    0x06: "service flags",
    0x07: "clear service flags",
    0x08: "service info",
    0x09: "firmware metrics",
}
_EXTENDED = {
    0x01: "barcode",
    0x02: "note specification",
    0x03: "note inhibits",
    0x04: "escrow timeout",
    0x05: "asset number",
    0x06: "value table",
    0x07: "power-up policy",
    0x0B: "note retrieved",
    0x0D: "advanced bookmark",
    0x1D: "clear audit data",
}
# Bytes of DATA in what the host sends, by SUB (section 8); anything else of type 7 comes from the device.
_EXTENDED_FROM_HOST = {0x01: {1}, 0x02: {5}, 0x03: {12, 23}, 0x04: {6}, 0x06: {4}, 0x0B: {5}, 0x0D: {5}, 0x1D: {4}}


def decode_line(line: str) -> Fields:
    """Return what the frame in `line` says: hex digits, spaced or not, with "H" or "D" before them if it is known who
    sent it. {"ok": False, "error"} if it is none."""
    try:
        said, raw, masked = _bytes_of(line)
        frame = parse(raw)
        direction = _direction(frame, said)
        fields = {"ok": True, "direction": direction} | _describe(frame, direction)
    except Malformed as error:
        return {"ok": False, "error": str(error)}
    return fields | ({"masked": True} if masked else {})


def _bytes_of(line: str) -> tuple[str, bytes, bool]:
    prefix = _PREFIX.match(line)
    said = (prefix[1] or prefix[2]).upper() if prefix else ""
    digits = "".join(line[prefix.end() if prefix else 0 :].split())
    if not digits:
        raise Malformed("empty line")
    if not re.fullmatch("[0-9A-Fa-f]+", digits):
        raise Malformed("not hexadecimal")
    if len(digits) % 2:
        raise Malformed("odd number of hexadecimal digits")
    raw = bytes.fromhex(digits)
    # A capture taken with eight data bits shows the parity bit.
    seven = bytes(byte & SEVEN_BITS for byte in raw)
    return said, seven, seven != raw


def _direction(frame: Frame, said: str) -> str:
    meant = {"H": "host", "D": "device"}.get(said)
    own = _own_direction(frame)
    if own and meant and own != meant:
        raise Malformed(f"type {frame.type} comes from the {own}, not the {meant}: an echo?")
    return own or meant or _likely_direction(frame)


def _own_direction(frame: Frame) -> str | None:
    if frame.type in (MessageType.COMMAND, MessageType.BOOKMARK):
        return "host"
    return "device" if frame.type == MessageType.REPLY else None


def _likely_direction(frame: Frame) -> str:
    """Types 4 to 7 go both ways: told apart by their lengths (sections 7 and 8)."""
    data = frame.data
    if frame.type == MessageType.AUXILIARY:
        return "host" if len(data) in (1, 3) else "device"
    if frame.type == MessageType.EXTENDED:
        return "host" if data and len(data) in _EXTENDED_FROM_HOST.get(data[0], set()) else "device"
    return "host" if len(data) == 3 else "device"


def _describe(frame: Frame, direction: str) -> Fields:
    head: Fields = {"type": "unknown", "toggle": frame.toggle, "device_type": frame.device_type}
    if frame.type in (MessageType.COMMAND, MessageType.BOOKMARK):
        name = "omnibus_command" if frame.type == MessageType.COMMAND else "bookmark_command"
        return head | {"type": name} | _command(frame.data)
    if frame.type == MessageType.REPLY:
        return head | {"type": "omnibus_reply"} | _status(frame.data)
    if frame.type == MessageType.AUXILIARY:
        return head | (_auxiliary_command(frame.data) if direction == "host" else _auxiliary_reply(frame.data))
    if frame.type == MessageType.EXTENDED:
        return head | _extended(frame, direction)
    if frame.type in (MessageType.CALIBRATE, MessageType.FLASH):
        return head | {"type": MessageType(frame.type).name.lower(), "data": _hex(frame.data)}
    return head | {"message_type": frame.type, "data": _hex(frame.data)}


def _command(data: bytes) -> Fields:
    if len(data) < 3:
        raise Malformed(f"length: a command has 3 data bytes, found {len(data)}")
    denominations, mode, configuration = data[:3]
    return {
        "enabled": [channel for channel in range(1, 8) if denominations >> channel - 1 & 1],
        "escrow_mode": bool(mode & 0x10),
        "stack": bool(mode & STACK),
        "return": bool(mode & RETURN),
        "orientation": _ORIENTATIONS[mode & 0x0C],
        "interrupt_mode": bool(mode & 0x01),
        "high_security": bool(mode & 0x02),
        "no_push": bool(configuration & 0x01),
        "barcodes": bool(configuration & 0x02),
        "power_up_policy": {0x00: "A", 0x04: "B"}.get(configuration & 0x0C, "C"),
        "extended_notes": bool(configuration & 0x10),
        "extended_coupons": bool(configuration & 0x20),
    }


def _status(data: bytes) -> Fields:
    status = parse_status(data)
    return {
        "states": [name for name in _STATES if getattr(status, name)],
        "events": [name for name in _EVENTS if getattr(status, name)],
        "conditions": [name for name in _CONDITIONS if getattr(status, name)],
        "cassette": status.cassette,
        "note_type": status.channel,
        "model": f"{status.model:02X}",
        "revision": f"{status.revision:02X}",
    }


def _auxiliary_command(data: bytes) -> Fields:
    if data == b"\x7f\x7f\x7f":
        return {"type": "soft_reset"}
    if len(data) == 3:
        return {"type": "auxiliary_query", "query": _AUXILIARY.get(data[2], "unknown"), "number": f"{data[2]:02X}"}
    if data:
        return {"type": "telemetry_query", "query": _TELEMETRY.get(data[0], "unknown"), "data": _hex(data[1:])}
    return {"type": "auxiliary_query", "query": "unknown", "data": ""}


def _auxiliary_reply(data: bytes) -> Fields:
    """The reply does not repeat the question, so what can be read is offered by length."""
    fields: Fields = {"type": "auxiliary_reply", "data": _hex(data)}
    texts = {"part_number": read_part_number(data), "variant": read_variant(data), "text": read_text(data)}
    return fields | {name: text for name, text in texts.items() if text}


def _extended(frame: Frame, direction: str) -> Fields:
    if not frame.data:
        raise Malformed("length: an extended message has at least one data byte")
    sub, data = frame.data[0], frame.data[1:]
    fields: Fields = {"type": f"extended_{'command' if direction == 'host' else 'reply'}"}
    fields |= {"message": _EXTENDED.get(sub, "unknown"), "number": f"{sub:02X}"}
    if direction == "host":
        return fields | (_command(data) if len(data) >= 3 else {}) | {"data": _hex(data[3:])}
    if len(data) < STATUS_BYTES:
        return fields | {"data": _hex(data)}
    fields |= _status(data) | {"data": _hex(data[STATUS_BYTES:])}
    table = read_value_table(frame)
    if isinstance(table, dict):
        fields["table"] = {
            str(channel): {"currency": iso, "value_minor": value} for channel, (iso, value) in table.items()
        }
    return fields | (_note(data[STATUS_BYTES:]) if sub == 0x02 else {})


def _note(extension: bytes) -> Fields:
    """The 18 bytes of a note specification begin as a row of the value table does (section 8)."""
    row = read_row(extension[:ROW_BYTES]) if len(extension) >= ROW_BYTES else None
    return {"index": row[0], "currency": row[1][0], "value_minor": row[1][1]} if row else {}


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()
