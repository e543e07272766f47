"""Lines that no code page of the printer holds, drawn as dots with a font of the machine."""

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from hardware.printer.layout import Line, cells

CELL = (12, 24)  # dots of the printer's font A
LINE_DOTS = 30  # one sixth of an inch at 180 dots, the printer's own line

# Where Debian's packages put them: fonts-dejavu-core, fonts-noto-core, fonts-noto-cjk.
SYSTEM_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMono-Regular.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
)

# Real-time commands are obeyed wherever they stand, inside a picture too (Epson, DLE EOT, notes).
_REAL_TIME = (b"\x10\x04", b"\x10\x05", b"\x10\x14")


class FontMissing(Exception):
    """No font on board has these letters."""


def raster_line(line: Line, columns: int, fonts: tuple[str, ...] = ()) -> Image.Image:
    """Return the line as a picture as wide as the paper, black on white. FontMissing if a letter has no glyph."""
    font = _font_for(line.text, fonts or SYSTEM_FONTS)
    text = Image.new("1", (max(1, cells(line.text)) * CELL[0], LINE_DOTS), 1)
    draw = ImageDraw.Draw(text)
    x = 0
    for letter, width in _clusters(line.text):
        box = width * CELL[0]
        draw.text((x + box / 2, CELL[1] - 3), letter, fill=0, font=font, anchor="ms", stroke_width=int(line.bold))
        x += box
    text = text.resize((text.width * line.wide, text.height * line.high))
    paper = Image.new("1", (columns * CELL[0], text.height), 1)
    room = paper.width - text.width
    paper.paste(text, ({"left": 0, "center": room // 2, "right": room}[line.align], 0))
    return paper


def without_commands(dots: bytes) -> bytes:
    """Return a picture's bytes, with one dot more wherever they would ask for status or clear the printer."""
    for sequence in _REAL_TIME:
        dots = dots.replace(sequence, b"\x18" + sequence[1:])
    return dots


def _clusters(text: str) -> list[tuple[str, int]]:
    """Return letters with their combining marks, and the cells of each."""
    clusters: list[tuple[str, int]] = []
    for letter in text:
        if cells(letter) == 0 and clusters:
            base, width = clusters[-1]
            clusters[-1] = (base + letter, width)
        else:
            clusters.append((letter, max(1, cells(letter))))
    return clusters


def _font_for(text: str, fonts: tuple[str, ...]) -> ImageFont.FreeTypeFont:
    letters = {letter for letter in text if not letter.isspace()}
    for path in fonts:
        font = _load(path)
        if font is not None and all(_has(path, letter) for letter in letters):
            return font
    raise FontMissing(text)


@cache
def _load(path: str) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(path, 20)
    except OSError:
        return None


@cache
def _has(path: str, letter: str) -> bool:
    """Has the font a glyph of its own? A missing one is drawn as the font's box, the same for every letter."""
    font = _load(path)
    assert font is not None
    return _drawn(font, letter) != _drawn(font, "\U0010fffe")


def _drawn(font: ImageFont.FreeTypeFont, letter: str) -> bytes:
    picture = Image.new("L", (40, 40))
    ImageDraw.Draw(picture).text((8, 28), letter, fill=255, font=font, anchor="ls")
    return picture.tobytes()
