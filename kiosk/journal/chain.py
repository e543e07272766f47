"""Checks a sequence of records against the rules of the chain, and against what the witness has seen."""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.journal import acknowledgement
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.record import MalformedEntry, Record, is_canonical, is_signed, parse
from kiosk.journal.witness import Seen

_PART = 100  # records, some 15 ms of checking
NOTHING: Mapping[int, str] = MappingProxyType({})
Mark = tuple[str, int, str]


@dataclass(frozen=True)
class Expectation:
    """What the chain must say about itself. "" and 0 accept what the first record says."""

    kiosk_id: str = ""
    epoch: int = 0
    nonce: str = ""


@dataclass(frozen=True)
class Gone:
    """What a record JournalPruned says, and which record that is: why the beginning of a chain is not here."""

    seq: int
    hash: str
    from_seq: int
    to_seq: int
    last_hash: str
    archive_sha256: str

    @classmethod
    def told_by(cls, record: Record) -> "Gone":
        """Read a record of that kind. Raises JournalDamaged."""
        try:
            body = record.envelope().body
            gone = cls(record.seq, record.hash, **{name: body[name] for name in _GONE})
        except (MalformedEntry, KeyError) as error:
            raise JournalDamaged(f"the entry is unreadable: {error}", record.seq) from error
        if type(gone.to_seq) is not int or gone.to_seq >= record.seq:
            raise JournalDamaged(f"prunes up to {gone.to_seq}", record.seq)
        return gone


_GONE = ("from_seq", "to_seq", "last_hash", "archive_sha256")


@dataclass(frozen=True)
class Report:
    """Result of a check. `bad_seq` is the first record that is wrong or missing, 0 if that cannot be told.

    `first_seq` is above 1 when the beginning was pruned.
    """

    ok: bool
    records: int
    head_seq: int
    head_hash: str
    bad_seq: int = 0
    reason: str = ""
    witnessed_seq: int = 0
    acked_seq: int = 0
    first_seq: int = 1


class ChainCheck:
    """Takes records one by one, in order; the first that does not fit raises JournalDamaged.

    A thorough check looks at every signature and at the canonical form. Otherwise hashes and links are checked,
    which is as good for the entries once `seal` has found the head's signature good: each entry holds the hash
    of the one before.

    The chain may begin later than with record 1 only where `gone` lets it: the record that `gone` was read from has to
    come by later, and the hash that it names has to be there, so that nothing is cut off at the front unnoticed.
    """

    def __init__(
        self, public_key: Ed25519PublicKey, expect: Expectation, *, thorough: bool, gone: Gone | None = None
    ) -> None:
        self._public_key = public_key
        self._expect = expect
        self._thorough = thorough
        self._promised = gone  # until its record has come by
        self.gone = gone  # the newest
        self.seq = 0
        self.hash = expect.nonce
        self.first_seq = 1
        self.taken = 0
        self._last: Record | None = None

    def go_on_after(self, seq: int, digest: str) -> None:
        """Let the chain continue from a record that was checked before."""
        self.seq, self.hash, self.first_seq = seq, digest, seq + 1

    def take(self, record: Record) -> None:
        if self.seq == 0 and self.gone is not None and 1 < record.seq <= self.gone.to_seq + 1:
            self._begin_late(record, self.gone)
        reason = self._misfit(record)
        if reason:
            raise JournalDamaged(reason, self.seq + 1)
        self.seq, self.hash, self._last = record.seq, record.hash, record
        self.taken += 1
        if record.kind == "JournalPruned":
            self.gone = Gone.told_by(record)

    def seal(self) -> None:
        """The last record was taken: its signature covers everything before it."""
        if self._last is not None and not is_signed(self._last.hash, self._last.sig, self._public_key):
            raise JournalDamaged("the signature is not the kiosk's", self.seq)
        if self._promised is not None and self.first_seq <= self._promised.seq:
            raise JournalDamaged("missing: the record of what was pruned", self.seq + 1)

    def _begin_late(self, record: Record, gone: Gone) -> None:
        try:
            before = record.envelope().prev_hash
        except MalformedEntry as error:
            raise JournalDamaged(f"the entry is unreadable: {error}", record.seq) from error
        if record.seq == gone.to_seq + 1 and before != gone.last_hash:
            raise JournalDamaged("does not follow the last record that was pruned", record.seq)
        self.go_on_after(record.seq - 1, before)

    def _misfit(self, record: Record) -> str:
        if record.seq != self.seq + 1:
            return f"missing: record {record.seq} follows {self.seq}"
        if broken := self._broken_promise(record):
            return broken
        if sha256(record.entry).hexdigest() != record.hash:
            return "the entry does not have its hash"
        try:
            envelope = parse(record.entry)
        except MalformedEntry as error:
            return f"the entry is unreadable: {error}"
        if self._last is None:
            self._expect = _learn(self._expect, envelope.kiosk_id, envelope.epoch)
            self.hash = self.hash or envelope.prev_hash
        if (envelope.seq, envelope.kind) != (record.seq, record.kind):
            return "the row and its entry differ"
        if (envelope.kiosk_id, envelope.epoch) != (self._expect.kiosk_id, self._expect.epoch):
            return f"written by {envelope.kiosk_id!r} in epoch {envelope.epoch}"
        if envelope.prev_hash != self.hash:
            return "does not follow the record before"
        return self._superficial_misfit(record) if self._thorough else ""

    def _broken_promise(self, record: Record) -> str:
        """The record that told of a pruned beginning has to come by, and the last one that it names if it is here."""
        promised = self._promised
        if promised is None:
            return ""
        if self.first_seq > 1 and record.seq == promised.to_seq and record.hash != promised.last_hash:
            return "is not the last record that was to be pruned"
        if record.seq == promised.seq:
            self._promised = None
            return "" if record.hash == promised.hash else "is not the record of what was pruned"
        return ""

    def _superficial_misfit(self, record: Record) -> str:
        if not is_canonical(record.entry):
            return "the entry is not in canonical form"
        if not is_signed(record.hash, record.sig, self._public_key):
            return "the signature is not the kiosk's"
        return ""


def check(
    records: Iterable[Record],
    seen: Seen | None,
    chain: ChainCheck,
    server_key: Ed25519PublicKey | None = None,
    known: Mapping[int, str] = NOTHING,
    beat: Callable[[], None] = lambda: None,
) -> Report:
    """Check a whole journal against its witness; never raises for damage, which stands in the report.

    `beat` is called now and then, for it can take minutes.
    """
    parts = check_in_parts(records, seen, chain, server_key, known)
    while True:
        try:
            next(parts)
            beat()
        except StopIteration as end:
            report: Report = end.value
            return report


def check_in_parts(
    records: Iterable[Record],
    seen: Seen | None,
    chain: ChainCheck,
    server_key: Ed25519PublicKey | None = None,
    known: Mapping[int, str] = NOTHING,
) -> Generator[int, None, Report]:
    """Check as `check` does, yielding the place reached after every 100 records and returning the report.

    `records` may grow meanwhile: what the witness had seen at the beginning has to be there. `known` gives hashes of
    records that lie before the first one that is looked at.
    """
    hashes = dict(known)
    try:
        marks = marks_of(seen, server_key)
        wanted = {seq for _, seq, _ in marks}
        for record in records:
            chain.take(record)
            if record.seq in wanted:
                hashes[record.seq] = record.hash
            if record.seq % _PART == 0:
                yield record.seq
        chain.seal()
        _compare(chain, seen, marks, hashes)
    except JournalDamaged as damage:
        return _report(chain, seen, damage)
    return _report(chain, seen, None)


def marks_of(seen: Seen | None, server_key: Ed25519PublicKey | None) -> list[Mark]:
    """Return who has seen which record: name, seq and hash. Raises JournalDamaged for a false acknowledgement."""
    if seen is None:
        return []
    marks = [("the witness", seen.head_seq, seen.head_hash)]
    if seen.ack_text:
        try:
            ack = acknowledgement.read(seen.ack_text, seen.ack_sig, server_key)
        except acknowledgement.NotAnAcknowledgement as error:
            raise JournalDamaged(f"the server's acknowledgement in the witness file: {error}") from error
        marks.append(("the server", ack.head_seq, ack.head_hash))
    return [mark for mark in marks if mark[1]]


def _compare(chain: ChainCheck, seen: Seen | None, marks: list[Mark], hashes: Mapping[int, str]) -> None:
    if seen is None and chain.seq:
        raise JournalDamaged("the witness file is missing")
    for name, seq, digest in marks:
        if seq > chain.seq:
            raise JournalDamaged(f"cut off: {name} has seen record {seq}", chain.seq + 1)
        if seq not in hashes:  # the witness is synced before any record goes
            raise JournalDamaged(f"the witness file was set back: record {seq}, the last of {name}, is not here", seq)
        if hashes[seq] != digest:
            raise JournalDamaged(f"{name} has seen another record here", seq)


def _learn(expect: Expectation, kiosk_id: str, epoch: int) -> Expectation:
    return Expectation(expect.kiosk_id or kiosk_id, expect.epoch or epoch, expect.nonce)


def _report(chain: ChainCheck, seen: Seen | None, damage: JournalDamaged | None) -> Report:
    acked = 0
    if seen is not None and seen.ack_text and (damage is None or damage.seq):
        acked = acknowledgement.read(seen.ack_text, seen.ack_sig, None).head_seq
    return Report(
        ok=damage is None,
        records=chain.taken,
        head_seq=chain.seq,
        head_hash=chain.hash,
        bad_seq=damage.seq if damage else 0,
        reason=damage.reason if damage else "",
        witnessed_seq=seen.head_seq if seen else 0,
        acked_seq=acked,
        first_seq=chain.first_seq,
    )
