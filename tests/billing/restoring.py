"""A server's database kept and put back, and what must be the same afterwards: read by SQL, on either database."""

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

# What a restore may change: numbers of rows, the time of receipt, and what follows from them.
QUERIES = {
    "ledger": "SELECT account_id, subject, SUM(amount_minor), COUNT(*) FROM ledger_entry GROUP BY account_id, subject",
    "dates": "SELECT reference, value_date FROM ledger_transaction WHERE reference LIKE '%/%/%/%'",
    "records": "SELECT c.kiosk_id, c.epoch, r.seq, r.hash, r.disposition, r.reason FROM journal_record r"
    " JOIN kiosks_chain c ON c.id = r.chain_id",
    "heads": "SELECT kiosk_id, epoch, head_seq, head_hash, frozen FROM kiosks_chain",
    "receipts": "SELECT kiosk_id, receipt_number, payment_id, total_minor, currency, value_date FROM journal_payment",
    "suspense": "SELECT reason, subject, amount_minor, currency, memo, seq, resolved_at IS NULL"
    " FROM journal_suspenseitem",
    "notes": "SELECT kiosk_id, note_id FROM journal_bookednote",
    "tenders": "SELECT kiosk_id, what, name, payment_id, amount_minor FROM journal_bookedtender",
    "attempts": "SELECT kiosk_id, reference, payment_id, state, amount_minor FROM journal_cardattempt",
    "forks": "SELECT seq, hash FROM journal_forkrecord",
}
Rows = dict[str, list[tuple[Any, ...]]]


def what_it_holds(ask: Callable[[str], list[tuple[Any, ...]]]) -> Rows:
    """Return what kiosks brought about, in an order of its own."""
    return {name: sorted(ask(query), key=repr) for name, query in QUERIES.items()}


class SqliteFile:
    """The database file of a server that may be running."""

    def __init__(self, path: Path, backup: Path) -> None:
        self._path, self._backup = path, backup

    def keep(self) -> None:
        self._copy(self._path, self._backup)

    def put_back(self) -> None:
        self._copy(self._backup, self._path)

    def holds(self) -> Rows:
        with closing(sqlite3.connect(self._path, timeout=20)) as database:
            return what_it_holds(lambda query: database.execute(query).fetchall())

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        with closing(sqlite3.connect(source, timeout=20)) as one, closing(sqlite3.connect(target, timeout=20)) as other:
            one.backup(other)


class PostgresDump:
    """A database of a cluster, dumped and restored under a running server with the tools of a city's back-up."""

    def __init__(self, binaries: Path, socket: str, dump: Path, ask: Callable[[str], list[tuple[Any, ...]]]) -> None:
        self._binaries, self._socket, self._dump, self._ask = binaries, socket, dump, ask

    def keep(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self._dump}", "postgres")

    def put_back(self) -> None:
        self._run("pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname=postgres", str(self._dump))

    def holds(self) -> Rows:
        return what_it_holds(self._ask)

    def _run(self, tool: str, *arguments: str) -> None:
        command = [str(self._binaries / tool), f"--host={self._socket}", "--username=billing", *arguments]
        subprocess.run(command, check=True, timeout=60)
