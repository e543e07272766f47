"""Journals for tests: opened, filled, acknowledged by a server, folded and pruned."""

import gzip
from base64 import b64encode
from collections.abc import Generator
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.domain.facts import JournalPruned, NoteStacked
from kiosk.journal import lines
from kiosk.journal.acknowledgement import Acknowledgement, read
from kiosk.journal.archive import Label
from kiosk.journal.chain import Expectation
from kiosk.journal.folds import Fold
from kiosk.journal.keys import KEY_NAME
from kiosk.journal.record import Moment, Record
from kiosk.journal.store import Journal

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SERVER = Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96)))
NONCE = "ab" * 32
EXPECT = Expectation("rb-07", 1, NONCE)
VERSION = 7
LATER = "2030-01-01T00:00:00.000Z"  # after everything that `append` writes


def this_version(fold: Fold) -> bool:
    return fold.version == VERSION


def opened(folder: Path, **changes: Any) -> Journal:
    """Open as the engine does, believing folds of VERSION; the server says again how far it is."""
    who = {"key": KEY, "kiosk_id": "rb-07", "epoch": 1, "nonce": NONCE, "server_key": SERVER.public_key()}
    terms = who | {"allow_volatile": True, "believe": this_version} | changes
    journal = Journal.open(folder / "journal.db", **terms)  # type: ignore[arg-type]
    if journal.acked_seq:
        journal.confirm(journal.acked_seq, journal.records(journal.acked_seq - 1, 1)[0].hash)
    return journal


def append(journal: Journal, count: int) -> list[Record]:
    """Append `count` records at once, made a second apart."""
    facts = []
    for at in range(journal.head.seq + 1, journal.head.seq + 1 + count):
        time = f"2026-11-23T{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}.123Z"
        moment = Moment(f"entry-{at}", time, "trusted", "5f" * 16, at)
        facts.append((NoteStacked(f"note-{at}", "payment", 2000, "USD", 1, False), moment))
    return [record for start in range(0, count, 1000) for record in journal.append(facts[start : start + 1000])]


def promise(seq: int, digest: str) -> Acknowledgement:
    content = {"kiosk_id": "rb-07", "epoch": 1, "head_seq": seq, "head_hash": digest}
    text = rfc8785.dumps(content | {"ledger_txn_id": 1, "server_time": "2026-11-23T19:42:30.000Z"})
    return read(text.decode(), b64encode(SERVER.sign(text)).decode(), SERVER.public_key())


def acknowledge(journal: Journal, seq: int = 0) -> None:
    """The server has everything up to `seq`, or all."""
    seq = seq or journal.head.seq
    journal.acknowledge(promise(seq, journal.records(seq - 1, 1)[0].hash))


def keep(journal: Journal) -> None:
    journal.keep_fold(VERSION, {"sum": journal.head.seq})


def finished(parts: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


def archive(journal: Journal, count: int) -> Label:
    """Bring the oldest `count` records into the archive and put it on record."""
    span = journal.prunable(count, LATER)
    assert span is not None
    label: Label = finished(journal.archive(span))
    moment = Moment("pruned", "2026-11-24T00:00:00.000Z", "trusted", "5f" * 16, 0)
    journal.append([(JournalPruned(label.from_seq, label.to_seq, label.last_hash, label.sha256), moment)])
    return label


def prune(journal: Journal, count: int) -> Label:
    label = archive(journal, count)
    while journal.prune():
        pass
    return label


def ready(journal: Journal, count: int = 60) -> list[Record]:
    """Fill a journal so that most of it may go: two folds, all acknowledged."""
    made = append(journal, count - 10)
    keep(journal)
    made += append(journal, 10)
    keep(journal)
    acknowledge(journal)
    return made


def names(folder: Path) -> list[str]:
    """Return the archive's files, the oldest first."""
    return sorted(path.name for path in (folder / "archive").iterdir() if path.suffix == ".gz")


def unpacked(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def pruned_journal(folder: Path) -> list[Record]:
    """Make a journal of 460 records and two that tell of pruning, and return all: 1 to 300 are in two files.

    The key lies beside it, for the command line.
    """
    journal = opened(folder)
    ready(journal, 460)
    prune(journal, 200)
    prune(journal, 100)
    here = list(journal.all_records())
    journal.close()
    pem = KEY.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    (folder / KEY_NAME).write_bytes(pem)
    (folder / KEY_NAME).chmod(0o600)
    return [lines.read(line) for name in names(folder) for line in unpacked(folder / "archive" / name)] + here
