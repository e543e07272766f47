"""Pictures that show the hand and the machine, as line drawings. Made for this project."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kiosk.ui.icons import arc
from kiosk.ui.pen import Box, Pen, Point


def curve(a: Point, b: Point, c: Point, d: Point, steps: int = 24) -> list[Point]:
    """Return points of a cubic Bezier curve from a to d."""
    points = []
    for step in range(steps + 1):
        t = step / steps
        s = 1 - t
        parts = (s**3, 3 * s * s * t, 3 * s * t * t, t**3)
        x = sum(p * q[0] for p, q in zip(parts, (a, b, c, d), strict=True))
        y = sum(p * q[1] for p, q in zip(parts, (a, b, c, d), strict=True))
        points.append((x, y))
    return points


# A small picture keeps lines that can be seen from an arm's length, in pixels.
THINNEST = 2.2


@dataclass(frozen=True)
class Sheet:
    """A pen whose paper is `w` by `h` units, fitted into a box."""

    pen: Pen
    x: float
    y: float
    scale: float

    @classmethod
    def within(cls, pen: Pen, box: Box, w: float, h: float) -> "Sheet":
        scale = min(box.w / w, box.h / h)
        return cls(pen, box.x + (box.w - w * scale) / 2, box.y + (box.h - h * scale) / 2, scale)

    def at(self, point: Point) -> Point:
        return (self.x + point[0] * self.scale, self.y + point[1] * self.scale)

    def stroke(self, points: Sequence[Point], colour: str, width: float = 3.0, close: bool = False) -> None:
        self.pen.stroke([self.at(point) for point in points], colour, max(width * self.scale, THINNEST), close)

    def dashes(self, a: Point, b: Point, colour: str, count: int, width: float = 2.6) -> None:
        for number in range(count):
            start, end = number / count, (number + 0.5) / count
            ends = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for t in (start, end)]
            self.stroke(ends, colour, width)

    def plate(self, box: Box, fill: str, edge: str, radius: float, width: float = 3.0) -> None:
        x, y = self.at((box.x, box.y))
        placed = Box(x, y, box.w * self.scale, box.h * self.scale)
        self.pen.plate(placed, fill, edge, max(width * self.scale, THINNEST), radius * self.scale)

    def bar(self, box: Box, fill: str, radius: float = 0.0) -> None:
        x, y = self.at((box.x, box.y))
        self.pen.fill(Box(x, y, box.w * self.scale, box.h * self.scale), fill, radius * self.scale)

    def ring(self, centre: Point, radius: float, colour: str, width: float = 3.0) -> None:
        self.pen.ring(self.at(centre), radius * self.scale, colour, max(width * self.scale, THINNEST))

    def disc(self, centre: Point, radius: float, colour: str) -> None:
        self.pen.disc(self.at(centre), radius * self.scale, colour)

    def finger(self, path: Sequence[Point], width: float, skin: str, edge: str) -> None:
        """Draw a finger or an arm along `path`: a wide line, and a narrower one in it that leaves the edge."""
        self.stroke(path, edge, width)
        (x1, y1), (x2, y2) = path[-2], path[-1]
        away = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        # The skin runs on past the end, so that the arm stays open there and leaves the picture.
        end = (x2 + (x2 - x1) / away * width / 2, y2 + (y2 - y1) / away * width / 2)
        self.stroke([*path, end], skin, width - 6.0)


def _scan(pen: Pen, box: Box) -> None:
    """Two hands hold a bill flat under the light."""
    t, sheet = pen.theme, Sheet.within(pen, box, 480, 318)
    sheet.plate(Box(185, 14, 110, 22), t.surface, t.ink, 4)
    sheet.bar(Box(20, 6, 440, 9), t.ink, 4.5)
    sheet.bar(Box(215, 36, 50, 5), t.accent, 2.5)
    sheet.dashes((214, 48), (142, 150), t.accent, 9)
    sheet.dashes((266, 48), (338, 150), t.accent, 9)
    sheet.dashes((240, 50), (240, 148), t.accent, 8)
    sheet.plate(Box(96, 160, 288, 128), t.surface, t.ink, 8)
    for x, y, w in ((116, 184, 96), (116, 202, 70), (116, 234, 40), (116, 264, 132)):
        sheet.stroke([(x, y), (x + w, y)], t.ink, 3)
    _barcode(sheet, 246, 180, 54)
    sheet.stroke([(296, 264), (360, 264)], t.ink, 3)
    for side in (0, 1):
        left = curve((162, 246), (118, 222), (68, 240), (62, 308), 48)
        path = left if side == 0 else [(480 - x, y) for x, y in left]
        sheet.finger(path, 36, t.ground, t.ink)


def _barcode(sheet: Sheet, x: float, y: float, h: float) -> None:
    for width, gap in zip((3, 2, 6, 2, 4, 7, 2, 3, 6, 2, 4, 3, 6, 2, 3), (4, 3, 5, 3, 5) * 3, strict=True):
        sheet.bar(Box(x, y, width, h), sheet.pen.theme.ink)
        x += width + gap


def _dollar(sheet: Sheet, x: float, y: float, r: float, colour: str) -> None:
    sheet.ring((x, y), r, colour, 2.8)
    upper = arc(x, y - r * 0.24, r * 0.27, -20, -270, 16)
    lower = arc(x, y + r * 0.26, r * 0.27, -90, 160, 16)
    sheet.stroke([*upper, *lower], colour, 2.8)
    sheet.stroke([(x, y - r * 0.7), (x, y + r * 0.72)], colour, 2.8)


def _cash(pen: Pen, box: Box) -> None:
    """A note goes into the slot, short side first."""
    sheet = _note_in_slot(pen, box)
    sheet.stroke([(144, 190), (160, 174), (176, 190)], pen.theme.ink, 5)


def _change(pen: Pen, box: Box) -> None:
    """A note comes out of the same slot."""
    sheet = _note_in_slot(pen, box)
    sheet.stroke([(144, 192), (160, 208), (176, 192)], pen.theme.ink, 5)


def _note_in_slot(pen: Pen, box: Box) -> Sheet:
    t, sheet = pen.theme, Sheet.within(pen, box, 320, 212)
    sheet.plate(Box(12, 4, 296, 90), t.surface, t.ink, 12)
    sheet.stroke([(82, 36), (126, 36)], t.ink, 3)
    sheet.stroke([(140, 36), (150, 36)], t.ink, 3)
    sheet.disc((268, 36), 7, t.success)
    sheet.plate(Box(82, 62, 156, 104), t.tint, t.ink, 3)
    sheet.stroke([(98, 86), (98, 150)], t.ink, 2.2)
    sheet.stroke([(222, 86), (222, 150)], t.ink, 2.2)
    _dollar(sheet, 160, 118, 27, t.ink)
    sheet.bar(Box(58, 56, 204, 11), t.ink, 5.5)
    sheet.stroke([(160, 206), (160, 176)], t.ink, 5)
    return sheet


def _card(pen: Pen, box: Box) -> None:
    """A card is held to the reader, which shows that it hears it."""
    t, sheet = pen.theme, Sheet.within(pen, box, 320, 212)
    sheet.plate(Box(30, 8, 118, 196), t.surface, t.ink, 14)
    sheet.plate(Box(48, 28, 82, 52), t.tint, t.ink, 5)
    for row in range(3):
        for column in range(3):
            sheet.plate(Box(52 + column * 27, 98 + row * 28, 20, 18), t.surface, t.ink, 4)
    for radius in (18, 32, 46):
        sheet.stroke(arc(150, 54, radius, -42, 42, 16), t.accent, 5)
    sheet.plate(Box(204, 66, 108, 70), t.tint, t.ink, 8)
    sheet.bar(Box(204, 82, 108, 13), t.ink)
    sheet.plate(Box(218, 106, 22, 16), t.surface, t.ink, 3)
    sheet.stroke([(256, 118), (298, 118)], t.ink, 3)


def _check_face(sheet: Sheet, x: float, y: float) -> None:
    """A check of 188 by 84: name, amount, line to write on, signature, and the numbers at its lower edge."""
    t = sheet.pen.theme
    sheet.plate(Box(x, y, 188, 84), t.tint, t.ink, 4)
    sheet.stroke([(x + 14, y + 17), (x + 74, y + 17)], t.ink, 3)
    sheet.plate(Box(x + 134, y + 24, 42, 17), t.surface, t.ink, 2, 2.2)
    sheet.stroke([(x + 14, y + 37), (x + 122, y + 37)], t.ink, 2.2)
    scrawl = [(x + 122 + 9 * step, y + (60 if step % 2 else 51)) for step in range(7)]
    sheet.stroke(scrawl, t.accent, 3)
    for start, end in ((14, 38), (46, 92), (100, 112)):
        sheet.dashes((x + start, y + 73), (x + end, y + 73), t.ink, (end - start) // 6, 5)


def _check(pen: Pen, box: Box) -> None:
    """A check goes through the groove of the reader, its numbers below."""
    t, sheet = pen.theme, Sheet.within(pen, box, 320, 212)
    _check_face(sheet, 26, 52)
    sheet.plate(Box(12, 118, 296, 86), t.surface, t.ink, 12)
    sheet.bar(Box(12, 112, 296, 11), t.ink, 5.5)
    sheet.disc((284, 160), 7, t.success)
    sheet.stroke([(40, 160), (84, 160)], t.ink, 3)
    sheet.stroke([(230, 90), (300, 90)], t.ink, 5)
    sheet.stroke([(284, 74), (300, 90), (284, 106)], t.ink, 5)


def _check_slot(pen: Pen, box: Box) -> None:
    """A check is dropped into its slot, from above."""
    t, sheet = pen.theme, Sheet.within(pen, box, 320, 212)
    _check_face(sheet, 66, 46)
    sheet.plate(Box(12, 118, 296, 86), t.surface, t.ink, 12)
    sheet.bar(Box(48, 112, 224, 11), t.ink, 5.5)
    sheet.stroke([(130, 160), (190, 160)], t.ink, 3)
    sheet.stroke([(160, 4), (160, 34)], t.ink, 5)
    sheet.stroke([(144, 20), (160, 36), (176, 20)], t.ink, 5)


def _receipt(pen: Pen, box: Box) -> None:
    """The receipt comes out of its slot."""
    t, sheet = pen.theme, Sheet.within(pen, box, 320, 212)
    sheet.plate(Box(12, 4, 296, 78), t.surface, t.ink, 12)
    sheet.stroke([(40, 32), (84, 32)], t.ink, 3)
    teeth = [(212.0 - 12 * step, 186.0 if step % 2 else 196.0) for step in range(1, 9)]
    sheet.bar(Box(104, 50, 112, 138), t.surface)
    sheet.stroke([(104, 54), (104, 196), *reversed(teeth), (216, 196), (216, 54)], t.ink, 3)
    for y, w in ((88, 80), (108, 80), (128, 46)):
        sheet.stroke([(120, y), (120 + w, y)], t.ink, 3)
    sheet.stroke([(120, 158), (146, 158)], t.accent, 5)
    sheet.stroke([(174, 158), (200, 158)], t.accent, 5)
    sheet.bar(Box(86, 46, 148, 11), t.ink, 5.5)


def _done(pen: Pen, box: Box) -> None:
    t, sheet = pen.theme, Sheet.within(pen, box, 100, 100)
    sheet.ring((50, 50), 46, t.success, 6)
    sheet.stroke([(29, 53), (44, 68), (73, 34)], t.success, 9)


def _closed(pen: Pen, box: Box) -> None:
    """The kiosk with its light off and a sign across."""
    t, sheet = pen.theme, Sheet.within(pen, box, 320, 220)
    sheet.plate(Box(84, 6, 152, 120), t.surface, t.ink, 12)
    sheet.plate(Box(102, 24, 116, 68), t.tint, t.ink, 5)
    sheet.stroke([(150, 110), (170, 110)], t.ink, 3)
    sheet.stroke([(132, 126), (120, 206)], t.ink, 3)
    sheet.stroke([(188, 126), (200, 206)], t.ink, 3)
    sheet.stroke([(84, 210), (236, 210)], t.ink, 6)
    sheet.plate(Box(132, 40, 56, 36), t.ground, t.error, 5)
    sheet.stroke([(146, 58), (174, 58)], t.error, 6)


def _keypad(pen: Pen, box: Box) -> None:
    """A letter beside number keys."""
    t, sheet = pen.theme, Sheet.within(pen, box, 340, 212)
    sheet.plate(Box(10, 20, 150, 180), t.surface, t.ink, 8)
    sheet.stroke([(30, 48), (92, 48)], t.ink, 3)
    sheet.bar(Box(30, 68, 110, 26), t.tint, 4)
    sheet.stroke([(40, 81), (128, 81)], t.accent, 5)
    for y, w in ((118, 110), (138, 110), (158, 70)):
        sheet.stroke([(30, y), (30 + w, y)], t.ink, 3)
    for row in range(3):
        for column in range(3):
            sheet.plate(Box(188 + column * 50, 34 + row * 54, 40, 44), t.surface, t.ink, 7)
    sheet.plate(Box(238, 88, 40, 44), t.tint, t.ink, 7)


def _finding(pen: Pen, box: Box) -> None:
    """A glass over a page: still, because nothing on the screens moves for ever."""
    t, sheet = pen.theme, Sheet.within(pen, box, 300, 212)
    sheet.plate(Box(60, 8, 140, 190), t.surface, t.ink, 8)
    for y, w in ((38, 70), (58, 100), (78, 100), (150, 60), (170, 84)):
        sheet.stroke([(80, y), (80 + w, y)], t.ink, 3)
    sheet.stroke([(216, 156), (250, 194)], t.ink, 11)
    sheet.disc((182, 120), 48, t.tint)
    sheet.ring((182, 120), 48, t.ink, 4)
    sheet.stroke([(156, 112), (204, 112)], t.accent, 5)
    sheet.stroke([(156, 130), (188, 130)], t.accent, 5)


Drawing = Callable[[Pen, Box], None]

# Each drawing with the share of height to width that it wants.
DRAWINGS: dict[str, tuple[Drawing, float]] = {
    "scan": (_scan, 318 / 480),
    "cash": (_cash, 212 / 320),
    "change": (_change, 212 / 320),
    "card": (_card, 212 / 320),
    "check": (_check, 212 / 320),
    "check_slot": (_check_slot, 212 / 320),
    "receipt": (_receipt, 212 / 320),
    "done": (_done, 1.0),
    "closed": (_closed, 220 / 320),
    "keypad": (_keypad, 212 / 340),
    "finding": (_finding, 212 / 300),
}
