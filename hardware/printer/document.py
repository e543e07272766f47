"""A printed document as neutral items: the printer knows no receipts, the kiosk no ESC/POS."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """`align`: left, center or right; `size` 1 or 2 times the normal character; `tall` doubles the height only."""

    text: str
    align: str = "left"
    size: int = 1
    bold: bool = False
    tall: bool = False


@dataclass(frozen=True)
class Columns:
    """A label at the left and a figure at the right edge of one line; a long label wraps."""

    left: str
    right: str
    bold: bool = False
    size: int = 1
    tall: bool = False


@dataclass(frozen=True)
class Rule:
    pass


@dataclass(frozen=True)
class Qr:
    data: str


@dataclass(frozen=True)
class Feed:
    lines: int = 1


@dataclass(frozen=True)
class Cut:
    pass


Item = Text | Columns | Rule | Qr | Feed | Cut
Document = tuple[Item, ...]
