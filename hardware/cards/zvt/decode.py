"""A message in words, for people who read line captures. Card data and passwords in it are not shown."""

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from hardware.cards.zvt import requests
from hardware.cards.zvt.fields import digits_of, number_of, read_container, read_fields, text_of, tlv_length
from hardware.cards.zvt.frames import ACK, DLE, NAK, STX, Malformed, Message, Noise, Receiver, crc, parse
from hardware.cards.zvt.prompts import patience_ms, prompt
from hardware.cards.zvt.status import read_information, read_status

Fields = dict[str, Any]

_PREFIX = re.compile(r"^\s*(?:([HhDd])\s*[:>]\s*|([HhDd])\s+)")
_SECRET_BYTES = 3  # the password that most commands begin with

HOST, DEVICE = "host", "device"
NAMES = {
    requests.REGISTRATION: ("registration", HOST),
    requests.SALE: ("sale", HOST),
    0x0602: ("log_off", HOST),
    0x060F: ("completion", DEVICE),
    requests.TOTALS: ("turnover_totals", HOST),
    0x0612: ("print_totals", HOST),
    0x0618: ("reset", HOST),
    0x061E: ("abort", DEVICE),
    requests.REPEAT: ("repeat_receipt", HOST),
    0x0622: ("pre_authorisation", HOST),
    0x0623: ("partial_reversal", HOST),
    0x0624: ("book_total", HOST),
    0x0625: ("pre_authorisation_reversal", HOST),
    requests.REVERSAL: ("reversal", HOST),
    requests.REFUND: ("refund", HOST),
    requests.END_OF_DAY: ("end_of_day", HOST),
    requests.DIAGNOSIS: ("diagnosis", HOST),
    0x0691: ("set_clock", HOST),
    requests.INITIALISATION: ("initialisation", HOST),
    requests.ABORT: ("abort_command", HOST),
    0x06C0: ("read_card", HOST),
    0x06C6: ("card_command", HOST),
    requests.PRINT_LINE: ("print_line", DEVICE),
    requests.PRINT_BLOCK: ("print_block", DEVICE),
    requests.ENQUIRY: ("status_enquiry", HOST),
    requests.CLOCK: ("clock", DEVICE),
    requests.INFORMATION: ("status_information", DEVICE),
    requests.PROGRESS: ("intermediate_status", DEVICE),
}


def decode_line(line: str) -> Fields:
    """Return what `line` says: a message or a serial frame in hex digits, spaced or not, with "H" or "D" before them
    if it is known who sent it. {"ok": False, "error"} if it is none."""
    try:
        said, raw = _bytes_of(line)
        if raw in (bytes([ACK]), bytes([NAK])):
            fields: Fields = {"type": "received" if raw[0] == ACK else "not_received", "direction": said}
        else:
            framing, message = ("serial", _unframed(raw)) if raw[0] == DLE else ("none", parse(raw))
            fields = {"framing": framing} | _describe(message, said)
    except Malformed as error:
        return {"ok": False, "error": str(error)}
    return {"ok": True} | fields


def _bytes_of(line: str) -> tuple[str, bytes]:
    prefix = _PREFIX.match(line)
    said = {"H": HOST, "D": DEVICE}.get((prefix[1] or prefix[2]).upper(), "") if prefix else ""
    digits = "".join(line[prefix.end() if prefix else 0 :].split())
    if not digits:
        raise Malformed("empty line")
    if not re.fullmatch("[0-9A-Fa-f]+", digits):
        raise Malformed("not hexadecimal")
    if len(digits) % 2:
        raise Malformed("odd number of hexadecimal digits")
    return said, bytes.fromhex(digits)


def _unframed(raw: bytes) -> Message:
    if raw[1:2] != bytes([STX]):
        raise Malformed("does not start with DLE STX")
    receiver = Receiver()
    items = receiver.feed(raw)
    if receiver.inside:
        raise Malformed("the frame does not end")
    if len(items) != 1:
        raise Malformed("more than one frame, or bytes after it")
    item = items[0]
    if isinstance(item, Noise):
        raise Malformed(_damage(raw))
    return parse(item)


def _damage(raw: bytes) -> str:
    body, end = raw[2:].rsplit(b"\x10\x03", 1)[0], raw[-2:]
    plain = body.replace(b"\x10\x10", b"\x10")
    expected = crc(plain + b"\x03").to_bytes(2, "little")
    if expected == end:
        return f"length: {len(plain)} bytes in the frame, the message says otherwise"
    return f"CRC: expected {expected.hex(' ').upper()}, found {end.hex(' ').upper()}"


def _describe(message: Message, said: str) -> Fields:
    code, data = message.code, message.data
    if code >> 8 in (0x80, 0x84):
        return {"type": _answer(code), "direction": said, "code": f"{code & 0xFF:02X}"}
    name, direction = NAMES.get(code, ("unknown", ""))
    if direction and said and direction != said:
        raise Malformed(f"{name} comes from the {direction}, not the {said}: an echo?")
    head: Fields = {"type": name, "direction": direction or said}
    if not direction:
        return head | {"number": f"{code:04X}", "bytes": len(data)}
    return head | _SHOWN.get(code, _request)(data)


def _answer(code: int) -> str:
    if code == 0x849C:
        return "please_wait"
    return "positive_answer" if code >> 8 == 0x80 or code == 0x8400 else "negative_answer"


def _request(data: bytes) -> Fields:
    """A command with the password before its fields."""
    return _fields(data[_SECRET_BYTES:])


def _fields(data: bytes) -> Fields:
    fields = read_fields(data)
    bmps = fields.bmps
    shown: Fields = {
        "amount_minor": number_of(bmps.get(0x04)),
        "currency": digits_of(bmps.get(0x49, b"")),
        "receipt": digits_of(bmps.get(0x87, b"")),
        "terminal_id": digits_of(bmps.get(0x29, b"")),
        "tracks": sorted(fields.tracks),
        "unread": None if fields.unread is None else f"{fields.unread:02X}",
    }
    return {name: value for name, value in shown.items() if value not in (None, "", [])}


def _registration(data: bytes) -> Fields:
    config = data[3:4]
    return {"config": config.hex().upper(), "currency": digits_of(data[4:6])} | _fields(data[6:])


def _information(data: bytes) -> Fields:
    information = read_information(data)
    slip = {name: value for name, value in asdict(information.slip).items() if value}
    result = information.result
    shown = {
        "result": None if result is None else f"{result:02X}",
        "transaction": information.mark,
        "reverses": information.original,
        "payments": information.count,
        "text": text_of(read_fields(data).bmps.get(0x3C, b"")),
        "slip": slip,
    }
    return _fields(data) | {name: value for name, value in shown.items() if value}


def _progress(data: bytes) -> Fields:
    if not data:
        return {}
    said = prompt("", data)
    shown = {"status": f"{data[0]:02X}", "prompt": said.code if said else "", "text": said.text if said else ""}
    limit_ms = patience_ms(data)
    return shown | ({"minutes": limit_ms // 60_000} if limit_ms else {})


def _completion(data: bytes) -> Fields:
    """Of a status enquiry it has no field numbers, and which command it ends is not in it."""
    if data[:1] == b"\x19" or not data:
        return {"status": data[1:2].hex().upper()} | _fields(data) if data else {}
    status, version = read_status(data)
    return {"status": f"{status:02X}"} | ({"version": version} if version else {})


def _code(data: bytes) -> Fields:
    return {"code": data[:1].hex().upper()}


def _line(data: bytes) -> Fields:
    return {"attribute": data[:1].hex().upper(), "text": text_of(data[1:])}


def _block(data: bytes) -> Fields:
    length = tlv_length(data, 1)
    lines = read_container(data[length[1] :]).tags.get(0x07, []) if length else []
    return {"lines": [text_of(line) for line in lines]}


_SHOWN: dict[int, Callable[[bytes], Fields]] = {
    requests.REGISTRATION: _registration,
    requests.SALE: _fields,
    requests.INFORMATION: _information,
    requests.PROGRESS: _progress,
    requests.COMPLETED: _completion,
    requests.ABORTED: _code,
    requests.PRINT_LINE: _line,
    requests.PRINT_BLOCK: _block,
}
