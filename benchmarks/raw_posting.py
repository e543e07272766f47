"""What posting comes to without the server: the same rows by plain SQL, each record's hash and signature verified.

The rows are read from the database that the server has just written and go, batch by batch, into a copy of it with
the same triggers, in as many transactions: one for the request's nonce, one for all the rest. The ledger's entries are
not inserted: the triggers write them here, too.
"""

from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from benchmarks.city_server import City

TABLES = ("ledger_transaction", "journal_record", "journal_bookednote", "journal_payment", "journal_suspenseitem")
NONCES = "kiosks_seennonce"
_CHAIN = "SELECT head_seq, head_hash, ledger_txn_id FROM kiosks_chain WHERE kiosk_id = '{}'"
Rows = dict[str, list[tuple[Any, ...]]]


class RawPosting:
    """Follows the server's database in the copy `raw`, which must be as the server's was when this is made."""

    def __init__(self, city: City, kiosk_id: str, key: Ed25519PublicKey) -> None:
        self._key = key
        self._chain = _CHAIN.format(kiosk_id)
        self._source, self._target = city.connect(), city.connect("raw")
        mark = "%s" if city.socket else "?"
        self._begin = "BEGIN" if city.socket else "BEGIN IMMEDIATE"
        self._columns = {table: self._names(table) for table in (NONCES, *TABLES)}
        self._last = {table: self._newest(table) for table in self._columns}
        self._insert = {
            table: f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"
            for table, names in self._columns.items()
        }
        self._move = (
            f"UPDATE kiosks_chain SET head_seq = {mark}, head_hash = {mark}, ledger_txn_id = {mark}"
            f" WHERE head_seq = {mark} AND head_hash = {mark} AND kiosk_id = '{kiosk_id}'"
        )
        self._writer = self._target.cursor()
        self._head = self._source.execute(self._chain).fetchone()

    def fetch(self) -> Rows:
        """Return the rows that the server has written since the last call."""
        rows: Rows = {}
        for table, names in self._columns.items():
            # As text, JSON goes from one database to the other as it is.
            wanted = ", ".join("CAST(lines AS TEXT)" if name == "lines" else name for name in names)
            since = self._last[table]
            rows[table] = self._source.execute(
                f"SELECT {wanted} FROM {table} WHERE id > {since} ORDER BY id"
            ).fetchall()
            self._last[table] = self._newest(table)
        before, self._head = self._head, self._source.execute(self._chain).fetchone()
        rows["kiosks_chain"] = [(*self._head, *before[:2])]
        return rows

    def write(self, records: Sequence[dict[str, str]], rows: Rows) -> None:
        """Verify the records as they came over the wire and commit the rows."""
        for record in records:
            digest = sha256(record["entry"].encode()).digest()
            if digest.hex() != record["hash"]:
                raise ValueError("hash")
            self._key.verify(b64decode(record["sig"]), digest)
        self._target.execute(self._begin)
        self._writer.executemany(self._insert[NONCES], rows[NONCES])
        self._target.execute("COMMIT")
        self._target.execute(self._begin)
        for table in TABLES:
            if rows[table]:
                self._writer.executemany(self._insert[table], rows[table])
        self._writer.execute(self._move, rows["kiosks_chain"][0])
        if self._writer.rowcount != 1:
            raise ValueError("head")
        self._target.execute("COMMIT")

    def differences(self) -> list[str]:
        """Return the names of tables that do not hold as many rows and cents here as there."""
        queries = [f"SELECT COUNT(*) FROM {table}" for table in TABLES]
        queries += [
            "SELECT account_id, COUNT(*), SUM(amount_minor) FROM ledger_entry GROUP BY 1 ORDER BY 1",
            self._chain,
        ]
        ask = self._source.execute, self._target.execute
        return [query for query in queries if ask[0](query).fetchall() != ask[1](query).fetchall()]

    def close(self) -> None:
        self._source.close()
        self._target.close()

    def _names(self, table: str) -> list[str]:
        return [column[0] for column in self._source.execute(f"SELECT * FROM {table} LIMIT 0").description]

    def _newest(self, table: str) -> int:
        (newest,) = self._source.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}").fetchone()
        return int(newest)
