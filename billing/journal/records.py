"""Reading one record as it came over the wire (docs/wire.md, "A record"). Nothing here touches the database."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from billing.journal import canonical

ENTRY_MAX_BYTES = 32 * 1024
_TEXT_FIELDS = ("kiosk_id", "entry_id", "kind", "device_time", "clock_state", "boot_id", "prev_hash")
_WHOLE_FIELDS = ("v", "epoch", "seq", "mono_ms")


class Malformed(Exception):
    """Not a record of this kiosk: `why` names the first rule it breaks."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Wire:
    """A record as sent: nothing about it is known to be true."""

    entry: str
    hash: str
    sig: str


@dataclass(frozen=True)
class Record:
    """A record whose bytes, hash and signature agree and whose envelope names this kiosk and epoch."""

    wire: Wire
    seq: int
    kind: str
    prev_hash: str
    device_time: str
    clock_state: str
    body: Any

    @property
    def hash(self) -> str:
        return self.wire.hash


def check(wire: Wire, key: Ed25519PublicKey, kiosk_id: str, epoch: int) -> Record:
    """Return the record in `wire`; Malformed if it is not one, or not signed by `key`."""
    entry = _encoded(wire.entry)
    digest = hashlib.sha256(entry).digest()
    if wire.hash != digest.hex():
        raise Malformed("hash")
    _check_signature(wire.sig, digest, key)
    content = _parsed(entry)
    if content["kiosk_id"] != kiosk_id or content["epoch"] != epoch:
        raise Malformed("not-this-journal")
    return Record(
        wire=wire,
        seq=content["seq"],
        kind=content["kind"],
        prev_hash=content["prev_hash"],
        device_time=content["device_time"],
        clock_state=content["clock_state"],
        body=content["body"],
    )


def epoch_of(wire: Wire) -> int | None:
    """Return the epoch that an unchecked record claims, None if it claims none."""
    try:
        claimed = json.loads(wire.entry)["epoch"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return claimed if type(claimed) is int else None


@lru_cache(maxsize=256)  # a record's is asked for at each turn of its way
def moment(device_time: str) -> datetime | None:
    """Return the instant a kiosk wrote as RFC 3339, None if it cannot be read."""
    try:
        parsed = datetime.fromisoformat(device_time)
        return parsed.astimezone(UTC) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _encoded(text: str) -> bytes:
    try:
        entry = text.encode()
    except UnicodeEncodeError:
        raise Malformed("encoding") from None
    if len(entry) > ENTRY_MAX_BYTES:
        raise Malformed("too-long")
    return entry


def _check_signature(sig: str, digest: bytes, key: Ed25519PublicKey) -> None:
    try:
        signature = base64.b64decode(sig, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("signature-encoding") from None
    try:
        key.verify(signature, digest)
    except InvalidSignature:
        raise Malformed("signature") from None


def _parsed(entry: bytes) -> dict[str, Any]:
    content = canonical.plain(entry)
    if content is None:
        try:
            content = json.loads(entry)
            # One fact has one form: this also refuses keys given twice, which two readers could read differently.
            proper = rfc8785.dumps(content)
        except (ValueError, RecursionError, rfc8785.CanonicalizationError):
            raise Malformed("json") from None
        if proper != entry:
            raise Malformed("not-canonical")
    if not isinstance(content, dict):
        raise Malformed("not-an-object")
    if not all(isinstance(content.get(name), str) for name in _TEXT_FIELDS):
        raise Malformed("envelope")
    if not all(type(content.get(name)) is int for name in _WHOLE_FIELDS) or content["v"] != 1 or content["seq"] < 1:
        raise Malformed("envelope")
    if "body" not in content or len(content["kind"]) > 60 or len(content["device_time"]) > 40:
        raise Malformed("envelope")
    return content
