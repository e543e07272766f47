"""A document as printed lines: wrapped, with columns set, measured in character cells. Knows no printer."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from hardware.printer.document import Columns, Cut, Document, Feed, Qr, Rule, Text


@dataclass(frozen=True)
class Line:
    """One line of characters. `wide` and `high` multiply the cell; `align` places what does not fill the line."""

    text: str
    align: str = "left"
    wide: int = 1
    high: int = 1
    bold: bool = False


def set_lines(document: Document, columns: int) -> Iterator[Line | Qr | Feed | Cut]:
    """Yield the document's lines for a paper of `columns` normal characters."""
    for item in document:
        if isinstance(item, Text):
            yield from _text(item, columns)
        elif isinstance(item, Columns):
            yield from _columns(item, columns)
        elif isinstance(item, Rule):
            yield Line("─" * columns)
        else:
            yield item


def cells(text: str) -> int:
    """Return how many character cells `text` takes: wide letters two, combining marks none."""
    return sum(_width(letter) for letter in text)


def wrap(text: str, width: int) -> list[str]:
    """Break `text` at spaces into lines of at most `width` cells, and inside a word only if it is longer than that.

    Leading spaces of the text are kept, so that indented lines stay so. Control characters become spaces: no text can
    hold a command to the printer.
    """
    text = unicodedata.normalize("NFC", "".join(" " if unicodedata.category(c) == "Cc" else c for c in text))
    indent = text[: len(text) - len(text.lstrip(" "))][: width - 1]
    lines, line = [], indent
    for word in text.split():
        gap = " " if line.strip() else ""
        if cells(line + gap + word) <= width:
            line += gap + word
            continue
        if line.strip():
            lines.append(line)
            line = ""
        *full, line = _pieces(line + word, width)
        lines += full
    return [*lines, line]


def _text(item: Text, columns: int) -> Iterator[Line]:
    for text in wrap(item.text, columns // item.size):
        yield Line(text, item.align, item.size, _high(item), item.bold)


def _columns(item: Columns, columns: int) -> Iterator[Line]:
    width = columns // item.size
    *above, figure = wrap(item.right, width)
    room = width - cells(figure) - 1 if figure else width
    # Labels keep out of the figure's column unless that leaves them less than half of the paper.
    labels = wrap(item.left, room if room >= width // 2 else width)
    together = not above and cells(labels[-1]) <= room
    for label in labels[:-1] if together else labels:
        yield Line(label, wide=item.size, high=_high(item), bold=item.bold)
    if together and figure:
        figure = labels[-1] + " " * (width - cells(labels[-1]) - cells(figure)) + figure
    elif together:
        figure = labels[-1]
    for text in (*above, figure):
        yield Line(text, "left" if together else "right", wide=item.size, high=_high(item), bold=item.bold)


def _high(item: Text | Columns) -> int:
    return 2 if item.tall else item.size


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _pieces(word: str, width: int) -> list[str]:
    pieces, piece = [], ""
    for letter in word:
        if cells(piece + letter) > width:
            pieces.append(piece)
            piece = ""
        piece += letter
    return [*pieces, piece]
