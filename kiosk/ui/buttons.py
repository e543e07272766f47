"""The blocks that can be pressed: cards, plain buttons, chips, and the number pad."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.pages.page import Choice
from kiosk.ui.blocks import Block, face
from kiosk.ui.icons import draw_icon
from kiosk.ui.metrics import Metrics
from kiosk.ui.pen import Box, Pen
from kiosk.ui.typeset import Face, Lines, set_fitting, set_lines, width_of


@dataclass(frozen=True)
class Card:
    """A choice as a card: icon, verb phrase, one line of help; filled when it is the primary one."""

    m: Metrics
    choice: Choice
    kind: str = "choice"
    stretch: float = 1.35

    @property
    def _plain(self) -> bool:
        return not self.choice.hint and self.choice.kind in ("primary", "plain")

    def _left(self) -> float:
        if self._plain:
            return self.m.u(28 if self.m.landscape else 36)
        if not self.choice.icon or self._narrow:
            return self.m.u(48)
        return self.m.u(150 if self.m.landscape else 190)

    @property
    def _narrow(self) -> bool:
        """Large text leaves no room for an icon beside it."""
        return self.m.text_size == 3

    def _parts(self, width: float) -> list[Lines]:
        inner = width - self._left() - (self._left() if self._plain else self.m.u(90))
        label = face(self.m, "choice", "semibold")
        if self._plain:
            icon = label.size * 1.5 if self.choice.icon else 0
            return [set_lines(self.choice.label, label, inner - icon)]
        parts = [set_lines(self.choice.label, label, inner)]
        if self.choice.hint:
            parts.append(set_lines(self.choice.hint, face(self.m, "note"), inner))
        return parts

    def height(self, width: float) -> float:
        text = sum(part.height for part in self._parts(width))
        least = max(self.m.target, self.m.u(126 if self._plain or self.m.landscape else 160))
        return max(least, text + self.m.u(48 if self._plain or self.m.landscape else 56))

    def draw(self, pen: Pen, box: Box) -> None:
        m, t, choice = self.m, pen.theme, self.choice
        radius = m.u(24)
        filled = choice.kind == "primary" and choice.enabled
        ink = t.on_primary if filled else t.ink if choice.enabled else t.off
        hint = t.on_primary if filled else t.muted if choice.enabled else t.off
        if filled:
            pen.fill(box, t.primary, radius)
        else:
            ground, edge = (t.surface, t.border) if choice.enabled else (t.ground, t.hairline)
            pen.plate(box, ground, edge, m.u(3), radius)
        if self._plain:
            self._draw_centred(pen, box, ink)
        else:
            self._draw_card(pen, box, ink, hint)
        if choice.enabled:
            pen.target(choice.intent, box, radius)

    def _draw_centred(self, pen: Pen, box: Box, ink: str) -> None:
        lines = self._parts(box.w)[0]
        size = lines.face.size * 1.05 if self.choice.icon else 0.0
        gap = size * 0.4
        left = box.x + (box.w - lines.width - size - gap) / 2
        if size:
            draw_icon(pen, self.choice.icon, Box(left, box.y + (box.h - size) / 2, size, size), ink, 1.9)
        pen.lines(lines, left + size + gap, box.y + (box.h - lines.height) / 2, lines.width, ink, "center")

    def _draw_card(self, pen: Pen, box: Box, ink: str, hint: str) -> None:
        m = self.m
        parts = self._parts(box.w)
        top = box.y + (box.h - sum(part.height for part in parts)) / 2
        if self.choice.icon and not self._narrow:
            size, left = (m.u(84), m.u(36)) if m.landscape else (m.u(104), m.u(48))
            draw_icon(pen, self.choice.icon, Box(box.x + left, box.y + (box.h - size) / 2, size, size), ink)
        for part, colour in zip(parts, (ink, hint), strict=False):
            pen.lines(part, box.x + self._left(), top, box.w, colour)
            top += part.height
        if self.choice.enabled:
            size = m.u(44)
            place = Box(box.x + box.w - m.u(74), box.y + (box.h - size) / 2, size, size)
            draw_icon(pen, "chevron", place, ink, 2.2)

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        return None


@dataclass(frozen=True)
class ChipChoices:
    """Small choices side by side, each still as high as a finger needs."""

    m: Metrics
    choices: tuple[Choice, ...]
    kind: str = "choice"
    stretch: float = 1.0

    def _face(self) -> Face:
        return Face("semibold", round(self.m.font("note")))

    def _width(self, choice: Choice) -> float:
        mark = self._face().size * 1.5 if choice.icon or choice.selected else 0
        return max(self.m.target, width_of(choice.label, self._face()) + mark + self.m.u(68))

    def _places(self, width: float) -> list[tuple[Choice, Box]]:
        gap, x, y = self.m.gutter, 0.0, 0.0
        height = max(self.m.target, self._face().height + self.m.u(34))
        places = []
        for choice in self.choices:
            wide = min(self._width(choice), width)
            if x and x + wide > width:
                x, y = 0.0, y + height + gap
            places.append((choice, Box(x, y, wide, height)))
            x += wide + gap
        return places

    def height(self, width: float) -> float:
        last = self._places(width)[-1][1]
        return last.y + last.h

    def draw(self, pen: Pen, box: Box) -> None:
        t, text = pen.theme, self._face()
        for choice, place in self._places(box.w):
            frame = Box(box.x + place.x, box.y + place.y, place.w, place.h)
            radius = frame.h / 2
            ground, edge, wide = (t.tint, t.accent, 4) if choice.selected else (t.surface, t.border, 3)
            pen.plate(frame, ground, edge, self.m.u(wide), radius)
            lines = set_fitting(choice.label, text, frame.w - self.m.u(40), 1)
            mark = "check" if choice.selected else choice.icon
            size = text.size * 1.05 if mark else 0.0
            gap = size * 0.4
            left = frame.x + (frame.w - lines.width - size - gap) / 2
            if mark:
                draw_icon(pen, mark, Box(left, frame.y + (frame.h - size) / 2, size, size), t.ink, 2)
            pen.lines(lines, left + size + gap, frame.y + (frame.h - lines.height) / 2, frame.w, t.ink)
            pen.target(choice.intent, frame, radius)

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        return None


@dataclass(frozen=True)
class Pad:
    """Twelve keys in telephone order, three in a row."""

    m: Metrics
    keys: tuple[Choice, ...]
    kind: str = "choice"
    stretch: float = 1.5

    def height(self, width: float) -> float:
        key = max(self.m.target, self.m.u(118))
        return 4 * key + 3 * self._gap()

    def _gap(self) -> float:
        return self.m.gutter

    def draw(self, pen: Pen, box: Box) -> None:
        gap = self._gap()
        w, h = (box.w - 2 * gap) / 3, (box.h - 3 * gap) / 4
        for number, key in enumerate(self.keys):
            place = Box(box.x + number % 3 * (w + gap), box.y + number // 3 * (h + gap), w, h)
            self._key(pen, key, place)

    def _key(self, pen: Pen, key: Choice, box: Box) -> None:
        m, t, radius = self.m, pen.theme, self.m.u(20)
        digit = len(key.label) == 1
        pen.plate(box, t.surface if digit else t.tint, t.border, m.u(3), radius)
        if key.icon:
            size = min(m.u(64), box.h * 0.6)
            draw_icon(pen, key.icon, Box(box.x + (box.w - size) / 2, box.y + (box.h - size) / 2, size, size), t.ink)
        else:
            size = m.u(64) if digit else m.font("note")
            text = Face("semibold", round(min(size, box.h * 0.62)))
            lines = set_fitting(key.label, text, box.w - m.u(20), 1)
            pen.lines(lines, box.x, box.y + (box.h - lines.height) / 2, box.w, t.ink, "center")
        pen.target(key.intent, box, radius)

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        return None


@dataclass(frozen=True)
class Beside:
    """Two choices in one row, the way back at the left and the way on at the right."""

    m: Metrics
    choices: tuple[Card, ...]
    kind: str = "choice"
    stretch: float = 1.0

    def _width(self, width: float) -> float:
        return (width - self.m.gutter * (len(self.choices) - 1)) / len(self.choices)

    def height(self, width: float) -> float:
        return max(card.height(self._width(width)) for card in self.choices)

    def draw(self, pen: Pen, box: Box) -> None:
        w = self._width(box.w)
        for number, card in enumerate(self.choices):
            card.draw(pen, Box(box.x + number * (w + self.m.gutter), box.y, w, box.h))

    def cut(self, width: float, height: float) -> tuple[Block, Block] | None:
        return None
