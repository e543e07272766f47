"""The journal as the engine uses it, on real files."""

import io
import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.domain.facts import Fact, NoteStacked, SessionOpened, StaffSignedIn
from kiosk.journal import audit, database
from kiosk.journal.acknowledgement import Acknowledgement, NotAnAcknowledgement, read
from kiosk.journal.errors import JournalDamaged, JournalInUse, JournalUnwritable
from kiosk.journal.medium import VOLATILE, SystemMedium, filesystem_of
from kiosk.journal.record import EntryTooLarge, Moment
from kiosk.journal.store import Journal, NotOurChain, witness_path
from kiosk.journal.witness import Witness, look

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SERVER = Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96)))
NONCE = "ab" * 32
Opener = Callable[..., Journal]


def at(number: int) -> Moment:
    return Moment(f"entry-{number}", "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, number)


def stacked(number: int) -> tuple[Fact, Moment]:
    return NoteStacked(f"note-{number}", "payment", 2000, "USD", 1, False), at(number)


def acknowledged(seq: int, digest: str, *, kiosk_id: str = "rb-07", epoch: int = 1) -> Acknowledgement:
    content = {"kiosk_id": kiosk_id, "epoch": epoch, "head_seq": seq, "head_hash": digest}
    text = rfc8785.dumps(content | {"ledger_txn_id": 1, "server_time": "2026-11-23T19:42:30.000Z"})
    return read(text.decode(), b64encode(SERVER.sign(text)).decode(), SERVER.public_key())


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[Opener]:
    opened: list[Journal] = []

    def opens(path: Path = tmp_path / "journal.db", **changes: object) -> Journal:
        who = {"key": KEY, "kiosk_id": "rb-07", "epoch": 1, "nonce": NONCE, "server_key": SERVER.public_key()}
        opened.append(Journal.open(path, allow_volatile=True, **(who | changes)))  # type: ignore[arg-type]
        return opened[-1]

    yield opens
    for journal in opened:
        journal.close()


def test_a_new_journal_stands_at_the_nonce(opener: Opener) -> None:
    journal = opener()
    assert (journal.head.seq, journal.head.hash, journal.acked_seq) == (0, NONCE, 0)
    assert journal.records() == []
    assert journal.verify().ok


def test_a_reopened_journal_continues_the_chain(opener: Opener) -> None:
    journal = opener()
    first = journal.append([stacked(1), (SessionOpened("s"), at(2))])
    journal.close()
    journal = opener()
    assert journal.head.seq == 2
    third = journal.append([(StaffSignedIn("ana"), at(3))])
    assert [record.envelope().prev_hash for record in first + third] == [NONCE, first[0].hash, first[1].hash]
    assert list(journal.all_records()) == first + third
    report = journal.verify()
    assert (report.ok, report.records, report.head_hash) == (True, 3, third[0].hash)


def test_records_are_served_in_pages(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PAGE", 3)
    journal = opener()
    made = journal.append([stacked(number) for number in range(8)])
    assert journal.records(after_seq=5, limit=2) == made[5:7]
    assert journal.records(after_seq=8) == []
    assert list(journal.all_records()) == made


def test_a_fact_too_large_leaves_nothing_of_its_batch(opener: Opener) -> None:
    journal = opener()
    with pytest.raises(EntryTooLarge):
        journal.append([stacked(1), (SessionOpened("x" * 40_000), at(2))])
    assert journal.head.seq == 0
    assert journal.append([stacked(3)])[0].seq == 1


def test_no_facts_are_no_commit_and_too_many_are_refused(opener: Opener) -> None:
    journal = opener()
    assert journal.append([]) == []
    with pytest.raises(ValueError, match="1001 facts"):
        journal.append([stacked(1)] * 1001)


def test_an_acknowledgement_moves_the_cursor_and_survives(opener: Opener) -> None:
    journal = opener()
    made = journal.append([stacked(number) for number in range(3)])
    journal.acknowledge(acknowledged(2, made[1].hash))
    journal.acknowledge(acknowledged(1, made[0].hash))  # late: changes nothing
    assert journal.acked_seq == 2
    journal.close()
    assert opener().acked_seq == 2


@pytest.mark.parametrize(
    ("seq", "digest", "who"),
    [(1, "00" * 32, {}), (2, "00" * 32, {}), (1, None, {"epoch": 2}), (1, None, {"kiosk_id": "rb-08"})],
)
def test_an_acknowledgement_of_another_chain_is_refused(
    opener: Opener, seq: int, digest: str | None, who: dict[str, object]
) -> None:
    journal = opener()
    made = journal.append([stacked(1)])
    with pytest.raises(NotOurChain):
        journal.acknowledge(acknowledged(seq, digest or made[0].hash, **who))  # type: ignore[arg-type]
    assert journal.acked_seq == 0


def test_an_unsigned_acknowledgement_is_not_kept(opener: Opener) -> None:
    journal = opener()
    made = journal.append([stacked(1)])
    forged = acknowledged(1, made[0].hash)
    with pytest.raises(NotAnAcknowledgement):
        journal.acknowledge(Acknowledgement(**(vars(forged) | {"sig": b64encode(bytes(64)).decode()})))
    assert journal.acked_seq == 0


def test_a_second_opening_is_turned_away_and_the_first_goes_on(opener: Opener, tmp_path: Path) -> None:
    journal = opener()
    with pytest.raises(JournalInUse):
        opener()
    with pytest.raises(JournalInUse):
        audit.verify(tmp_path / "journal.db", KEY.public_key())
    assert journal.append([stacked(1)])[0].seq == 1


def test_the_promises_of_sqlite_hold(opener: Opener) -> None:
    journal = opener()
    asked = {name: journal._db.pragma(name) for name in ("journal_mode", "synchronous", "locking_mode")}
    assert asked == {"journal_mode": "wal", "synchronous": 2, "locking_mode": "exclusive"}
    assert journal._db.pragma("wal_autocheckpoint") == 0


def test_a_promise_not_given_is_refused(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PROMISES", (("synchronous", "NORMAL", 2),))
    with pytest.raises(JournalUnwritable, match="synchronous 1"):
        opener()


def test_the_log_only_grows_until_a_checkpoint_and_is_used_again_after(opener: Opener, tmp_path: Path) -> None:
    journal = opener()
    journal.append([stacked(number) for number in range(200)])
    log = tmp_path / "journal.db-wal"
    size, table = log.stat().st_size, (tmp_path / "journal.db").stat().st_size
    journal.checkpoint()
    assert (tmp_path / "journal.db").stat().st_size > table
    journal.append([stacked(201)])
    assert log.stat().st_size == size
    assert journal.verify().records == 201


def test_a_full_medium_is_fatal_and_nothing_is_half_written(opener: Opener) -> None:
    journal = opener()
    journal.append([stacked(1)])
    journal._db.pragma("max_page_count", journal._db.pragma("page_count"))
    with pytest.raises(JournalUnwritable, match="FullError"):
        journal.append([stacked(number) for number in range(100)])
    for action in (lambda: journal.append([stacked(2)]), journal.checkpoint):
        with pytest.raises(JournalUnwritable):
            action()
    journal.close()
    assert opener().head.seq == 1


def test_a_failed_sync_is_fatal(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opener()
    journal.append([stacked(1)])

    def refuses(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", refuses)
    with pytest.raises(JournalUnwritable, match="Input/output"):
        journal.checkpoint()
    with pytest.raises(JournalUnwritable, match="Input/output"):
        journal.append([stacked(2)])


def test_a_checkpoint_refused_by_sqlite_is_fatal(opener: Opener) -> None:
    journal = opener()
    journal._db.execute("BEGIN IMMEDIATE")  # no checkpoint inside a transaction
    with pytest.raises(JournalUnwritable, match="LockedError"):
        journal.checkpoint()


@pytest.mark.parametrize("kind", sorted(VOLATILE))
def test_a_medium_that_forgets_is_refused(tmp_path: Path, kind: str) -> None:
    class Forgetful(SystemMedium):
        def filesystem(self, path: Path) -> str:
            return kind

    with pytest.raises(JournalUnwritable, match=kind):
        Journal.open(tmp_path / "journal.db", key=KEY, kiosk_id="rb-07", epoch=1, nonce=NONCE, medium=Forgetful())
    assert list(tmp_path.iterdir()) == []


def test_the_innermost_and_latest_mount_counts(tmp_path: Path) -> None:
    (tmp_path / "a b" / "c").mkdir(parents=True)
    root = str(tmp_path.resolve())
    mounts = (
        f"1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:5 / {root}/a\\040b rw shared:1 - overlay o rw\n"
        f"3 1 0:6 / {root}/a\\040b rw - tmpfs t rw\n"
    )
    assert filesystem_of(tmp_path, mounts) == "ext4"
    assert filesystem_of(tmp_path / "a b" / "c", mounts) == "tmpfs"
    assert filesystem_of(tmp_path, "") == ""


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="this system does not tell its mounts")
def test_the_running_system_tells_its_file_systems() -> None:
    assert filesystem_of(Path("/proc")) == "proc"


def test_a_missing_folder_is_unwritable(opener: Opener, tmp_path: Path) -> None:
    with pytest.raises(JournalUnwritable):
        opener(tmp_path / "no" / "journal.db")
    (tmp_path / "no").mkdir()
    assert opener(tmp_path / "no" / "journal.db").head.seq == 0


def test_a_folder_is_no_journal(opener: Opener, tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(JournalUnwritable):
        opener(tmp_path / "folder.db")


def test_another_database_is_refused_and_left_alone(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with apsw.Connection(str(path)) as other:
        other.execute("CREATE TABLE records (seq)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(JournalDamaged, match="not a journal"):
        opener(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "changes", [{"kiosk_id": "rb-08"}, {"epoch": 2}, {"nonce": "00" * 32}, {"key": Ed25519PrivateKey.generate()}]
)
def test_the_journal_of_another_enrolment_is_refused(opener: Opener, changes: dict[str, object]) -> None:
    journal = opener()
    journal.append([stacked(1)])
    journal.close()
    with pytest.raises(JournalDamaged):
        opener(**changes)


def test_a_lost_tail_is_restored_from_the_servers_copy(opener: Opener, tmp_path: Path) -> None:
    whole = opener(tmp_path / "whole.db")
    kept = whole.append([stacked(number) for number in range(900)]) + whole.append([stacked(n) for n in range(900)])
    young = opener(tmp_path / "young.db")
    young.restore(kept[:5])
    young.restore(kept[5:])
    assert young.head == whole.head
    assert young.verify().ok


def test_a_tail_that_does_not_fit_is_not_restored(opener: Opener, tmp_path: Path) -> None:
    whole = opener(tmp_path / "whole.db")
    made = whole.append([stacked(number) for number in range(4)])
    young = opener(tmp_path / "young.db")
    with pytest.raises(JournalDamaged, match="missing"):
        young.restore([made[0], made[2]])
    with pytest.raises(JournalDamaged, match="signature"):
        young.restore([type(made[0])(**(vars(made[0]) | {"sig": made[1].sig}))])
    assert young.head.seq == 0


def test_a_check_in_parts_lets_appends_in_between(opener: Opener) -> None:
    journal = opener()
    journal.append([stacked(number) for number in range(650)])
    parts = journal.verify_in_parts()
    places = []
    try:
        while True:
            places.append(next(parts))
            journal.append([stacked(0)])
    except StopIteration as end:
        report = end.value
    assert places == [100, 200, 300, 400, 500, 600]
    assert report.ok, report.reason
    assert (report.records, journal.head.seq) == (655, 656)  # the second page was read after five appends


def test_export_is_one_line_a_record(opener: Opener, tmp_path: Path) -> None:
    journal = opener()
    made = journal.append([stacked(1), stacked(2)])
    through_connection, through_copy = io.StringIO(), io.StringIO()
    parts = journal.export_in_parts(through_connection)
    assert list(parts) == [2]
    journal.close()
    assert audit.export(tmp_path / "journal.db", through_copy) == 2
    assert through_copy.getvalue() == through_connection.getvalue()
    for line, record in zip(through_copy.getvalue().splitlines(), made, strict=True):
        content = json.loads(line)
        assert sorted(content) == ["entry", "hash", "kind", "seq", "sig"]
        assert rfc8785.dumps(content["entry"]) == record.entry
        assert content["hash"] == record.hash


def test_a_witness_behind_catches_up_at_opening(opener: Opener, tmp_path: Path) -> None:
    journal = opener()
    journal.append([stacked(1)])
    behind = witness_path(tmp_path / "journal.db").read_bytes()
    journal.append([stacked(2)])
    journal.close()
    witness_path(tmp_path / "journal.db").write_bytes(behind)
    opener().close()
    assert audit.verify(tmp_path / "journal.db", KEY.public_key()).witnessed_seq == 2


def test_the_servers_head_is_compared_with_ours(opener: Opener) -> None:
    journal = opener()
    made = journal.append([stacked(1), stacked(2)])
    assert journal.standing(0, NONCE) == "same"
    assert journal.standing(1, made[0].hash) == "same"
    assert journal.standing(2, made[0].hash) == "differs"
    assert journal.standing(0, made[0].hash) == "differs"
    assert journal.standing(3, made[0].hash) == "ahead"


def test_what_the_server_can_be_relied_on_to_hold_is_its_newest_word(opener: Opener) -> None:
    """A server set back to an older state keeps no later promise: the cursor stays, what may be deleted shrinks."""
    journal = opener()
    made = journal.append([stacked(1), stacked(2), stacked(3)])
    assert journal.confirmed_seq == 0
    journal.acknowledge(acknowledged(3, made[2].hash))
    assert (journal.acked_seq, journal.confirmed_seq) == (3, 3)
    journal.acknowledge(acknowledged(1, made[0].hash))
    assert (journal.acked_seq, journal.confirmed_seq) == (3, 1)
    assert journal.confirm(2, made[1].hash) == "same"
    assert journal.confirmed_seq == 2
    for seq, digest, found in ((2, made[0].hash, "differs"), (4, made[0].hash, "ahead")):
        assert journal.confirm(seq, digest) == found
        assert journal.confirmed_seq == 0
    with pytest.raises(NotOurChain):
        journal.acknowledge(acknowledged(1, made[1].hash))
    journal.close()
    again = opener()
    assert (again.acked_seq, again.confirmed_seq) == (3, 0)


def test_a_head_below_what_the_file_still_has_is_pruned(opener: Opener) -> None:
    journal = opener()
    made = journal.append([stacked(1), stacked(2), stacked(3)])
    journal._db.execute("DELETE FROM records WHERE seq < 3")
    assert journal.standing(1, made[0].hash) == "pruned"
    assert journal.standing(2, made[1].hash) == "same", "record 3 names it"
    assert journal.standing(2, made[0].hash) == "differs"
    assert journal.standing(3, made[2].hash) == "same"


def test_an_answer_that_sqlite_does_not_give_is_unwritable(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PROMISES", (("no_such_pragma", "1", 1),))
    with pytest.raises(JournalUnwritable, match="no_such_pragma"):
        opener()


def test_rows_of_the_wrong_kind_are_damage(tmp_path: Path) -> None:
    loose = apsw.Connection(str(tmp_path / "loose.db"))
    loose.execute("CREATE TABLE records (seq, kind, entry, hash, sig)")
    loose.execute("INSERT INTO records VALUES (1, 'SessionOpened', 'text', '', x'00')")
    with pytest.raises(JournalDamaged, match="wrong types"):
        database.rows(loose, 0, 1)
    loose.close()


def test_a_slot_takes_no_more_than_its_size(tmp_path: Path) -> None:
    witness = Witness.create(tmp_path / "witness", NONCE)
    with pytest.raises(OSError, match="do not fit"):
        witness.note_acknowledgement("x" * 5000, "")
    witness.note_acknowledgement("text", "sig")
    witness.close()
    seen = look(tmp_path / "witness")
    assert seen is not None
    assert (seen.head_seq, seen.ack_text, seen.ack_sig) == (0, "text", "sig")
    assert look(tmp_path / "none") is None


def test_a_witness_of_another_servers_acknowledgement_is_damage(opener: Opener, tmp_path: Path) -> None:
    journal = opener()
    made = journal.append([stacked(1)])
    journal.acknowledge(acknowledged(1, made[0].hash))
    journal.close()
    other = Ed25519PrivateKey.generate().public_key()
    with pytest.raises(JournalDamaged, match="acknowledgement in the witness"):
        opener(server_key=other)
    report = audit.verify(tmp_path / "journal.db", KEY.public_key(), server_key=other)
    assert (report.ok, report.bad_seq, report.acked_seq) == (False, 0, 0)


def test_a_journal_shorter_than_the_servers_promise_is_damage(opener: Opener, tmp_path: Path) -> None:
    journal = opener()
    made = journal.append([stacked(1), stacked(2)])
    journal.acknowledge(acknowledged(2, made[1].hash))
    journal._witness.note_head(1, made[0].hash)  # as if our own head had been rolled back with the table
    journal._db.execute("DELETE FROM records WHERE seq = 2")
    journal.close()
    with pytest.raises(JournalDamaged, match="the server has seen record 2"):
        opener()
