"""A frame in words, for people who read line captures. An encrypted packet is named and not opened."""

import re
from typing import Any

from hardware.acceptors.ssp.events import Code, Told, read_events
from hardware.acceptors.ssp.frames import Malformed, parse, unstuff
from hardware.acceptors.ssp.opening import VERSIONS
from hardware.acceptors.ssp.secrecy import STEX
from hardware.acceptors.ssp.setup import read_setup
from hardware.acceptors.ssp.words import FIRST_REPLY, Command, Reply, read_levels

Fields = dict[str, Any]

_PREFIX = re.compile(r"^\s*(?:([HhDd])\s*[:>]\s*|([HhDd])\s+)")
_VALIDATOR_SETUP = range(0x10)  # no event has a code as low as a unit type


def decode_line(line: str) -> Fields:
    """Return what the frame in `line` says: hex digits, spaced or not, with "H" or "D" before them if it is known who
    sent it. {"ok": False, "error"} if it is none."""
    try:
        said, raw = _bytes_of(line)
        frame = parse(unstuff(raw))
        direction = _direction(frame.data, said)
        head: Fields = {"ok": True, "direction": direction, "flag": frame.flag, "address": f"{frame.address:02X}"}
        return head | (_command(frame.data) if direction == "host" else _reply(frame.data))
    except Malformed as error:
        return {"ok": False, "error": str(error)}


def _bytes_of(line: str) -> tuple[str, bytes]:
    prefix = _PREFIX.match(line)
    # "D" alone may be a digit of the frame: every frame begins with 7F.
    said = (prefix[1] or prefix[2]).upper() if prefix else ""
    digits = "".join(line[prefix.end() if prefix else 0 :].split())
    if not digits:
        raise Malformed("empty line")
    if not re.fullmatch("[0-9A-Fa-f]+", digits):
        raise Malformed("not hexadecimal")
    if len(digits) % 2:
        raise Malformed("odd number of hexadecimal digits")
    return said, bytes.fromhex(digits)


def _direction(data: bytes, said: str) -> str:
    meant = {"H": "host", "D": "device"}.get(said, "")
    if data[0] == STEX:
        return meant or "unknown"
    own = "device" if data[0] >= FIRST_REPLY else "host"
    if meant and own != meant:
        raise Malformed(f"{data[0]:02X} comes from the {own}, not the {meant}: an echo?")
    return own


def _command(data: bytes) -> Fields:
    if data[0] == STEX:
        return _packet(data)
    name = Command(data[0]).name.lower() if data[0] in set(Command) else "unknown"
    fields: Fields = {"type": name, "number": f"{data[0]:02X}", "data": _hex(data[1:])}
    match data[0]:
        case Command.SET_INHIBITS:
            mask = int.from_bytes(data[1:], "little")
            fields["enabled"] = [channel for channel in range(1, 25) if mask >> channel - 1 & 1]
        case Command.SET_GENERATOR | Command.SET_MODULUS | Command.KEY_EXCHANGE:
            fields["value"] = int.from_bytes(data[1:], "little")
        case Command.HOST_PROTOCOL_VERSION if len(data) == 2:
            fields["version"] = data[1]
    return fields


def _reply(data: bytes) -> Fields:
    if data[0] == STEX:
        return _packet(data)
    name = Reply(data[0]).name.lower() if data[0] in set(Reply) else "unknown"
    fields: Fields = {"type": name, "number": f"{data[0]:02X}", "data": _hex(data[1:])}
    if data[0] != Reply.OK or len(data) == 1:
        return fields
    return fields | _contents(data[1:])


def _contents(data: bytes) -> Fields:
    """The reply does not repeat the command, so what can be read is offered."""
    levels = read_levels(data)
    if levels is not None:
        rows = [{"currency": iso, "value_minor": minor, "count": count} for (iso, minor), count in levels.items()]
        return {"levels": rows}
    setup = read_setup(data) if data[0] in _VALIDATOR_SETUP else None
    if setup is not None:
        table = {str(channel): {"currency": iso, "value_minor": minor} for channel, (iso, minor) in setup.table.items()}
        return {"setup": {"model": setup.model, "firmware": setup.firmware, "version": setup.version, "table": table}}
    told, problem = read_events(data, VERSIONS[0], payout=True)
    fields: Fields = {"events": [_event(event) for event in told]} if told else {}
    if problem and len(data) == 4:
        fields["serial"] = str(int.from_bytes(data, "big"))
    return fields | ({"unread": problem} if problem else {})


def _event(event: Told) -> Fields:
    fields: Fields = {"event": Code(event.code).name.lower()}
    if event.code in (Code.READ, Code.CREDIT, Code.CLEARED_FROM_FRONT, Code.CLEARED_INTO_CASHBOX):
        fields["channel"] = event.channel
    if event.sums:
        fields["sums"] = [{"currency": iso, "value_minor": minor} for iso, minor in event.sums]
    if event.asked:
        fields["asked"] = [{"currency": iso, "value_minor": minor} for iso, minor in event.asked]
    return fields


def _packet(data: bytes) -> Fields:
    return {"type": "encrypted", "number": f"{STEX:02X}", "data": _hex(data[1:])}


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()
