"""A journal record: the entry's bytes, their hash and the kiosk's signature (docs/wire.md, "A record").

The bytes are made once, here. They are stored, sent and checked as they are and never made again.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kiosk.domain import facts

VERSION = 1
ENTRY_LIMIT = 32 * 1024
CLOCK_STATES = ("trusted", "untrusted", "stepped")


class MalformedEntry(ValueError):
    """These bytes are not an entry."""


class EntryTooLarge(ValueError):
    """The entry would be over 32 KiB, which the server does not take."""


@dataclass(frozen=True)
class Moment:
    """When a fact was decided, and the id its entry gets. The caller owns clocks and random numbers.

    `device_time` is RFC 3339 UTC with milliseconds, `boot_id` 32 hex digits, `mono_ms` counts from boot.
    """

    entry_id: str
    device_time: str
    clock_state: str
    boot_id: str
    mono_ms: int


@dataclass(frozen=True)
class Envelope:
    """An entry taken apart. `prev_hash` is 64 hex digits; for `seq` 1 it is the nonce of enrolment."""

    kiosk_id: str
    epoch: int
    seq: int
    kind: str
    moment: Moment
    body: Mapping[str, Any]
    prev_hash: str

    def fact(self) -> facts.Fact:
        """Return the fact; KeyError for a kind or a field that this version does not know."""
        return facts.parse(self.kind, dict(self.body))


@dataclass(frozen=True)
class Record:
    """`hash` is 64 hex digits, `sig` 64 raw bytes over the 32 raw bytes of the hash."""

    seq: int
    kind: str
    entry: bytes
    hash: str
    sig: bytes

    def envelope(self) -> Envelope:
        return parse(self.entry)


def seal(envelope: Envelope, key: Ed25519PrivateKey) -> Record:
    """Make the record of `envelope`. Raises EntryTooLarge, or ValueError for what JSON cannot carry exactly."""
    moment = envelope.moment
    if moment.clock_state not in CLOCK_STATES:
        raise ValueError(f"unknown clock state {moment.clock_state!r}")
    entry = rfc8785.dumps(
        {
            "v": VERSION,
            "kiosk_id": envelope.kiosk_id,
            "epoch": envelope.epoch,
            "seq": envelope.seq,
            "entry_id": moment.entry_id,
            "kind": envelope.kind,
            "device_time": moment.device_time,
            "clock_state": moment.clock_state,
            "boot_id": moment.boot_id,
            "mono_ms": moment.mono_ms,
            "body": dict(envelope.body),
            "prev_hash": envelope.prev_hash,
        }
    )
    if len(entry) > ENTRY_LIMIT:
        raise EntryTooLarge(f"{envelope.kind}: {len(entry)} bytes")
    digest = sha256(entry)
    return Record(envelope.seq, envelope.kind, entry, digest.hexdigest(), key.sign(digest.digest()))


def parse(entry: bytes) -> Envelope:
    """Take an entry apart. Raises MalformedEntry; fields that are not known are left alone."""
    try:
        content = json.loads(entry)
        if type(content["v"]) is not int or content["v"] != VERSION:
            raise MalformedEntry(f"schema version {content['v']!r}")
        moment = Moment(**{name: content[name] for name in Moment.__dataclass_fields__})
        names = ("kiosk_id", "epoch", "seq", "kind", "body", "prev_hash")
        envelope = Envelope(moment=moment, **{name: content[name] for name in names})
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedEntry(str(error)) from error
    texts = (envelope.kiosk_id, envelope.kind, envelope.prev_hash, *vars(moment).values())
    if sum(isinstance(text, str) for text in texts) != len(texts) - 1 or not isinstance(envelope.body, dict):
        raise MalformedEntry("a field has the wrong type")  # every one of `texts` but mono_ms is a string
    if not all(type(number) is int for number in (envelope.epoch, envelope.seq, moment.mono_ms)):
        raise MalformedEntry("a field has the wrong type")
    return envelope


def is_canonical(entry: bytes) -> bool:
    """Return True if `entry` is the RFC 8785 form of itself."""
    try:
        return rfc8785.dumps(json.loads(entry)) == entry
    except (ValueError, RecursionError):
        return False


def is_signed(digest: str, sig: bytes, public_key: Ed25519PublicKey) -> bool:
    """Return True if `sig` is the kiosk's signature over the raw bytes of `digest` (hex)."""
    try:
        public_key.verify(sig, bytes.fromhex(digest))
    except (InvalidSignature, ValueError):
        return False
    return True


def to_wire(record: Record) -> dict[str, str]:
    """Return the record as it travels: entry as text, hash as hex, signature as base64."""
    return {"entry": record.entry.decode(), "hash": record.hash, "sig": b64encode(record.sig).decode()}


def from_wire(content: Mapping[str, Any]) -> Record:
    """Return the record that travelled. Raises MalformedEntry; hash and signature are not checked here."""
    try:
        entry = content["entry"].encode()
        digest, sig = content["hash"], b64decode(content["sig"], validate=True)
    except (KeyError, AttributeError, TypeError, NotBase64, ValueError) as error:
        raise MalformedEntry(f"not a record: {error}") from error
    envelope = parse(entry)
    return Record(envelope.seq, envelope.kind, entry, digest, sig)
