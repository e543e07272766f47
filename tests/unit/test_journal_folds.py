"""A start from a fold: as good as reading everything, and never from a fold that does not fit."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.journal import audit, database, folds
from kiosk.journal.chain import Expectation
from kiosk.journal.errors import JournalDamaged, JournalUnwritable
from kiosk.journal.folds import Fold
from tests.unit.journal_bench import EXPECT, KEY, VERSION, append, keep, opened, ready


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folded")
    journal = opened(folder)
    ready(journal)
    append(journal, 5)
    journal.close()
    return folder


@pytest.fixture
def folded(written: Path, tmp_path: Path) -> Path:
    """A closed journal of 65 records with folds at 50 and 60."""
    return Path(shutil.copytree(written, tmp_path, dirs_exist_ok=True))


EDIT = "UPDATE records SET entry = CAST(replace(CAST(entry AS TEXT), '2000', '5000') AS BLOB) WHERE seq = "


def by_sql(folder: Path, *statements: str) -> None:
    with apsw.Connection(str(folder / "journal.db")) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where each walk through the table began."""
    begun: list[int] = []
    real = database.all_rows

    def walk(connection: apsw.Connection, after_seq: int = -(1 << 63)) -> Iterator[Any]:
        begun.append(after_seq)
        return real(connection, after_seq)

    monkeypatch.setattr(database, "all_rows", walk)
    return begun


def test_a_start_reads_from_the_newest_fold_on(folded: Path, reading: list[int]) -> None:
    journal = opened(folded)
    assert reading == [59]
    assert (journal.head.seq, journal.acked_seq) == (65, 60)
    assert [(fold.seq, fold.body) for fold in journal.folds] == [(60, {"sum": 60}), (50, {"sum": 50})]
    assert [record.seq for record in journal.walk(60)] == [61, 62, 63, 64, 65]
    assert append(journal, 1)[0].seq == 66
    assert journal.verify().ok
    journal.close()


def test_a_start_needs_no_more_for_a_longer_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of SQLite at a start is the same after 20 records and after 2000."""
    counts = []
    for length in (20, 2000):
        (tmp_path / str(length)).mkdir()
        journal = opened(tmp_path / str(length))
        ready(journal, length)
        journal.close()
        rows: list[int] = []
        real = database._record
        monkeypatch.setattr(database, "_record", lambda row, real=real, rows=rows: rows.append(1) or real(row))
        opened(tmp_path / str(length)).close()
        monkeypatch.undo()
        counts.append(len(rows))
    assert counts[0] == counts[1] < 20


def test_what_nobody_believes_is_not_used(folded: Path, reading: list[int]) -> None:
    journal = opened(folded, believe=lambda fold: fold.version == VERSION + 1)
    assert reading == [-(1 << 63)]
    assert journal.folds == ()
    journal.close()


def test_the_newest_two_are_kept(folded: Path) -> None:
    journal = opened(folded)
    keep(journal)
    assert [fold.seq for fold in journal.folds] == [65, 60]
    keep(journal)
    assert [fold.seq for fold in journal.folds] == [65, 60]
    journal.close()
    journal = opened(folded)
    assert [fold.seq for fold in journal.folds] == [65, 60]
    journal.close()


DAMAGE = {
    "a sum edited": "content = CAST(replace(CAST(content AS TEXT), '\"sum\":60', '\"sum\":61') AS BLOB)",
    "the place edited": "content = CAST(replace(CAST(content AS TEXT), '\"seq\":60', '\"seq\":61') AS BLOB)",
    "signature lost": "sig = zeroblob(64)",
    "signature short": "sig = x'00'",
    "no JSON": "content = x'ff'",
    "the older one's signature": "sig = (SELECT sig FROM folds WHERE seq = 50)",
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_fold_is_passed_over_for_the_older(folded: Path, reading: list[int], what: str) -> None:
    by_sql(folded, f"UPDATE folds SET {DAMAGE[what]} WHERE seq = 60")
    journal = opened(folded)
    assert [fold.seq for fold in journal.folds] == [50]
    assert reading == [49]
    journal.close()


@pytest.mark.parametrize("what", DAMAGE)
def test_with_both_damaged_everything_is_read(folded: Path, reading: list[int], what: str) -> None:
    by_sql(folded, f"UPDATE folds SET {DAMAGE[what]} WHERE seq = 60", "DELETE FROM folds WHERE seq = 50")
    journal = opened(folded)
    assert (journal.folds, reading, journal.head.seq) == ((), [-(1 << 63)], 65)
    journal.close()


def test_unreadable_folds_make_no_journal_unreadable(folded: Path) -> None:
    connection = apsw.Connection(str(folded / "journal.db"))
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'folds'").get
    connection.close()
    path = folded / "journal.db"
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    journal = opened(folded)
    assert (journal.folds, journal.head.seq) == ((), 65)
    journal.close()


def swapped(folder: Path, key: Ed25519PrivateKey = KEY, expect: Expectation = EXPECT, **changes: Any) -> None:
    """Put another fold of record 60 in the place of ours, signed by `key`."""
    connection = apsw.Connection(str(folder / "journal.db"))
    digest = connection.execute("SELECT hash FROM records WHERE seq = 60").get
    fold = Fold(**({"seq": 60, "hash": digest, "version": VERSION, "body": {"sum": 1}} | changes))
    connection.execute("DELETE FROM folds")
    folds.keep(connection, fold, expect, key)
    connection.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"key": Ed25519PrivateKey.generate()},
        {"expect": Expectation("rb-08", 1, "")},
        {"expect": Expectation("rb-07", 2, "")},
        {"hash": "00" * 32},
        {"seq": 61},
        {"seq": 66},
        {"seq": 0},
        {"seq": -1},
    ],
)
def test_a_fold_of_another_key_kiosk_epoch_or_place_is_not_believed(
    folded: Path, reading: list[int], changes: dict[str, Any]
) -> None:
    swapped(folded, **changes)
    journal = opened(folded)
    assert (journal.folds, reading) == ((), [-(1 << 63)])
    journal.close()


def test_neither_a_record_nor_an_archive_passes_for_a_fold(folded: Path) -> None:
    """All three are signed by the same key over a SHA-256."""
    by_sql(
        folded,
        "UPDATE folds SET content = (SELECT entry FROM records WHERE seq = 60), "
        "sig = (SELECT sig FROM records WHERE seq = 60)",
    )
    journal = opened(folded)
    assert journal.folds == ()
    journal.close()


@pytest.mark.parametrize("seq", [60, 61, 65])
def test_damage_from_the_fold_on_is_found_at_its_record(folded: Path, seq: int) -> None:
    by_sql(folded, f"{EDIT}{seq}")
    with pytest.raises(JournalDamaged) as damage:
        opened(folded)
    assert damage.value.seq == seq


def test_damage_under_the_fold_is_found_by_the_full_check(folded: Path) -> None:
    by_sql(folded, f"{EDIT}30")
    journal = opened(folded)
    assert journal.verify().bad_seq == 30
    journal.close()
    assert audit.verify(folded / "journal.db", KEY.public_key(), expect=EXPECT).bad_seq == 30


@pytest.mark.parametrize("kept", [0, 1, 30, 49, 50, 59, 60, 64])
def test_a_tail_cut_off_is_missed_also_with_the_folds_in_place(folded: Path, kept: int) -> None:
    by_sql(folded, f"DELETE FROM records WHERE seq > {kept}")
    with pytest.raises(JournalDamaged, match="cut off: the witness"):
        opened(folded)


@pytest.mark.parametrize("gone", [1, 2, 30, 49, 50, 59, 60, 61])
@pytest.mark.parametrize("believing", [True, False])
def test_a_beginning_cut_off_is_missed(folded: Path, gone: int, believing: bool) -> None:
    by_sql(folded, f"DELETE FROM records WHERE seq <= {gone}")
    with pytest.raises(JournalDamaged, match="missing") as damage:
        opened(folded, **({} if believing else {"believe": lambda fold: False}))
    assert damage.value.seq == 1
    assert audit.verify(folded / "journal.db", KEY.public_key(), expect=EXPECT).bad_seq == 1


def test_the_first_record_of_another_enrolment_is_found(folded: Path) -> None:
    with pytest.raises(JournalDamaged) as damage:
        opened(folded, nonce="cd" * 32)
    assert damage.value.seq == 1


def test_a_witness_that_saw_another_record_under_the_fold_is_heard(folded: Path) -> None:
    journal = opened(folded)
    journal._witness.note_head(30, "00" * 32)
    journal.close()
    with pytest.raises(JournalDamaged, match="the witness has seen another record") as damage:
        opened(folded)
    assert damage.value.seq == 30


def test_a_journal_without_folds_is_opened_unchanged_and_gets_its_first(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    append(journal, 3)
    journal.close()
    before = (tmp_path / "journal.db").read_bytes()
    journal = opened(tmp_path)
    assert journal.folds == ()
    journal.close()
    assert (tmp_path / "journal.db").read_bytes() == before
    journal = opened(tmp_path)
    keep(journal)
    journal.close()
    journal = opened(tmp_path)
    assert [fold.seq for fold in journal.folds] == [3]
    journal.close()


def test_a_fold_that_does_not_fit_the_medium_is_fatal(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    append(journal, 1)
    journal._db.pragma("max_page_count", journal._db.pragma("page_count"))
    with pytest.raises(JournalUnwritable, match="FullError"):
        journal.keep_fold(VERSION, {"much": "x" * 100_000})
    with pytest.raises(JournalUnwritable):
        append(journal, 1)
    journal.close()
    journal = opened(tmp_path)
    assert (journal.folds, journal.head.seq) == ((), 1)
    journal.close()


def test_an_added_table_is_no_journal(folded: Path) -> None:
    by_sql(folded, "CREATE TABLE more (seq)")
    with pytest.raises(JournalDamaged, match="not a journal"):
        opened(folded)


def test_a_copy_of_another_journals_folds_is_not_believed(folded: Path, tmp_path: Path) -> None:
    """The same kiosk and epoch, another branch: the record at that place has another hash."""
    (tmp_path / "branch").mkdir()
    for name in ("journal.db", "journal.db-wal", "journal.db.witness"):
        shutil.copyfile(folded / name, tmp_path / "branch" / name)
    for folder, more in ((folded, 1), (tmp_path / "branch", 2)):
        journal = opened(folder)
        append(journal, more)
        keep(journal)
        journal.close()
    connection = apsw.Connection(str(folded / "journal.db"))
    connection.execute("ATTACH ? AS other", (str(tmp_path / "branch" / "journal.db"),))
    connection.execute("DELETE FROM folds")
    connection.execute("INSERT INTO folds SELECT * FROM other.folds")
    connection.execute("DETACH other")
    connection.close()
    journal = opened(folded)
    assert [fold.seq for fold in journal.folds] == [60]
    journal.close()
