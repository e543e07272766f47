"""The second file: how far the journal had come, against a journal that was cut off behind our back.

It holds our own head, written after every append, and the server's last signed acknowledgement. Neither write
is synced at once: the journal was synced before, so the witness can only be behind the journal, never ahead,
and an append pays for one sync only. `sync` is called when the kiosk is idle. Whoever rolls back both files
together is found by the server, which then is ahead of the kiosk.

Layout: four slots of 4096 bytes, two for each of the two facts. What was not synced is written over again, never what
was, so a power cut leaves one of the two. A slot is magic, CRC-32, length, counter (big-endian), then JSON; its
counter's last bit is its place in the pair.
"""

import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from kiosk.journal.errors import JournalDamaged
from kiosk.journal.medium import SYSTEM, File, Medium

_SLOT = 4096
_MAGIC = b"LKW1"
_HEADER = struct.Struct(">4sIIQ")
_NUMBERS = struct.Struct(">IQ")  # the part of the header that the checksum covers
_HEAD, _ACK = 0, 2  # first slot of each pair


@dataclass(frozen=True)
class Seen:
    """What the witness has seen. `ack_text` and `ack_sig` are "" before the first acknowledgement."""

    head_seq: int
    head_hash: str
    ack_text: str = ""
    ack_sig: str = ""


class Witness:
    """The open witness file of one journal. Raises OSError when the medium does."""

    def __init__(self, file: File, seen: Seen, counters: tuple[int, int]) -> None:
        self._file = file
        self.seen = seen
        self._counters = {_HEAD: counters[0], _ACK: counters[1]}
        self._synced = dict(self._counters)

    @classmethod
    def create(cls, path: Path, nonce: str, medium: Medium = SYSTEM) -> "Witness":
        """Make the witness of an empty journal whose first record will follow `nonce`."""
        draft = path.with_name(path.name + ".new")
        file = medium.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        file.truncate(4 * _SLOT)
        witness = cls(file, Seen(0, nonce), (0, 0))
        witness.note_head(0, nonce)
        witness.sync()
        medium.rename(draft, path)
        medium.sync_directory(path.parent)
        return witness

    @classmethod
    def open(cls, path: Path, medium: Medium = SYSTEM) -> "Witness":
        """Open an existing witness. Raises JournalDamaged when neither copy of the head can be read."""
        file = medium.open(path)
        try:
            return cls(file, *_read(file))
        except BaseException:
            file.close()
            raise

    def note_head(self, seq: int, digest: str) -> None:
        """Remember that the journal has durably reached `seq`."""
        self._write(_HEAD, b'{"seq":%d,"hash":"%s"}' % (seq, digest.encode()))
        self.seen = Seen(seq, digest, self.seen.ack_text, self.seen.ack_sig)

    def note_acknowledgement(self, text: str, sig: str) -> None:
        self._write(_ACK, json.dumps({"text": text, "sig": sig}).encode())
        self.seen = Seen(self.seen.head_seq, self.seen.head_hash, text, sig)

    def sync(self) -> None:
        self._file.sync()
        self._synced = dict(self._counters)

    def close(self) -> None:
        self._file.close()

    def _write(self, pair: int, content: bytes) -> None:
        counter = self._counters[pair]
        counter += 1 if counter == self._synced[pair] else 2  # stays in the slot that may be torn
        numbers = _NUMBERS.pack(len(content), counter)
        slot = _HEADER.pack(_MAGIC, crc32(numbers + content), len(content), counter) + content
        if len(slot) > _SLOT:
            raise OSError(f"{len(slot)} bytes do not fit a slot of the witness")
        if self._file.pwrite(slot, (pair + counter % 2) * _SLOT) != len(slot):
            raise OSError("the witness took only a part of a slot")
        self._counters[pair] = counter


def look(path: Path, medium: Medium = SYSTEM) -> Seen | None:
    """Read a witness without opening it for writing; None if there is none. Raises JournalDamaged."""
    try:
        file = medium.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return _read(file)[0]
    finally:
        file.close()


def _read(file: File) -> tuple[Seen, tuple[int, int]]:
    head_counter, head = _newest(file, _HEAD)
    ack_counter, ack = _newest(file, _ACK)
    if head is None:
        raise JournalDamaged("the witness file is unreadable")
    ack = ack or {"text": "", "sig": ""}
    return Seen(head["seq"], head["hash"], ack["text"], ack["sig"]), (head_counter, ack_counter)


def _newest(file: File, pair: int) -> tuple[int, dict[str, Any] | None]:
    """Return the counter and content of the newer readable slot of a pair."""
    slots = [_parse(file.pread(_SLOT, (pair + i) * _SLOT)) for i in range(2)]
    return max(slots, key=lambda slot: slot[0])


def _parse(slot: bytes) -> tuple[int, dict[str, Any] | None]:
    if len(slot) < _HEADER.size:
        return 0, None
    magic, checksum, length, counter = _HEADER.unpack_from(slot)
    content = slot[_HEADER.size : _HEADER.size + length]
    if magic != _MAGIC or checksum != crc32(_NUMBERS.pack(length, counter) + content):
        return 0, None
    return counter, json.loads(content)
