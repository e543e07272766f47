"""From a page to places: which blocks it has, in which column and on which part they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from kiosk.pages.page import Choice, Page
from kiosk.ui.blocks import (
    Beside,
    Big,
    Block,
    Card,
    ChipChoices,
    Chips,
    Field,
    NoticeBox,
    Pad,
    Picture,
    Row,
    Words,
    shrunk,
)
from kiosk.ui.drawings import DRAWINGS
from kiosk.ui.metrics import Metrics
from kiosk.ui.pen import Box

Placed = list[tuple[Block, Box]]

# Pictures that stand before the title, and pages whose words are centred under the picture.
_FIRST = {"done"}
_PICTURE_BEFORE_LINES = {"done", "cash"}


@dataclass(frozen=True)
class Arrangement:
    """The middle of a page in parts; `more` is where the button to the next part stands, if there are several."""

    parts: tuple[Placed, ...]
    more: Box | None
    panel: Box | None = None


def arrange(page: Page, m: Metrics, area: Box) -> Arrangement:
    """Place the blocks of `page` in `area`, in one column or two, in as many parts as it takes."""
    blocks = blocks_of(page, m)
    if page.overlay:
        return _overlay(blocks, m, area)
    if m.landscape and (not m.large or _pad_of(blocks)):
        return _columns(_halves(blocks, m, (area.w - m.u(72)) / 2), m, area)
    return _columns([blocks], m, area)


def _overlay(blocks: list[Block], m: Metrics, area: Box) -> Arrangement:
    """A panel in the middle of the area, as high as its words need."""
    pad = m.u(52)
    inner = area.inset(pad / 2)
    inner = Box(inner.x + pad / 2, inner.y, inner.w - pad, inner.h)
    natural = _height(blocks, inner.w, m)
    if natural > inner.h:
        plain = _columns([blocks], m, Box(inner.x, inner.y + pad / 2, inner.w, inner.h - pad))
        return Arrangement(plain.parts, plain.more, area)
    top = area.y + (area.h - natural) * 0.4
    panel = Box(area.x, top - pad, area.w, natural + 2 * pad) if natural + 2 * pad <= area.h else area
    placed = _place(blocks, Box(inner.x, top, inner.w, natural), m)
    return Arrangement((placed,), None, panel)


# What a page is made of


def blocks_of(page: Page, m: Metrics) -> list[Block]:
    """Return the blocks of a page in reading order."""
    align = "center" if page.picture in _FIRST and not m.landscape else "left"
    title = Words(m, page.title, "title", "display", align=align, kind="title")
    picture = _picture(page, m)
    head: list[Block] = [title]
    if picture and page.picture in _FIRST:
        head = [picture, title]
    elif picture and page.picture in _PICTURE_BEFORE_LINES:
        head = [title, picture]
    lines = _lines(page, m, align)
    if picture and picture not in head:
        lines = [*lines, picture]
    return [*head, *lines, *_facts(page, m), *_choices(page.choices, m)]


def _picture(page: Page, m: Metrics) -> Picture | None:
    if not page.picture or (m.text_size == 3 and m.landscape):
        return None
    if page.picture in _FIRST:
        return Picture(m, page.picture, m.u(90), m.u(140), stretch=1.5)
    _, share = DRAWINGS[page.picture]
    return Picture(m, page.picture, m.u(150), min(m.u(640), (m.width - 2 * m.margin) * share))


def _lines(page: Page, m: Metrics, align: str) -> list[Block]:
    centred = "center" if page.picture == "cash" and not m.landscape else align
    looks = {"body": ("regular", "ink"), "muted": ("regular", "muted"), "strong": ("semibold", "ink")}
    blocks: list[Block] = []
    for line in page.lines:
        if line.tone == "rule":
            blocks.append(Row(m, line))
        else:
            weight, colour = looks[line.tone]
            blocks.append(Words(m, line.text, "body", weight, colour, centred))
    return blocks


def _facts(page: Page, m: Metrics) -> list[Block]:
    blocks: list[Block] = []
    if page.entry:
        blocks.append(Field(m, page.entry))
    if page.big:
        blocks.append(Big(m, *page.big, tuple(line.text for line in page.help)))
    if page.chips:
        blocks.append(Chips(m, page.chips))
    if page.notice:
        blocks.append(NoticeBox(m, page.notice))
    return blocks


def _choices(choices: Sequence[Choice], m: Metrics) -> list[Block]:
    """Keys become a pad, with the ways out below it in one row; chips that follow each other share rows."""
    blocks: list[Block] = []
    shown = [choice for choice in choices if choice.kind != "band"]
    typing = any(choice.kind == "key" for choice in shown)
    for kind, group in groupby(shown, key=lambda choice: choice.kind):
        members = tuple(group)
        if kind == "key":
            blocks.append(Pad(m, members))
        elif kind == "chip":
            blocks.append(ChipChoices(m, members))
        elif not typing:
            blocks += [Card(m, choice) for choice in members]
    if typing:
        ways = [Card(m, choice) for choice in shown if choice.kind in ("primary", "plain")]
        blocks.append(Beside(m, tuple(sorted(ways, key=lambda card: card.choice.kind == "primary"))))
    return blocks


def _pad_of(blocks: Sequence[Block]) -> bool:
    return any(isinstance(block, Pad) for block in blocks)


# Columns and parts


def _halves(blocks: list[Block], m: Metrics, width: float) -> list[list[Block]]:
    """Cut the blocks in reading order into a left and a right column of nearly equal height.

    Everything to press stands at the right. A number pad has that side for itself and the way on.
    """
    first = next((n for n, block in enumerate(blocks) if block.kind == "choice"), len(blocks))
    if _pad_of(blocks):
        ways = [block for block in blocks if isinstance(block, Beside)]
        pads = [block for block in blocks[first:] if not isinstance(block, Beside)]
        return [[*blocks[:first], *ways], pads]
    cuts = range(1, first + 1)
    best = min(cuts, key=lambda n: max(_height(blocks[:n], width, m), _height(blocks[n:], width, m)))
    return [blocks[:best], blocks[best:]] if blocks[best:] else [blocks]


def _columns(columns: list[list[Block]], m: Metrics, area: Box) -> Arrangement:
    gap = m.u(72)
    width = (area.w - gap * (len(columns) - 1)) / len(columns)
    boxes = [Box(area.x + n * (width + gap), area.y, width, area.h) for n in range(len(columns))]
    fitted = [_without_picture(blocks, box, m) for blocks, box in zip(columns, boxes, strict=True)]
    if all(_height(blocks, box.w, m) <= box.h for blocks, box in zip(fitted, boxes, strict=True)):
        return Arrangement((sum((_place(b, box, m) for b, box in zip(fitted, boxes, strict=True)), []),), None)
    return _paged(fitted, boxes, m)


def _paged(columns: list[list[Block]], boxes: list[Box], m: Metrics) -> Arrangement:
    """Turn columns that are too high into parts; a column that fits stays beside every part of the other."""
    button = max(m.target, m.font("note") * 2)
    last = boxes[-1]
    tall = [_height(blocks, box.w, m) > box.h for blocks, box in zip(columns, boxes, strict=True)]
    # The button stands under the column that continues.
    under = tall.index(True)
    more = Box(boxes[under].x, last.y + last.h - button, boxes[under].w, button)
    chunks: list[list[list[Block]]] = []
    for blocks, box, is_tall in zip(columns, boxes, tall, strict=True):
        room = box.h - button - m.gutter if is_tall else box.h
        chunks.append(_chunks(blocks, box.w, room, m) if is_tall else [blocks])
    count = max(len(chunk) for chunk in chunks)
    parts = []
    for number in range(count):
        placed: Placed = []
        for chunk, box, is_tall in zip(chunks, boxes, tall, strict=True):
            room = box.h - button - m.gutter if is_tall else box.h
            placed += _place(chunk[min(number, len(chunk) - 1)], Box(box.x, box.y, box.w, room), m)
        parts.append(placed)
    return Arrangement(tuple(parts), more)


def _chunks(blocks: list[Block], width: float, room: float, m: Metrics) -> list[list[Block]]:
    """Fill parts from the top; what is higher than a whole part is cut, or set smaller where it cannot be."""
    queue, chunks, chunk = list(blocks), [], []
    chunk: list[Block]
    while queue:
        block = queue.pop(0)
        if _height([*chunk, block], width, m) <= room:
            chunk.append(block)
            continue
        left = room - (_height([*chunk, _Nothing(block)], width, m))
        pieces = block.cut(width, left)
        if pieces and (not chunk or block.height(width) > room):
            chunk.append(pieces[0])
            queue.insert(0, pieces[1])
        elif chunk:
            queue.insert(0, block)
        else:
            chunk.append(shrunk(block, width, room))
        chunks.append(chunk)
        chunk = []
    return [*chunks, chunk] if chunk else chunks


def _without_picture(blocks: list[Block], box: Box, m: Metrics) -> list[Block]:
    """A picture helps, but words and choices go first where both do not fit."""
    if _height(blocks, box.w, m) <= box.h:
        return blocks
    return [block for block in blocks if not isinstance(block, Picture)]


@dataclass(frozen=True)
class _Nothing:
    """Stands for a block of no height, to measure the gap before it."""

    like: Block
    stretch: float = 1.0

    @property
    def kind(self) -> str:
        return self.like.kind

    def height(self, width: float) -> float:
        return 0.0


def _gap(before: Block, after: Block, m: Metrics) -> float:
    """Return the room between two blocks: rows touch, choices keep a finger's distance, the rest breathes."""
    if before.kind == "row" and after.kind == "row":
        return 0.0
    if before.kind == "choice" and after.kind == "choice":
        return m.gutter
    if before.kind == "title" and after.kind in ("words", "row"):
        return m.u(18)
    if before.kind == "words" and after.kind in ("words", "row"):
        return m.u(20)
    return m.u(36)


def _height(blocks: Sequence[Block], width: float, m: Metrics) -> float:
    gaps = sum(_gap(a, b, m) for a, b in zip(blocks, blocks[1:], strict=False))
    return sum(block.height(width) for block in blocks) + gaps


def _place(blocks: Sequence[Block], box: Box, m: Metrics) -> Placed:
    """Stack blocks from the top of `box`; spare room goes to pictures first, then to what can be pressed."""
    natural = [block.height(box.w) for block in blocks]
    spare = box.h - _height(blocks, box.w, m)
    heights = _stretched(blocks, natural, max(0.0, spare))
    placed: Placed = []
    top = box.y
    for number, (block, height) in enumerate(zip(blocks, heights, strict=True)):
        if number:
            top += _gap(blocks[number - 1], block, m)
        placed.append((block, Box(box.x, top, box.w, height)))
        top += height
    return placed


def _stretched(blocks: Sequence[Block], natural: list[float], spare: float) -> list[float]:
    heights = list(natural)
    for number, block in enumerate(blocks):
        if isinstance(block, Picture):
            more = min(spare, max(0.0, block.most - natural[number]))
            heights[number] += more
            spare -= more
    growing = [n for n, block in enumerate(blocks) if block.stretch > 1 and not isinstance(block, Picture)]
    wish = sum(natural[n] * (blocks[n].stretch - 1) for n in growing)
    share = min(1.0, spare / wish) if wish else 0.0
    for n in growing:
        heights[n] += natural[n] * (blocks[n].stretch - 1) * share
    return heights
