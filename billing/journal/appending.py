"""The one door for money: records in, chain head moved, ledger posted, all in one transaction (rule 7)."""

import hashlib
import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import DataError, IntegrityError, transaction

from billing import clock, rows
from billing.claims import keeping
from billing.journal import books, cards
from billing.journal.booking import Booker
from billing.journal.models import BookedNote, BookedTender, ForkRecord, Payment, Quarantined, SuspenseItem
from billing.journal.models import Record as StoredRecord
from billing.journal.placing import Stop, walk
from billing.journal.records import Malformed, Record, Wire, check, epoch_of, moment
from billing.journal.terms import MEMO, Booking, Completion, Open
from billing.kiosks.models import Chain, Kiosk
from billing.ledger import posting

log = logging.getLogger("billing.journal")
_ATTEMPTS = 5
_SKEW_ALLOWED = timedelta(minutes=2)
_RECORD_COLUMNS = (
    "chain_id",
    "seq",
    "kind",
    "entry",
    "hash",
    "sig",
    "device_time",
    "clock_doubtful",
    "received_at",
    "disposition",
    "reason",
    "transaction_id",
)
_MEMOS = (
    "SELECT i.id, i.subject FROM journal_suspenseitem i JOIN kiosks_chain c ON c.id = i.chain_id"
    " WHERE c.kiosk_id = {} AND i.memo = {} AND i.reason = 'note-in-doubt' AND i.resolved_at IS NULL"
    " AND i.subject IN {}"
)
_TENDER_COLUMNS = ("kiosk_id", "what", "name", "payment_id", "amount_minor", "fork")
_PAYMENT_COLUMNS = ("kiosk_id", "posted_at", *(field.name for field in fields(Completion)))


class Collision(Exception):
    """Another request moved this head in the meantime, five times over: the kiosk is to try again."""


@dataclass(frozen=True)
class Result:
    seq: int
    outcome: str  # "created" | "exists"
    disposition: str
    reason: str


@dataclass(frozen=True)
class Answer:
    """`chain` is as it stands after the batch; None if no epoch of this kiosk could be named.

    `kept_seq` is the last record of a losing branch that is kept now, 0 when there is no fork.
    """

    results: tuple[Result, ...]
    stop: Stop | None
    chain: Chain | None
    kept_seq: int = 0


def append(kiosk: Kiosk, wires: Sequence[Wire], now: datetime, sender: Chain | None = None) -> Answer:
    """Append the records that fit, in order, and post what they book. Repeats change nothing.

    `sender` is a chain of this kiosk that was read already: mostly the one that the records belong to.
    """
    epoch = epoch_of(wires[0])
    chain = sender if sender and sender.epoch == epoch else _chain(kiosk, epoch)
    if chain is None:
        _quarantine(kiosk, 0, wires[0], "epoch-unknown", now)
        kiosk.chains.filter(frozen="").update(frozen="malformed")
        return Answer((), Stop("malformed", 0, "epoch-unknown"), None)
    records, why = _checked(wires, chain)
    for attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                batch = _Batch(kiosk, chain.pk, now, one_by_one=attempt >= _ATTEMPTS - 2)
                return batch.append(records, wires, why)
        except (Collision, IntegrityError, DataError) as error:
            log.warning("%s: attempt %d failed: %s", chain, attempt + 1, type(error).__name__)
    raise Collision


def acknowledgement(chain: Chain, now: datetime, key: Ed25519PrivateKey) -> dict[str, str]:
    """Return the server's signed word on what it holds of `chain`."""
    text = rfc8785.dumps(
        {
            "kiosk_id": chain.kiosk_id,
            "epoch": chain.epoch,
            "head_seq": chain.head_seq,
            "head_hash": chain.head_hash,
            "ledger_txn_id": chain.ledger_txn_id,
            "server_time": clock.stamp(now),
        }
    )
    return {"text": text.decode(), "sig": b64encode(key.sign(text)).decode()}


def _chain(kiosk: Kiosk, epoch: int | None) -> Chain | None:
    known = epoch is not None and epoch < 2**31
    found: Chain | None = Chain.objects.filter(kiosk=kiosk, epoch=epoch).first() if known else None
    return found


def _checked(wires: Sequence[Wire], chain: Chain) -> tuple[list[Record], str]:
    """Return the records up to the first malformed one, and what is wrong with that one ("" if none is)."""
    key = Ed25519PublicKey.from_public_bytes(b64decode(chain.public_key))
    records: list[Record] = []
    for wire in wires:
        try:
            records.append(check(wire, key, chain.kiosk_id, chain.epoch))
        except Malformed as error:
            return records, error.why
    return records, ""


def _quarantine(kiosk: Kiosk, epoch: int, wire: Wire, why: str, now: datetime) -> None:
    raw = json.dumps(asdict(wire))
    digest = hashlib.sha256(raw.encode()).hexdigest()
    Quarantined.objects.bulk_create(
        [Quarantined(kiosk=kiosk, epoch=epoch, digest=digest, raw=raw, why=why, received_at=now)],
        ignore_conflicts=True,
    )
    log.error("%s epoch %d: quarantined a record (%s)", kiosk, epoch, why)


class _Batch:
    """One attempt, inside its transaction. `one_by_one` finds the record that the database refuses to book."""

    def __init__(self, kiosk: Kiosk, chain_pk: int, now: datetime, one_by_one: bool) -> None:
        self._kiosk, self._now, self._one_by_one = kiosk, now, one_by_one
        self._chain = Chain.objects.select_for_update().get(pk=chain_pk)
        self._head = (self._chain.head_seq, self._chain.head_hash)
        self._today = clock.city_date(now)
        self._latest = now + _SKEW_ALLOWED

    def append(self, records: list[Record], wires: Sequence[Wire], why: str) -> Answer:
        held = self._held(records)
        way = walk(self._head, records, {seq: digest for seq, (digest, _, _) in held.items()}, self._lost(records))
        placed, stop = way.placed, way.stop
        self._chain.head_seq, self._chain.head_hash = way.head
        fresh = list({record.seq: record for record in placed if record.seq not in held}.values())
        branch = records[len(placed) :] if stop and stop.type == "journal-fork" else []
        booker = Booker(self._kiosk.pk, self._chain.epoch, books.load(self._kiosk.pk, [*fresh, *branch]))
        booked = {record.seq: booker.book(record, self._day(record)) for record in fresh}
        if self._one_by_one:
            booked = {record.seq: self._save_or_hold(record, booked[record.seq]) for record in fresh}
        else:
            self._save(fresh, [booked[record.seq] for record in fresh])
        if branch:
            self._keep_branch(branch, booker)
        if why and stop is None:
            stop = Stop("malformed", self._chain.head_seq + 1, why)
            _quarantine(self._kiosk, self._chain.epoch, wires[len(records)], why, self._now)
        self._move_head(stop)
        results = []
        for record in placed:
            results.append(self._result(record, held, booked))
            booking = booked.get(record.seq)
            if booking:  # a record that occurs twice in one batch is there the second time
                held[record.seq] = (record.hash, booking.disposition, booking.reason)
        return Answer(tuple(results), stop, self._chain, branch[-1].seq if branch else 0)

    def _held(self, records: list[Record]) -> dict[int, tuple[str, str, str]]:
        """Return hash, disposition and reason of the records that are here already, by sequence."""
        seqs = [record.seq for record in records if record.seq <= self._head[0]]
        if not seqs:
            return {}
        found = StoredRecord.objects.filter(chain=self._chain, seq__gte=min(seqs), seq__lte=max(seqs))
        return {seq: (h, d, r) for seq, h, d, r in found.values_list("seq", "hash", "disposition", "reason")}

    def _lost(self, records: list[Record]) -> set[str]:
        """Return what these records touch of a losing branch: a long one comes in many batches."""
        if not records or records[0].seq <= self._head[0] + 1:
            return set()  # walked by place alone
        touched = {digest for record in records for digest in (record.hash, record.prev_hash)}
        return set(ForkRecord.objects.filter(chain=self._chain, hash__in=touched).values_list("hash", flat=True))

    def _save_or_hold(self, record: Record, booking: Booking) -> Booking:
        """Save one record; if its booking cannot be posted, keep it with a memo, so that it blocks none behind it."""
        try:
            with transaction.atomic():
                self._save([record], [booking])
        except (IntegrityError, DataError):
            log.exception("%s: record %d could not be posted", self._chain, record.seq)
            subject = f"{self._kiosk.pk}/{self._chain.epoch}/{record.seq}"
            opened = Open("posting-failed", subject, 0, settings.CURRENCY, memo=True)
            booking = Booking(MEMO, "posting-failed", opened=(opened,))
            self._save([record], [booking])
        return booking

    def _save(self, records: list[Record], bookings: list[Booking]) -> None:
        transactions = self._post(bookings)
        values = [
            (
                self._chain.pk,
                record.seq,
                record.kind.replace("\x00", ""),
                record.wire.entry,
                record.hash,
                record.wire.sig,
                record.device_time.replace("\x00", ""),
                self._clock_doubtful(record),
                self._now,
                booking.disposition,
                booking.reason,
                posted,
            )
            for record, booking, posted in zip(records, bookings, transactions, strict=True)
        ]
        rows.store(StoredRecord, _RECORD_COLUMNS, values)
        self._save_around(records, bookings)

    def _post(self, bookings: list[Booking]) -> list[int | None]:
        """Post the drafts and return, beside each booking, its transaction's id or None."""
        posted = iter(posting.post_many([booking.draft for booking in bookings if booking.draft], self._now))
        transactions = [next(posted) if booking.draft else None for booking in bookings]
        self._chain.ledger_txn_id = max([self._chain.ledger_txn_id, *filter(None, transactions)])
        return transactions

    def _save_around(self, records: list[Record], bookings: list[Booking], fork: bool = False) -> None:
        """Write what goes with the transactions: notes, payments, claims, and suspense opened or answered."""
        pairs = list(zip(records, bookings, strict=True))
        notes = [(self._kiosk.pk, booking.note_id) for booking in bookings if booking.note_id]
        rows.store(BookedNote, ("kiosk_id", "note_id"), notes)
        tenders = [booking.tender for booking in bookings if booking.tender]
        rows.store(
            BookedTender, _TENDER_COLUMNS, [(self._kiosk.pk, t.what, t.name, *vars(t.known).values()) for t in tenders]
        )
        payments = [
            (self._kiosk.pk, self._now, *vars(booking.completion).values())
            for booking in bookings
            if booking.completion
        ]
        rows.store(Payment, _PAYMENT_COLUMNS, payments)
        SuspenseItem.objects.bulk_create(
            SuspenseItem(chain=self._chain, seq=record.seq, opened_at=self._now, **asdict(item))
            for record, booking in pairs
            for item in booking.opened
        )
        claims = [(record, booking.claim, self._clock_doubtful(record)) for record, booking in pairs if booking.claim]
        keeping.take_down(self._chain, claims, fork, self._now)
        steps = [(record, booking.step, self._happened_at(record)) for record, booking in pairs if booking.step]
        cards.keep(self._chain, steps, fork)
        cards.answer(self._chain, [(record, booking.answer) for record, booking in pairs if booking.answer], self._now)
        self._answer_memos({booking.settled_note: record.seq for record, booking in pairs if booking.settled_note})

    def _answer_memos(self, answered: dict[str, int]) -> None:
        """Resolve the memos of notes that a record speaks of now; `answered` is its sequence, by note."""
        if not answered:
            return
        for key, note_id in rows.select(_MEMOS, self._kiosk.pk, True, answered):
            words = "the journal says what became of the note"
            SuspenseItem.objects.filter(pk=key).update(
                resolved_at=self._now, resolution=words, answered_seq=answered[note_id]
            )

    def _keep_branch(self, branch: list[Record], booker: Booker) -> None:
        """Keep the losing branch, and book its cash to fork suspense: those notes exist."""
        hashes = [record.hash for record in branch]
        known = set(ForkRecord.objects.filter(chain=self._chain, hash__in=hashes).values_list("hash", flat=True))
        known |= set(StoredRecord.objects.filter(chain=self._chain, hash__in=hashes).values_list("hash", flat=True))
        fresh = list({record.hash: record for record in branch if record.hash not in known}.values())
        bookings = [booker.book_fork(record, self._day(record)) for record in fresh]
        transactions = self._post(bookings)
        ForkRecord.objects.bulk_create(
            ForkRecord(
                chain=self._chain,
                seq=record.seq,
                kind=record.kind.replace("\x00", ""),
                entry=record.wire.entry,
                hash=record.hash,
                sig=record.wire.sig,
                received_at=self._now,
                transaction_id=posted,
            )
            for record, posted in zip(fresh, transactions, strict=True)
        )
        self._save_around(fresh, bookings, fork=True)
        log.error("%s: fork, %d records of the losing branch kept", self._chain, len(fresh))

    def _move_head(self, stop: Stop | None) -> None:
        """Move the head from where it was read to where it is now: compare and set."""
        chain = self._chain
        if stop and stop.type in ("journal-fork", "malformed") and not chain.frozen:
            chain.frozen = stop.type
        moved = Chain.objects.filter(pk=chain.pk, head_seq=self._head[0], head_hash=self._head[1]).update(
            head_seq=chain.head_seq,
            head_hash=chain.head_hash,
            ledger_txn_id=chain.ledger_txn_id,
            frozen=chain.frozen,
        )
        if moved != 1:
            raise Collision

    def _result(self, record: Record, held: dict[int, tuple[str, str, str]], booked: dict[int, Booking]) -> Result:
        if record.seq in held:
            _, disposition, reason = held[record.seq]
            return Result(record.seq, "exists", disposition, reason)
        booking = booked[record.seq]
        return Result(record.seq, "created", booking.disposition, booking.reason)

    def _happened_at(self, record: Record) -> datetime:
        return self._now if self._clock_doubtful(record) else moment(record.device_time) or self._now

    def _clock_doubtful(self, record: Record) -> bool:
        at = moment(record.device_time)
        return record.clock_state != "trusted" or at is None or at > self._latest

    def _day(self, record: Record) -> date:
        """The kiosk's date if its clock is trusted and not ahead of ours, else the day we received it (rule 10)."""
        at = moment(record.device_time)
        if self._clock_doubtful(record) or at is None:
            return self._today
        return min(self._today, clock.city_date(at))


def fields_of(record: StoredRecord) -> dict[str, Any]:
    """Return a stored record as it goes over the wire."""
    return {"entry": record.entry, "hash": record.hash, "sig": record.sig}
