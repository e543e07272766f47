"""The RFC 8785 form of the entries that kiosks write every day, told by the standard library's JSON in C.

Both forms are the same text when every character is ASCII and every number a whole one of up to 15 digits: keys then
sort alike by code point and by UTF-16, strings have the same escapes, and no number is rounded. What is not so plain is
for rfc8785, which alone refuses.
"""

import json
from typing import Any

_DIGITS = 15  # with the sign: below 2**53 in any case
_NESTING = 100  # rfc8785 gives up where Python's stack ends, which is far deeper


class _NotPlain(ValueError):
    pass


def plain(entry: bytes) -> Any:
    """Return the content of `entry` if it is plain and in RFC 8785 form, else None: ask rfc8785."""
    if not entry.isascii() or entry.count(b"[") + entry.count(b"{") > _NESTING:
        return None
    text = entry.decode("ascii")
    try:
        content = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return content if _ENCODER.encode(content) == text else None


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise _NotPlain(digits)
    return int(digits)


def _refuse(text: str) -> Any:
    raise _NotPlain(text)


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_refuse, parse_constant=_refuse)
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)
