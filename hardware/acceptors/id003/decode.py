"""A frame in words, for people who read line captures."""

import re
from typing import Any

from hardware.acceptors.id003.currency import CODE_BASE, channel_of, read_rows
from hardware.acceptors.id003.frames import (
    FAILURES,
    READ_BACK,
    REJECTIONS,
    SETTINGS,
    TICKET,
    Answer,
    Command,
    Frame,
    Malformed,
    Status,
    parse,
)
from hardware.acceptors.id003.queries import read_text, read_version

Fields = dict[str, Any]

_PREFIX = re.compile(r"^\s*(?:([HhDd])\s*[:>]\s*|([HhDd])\s+)")
_QUERIES = {Command.VERSION, Command.BOOT_VERSION, Command.CURRENCY, Command.SERIAL, Command.SIGNATURE}
_READS = {setting - READ_BACK for setting in SETTINGS if setting != Command.ESCROW_LIMIT}
_FROM_HOST: set[int] = {Command.STATUS, Command.RESET, Command.STACK_1, Command.STACK_2, Command.RETURN, Command.HOLD}
_FROM_HOST |= {Command.WAIT, Command.ACK}
_TWO_MEANINGS = _FROM_HOST & {int(code) for code in (*Status, *Answer)}


def decode_line(line: str) -> Fields:
    """Return what the frame in `line` says: hex digits, spaced or not, with "H" or "D" before them if it is known who
    sent it. Without it, a code with two meanings is given both. {"ok": False, "error"} if it is no frame."""
    try:
        said, raw = _bytes_of(line)
        frame = parse(raw)
        return {"ok": True} | _describe(frame, said)
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
    return {"H": "host", "D": "device"}.get(said, ""), bytes.fromhex(digits)


def _describe(frame: Frame, said: str) -> Fields:
    if frame.code in SETTINGS:
        return {"direction": said or "host or device", "type": "setting"} | _setting(frame)
    if frame.code in _READS or frame.code in _QUERIES:
        direction = said or ("device" if frame.data else "host")
        return {"direction": direction} | (_answer(frame) if direction == "device" else _query(frame))
    if frame.code in _TWO_MEANINGS and not frame.data and not said:
        command, status = _command(frame), _status(frame)
        return {"direction": "host or device", "type": f"{command['type']} or {status['type']}"} | {
            "command": command["command"],
            "status": status["status"],
        }
    own = "host" if frame.code in _FROM_HOST and frame.code not in _TWO_MEANINGS else ""
    direction = said or own or "device"
    return {"direction": direction} | (_command(frame) if direction == "host" else _status(frame))


def _command(frame: Frame) -> Fields:
    if frame.code not in set(Command):
        return _unknown(frame)
    return {"type": "command", "command": _name(Command(frame.code))}


def _status(frame: Frame) -> Fields:
    if frame.code in set(Answer):
        return {"type": "answer", "status": _name(Answer(frame.code))}
    if frame.code not in set(Status):
        return _unknown(frame)
    fields: Fields = {"type": "status", "status": _name(Status(frame.code))}
    if frame.code in (Status.ESCROW, Status.VEND_VALID) and frame.data:
        return fields | _note(frame.data)
    if frame.code == Status.REJECTING and frame.data:
        return fields | {"reason": REJECTIONS.get(frame.data[0], "unknown"), "code": _hex(frame.data[:1])}
    if frame.code == Status.FAILURE and frame.data:
        return fields | {"failure": FAILURES.get(frame.data[0], "unknown"), "code": _hex(frame.data[:1])}
    return fields | ({"data": _hex(frame.data)} if frame.data else {})


def _note(data: bytes) -> Fields:
    if data[0] == TICKET:
        return {"ticket": read_text(data[1:])}
    return {"code": _hex(data[:1]), "channel": channel_of(data[0])}


def _setting(frame: Frame) -> Fields:
    fields: Fields = {"setting": _name(Command(frame.code)), "data": _hex(frame.data)}
    if frame.code == Command.DENOMINATIONS and len(frame.data) == 2:
        mask = int.from_bytes(frame.data, "little")
        fields["disabled"] = [f"{CODE_BASE + bit + 1:02X}" for bit in range(16) if mask >> bit & 1]
    if frame.code == Command.INHIBIT and frame.data:
        fields["accept"] = not frame.data[0] & 1
    if frame.code == Command.BARCODE_INHIBIT and frame.data:
        fields |= {"notes": not frame.data[0] & 1, "tickets": not frame.data[0] & 2}
    return fields


def _query(frame: Frame) -> Fields:
    name = f"read_{_name(Command(frame.code + READ_BACK))}" if frame.code in _READS else _name(Command(frame.code))
    return {"type": "query", "query": name} | ({"data": _hex(frame.data)} if frame.data else {})


def _answer(frame: Frame) -> Fields:
    fields = _query(frame) | {"type": "query_answer", "data": _hex(frame.data)}
    if frame.code == Command.CURRENCY:
        rows = read_rows(frame.data) or {}
        fields["table"] = {
            str(channel): {"currency": row.currency, "country": f"{row.country:02X}", "value_minor": row.value_minor}
            for channel, row in rows.items()
        }
    elif frame.code in _QUERIES:
        fields["text"] = read_text(frame.data)
    if frame.code == Command.VERSION:
        fields |= dict(zip(("model", "country", "firmware"), read_version(fields["text"]), strict=True))
    return fields


def _unknown(frame: Frame) -> Fields:
    return {"type": "unknown", "code": f"{frame.code:02X}", "data": _hex(frame.data)}


def _name(code: Command | Status | Answer) -> str:
    return code.name.lower()


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()
