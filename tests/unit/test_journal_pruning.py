"""Old records leave by way of the archive and on record; whatever else is cut off at the front is found."""

import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.domain.facts import JournalPruned
from kiosk.journal import audit
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.record import Moment, Record, seal
from kiosk.journal.store import Journal
from tests.unit.journal_bench import (
    EXPECT,
    KEY,
    LATER,
    NONCE,
    acknowledge,
    append,
    archive,
    keep,
    opened,
    prune,
    pruned_journal,
    ready,
)

DB = "journal.db"


def nothing(fold: object) -> bool:
    return False


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    folder = tmp_path_factory.mktemp("pruned")
    return folder, pruned_journal(folder)


@pytest.fixture
def pruned(written: tuple[Path, list[Record]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(written[0], tmp_path, dirs_exist_ok=True))


def by_sql(folder: Path, *statements: str) -> None:
    with apsw.Connection(str(folder / DB)) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


# What may go


@pytest.mark.parametrize(("count", "may"), [(1, True), (39, True), (40, False), (49, False), (50, False), (60, False)])
def test_the_older_fold_the_promise_and_what_is_above_them_stay(tmp_path: Path, count: int, may: bool) -> None:
    journal = opened(tmp_path)
    append(journal, 40)
    keep(journal)
    append(journal, 10)
    keep(journal)
    acknowledge(journal)
    assert (journal.prunable(count, LATER) is not None) == may
    journal.close()


@pytest.mark.parametrize(("acked", "may"), [(9, False), (10, False), (11, True)])
def test_what_the_server_has_not_promised_stays(tmp_path: Path, acked: int, may: bool) -> None:
    journal = opened(tmp_path)
    append(journal, 30)
    keep(journal)
    append(journal, 1)
    keep(journal)
    acknowledge(journal, acked)
    assert (journal.prunable(10, LATER) is not None) == may
    journal.close()


def test_what_a_server_that_was_set_back_may_ask_for_again_stays(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    made = ready(journal)
    archive(journal, 20)
    assert journal.confirm(15, made[14].hash) == "same"
    assert not journal.prune()
    assert journal.prunable(14, LATER) is None
    assert journal.confirm(60, made[59].hash) == "same"
    assert journal.prune()
    journal.close()


def test_with_one_fold_everything_stays(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    append(journal, 30)
    keep(journal)
    acknowledge(journal)
    assert journal.prunable(1, LATER) is None
    journal.close()


def test_what_is_young_stays(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    ready(journal)
    assert journal.prunable(10, "2026-11-23T00:00:10.123Z") is None
    assert journal.prunable(10, "2026-11-23T00:00:10.124Z") is not None
    assert journal.prunable(10, "") is None
    journal.close()


def test_nothing_more_is_archived_while_something_is_going(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    ready(journal)
    assert not journal.prune()
    archive(journal, 20)
    assert journal.prunable(10, LATER) is None
    assert journal.prune(limit=19)
    assert journal.prunable(10, LATER) is None
    assert journal.prune(limit=19)
    assert not journal.prune()
    assert journal.prunable(10, LATER) is not None
    journal.close()


# What is left


@pytest.mark.parametrize("believing", [True, False])
def test_a_pruned_journal_is_good_and_goes_on(pruned: Path, believing: bool) -> None:
    journal = opened(pruned, **({} if believing else {"believe": nothing}))
    assert (journal.first_seq, journal.head.seq, journal.acked_seq) == (301, 462, 460)
    report = journal.verify()
    assert (report.ok, report.records, report.first_seq, report.reason) == (True, 162, 301, "")
    assert append(journal, 1)[0].seq == 463
    journal.close()
    report = audit.verify(pruned / DB, KEY.public_key())
    assert (report.ok, report.records, report.first_seq) == (True, 163, 301)
    assert audit.verify(pruned / DB, KEY.public_key(), expect=EXPECT, with_archive=True).records == 463


def test_every_record_is_still_there(pruned: Path, written: tuple[Path, list[Record]]) -> None:
    journal = opened(pruned)
    assert [record.seq for record in written[1]] == list(range(1, 463))
    assert list(journal.walk()) == written[1]
    assert list(journal.walk(150)) == written[1][150:]
    assert list(journal.walk(300)) == list(journal.all_records()) == written[1][300:]
    assert journal.records(0, 5) == written[1][:5]
    assert journal.records(298, 5) == written[1][298:303]
    assert journal.records(400, 5) == written[1][400:405]
    journal.close()


def test_the_servers_head_is_compared_also_where_records_have_gone(
    pruned: Path, written: tuple[Path, list[Record]]
) -> None:
    journal = opened(pruned)
    for seq in (1, 200, 201, 300, 301, 462):
        assert journal.standing(seq, written[1][seq - 1].hash) == "same"
        assert journal.standing(seq, "00" * 32) == "differs"
    assert journal.standing(0, NONCE) == "same"
    shutil.rmtree(pruned / "archive")
    assert journal.standing(200, written[1][199].hash) == "pruned"
    assert journal.records(0, 5)[0].seq == 301
    assert journal.standing(301, written[1][300].hash) == "same"
    journal.close()


def test_the_way_out_can_be_interrupted_at_each_step(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    made = ready(journal)
    archive(journal, 20)
    for believe in (nothing, None, nothing, None, nothing, None):
        journal.close()
        journal = opened(tmp_path, **({"believe": believe} if believe else {}))
        assert journal.verify().ok
        assert audit_of(journal, tmp_path).ok
        journal = opened(tmp_path)
        assert [record.hash for record in journal.walk()][:60] == [record.hash for record in made]
        journal.prune(limit=7)
    assert journal.first_seq == 21
    journal.close()


def audit_of(journal: Journal, folder: Path) -> Any:
    journal.close()
    return audit.verify(folder / DB, KEY.public_key(), expect=EXPECT)


def test_nothing_goes_while_a_start_could_not_do_without_it(tmp_path: Path) -> None:
    """After a change of the code no fold is believed, until two new ones are kept."""
    journal = opened(tmp_path)
    ready(journal)
    archive(journal, 20)
    journal.close()
    journal = opened(tmp_path, believe=nothing)
    assert not journal.prune()
    keep(journal)
    assert not journal.prune()
    append(journal, 1)
    keep(journal)
    assert journal.prune()
    journal.close()


def test_the_room_is_used_again(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    ready(journal, 2000)
    journal.checkpoint()
    prune(journal, 1500)
    journal.checkpoint()
    size = (tmp_path / DB).stat().st_size
    append(journal, 1200)
    journal.checkpoint()
    assert (tmp_path / DB).stat().st_size <= size
    journal.close()


# What somebody else took away


@pytest.mark.parametrize("gone", [301, 302, 380, 450, 459, 460, 461])
@pytest.mark.parametrize("believing", [True, False])
def test_more_cut_off_than_was_pruned_is_found(pruned: Path, gone: int, believing: bool) -> None:
    by_sql(pruned, f"DELETE FROM records WHERE seq <= {gone}")
    with pytest.raises(JournalDamaged, match="missing"):
        opened(pruned, **({} if believing else {"believe": nothing}))
    assert not audit.verify(pruned / DB, KEY.public_key(), expect=EXPECT).ok


def test_the_record_of_what_was_pruned_cannot_go_too(pruned: Path) -> None:
    by_sql(pruned, "DELETE FROM records WHERE seq > 460", "DELETE FROM folds")
    (pruned / "journal.db.witness").unlink()
    report = audit.verify(pruned / DB, KEY.public_key(), expect=EXPECT)
    assert (report.ok, report.bad_seq) == (False, 1)


def forged(folder: Path, key: Ed25519PrivateKey, last_hash: str) -> None:
    """Append a record that says that everything up to 400 was pruned, and cut that off."""
    connection = apsw.Connection(str(folder / DB))
    last = connection.execute("SELECT entry FROM records WHERE seq = 462").get
    before = connection.execute("SELECT hash FROM records WHERE seq = 462").get
    envelope = Record(462, "", last, before, b"").envelope()
    body = {"from_seq": 301, "to_seq": 400, "last_hash": last_hash, "archive_sha256": "00" * 32}
    made = seal(type(envelope)("rb-07", 1, 463, "JournalPruned", envelope.moment, body, before), key)
    connection.execute("INSERT INTO records VALUES (?,?,?,?,?)", (made.seq, made.kind, made.entry, made.hash, made.sig))
    connection.execute("DELETE FROM records WHERE seq <= 400")
    connection.close()


@pytest.mark.parametrize("believing", [True, False])
def test_a_record_of_pruning_by_another_hand_is_not_believed(pruned: Path, believing: bool) -> None:
    connection = apsw.Connection(str(pruned / DB))
    last_hash = connection.execute("SELECT hash FROM records WHERE seq = 400").get
    connection.close()
    forged(pruned, Ed25519PrivateKey.generate(), last_hash)
    with pytest.raises(JournalDamaged, match="signature"):
        opened(pruned, **({} if believing else {"believe": nothing}))
    assert "signature" in audit.verify(pruned / DB, KEY.public_key(), expect=EXPECT).reason


@pytest.mark.parametrize("believing", [True, False])
def test_what_follows_has_to_follow_what_was_pruned(pruned: Path, believing: bool) -> None:
    forged(pruned, KEY, "00" * 32)
    with pytest.raises(JournalDamaged, match="does not follow"):
        opened(pruned, **({} if believing else {"believe": nothing}))


def test_another_last_record_of_what_is_going_is_found(tmp_path: Path) -> None:
    """The journal's key alone could write this: the hash that the record names is held against the row."""
    journal = opened(tmp_path)
    ready(journal)
    label = archive(journal, 20)
    body = JournalPruned(1, 20, "00" * 32, label.sha256)
    journal.append([(body, Moment("e", "2026-11-24T00:00:00.000Z", "trusted", "5f" * 16, 0))])
    journal.close()
    by_sql(tmp_path, "DELETE FROM records WHERE seq <= 5")
    with pytest.raises(JournalDamaged, match="not the last record that was to be pruned") as damage:
        opened(tmp_path, believe=nothing)
    assert damage.value.seq == 20


def test_a_witness_set_back_behind_what_was_pruned_is_found(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    append(journal, 5)
    acknowledge(journal)
    old = (tmp_path / "journal.db.witness").read_bytes()
    ready(journal)
    prune(journal, 20)
    journal.close()
    (tmp_path / "journal.db.witness").write_bytes(old)
    for believe in ({}, {"believe": nothing}):
        with pytest.raises(JournalDamaged, match="set back"):
            opened(tmp_path, **believe)


def test_the_witness_is_synced_before_anything_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opened(tmp_path)
    ready(journal)
    archive(journal, 20)
    monkeypatch.setattr(journal._witness, "sync", lambda: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(Exception, match="Input/output"):
        journal.prune()
    journal.close()
    journal = opened(tmp_path)
    assert journal.first_seq == 1
    journal.close()
