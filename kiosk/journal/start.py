"""Where the check of a journal begins: at its first record, or at the newest fold that can be believed."""

from collections.abc import Callable

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.journal import database
from kiosk.journal.chain import ChainCheck, Expectation, Gone, Report, check, marks_of
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.folds import Fold
from kiosk.journal.record import MalformedEntry
from kiosk.journal.witness import Seen


def check_at_start(
    connection: apsw.Connection,
    seen: Seen | None,
    public_key: Ed25519PublicKey,
    expect: Expectation,
    server_key: Ed25519PublicKey | None,
    fold: Fold | None,
    beat: Callable[[], None],
) -> tuple[Report, Gone | None]:
    """Check what follows `fold`, or everything. Returns what was found, and what is known of a pruned beginning."""
    if fold is None:
        chain = whole_chain(connection, public_key, expect, thorough=False)
        report = check(database.all_rows(connection), seen, chain, server_key, beat=beat)
    else:
        chain = _chain_from(connection, fold, public_key, expect)
        known = _hashes(connection, seen, server_key, fold.seq)
        report = check(database.all_rows(connection, fold.seq - 1), seen, chain, server_key, known, beat)
    if not report.ok:
        raise JournalDamaged(report.reason, report.bad_seq)
    if fold is not None:
        _require_beginning(connection, chain.gone, expect)
    return report, chain.gone


def whole_chain(
    connection: apsw.Connection, public_key: Ed25519PublicKey, expect: Expectation, *, thorough: bool
) -> ChainCheck:
    """Return a check for all rows, which may begin late if a record among them says why. Raises JournalDamaged."""
    gone = None
    if database.first_seq(connection) > 1:
        told = database.newest(connection, "JournalPruned")
        gone = Gone.told_by(told) if told else None
    return ChainCheck(public_key, expect, thorough=thorough, gone=gone)


def _chain_from(
    connection: apsw.Connection, fold: Fold, public_key: Ed25519PublicKey, expect: Expectation
) -> ChainCheck:
    """The record of the fold is checked too; what it follows is the fold's word."""
    chain = ChainCheck(public_key, expect, thorough=False, gone=fold.gone)
    chain.go_on_after(fold.seq - 1, _prev_hash(connection, fold.seq))
    return chain


def _hashes(
    connection: apsw.Connection, seen: Seen | None, server_key: Ed25519PublicKey | None, before_seq: int
) -> dict[int, str]:
    """Return the hashes of the records before the fold that the witness or the server speak of."""
    earlier = [seq for _, seq, _ in marks_of(seen, server_key) if seq < before_seq]
    return {row.seq: row.hash for seq in earlier for row in database.rows(connection, seq - 1, 1)}


def _require_beginning(connection: apsw.Connection, gone: Gone | None, expect: Expectation) -> None:
    """Raise JournalDamaged if the first row is not the chain's first, nor where a record says that it now begins."""
    first = database.first_seq(connection)
    starts = gone.to_seq + 1 if gone else 1
    if not 1 <= first <= starts:
        raise JournalDamaged(f"missing: the first record is {first}", starts)
    follows = expect.nonce if first == 1 else gone.last_hash if gone and first == starts else ""
    if follows and _prev_hash(connection, first) != follows:
        raise JournalDamaged("does not follow the record before", first)


def _prev_hash(connection: apsw.Connection, seq: int) -> str:
    try:
        return database.rows(connection, seq - 1, 1)[0].envelope().prev_hash
    except MalformedEntry as error:
        raise JournalDamaged(f"the entry is unreadable: {error}", seq) from error
