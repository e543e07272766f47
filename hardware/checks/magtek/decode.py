"""A message of a MagTek check reader in words, for people who read line captures. No account number is in them."""

import re
from typing import Any

from hardware.checks.e13b import BadLine
from hardware.checks.magtek.messages import CR, ESC, ETX, LF, STX, check_of, is_check

Fields = dict[str, Any]

_PREFIX = re.compile(r"^\s*(?:([HhDd])\s*[:>]\s*|([HhDd])\s+)")
_COMMAND = re.compile(r"(VR|SWA|SWB|SWC|FC|SA|RS|HW|LE|SE) ?([01]{8}|[0-9]{4})?")
LAST = 4


def decode_line(line: str) -> Fields:
    """Return what the bytes in `line` say: hex digits, spaced or not, with "H" or "D" before them if it is known who
    sent them. {"ok": False, "error"} if they are no message."""
    prefix = _PREFIX.match(line)
    said = (prefix[1] or prefix[2]).upper() if prefix else ""
    digits = "".join(line[prefix.end() if prefix else 0 :].split())
    if not digits or len(digits) % 2 or not re.fullmatch("[0-9A-Fa-f]+", digits):
        return {"ok": False, "error": "not hexadecimal"}
    raw = bytes.fromhex(digits)
    if raw[-1] not in (ETX, CR, LF):
        return {"ok": False, "error": "no end"}
    text = raw.strip(bytes((STX, ETX, CR, LF, ESC))).decode("latin-1")
    if is_check(text) and said != "H":
        return {"ok": True, "direction": "device", "message": "check", **_check(text)}
    command = _COMMAND.fullmatch(text)
    if command is not None and said != "D":
        return {"ok": True, "direction": "host", "message": command[1], "data": command[2] or ""}
    if not text.isprintable() or not text:
        return {"ok": False, "error": "not text"}
    return {"ok": True, "direction": "device", "message": "answer", "characters": len(text)}


def _check(text: str) -> Fields:
    status = text[-2:]
    try:
        check = check_of(text)
    except BadLine as bad:
        return {"status": status, "refused": bad.code}
    return {
        "status": status,
        "routing": check.routing,
        "account_last4": check.account[-LAST:],
        "number": check.number,
        "business": check.business,
    }
