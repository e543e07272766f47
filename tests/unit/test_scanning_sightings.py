"""What the engine hears of what the scanners see: once, and the best."""

from hypothesis import given
from hypothesis import strategies as st

from hardware.scanner.reading import Reading
from kiosk.scanning.library import DEFAULT, load
from kiosk.scanning.sightings import AWAY_MS, REPEAT_MS, SETTLE_MS, Sightings

CITY = load(DEFAULT)
BILL = Reading("7111000441400044170000531826120198", "qr")
OTHER = Reading("https://example.org", "qr")
POSTAL = Reading("00010002", "datamatrix")


def test_said_once_while_it_stays_in_view() -> None:
    sightings = Sightings(CITY)
    said = [at for at in range(0, 20_000, 500) if sightings.see([BILL], at, patient=True)]
    assert said == [0]


def test_said_again_after_it_was_away_and_not_within_three_seconds() -> None:
    sightings = Sightings(CITY)
    assert sightings.see([BILL], 0)
    assert not sightings.see([BILL], AWAY_MS + 500)
    assert not sightings.see([BILL], REPEAT_MS - 1)
    assert sightings.see([BILL], REPEAT_MS + AWAY_MS)


def test_an_unchanged_scene_keeps_it_in_view() -> None:
    sightings = Sightings(CITY)
    assert sightings.see([BILL], 0)
    for at in range(500, 10_000, 500):
        sightings.still(at)
    assert not sightings.see([BILL], 10_000)


def test_a_code_that_fits_nothing_waits_for_a_better_one() -> None:
    sightings = Sightings(CITY)
    assert sightings.see([POSTAL], 0, patient=True) == []
    assert sightings.see([POSTAL, BILL], 300, patient=True) == [BILL]
    assert sightings.tick(SETTLE_MS + 1) == []


def test_a_code_that_fits_nothing_is_said_in_the_end() -> None:
    sightings = Sightings(CITY)
    assert sightings.see([POSTAL, OTHER], 0, patient=True) == []
    assert sightings.tick(SETTLE_MS - 1) == []
    assert sightings.tick(SETTLE_MS) == [OTHER]
    assert sightings.tick(SETTLE_MS * 2) == []


def test_a_deliberate_scan_is_answered_at_once() -> None:
    assert Sightings(CITY).see([OTHER], 0) == [OTHER]


def test_a_refusal_does_not_outlive_the_wish_to_scan() -> None:
    sightings = Sightings(CITY)
    sightings.see([OTHER], 0, patient=True)
    sightings.drop_waiting()
    assert sightings.tick(60_000) == []


def test_a_new_listener_hears_what_is_in_view() -> None:
    sightings = Sightings(CITY)
    assert sightings.see([BILL], 0)
    sightings.forget()
    assert sightings.see([BILL], 100)


@given(st.lists(st.tuples(st.integers(0, 2000), st.sampled_from([BILL, OTHER, POSTAL]), st.booleans()), max_size=60))
def test_no_payload_is_said_twice_within_three_seconds(steps: list[tuple[int, Reading, bool]]) -> None:
    sightings, now_ms = Sightings(CITY), 0
    last: dict[str, int] = {}
    for pause, reading, patient in steps:
        now_ms += pause
        for said in [*sightings.see([reading], now_ms, patient), *sightings.tick(now_ms)]:
            assert now_ms - last.get(said.payload, -REPEAT_MS) >= REPEAT_MS
            last[said.payload] = now_ms
