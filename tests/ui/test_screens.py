"""Every page drawn by the real view: nothing clipped, nothing overlapping, everything reachable (S5, S8, S11)."""

from dataclasses import replace
from itertools import combinations, product
from typing import TYPE_CHECKING

import pytest

from kiosk.domain.intents import Intent
from kiosk.pages.dispatch import page
from kiosk.pages.language import LANGUAGES, translator
from kiosk.pages.page import Page
from kiosk.ui.metrics import CANVASES, PANELS, Metrics
from kiosk.ui.samples import ATTRACT, CASH, DONE, RECEIPT, SAMPLES
from kiosk.ui.theme import THEMES, rgb, theme_of

if TYPE_CHECKING:
    from kiosk.ui.darkroom import Darkroom
    from kiosk.ui.pen import Box

pytestmark = pytest.mark.display

Canvas = tuple[int, int]

# Pages that offer nothing and take no money.
TOLD = [name for name in SAMPLES if name.startswith(("starting", "out_of_service", "finding"))]


@pytest.fixture(scope="module")
def rooms(kivy: str) -> "dict[Canvas, Darkroom]":
    from kiosk.ui.darkroom import Darkroom

    return {canvas: Darkroom(canvas, PANELS[canvas]) for canvas in CANVASES}


@pytest.fixture
def room(rooms: "dict[Canvas, Darkroom]") -> "Darkroom":
    room = rooms[(1080, 1920)]
    room.acts.clear()
    room.now_s += 60
    return room


def made(name: str, language: str = "en", size: int = 0, theme: str = "light") -> Page:
    return page(replace(SAMPLES[name], language=language, text_size=size, theme=theme), translator(language))


def parts(room: "Darkroom", shown: Page) -> list[int]:
    room.view.show(shown)
    room.view.part = 0
    room.view.redraw()
    return list(range(room.view.parts))


def within(box: "Box", canvas: Canvas) -> bool:
    return box.x >= -1 and box.y >= -1 and box.x + box.w <= canvas[0] + 1 and box.y + box.h <= canvas[1] + 1


def check_layout(room: "Darkroom", canvas: Canvas, shown: Page) -> None:
    """Walk what was drawn of every part of a page."""
    density = PANELS[canvas]
    small = min(canvas) / density < 120
    reached: set[Intent] = set()
    for part in parts(room, shown):
        room.view.part = part
        room.view.redraw()
        drawn = room.view.drawn
        where = (shown.name, shown.language, shown.text_size, canvas, part)
        for text, box in drawn.texts:
            assert within(box, canvas), (where, text, box)
        for (one, a), (two, b) in combinations(drawn.texts, 2):
            assert not a.inset(1.5).overlaps(b.inset(1.5)), (where, one, two)
        for target in drawn.targets:
            assert within(target.box, canvas), (where, target)
            assert min(target.box.w, target.box.h) >= (11.5 if small else 19.9) * density, (where, target)
            if target.intent:
                reached.add(target.intent)
        for first, second in combinations(drawn.targets, 2):
            assert not first.box.overlaps(second.box), (where, first, second)
    wanted = {choice.intent for choice in (*shown.choices, *shown.bar) if choice.enabled}
    assert reached >= wanted, (shown.name, canvas, wanted - reached)


@pytest.mark.parametrize(("canvas", "language"), list(product(CANVASES, LANGUAGES)))
@pytest.mark.parametrize("size", [0, 3])
def test_every_page_fits(rooms: "dict[Canvas, Darkroom]", canvas: Canvas, language: str, size: int) -> None:
    for name in SAMPLES:
        check_layout(rooms[canvas], canvas, made(name, language, size))


@pytest.mark.parametrize("canvas", CANVASES)
def test_the_sizes_between_fit_as_well(rooms: "dict[Canvas, Darkroom]", canvas: Canvas) -> None:
    for name, size in product(("attract", "invoice_late", "cash", "done", "type_account_wrong"), (1, 2)):
        check_layout(rooms[canvas], canvas, made(name, "es", size))


def test_every_word_is_on_some_part(rooms: "dict[Canvas, Darkroom]") -> None:
    """The largest text on the smallest canvas loses nothing."""
    room = rooms[(800, 480)]
    for name in SAMPLES:
        shown = made(name, "en", 3)
        seen: list[str] = []
        for part in parts(room, shown):
            room.view.part = part
            room.view.redraw()
            seen += [text for text, _ in room.view.drawn.texts]
        words = set(" ".join(seen).split())
        texts = [
            shown.title,
            *(line.text for line in shown.lines),
            *(c.label for c in shown.choices if c.icon != "delete"),
        ]
        texts += [shown.notice.text] if shown.notice else []
        missing = {word for text in texts for word in text.split() if word not in words}
        assert not missing, (name, missing)


@pytest.mark.parametrize("canvas", CANVASES)
def test_a_page_that_only_tells_is_read_in_order_over_its_parts(
    rooms: "dict[Canvas, Darkroom]", canvas: Canvas
) -> None:
    """Nothing later stands before its turn, and nothing twice."""
    room = rooms[canvas]
    for name, language in product(TOLD, LANGUAGES):
        shown = made(name, language, 3)
        read: list[str] = []
        for part in parts(room, shown):
            room.view.part = part
            room.view.redraw()
            drawn = room.view.drawn
            pressed = [target.box for target in drawn.targets]
            read += [
                word
                for text, box in drawn.texts
                if box.y > Metrics(*canvas, PANELS[canvas], 3).top_band and not any(box.overlaps(p) for p in pressed)
                for word in text.split()
            ]
        told = " ".join([shown.title, *(f"{line.text} {line.amount}" for line in shown.lines)]).split()
        assert read == told, (name, language)


@pytest.mark.parametrize("canvas", CANVASES)
def test_typing_never_needs_a_second_part(rooms: "dict[Canvas, Darkroom]", canvas: Canvas) -> None:
    for name, language, size in product(
        ("type_account", "other_amount", "claim_amount", "check_amount", "staff_sign_in"), LANGUAGES, range(4)
    ):
        assert len(parts(rooms[canvas], made(name, language, size))) == 1, (name, language, size)


@pytest.mark.parametrize("canvas", CANVASES)
def test_the_question_against_the_clock_shows_its_answers_at_every_size(
    rooms: "dict[Canvas, Darkroom]", canvas: Canvas
) -> None:
    for language, size in product(LANGUAGES, range(4)):
        shown = made("idle", language, size)
        check_layout(rooms[canvas], canvas, shown)
        rooms[canvas].view.part = 0
        rooms[canvas].view.redraw()
        acts = {target.intent for target in rooms[canvas].view.drawn.targets}
        assert {choice.intent for choice in shown.choices} <= acts, (language, size)


@pytest.mark.parametrize(("canvas", "language"), list(product(CANVASES, LANGUAGES)))
def test_at_the_default_size_every_page_is_in_one_piece(
    rooms: "dict[Canvas, Darkroom]", canvas: Canvas, language: str
) -> None:
    cut = [name for name in SAMPLES if len(parts(rooms[canvas], made(name, language))) > 1]
    assert cut == []


@pytest.mark.parametrize("name", ["invoice", "invoice_clear", "finding", "tender", "staff_swap"])
def test_the_way_back_is_always_at_the_bottom(rooms: "dict[Canvas, Darkroom]", name: str) -> None:
    for canvas, room in rooms.items():
        room.view.show(made(name))
        back = next(target.box for target in room.view.drawn.targets if target.intent == Intent("back"))
        band = min(target.box.y for target in room.view.drawn.targets[-5:])
        assert 0 < band - (back.y + back.h) < canvas[1] * 0.06, canvas


@pytest.mark.parametrize("canvas", CANVASES)
def test_the_bottom_band_never_moves(rooms: "dict[Canvas, Darkroom]", canvas: Canvas) -> None:
    for size in (0, 3):
        places = set()
        for name in SAMPLES:
            rooms[canvas].view.show(made(name, "en", size))
            places.add(tuple((t.intent, t.box) for t in rooms[canvas].view.drawn.targets[-5:]))
        assert len(places) == 1


@pytest.mark.parametrize("theme", THEMES)
def test_every_page_is_drawn_in_its_colours(room: "Darkroom", theme: str) -> None:
    for name in SAMPLES if theme == "light" else ("attract", "cash", "done", "staff_health"):
        shown = made(name, theme=theme)
        picture = room.picture(shown)
        tokens = theme_of(theme, shown.staff)
        ground = tokens.band if shown.overlay else tokens.ground
        assert picture.getpixel((4, 400)) == tuple(round(part * 255) for part in rgb(ground)), name
        ink = tuple(round(part * 255) for part in rgb(tokens.ink))
        assert ink in {colour for _, colour in picture.getcolors(1 << 20)}, name


def tap(room: "Darkroom", intent: Intent, up_at: tuple[float, float] | None = None) -> None:
    """Press the middle of what sends `intent` and let go there, or at `up_at`."""
    target = next(target for target in room.view.drawn.targets if target.intent == intent)
    x, y = target.box.x + target.box.w / 2, target.box.y + target.box.h / 2
    touch = Finger(x, room.view.height - y)
    room.view.on_touch_down(touch)
    if up_at:
        touch.x, touch.y = up_at[0], room.view.height - up_at[1]
        room.view.on_touch_move(touch)
    room.view.on_touch_up(touch)


class Finger:
    """What Kivy tells of one touch."""

    def __init__(self, x: float, y: float) -> None:
        self.uid, self.x, self.y = object(), x, y


def test_touching_every_choice_sends_its_intent(room: "Darkroom") -> None:
    for name in SAMPLES:
        shown = made(name)
        room.view.show(shown)
        for choice in (*shown.choices, *shown.bar):
            room.acts.clear()
            room.now_s += 1
            if choice.enabled:
                tap(room, choice.intent)
                assert room.acts == [choice.intent], name
            else:
                assert choice.intent not in [t.intent for t in room.view.drawn.targets[:-5]]


def test_a_pressed_choice_looks_pressed_and_dragging_off_cancels(room: "Darkroom") -> None:
    rest = room.picture(made("cash"))
    target = next(t for t in room.view.drawn.targets if t.intent == Intent("stop"))
    touch = Finger(target.box.x + 20, room.view.height - target.box.y - 20)
    room.view.on_touch_down(touch)
    assert room.seen().tobytes() != rest.tobytes()
    touch.x = 5
    room.view.on_touch_move(touch)
    room.view.on_touch_up(touch)
    assert room.acts == []
    assert room.seen().tobytes() == rest.tobytes()


def test_a_double_tap_acts_once(room: "Darkroom") -> None:
    room.view.show(made("cash"))
    tap(room, Intent("stop"))
    room.now_s += 0.2
    tap(room, Intent("stop"))
    assert room.acts == [Intent("stop")]


def test_keys_alone_reach_everything(room: "Darkroom") -> None:
    shown = made("invoice_late")
    room.view.show(shown)
    for _ in (*shown.choices, *shown.bar):
        room.view.on_key("tab")
        room.now_s += 1
        room.view.on_key("enter")
    assert room.acts == [choice.intent for choice in (*shown.choices, *shown.bar)]
    room.view.on_key("escape")
    assert room.acts[-1] == Intent("back")


def test_number_keys_type_and_enter_submits(room: "Darkroom") -> None:
    room.view.show(made("type_account"))
    for key in ("4", "numpad4", "backspace", "enter"):
        room.view.on_key(key)
    assert room.acts == [Intent("key", "4"), Intent("key", "4"), Intent("key", "back"), Intent("submit")]
    assert not room.view.on_key("f1")


def test_more_turns_the_part_and_sends_nothing(rooms: "dict[Canvas, Darkroom]") -> None:
    room = rooms[(800, 480)]
    room.acts.clear()
    room.view.show(made("cash", "en", 3))
    room.view.part = 0
    room.view.redraw()
    more = next(t for t in room.view.drawn.targets if t.intent is None)
    touch = Finger(more.box.x + 5, room.view.height - more.box.y - 5)
    room.view.on_touch_down(touch)
    room.view.on_touch_up(touch)
    assert (room.view.part, room.acts) == (1, [])


def test_nothing_of_a_session_stays_in_memory(room: "Darkroom") -> None:
    """T5: neither what is drawn nor what is kept for drawing knows the person before."""
    from kiosk.ui import typeset

    room.view.show(page(replace(DONE, account=CASH.account), translator("en")))
    assert any(RECEIPT.number[0] in text for text, _ in room.view.drawn.texts)
    room.view.show(page(ATTRACT, translator("en")))
    personal = ("4417", "$53.18", "$6.82", "$60.00", RECEIPT.number)
    kept = [text for text, _ in room.view.drawn.texts] + room.view.kept_texts()
    assert not [text for text in kept if any(word in text for word in personal)]
    assert typeset.measured() == 0
