"""What kind of file system a path is on: a journal in memory is no journal."""

from pathlib import Path

# Gone after a power cut: memory, and the overlay that protects a read-only system card.
VOLATILE = frozenset({"tmpfs", "ramfs", "overlay", "aufs"})
_MOUNTS = Path("/proc/self/mountinfo")


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
