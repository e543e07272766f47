"""Printing on a slip that a person puts into a hybrid printer (Epson's TM-H6000 and its like): a check's back.

Source: Epson ESC/POS command reference, ESC c 0, FF, DLE ENQ 3, and the specification of the TM-H5000II. Once the slip
is selected the printer waits for one without end, as it does by default; a set time would let the text out on the
receipt's paper. The wait is cancelled by us.
"""

from hardware.printer.escpos import CODE_PAGES

INIT = b"\x1b@"
SLIP, ROLL = b"\x1bc0\x04", b"\x1bc0\x01"
EJECT = b"\x0c"
CANCEL = b"\x10\x05\x03"  # in real time; it empties the buffers, too


def slip_job(lines: tuple[str, ...]) -> bytes:
    """Return the bytes that print `lines` on the next slip and give it back. They leave the roll selected."""
    text = b"".join(line.encode(CODE_PAGES[-1].lower(), errors="replace") + b"\n" for line in lines)
    return INIT + SLIP + text + EJECT + ROLL
