"""Checks a sequence of records against the rules of the chain, and against what the witness has seen."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.journal import acknowledgement
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.record import MalformedEntry, Record, is_canonical, is_signed, parse
from kiosk.journal.witness import Seen

_PART = 100  # records, some 15 ms of checking


@dataclass(frozen=True)
class Expectation:
    """What the chain must say about itself. "" and 0 accept what the first record says."""

    kiosk_id: str = ""
    epoch: int = 0
    nonce: str = ""


@dataclass(frozen=True)
class Report:
    """Result of a check. `bad_seq` is the first record that is wrong or missing, 0 if that cannot be told."""

    ok: bool
    records: int
    head_seq: int
    head_hash: str
    bad_seq: int = 0
    reason: str = ""
    witnessed_seq: int = 0
    acked_seq: int = 0


class ChainCheck:
    """Takes records one by one, in order; the first that does not fit raises JournalDamaged.

    A thorough check looks at every signature and at the canonical form. Otherwise hashes and links are checked,
    which is as good for the entries once `seal` has found the head's signature good: each entry holds the hash
    of the one before.
    """

    def __init__(self, public_key: Ed25519PublicKey, expect: Expectation, *, thorough: bool) -> None:
        self._public_key = public_key
        self._expect = expect
        self._thorough = thorough
        self.seq = 0
        self.hash = expect.nonce
        self._last: Record | None = None

    def take(self, record: Record) -> None:
        reason = self._misfit(record)
        if reason:
            raise JournalDamaged(reason, self.seq + 1)
        self.seq, self.hash, self._last = record.seq, record.hash, record

    def seal(self) -> None:
        """The last record was taken: its signature covers everything before it."""
        if self._last is not None and not is_signed(self._last.hash, self._last.sig, self._public_key):
            raise JournalDamaged("the signature is not the kiosk's", self.seq)

    def _misfit(self, record: Record) -> str:
        if record.seq != self.seq + 1:
            return f"missing: record {record.seq} follows {self.seq}"
        if sha256(record.entry).hexdigest() != record.hash:
            return "the entry does not have its hash"
        try:
            envelope = parse(record.entry)
        except MalformedEntry as error:
            return f"the entry is unreadable: {error}"
        if self.seq == 0:
            self._expect = _learn(self._expect, envelope.kiosk_id, envelope.epoch)
            self.hash = self.hash or envelope.prev_hash
        if (envelope.seq, envelope.kind) != (record.seq, record.kind):
            return "the row and its entry differ"
        if (envelope.kiosk_id, envelope.epoch) != (self._expect.kiosk_id, self._expect.epoch):
            return f"written by {envelope.kiosk_id!r} in epoch {envelope.epoch}"
        if envelope.prev_hash != self.hash:
            return "does not follow the record before"
        return self._superficial_misfit(record) if self._thorough else ""

    def _superficial_misfit(self, record: Record) -> str:
        if not is_canonical(record.entry):
            return "the entry is not in canonical form"
        if not is_signed(record.hash, record.sig, self._public_key):
            return "the signature is not the kiosk's"
        return ""


def check(
    records: Iterable[Record], seen: Seen | None, chain: ChainCheck, server_key: Ed25519PublicKey | None = None
) -> Report:
    """Check a whole journal against its witness; never raises for damage, which stands in the report."""
    parts = check_in_parts(records, seen, chain, server_key)
    while True:
        try:
            next(parts)
        except StopIteration as end:
            report: Report = end.value
            return report


def check_in_parts(
    records: Iterable[Record], seen: Seen | None, chain: ChainCheck, server_key: Ed25519PublicKey | None = None
) -> Generator[int, None, Report]:
    """Check as `check` does, yielding the place reached after every 100 records and returning the report.

    `records` may grow meanwhile: what the witness had seen at the beginning has to be there.
    """
    hashes: dict[int, str] = {}
    try:
        ack = _acknowledged(seen, server_key)
        marks = ((seen.head_seq, seen.head_hash) if seen else None, ack)
        wanted = {mark[0] for mark in marks if mark}
        for record in records:
            chain.take(record)
            if record.seq in wanted:
                hashes[record.seq] = record.hash
            if record.seq % _PART == 0:
                yield record.seq
        chain.seal()
        _compare(chain, seen, ack, hashes)
    except JournalDamaged as damage:
        return _report(chain, seen, damage)
    return _report(chain, seen, None)


def _compare(chain: ChainCheck, seen: Seen | None, ack: tuple[int, str] | None, hashes: dict[int, str]) -> None:
    if seen is None:
        if chain.seq:
            raise JournalDamaged("the witness file is missing")
        return
    for name, mark in (("the witness", (seen.head_seq, seen.head_hash)), ("the server", ack)):
        if mark is None or mark[0] == 0:
            continue
        if mark[0] > chain.seq:
            raise JournalDamaged(f"cut off: {name} has seen record {mark[0]}", chain.seq + 1)
        if hashes[mark[0]] != mark[1]:
            raise JournalDamaged(f"{name} has seen another record here", mark[0])


def _acknowledged(seen: Seen | None, server_key: Ed25519PublicKey | None) -> tuple[int, str] | None:
    if seen is None or not seen.ack_text:
        return None
    try:
        ack = acknowledgement.read(seen.ack_text, seen.ack_sig, server_key)
    except acknowledgement.NotAnAcknowledgement as error:
        raise JournalDamaged(f"the server's acknowledgement in the witness file: {error}") from error
    return ack.head_seq, ack.head_hash


def _learn(expect: Expectation, kiosk_id: str, epoch: int) -> Expectation:
    return Expectation(expect.kiosk_id or kiosk_id, expect.epoch or epoch, expect.nonce)


def _report(chain: ChainCheck, seen: Seen | None, damage: JournalDamaged | None) -> Report:
    acked = 0
    if seen is not None and seen.ack_text and (damage is None or damage.seq):
        acked = acknowledgement.read(seen.ack_text, seen.ack_sig, None).head_seq
    return Report(
        ok=damage is None,
        records=chain.seq,
        head_seq=chain.seq,
        head_hash=chain.hash,
        bad_seq=damage.seq if damage else 0,
        reason=damage.reason if damage else "",
        witnessed_seq=seen.head_seq if seen else 0,
        acked_seq=acked,
    )
