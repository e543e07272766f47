"""The parts a page is made of. Each knows its height at a width, draws itself, and may be cut in two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from kiosk.pages.page import Chip, Entry, Line, Notice
from kiosk.ui.drawings import DRAWINGS
from kiosk.ui.icons import draw_icon
from kiosk.ui.metrics import Metrics
from kiosk.ui.pen import Box, Pen
from kiosk.ui.typeset import Face, Lines, set_fitting, set_lines, width_of


class Block(Protocol):
    """`stretch` is how many times its natural height a block may take when there is room; `kind` orders the gaps."""

    @property
    def m(self) -> Metrics: ...

    @property
    def kind(self) -> str: ...

    @property
    def stretch(self) -> float: ...

    def height(self, width: float) -> float: ...

    def draw(self, pen: Pen, box: Box) -> None: ...

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        """Return the block in two, the first at most `height` high; None where it cannot be cut."""
        ...


# How small the last resort may set a block, against its size at the default text size.
TIGHTEST = 0.7


def face(m: Metrics, role: str, weight: str = "regular", tabular: bool = False) -> Face:
    return Face(weight, max(9, round(m.font(role))), tabular)


@dataclass(frozen=True)
class Words:
    """A title or a paragraph: `rows` is set when the text was broken already, to be cut between its lines."""

    m: Metrics
    text: str
    role: str = "body"
    weight: str = "regular"
    colour: str = "ink"
    align: str = "left"
    rows: tuple[str, ...] = ()
    kind: str = "words"
    stretch: float = 1.0

    def lines(self, width: float) -> Lines:
        if self.rows:
            return Lines(face(self.m, self.role, self.weight), self.rows)
        if self.role == "title":
            return set_fitting(self.text, face(self.m, self.role, self.weight), width, 3)
        return set_lines(self.text, face(self.m, self.role, self.weight), width)

    def height(self, width: float) -> float:
        return self.lines(width).height

    def draw(self, pen: Pen, box: Box) -> None:
        pen.lines(self.lines(box.w), box.x, box.y, box.w, getattr(pen.theme, self.colour), self.align)

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        lines = self.lines(width)
        count = int(height // lines.face.height)
        if not 0 < count < len(lines.rows):
            return None
        return replace(self, rows=lines.rows[:count]), replace(self, rows=lines.rows[count:])


@dataclass(frozen=True)
class Row:
    """A label with a figure at the right edge, above a hairline. Large text puts the figure below the label."""

    m: Metrics
    line: Line
    kind: str = "row"
    stretch: float = 1.25

    def _parts(self, width: float) -> tuple[Lines, Lines, bool]:
        figure = set_fitting(self.line.amount, face(self.m, "body", "semibold", tabular=True), width, 1)
        label_face = face(self.m, "body")
        beside = width - figure.width - self.m.u(30)
        longest = max((width_of(word, label_face) for word in self.line.text.split()), default=0.0)
        fits = longest <= beside and width_of(self.line.text, label_face) <= beside * 1.9
        if beside > width * 0.4 and fits:
            return set_lines(self.line.text, label_face, beside), figure, True
        return set_lines(self.line.text, label_face, width), figure, False

    def height(self, width: float) -> float:
        label, figure, beside = self._parts(width)
        text = max(label.height, figure.height) if beside else label.height + figure.height
        return text + self.m.u(32)

    def draw(self, pen: Pen, box: Box) -> None:
        label, figure, beside = self._parts(box.w)
        text = self.height(box.w) - self.m.u(32)
        top = box.y + (box.h - text) / 2
        pen.lines(label, box.x, top, box.w, pen.theme.ink)
        pen.lines(figure, box.x, top if beside else top + label.height, box.w, pen.theme.ink, "right")
        pen.fill(Box(box.x, box.y + box.h - 1, box.w, max(1.0, self.m.u(1.5))), pen.theme.hairline)

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        return None


@dataclass(frozen=True)
class Picture:
    """A drawing; it takes what room there is between its least and its greatest height."""

    m: Metrics
    name: str
    least: float
    most: float
    kind: str = "picture"
    stretch: float = 9.0

    def height(self, width: float) -> float:
        return self.least

    def draw(self, pen: Pen, box: Box) -> None:
        drawing, _ = DRAWINGS[self.name]
        high = min(box.h, max(self.least, self.most))
        drawing(pen, Box(box.x, box.y + (box.h - high) / 2, box.w, high))

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        return None


@dataclass(frozen=True)
class Field:
    """What is being typed, in figures of one width, with a line where the next digit goes."""

    m: Metrics
    entry: Entry
    kind: str = "field"
    stretch: float = 1.0

    def _label(self, width: float) -> Lines:
        return set_lines(self.entry.label, face(self.m, "note"), width)

    def _figure_face(self) -> Face:
        return Face("semibold", round(self.m.u(68) * min(self.m.scale, 1.5)), tabular=True)

    def height(self, width: float) -> float:
        return self._label(width).height + self._figure_face().height + self.m.u(52)

    def draw(self, pen: Pen, box: Box) -> None:
        m, t = self.m, pen.theme
        label = self._label(box.w)
        pen.lines(label, box.x, box.y, box.w, t.muted)
        frame = Box(box.x, box.y + label.height + m.u(8), box.w, box.h - label.height - m.u(8))
        pen.plate(frame, t.surface, t.focus, m.u(4), m.u(18))
        value = set_fitting(self.entry.value or self.entry.placeholder, self._figure_face(), frame.w - m.u(72), 1)
        top = frame.y + (frame.h - value.face.height) / 2
        left = frame.x + m.u(32)
        if value.rows:
            pen.lines(value, left, top, frame.w, t.ink)
        caret = Box(left + value.width + m.u(8), frame.y + frame.h * 0.24, m.u(4), frame.h * 0.52)
        pen.fill(caret, t.focus)

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        return None


@dataclass(frozen=True)
class Chips:
    """Small facts in rows; one that does not hold now is struck through and paler, never paler alone."""

    m: Metrics
    chips: tuple[Chip, ...]
    kind: str = "chips"
    stretch: float = 1.0

    def _face(self) -> Face:
        return Face("semibold", round(self.m.font("note")))

    def _places(self, width: float) -> list[tuple[Chip, Box]]:
        gap = self.m.u(12 if self.m.landscape else 20)
        height = self._face().height + self.m.u(36)
        wide = max(width_of(chip.label, self._face()) for chip in self.chips) + self.m.u(24 if self.m.landscape else 44)
        per_row = max(1, min(len(self.chips), int((width + gap) // (wide + gap))))
        rows = -(-len(self.chips) // per_row)
        per_row = -(-len(self.chips) // rows)
        cell = (width - gap * (per_row - 1)) / per_row
        return [
            (chip, Box((number % per_row) * (cell + gap), number // per_row * (height + gap), cell, height))
            for number, chip in enumerate(self.chips)
        ]

    def height(self, width: float) -> float:
        last = self._places(width)[-1][1]
        return last.y + last.h

    def draw(self, pen: Pen, box: Box) -> None:
        t, text = pen.theme, self._face()
        for chip, place in self._places(box.w):
            frame = Box(box.x + place.x, box.y + place.y, place.w, place.h)
            ground, edge = (t.surface, t.border) if chip.enabled else (t.ground, t.hairline)
            pen.plate(frame, ground, edge, self.m.u(3), frame.h / 2)
            wide = width_of(chip.label, text)
            left, top = frame.x + (frame.w - wide) / 2, frame.y + (frame.h - text.height) / 2
            pen.row(chip.label, text, left, top, t.ink if chip.enabled else t.off)
            if not chip.enabled:
                middle = frame.y + frame.h / 2
                over = self.m.u(6)
                pen.stroke([(left - over, middle), (left + wide + over, middle)], t.off, self.m.u(3.5))

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        return None


@dataclass(frozen=True)
class NoticeBox:
    """A message with the icon of its tone and a bar in its colour: colour is never alone (S6)."""

    m: Metrics
    notice: Notice
    rows: tuple[str, ...] = ()
    kind: str = "notice"
    stretch: float = 1.0

    def _left(self) -> float:
        return self.m.u(112 if self.m.landscape else 140)

    def _inner(self, width: float) -> float:
        return width - self._left() - self.m.u(28)

    def _lines(self, width: float) -> Lines:
        if self.rows:
            return Lines(face(self.m, "note"), self.rows)
        return set_lines(self.notice.text, face(self.m, "note"), self._inner(width))

    def height(self, width: float) -> float:
        return max(self._lines(width).height, self.m.u(60)) + self.m.u(52)

    def draw(self, pen: Pen, box: Box) -> None:
        m, t, tone = self.m, pen.theme, self.notice.tone
        edge = m.u(12)
        pen.fill(box, t.tone_tint(tone), edge)
        pen.fill(Box(box.x, box.y, 2 * edge, box.h), t.tone(tone), edge)
        pen.fill(Box(box.x + edge, box.y, 2 * edge, box.h), t.tone_tint(tone))
        size = m.u(56)
        draw_icon(
            pen,
            tone,
            Box(box.x + m.u(40 if m.landscape else 52), box.y + (box.h - size) / 2, size, size),
            t.tone(tone),
            1.8,
        )
        lines = self._lines(box.w)
        pen.lines(lines, box.x + self._left(), box.y + (box.h - lines.height) / 2, box.w, t.ink)

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        lines = self._lines(width)
        count = int((height - self.m.u(52)) // lines.face.height)
        if not 0 < count < len(lines.rows):
            return None
        return replace(self, rows=lines.rows[:count]), replace(self, rows=lines.rows[count:])


@dataclass(frozen=True)
class Big:
    """A label and a figure large enough to photograph, with a line of help below."""

    m: Metrics
    label: str
    figure: str
    help: tuple[Line, ...] = ()
    kind: str = "big"
    stretch: float = 1.0

    def _parts(self, width: float) -> list[Lines]:
        inner = width - self.m.u(88)
        figure = Face("bold", round(self.m.u(84) * min(self.m.scale, 1.5)), tabular=True)
        note = face(self.m, "note")
        return [
            set_lines(self.label, note, inner),
            set_fitting(self.figure, figure, inner, 1),
            *(set_lines(line.text, face(self.m, "note", _weight(line)), inner) for line in self.help),
        ]

    def height(self, width: float) -> float:
        parts = self._parts(width)
        return sum(part.height for part in parts) + self.m.u(70)

    def draw(self, pen: Pen, box: Box) -> None:
        m, t = self.m, pen.theme
        pen.plate(box, t.surface, t.border, m.u(3), m.u(24))
        top = box.y + m.u(35)
        colours = [t.muted, t.ink, *(t.ink if line.tone == "strong" else t.muted for line in self.help)]
        for part, colour in zip(self._parts(box.w), colours, strict=True):
            pen.lines(part, box.x + m.u(44), top, box.w - m.u(88), colour)
            top += part.height

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        return None


def _weight(line: Line) -> str:
    return "semibold" if line.tone == "strong" else "regular"


def shrunk(block: Block, width: float, height: float) -> Block:
    """Return the block with smaller text, so that it is at most `height` high: the last resort of a small canvas."""
    while block.height(width) > height and (block.m.text_size > 0 or block.m.tight > TIGHTEST):
        if block.m.text_size > 0:
            smaller = replace(block.m, text_size=block.m.text_size - 1)
        else:
            smaller = replace(block.m, tight=block.m.tight * 0.95)
        block = replace(block, m=smaller)  # type: ignore[type-var]  # every block is a frozen dataclass
    return block
