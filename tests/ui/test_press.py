"""What a finger means."""

import pytest

from kiosk.domain.intents import Intent
from kiosk.ui.pen import Box, Target
from kiosk.ui.press import DEBOUNCE_S, MONEY, Press

STOP = Target(Intent("stop"), Box(100, 100, 200, 100))
KEY = Target(Intent("key", "5"), Box(100, 300, 100, 100))
MORE = Target(None, Box(0, 900, 100, 50))


def press() -> Press:
    return Press([STOP, KEY, MORE])


def test_acts_on_release_inside() -> None:
    p = press()
    assert p.down("a", 150, 150) is STOP
    assert p.inside
    assert p.up("a", 160, 140, 1.0) is STOP


def test_dragging_off_cancels_and_coming_back_does_not() -> None:
    p = press()
    p.down("a", 150, 150)
    p.move("a", 20, 20)
    assert not p.inside
    assert p.up("a", 20, 20, 1.0) is None
    p.down("a", 150, 150)
    p.move("a", 20, 20)
    p.move("a", 150, 150)
    assert p.up("a", 150, 150, 2.0) is STOP


def test_sliding_onto_a_target_is_no_press() -> None:
    p = press()
    assert p.down("a", 10, 10) is None
    p.move("a", 150, 150)
    assert p.up("a", 150, 150, 1.0) is None


def test_a_second_finger_does_nothing() -> None:
    p = press()
    p.down("a", 150, 150)
    assert p.down("b", 150, 350) is None
    assert p.up("b", 150, 350, 1.0) is None
    assert p.up("a", 150, 150, 1.1) is STOP


def test_a_double_tap_on_money_acts_once() -> None:
    p = press()
    acted = []
    for at in (1.0, 1.0 + DEBOUNCE_S / 2, 1.1 + DEBOUNCE_S):
        p.down("a", 150, 150)
        acted.append(p.up("a", 150, 150, at))
    assert acted == [STOP, None, STOP]


def test_typing_the_same_digit_fast_types_it_twice() -> None:
    p = press()
    for at in (1.0, 1.1):
        p.down("a", 150, 350)
        assert p.up("a", 150, 350, at) is KEY


def test_a_new_page_under_a_finger_keeps_only_the_same_act() -> None:
    p = press()
    p.down("a", 150, 150)
    moved = Target(Intent("stop"), Box(100, 120, 200, 100))
    p.renew([moved])
    assert p.up("a", 150, 150, 1.0) is moved
    p.renew([STOP])
    p.down("a", 150, 150)
    p.renew([Target(Intent("confirm"), STOP.box)])
    assert p.up("a", 150, 150, 5.0) is None


@pytest.mark.parametrize("name", sorted(MONEY))
def test_every_money_act_is_an_intent(name: str) -> None:
    assert Intent(name).name == name
