"""What goes over the line of a MagTek reader, after its technical reference manuals (99875057, 99875081, 99875175).

    host     VR<CR>            the version
             SWB 01110100<CR>  how a message is framed; without data, the reader tells its own
             FC 0000<CR>       which format; without data, the reader tells its own
    reader   <STX>line/ss<ETX> a check, raw: e13b.py has its signs; ss is the reader's verdict
             text<CR>          an answer to a command

That FC wants a blank, and that answers have no STX, is from examples in the manuals: both are taken either way.
"""

import re

from hardware.checks.contract import FOREIGN, GARBLED, UNREADABLE, Check
from hardware.checks.e13b import BadLine, parse

STX, ETX, CR, LF, ESC = 0x02, 0x03, 0x0D, 0x0A, 0x1B
MESSAGE_BYTES_MAX = 128  # the longest line has 65 characters

# SWB, bits 7 to 0: packet mode, status after data, data after an error, STX, ESC, ETX, CR, LF.
FRAMING = "01110100"
FORMAT = "0000"  # raw, with T, U, $, - and ?

_CHECK = re.compile(r"([0-9TU$\-? ]*)/([0-9]{2})")
# Verdicts: 01 no line, 05 transit, 07 account, 04 number; 08 Canadian, 09 Mexican. The rest is no reason to refuse:
# 00 well, 03 weak but read, 10 business, 11 amount, 12 short account. A missing number is 04, too: the line decides.
_VERDICTS = {"08": FOREIGN, "09": FOREIGN, "01": UNREADABLE}
_KNOWN = frozenset(("00", "01", "03", "04", "05", "07", "08", "09", "10", "11", "12"))


class Messages:
    """Cuts the stream into messages, as text: what stands between STX and ETX, or up to CR. Control signs end one."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._overlong = False

    def feed(self, data: bytes) -> list[str]:
        found: list[str] = []
        for byte in data:
            if byte in (STX, ETX, CR, LF, ESC):
                if byte in (ETX, CR, LF) and self._held and not self._overlong:
                    found.append(self._held.decode("latin-1"))
                self.clear()
            elif len(self._held) < MESSAGE_BYTES_MAX:
                self._held.append(byte)
            else:
                self._overlong = True
        return found

    def clear(self) -> None:
        self._held.clear()
        self._overlong = False


def is_check(message: str) -> bool:
    return _CHECK.fullmatch(message) is not None


def check_of(message: str) -> Check:
    """Return what the message of a check says. BadLine if the check cannot be taken."""
    found = _CHECK.fullmatch(message)
    if found is None or found[2] not in _KNOWN:
        raise BadLine(GARBLED)
    line, verdict = found[1], found[2]
    if verdict in _VERDICTS:
        raise BadLine(_VERDICTS[verdict])
    if verdict in ("05", "07") and "?" not in line:
        parse(line)  # says which field it was, if we agree
        raise BadLine(UNREADABLE)
    return parse(line)


def command(word: str, data: str = "") -> bytes:
    return f"{word} {data}\r".encode() if data else f"{word}\r".encode()
