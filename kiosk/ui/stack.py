"""Blocks one below the other, in columns, cut into parts where they are too high."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kiosk.ui.blocks import Block, Picture, shrunk
from kiosk.ui.buttons import Beside, Card
from kiosk.ui.metrics import Metrics
from kiosk.ui.pen import Box

Placed = list[tuple[Block, Box]]


@dataclass(frozen=True)
class Layout:
    """Blocks with their places, part by part; `more` is where the button to the next part stands.

    `cost` orders layouts of one page: few parts and every choice on the first one are best, then a kept picture,
    then two columns, then even ones.
    """

    parts: tuple[Placed, ...]
    more: Box | None
    cost: tuple[float, ...] = ()


def spread(columns: list[list[Block]], m: Metrics, area: Box, whole: bool = False) -> Layout:
    """Set `columns` side by side in `area`, with as many parts as the highest of them needs.

    `whole` asks for one part or none: without parts, the layout says that they do not fit.
    """
    gap = m.u(72)
    width = (area.w - gap * (len(columns) - 1)) / len(columns)
    boxes = [Box(area.x + n * (width + gap), area.y, width, area.h) for n in range(len(columns))]
    fitted = [_without_picture(blocks, box, m) for blocks, box in zip(columns, boxes, strict=True)]
    lost = sum(len(blocks) - len(kept) for blocks, kept in zip(columns, fitted, strict=True))
    highest = max(natural_height(blocks, box.w, m) for blocks, box in zip(fitted, boxes, strict=True))
    cost = (lost, len(columns) == 1 and m.landscape, highest)
    if highest <= area.h:
        placed = [item for blocks, box in zip(fitted, boxes, strict=True) for item in place(blocks, box, m)]
        return Layout((placed,), None, (1, *cost))
    if whole:
        return Layout((), None, (math.inf, *cost))
    paged = (_paged(fitted, boxes, under, m) for under in range(len(columns)))
    parts, more = min(paged, key=lambda result: len(result[0]))
    choices = sum(block.kind == "choice" for blocks in columns for block in blocks)
    hidden = choices - sum(block.kind == "choice" for block, _ in parts[0])
    return Layout(parts, more, (len(parts) + 0.6 * hidden, *cost))


def _paged(columns: list[list[Block]], boxes: list[Box], under: int, m: Metrics) -> tuple[tuple[Placed, ...], Box]:
    """Cut columns into parts with the button below column `under`; one that fits stays beside every part."""
    height = max(m.target, m.font("note") * 1.9)
    below = boxes[under]
    more = Box(below.x, below.y + below.h - height, below.w, height)
    rooms = [
        Box(box.x, box.y, box.w, box.h - (height + m.gutter if number == under else 0))
        for number, box in enumerate(boxes)
    ]
    chunks = [_chunks(blocks, room, m) for blocks, room in zip(columns, rooms, strict=True)]
    parts = []
    for number in range(max(len(column) for column in chunks)):
        placed: Placed = []
        for column, room in zip(chunks, rooms, strict=True):
            placed += place(column[min(number, len(column) - 1)], room, m, grow=False)
        parts.append(placed)
    return tuple(parts), more


def _chunks(blocks: list[Block], room: Box, m: Metrics) -> list[list[Block]]:
    """Fill parts from the top; what is higher than a whole part is cut, or set smaller where it cannot be."""
    queue = list(blocks)
    chunks: list[list[Block]] = []
    chunk: list[Block] = []
    while queue:
        block = queue.pop(0)
        if natural_height([*chunk, block], room.w, m) <= room.h:
            chunk.append(block)
            continue
        if block.height(room.w) > room.h:
            left = room.h - natural_height(chunk, room.w, m) - (_gap(chunk[-1], block, m) if chunk else 0.0)
            pieces = block.cut(room.w, left)
            if pieces:
                chunk.append(pieces[0])
                queue.insert(0, pieces[1])
            elif not chunk:
                chunk.append(shrunk(block, room.w, room.h))
            else:
                queue.insert(0, block)
        else:
            queue.insert(0, block)
        chunks.append(chunk)
        chunk = []
    return [*chunks, chunk] if chunk else chunks


def _without_picture(blocks: list[Block], box: Box, m: Metrics) -> list[Block]:
    """A picture helps, but words and choices go first where both do not fit."""
    if natural_height(blocks, box.w, m) <= box.h:
        return blocks
    return [block for block in blocks if not isinstance(block, Picture)]


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
    return m.u(28 if m.landscape else 36)


def natural_height(blocks: Sequence[Block], width: float, m: Metrics) -> float:
    """Return the height of blocks stacked in `width`, in pixels, none of them stretched."""
    gaps = sum(_gap(before, after, m) for before, after in pairwise(blocks))
    return sum(block.height(width) for block in blocks) + gaps


def place(blocks: Sequence[Block], box: Box, m: Metrics, grow: bool = True) -> Placed:
    """Stack blocks from the top of `box`; spare room goes to pictures first, then to what can be pressed.

    What is left then lies around a picture, or above the last row, which stands at the bottom on every page.
    """
    heights = [block.height(box.w) for block in blocks]
    above_end = 0.0
    if grow:
        spare = max(0.0, box.h - natural_height(blocks, box.w, m))
        grown = _grown(blocks, heights, spare)
        above_end = max(0.0, spare - sum(grown) + sum(heights))
        heights = grown
        around = next((number for number, block in enumerate(blocks) if number and isinstance(block, Picture)), None)
        if around is not None:
            heights[around] += above_end
            above_end = 0.0
    placed: Placed = []
    top = box.y
    for number, (block, height) in enumerate(zip(blocks, heights, strict=True)):
        if number:
            top += _gap(blocks[number - 1], block, m)
        if number == len(blocks) - 1 and _ends_page(block):
            top += above_end
        placed.append((block, Box(box.x, top, box.w, height)))
        top += height
    return placed


def _ends_page(block: Block) -> bool:
    """The way back, or back and on in one row."""
    return isinstance(block, Beside) or (isinstance(block, Card) and block.choice.intent.name == "back")


def _grown(blocks: Sequence[Block], natural: list[float], spare: float) -> list[float]:
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
