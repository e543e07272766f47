"""Whatever is cut off or changed in the files of a journal is found, or changed nothing."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.domain.facts import NoteStacked
from kiosk.journal import audit
from kiosk.journal.chain import Expectation
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.record import Moment, Record
from kiosk.journal.store import Journal, witness_path

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NONCE = "ab" * 32
EXPECT = Expectation("rb-07", 1, NONCE)
LENGTH = 12
FILES = ("journal.db", "journal.db-wal", "journal.db.witness")


def opened(folder: Path) -> Journal:
    path = folder / "journal.db"
    return Journal.open(path, key=KEY, kiosk_id="rb-07", epoch=1, nonce=NONCE, allow_volatile=True)


def appended(journal: Journal, count: int) -> list[Record]:
    made: list[Record] = []
    for number in range(count):
        moment = Moment(f"entry-{number}", "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, number)
        made += journal.append([(NoteStacked(f"note-{number}", "payment", 2000, "USD", 1, False), moment)])
    return made


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """A journal with its first half in the table and its second half only in the log."""
    folder = tmp_path_factory.mktemp("journal")
    journal = opened(folder)
    made = appended(journal, LENGTH // 2)
    journal.checkpoint()
    made += appended(journal, LENGTH - LENGTH // 2)
    crashed = tmp_path_factory.mktemp("crashed")
    for name in FILES:
        shutil.copyfile(folder / name, crashed / name)
    journal.close()
    return crashed, made


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as target:
        for name in FILES:
            shutil.copyfile(folder / name, Path(target) / name)
        yield Path(target)


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def changed_by_sql(folder: Path, *statements: str) -> None:
    connection = apsw.Connection(str(folder / "journal.db"))
    for statement in statements:
        connection.execute(statement)
    connection.close()
    (folder / "journal.db-wal").touch()


def assert_refused(folder: Path, seq: int) -> None:
    before = files(folder)
    report = audit.verify(folder / "journal.db", KEY.public_key(), expect=EXPECT)
    assert (report.ok, report.bad_seq) == (False, seq), report.reason
    with pytest.raises(JournalDamaged) as damage:
        opened(folder)
    assert damage.value.seq == seq
    assert files(folder) == before, "the evidence was changed"


@pytest.mark.parametrize("kept", range(LENGTH))
def test_a_tail_deleted_at_any_record_is_missed(written: tuple[Path, list[Record]], kept: int) -> None:
    with copied(written[0]) as folder:
        changed_by_sql(folder, f"DELETE FROM records WHERE seq > {kept}")
        assert_refused(folder, kept + 1)


@pytest.mark.parametrize("seq", range(1, LENGTH))
def test_a_hole_at_any_record_is_found(written: tuple[Path, list[Record]], seq: int) -> None:
    with copied(written[0]) as folder:
        changed_by_sql(folder, f"DELETE FROM records WHERE seq = {seq}")
        assert_refused(folder, seq)


@pytest.mark.parametrize(
    "edit",
    [
        "entry = CAST(replace(CAST(entry AS TEXT), '2000', '5000') AS BLOB)",
        "hash = lower(hex(randomblob(32)))",
        "kind = 'NoteReturned'",
        "entry = x'00'",
        "entry = (SELECT entry FROM records WHERE seq = 3), hash = (SELECT hash FROM records WHERE seq = 3)",
    ],
)
def test_an_edited_row_is_found_at_its_place(written: tuple[Path, list[Record]], edit: str) -> None:
    with copied(written[0]) as folder:
        changed_by_sql(folder, f"UPDATE records SET {edit} WHERE seq = 5")
        assert_refused(folder, 5)


def test_a_signature_that_was_edited_is_found_by_the_full_check(written: tuple[Path, list[Record]]) -> None:
    with copied(written[0]) as folder:
        changed_by_sql(folder, "UPDATE records SET sig = zeroblob(64) WHERE seq = 5")
        report = audit.verify(folder / "journal.db", KEY.public_key(), expect=EXPECT)
        assert (report.ok, report.bad_seq) == (False, 5)
        journal = opened(folder)  # the head's signature covers the entries: nothing that counts has changed
        assert journal.verify().bad_seq == 5
        journal.close()


def test_a_chain_signed_anew_by_another_key_is_found_at_opening(tmp_path: Path) -> None:
    stranger = Ed25519PrivateKey.generate()
    path = tmp_path / "journal.db"
    journal = Journal.open(path, key=stranger, kiosk_id="rb-07", epoch=1, nonce=NONCE, allow_volatile=True)
    appended(journal, 3)
    journal.close()
    with pytest.raises(JournalDamaged, match="signature"):
        opened(tmp_path)


def test_a_longer_branch_than_the_witness_saw_is_found(tmp_path: Path) -> None:
    for name, count in (("one", 3), ("two", 4)):
        (tmp_path / name).mkdir()
        journal = opened(tmp_path / name)
        appended(journal, 1 if name == "one" else 0)
        appended(journal, count)
        journal.close()
    shutil.copyfile(witness_path(tmp_path / "one" / "journal.db"), witness_path(tmp_path / "two" / "journal.db"))
    assert_refused(tmp_path / "two", 4)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_is_missed(written: tuple[Path, list[Record]], name: str) -> None:
    with copied(written[0]) as folder:
        (folder / name).unlink()
        before = files(folder)
        with pytest.raises(JournalDamaged):
            opened(folder)
        assert before.items() <= files(folder).items()  # SQLite may begin an empty log


def test_database_and_witness_gone_but_the_log_still_there(written: tuple[Path, list[Record]]) -> None:
    with copied(written[0]) as folder:
        (folder / "journal.db").unlink()
        (folder / "journal.db.witness").unlink()
        with pytest.raises(JournalDamaged, match="log is there"):
            opened(folder)


def test_a_witness_torn_in_its_newer_copy_speaks_of_its_last_sync(written: tuple[Path, list[Record]]) -> None:
    with copied(written[0]) as folder:
        path = witness_path(folder / "journal.db")
        slots = path.read_bytes()
        newer = max((0, 4096), key=lambda at: slots[at + 12 : at + 20])
        path.write_bytes(slots[:newer] + bytes(40) + slots[newer + 40 :])
        report = audit.verify(folder / "journal.db", KEY.public_key(), expect=EXPECT)
        assert (report.ok, report.witnessed_seq) == (True, LENGTH // 2)


def check_found_or_equal(folder: Path, made: list[Record]) -> None:
    """Full check and opening must each refuse, or show exactly what was written."""
    report = audit.verify(folder / "journal.db", KEY.public_key(), expect=EXPECT)
    try:
        journal = opened(folder)
    except JournalDamaged:
        assert not report.ok
        return
    try:
        records = list(journal.all_records())
        if report.ok:
            assert records == made
        assert [record.entry for record in records] == [record.entry for record in made]
    finally:
        journal.close()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_changed_bytes_are_found_or_change_nothing(written: tuple[Path, list[Record]], data: st.DataObject) -> None:
    with copied(written[0]) as folder:
        target = folder / data.draw(st.sampled_from(FILES))
        content = bytearray(target.read_bytes())
        places = st.integers(0, len(content) - 1)
        for place in data.draw(st.lists(places, min_size=1, max_size=3)):
            content[place] ^= data.draw(st.integers(1, 255))
        target.write_bytes(content)
        check_found_or_equal(folder, written[1])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_cut_is_found_or_changes_nothing(written: tuple[Path, list[Record]], data: st.DataObject) -> None:
    with copied(written[0]) as folder:
        target = folder / data.draw(st.sampled_from(FILES))
        content = target.read_bytes()
        target.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
        check_found_or_equal(folder, written[1])


def test_a_zeroed_sector_anywhere_is_found_or_changes_nothing(written: tuple[Path, list[Record]]) -> None:
    for name in FILES:
        for start in range(0, (written[0] / name).stat().st_size, 512):
            with copied(written[0]) as folder:
                content = bytearray((folder / name).read_bytes())
                content[start : start + 512] = bytes(512)
                (folder / name).write_bytes(content)
                check_found_or_equal(folder, written[1])
