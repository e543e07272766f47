"""Icons as line drawings on a grid of 24 by 24, drawn with the pen. Made for this project."""

from dataclasses import dataclass
from math import cos, pi, sin

from kiosk.ui.pen import Box, Pen, Point


@dataclass(frozen=True)
class Ring:
    x: float
    y: float
    r: float
    filled: bool = False


@dataclass(frozen=True)
class Frame:
    """A rounded rectangle."""

    x: float
    y: float
    w: float
    h: float
    r: float


Stroke = tuple[Point, ...] | Ring | Frame


def arc(x: float, y: float, r: float, start: float, end: float, steps: int = 20) -> tuple[Point, ...]:
    """Return points on a circle from `start` to `end` degrees, clockwise from the right."""
    turns = [(start + (end - start) * step / steps) * pi / 180 for step in range(steps + 1)]
    return tuple((x + r * cos(turn), y + r * sin(turn)) for turn in turns)


def oval(x: float, y: float, rx: float, ry: float, start: float, end: float) -> tuple[Point, ...]:
    return tuple((x + (px - x) * rx, y + (py - y) * ry) for px, py in arc(x, y, 1, start, end, 28))


_FRAME = Frame(2.0, 5.0, 20.0, 14.0, 2.5)

ICONS: dict[str, tuple[Stroke, ...]] = {
    "help": (
        Ring(12.0, 12.0, 9.5),
        (*arc(12, 9.8, 2.9, 190, 385), (12.9, 12.8), (12, 14.4)),
        Ring(12.0, 17.2, 1.0, filled=True),
    ),
    "globe": (Ring(12.0, 12.0, 9.5), ((2.5, 12), (21.5, 12)), oval(12, 12, 4.2, 9.5, 0, 360)),
    "sound": (
        ((3, 9.5), (7, 9.5), (11.5, 5.5), (11.5, 18.5), (7, 14.5), (3, 14.5), (3, 9.5)),
        arc(11.5, 12, 4.6, -42, 42),
        arc(11.5, 12, 8.6, -48, 48),
    ),
    "sound_off": (
        ((3, 9.5), (7, 9.5), (11.5, 5.5), (11.5, 18.5), (7, 14.5), (3, 14.5), (3, 9.5)),
        ((15.5, 9.3), (21, 14.7)),
        ((21, 9.3), (15.5, 14.7)),
    ),
    "text_size": (
        ((1.5, 18.5), (7.5, 4.5), (13.5, 18.5)),
        ((3.7, 13.6), (11.3, 13.6)),
        ((14.2, 18.5), (18.4, 9), (22.6, 18.5)),
        ((15.8, 15.2), (21, 15.2)),
    ),
    "start_over": (arc(12, 12.6, 8.4, -150, 150, 32), ((3.4, 4.0), (4.2, 9.0), (9.2, 8.0))),
    "keypad": (
        Frame(1.5, 4.5, 21.0, 15.0, 2.5),
        *(((x, y), (x + 1.6, y)) for y in (8.8, 12.2) for x in (5.0, 8.9, 12.8, 16.7)),
        ((7.5, 15.8), (16.5, 15.8)),
    ),
    "cash": (
        Frame(1.5, 5.5, 21.0, 13.0, 2.0),
        Ring(12.0, 12.0, 3.4),
        ((5.3, 9.5), (5.3, 14.5)),
        ((18.7, 9.5), (18.7, 14.5)),
    ),
    "card": (_FRAME, ((2.2, 9.4), (21.8, 9.4)), ((5.5, 14.8), (10.5, 14.8))),
    "coins": (
        oval(12, 6.6, 8, 3.2, 0, 360),
        ((4, 6.6), (4, 17.4)),
        ((20, 6.6), (20, 17.4)),
        oval(12, 12, 8, 3.2, 180, 0),
        oval(12, 17.4, 8, 3.2, 180, 0),
    ),
    "check_paper": (
        Frame(1.5, 5.5, 21.0, 13.0, 1.5),
        ((4.8, 9.4), (12.5, 9.4)),
        ((4.8, 12.6), (10.0, 12.6)),
        ((13.5, 15.2), (15.0, 13.4), (16.5, 15.2), (18.0, 13.4), (19.4, 15.0)),
        ((15.6, 9.4), (19.2, 9.4)),
    ),
    "check": (Ring(12.0, 12.0, 9.5), ((7.6, 12.6), (10.8, 15.8), (16.6, 9.0))),
    "clock": (Ring(12.0, 12.0, 9.5), ((12, 6.6), (12, 12), (15.8, 14.4))),
    "receipt": (
        ((5, 2.5), (19, 2.5), (19, 21.5), (16.7, 19.6), (14.3, 21.5), (12, 19.6), (9.7, 21.5), (7.3, 19.6), (5, 21.5),
         (5, 2.5)),
        ((8.5, 7), (15.5, 7)),
        ((8.5, 11), (15.5, 11)),
        ((8.5, 15), (12.5, 15)),
    ),
    "back": (((10, 5.5), (3.5, 12), (10, 18.5)), ((3.8, 12), (20.5, 12))),
    "delete": (
        ((8, 5), (21.5, 5), (21.5, 19), (8, 19), (2, 12), (8, 5)),
        ((11.3, 9.3), (16.7, 14.7)),
        ((16.7, 9.3), (11.3, 14.7)),
    ),
    "down": (((5, 9), (12, 16), (19, 9)),),
    "up": (((5, 15), (12, 8), (19, 15)),),
    "chevron": (((9, 5.5), (15.5, 12), (9, 18.5)),),
    "lock": (Frame(4.0, 10.5, 16.0, 11.0, 2.0), ((7.6, 10.5), (7.6, 7.4), *arc(12, 7.4, 4.4, 180, 360), (16.4, 10.5))),
    "cassette": (
        Frame(4.0, 6.5, 16.0, 15.0, 2.0),
        ((7.5, 6.5), (7.5, 2.8), (16.5, 2.8), (16.5, 6.5)),
        ((8.3, 11), (15.7, 11)),
    ),
    "info": (Ring(12.0, 12.0, 9.5), ((12, 11.2), (12, 16.6)), Ring(12.0, 7.6, 1.1, filled=True)),
    "caution": (
        ((12, 3), (22.2, 20.6), (1.8, 20.6), (12, 3)),
        ((12, 9.4), (12, 14.6)),
        Ring(12.0, 17.6, 0.9, filled=True),
    ),
    "error": (Ring(12.0, 12.0, 9.5), ((8.6, 8.6), (15.4, 15.4)), ((15.4, 8.6), (8.6, 15.4))),
    "success": (Ring(12.0, 12.0, 9.5), ((7.6, 12.6), (10.8, 15.8), (16.6, 9.0))),
    "city": (
        Ring(12.0, 12.0, 11.0),
        ((5.6, 10.0), (12, 6), (18.4, 10.0), (5.6, 10.0)),
        *(((x, 11.6), (x, 15)) for x in (7.5, 10.5, 13.5, 16.5)),
        ((5.6, 16.8), (18.4, 16.8)),
    ),
}  # fmt: skip


def draw_icon(pen: Pen, name: str, box: Box, colour: str, weight: float = 1.6) -> None:
    """Draw an icon into a square; `weight` is the width of its lines on the grid of 24."""
    scale = box.w / 24
    width = weight * scale
    for stroke in ICONS[name]:
        if isinstance(stroke, Ring):
            centre = (box.x + stroke.x * scale, box.y + stroke.y * scale)
            if stroke.filled:
                pen.disc(centre, stroke.r * scale, colour)
            else:
                pen.ring(centre, stroke.r * scale, colour, width)
        elif isinstance(stroke, Frame):
            place = Box(box.x + stroke.x * scale, box.y + stroke.y * scale, stroke.w * scale, stroke.h * scale)
            pen.outline(place, colour, width, stroke.r * scale)
        else:
            pen.stroke([(box.x + x * scale, box.y + y * scale) for x, y in stroke], colour, width)
