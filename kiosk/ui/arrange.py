"""From a page to places: which blocks it has, in which column and on which part they stand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from kiosk.pages.page import Choice, Page
from kiosk.ui.blocks import Big, Block, Chips, Field, NoticeBox, Picture, Row, Words
from kiosk.ui.buttons import Beside, Card, ChipChoices, Pad
from kiosk.ui.drawings import DRAWINGS
from kiosk.ui.metrics import Metrics
from kiosk.ui.pen import Box
from kiosk.ui.stack import Layout, natural_height, place, spread

# Overlays that run against the clock: the answer is in sight at every text size.
_IN_SIGHT = {"idle"}
# How much smaller a page may be set, in steps, before it is cut in parts.
_TIGHTER = (1.0, 0.95, 0.9, 0.85, 0.8)
# Pictures that stand before the title, and pages whose picture stands before the words.
_FIRST = {"done"}
_PICTURE_BEFORE_LINES = {"done", "cash"}


@dataclass(frozen=True)
class Arrangement:
    """The middle of a page in parts; `panel` is the sheet that an overlay lies on."""

    layout: Layout
    panel: Box | None = None


def arrange(page: Page, m: Metrics, area: Box) -> Arrangement:
    """Place the blocks of `page` in `area`, in one column or two, in as few parts as will do."""
    if page.overlay:
        return _overlay(page, m, area)
    layout = _fitting(page, m, area)
    if len(layout.parts) > 1 and _typing(blocks_of(page, m)):
        # Keys and the field they fill stay together: their figures are always large, so the words give way.
        layout = _fitting(page, _largest(page, m, area, _in_one_part), area)
    return Arrangement(layout)


def _fitting(page: Page, m: Metrics, area: Box) -> Layout:
    """Return the loosest setting in one part. Who asked for larger text gets it, over several parts if need be."""
    for tight in _TIGHTER if m.text_size <= 1 else (1.0,):
        closer = replace(m, tight=tight)
        layout = _best(blocks_of(page, closer), closer, area, whole=True)
        if layout.parts:
            return layout
    return _best(blocks_of(page, m), m, area)


def _overlay(page: Page, m: Metrics, area: Box) -> Arrangement:
    """A sheet in the middle of the area, as high as its words need."""
    pad = m.u(40 if m.landscape else 52)
    inner = Box(area.x + pad, area.y + pad, area.w - 2 * pad, area.h - 2 * pad)
    tight = Box(inner.x, area.y + pad / 2, inner.w, area.h - pad)
    if page.name in _IN_SIGHT:
        m = _largest(page, m, tight, _shows_choices)
    blocks = blocks_of(page, m)
    natural = natural_height(blocks, inner.w, m)
    if natural > inner.h:
        return Arrangement(_fitting(page, m, tight), area)
    top = inner.y + (inner.h - natural) * 0.4
    placed = place(blocks, Box(inner.x, top, inner.w, natural), m)
    return Arrangement(Layout((placed,), None), Box(area.x, top - pad, area.w, natural + 2 * pad))


def _largest(page: Page, m: Metrics, area: Box, suits: Callable[[Layout], bool]) -> Metrics:
    """Return the largest text size up to that of `m` whose layout suits."""
    sizes = (replace(m, text_size=size) for size in range(m.text_size, 0, -1))
    return next((closer for closer in sizes if suits(_fitting(page, closer, area))), replace(m, text_size=0))


def _in_one_part(layout: Layout) -> bool:
    return len(layout.parts) == 1


def _shows_choices(layout: Layout) -> bool:
    """True when nothing to press waits on a later part."""
    shown = [block for block, _ in layout.parts[0]]
    return all(block in shown for part in layout.parts[1:] for block, _ in part if block.kind == "choice")


def _best(blocks: list[Block], m: Metrics, area: Box, whole: bool = False) -> Layout:
    """Return the way that costs least; a title across both columns only where it saves a part."""
    best = min((spread(columns, m, area, whole) for columns in _ways(blocks, m)), key=lambda layout: layout.cost)
    if not m.landscape or best.cost[0] == 1 or _typing(blocks):
        return best
    if not whole and not any(block.kind == "choice" for block in blocks):
        # Two columns with parts of their own would tell things out of order, and have no choice to keep in sight.
        return spread([blocks], m, area)
    headed = min(_headed(blocks, m, area, whole), key=lambda layout: layout.cost)
    return headed if headed.cost[0] < best.cost[0] else best


def _headed(blocks: list[Block], m: Metrics, area: Box, whole: bool) -> Iterator[Layout]:
    """Yield the layouts in two columns below a title as wide as both, on every part. A picture before it goes."""
    number = next(n for n, block in enumerate(blocks) if block.kind == "title")
    title, rest = blocks[number], blocks[number + 1 :]
    high = title.height(area.w)
    lower = high + m.u(28)
    below = Box(area.x, area.y + lower, area.w, area.h - lower)
    for columns in _ways(rest, m):
        layout = spread(columns, m, below, whole)
        head = (title, Box(area.x, area.y, area.w, high))
        yield replace(layout, parts=tuple([head, *part] for part in layout.parts))


def _ways(blocks: list[Block], m: Metrics) -> list[list[list[Block]]]:
    """Return the ways to set the blocks in columns, in reading order.

    In two columns everything to press stands at the right. A number pad has that side for itself.
    """
    if not m.landscape:
        return [[blocks]]
    first = next((n for n, block in enumerate(blocks) if block.kind == "choice"), len(blocks))
    if _typing(blocks):
        pads: list[Block] = [block for block in blocks if isinstance(block, Pad)]
        return [[[block for block in blocks if not isinstance(block, Pad)], pads]]
    two = [[blocks[:n], blocks[n:]] for n in range(1, first + 1) if blocks[n:]]
    return [*two, [blocks]]


def _typing(blocks: Sequence[Block]) -> bool:
    return any(isinstance(block, Pad) for block in blocks)


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
        return Picture(m, page.picture, m.u(90), m.u(200 if page.big else 300), stretch=1.5)
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
        blocks.append(Big(m, *page.big, page.help))
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
    if _pair(shown):
        return [Beside(m, tuple(Card(m, choice) for choice in shown))]
    for (kind, beside), group in groupby(shown, key=lambda choice: _row(choice, m)):
        members = tuple(group)
        if beside:
            rows = (members[at : at + 2] for at in range(0, len(members), 2))
            blocks += [Beside(m, tuple(Card(m, choice) for choice in row)) for row in rows]
        elif kind == "key":
            blocks.append(Pad(m, members))
        elif kind == "chip":
            blocks.append(ChipChoices(m, members))
        elif not typing:
            blocks += [Card(m, choice) for choice in members]
    if typing:
        ways = [Card(m, choice) for choice in shown if choice.kind in ("primary", "plain")]
        blocks.append(Beside(m, tuple(sorted(ways, key=lambda card: card.choice.kind == "primary"))))
    return blocks


def _row(choice: Choice, m: Metrics) -> tuple[str, bool]:
    """Return what choices that may stand together have in common."""
    beside = choice.beside and not m.large
    return ("" if beside else choice.kind, beside)


def _pair(shown: Sequence[Choice]) -> bool:
    """A lesser choice and then the way on, both of few words, share a row."""
    return [choice.kind for choice in shown] == ["plain", "primary"] and not any(choice.hint for choice in shown)
