"""Every page as a picture: `python -m kiosk.ui.contact_sheet --out DIR`.

Writes one PNG a page, theme, language, text size and canvas, and sheets of them side by side. What is pictured are the
literal snapshots of kiosk.ui.samples, drawn by the view that the kiosk uses.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.pages.dispatch import page
from kiosk.pages.language import LANGUAGES, translator
from kiosk.ui.metrics import CANVASES, PANELS
from kiosk.ui.samples import SAMPLES
from kiosk.ui.setup import prepare_kivy
from kiosk.ui.theme import THEMES
from kiosk.ui.xvfb import virtual_display

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAIL_HEIGHT = 640
COLUMNS = 6
GAP = 24


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if not os.environ.get("DISPLAY"):
            stack.enter_context(virtual_display())
        prepare_kivy(320, 240)
        count = sum(_sheet(out, options, *combination) for combination in _combinations(options))
    sys.stdout.write(f"{count} pictures in {out}\n")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="screens", description="Render every page of the kiosk as a picture.")
    parser.add_argument("--out", default="screens-out", help="folder for the pictures")
    parser.add_argument("--pages", nargs="*", default=list(SAMPLES), choices=list(SAMPLES), metavar="PAGE")
    parser.add_argument("--themes", nargs="*", default=list(THEMES), choices=list(THEMES))
    parser.add_argument("--languages", nargs="*", default=list(LANGUAGES), choices=list(LANGUAGES))
    parser.add_argument("--sizes", nargs="*", type=int, default=[0, 3], choices=range(4))
    parser.add_argument("--canvases", nargs="*", default=[f"{w}x{h}" for w, h in CANVASES])
    return parser.parse_args(arguments)


def _combinations(options: argparse.Namespace) -> Iterator[tuple[str, str, str, int]]:
    yield from product(options.canvases, options.themes, options.languages, options.sizes)


def _sheet(out: Path, options: argparse.Namespace, canvas: str, theme: str, language: str, size: int) -> int:
    """Write the pages of one combination and their sheet; return how many pictures there are."""
    from kiosk.ui.darkroom import Darkroom

    width, height = (int(side) for side in canvas.split("x"))
    room = Darkroom((width, height), PANELS.get((width, height), 5.57))
    folder = out / canvas / f"{theme}-{language}-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[Image] = []
    for name in options.pages:
        snapshot = replace(SAMPLES[name], theme=theme, language=language, text_size=size)
        shown = page(snapshot, translator(language))
        part, parts = 0, 1
        while part < parts:
            picture = room.picture(shown, part)
            parts = room.view.parts
            picture.save(folder / (f"{name}-{part + 1}.png" if parts > 1 else f"{name}.png"), compress_level=1)
            pictures.append(picture)
            part += 1
    _mount(pictures, (width, height)).save(out / f"sheet-{canvas}-{theme}-{language}-{size}.png")
    return len(pictures)


def _mount(pictures: list["Image"], size: tuple[int, int]) -> "Image":
    from PIL import Image

    height = THUMBNAIL_HEIGHT if size[1] > size[0] else THUMBNAIL_HEIGHT // 2
    width = round(size[0] * height / size[1])
    columns = COLUMNS if size[1] > size[0] else COLUMNS // 2
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), "#808080")
    for number, picture in enumerate(pictures):
        place = (GAP + number % columns * (width + GAP), GAP + number // columns * (height + GAP))
        sheet.paste(picture.resize((width, height), Image.Resampling.LANCZOS), place)
    return sheet


if __name__ == "__main__":
    sys.exit(main())
