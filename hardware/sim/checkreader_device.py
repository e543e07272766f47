"""A serial check reader of MagTek's kind: its settings, what it makes of a check, and what it says on its line.

A guess: an answer to a command stands between the same signs as a check would, less STX, and ends with CR.
"""

from dataclasses import dataclass, field

STX, ETX, CR, LF, ESC = b"\x02", b"\x03", b"\r", b"\n", b"\x1b"
VERSION = "Version 21076830A1.04"


@dataclass
class Switches:
    """As it leaves the factory: data with CR, parsed fields. `saved` is what a new start takes."""

    framing: str = "00000010"
    format: str = "6200"


@dataclass
class CheckReaderDevice:
    """`settle` False: a reader that forgets what it is told. `mute`: it answers nothing."""

    settle: bool = True
    mute: bool = False
    switches: Switches = field(default_factory=Switches)
    reads: int = 0
    _typed: bytearray = field(default_factory=bytearray)

    def power_cycle(self) -> None:
        self.switches = Switches()
        self._typed.clear()

    def feed(self, data: bytes) -> bytes:
        """Take the host's bytes; return the answers."""
        said = b""
        for byte in data:
            if byte != CR[0]:
                self._typed.append(byte)
                continue
            said += self._command(self._typed.decode("latin-1"))
            self._typed.clear()
        return b"" if self.mute else said

    def _command(self, typed: str) -> bytes:
        word, _, data = typed.partition(" ")
        match word, data:
            case "VR", "":
                return VERSION.encode() + CR
            case "SWB", "":
                return f"SWB {self.switches.framing}".encode() + CR
            case "FC", "":
                return f"FC {self.switches.format}".encode() + CR
            case "SWB", _ if len(data) == 8 and set(data) <= {"0", "1"}:
                if self.settle:
                    self.switches.framing = data
                return b""
            case "FC", _ if len(data) == 4 and data.isdecimal():
                if self.settle:
                    self.switches.format = data
                return b""
        return b"?" + CR

    def read(self, line: str, status: str = "") -> bytes:
        """Return what is sent when a check with this line goes through. `status` "" is what the line deserves."""
        self.reads += 1
        status = status or verdict(line)
        flags = self.switches.framing
        wrong = status in ("01", "05", "07") or (status == "04" and "?" in line)
        if wrong and flags[2] == "0":
            return b""
        data = line if self.switches.format == "0000" else _parsed(line)
        if flags[1] == "1":
            data += f"/{status}"
        signs = ((3, STX), (4, ESC)), ((5, ETX), (6, CR), (7, LF))
        before, after = (b"".join(sign for at, sign in part if flags[at] == "1") for part in signs)
        return before + data.encode() + after


def verdict(line: str) -> str:
    """Return the reader's two digits for a line in T, U, $, - and ?."""
    transit, _, rest = line.partition("T")[2].partition("T")
    if not line.strip():
        return "01"
    numbers = [int(sign) for sign in transit if sign.isdecimal()]
    weighed = sum(value * (3, 7, 1)[at % 3] for at, value in enumerate(numbers))
    if "?" in transit or len(numbers) != 9 or weighed % 10:
        return "08" if "-" in transit else "05"
    if "?" in rest.partition("U")[0]:
        return "07"
    if "?" in line:
        return "04"
    if "$" in rest and any(sign.isdecimal() for sign in rest.partition("$")[2]):
        return "11"
    return "10" if line.lstrip().startswith("U") else "00"


def _parsed(line: str) -> str:
    """Format 6200, roughly: what a host that forgot to set the format has to live with."""
    transit, _, rest = line.partition("T")[2].partition("T")
    account, _, number = rest.partition("U")
    return f"T{transit}T{account}A{number}".replace(" ", "").replace("-", "")
