"""A frame in words, for people who read line captures. Card data is left out, whoever sent it."""

import re
from dataclasses import asdict
from typing import Any

from hardware.cards.masking import without_card_numbers
from hardware.cards.pax import responses
from hardware.cards.pax.frames import (
    ACK,
    CONTROLS,
    ENQ,
    EOT,
    ETX,
    NAK,
    STX,
    US,
    Malformed,
    Response,
    is_command,
    lrc,
    parse,
    split,
)

Fields = dict[str, Any]

_PREFIX = re.compile(r"^\s*(?:([HhDd])\s*[:>]\s*|([HhDd])\s+)")
_CONTROLS = {ACK: "ack", NAK: "nak", ENQ: "enq", EOT: "eot"}
_COMMANDS = {
    "A00": "initialise",
    "A02": "get variable",
    "A04": "set variable",
    "A08": "get signature",
    "A10": "show message",
    "A12": "clear message",
    "A14": "cancel",
    "A16": "reset",
    "A20": "do signature",
    "A26": "reboot",
    "A35": "report status",
    "A54": "set store-and-forward",
    "A78": "get store-and-forward",
    "B00": "batch close",
    "B02": "force batch close",
    "B04": "batch clear",
    "R00": "local totals",
    "R02": "local detail",
    "T00": "credit",
    "T02": "debit",
}
_TYPES = {
    "01": "sale",
    "02": "return",
    "03": "authorisation",
    "04": "post-authorisation",
    "05": "forced",
    "06": "adjust",
    "16": "void",
    "17": "void of a sale",
    "18": "void of a return",
    "23": "balance",
    "24": "verify",
    "99": "reversal",
}
_R02_KEYS = ("edc", "transaction_type", "card_type", "record", "number", "approval", "reference")


def decode_line(line: str) -> Fields:
    """Return what the frame in `line` says: hex digits, spaced or not, with "H" or "D" before them if it is known who
    sent it. {"ok": False, "error"} if it is none."""
    try:
        said, raw = _bytes_of(line)
        if len(raw) == 1 and raw[0] in CONTROLS:
            return {"ok": True, "direction": said or "unknown", "type": _CONTROLS[raw[0]]}
        body = _body_of(raw)
        own = "device" if split(body)[0] in ("0", "1") else "host"
        if said and said != own:
            raise Malformed(f"this comes from the {own}, not the {said}")
        return {"ok": True, "direction": own} | (_response(body) if own == "device" else _request(body))
    except Malformed as error:
        return {"ok": False, "error": str(error)}


def _bytes_of(line: str) -> tuple[str, bytes]:
    prefix = _PREFIX.match(line)
    said = {"H": "host", "D": "device"}[(prefix[1] or prefix[2]).upper()] if prefix else ""
    digits = "".join(line[prefix.end() if prefix else 0 :].split())
    if not digits:
        raise Malformed("empty line")
    if not re.fullmatch("[0-9A-Fa-f]+", digits):
        raise Malformed("not hexadecimal")
    if len(digits) % 2:
        raise Malformed("odd number of hexadecimal digits")
    return said, bytes.fromhex(digits)


def _body_of(raw: bytes) -> bytes:
    if raw[0] != STX:
        raise Malformed(f"STX: expected 02, found {raw[0]:02X}")
    end = raw.find(ETX, 1)
    if end < 0 or len(raw) != end + 2:
        raise Malformed("ETX: it stands before the last byte, and there alone")
    expected = lrc(raw[1:end])
    if raw[-1] != expected:
        raise Malformed(f"checksum: expected {expected:02X}, found {raw[-1]:02X}")
    return raw[1:end]


def _request(body: bytes) -> Fields:
    groups = [[without_card_numbers(text) for text in group.split(US)] for group in split(body)]
    command = groups[0][0]
    if not is_command(command):
        raise Malformed("no command")
    version = groups[1][0] if len(groups) > 1 else ""
    fields: Fields = {"type": _name(command), "command": command, "version": version}
    if command in ("T00", "T02"):
        return fields | _credit(groups[2:])
    if command == "R02":
        return fields | {name: group[0] for name, group in zip(_R02_KEYS, groups[2:], strict=False) if group[0]}
    return fields | {"fields": [US.join(group).replace(US, "^") for group in groups[2:]]}


def _credit(groups: list[list[str]]) -> Fields:
    kind, amounts, account, trace = (groups[at] if at < len(groups) else [""] for at in range(4))
    fields: Fields = {"transaction": _TYPES.get(kind[0], kind[0]), "reference": trace[0]}
    if amounts[0].isdecimal():
        fields["amount_minor"] = int(amounts[0])
    if len(trace) > 3 and trace[3]:
        fields["number"] = trace[3]
    if any(account[:5]):
        fields["account"] = "left out"
    if len(account) > 5 and account[5]:
        fields["duplicate_override"] = True
    extended = [text for group in groups[8:] for text in group if "=" in text]
    return fields | ({"extended": extended} if extended else {})


def _response(body: bytes) -> Fields:
    response = parse([body])
    fields: Fields = {
        "type": f"{_name(f'{response.command[0]}{int(response.command[1:]) - 1:02d}')} answer",
        "command": response.command,
        "version": response.version,
        "code": response.code,
        "message": response.message,
    }
    if response.more:
        fields["more"] = True
    if response.command in ("T01", "T03", "R03") and response.groups:
        return fields | _transaction(response)
    if response.command == "B01" and response.groups:
        done = responses.closing(response)
        return fields | {"count": done.count, "total_minor": done.total_minor}
    if response.command == "A01":
        return fields | {"serial": response.text(5), "model": response.text(6), "firmware": response.text(7)}
    return fields | {"fields": ["^".join(group) for group in response.groups]}


def _transaction(response: Response) -> Fields:
    read = {"T01": responses.transaction, "T03": responses.debit, "R03": responses.record}[response.command]
    told = read(response)
    slip = {name: value for name, value in asdict(told.slip).items() if value}
    fields: Fields = {
        "transaction": _TYPES.get(told.kind, told.kind),
        "reference": told.reference,
        "number": told.number,
        "host_code": told.host_code,
        "slip": slip,
    }
    return fields | ({} if told.amount_minor is None else {"amount_minor": told.amount_minor})


def _name(command: str) -> str:
    return _COMMANDS.get(command, "unknown")
