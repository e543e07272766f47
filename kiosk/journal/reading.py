"""A journal whose medium takes no writes: what it holds can still be posted. Nothing is written or locked."""

from pathlib import Path

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.journal import database
from kiosk.journal.acknowledgement import Acknowledgement
from kiosk.journal.chain import Expectation, check
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.medium import SYSTEM, Medium
from kiosk.journal.record import Record
from kiosk.journal.start import whole_chain
from kiosk.journal.store import witness_path
from kiosk.journal.witness import look


class ReadJournal:
    """What posting needs of a journal. Only for a process that could not open it for writing."""

    def __init__(self, connection: apsw.Connection, acked_seq: int) -> None:
        self._db = connection
        self.acked_seq = acked_seq

    @classmethod
    def open(
        cls,
        path: Path,
        expect: Expectation,
        public_key: Ed25519PublicKey,
        server_key: Ed25519PublicKey | None = None,
        medium: Medium = SYSTEM,
    ) -> "ReadJournal":
        """Read the whole chain and check it against the witness. Raises JournalDamaged, or OSError when it cannot."""
        connection = database.connect_to_read(path, medium)
        try:
            database.require_ours(connection)
            seen = look(witness_path(path), medium)
            chain = whole_chain(connection, public_key, expect, thorough=False)
            report = check(database.all_rows(connection), seen, chain, server_key)
            if not report.ok:
                raise JournalDamaged(report.reason, report.bad_seq)
        except BaseException:
            connection.close()
            raise
        return cls(connection, report.acked_seq)

    def records(self, after_seq: int = 0, limit: int = 100) -> list[Record]:
        """Return up to `limit` records after `after_seq`, in order."""
        return database.rows(self._db, after_seq, limit)

    def acknowledge(self, ack: Acknowledgement) -> None:
        """There is no place to keep it: the next start posts the same again, which changes nothing at the server."""

    def confirm(self, seq: int, digest: str) -> str:
        """Return "same" if the server's head is a record of ours; what else it may be is not judged here."""
        found = self.records(seq - 1, 1)
        return "same" if found and (found[0].seq, found[0].hash) == (seq, digest) else "unknown"

    def close(self) -> None:
        self._db.close()


class NoJournal:
    """In place of one that cannot be read: there is nothing to post, but the city still hears why."""

    acked_seq = 0

    def records(self, after_seq: int = 0, limit: int = 100) -> list[Record]:
        return []

    def acknowledge(self, ack: Acknowledgement) -> None:
        """Nothing was sent."""

    def confirm(self, seq: int, digest: str) -> str:
        return "unknown"

    def close(self) -> None:
        """Nothing is open."""
