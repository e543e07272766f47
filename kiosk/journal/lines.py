"""The portable form of a journal: one JSON object a line, readable without SQLite."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any, TextIO

import rfc8785

from kiosk.journal.record import Record


class NotALine(ValueError):
    """The text is not a record's line."""


def write(records: Iterable[Record], out: TextIO) -> int:
    """Write `{"seq", "kind", "entry", "hash", "sig"}` a line; return how many.

    `entry` is the entry as an object: its RFC 8785 form is what `hash` covers. Bytes that are no JSON (a damaged
    journal) stand in `raw` as base64, with `entry` null.
    """
    count = 0
    for record in records:
        out.write(line(record))
        count += 1
    return count


def line(record: Record) -> str:
    return json.dumps(_values(record), ensure_ascii=False, separators=(",", ":")) + "\n"


def read(text: str | bytes) -> Record:
    """Return the record of a line. Raises NotALine; whether its entry has its hash is another question."""
    try:
        values = json.loads(text)
        raw = values.get("raw")
        entry = rfc8785.dumps(values["entry"]) if raw is None else b64decode(raw, validate=True)
        record = Record(values["seq"], values["kind"], entry, values["hash"], b64decode(values["sig"], validate=True))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotALine(str(error)) from error
    if type(record.seq) is not int or not isinstance(record.kind, str) or not isinstance(record.hash, str):
        raise NotALine("a field has the wrong type")
    return record


def _values(record: Record) -> dict[str, Any]:
    values: dict[str, Any] = {"seq": record.seq, "kind": record.kind, "entry": None}
    try:
        values["entry"] = json.loads(record.entry)
    except (ValueError, RecursionError):
        values["raw"] = b64encode(record.entry).decode()
    return values | {"hash": record.hash, "sig": b64encode(record.sig).decode()}
