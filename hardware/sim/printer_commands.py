"""ESC/POS taken apart: bytes from the host in, one command at a time out. Knows lengths, not meanings.

Source: Epson ESC/POS command reference. Real-time commands (DLE) never come here: see printer_machine.
"""

from dataclasses import dataclass

ESC, GS, FS = 0x1B, 0x1D, 0x1C

# Parameter bytes after the two bytes of the command, where their number is fixed.
_LENGTHS = {
    **{(ESC, ord(name)): 0 for name in "@2<SL"},
    **{(ESC, ord(name)): 1 for name in "!- 3=DEGJMRTVadrt{"},
    **{(ESC, ord(name)): 2 for name in "$\\cf"},
    **{(ESC, ord(name)): 3 for name in "p"},
    **{(GS, ord(name)): 1 for name in "!BEHIabfhrwT"},
    **{(GS, ord(name)): 2 for name in "LWP$\\"},
    **{(FS, ord(name)): 0 for name in "&."},
    **{(FS, ord(name)): 1 for name in "!-C"},
}
_PREFIX = {ESC: "ESC", GS: "GS", FS: "FS"}


@dataclass(frozen=True)
class Command:
    """`name` as in the reference ("ESC a", "GS V", "LF"), "text" for printable bytes, "?" for what nobody knows."""

    name: str
    data: bytes = b""


def take(buffer: bytearray) -> Command | None:
    """Remove the first command from `buffer` and return it; None if its bytes are not all there yet."""
    if not buffer:
        return None
    first = buffer[0]
    if first >= 0x20:
        end = next((i for i, byte in enumerate(buffer) if byte < 0x20), len(buffer))
        return _cut(buffer, "text", 0, end)
    if first not in _PREFIX:
        return _cut(buffer, {0x0A: "LF", 0x0C: "FF", 0x0D: "CR", 0x18: "CAN"}.get(first, "?"), 0, 1)
    if len(buffer) < 2:
        return None
    size = _size(buffer)
    if size is None or len(buffer) < size:
        return None
    known = (first, buffer[1]) in _LENGTHS or (first, buffer[1]) in _MEASURED
    return _cut(buffer, f"{_PREFIX[first]} {chr(buffer[1])}" if known else "?", 2, size)


def _cut(buffer: bytearray, name: str, start: int, end: int) -> Command:
    command = Command(name, bytes(buffer[start:end]))
    del buffer[:end]
    return command


def _size(buffer: bytearray) -> int | None:
    """Return the bytes of the whole command; None while the bytes that tell it are missing."""
    key = (buffer[0], buffer[1])
    if key in _MEASURED:
        return _MEASURED[key](buffer)
    return 2 + _LENGTHS.get(key, 0)


def _cut_size(buffer: bytearray) -> int | None:
    if len(buffer) < 3:
        return None
    return 4 if buffer[2] in (65, 66, 97, 98, 103, 104) else 3


def _extended_size(buffer: bytearray) -> int | None:
    return 5 + buffer[3] + 256 * buffer[4] if len(buffer) >= 5 else None


def _raster_size(buffer: bytearray) -> int | None:
    if len(buffer) < 8:
        return None
    return 8 + (buffer[4] + 256 * buffer[5]) * (buffer[6] + 256 * buffer[7])


def _column_picture_size(buffer: bytearray) -> int | None:
    if len(buffer) < 5:
        return None
    return 5 + (buffer[3] + 256 * buffer[4]) * (3 if buffer[2] in (32, 33) else 1)


_MEASURED = {
    (GS, ord("V")): _cut_size,
    (GS, ord("(")): _extended_size,
    (GS, ord("v")): _raster_size,
    (ESC, ord("*")): _column_picture_size,
}
