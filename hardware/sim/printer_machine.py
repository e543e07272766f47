"""How the printer's twin behaves: its buffer, its sensors and what it puts on paper. No port, no clock.

It keeps what it was sent while it cannot print, and prints it when it can again, as real printers do.
Source: Epson ESC/POS command reference. A guess: printing takes no time here.
"""

from dataclasses import dataclass, field, replace

from hardware.sim.printer_commands import Command, take
from hardware.sim.printer_paper import LINE_HIGH, Blank, Code, Picture, Run, Strip, TextLine

BUFFER_BYTES = 4096  # what comes on top while nothing can be printed is thrown away
CODE_PAGES = {0: "cp437", 2: "cp850", 3: "cp860", 5: "cp865", 16: "cp1252", 18: "cp852", 19: "cp858", 53: "cp858"}
CLEAR = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"
CLEARED = b"\x37\x25\x00"

# ESC R: what other countries' sets put in the places of these characters.
_REPLACED = "#$@[\\]^`{|}~"
_COUNTRIES = {2: "#$§ÄÖÜ^`äöüß", 3: "£$@[\\]^`{|}~", 5: "#¤ÉÄÖÅÜéäöåü", 7: "₧$@¡Ñ¿^`¨ñ}~"}
_ALIGN = {0: "left", 1: "center", 2: "right", 48: "left", 49: "center", 50: "right"}


@dataclass
class Style:
    """What ESC @ puts back."""

    wide: int = 1
    high: int = 1
    bold: bool = False
    align: str = "left"
    code_page: int = 0
    country: int = 0
    line_dots: int = LINE_HIGH


@dataclass
class PrinterMachine:
    """Feed it what the host sends; it answers. `country` and `code_page` are what its switches say after ESC @.

    `bare_offline` makes it a model that tells paper end by being offline and by nothing else.
    `slip_station`: it prints on slips, too, and waits for one that is selected. `slips`: texts of those given back.
    `out_after`: lines until the paper ends; `stop_after`: lines until `stopped` is set (somebody pulls something then).
    """

    columns: int = 42
    country: int = 0
    code_page: int = 0
    bare_offline: bool = False
    slip_station: bool = False
    slip_in: bool = False
    slips: list[str] = field(default_factory=list)
    paper: str = "ok"
    cover_open: bool = False
    cutter_jammed: bool = False
    powered: bool = True
    out_after: int | None = None
    stop_after: int | None = None
    stopped: bool = False
    finished: list[Strip] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.strip = Strip(self.columns)
        self._forget()

    # What people do to it

    def power(self, on: bool) -> None:
        """Without power it forgets its buffer, its line and its settings; the paper stays as it is."""
        self.powered = on
        self.stopped = False
        self._forget()

    # What the host does

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host; return the answer. Real-time commands are obeyed on arrival, anywhere."""
        if not self.powered:
            return b""
        answer = bytearray()
        self._incoming += data
        while self._incoming:
            step = self._real_time()
            if step is None:
                break  # the rest of a real-time command is still on its way
            answer += step
        return bytes(answer)

    def run(self) -> bytes:
        """Print what is in the buffer as far as paper and cover allow; return the answers to what was in it."""
        answer = bytearray()
        while self.powered and self.ready and not self.stopped and not self.waits_for_slip:
            command = take(self._buffer)
            if command is None:
                break
            answer += self._obey(command)
        return bytes(answer)

    def lose_input(self) -> None:
        """The rest of what the host was sending does not arrive. A line that was begun is not printed either."""
        self._buffer.clear()
        self._incoming.clear()
        self._runs.clear()

    @property
    def ready(self) -> bool:
        return self.paper != "out" and not self.cover_open and not self.cutter_jammed

    @property
    def waits_for_slip(self) -> bool:
        return self._slip is not None and not self.slip_in

    @property
    def waiting(self) -> int:
        """Bytes that wait to be printed."""
        return len(self._buffer)

    def _forget(self) -> None:
        self._buffer = bytearray()
        self._incoming = bytearray()
        self._runs: list[Run] = []
        self._slip: list[str] | None = None  # the lines on the slip, once it is selected
        self._code = Code("", 3, "L")
        self._style = Style(code_page=self.code_page, country=self.country)

    # Real time

    def _real_time(self) -> bytes | None:
        """Take one real-time command, or the bytes up to the next one, off the input."""
        data = self._incoming
        if data[0] != 0x10:
            at = data.find(0x10)
            return self._store(len(data) if at < 0 else at)
        if len(data) < 3:
            return self._store(1) if len(data) == 2 and data[1] not in (0x04, 0x05, 0x14) else None
        if data[1] == 0x04:
            answer = self._status(data[2])
            del data[:3]
            return answer
        if data[1] == 0x05:
            self._enquire(data[2])
            del data[:3]
            return b""
        if data[1] == 0x14 and CLEAR.startswith(data[: len(CLEAR)]):
            if len(data) < len(CLEAR):
                return None
            del data[: len(CLEAR)]
            self._buffer.clear()
            self._runs.clear()
            return CLEARED
        return self._store(1)

    def _store(self, count: int) -> bytes:
        room = BUFFER_BYTES - len(self._buffer) if not self.ready else count
        self._buffer += self._incoming[: min(count, room)]
        del self._incoming[:count]
        return self.run()

    def _enquire(self, request: int) -> None:
        """DLE ENQ 1 and 2 recover from a jammed cutter; 2 throws away what was not printed."""
        if request == 3 and self.waits_for_slip:
            self._slip = None
            self._buffer.clear()
            self._runs.clear()
        if request in (1, 2) and self.cutter_jammed:
            self.cutter_jammed = False
            if request == 2:
                self._buffer.clear()
                self._runs.clear()

    def _status(self, request: int) -> bytes:
        out, low = self.paper == "out", self.paper != "ok"
        if self.bare_offline:
            out = low = False
        bits = {
            1: 0x08 * (not self.ready),
            2: 0x04 * self.cover_open | 0x20 * out | 0x40 * self.cutter_jammed,
            3: 0x08 * self.cutter_jammed,
            4: 0x0C * low | 0x60 * out,
        }
        return bytes((0x12 | bits[request],)) if request in bits else b""

    # Commands in the order of the buffer

    def _obey(self, command: Command) -> bytes:
        data = command.data
        style = self._style
        match command.name:
            case "text":
                self._type(Run(self._read(data), style.wide, style.high, style.bold))
            case "LF":
                self._line()
            case "ESC @":
                self._runs.clear()
                self._slip = None
                self._style = Style(code_page=self.code_page, country=self.country)
            case "ESC c" if data[:1] == b"0" and self.slip_station:
                self._slip = [] if data[1] & 0x04 else None
            case "FF" if self._slip is not None:
                self.slips.append("\n".join(self._slip))
                self._slip, self.slip_in = None, False  # the roll is selected again when the slip is out
            case "GS !":
                style.wide, style.high = (data[0] >> 4) + 1, (data[0] & 0x07) + 1
            case "ESC !":
                style.wide, style.high = 1 + bool(data[0] & 0x20), 1 + bool(data[0] & 0x10)
                style.bold = bool(data[0] & 0x08)
            case "ESC E" | "ESC G":
                style.bold = bool(data[0] & 1)
            case "ESC a":
                style.align = _ALIGN.get(data[0], style.align)
            case "ESC t":
                style.code_page = data[0]
            case "ESC R":
                style.country = data[0]
            case "ESC 2":
                style.line_dots = LINE_HIGH
            case "ESC 3":
                style.line_dots = data[0]
            case "ESC d":
                self._feed(data[0])
            case "ESC J":
                self._feed_dots(data[0])
            case "GS v":
                self._picture(data)
            case "GS (":
                self._extended(data)
            case "GS V":
                self._cut()
            case "GS r":
                return self._sensor(data[0])
            case "GS a":
                return self._automatic(data[0])
        return b""

    def _read(self, data: bytes) -> str:
        text = data.decode(CODE_PAGES.get(self._style.code_page, "cp437"), errors="replace")
        other = _COUNTRIES.get(self._style.country, _REPLACED)
        return text.translate(str.maketrans(_REPLACED, other))

    def _type(self, run: Run) -> None:
        last = self._runs[-1] if self._runs else None
        if last is not None and replace(last, text=run.text) == run:
            self._runs[-1] = replace(last, text=last.text + run.text)
        else:
            self._runs.append(run)

    def _line(self) -> None:
        """Print the line that stands in the buffer; one wider than the paper goes on in the next, as on paper."""
        runs, self._runs = self._runs, []
        if self._slip is not None:
            self._slip.append("".join(run.text for run in runs))
            return
        for line in _folded(runs, self.columns):
            self._put(TextLine(line, self._style.align))

    def _feed(self, lines: int) -> None:
        if self._runs:
            self._line()
            lines -= 1
        for _ in range(lines):
            self._put(TextLine(()))

    def _feed_dots(self, dots: int) -> None:
        if self._runs:
            self._line()
        self._put(Blank(dots))

    def _put(self, item: TextLine | Picture | Code | Blank) -> None:
        if self.paper == "out":
            return  # the rest of a feed that was begun when the paper ended
        self.strip.printed.append(item)
        if self.out_after is not None:
            self.out_after -= 1
            if self.out_after <= 0:
                self.paper, self.out_after = "out", None
        if self.stop_after is not None:
            self.stop_after -= 1
            if self.stop_after <= 0:
                self.stopped, self.stop_after = True, None

    def _picture(self, data: bytes) -> None:
        width, height = 8 * (data[2] + 256 * data[3]), data[4] + 256 * data[5]
        self._put(Picture(width, height, data[6:], self._style.align))

    def _extended(self, data: bytes) -> None:
        """GS ( k, code type 49: model, size, error correction, store, print."""
        if data[0:1] != b"k" or data[3:4] != b"1" or len(data) < 5:
            return
        function, value = data[4], data[5:]
        code = self._code
        if function == 67 and value:
            self._code = Code(code.data, value[0], code.level)
        elif function == 69 and value:
            self._code = Code(code.data, code.dots, {48: "L", 49: "M", 50: "Q", 51: "H"}.get(value[0], "L"))
        elif function == 80:
            self._code = Code(value[1:].decode("utf-8", errors="replace"), code.dots, code.level)
        elif function == 81 and code.data:
            self._put(Code(code.data, code.dots, code.level, self._style.align))

    def _cut(self) -> None:
        if self._runs:
            self._line()
        if not self.strip.blank:
            self.finished.append(self.strip)
        self.strip = Strip(self.columns)

    def _sensor(self, request: int) -> bytes:
        """GS r 1: the paper sensors, told when all that was sent before is on paper."""
        if request not in (1, 49):
            return b"\x00"
        return bytes((0x03 * (self.paper != "ok") | 0x0C * (self.paper == "out"),))

    def _automatic(self, mask: int) -> bytes:
        """GS a tells the status once when it is switched on; later changes are left to the host's questions."""
        if not mask:
            return b""
        return bytes(
            (
                0x10 | 0x08 * (not self.ready) | 0x20 * self.cover_open,
                0x08 * self.cutter_jammed,
                0x03 * (self.paper != "ok") | 0x0C * (self.paper == "out"),
                0x0F,
            )
        )


def _folded(runs: list[Run], columns: int) -> list[tuple[Run, ...]]:
    lines: list[tuple[Run, ...]] = []
    line: list[Run] = []
    room = columns
    for run in runs:
        text = run.text
        while text:
            fits = room // run.wide
            if not fits:
                lines.append(tuple(line))
                line, room = [], columns
                continue
            line.append(Run(text[:fits], run.wide, run.high, run.bold))
            room -= len(text[:fits]) * run.wide
            text = text[fits:]
    return [*lines, tuple(line)]
