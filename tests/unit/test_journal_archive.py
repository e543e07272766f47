"""The files of the archive: readable by anybody, found from the journal, never taken for what they are not."""

import gzip
import io
import json
import os
import shutil
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from kiosk.journal import archive as files
from kiosk.journal import audit, lines
from kiosk.journal.archive import ArchiveWrong, folder_of, label_of, read_label
from kiosk.journal.cli import main
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.medium import SystemFile
from kiosk.journal.record import Record
from tests.unit.journal_bench import (
    EXPECT,
    KEY,
    LATER,
    append,
    archive,
    finished,
    names,
    opened,
    pruned_journal,
    ready,
    unpacked,
)

DB = "journal.db"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    folder = tmp_path_factory.mktemp("pruned")
    return folder, pruned_journal(folder)


@pytest.fixture
def pruned(written: tuple[Path, list[Record]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(written[0], tmp_path, dirs_exist_ok=True))


def test_a_file_can_be_read_with_nothing_of_ours(pruned: Path, written: tuple[Path, list[Record]]) -> None:
    for name in names(pruned):
        path = pruned / "archive" / name
        label = json.loads(json.loads(label_of(path).read_text())["text"])
        assert sha256(path.read_bytes()).hexdigest() == label["sha256"]
        for text in unpacked(path):
            line = json.loads(text)
            record = written[1][line["seq"] - 1]
            assert (rfc8785.dumps(line["entry"]), line["hash"]) == (record.entry, record.hash)
            assert (line["kind"], b64decode(line["sig"])) == (record.kind, record.sig)
    assert names(pruned) == ["journal-1-0000000001-0000000200.jsonl.gz", "journal-1-0000000201-0000000300.jsonl.gz"]


def test_a_packed_file_is_much_smaller_than_what_it_holds(pruned: Path) -> None:
    path = pruned / "archive" / names(pruned)[0]
    assert path.stat().st_size < len(gzip.decompress(path.read_bytes())) / 2


def test_the_command_line_on_a_pruned_journal(pruned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, first, second = (str(pruned / name) for name in (DB, *(f"archive/{name}" for name in names(pruned))))
    assert main(["verify", path]) == 0
    assert capsys.readouterr().out.startswith("good: 162 records from 301 on (those before were pruned), 460 ack")
    assert main(["verify", path, "--archive"]) == 0
    assert capsys.readouterr().out.startswith("good: 462 records, 460 acknowledged")
    assert main(["verify", first]) == 0
    assert capsys.readouterr().out.startswith("good: records 1 to 200, the last ")
    assert main(["verify", second, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["first_seq"] == 201
    assert main(["export", path]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == list(range(301, 463))
    assert main(["export", path, "--archive"]) == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == list(range(1, 463))


def test_the_command_line_without_the_archive(pruned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(pruned / "archive")
    assert main(["verify", str(pruned / DB)]) == 0
    assert main(["verify", str(pruned / DB), "--archive"]) == 1
    assert main(["export", str(pruned / DB), "--archive"]) == 1
    said = capsys.readouterr()
    assert "is not there" in said.out
    assert "is not there" in said.err
    assert main(["verify", str(pruned / "archive" / "journal-1-0000000001-0000000200.jsonl.gz")]) == 1


def test_an_archive_is_moved_and_put_back(pruned: Path, written: tuple[Path, list[Record]]) -> None:
    (pruned / "archive").rename(pruned / "elsewhere")
    journal = opened(pruned)
    with pytest.raises(ArchiveWrong, match="is not there"):
        next(journal.walk())
    assert next(journal.walk(300)).seq == 301
    (pruned / "elsewhere").rename(pruned / "archive")
    assert list(journal.walk()) == written[1]
    journal.close()


def test_nothing_goes_without_its_file(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    ready(journal)
    label = archive(journal, 20)
    path = folder_of(tmp_path / DB) / label.name
    content = path.read_bytes()
    for wrong in (content[:-1], content[:-1] + bytes([content[-1] ^ 1]), b"", content + b"\0"):
        path.write_bytes(wrong)
        with pytest.raises(ArchiveWrong, match="SHA-256"):
            journal.prune()
    path.unlink()
    with pytest.raises(ArchiveWrong, match="not there"):
        journal.prune()
    assert journal.records(0, 1)[0].seq == 1
    path.write_bytes(content)
    assert journal.prune()
    journal.close()


def test_every_changed_byte_of_a_file_or_its_label_is_found(pruned: Path, written: tuple[Path, list[Record]]) -> None:
    journal = opened(pruned)
    for path in (pruned / "archive" / names(pruned)[1], label_of(pruned / "archive" / names(pruned)[1])):
        content = path.read_bytes()
        for at in range(0, len(content), 1 + len(content) // 25):
            path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
            report = audit.verify_archive(pruned / "archive" / names(pruned)[1], KEY.public_key(), expect=EXPECT)
            try:
                same = list(journal.walk()) == written[1]
            except JournalDamaged:
                same = False
            # A changed letter of the JSON around the label may mean the same.
            assert not (report.ok or same) or json.loads(path.read_bytes()) == json.loads(content)
        path.write_bytes(content)
    journal.close()


@pytest.mark.parametrize("change", [{"before_seq": 2}, {"from_seq": 2}, {"last_hash": "00" * 32}, {"epoch": 2}])
def test_a_label_that_was_edited_is_found(pruned: Path, change: dict[str, Any]) -> None:
    path = label_of(pruned / "archive" / names(pruned)[0])
    content = json.loads(path.read_text())
    text = rfc8785.dumps(json.loads(content["text"]) | change).decode()
    path.write_text(json.dumps(content | {"text": text}))
    with pytest.raises(ArchiveWrong, match="signature"):
        read_label(path, KEY.public_key())


def test_a_label_under_another_name_is_found(pruned: Path) -> None:
    first, second = (label_of(pruned / "archive" / name) for name in names(pruned))
    shutil.copyfile(first, second)
    with pytest.raises(ArchiveWrong, match="something else"):
        read_label(second, KEY.public_key())


def test_a_file_of_another_kiosk_is_found(pruned: Path) -> None:
    path = pruned / "archive" / names(pruned)[0]
    report = audit.verify_archive(path, KEY.public_key(), expect=type(EXPECT)("rb-08", 1, ""))
    assert (report.ok, "rb-07" in report.reason) == (False, True)


@pytest.mark.parametrize("step", range(8))
def test_a_full_medium_leaves_journal_and_room_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    journal = opened(tmp_path)
    ready(journal, 460)
    span = journal.prunable(250, LATER)
    assert span is not None
    calls = iter(range(100))
    real_write, real_sync = SystemFile.pwrite, SystemFile.sync

    def full(file: SystemFile, content: bytes, offset: int) -> int:
        if next(calls) == step:
            raise OSError(28, os.strerror(28))
        return real_write(file, content, offset)

    def failing(file: SystemFile) -> None:
        if next(calls) == step:
            raise OSError(5, os.strerror(5))
        real_sync(file)

    monkeypatch.setattr(SystemFile, "pwrite", full)
    monkeypatch.setattr(SystemFile, "sync", failing)
    with pytest.raises(OSError, match=r"\[Errno (28|5)\]"):
        finished(journal.archive(span))
    monkeypatch.undo()
    assert names(tmp_path) == ([] if step < 6 else ["journal-1-0000000001-0000000250.jsonl.gz"])
    assert finished(journal.archive(span)).to_seq == 250
    assert journal.verify().records == 460
    journal.close()


def test_a_file_that_reads_back_otherwise_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opened(tmp_path)
    ready(journal)
    span = journal.prunable(20, LATER)
    assert span is not None
    real = files._write_label

    def spoiled(label: files.Label, folder: Path, *rest: Any) -> None:
        real(label, folder, *rest)
        path = folder / label.name
        path.write_bytes(path.read_bytes()[:-9] + bytes(9))

    monkeypatch.setattr(files, "_write_label", spoiled)
    with pytest.raises(ArchiveWrong):
        finished(journal.archive(span))
    journal.close()


def test_a_bad_record_is_not_archived(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    ready(journal)
    journal._db.execute("UPDATE records SET sig = zeroblob(64) WHERE seq = 5")
    span = journal.prunable(20, LATER)
    assert span is not None
    with pytest.raises(JournalDamaged, match="signature"):
        finished(journal.archive(span))
    assert names(tmp_path) == []
    journal.close()


def test_lines_come_back_as_records(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    made = append(journal, 3)
    made.append(Record(4, "Odd", b"\xff{", "00", b"s"))
    out = io.StringIO()
    assert lines.write(made, out) == 4
    assert [lines.read(text) for text in out.getvalue().splitlines()] == made
    journal.close()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seq":"1","kind":"","entry":{},"hash":"","sig":""}', "7"])
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises(lines.NotALine):
        lines.read(text)
