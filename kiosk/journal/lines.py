"""The portable form of a journal: one JSON object a line, readable without SQLite."""

import json
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, TextIO

from kiosk.journal.record import Record


def write(records: Iterable[Record], out: TextIO) -> int:
    """Write `{"seq", "kind", "entry", "hash", "sig"}` a line; return how many.

    `entry` is the entry as an object: its RFC 8785 form is what `hash` covers. Bytes that are no JSON (a damaged
    journal) stand in `raw` as base64, with `entry` null.
    """
    count = 0
    for record in records:
        out.write(json.dumps(_line(record), ensure_ascii=False, separators=(",", ":")) + "\n")
        count += 1
    return count


def _line(record: Record) -> dict[str, Any]:
    line: dict[str, Any] = {"seq": record.seq, "kind": record.kind, "entry": None}
    try:
        line["entry"] = json.loads(record.entry)
    except (ValueError, RecursionError):
        line["raw"] = b64encode(record.entry).decode()
    return line | {"hash": record.hash, "sig": b64encode(record.sig).decode()}
