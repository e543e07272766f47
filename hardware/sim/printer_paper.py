"""The paper that came out of the printer's twin: what is on it, as text and as a picture."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import segno
from PIL import Image, ImageDraw, ImageFilter, ImageFont

CELL_WIDE, CELL_HIGH, LINE_HIGH = 12, 24, 30  # dots of font A, and its line
SCALE = 2  # picture points a dot
MARGIN = 28  # dots of paper beside the print
_INK, _PAPER, _GROUND = (38, 36, 40), (252, 251, 247), (226, 227, 230)
_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMono-Regular.ttf",
)
_BOLD_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMono-Bold.ttf",
)


@dataclass(frozen=True)
class Run:
    """Characters of one style; `wide` and `high` multiply the cell."""

    text: str
    wide: int = 1
    high: int = 1
    bold: bool = False


@dataclass(frozen=True)
class TextLine:
    runs: tuple[Run, ...]
    align: str = "left"

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    @property
    def wide(self) -> int:
        """Width in cells."""
        return sum(len(run.text) * run.wide for run in self.runs)

    @property
    def high(self) -> int:
        """Height of the tallest character, in cells."""
        return max((run.high for run in self.runs), default=1)


@dataclass(frozen=True)
class Picture:
    """Dots by rows, eight a byte, a set bit is black."""

    width: int
    height: int
    data: bytes
    align: str = "left"


@dataclass(frozen=True)
class Code:
    """A QR code with `dots` a module; `level` L, M, Q or H."""

    data: str
    dots: int
    level: str
    align: str = "left"


@dataclass(frozen=True)
class Blank:
    dots: int


Printed = TextLine | Picture | Code | Blank


@dataclass
class Strip:
    """What was printed since the last cut, on paper `columns` characters of font A wide."""

    columns: int
    printed: list[Printed] = field(default_factory=list)

    @property
    def blank(self) -> bool:
        return all(isinstance(item, Blank) or (isinstance(item, TextLine) and not item.runs) for item in self.printed)

    def text(self) -> str:
        """Return the strip as plain text, aligned as on the paper; a code as [QR ...], a picture as [picture ...]."""
        lines: list[str] = []
        for item in self.printed:
            if isinstance(item, Blank):
                lines += [""] * round(item.dots / LINE_HIGH)
            else:
                lines.append(_as_text(item, self.columns))
        return "\n".join(lines).rstrip() + "\n"


def _as_text(item: TextLine | Picture | Code, columns: int) -> str:
    if isinstance(item, Code):
        shown = f"[QR {item.data}]"
    elif isinstance(item, Picture):
        shown = f"[picture {item.width} x {item.height}]"
    else:
        shown = item.text
    room = max(0, columns - len(shown))  # every character is one here, also a wide one
    return (" " * {"left": 0, "center": room // 2, "right": room}[item.align] + shown).rstrip()


def draw(strip: Strip) -> Image.Image:
    """Return a photograph of the strip: thermal paper, torn at both ends."""
    width = strip.columns * CELL_WIDE
    dots = Image.new("L", (width * SCALE, (sum(map(_height, strip.printed)) + LINE_HIGH) * SCALE), 0)
    y = 0
    for item in strip.printed:
        if not isinstance(item, Blank):
            mark = _mark(item)
            room = max(0, dots.width - mark.width)
            dots.paste(mark, ({"left": 0, "center": room // 2, "right": room}[item.align], y))
        y += _height(item) * SCALE
    return _on_paper(dots)


def save(strip: Strip, path: Path) -> None:
    """Write PATH.png."""
    draw(strip).quantize(32).save(path, optimize=True)


def _height(item: Printed) -> int:
    if isinstance(item, Blank):
        return item.dots
    if isinstance(item, Picture):
        return item.height
    if isinstance(item, Code):
        return _matrix(item).height
    return CELL_HIGH * item.high + LINE_HIGH - CELL_HIGH


def _mark(item: TextLine | Picture | Code) -> Image.Image:
    if isinstance(item, Picture):
        padded = (item.width + 7) // 8 * 8
        picture = (
            Image.frombytes("1", (padded, item.height), item.data).convert("L").crop((0, 0, item.width, item.height))
        )
        return picture.resize((item.width * SCALE, item.height * SCALE), Image.Resampling.NEAREST)
    if isinstance(item, Code):
        matrix = _matrix(item)
        return matrix.resize((matrix.width * SCALE, matrix.height * SCALE), Image.Resampling.NEAREST)
    line = Image.new("L", (max(1, item.wide) * CELL_WIDE * SCALE, item.high * CELL_HIGH * SCALE), 0)
    x = 0
    for run in item.runs:
        for letter in run.text:
            glyph = _glyph(letter, run.wide, run.high, run.bold)
            line.paste(glyph, (x, line.height - glyph.height))
            x += glyph.width
    return line


def _matrix(code: Code) -> Image.Image:
    rows = [list(row) for row in segno.make(code.data, error=code.level, micro=False).matrix_iter(border=0)]
    matrix = Image.new("L", (len(rows), len(rows)), 0)
    matrix.putdata([255 if cell else 0 for row in rows for cell in row])
    return matrix.resize((len(rows) * code.dots, len(rows) * code.dots), Image.Resampling.NEAREST)


@cache
def _glyph(letter: str, wide: int, high: int, bold: bool) -> Image.Image:
    """Draw at the larger of the two sizes and squeeze, as the printer stretches its dots."""
    size = max(wide, high)
    cell = Image.new("L", (CELL_WIDE * size * SCALE, CELL_HIGH * size * SCALE), 0)
    baseline = cell.height - 6 * size * SCALE
    ImageDraw.Draw(cell).text((cell.width / 2, baseline), letter, fill=255, font=_font(size, bold), anchor="ms")
    return cell.resize((CELL_WIDE * wide * SCALE, CELL_HIGH * high * SCALE), Image.Resampling.LANCZOS)


@cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    points = round(CELL_WIDE * size * SCALE / 0.602)  # both fonts advance 0.6 of their size
    for path in _BOLD_FONTS if bold else _FONTS:
        if Path(path).exists():
            return ImageFont.truetype(path, points)
    return ImageFont.load_default(points * 0.9)


def _on_paper(dots: Image.Image) -> Image.Image:
    edge, border = 8 * SCALE, 24 * SCALE
    width, height = dots.width + 2 * MARGIN * SCALE, dots.height + 2 * MARGIN * SCALE + 2 * edge
    outline = Image.new("L", (width, height), 0)
    ImageDraw.Draw(outline).polygon(_torn(width, height, edge), fill=255)
    sheet = Image.new("RGB", (width, height), _PAPER)
    ink = dots.filter(ImageFilter.GaussianBlur(SCALE * 0.3))  # heat spreads a little
    sheet.paste(_INK, (MARGIN * SCALE, MARGIN * SCALE + edge), ink)
    ground = Image.new("RGB", (width + 2 * border, height + 2 * border), _GROUND)
    shadow = Image.new("L", ground.size, 0)
    shadow.paste(outline.point(lambda v: v * 2 // 5), (border, border + 3 * SCALE))
    ground.paste((90, 92, 100), (0, 0), shadow.filter(ImageFilter.GaussianBlur(5 * SCALE)))
    ground.paste(sheet, (border, border), outline)
    return ground


def _torn(width: int, height: int, edge: int) -> list[tuple[float, float]]:
    """Return the outline of a strip with the teeth of the tear bar at both ends."""
    teeth = max(1, width // (edge * 2))
    step = width / teeth
    top = [point for i in range(teeth) for point in ((i * step, edge), ((i + 0.5) * step, edge * 0.35))]
    bottom = [
        point
        for i in range(teeth)
        for point in ((width - i * step, height - edge), (width - (i + 0.5) * step, height - edge * 0.35))
    ]
    return [*top, (width, edge), *bottom, (0, height - edge)]
