"""A pen over Kivy's canvas: y runs down from the top as on paper, and what it draws can be asked for afterwards."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import atan2, cos, radians, sin
from typing import Any

from kivy.graphics import Color, Rectangle, SmoothEllipse, SmoothLine, SmoothRoundedRectangle

from kiosk.domain.intents import Intent
from kiosk.ui.theme import Theme, rgb
from kiosk.ui.typeset import Face, Lines, Textures, cell_width, width_of

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; `y` is its upper edge, counted from the top."""

    x: float
    y: float
    w: float
    h: float

    def holds(self, x: float, y: float) -> bool:
        return self.x <= x <= self.x + self.w and self.y <= y <= self.y + self.h

    def inset(self, by: float) -> "Box":
        return Box(self.x + by, self.y + by, self.w - 2 * by, self.h - 2 * by)

    def overlaps(self, other: "Box") -> bool:
        return (
            self.x < other.x + other.w
            and other.x < self.x + self.w
            and self.y < other.y + other.h
            and other.y < self.y + self.h
        )


def _quarter(x: float, y: float, r: float, start: int, steps: int = 12) -> list[Point]:
    """Return points on a quarter of a circle, clockwise on the screen from `start` degrees."""
    turns = [radians(start + 90 * step / steps) for step in range(steps + 1)]
    return [(x + r * cos(turn), y + r * sin(turn)) for turn in turns] if r > 0 else [(x, y)]


def _sharp(points: Sequence[Point]) -> Iterator[Point]:
    """Yield the ends of a line and the corners where it turns by more than about 20 degrees."""
    yield points[0]
    for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:], points[2:], strict=False):
        turn = atan2(cy - by, cx - bx) - atan2(by - ay, bx - ax)
        if cos(turn) < 0.94:
            yield bx, by
    yield points[-1]


@dataclass(frozen=True)
class Target:
    """Where a finger can press. `intent` None turns to the next part of a page that does not fit."""

    intent: Intent | None
    box: Box
    radius: float = 0.0


@dataclass
class Drawn:
    """What is on the screen: lines of text with their boxes, and targets in reading order."""

    texts: list[tuple[str, Box]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)


class Pen:
    """Draws into `canvas` (a Kivy instruction group that is the current one while `drawing`)."""

    def __init__(self, canvas: Any, height: float, theme: Theme, textures: Textures, drawn: Drawn) -> None:
        self.theme = theme
        self.drawn = drawn
        self._canvas = canvas
        self._height = height
        self._textures = textures

    @contextmanager
    def drawing(self) -> Iterator[None]:
        with self._canvas:
            yield

    def fill(self, box: Box, colour: str, radius: float = 0.0, alpha: float = 1.0) -> None:
        Color(*rgb(colour), alpha)
        position, size = (box.x, self._height - box.y - box.h), (box.w, box.h)
        if radius:
            SmoothRoundedRectangle(pos=position, size=size, radius=[min(radius, box.h / 2, box.w / 2)], segments=24)
        else:
            Rectangle(pos=position, size=size)

    def plate(self, box: Box, fill: str, edge: str, width: float, radius: float) -> None:
        """Fill `box` and give it a border inside its edges."""
        width = max(width, 1.0)
        self.fill(box, edge, radius)
        self.fill(box.inset(width), fill, max(radius - width, 0.0))

    def outline(self, box: Box, colour: str, width: float, radius: float) -> None:
        """Draw a border inside `box` and leave what is in it."""
        inner = box.inset(width / 2)
        r = min(radius, inner.w / 2, inner.h / 2)
        left, right, top, bottom = inner.x + r, inner.x + inner.w - r, inner.y + r, inner.y + inner.h - r
        corners = ((right, bottom, 0), (left, bottom, 90), (left, top, 180), (right, top, 270))
        points = [point for x, y, start in corners for point in _quarter(x, y, r, start)]
        Color(*rgb(colour))
        flat = [value for x, y in points for value in (x, self._height - y)]
        SmoothLine(points=flat, width=max(width / 2, 0.6), close=True)

    def stroke(self, points: Sequence[Point], colour: str, width: float, close: bool = False) -> None:
        Color(*rgb(colour))
        flat = [value for x, y in points for value in (x, self._height - y)]
        SmoothLine(points=flat, width=max(width / 2, 0.6), close=close)
        # Kivy's smooth lines end bluntly and break at sharp turns; a disc rounds both.
        if width > 2:
            for x, y in _sharp(points):
                self.disc((x, y), width / 2, colour)

    def disc(self, centre: Point, radius: float, colour: str) -> None:
        Color(*rgb(colour))
        x, y = centre[0] - radius, self._height - centre[1] - radius
        SmoothEllipse(pos=(x, y), size=(2 * radius, 2 * radius), segments=max(12, min(64, int(radius * 4))))

    def ring(self, centre: Point, radius: float, colour: str, width: float) -> None:
        Color(*rgb(colour))
        SmoothLine(circle=(centre[0], self._height - centre[1], radius, 0, 360, 64), width=max(width / 2, 0.6))

    def row(self, text: str, face: Face, x: float, y: float, colour: str) -> Box:
        """Draw one line of text with its upper left corner at (x, y); return its box."""
        box = Box(x, y, width_of(text, face), face.height)
        Color(*rgb(colour))
        if face.tabular:
            left = x
            for sign in text:
                cell = cell_width(sign, face)
                self._sign(sign, face, left, y, cell)
                left += cell
        else:
            self._sign(text, face, x, y, box.w)
        self.drawn.texts.append((text, box))
        return box

    def _sign(self, text: str, face: Face, x: float, y: float, room: float) -> None:
        if text.isspace():
            return
        texture = self._textures.get(text, face)
        w, h = texture.size
        top = y + (face.height - h) / 2
        # Whole pixels: a texture between two pixels is blurred.
        Rectangle(texture=texture, pos=(round(x + (room - w) / 2), round(self._height - top - h)), size=(w, h))

    def lines(self, lines: Lines, x: float, y: float, width: float, colour: str, align: str = "left") -> None:
        """Draw lines from `y` down, aligned left, center or right in `width`."""
        for number, row in enumerate(lines.rows):
            free = width - width_of(row, lines.face)
            left = x + {"left": 0.0, "center": free / 2, "right": free}[align]
            self.row(row, lines.face, left, y + number * lines.face.height, colour)

    def target(self, intent: Intent | None, box: Box, radius: float = 0.0) -> None:
        self.drawn.targets.append(Target(intent, box, radius))
