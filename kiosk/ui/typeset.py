"""Text: fonts, measuring, breaking into lines, and pictures of text kept while they are in use."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from kivy.core.text import Label

_FONTS_LIST = Path(__file__).parents[2] / "assets" / "fonts.list"
LEADING = 1.28


@cache
def font_path(weight: str) -> str:
    """Return the first font file of `weight` that exists; Kivy's own font when there is none."""
    for row in _FONTS_LIST.read_text(encoding="utf-8").splitlines():
        name, _, path = row.partition(" ")
        if name == weight and Path(path.strip()).exists():
            return path.strip()
    return "Roboto"


@dataclass(frozen=True)
class Face:
    """A weight (regular, semibold, bold or display) at a size in whole pixels; `tabular` figures are equally wide."""

    weight: str
    size: int
    tabular: bool = False

    @property
    def height(self) -> float:
        """The height of one line with its leading."""
        return self.size * (1.14 if self.weight == "display" else LEADING)


@dataclass(frozen=True)
class Lines:
    """A text broken into lines of at most the width it was set for."""

    face: Face
    rows: tuple[str, ...]

    @property
    def height(self) -> float:
        return len(self.rows) * self.face.height

    @property
    def width(self) -> float:
        return max((width_of(row, self.face) for row in self.rows), default=0)


@lru_cache(maxsize=2048)
def set_lines(text: str, face: Face, width: float) -> Lines:
    """Break `text` to `width`, into as few lines as can be, of nearly equal length: no word stands alone."""
    rows = _greedy(text, face, width)
    if len(rows) < 2:
        return Lines(face, rows)
    if len(rows) == 2 and (halves := _at_pause(text, face, width) or _at_dot(text, face, width)):
        return Lines(face, halves)
    low, high = width / len(rows), width
    while high - low > face.size / 4:
        middle = (low + high) / 2
        if len(_greedy(text, face, middle)) > len(rows):
            low = middle
        else:
            high = middle
    return Lines(face, _greedy(text, face, high))


@lru_cache(maxsize=1024)
def set_fitting(text: str, face: Face, width: float, rows_max: int) -> Lines:
    """Set `text` at the face's size or the largest smaller one that needs at most `rows_max` lines in `width`."""
    size = face.size
    while size > 8:
        lines = set_lines(text, Face(face.weight, size, face.tabular), width)
        if len(lines.rows) <= rows_max and lines.width <= width:
            return lines
        size -= max(1, size // 24)
    return lines


def _at_pause(text: str, face: Face, width: float) -> tuple[str, ...]:
    """Return a large text in two lines broken where a voice would pause, () if it does not come out evenly."""
    head, comma, tail = text.partition(", ")
    if face.weight != "display" or not comma:
        return ()
    wide = width_of(head, face), width_of(tail, face)
    return (f"{head},", tail) if max(wide) <= width and min(wide) >= 0.4 * max(wide) else ()


def _at_dot(text: str, face: Face, width: float) -> tuple[str, ...]:
    """Return facts parted by dots in two lines with none of them torn, () if there are no such lines."""
    facts = text.split(" · ")
    ways = [(" · ".join(facts[:n]) + " ·", " · ".join(facts[n:])) for n in range(1, len(facts))]
    wide = {way: max(width_of(half, face) for half in way) for way in ways}
    best = min(ways, key=wide.__getitem__, default=())
    return best if best and wide[best] <= width else ()


def _greedy(text: str, face: Face, width: float) -> tuple[str, ...]:
    rows: list[str] = []
    row = ""
    for word in text.split(" "):
        longer = f"{row} {word}" if row else word
        if row and width_of(longer, face) > width:
            rows.append(row)
            row = word
        else:
            row = longer
    return (*rows, row) if row else tuple(rows)


def width_of(text: str, face: Face) -> float:
    if face.tabular:
        return sum(cell_width(sign, face) for sign in text)
    return _extent(text, face.weight, face.size)


def cell_width(sign: str, face: Face) -> float:
    """Return the room of one sign among tabular figures: every digit has that of the widest."""
    if sign.isdigit():
        return max(_extent(digit, face.weight, face.size) for digit in "0689")
    return _extent(sign, face.weight, face.size)


@lru_cache(maxsize=4096)
def _extent(text: str, weight: str, size: int) -> float:
    return float(_label(weight, size).get_extents(text)[0])


@lru_cache(maxsize=64)
def _label(weight: str, size: int) -> Any:
    return Label(font_name=font_path(weight), font_size=size)


# Everything that remembers a text it measured.
_MEASURES = (set_lines, set_fitting, _extent)


class Textures:
    """Pictures of single lines, white, to be tinted. Only what the last two pages drew is kept (video memory)."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, int], Any] = OrderedDict()
        self._used: set[tuple[str, str, int]] = set()

    def get(self, text: str, face: Face) -> Any:
        key = (text, face.weight, face.size)
        if key not in self._kept:
            label = Label(text=text, font_name=font_path(face.weight), font_size=face.size, color=(1, 1, 1, 1))
            label.refresh()
            self._kept[key] = label.texture
        self._used.add(key)
        return self._kept[key]

    def drop_unused(self) -> None:
        """Forget what was not drawn since the last call. Nothing of a resident outlives the page after theirs (T5)."""
        for key in [key for key in self._kept if key not in self._used]:
            del self._kept[key]
        self._used.clear()

    def texts(self) -> list[str]:
        return [text for text, _, _ in self._kept]


def forget() -> None:
    """Forget every measured text: what a resident typed or owed is not kept for the next one (T5)."""
    for measure in _MEASURES:
        measure.cache_clear()


def measured() -> int:
    """Return how many measured texts are kept."""
    return sum(measure.cache_info().currsize for measure in _MEASURES)
