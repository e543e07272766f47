"""Which old records may go from a journal, and their way into the archive."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import islice

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.journal import archive, database
from kiosk.journal.archive import Archive, Label
from kiosk.journal.chain import Gone
from kiosk.journal.record import Record


@dataclass(frozen=True)
class Span:
    """Records `from_seq` to `to_seq`, with the hashes before and at the end."""

    from_seq: int
    to_seq: int
    prev_hash: str
    last_hash: str


def oldest(connection: apsw.Connection, count: int, below_seq: int, before: str) -> Span | None:
    """Return the first `count` records, if all lie below `below_seq` and were made before the time `before`."""
    from_seq = database.first_seq(connection)
    to_seq = from_seq + count - 1
    if to_seq >= below_seq:
        return None
    first, last = (database.rows(connection, seq - 1, 1)[0] for seq in (from_seq, to_seq))
    # The kiosk's clock never goes back (architecture, rule 10): the last one is the youngest.
    if last.envelope().moment.device_time >= before:
        return None
    return Span(first.seq, last.seq, first.envelope().prev_hash, last.hash)


def file_away(
    connection: apsw.Connection, span: Span, gone: Gone | None, place: Archive, key: Ed25519PrivateKey
) -> Generator[None, None, Label]:
    """Write a file of the archive and compare it with the journal, a part at each step. `gone` tells the file before.

    Raises JournalDamaged or OSError; the journal is as before then.
    """
    before_seq = gone.from_seq if gone else 0
    ends = (span.from_seq, span.to_seq, span.prev_hash, span.last_hash)
    blank = Label(place.expect.kiosk_id, place.expect.epoch, *ends, before_seq, "")
    label = yield from archive.write(_records(connection, span), blank, place.folder, key, place.medium)
    yield from archive.read_back(label, _records(connection, span), place.folder, key.public_key(), place.medium)
    return label


def _records(connection: apsw.Connection, span: Span) -> Iterator[Record]:
    return islice(database.all_rows(connection, span.from_seq - 1), span.to_seq - span.from_seq + 1)
