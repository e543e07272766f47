"""Goal: the acceptor's cable goes at any moment and comes back, and no cent, no session and no person is lost with it.

Method: the closed loop in virtual time. The cable is cut in two ways: the port vanishes with its adapter, or the line
behind the adapter is silent. It is cut at every step of a note, and again while the host reconnects and asks. What lies
in the twin's cassette is then held against the journal.
"""

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from hardware.sim.ebds_parts import Settings as TwinSettings
from hardware.sim.notes import Place
from kiosk.domain import facts as f
from tests.faults.cables import (
    AWAY_MS,
    BACK_MS,
    SILENCE_MS,
    WAYS,
    Scissors,
    assert_settled,
    ends_well,
    paying,
    stays_inhibited,
)
from tests.faults.closed_loop import Loop

# What the device does is seen between two steps of the host, what the host does at its moments.
PLACES = {
    "accepting": Place.ACCEPTING,
    "stacking": Place.STACKING,
    "stacked_untold": Place.STACKED_UNTOLD,
    "returning": Place.RETURNING,
}
MOMENTS: dict[str, Callable[[Loop, str], bool]] = {
    "idle": lambda loop, name: True,
    "escrow": lambda loop, name: name == "event NoteEscrowed",
    "stack_requested": lambda loop, name: name == "after NoteStackRequested",
    "stack_sent": lambda loop, name: name == "command StackNote",
    "stacked_uncommitted": lambda loop, name: name == "event NoteStackedReport",
    "stacked_unacknowledged": lambda loop, name: name == "after NoteStacked",
    "returned_unacknowledged": lambda loop, name: name == "event NoteReturnedReport",
    # The device has said it, and nobody heard.
    "escrow_unheard": lambda loop, name: name == "reply" and loop.device.body.place is Place.ESCROW,
    "stack_unheard": lambda loop, name: name == "reply" and loop.device.body.place is Place.STACKING,
    "stacked_unheard": lambda loop, name: name == "reply" and loop.device.body.place is Place.STACKED_UNTOLD,
    "returned_unheard": lambda loop, name: name == "reply" and loop.device.body.returned == 1,
}


def cases() -> Iterator[tuple[str, str, str, int]]:
    """All of it with the commonest device, a part with the others."""
    steps = (*PLACES, *MOMENTS)
    for way, away_ms in product(WAYS, AWAY_MS):
        yield from (("mei-sc", way, step, away_ms) for step in steps)
    for profile, (way, away_ms) in product(("mei-s2k", "pyramid"), (("port", 3_000), ("line", 25_000))):
        yield from ((profile, way, step, away_ms) for step in steps)


@pytest.mark.parametrize(("profile", "way", "step", "away_ms"), list(cases()))
def test_cut_at_every_step_of_a_note(folder: Path, profile: str, way: str, step: str, away_ms: int) -> None:
    loop = Loop(folder, TwinSettings(profile))
    loop.commit_ms = 120  # slow enough for the line to go while a report is being committed
    scissors = Scissors(loop, way)
    paying(loop)
    if step in MOMENTS:
        scissors.cut_at(lambda name: MOMENTS[step](loop, name))
    if step != "idle":
        assert loop.insert(2000)
    if step.startswith("return"):
        loop.touch("stop")  # while it is drawn in: it goes back
    if step in PLACES:
        loop.until(lambda: loop.device.body.place is PLACES[step])
        scissors.cut()
    loop.until(lambda: scissors.cuts)
    stays_inhibited(loop, away_ms)
    scissors.mend()
    loop.run(BACK_MS)
    assert_settled(loop)
    waited_for = loop.screen in ("cash", "review")
    assert waited_for or away_ms > loop.settings.timeouts.closing_lost, "sent away too soon"
    goes_on(loop, waited_for)
    ends_well(loop)


def goes_on(loop: Loop, waited_for: bool) -> None:
    """The resident is where they were, unless their note was away for so long that they were let go."""
    if not waited_for:
        assert loop.of(f.PaymentCompleted)
        return
    if loop.screen == "review":
        loop.touch("put_in_more")
    loop.until(lambda: loop.screen == "cash")
    loop.until(lambda: loop.device.enabled)
    before = loop.books.cash_minor
    assert loop.insert(500)
    loop.until(lambda: loop.books.cash_minor == before + 500)
    assert len(loop.of(f.SessionOpened)) == 1


@pytest.mark.parametrize("place", [Place.NOWHERE, Place.ACCEPTING, Place.ESCROW, Place.STACKING])
@pytest.mark.parametrize("way", WAYS)
def test_a_loose_contact_cuts_again_while_connecting_and_asking(folder: Path, way: str, place: Place) -> None:
    """After each number of frames once: before the first answer, between any two questions, just when it is ready."""
    loop = Loop(folder)
    paying(loop)
    if place is not Place.NOWHERE:
        assert loop.insert(2000)
        loop.until(lambda: loop.device.body.place is place)
    for frames in range(20):
        scissors = Scissors(loop, way)
        scissors.cut()
        loop.run(300 if way == "port" else SILENCE_MS)
        scissors.mend()
        count = len(loop.sent)
        loop.until(lambda count=count, frames=frames: len(loop.sent) >= count + frames)
    loop.run(BACK_MS)
    assert_settled(loop)
    ends_well(loop)


def test_a_contact_that_never_holds_lets_the_resident_go(folder: Path) -> None:
    """Each new loss must not begin the wait for the note anew: somebody stands there."""
    loop = Loop(folder)
    paying(loop)
    assert loop.insert(2000)
    loop.until(lambda: loop.device.body.place is Place.STACKING)
    loop.device.held = True
    scissors, start_ms = Scissors(loop, "port"), loop.clock.now_ms
    while loop.screen == "cash":
        scissors.cut()
        loop.run(700)
        scissors.mend()
        loop.run(50)
        assert loop.clock.now_ms < start_ms + loop.settings.timeouts.closing_lost + 2_000
    assert loop.screen == "done"
    loop.device.held = False
    loop.run(BACK_MS)
    assert_settled(loop)
    ends_well(loop)
