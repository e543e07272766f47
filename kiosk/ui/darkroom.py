"""Pages as pictures, drawn by the real view into memory: for contact sheets and tests."""

from typing import Any

from kivy.core.window import Window
from kivy.graphics import ClearBuffers, ClearColor, Fbo
from PIL import Image

from kiosk.domain.intents import Intent
from kiosk.pages.page import Page
from kiosk.ui.view import PageView


class Darkroom:
    """One canvas of `size` pixels. `acts` holds what was pressed on its view."""

    def __init__(self, size: tuple[int, int], density: float, clock: str = "7:42 PM") -> None:
        if Window is None:
            raise RuntimeError("no display to draw on")
        self.acts: list[Intent] = []
        self.now_s = 0.0
        self.view = PageView(size, density, self.acts.append, lambda: clock, lambda: self.now_s)
        self._fbo: Any = Fbo(size=size)
        with self._fbo:
            ClearColor(0, 0, 0, 1)
            ClearBuffers()
        self._fbo.add(self.view.canvas)

    def picture(self, page: Page, part: int = 0) -> Image.Image:
        """Draw `page` and return what is seen of its part."""
        self.view.show(page)
        if self.view.part != part:
            self.view.part = part
            self.view.redraw()
        return self.seen()

    def seen(self) -> Image.Image:
        self._fbo.draw()
        image = Image.frombytes("RGBA", self._fbo.size, self._fbo.pixels)
        return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).convert("RGB")
