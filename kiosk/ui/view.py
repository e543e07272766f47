"""Draws one page on a widget and tells what was pressed. Nothing is decided here."""

import time
from collections.abc import Callable
from typing import Any

from kivy.graphics import Canvas
from kivy.uix.widget import Widget

from kiosk.domain.intents import Intent
from kiosk.pages.page import Page
from kiosk.ui.arrange import arrange
from kiosk.ui.bands import areas, draw_bottom, draw_strip, draw_top
from kiosk.ui.icons import draw_icon
from kiosk.ui.metrics import Metrics
from kiosk.ui.pen import Box, Drawn, Pen, Target
from kiosk.ui.press import Press
from kiosk.ui.theme import theme_of
from kiosk.ui.typeset import Face, Textures, forget, set_fitting

_MOVES = {"tab": 1, "down": 1, "right": 1, "up": -1, "left": -1}


class PageView(Widget):
    """The whole window. `act` is called with the intent of what was pressed; `clock` gives the band's time of day."""

    def __init__(
        self,
        size: tuple[int, int],
        density: float,
        act: Callable[[Intent], None],
        clock: Callable[[], str],
        now: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        super().__init__(size=size, **kwargs)
        self.page: Page | None = None
        self.part = 0
        self.parts = 1
        self.drawn = Drawn()
        self._density = density
        self._act = act
        self._clock = clock
        self._now = now
        self._textures = Textures()
        self._press = Press([])
        self._focus: int | None = None
        self._marks: Any = Canvas()

    # Drawing

    def show(self, page: Page) -> None:
        """Draw `page`. One that differs only in what it says stays on the part that was open."""
        if self.page is None or self.page.name != page.name:
            self.part, self._focus = 0, None
        self.page = page
        self.redraw()
        if page.name == "attract":
            forget()

    def redraw(self) -> None:
        """Draw the page anew: it changed, or the minute did."""
        page = self.page
        if page is None:
            return
        m = self.metrics()
        self.drawn = Drawn()
        self.canvas.clear()
        pen = Pen(self.canvas, self.height, theme_of(page.theme, page.staff), self._textures, self.drawn)
        with pen.drawing():
            self._draw(pen, page, m)
        self._textures.drop_unused()
        self._press.renew(self.drawn.targets)
        self._marks = Canvas()
        self.canvas.add(self._marks)
        self._mark()

    def kept_texts(self) -> list[str]:
        """Return every text that is still kept as a picture."""
        return self._textures.texts()

    def metrics(self) -> Metrics:
        size = self.page.text_size if self.page else 0
        return Metrics(int(self.width), int(self.height), self._density, max(0, min(size, 3)))

    def _draw(self, pen: Pen, page: Page, m: Metrics) -> None:
        places = areas(page, m)
        pen.fill(Box(0, 0, self.width, self.height), pen.theme.ground)
        draw_top(pen, page, m, places.top, self._clock())
        arrangement = arrange(page, m, places.middle)
        layout = arrangement.layout
        self.parts = len(layout.parts)
        self.part = min(self.part, self.parts - 1)
        if arrangement.panel:
            between = Box(0, places.top.h, self.width, places.bottom.y - places.top.h)
            pen.fill(between, pen.theme.band)
            pen.plate(arrangement.panel, pen.theme.ground, pen.theme.border, m.u(3), m.u(28))
        for block, box in layout.parts[self.part]:
            block.draw(pen, box)
        if layout.more:
            self._draw_more(pen, page, m, layout.more)
        if page.money and places.strip:
            draw_strip(pen, page.money, m, places.strip)
        draw_bottom(pen, page.bar, m, places.bottom)

    def _draw_more(self, pen: Pen, page: Page, m: Metrics, box: Box) -> None:
        t, last = pen.theme, self.part == self.parts - 1
        pen.plate(box, t.tint, t.accent, m.u(4), m.u(24))
        label = set_fitting(page.more[1 if last else 0], Face("semibold", round(m.font("note"))), box.w * 0.75, 1)
        size = label.face.size * 1.1
        left = box.x + (box.w - size * 1.5 - label.width) / 2
        draw_icon(pen, "up" if last else "down", Box(left, box.y + (box.h - size) / 2, size, size), t.ink, 2.2)
        pen.lines(label, left + size * 1.5, box.y + (box.h - label.height) / 2, box.w, t.ink)
        pen.target(None, box, m.u(24))

    def _mark(self) -> None:
        """Show what is pressed and what has the focus, above the page and without drawing it anew."""
        self._marks.clear()
        page = self.page
        if page is None:
            return
        m, theme = self.metrics(), theme_of(page.theme, page.staff)
        pen = Pen(self._marks, self.height, theme, self._textures, Drawn())
        with pen.drawing():
            held = self._press.held
            if held and self._press.inside:
                pen.fill(held.box, theme.ink, held.radius, alpha=0.16)
                pen.outline(held.box, theme.focus, m.u(6), held.radius)
            focused = self._focused()
            if focused:
                around = focused.box.inset(-m.u(8))
                pen.outline(around, theme.ground, m.u(14), focused.radius + m.u(8))
                pen.outline(around, theme.ink, m.u(7), focused.radius + m.u(8))

    def picture(self, path: str) -> None:
        """Write what is seen now to a PNG file, read back from the window."""
        from kivy.core.image import Image
        from kivy.graphics.opengl import GL_RGBA, GL_UNSIGNED_BYTE, glReadPixels
        from kivy.graphics.texture import Texture

        width, height = int(self.width), int(self.height)
        pixels = glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE)
        texture = Texture.create(size=(width, height), colorfmt="rgba")
        texture.blit_buffer(pixels, colorfmt="rgba", bufferfmt="ubyte")
        Image(texture).save(path, flipped=True)

    # Touch

    def on_touch_down(self, touch: Any) -> bool:
        if getattr(touch, "is_mouse_scrolling", False):
            return True
        self._focus = None
        self._press.down(touch.uid, touch.x, self.height - touch.y)
        self._mark()
        return True

    def on_touch_move(self, touch: Any) -> bool:
        before = self._press.inside
        self._press.move(touch.uid, touch.x, self.height - touch.y)
        if before != self._press.inside:
            self._mark()
        return True

    def on_touch_up(self, touch: Any) -> bool:
        target = self._press.up(touch.uid, touch.x, self.height - touch.y, self._now())
        self._mark()
        if target:
            self._do(target)
        return True

    def _do(self, target: Target) -> None:
        if target.intent is None:
            self.part = (self.part + 1) % self.parts
            self.redraw()
        else:
            self._act(target.intent)

    # Keys

    def on_key(self, name: str) -> bool:
        """Take a key by its Kivy name; True if it meant something here."""
        if name in _MOVES:
            self._move_focus(_MOVES[name])
        elif name in ("enter", "numpadenter"):
            self._press_focused()
        elif name in ("escape", "backspace"):
            self._press_named(("back", "close_help", "more_time") if name == "escape" else ("key",), "back")
        elif name.removeprefix("numpad") in "0123456789":
            self._press_named(("key",), name.removeprefix("numpad"))
        else:
            return False
        return True

    def _move_focus(self, by: int) -> None:
        count = len(self.drawn.targets)
        if not count:
            return
        start = (-1 if by > 0 else 0) if self._focus is None else self._focus
        self._focus = (start + by) % count
        self._mark()

    def _focused(self) -> Target | None:
        targets = self.drawn.targets
        return targets[self._focus] if self._focus is not None and self._focus < len(targets) else None

    def _press_focused(self) -> None:
        """Enter acts on the focus; without one, on the way on after typing."""
        target = self._focused()
        if target is None:
            self._press_named(("submit",), "")
        elif self._press.allows(target.intent, self._now()):
            self._do(target)

    def _press_named(self, names: tuple[str, ...], value: str) -> None:
        for target in self.drawn.targets:
            intent = target.intent
            if intent and intent.name in names and (intent.name != "key" or intent.value == value):
                self._do(target)
                return
