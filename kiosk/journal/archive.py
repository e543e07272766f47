"""Files of old records, written before the records leave the journal.

One file holds a range of records as `journal export` writes them, packed with gzip; `sha256sum` and `zcat` are
enough to read it in twenty years. Beside it lies its label, signed by the kiosk: which records, the hashes at both
ends, the SHA-256 of the file, and where the file before it begins. So all files are found from the newest one.
"""

import json
import os
import zlib
from base64 import b64decode, b64encode
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kiosk.journal import lines
from kiosk.journal.chain import ChainCheck, Expectation, Gone
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.medium import SYSTEM, Medium
from kiosk.journal.record import Record, is_signed

SUFFIX = ".jsonl.gz"
_TYPE = "journal archive"  # no record's entry and no fold has this type
_GZIP = 31  # zlib's number for its largest window with gzip's header
_PART = 100  # records between two syncs, and between two turns of the engine
_CHUNK = 1 << 18


class ArchiveWrong(JournalDamaged):
    """A file of the archive is not there, or is not what was written."""


@dataclass(frozen=True)
class Label:
    """What is known of one file. `before_seq` is where the file before it begins, 0 for the first."""

    kiosk_id: str
    epoch: int
    from_seq: int
    to_seq: int
    prev_hash: str
    last_hash: str
    before_seq: int
    sha256: str

    @property
    def name(self) -> str:
        return file_name(self.epoch, self.from_seq, self.to_seq)


def folder_of(journal: Path) -> Path:
    return journal.with_name("archive")


def file_name(epoch: int, from_seq: int, to_seq: int) -> str:
    return f"journal-{epoch}-{from_seq:010d}-{to_seq:010d}{SUFFIX}"


def label_of(file: Path) -> Path:
    return file.with_name(file.name + ".label")


def write(
    records: Iterable[Record], label: Label, folder: Path, key: Ed25519PrivateKey, medium: Medium = SYSTEM
) -> Generator[None, None, Label]:
    """Write records and label, durable on return; `sha256` of the given label is filled in. Pauses after each part.

    Every record is checked thoroughly on its way: what leaves the journal was good. Raises JournalDamaged, OSError.
    """
    medium.make_directory(folder)
    chain = ChainCheck(key.public_key(), Expectation(label.kiosk_id, label.epoch), thorough=True)
    chain.go_on_after(label.from_seq - 1, label.prev_hash)
    draft = folder / "draft"
    try:
        digest = yield from _write_draft(records, chain, label.to_seq, draft, medium)
        if (chain.seq, chain.hash) != (label.to_seq, label.last_hash):
            raise JournalDamaged("does not end as it should", chain.seq + 1)
    except (OSError, JournalDamaged):
        with suppress(OSError):  # on a full medium the room is needed
            medium.unlink(draft)
        raise
    label = replace(label, sha256=digest)
    medium.rename(draft, folder / label.name)
    _write_label(label, folder, key, medium)
    return label


def read_back(
    label: Label, records: Iterable[Record], folder: Path, public_key: Ed25519PublicKey, medium: Medium = SYSTEM
) -> Generator[None, None, None]:
    """Read what was written and compare it with the records. Pauses after each part. Raises ArchiveWrong, OSError."""
    if find(folder, label.epoch, label.from_seq, label.to_seq, public_key, medium) != label:
        raise ArchiveWrong(f"the label of {label.name} is not as written")
    again = read(label, folder, medium)
    for number, record in enumerate(records, 1):
        if next(again, None) != record:
            raise ArchiveWrong(f"{label.name} reads back otherwise", record.seq)
        if number % _PART == 0:
            yield
    if next(again, None) is not None:
        raise ArchiveWrong(f"{label.name} holds more than was written")


def find(
    folder: Path, epoch: int, from_seq: int, to_seq: int, public_key: Ed25519PublicKey, medium: Medium = SYSTEM
) -> Label:
    """Return the label of the file with these records. Raises ArchiveWrong, OSError."""
    return read_label(label_of(folder / file_name(epoch, from_seq, to_seq)), public_key, medium)


def read_label(path: Path, public_key: Ed25519PublicKey, medium: Medium = SYSTEM) -> Label:
    """Read a label and check its signature. Raises ArchiveWrong, OSError."""
    try:
        values = json.loads(b"".join(_chunks(path, medium)))
        text = values["text"].encode()
        if not is_signed(sha256(text).hexdigest(), b64decode(values["sig"], validate=True), public_key):
            raise ArchiveWrong(f"{path.name}: the signature is not the kiosk's")
        content = json.loads(text)
        kind = content.pop("type")
        label = Label(**content)
    except FileNotFoundError as error:
        raise ArchiveWrong(f"{path.name} is not there") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveWrong(f"{path.name} is unreadable: {error}") from error
    if kind != _TYPE or label_of(path.with_name(label.name)).name != path.name:
        raise ArchiveWrong(f"{path.name} is the label of something else")
    return label


def check_digest(label: Label, folder: Path, medium: Medium = SYSTEM) -> None:
    """Raise ArchiveWrong unless the file has the SHA-256 of its label."""
    digest = sha256()
    for chunk in _file_chunks(label, folder, medium):
        digest.update(chunk)
    if digest.hexdigest() != label.sha256:
        raise ArchiveWrong(f"{label.name} does not have its SHA-256")


def read(label: Label, folder: Path, medium: Medium = SYSTEM) -> Iterator[Record]:
    """Give the records of a file, the SHA-256 checked at the end. Raises ArchiveWrong, OSError."""
    unpacker, digest, rest = zlib.decompressobj(_GZIP), sha256(), b""
    try:
        for chunk in _file_chunks(label, folder, medium):
            digest.update(chunk)
            *whole, rest = (rest + unpacker.decompress(chunk)).split(b"\n")
            yield from map(lines.read, whole)
    except (zlib.error, lines.NotALine) as error:
        raise ArchiveWrong(f"{label.name} is unreadable: {error}") from error
    if rest or digest.hexdigest() != label.sha256:
        raise ArchiveWrong(f"{label.name} does not have its SHA-256")


class Archive:
    """The files of one journal, found from what the journal says has gone. Methods raise ArchiveWrong and OSError."""

    def __init__(
        self, folder: Path, expect: Expectation, public_key: Ed25519PublicKey, medium: Medium = SYSTEM
    ) -> None:
        self.folder = folder
        self.expect = expect
        self._public_key = public_key
        self.medium = medium

    def check(self, gone: Gone) -> None:
        """Require the file of what has gone last, with the SHA-256 that the journal names."""
        check_digest(self._label(gone.from_seq, gone.to_seq, gone), self.folder, self.medium)

    def labels(self, gone: Gone) -> list[Label]:
        """Return the labels of all files, the oldest first."""
        found = [self._label(gone.from_seq, gone.to_seq, gone)]
        while (newer := found[-1]).from_seq > 1:
            older = self._label(newer.before_seq, newer.from_seq - 1)
            if older.last_hash != newer.prev_hash:
                raise ArchiveWrong(f"{newer.name} does not follow {older.name}")
            found.append(older)
        if self.expect.nonce and found[-1].prev_hash != self.expect.nonce:
            raise ArchiveWrong(f"{found[-1].name} begins another chain")
        return found[::-1]

    def records(self, gone: Gone, after_seq: int, before_seq: int) -> Iterator[Record]:
        """Give the records between two numbers; each file that is needed is read to its end and checked."""
        for label in self.labels(gone):
            if label.to_seq <= after_seq or label.from_seq >= before_seq:
                continue
            chain = ChainCheck(self._public_key, self.expect, thorough=False)
            chain.go_on_after(label.from_seq - 1, label.prev_hash)
            for record in read(label, self.folder, self.medium):
                chain.take(record)
                if after_seq < record.seq < before_seq:
                    yield record
            if (chain.seq, chain.hash) != (label.to_seq, label.last_hash):
                raise ArchiveWrong(f"{label.name} does not end as its label says")

    def _label(self, from_seq: int, to_seq: int, gone: Gone | None = None) -> Label:
        label = find(self.folder, self.expect.epoch, from_seq, to_seq, self._public_key, self.medium)
        if (label.kiosk_id, label.epoch) != (self.expect.kiosk_id, self.expect.epoch):
            raise ArchiveWrong(f"{label.name} is of {label.kiosk_id!r} in epoch {label.epoch}")
        if gone is not None and (label.last_hash, label.sha256) != (gone.last_hash, gone.archive_sha256):
            raise ArchiveWrong(f"{label.name} is not the file that the journal names")
        return label


def _write_draft(
    records: Iterable[Record], chain: ChainCheck, to_seq: int, draft: Path, medium: Medium
) -> Generator[None, None, str]:
    digest, offset = sha256(), 0
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    file = medium.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        for part in _parts(records):
            for record in part:
                chain.take(record)
            packed = packer.compress("".join(lines.line(record) for record in part).encode())
            if chain.seq == to_seq:
                packed += packer.flush()
            if file.pwrite(packed, offset) != len(packed):
                raise OSError("the archive took only a part of what was written")
            file.sync()  # a little at a time: nobody waits for a long one
            digest.update(packed)
            offset += len(packed)
            yield
    finally:
        file.close()
    return digest.hexdigest()


def _parts(records: Iterable[Record]) -> Iterator[list[Record]]:
    part: list[Record] = []
    for record in records:
        part.append(record)
        if len(part) == _PART:
            yield part
            part = []
    if part:
        yield part


def _write_label(label: Label, folder: Path, key: Ed25519PrivateKey, medium: Medium) -> None:
    text = rfc8785.dumps({"type": _TYPE} | asdict(label))
    signature = key.sign(sha256(text).digest())
    content = json.dumps({"text": text.decode(), "sig": b64encode(signature).decode()}).encode() + b"\n"
    draft = folder / "label"
    file = medium.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        if file.pwrite(content, 0) != len(content):
            raise OSError("the label was written only in part")
        file.sync()
    finally:
        file.close()
    medium.rename(draft, label_of(folder / label.name))
    medium.sync_directory(folder)


def _file_chunks(label: Label, folder: Path, medium: Medium) -> Iterator[bytes]:
    try:
        yield from _chunks(folder / label.name, medium)
    except FileNotFoundError as error:
        raise ArchiveWrong(f"{label.name} is not there") from error


def _chunks(path: Path, medium: Medium) -> Iterator[bytes]:
    file = medium.open(path, os.O_RDONLY)
    offset = 0
    try:
        while chunk := file.pread(_CHUNK, offset):
            offset += len(chunk)
            yield chunk
    finally:
        file.close()
