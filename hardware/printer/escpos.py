"""A document as ESC/POS bytes. Every job starts from ESC @ and leaves no state behind.

Source: Epson ESC/POS command reference; python-escpos knows what each model can do (its profiles).
"""

import unicodedata
from dataclasses import dataclass, field
from typing import Any

import segno
from escpos.printer import Dummy
from PIL import Image

from hardware.printer.document import Cut, Document, Feed, Qr
from hardware.printer.layout import Line, set_lines
from hardware.printer.raster import FontMissing, raster_line, without_commands

# In this order: the first that the model has. CP858 is CP850 with the euro; all but the last hold Spanish.
CODE_PAGES = ("CP858", "CP1252", "CP850", "CP437")

# Typographic signs that no code page of a printer need hold, as a typist would write them.
_TYPED = str.maketrans(
    {
        "─": "-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "…": "...",
        "•": "*",
        "\u00a0": " ",
        "\u202f": " ",
    }
)


@dataclass(frozen=True)
class Layout:
    """The paper and the model. `columns`: 32 (58 mm), 42 (80 mm at 180 dpi) or 48 (80 mm at 203 dpi).

    `model` is a profile name of python-escpos, "" for the usual one of that width.
    `fonts` are files tried in order for lines that no code page holds; () for the system's usual ones.
    """

    columns: int = 42
    model: str = ""
    fonts: tuple[str, ...] = ()
    qr_dots: int = 6

    @property
    def profile(self) -> str:
        """The profile's name in python-escpos."""
        return self.model or {32: "POS-5890", 42: "TM-T88V", 48: "TM-T20II"}[self.columns]


def encode(document: Document, layout: Layout | None = None) -> bytes:
    """Return the job: initialisation, the document, nothing that outlives it."""
    job = _Job(layout or Layout())
    for item in set_lines(document, job.layout.columns):
        if isinstance(item, Line):
            job.line(item)
        elif isinstance(item, Qr):
            job.qr(item.data)
        elif isinstance(item, Feed):
            job.printer.print_and_feed(item.lines)
        elif isinstance(item, Cut):
            job.cut()
    return bytes(job.printer.output)


def repertoire(layout: Layout) -> str:
    """Return the name of the code page that jobs of this layout use."""
    pages = Dummy(profile=layout.profile).profile.get_code_pages()
    return next(name for name in CODE_PAGES if name in pages)


@dataclass
class _Job:
    layout: Layout
    printer: Any = field(init=False)
    codec: str = field(init=False)

    def __post_init__(self) -> None:
        page = repertoire(self.layout)
        self.codec = page.lower()
        self.printer = Dummy(profile=self.layout.profile)
        self.printer.hw("INIT")
        # A printer set to another country replaces signs, "$" among them (ESC R), and code pages survive jobs (ESC t).
        self.printer._raw(b"\x1bR\x00")
        self.printer.magic.force_encoding(page)

    def line(self, line: Line) -> None:
        text = line.text if self._holds(line.text) else line.text.translate(_TYPED)
        if self._holds(text):
            self._type(text, line)
        elif not self._draw(line):
            self._type("".join(self._nearest(letter) for letter in text), line)

    def _holds(self, text: str) -> bool:
        try:
            text.encode(self.codec)
        except UnicodeEncodeError:
            return False
        return True

    def _type(self, text: str, line: Line) -> None:
        self.printer.set(
            align=line.align, bold=line.bold, custom_size=True, width=line.wide, height=line.high, font="a"
        )
        self.printer.textln(text)

    def _draw(self, line: Line) -> bool:
        """Print the line as a picture; return False if no font on board has its letters."""
        try:
            picture = raster_line(line, self.layout.columns, self.layout.fonts)
        except FontMissing:
            return False
        self._picture(picture, "left")
        return True

    def _nearest(self, letter: str) -> str:
        """Return what the code page has nearest to `letter`: its base letter, or a box that nobody takes for a sign."""
        if self._holds(letter):
            return letter
        plain = "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
        return plain if plain and self._holds(plain) else "■"

    def qr(self, data: str) -> None:
        self.printer.set(align="center")
        if self.printer.profile.supports("qrCode"):
            quiet = b"\x1bJ" + bytes((4 * self.layout.qr_dots,))  # the printer draws the modules alone
            self.printer._raw(quiet)
            self.printer.qr(data, ec=1, size=self.layout.qr_dots, native=True)
            self.printer._raw(quiet)
            return
        code = segno.make(data, error="m", micro=False)
        modules = [[not cell for cell in row] for row in code.matrix_iter(border=4)]
        picture = Image.new("1", (len(modules), len(modules)))
        picture.putdata([cell for row in modules for cell in row])
        side = len(modules) * self.layout.qr_dots
        self._picture(picture.resize((side, side)), "center")

    def cut(self) -> None:
        self.printer.set(align="left")
        if self.printer.profile.supports("paperFullCut") or self.printer.profile.supports("paperPartCut"):
            self.printer.cut(feed=False)  # GS V 66 0: feeds to the blade itself, leaves one point uncut
        else:
            self.printer.print_and_feed(5)

    def _picture(self, picture: Image.Image, align: str) -> None:
        """Send dots, black where `picture` is black, by GS v 0."""
        picture = picture.point(lambda dot: 0 if dot else 255, "1")
        data = without_commands(picture.tobytes())
        width = (picture.width + 7) // 8
        self.printer.set(align=align)
        self.printer._raw(b"\x1dv0\x00" + width.to_bytes(2, "little") + picture.height.to_bytes(2, "little") + data)
