"""Residents who came while the line was down: a journal full of whole sessions, sealed and kept by the kiosk's code."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.billed_city import OWED_MINOR
from kiosk.domain import facts as f
from kiosk.journal.ids import uuid7
from kiosk.journal.keys import Enrolment
from kiosk.journal.record import Moment
from kiosk.journal.store import Journal

SESSION_RECORDS = 12
NOTES_MINOR = (5000, 500, 500)
assert sum(NOTES_MINOR) == OWED_MINOR


def queued(
    path: Path, enrolment: Enrolment, key: Ed25519PrivateKey, bills: Sequence[tuple[str, str]], count: int
) -> Journal:
    """Return a journal of `count` records, none of them posted; a bill is paid by one session. Close it."""
    journal = open_journal(path, enrolment, key)
    wall = datetime.now(UTC)
    for number, (account, bill) in enumerate(bills):
        session = list(_session(enrolment, number, account, bill, wall))[: count - journal.head.seq]
        if not session:
            break
        first = journal.head.seq
        journal.append([(fact, _moment(first + place, wall)) for place, fact in enumerate(session, 1)])
    assert journal.head.seq == count, "a bill is needed for each session"
    return journal


def open_journal(path: Path, enrolment: Enrolment, key: Ed25519PrivateKey) -> Journal:
    return Journal.open(
        path,
        key=key,
        kiosk_id=enrolment.kiosk_id,
        epoch=enrolment.epoch,
        nonce=enrolment.nonce,
        server_key=enrolment.pinned_server_key(),
        allow_volatile=True,
    )


def cash_minor(count: int) -> int:
    """Return the cash in the first `count` records of such a journal."""
    sessions, rest = divmod(count, SESSION_RECORDS)
    stacked = [place for place in range(len(NOTES_MINOR)) if 3 + 2 * (place + 1) <= rest]
    return sessions * OWED_MINOR + sum(NOTES_MINOR[place] for place in stacked)


def _session(enrolment: Enrolment, number: int, account: str, bill: str, wall: datetime) -> Iterator[f.Fact]:
    """Give what is journalled of a resident who pays a bill in full with three notes."""
    session, payment, *notes = (_identifier(wall, b"s", 8 * number + place) for place in range(2 + len(NOTES_MINOR)))
    line = f.LinePaid(account, bill, OWED_MINOR)
    stacked = tuple(f.NoteInPayment(note, value) for note, value in zip(notes, NOTES_MINOR, strict=True))
    yield f.SessionOpened(session)
    yield f.InvoiceChosen(session, payment, account, "4417", (line,), OWED_MINOR, True, "en")
    yield f.AmountAgreed(payment, OWED_MINOR)
    for note in stacked:
        yield f.NoteStackRequested(note.note_id, payment, 6, note.value_minor, "USD", 1)
        yield f.NoteStacked(note.note_id, payment, note.value_minor, "USD", 1, False)
    receipt = f"{enrolment.receipt_prefix}-{enrolment.epoch}-{number:06d}"
    day = wall.date().isoformat()
    yield f.PaymentCompleted(payment, session, receipt, account, (line,), stacked, OWED_MINOR, "USD", "met", day, True)
    yield f.ReceiptPrinted(payment, receipt, True)
    yield f.SessionClosed(session, "done")


def _moment(seq: int, wall: datetime) -> Moment:
    stamp = f"{wall:%Y-%m-%dT%H:%M:%S}.{seq % 1000:03d}Z"
    return Moment(_identifier(wall, b"e", seq), stamp, "trusted", "5f" * 16, 1000 * seq)


def _identifier(wall: datetime, what: bytes, number: int) -> str:
    return uuid7(int(wall.timestamp() * 1000), what + number.to_bytes(9, "big"))
