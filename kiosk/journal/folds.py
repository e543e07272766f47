"""Signed snapshots of the fold: what all records up to one of them come to, so that a start reads only what follows.

They lie in the journal's own file, so that a power cut, a copy or a full medium treats both alike. The newest two are
kept. One that does not fit in every way is passed over, never mended: the older one is there, and the records are.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import apsw
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kiosk.journal import database
from kiosk.journal.chain import Expectation, Gone
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.record import is_signed

KEPT = 2
_TYPE = "fold"  # no entry of a record has a type: neither can pass for the other


@dataclass(frozen=True)
class Fold:
    """`hash` is that of record `seq`. `version` names the code that folded, `body` is that code's own.

    `gone` is what the records up to `seq` say of a pruned beginning.
    """

    seq: int
    hash: str
    version: int
    body: Mapping[str, Any]
    gone: Gone | None = None


def keep(connection: apsw.Connection, fold: Fold, expect: Expectation, key: Ed25519PrivateKey) -> None:
    """Sign the fold and commit it; only the newest stay. Raises apsw.Error, or ValueError for what JSON cannot hold."""
    about: dict[str, Any] = {"type": _TYPE, "kiosk_id": expect.kiosk_id, "epoch": expect.epoch}
    content = rfc8785.dumps(about | asdict(fold))
    signature = key.sign(sha256(content).digest())
    with connection:
        connection.execute(database.FOLDS)
        connection.execute("INSERT OR REPLACE INTO folds VALUES (?, ?, ?)", (fold.seq, content, signature))
        connection.execute(
            "DELETE FROM folds WHERE seq NOT IN (SELECT seq FROM folds ORDER BY seq DESC LIMIT ?)", (KEPT,)
        )


def load(connection: apsw.Connection, expect: Expectation, public_key: Ed25519PublicKey) -> list[Fold]:
    """Return those that are signed and have their record in this journal, the newest first."""
    try:
        if not list(connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'folds'")):
            return []
        rows = list(connection.execute("SELECT content, sig FROM folds ORDER BY seq DESC LIMIT ?", (KEPT,)))
    except (apsw.Error, UnicodeDecodeError, MemoryError):
        return []
    read = (_read(content, sig, expect, public_key) for content, sig in rows)
    return [fold for fold in read if fold is not None and _has_its_record(connection, fold)]


def _read(content: bytes, sig: bytes, expect: Expectation, public_key: Ed25519PublicKey) -> Fold | None:
    try:
        if not is_signed(sha256(content).hexdigest(), sig, public_key):
            return None
        values = json.loads(content)
        about = (values.pop("type"), values.pop("kiosk_id"), values.pop("epoch"))
        gone = values.pop("gone")
        fold = Fold(**values, gone=gone and Gone(**gone))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return fold if about == (_TYPE, expect.kiosk_id, expect.epoch) else None


def _has_its_record(connection: apsw.Connection, fold: Fold) -> bool:
    try:
        record = database.rows(connection, fold.seq - 1, 1)
    except JournalDamaged:
        return False
    return [(row.seq, row.hash) for row in record] == [(fold.seq, fold.hash)]
