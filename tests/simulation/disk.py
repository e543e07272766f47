"""A disk in memory under the journal, whose power can be cut.

SQLite reaches it by a VFS that does as its own on Linux: the first sync of a log or rollback journal syncs the
directory too, a removal does so when asked. Locks are not modelled. SQLite draws the salts of its log from the system;
what becomes of a seed does not hang on them.
"""
# ruff: noqa: N802 the names of the methods are SQLite's

import errno
import itertools
import os
import random
from pathlib import Path

import apsw

from tests.simulation.platter import Content, Platter, PowerLost

__all__ = ["Disk", "PowerLost"]

_NUMBERS = itertools.count(1)
_NEW_NAME = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
# What SQLite's own VFS says of every file on Linux.
_CHARACTERISTICS = apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE | apsw.SQLITE_IOCAP_SUBPAGE_READ


class Disk(Platter):
    """A disk with one folder, `folder`. Give its `medium` to the journal; `close` it at the end."""

    def __init__(self, chance: random.Random, *, honest: bool = True) -> None:
        super().__init__(chance, honest=honest)
        name = f"simulated-disk-{next(_NUMBERS)}"
        self.folder = Path("/", name)
        self._vfs = _Vfs(self, name)
        self.medium = DiskMedium(self, name)

    def close(self) -> None:
        self._vfs.unregister()


class DiskFile:
    """An open file, as `kiosk.journal.medium.File`."""

    def __init__(self, disk: Disk, content: Content) -> None:
        self._disk, self._content, self._life = disk, content, disk.life

    def pread(self, size: int, offset: int) -> bytes:
        self._disk.require_power(self._life)
        return bytes(self._content.data[offset : offset + size])

    def pwrite(self, content: bytes, offset: int) -> int:
        self._disk.require_power(self._life)
        return self._disk.write(self._content, offset, content)

    def truncate(self, size: int) -> None:
        self._disk.require_power(self._life)
        self._disk.truncate(self._content, size)

    def sync(self) -> None:
        self._disk.require_power(self._life)
        self._disk.sync(self._content)

    def close(self) -> None:
        """Let go; the dead may do so too."""

    def size(self) -> int:
        self._disk.require_power(self._life)
        return len(self._content.data)


class DiskMedium:
    """The disk as the journal's `Medium`."""

    def __init__(self, disk: Disk, vfs: str) -> None:
        self._disk = disk
        self.vfs = vfs

    def filesystem(self, path: Path) -> str:
        return "ext4"

    def size(self, path: Path) -> int | None:
        self._disk.require_power(self._disk.life)
        content = self._disk.find(str(path))
        return None if content is None else len(content.data)

    def open(self, path: Path, flags: int = os.O_RDWR) -> DiskFile:
        self._disk.require_power(self._disk.life)
        content = self._disk.find(str(path))
        if content is not None and flags & os.O_EXCL:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        if content is None:
            if not flags & os.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            content = self._disk.create(str(path))
        elif flags & os.O_TRUNC:
            self._disk.truncate(content, 0)
        if self._disk.read_only and flags & os.O_ACCMODE != os.O_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return DiskFile(self._disk, content)

    def rename(self, path: Path, target: Path) -> None:
        self._disk.rename(str(path), str(target))

    def unlink(self, path: Path) -> None:
        self._disk.unlink(str(path))

    def make_directory(self, path: Path) -> None:
        """A directory is a part of its files' names here, and durable with them."""

    def sync_directory(self, path: Path) -> None:
        self._disk.sync_directory(str(path))


class _Vfs(apsw.VFS):
    """The disk as SQLite's VFS."""

    def __init__(self, disk: Disk, name: str) -> None:
        super().__init__(name, "")
        self._disk = disk

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "_SqliteFile":
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:  # a passing file that is never seen by name
            return _SqliteFile(self._disk, Content(), "")
        self._disk.require_power(self._disk.life)
        content = self._disk.find(path)
        if content is None:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE or self._disk.read_only:
                raise apsw.CantOpenError(path)
            content = self._disk.create(path)
        if self._disk.read_only:
            flags[0] = flags[0] & ~apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_READONLY
        flags[1] = flags[0]
        nameless = flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & _NEW_NAME
        return _SqliteFile(self._disk, content, os.path.dirname(path) if nameless else "")

    def xDelete(self, path: str, syncdir: bool) -> None:
        try:
            self._disk.unlink(path)
            if syncdir:
                self._disk.sync_directory(os.path.dirname(path))
        except FileNotFoundError as error:
            raise _said(apsw.IOError(path), apsw.SQLITE_IOERR_DELETE_NOENT) from error
        except OSError as error:
            raise _said(apsw.IOError(str(error)), apsw.SQLITE_IOERR_DELETE) from error

    def xAccess(self, path: str, flags: int) -> bool:
        self._disk.require_power(self._disk.life)
        there = self._disk.find(path) is not None
        return there and not (flags == apsw.SQLITE_ACCESS_READWRITE and self._disk.read_only)

    def xFullPathname(self, name: str) -> str:
        return name


class _SqliteFile:
    """An open file as SQLite wants it. `unsynced` is the directory that has to learn its name with the first sync."""

    def __init__(self, disk: Disk, content: Content, unsynced: str) -> None:
        self._disk = disk
        self._file = DiskFile(disk, content)
        self._unsynced = unsynced
        self.xRead = self._file.pread
        self.xFileSize = self._file.size

    def xWrite(self, content: bytes, offset: int) -> None:
        try:
            if self._file.pwrite(bytes(content), offset) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise apsw.FullError(str(error)) from error
            raise _said(apsw.IOError(str(error)), apsw.SQLITE_IOERR_WRITE) from error

    def xTruncate(self, size: int) -> None:
        try:
            self._file.truncate(size)
        except OSError as error:
            raise _said(apsw.IOError(str(error)), apsw.SQLITE_IOERR_TRUNCATE) from error

    def xSync(self, flags: int) -> None:
        try:
            self._file.sync()
            if self._unsynced:
                self._disk.sync_directory(self._unsynced)
                self._unsynced = ""
        except OSError as error:
            raise _said(apsw.IOError(str(error)), apsw.SQLITE_IOERR_FSYNC) from error

    def xClose(self) -> None:
        pass

    def xLock(self, level: int) -> None:
        pass

    def xUnlock(self, level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return 4096

    def xDeviceCharacteristics(self) -> int:
        return _CHARACTERISTICS


def _said(error: apsw.Error, code: int) -> apsw.Error:
    error.extendedresult = code
    return error
