"""Contrast and sizes, computed from the tokens (S1 to S4, S8)."""

import pytest

from kiosk.ui.metrics import CANVASES, PANELS, SMALL_TARGET_MM, TARGET_GAP_MM, TARGET_MM, Metrics
from kiosk.ui.theme import STAFF_LIGHT, THEMES, Theme, contrast, theme_of

ALL = {**THEMES, "staff": STAFF_LIGHT}
BASE = Metrics(1080, 1920, PANELS[(1080, 1920)])


@pytest.mark.parametrize("name", ALL)
def test_text_is_legible_everywhere(name: str) -> None:
    t = ALL[name]
    pairs = [(t.ink, ground) for ground in (t.ground, t.surface, t.band, t.tint, t.pressed)]
    pairs += [(t.muted, ground) for ground in (t.ground, t.surface)]
    pairs += [(t.on_primary, t.primary), (t.on_staff_band, t.staff_band), (t.accent, t.surface), (t.off, t.ground)]
    pairs += [(t.ink, t.tone_tint(tone)) for tone in ("success", "caution", "error", "info")]
    assert {pair: round(contrast(*pair), 2) for pair in pairs if contrast(*pair) < 4.5} == {}


@pytest.mark.parametrize("name", ALL)
def test_what_can_be_pressed_stands_out(name: str) -> None:
    t = ALL[name]
    pairs = [(t.border, ground) for ground in (t.ground, t.surface, t.band)]
    pairs += [(t.focus, t.ground), (t.focus, t.surface), (t.primary, t.ground)]
    pairs += [(t.tone(tone), t.tone_tint(tone)) for tone in ("success", "caution", "error", "info")]
    assert {pair: round(contrast(*pair), 2) for pair in pairs if contrast(*pair) < 3} == {}


def test_the_default_theme_and_the_black_one_reach_their_contrast() -> None:
    assert contrast(THEMES["light"].ink, THEMES["light"].ground) >= 10
    assert contrast(THEMES["black"].ink, THEMES["black"].ground) >= 20


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_staff_pages_have_another_ground_and_band() -> None:
    for name in THEMES:
        staff, resident = theme_of(name, staff=True), theme_of(name, staff=False)
        assert staff.staff_band != resident.band
        assert isinstance(staff, Theme)


def test_capitals_are_tall_enough_on_the_glass() -> None:
    """A capital I is at least 3/16 inch, 4.8 mm, in every text at the default size (ADA 707.7.2)."""
    for role in ("title", "choice", "body", "note"):
        assert BASE.capital_mm(role) >= 4.8, role


def test_the_largest_text_doubles_the_default() -> None:
    for role in ("choice", "body", "note"):
        assert Metrics(1080, 1920, BASE.density, 3).font(role) == pytest.approx(2 * BASE.font(role))


@pytest.mark.parametrize("canvas", CANVASES)
def test_targets_are_as_large_as_a_finger_needs(canvas: tuple[int, int]) -> None:
    m = Metrics(*canvas, PANELS[canvas])
    least = SMALL_TARGET_MM if m.small_panel else TARGET_MM
    assert m.target / m.density >= least
    assert m.small_panel == (canvas != (1080, 1920))
    assert not m.small_panel or m.gutter / m.density >= 2
    assert m.small_panel or m.gutter / m.density >= TARGET_GAP_MM
