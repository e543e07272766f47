"""Problem documents (RFC 9457) with the members of docs/wire.md."""

import json
from dataclasses import dataclass
from typing import Any, TypeVar

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Problem:
    """`suffix` is the end of `type`, which the client branches on. "" and 0 stand for what was not said."""

    suffix: str = ""
    detail: str = ""
    seq: int = 0
    expected_seq: int = 0
    kept_seq: int = 0
    retry_after_s: float = 0.0
    server_time: str = ""


def problem_of(body: bytes) -> Problem:
    """Return the problem that a body describes. A member of the wrong type counts as not said.

    Read leniently: what kind of trouble it is must not be lost over a detail of its description.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return Problem()
    if not isinstance(content, dict):
        return Problem()
    return Problem(
        _member(content, "type", "").rpartition("/")[2],
        _member(content, "detail", ""),
        max(0, _member(content, "seq", 0)),
        max(0, _member(content, "expected_seq", 0)),
        max(0, _member(content, "kept_seq", 0)),
        max(0.0, _member(content, "retry_after_s", 0.0) or float(_member(content, "retry_after_s", 0))),
        _member(content, "server_time", ""),
    )


def _member(content: dict[str, Any], name: str, unsaid: _Value) -> _Value:
    value = content.get(name)
    return value if type(value) is type(unsaid) else unsaid
