"""What the simulated disk holds: what reads back, what is durable, and what lies between.

What is written is durable after a sync of its file, a name after a sync of its directory. Before that nothing is
promised, not even an order: at a power cut each operation has reached the disk, or has not, or has in part.
"""

import errno
import os
import random
from collections.abc import Callable

SECTOR = 512
Operation = tuple[int, bytes | None]  # a write at an offset; without bytes, the size after a truncation
Change = dict[str, "Content | None"]  # names given, and names taken away


class Content:
    """The bytes of one file. `data` is what the kernel would read back."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._durable = bytearray()
        self._pending: list[Operation] = []

    def write(self, offset: int, content: bytes) -> None:
        _apply(self.data, offset, content)
        self._pending.append((offset, content))

    def truncate(self, size: int) -> None:
        _apply(self.data, size, None)
        self._pending.append((size, None))

    def sync(self) -> None:
        for offset, content in self._pending:
            _apply(self._durable, offset, content)
        self._pending.clear()

    def forget(self, chance: random.Random) -> None:
        """A sync failed: the kernel takes the pages for written, whatever became of them, and reads them back."""
        self._settle(chance)

    def cut(self, chance: random.Random) -> None:
        """The power goes: what reads back afterwards is what had reached the disk."""
        self._settle(chance)
        self.data = bytearray(self._durable)

    def _settle(self, chance: random.Random) -> None:
        kept = chance.choice((0.0, 0.5, 0.9, 1.0))
        for offset, content in self._pending:
            fate = chance.random()
            if fate < kept:
                _apply(self._durable, offset, content)
            elif content is not None and fate < (1 + kept) / 2:
                _tear(self._durable, offset, content, chance)
        self._pending.clear()


class PowerLost(BaseException):
    """The machine is off, or this handle is of a process that died. No fault that a program could catch."""


class Platter:
    """Files by name. `honest=False` says yes to a sync and does nothing.

    To write, truncate, sync or change a name is an operation; `operations` counts them. The faults are attributes:

    cut_at       lose the power before the operation of this number, counted from 0
    full_after   bytes that the disk holds
    read_only    as after an error of the file system
    fail_sync    the next sync of a file fails, and the kernel forgets that its pages were never written
    on_sync      called at every sync, so that time can pass
    """

    def __init__(self, chance: random.Random, *, honest: bool = True) -> None:
        self.cut_at: int | None = None
        self.full_after: int | None = None
        self.read_only = False
        self.fail_sync = False
        self.on_sync: Callable[[], None] = lambda: None
        self.operations = 0
        self.life = 0  # handles of an earlier life are dead
        self._chance = chance
        self._honest = honest
        self._dark = False
        self._names: dict[str, Content] = {}
        self._durable: dict[str, Content] = {}
        self._changes: dict[str, list[Change]] = {}

    def crash(self) -> None:
        """The process dies: the kernel keeps what was written."""
        self.life += 1
        self._dark = False

    def power_cut(self) -> None:
        """The power goes and comes back: what was not synced is kept, dropped or torn."""
        self.crash()
        self.cut_at = None
        for changes in self._changes.values():
            kept = self._chance.choice((0.0, 0.5, 1.0))
            for change in changes:
                if self._chance.random() < kept:
                    _rename(self._durable, change)
        self._changes.clear()
        self._names = dict(self._durable)
        for content in self._names.values():
            content.cut(self._chance)

    def find(self, path: str) -> Content | None:
        return self._names.get(path)

    def write(self, file: Content, offset: int, content: bytes) -> int:
        """Write what fits; return how much."""
        self._changing()
        if self.full_after is not None:
            room = self.full_after - sum(len(other.data) for other in self._names.values())
            if offset + len(content) > len(file.data) + max(room, 0):
                content = content[: max(0, len(file.data) + room - offset)]
                if not content:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        file.write(offset, content)
        return len(content)

    def truncate(self, file: Content, size: int) -> None:
        self._changing()
        file.truncate(size)

    def sync(self, file: Content) -> None:
        self._operation()
        self.on_sync()
        if self.fail_sync:
            self.fail_sync = False
            file.forget(self._chance)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if self._honest:
            file.sync()

    def create(self, path: str) -> Content:
        file = Content()
        self._change(path, {path: file})
        return file

    def rename(self, path: str, target: str) -> None:
        if os.path.dirname(path) != os.path.dirname(target):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        self._change(path, {path: None, target: self._known(path)})

    def unlink(self, path: str) -> None:
        self._known(path)
        self._change(path, {path: None})

    def sync_directory(self, folder: str) -> None:
        self._operation()
        self.on_sync()
        if self._honest:
            for change in self._changes.pop(folder, ()):
                _rename(self._durable, change)

    def require_power(self, life: int) -> None:
        if self._dark or life != self.life:
            raise PowerLost

    def _known(self, path: str) -> Content:
        self.require_power(self.life)
        if path not in self._names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._names[path]

    def _change(self, path: str, change: Change) -> None:
        self._changing()
        _rename(self._names, change)
        self._changes.setdefault(os.path.dirname(path), []).append(change)

    def _changing(self) -> None:
        self._operation()
        if self.read_only:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def _operation(self) -> None:
        self._dark = self._dark or self.operations == self.cut_at
        if self._dark:
            raise PowerLost(f"before operation {self.operations}")
        self.operations += 1


def _apply(data: bytearray, offset: int, content: bytes | None) -> None:
    if offset > len(data):
        data.extend(bytes(offset - len(data)))
    if content is None:
        del data[offset:]
    else:
        data[offset : offset + len(content)] = content


def _tear(data: bytearray, offset: int, content: bytes, chance: random.Random) -> None:
    """Write a part: a beginning, or some of the sectors. A file that was to grow may have its size before its bytes."""
    missing = offset + len(content) - len(data)
    if missing > 0 and chance.random() < 0.5:
        data.extend(bytes(missing) if chance.random() < 0.5 else chance.randbytes(missing))
    if chance.random() < 0.5:
        _apply(data, offset, content[: chance.randrange(len(content) + 1)])
        return
    start = 0
    while start < len(content):
        end = start + SECTOR - (offset + start) % SECTOR
        if chance.random() < 0.5:
            _apply(data, offset + start, content[start:end])
        start = end


def _rename(names: dict[str, Content], change: Change) -> None:
    for name, content in change.items():
        if content is None:
            names.pop(name, None)
        else:
            names[name] = content
