"""What the journal lies on: all that its files ask of the operating system, and which kind of file system it is.

There is one medium in a kiosk, `SYSTEM`. Tests put another under the same journal, to cut its power.
"""

import errno
import os
from pathlib import Path
from typing import Protocol

import apsw

# Gone after a power cut: memory, and the overlay that protects a read-only system card.
VOLATILE = frozenset({"tmpfs", "ramfs", "overlay", "aufs"})
_MOUNTS = Path("/proc/self/mountinfo")
_PIECE = 1 << 20  # bytes copied at a time


class File(Protocol):
    """An open file that is written in place. Every method raises OSError when the medium does."""

    def pread(self, size: int, offset: int) -> bytes: ...

    def pwrite(self, content: bytes, offset: int) -> int: ...

    def truncate(self, size: int) -> None: ...

    def sync(self) -> None:
        """Make content and size durable; the name is the directory's."""
        ...

    def close(self) -> None: ...


class Medium(Protocol):
    """A file system, and the SQLite VFS that reaches the same files. Methods raise OSError."""

    @property
    def vfs(self) -> str:
        """The name under which SQLite knows it, "" for SQLite's own."""
        ...

    def filesystem(self, path: Path) -> str:
        """Return the type of the file system at `path` ("ext4"), "" if that is not told."""
        ...

    def size(self, path: Path) -> int | None:
        """Return the size of a file, None if there is no such name."""
        ...

    def open(self, path: Path, flags: int = os.O_RDWR) -> File:
        """Open with the flags of open(2)."""
        ...

    def rename(self, path: Path, target: Path) -> None:
        """Give the file another name, in place of what had it."""
        ...

    def unlink(self, path: Path) -> None: ...

    def make_directory(self, path: Path) -> None:
        """Make a directory that is durable on return, unless it is there."""
        ...

    def sync_directory(self, path: Path) -> None:
        """Make names created, renamed or removed in `path` durable."""
        ...


class SystemFile:
    """A file descriptor of the operating system."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def pread(self, size: int, offset: int) -> bytes:
        return os.pread(self._fd, size, offset)

    def pwrite(self, content: bytes, offset: int) -> int:
        return os.pwrite(self._fd, content, offset)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._fd, size)

    def sync(self) -> None:
        os.fdatasync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class SystemMedium:
    """The file systems of the machine."""

    vfs = ""

    def filesystem(self, path: Path) -> str:
        return filesystem_of(path)

    def size(self, path: Path) -> int | None:
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None

    def open(self, path: Path, flags: int = os.O_RDWR) -> SystemFile:
        return SystemFile(os.open(path, flags | os.O_CLOEXEC, 0o600))

    def rename(self, path: Path, target: Path) -> None:
        path.rename(target)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def make_directory(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        self.sync_directory(path.parent)

    def sync_directory(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


SYSTEM = SystemMedium()


_FULL = (errno.ENOSPC, errno.EDQUOT)
# A file that belongs to another account is as read-only to us as a file system that is.
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def reason_of(error: Exception) -> str:
    """Return why the medium refused: disk_full, disk_read_only or disk_failed."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, apsw.FullError) or number in _FULL:
        return "disk_full"
    if isinstance(error, apsw.ReadOnlyError | apsw.PermissionsError) or number in _READ_ONLY:
        return "disk_read_only"
    return "disk_failed"


def write_again(medium: Medium, path: Path) -> None:
    """Make durable what reads back from the file.

    After a crash it may be in memory alone. After a failed sync the kernel even takes its pages for written and no
    further sync would write them, so each is written again, with the bytes that it has.
    """
    file = medium.open(path)
    try:
        offset = 0
        while piece := file.pread(_PIECE, offset):
            offset += file.pwrite(piece, offset)
        file.sync()
    finally:
        file.close()


def filesystem_of(path: Path, mounts: str | None = None) -> str:
    """Return the file system's type name ("ext4"), "" where the system does not tell.

    `mounts` is the text of /proc/self/mountinfo (proc(5)); it is read when not given.
    """
    if mounts is None:
        mounts = _MOUNTS.read_text() if _MOUNTS.exists() else ""
    target, found, longest = path.resolve(), "", -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(_unescape(before.split()[4]))
        depth = len(point.parts)
        # A later line of the same mount point lies on top of the earlier one.
        if depth >= longest and target.is_relative_to(point):
            found, longest = after.split()[0], depth
    return found


def _unescape(text: str) -> str:
    """Undo the kernel's octal escapes for space, tab, newline and backslash."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
