"""The three parts that never move: top band, bottom band, and the money strip above it."""

from dataclasses import dataclass

from kiosk.pages.page import Choice, MoneyStrip, Page
from kiosk.ui.icons import draw_icon
from kiosk.ui.metrics import Metrics
from kiosk.ui.pen import Box, Pen
from kiosk.ui.typeset import Face, Lines, set_fitting, set_lines, width_of


@dataclass(frozen=True)
class Areas:
    """The bands of one canvas, and the middle that is left to the page."""

    top: Box
    middle: Box
    strip: Box | None
    bottom: Box


def areas(page: Page, m: Metrics) -> Areas:
    # The way out of staff pages lies in the top band and needs a finger's height there.
    top = Box(0, 0, m.width, max(m.top_band, m.target) if page.staff else m.top_band)
    bottom = Box(0, m.height - m.bottom_band, m.width, m.bottom_band)
    strip = None
    end = bottom.y
    if page.money and not page.overlay:
        height = strip_height(m)
        strip = Box(m.margin, bottom.y - height - m.u(32), m.width - 2 * m.margin, height)
        end = strip.y
    gap = m.u(30 if m.landscape else 52)
    upper = top.h + gap
    middle = Box(m.margin, upper, m.width - 2 * m.margin, end - upper - m.u(24 if m.landscape else 36))
    return Areas(top, middle, strip, bottom)


# Top band


def draw_top(pen: Pen, page: Page, m: Metrics, box: Box, clock: str) -> None:
    if page.staff:
        _draw_staff_top(pen, page, m, box)
        return
    t = pen.theme
    pen.fill(Box(0, box.h - 1, box.w, max(1.0, m.u(2))), t.hairline)
    size = m.u(40) * m.band_scale
    time = set_fitting(clock, Face("regular", round(size)), box.w * 0.26, 1)
    right = box.w - m.margin - time.width
    _row(pen, time, right, box, t.muted)
    seal = m.u(64) * m.band_scale
    draw_icon(pen, "city", Box(m.margin, (box.h - seal) / 2, seal, seal), t.ink)
    left = m.margin + seal + m.u(24)
    badge = _badge_width(page, m)
    room = right - left - (badge + 2 * m.u(24) if badge else m.u(24))
    city = set_fitting(page.city, Face("semibold", round(size)), room, 1)
    _row(pen, city, left, box, t.ink)
    if page.badge:
        middle = (left + city.width + right) / 2
        _draw_badge(pen, page, m, middle - badge / 2, box)


def _row(pen: Pen, lines: Lines, x: float, box: Box, colour: str) -> None:
    pen.lines(lines, x, box.y + (box.h - lines.height) / 2, lines.width, colour)


def _badge_face(m: Metrics) -> Face:
    return Face("semibold", round(m.u(38) * min(m.band_scale, 1.08)))


def _badge_width(page: Page, m: Metrics) -> float:
    return width_of(page.badge.text, _badge_face(m)) + m.u(96) if page.badge else 0.0


def _draw_badge(pen: Pen, page: Page, m: Metrics, x: float, box: Box) -> None:
    if page.badge is None:
        return
    t, text = pen.theme, _badge_face(m)
    height = text.height + m.u(20)
    frame = Box(x, (box.h - height) / 2, _badge_width(page, m), height)
    pen.fill(frame, t.tone_tint(page.badge.tone), height / 2)
    pen.disc((x + m.u(40), box.h / 2), m.u(11), t.tone(page.badge.tone))
    pen.row(page.badge.text, text, x + m.u(64), frame.y + m.u(10), t.ink)


def _draw_staff_top(pen: Pen, page: Page, m: Metrics, box: Box) -> None:
    """Staff pages are told apart at first sight: a dark band, the word, the name, and the way out."""
    t = pen.theme
    pen.fill(box, t.staff_band)
    face = Face("bold", round(m.u(42) * m.band_scale))
    words = f"STAFF · {page.who}" if page.who else "STAFF"
    out = next((choice for choice in page.choices if choice.kind == "band"), None)
    right = box.w - m.margin
    if out:
        label = set_fitting(out.label, Face("semibold", round(m.u(40) * m.band_scale)), box.w * 0.3, 1)
        width = max(m.target, label.width + m.u(64))
        frame = Box(right - width, 0, width, box.h)
        visible = Box(frame.x, (box.h - m.u(76) * m.band_scale) / 2, width, m.u(76) * m.band_scale)
        pen.outline(visible, t.on_staff_band, m.u(3), visible.h / 2)
        pen.lines(label, frame.x, (box.h - label.height) / 2, width, t.on_staff_band, "center")
        pen.target(out.intent, Box(frame.x, 0, width, box.h), m.u(16))
        right = frame.x - m.u(24)
    _row(pen, set_fitting(words, face, right - m.margin, 1), m.margin, box, t.on_staff_band)


# Bottom band


def draw_bottom(pen: Pen, bar: tuple[Choice, ...], m: Metrics, box: Box) -> None:
    """Five places of equal width. All labels have one size: the largest at which the longest still fits."""
    t = pen.theme
    pen.fill(box, t.band)
    pen.fill(Box(0, box.y, box.w, max(1.0, m.u(2))), t.hairline)
    width = (box.w - 2 * m.u(8)) / max(1, len(bar))
    wanted = Face("semibold", round(m.u(37) * m.band_scale))
    size = min((set_fitting(choice.label, wanted, width - m.u(16), 1).face.size for choice in bar), default=9)
    face = Face("semibold", size)
    icon = min(m.u(64) * m.band_scale, box.h - face.height - m.u(36))
    for number, choice in enumerate(bar):
        cell = Box(m.u(8) + number * width, box.y, width, box.h)
        top = cell.y + (cell.h - icon - face.height - m.u(8)) / 2
        draw_icon(pen, choice.icon, Box(cell.x + (width - icon) / 2, top, icon, icon), t.ink)
        lines = set_lines(choice.label, face, width)
        pen.lines(lines, cell.x, top + icon + m.u(8), width, t.ink, "center")
        inset = min(m.gutter / 2, (width - m.target) / 2) if width > m.target else 0.0
        pen.target(choice.intent, Box(cell.x + inset, cell.y + m.u(6), width - 2 * inset, cell.h - m.u(12)), m.u(16))


# Money strip


def strip_height(m: Metrics) -> float:
    if _stacked(m):
        return 3 * _label_face(m).height * 1.12 + m.u(100)
    if m.landscape:
        return _label_face(m).height + _figure_face(m).height + m.u(62)
    return _label_face(m).height + _figure_face(m).height + m.u(128)


def _stacked(m: Metrics) -> bool:
    """Large text on a narrow canvas: three lines instead of three columns."""
    return m.large and not m.landscape


def _label_face(m: Metrics) -> Face:
    scale = min(m.scale, 1.25) if m.landscape else m.scale
    return Face("regular", round(m.u(38) * scale))


def _figure_face(m: Metrics) -> Face:
    scale = min(m.scale, 1.25) if m.landscape else m.scale
    return Face("bold", round(m.u(60 if m.landscape else 70) * scale), tabular=True)


def draw_strip(pen: Pen, money: MoneyStrip, m: Metrics, box: Box) -> None:
    t = pen.theme
    pen.plate(box, t.surface, t.border, m.u(3), m.u(24))
    pad = m.u(40)
    inner = Box(box.x + pad, box.y, box.w - 2 * pad, box.h)
    columns = ((money.owe, t.ink), (money.put_in, t.ink), (money.left, t.accent))
    if _stacked(m):
        _draw_stacked(pen, columns, m, inner)
    else:
        _draw_beside(pen, columns, m, inner)
    bar_height = m.u(16 if m.landscape else 30)
    bar = Box(inner.x, box.y + box.h - bar_height - m.u(20 if m.landscape else 38), inner.w, bar_height)
    pen.plate(bar, t.tint, t.border, m.u(2), bar.h / 2)
    filled = bar.w * money.filled_permille / 1000
    if filled > 0:
        pen.fill(Box(bar.x, bar.y, max(filled, bar.h), bar.h), t.primary, bar.h / 2)


def _draw_beside(pen: Pen, columns: tuple[tuple[tuple[str, str], str], ...], m: Metrics, inner: Box) -> None:
    width = (inner.w - 2 * m.u(24)) / 3
    wanted = _figure_face(m)
    size = min(set_fitting(figure, wanted, width, 1).face.size for (_, figure), _ in columns)
    figure_face = Face("bold", size, tabular=True)
    labels = [set_fitting(label, _label_face(m), width, 1) for (label, _), _ in columns]
    top = inner.y + m.u(18 if m.landscape else 34)
    for number, ((_, figure), colour) in enumerate(columns):
        left = inner.x + number * (width + m.u(24))
        align = ("left", "center", "right")[number]
        pen.lines(labels[number], left, top, width, pen.theme.muted, align)
        under = top + _label_face(m).height + (wanted.height - figure_face.height) / 2
        pen.lines(Lines(figure_face, (figure,)), left, under, width, colour, align)


def _draw_stacked(pen: Pen, columns: tuple[tuple[tuple[str, str], str], ...], m: Metrics, inner: Box) -> None:
    row = _label_face(m).height * 1.12
    for number, ((label, figure), colour) in enumerate(columns):
        top = inner.y + m.u(24) + number * row
        value = set_fitting(figure, Face("bold", _label_face(m).size, tabular=True), inner.w * 0.5, 1)
        name = set_fitting(label, _label_face(m), inner.w - value.width - m.u(24), 1)
        pen.lines(name, inner.x, top, inner.w, pen.theme.muted)
        pen.lines(value, inner.x, top, inner.w, colour, "right")
