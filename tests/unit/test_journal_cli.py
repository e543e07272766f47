"""The command line on real journals: exit codes and what is said."""

import json
from base64 import b64decode
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.domain.facts import SessionOpened
from kiosk.journal.cli import main
from kiosk.journal.keys import ENROLMENT_NAME, KEY_NAME, Enrolment, make_key, public_key_text, save_enrolment
from kiosk.journal.record import Moment
from kiosk.journal.store import Journal

NONCE = "ab" * 32
SERVER = public_key_text(Ed25519PrivateKey.from_private_bytes(bytes(32)))


def begun(folder: Path, records: int = 3) -> Path:
    path = folder / "journal.db"
    key = make_key(folder / KEY_NAME)
    journal = Journal.open(path, key=key, kiosk_id="rb-07", epoch=1, nonce=NONCE, allow_volatile=True)
    for number in range(records):
        moment = Moment(f"e{number}", "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, number)
        journal.append([(SessionOpened(f"session-{number}"), moment)])
    journal.close()
    return path


def edited(path: Path, old: bytes, new: bytes) -> None:
    for file in (path, path.with_name(path.name + "-wal")):
        file.write_bytes(file.read_bytes().replace(old, new))


def test_a_good_journal_is_said_to_be_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = begun(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert main(["verify", str(path)]) == 0
    assert capsys.readouterr().out.startswith("good: 3 records, 0 acknowledged")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_public_key_of_the_enrolment_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = begun(tmp_path)
    public = public_key_text(make_key(tmp_path / "other.key"))
    save_enrolment(tmp_path / ENROLMENT_NAME, Enrolment("rb-07", 1, NONCE, SERVER, "RB-07", "c", "UTC", public))
    (tmp_path / KEY_NAME).rename(tmp_path / "away.key")
    assert main(["verify", "--json", str(path)]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["bad_seq"], report["reason"]) == (False, 1, "the signature is not the kiosk's")
    assert main(["verify", str(path), "--key", str(tmp_path / "away.key")]) == 0


def test_an_enrolment_of_another_epoch_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = begun(tmp_path)
    save_enrolment(tmp_path / ENROLMENT_NAME, Enrolment("rb-07", 2, NONCE, SERVER, "RB-07", "c", "UTC"))
    assert main(["verify", str(path)]) == 1
    assert "damaged: record 1: written by 'rb-07' in epoch 1" in capsys.readouterr().out


def test_an_edited_journal_is_said_to_be_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = begun(tmp_path)
    edited(path, b"session-1", b"session-7")
    assert main(["verify", str(path)]) == 1
    assert "damaged: record" in capsys.readouterr().out


def test_export_goes_to_standard_output_or_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = begun(tmp_path)
    assert main(["export", str(path)]) == 0
    printed = capsys.readouterr().out
    assert [json.loads(line)["seq"] for line in printed.splitlines()] == [1, 2, 3]
    assert main(["export", str(path), "--out", str(tmp_path / "journal.jsonl")]) == 0
    assert (tmp_path / "journal.jsonl").read_text() == printed


def test_what_is_no_journal_is_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_key(tmp_path / KEY_NAME)
    (tmp_path / "noise.db").write_bytes(bytes(range(256)) * 32)
    assert main(["verify", str(tmp_path / "noise.db")]) == 1
    assert main(["export", str(tmp_path / "noise.db")]) == 1
    assert "unreadable" in capsys.readouterr().err


def test_what_cannot_be_looked_at_is_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path / "journal.db")]) == 2
    path = begun(tmp_path)
    (tmp_path / KEY_NAME).unlink()
    assert main(["verify", str(path)]) == 2
    assert main(["export", str(path), "--out", str(tmp_path / "no" / "file")]) == 2
    with pytest.raises(SystemExit) as usage:
        main(["mend", str(path)])
    assert usage.value.code == 2
    assert capsys.readouterr().err.count("cannot tell") == 3


def test_an_entry_that_is_no_json_is_exported_raw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = begun(tmp_path)
    with apsw.Connection(str(path)) as connection:
        connection.execute("UPDATE records SET entry = CAST('<html>' AS BLOB) WHERE seq = 2")
    connection.close()
    assert main(["export", str(path)]) == 0
    second = [json.loads(line) for line in capsys.readouterr().out.splitlines()][1]
    assert second["entry"] is None
    assert b64decode(second["raw"]) == b"<html>"


def test_another_database_is_no_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_key(tmp_path / KEY_NAME)
    with apsw.Connection(str(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE records (seq)")
    other.close()
    for command in ("verify", "export"):
        assert main([command, str(tmp_path / "other.db")]) == 1
    said = capsys.readouterr()
    assert "not a journal" in said.out
    assert "not a journal" in said.err
