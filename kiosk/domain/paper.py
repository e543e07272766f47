"""What is to be printed, as neutral items. The engine maps them one to one to the printer's document."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A paragraph that wraps at the paper's width.

    `align`: left, center or right. `size` 1 or 2 times the normal character; `tall` doubles the height only.
    """

    text: str
    align: str = "left"
    size: int = 1
    bold: bool = False
    tall: bool = False


@dataclass(frozen=True)
class Columns:
    """A label at the left and a figure at the right edge of one line; a long label wraps above the figure."""

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
Paper = tuple[Item, ...]
