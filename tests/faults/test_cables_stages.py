"""Goal: a cable goes at every stage of a session and comes back, and no cent, no session and no person is lost with it.

Method: as for the steps of a note (test_cables_money). The other cables (terminal, printer, scanner) go too. What
lies in the twin's cassette, and what the terminal charged, is then held against the journal.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from hardware.sim.notes import Place
from kiosk.brain import events
from kiosk.domain import facts as f
from kiosk.domain import refunds as r
from kiosk.domain.invoice import InvoiceReference
from kiosk.domain.snapshot import SCREENS
from tests.faults.cables import (
    AWAY_MS,
    BACK_MS,
    WAYS,
    Scissors,
    assert_settled,
    ends_well,
    leaves,
    paying,
    sign_in,
    stays_inhibited,
    to_refunding,
)
from tests.faults.closed_loop import Loop, to_card, to_cash

# Every stage of a session


def _to_invoice(loop: Loop) -> None:
    loop.scan(5318)
    loop.until(lambda: loop.screen == "invoice")


def _to_finding(loop: Loop) -> None:
    loop.tell(events.BillScanned, reference=InvoiceReference("00004417", "riverbend", "scan", "INV1"))


def _to_review(loop: Loop) -> None:
    paying(loop)
    loop.touch("stop")


def _to_closing(loop: Loop) -> None:
    paying(loop)
    loop.touch("stop")
    loop.touch("confirm")
    while loop.screen != "closing":
        loop.step()


def _to_done(loop: Loop) -> None:
    _to_closing(loop)
    loop.until(lambda: loop.screen == "done")


def _to_starting(loop: Loop) -> None:
    """The host died with a note under way, and the device has not been asked yet."""
    paying(loop)
    assert loop.insert(2000)
    loop.until(lambda: loop.device.body.place is Place.STACKING)
    loop.kill()


def _to_swap(loop: Loop) -> None:
    _to_done(loop)
    loop.touch("done")
    sign_in(loop)
    loop.touch("swap_cassette")


def _to_repeat(loop: Loop) -> None:
    """The same bill and sum again, as soon as it was paid."""
    to_cash(loop, 1000)
    loop.until(lambda: 1000 in loop.device.enabled)
    assert loop.insert(1000)
    loop.until(lambda: loop.screen == "done")
    loop.touch("done")
    loop.until(lambda: loop.screen == "attract")
    loop.scan(1000)
    loop.touch("pay_full")


def _to_check(loop: Loop) -> None:
    loop.tell(events.CheckReaderConnected, detail="twin")
    _touches("pay_full", "pay_check")(loop)


def _to_cards(loop: Loop) -> None:
    sign_in(loop)
    loop.touch("staff_cards")


def _to_refund(loop: Loop) -> None:
    _to_cards(loop)
    loop.touch("staff_refund")


def _to_search(loop: Loop) -> None:
    """The resident has gone, and what became of the card is still looked for."""
    _to_card_unknown(loop)
    loop.until(lambda: loop.screen == "card_unknown")
    loop.touch("done")
    loop.until(lambda: loop.screen == "attract")
    _to_cards(loop)
    loop.touch("staff_search")


def _to_partial(loop: Loop) -> None:
    loop.terminal.twin.customer("partial", part_minor=1_500)
    to_card(loop, 5318)


def _to_card_unknown(loop: Loop) -> None:
    """The card is charged, and the line is gone."""
    loop.terminal.twin.customer("approve")
    to_card(loop, 5318)
    loop.terminal.pull()


def _touches(*names: str) -> Callable[[Loop], None]:
    def reach(loop: Loop) -> None:
        _to_invoice(loop)
        for name in names:
            loop.touch(name)

    return reach


STAGES: dict[str, Callable[[Loop], None]] = {
    "starting": _to_starting,
    "attract": lambda loop: None,
    "type_account": lambda loop: loop.touch("type_account"),
    "finding": _to_finding,
    "invoice": _to_invoice,
    "other_amount": _touches("pay_other"),
    "repeat": _to_repeat,
    "tender": _touches("pay_full"),
    "fee": _touches("pay_full", "pay_card"),
    "cash": _touches("pay_full", "pay_cash"),
    "card": lambda loop: to_card(loop, 5318),
    "partial": _to_partial,
    "card_unknown": _to_card_unknown,
    "check": _to_check,
    "review": _to_review,
    "closing": _to_closing,
    "done": _to_done,
    "out_of_service": lambda loop: loop.device.fill(),
    "staff_sign_in": lambda loop: loop.touch("staff"),
    "staff_health": sign_in,
    "staff_swap": _to_swap,
    "staff_cards": _to_cards,
    "staff_refund": _to_refund,
    "staff_refunding": to_refunding,
    "staff_search": _to_search,
}
# What ends by itself, and where: a stage that waits for no person.
ENDS = {
    "starting": "attract",
    "finding": "type_account",
    "closing": "done",
    "done": "attract",
    "staff_refunding": "staff_refund",
}
NOBODY = (
    "attract",
    "out_of_service",
    "staff_sign_in",
    "staff_health",
    "staff_cards",
    "staff_refund",
)  # no resident has begun
SESSIONS = {"repeat": 2}  # it is asked of somebody who has just paid

AT_STAFF = ("staff_cards", "staff_refund", "staff_refunding", "staff_search")
AT_TERMINAL = ("fee", "card", "partial", "card_unknown", *AT_STAFF)


def test_every_screen_is_a_stage_here() -> None:
    assert tuple(STAGES) == SCREENS


def at_stage(folder: Path, stage: str, cards: bool) -> Loop:
    loop = Loop(folder, cards=cards)
    loop.until(lambda: loop.screen == "attract")
    loop.until(lambda: not cards or loop.engine.state.devices.terminal.state == "ready")
    STAGES[stage](loop)
    loop.until(lambda: loop.screen == stage)
    return loop


def leave_search(loop: Loop) -> None:
    """Not as everywhere else: to confirm there is to end it, and what the card was charged would stay unknown."""
    if loop.screen == "staff_search":
        loop.touch("back")
        loop.until(lambda: loop.screen == "staff_cards")


@pytest.mark.parametrize("away_ms", AWAY_MS)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("way", WAYS)
def test_cut_at_every_stage(folder: Path, way: str, stage: str, away_ms: int) -> None:
    loop = at_stage(folder, stage, cards=stage in AT_TERMINAL)
    scissors = Scissors(loop, way)
    scissors.cut()
    stays_inhibited(loop, away_ms)
    scissors.mend()
    loop.run(BACK_MS)
    assert loop.screen in (stage, ENDS.get(stage), ENDS.get(ENDS.get(stage, ""))), "it stays, or ends as it would have"
    assert_settled(loop)
    assert len(loop.of(f.SessionOpened)) == SESSIONS.get(stage, stage not in NOBODY)
    if stage == "out_of_service":
        loop.device.empty()
    elif stage == "cash":
        loop.until(lambda: loop.device.enabled)
    leave_search(loop)
    ends_well(loop)


OTHERS: dict[str, tuple[Callable[[Loop], None], Callable[[Loop], None]]] = {
    "terminal_port": (lambda loop: loop.terminal.pull(), lambda loop: loop.terminal.mend()),
    "terminal_line": (lambda loop: loop.terminal.cut(), lambda loop: loop.terminal.mend()),
    "printer": (lambda loop: loop.health("printer", "lost"), lambda loop: loop.health("printer", "ready")),
    "scanner": (lambda loop: loop.health("scanner", "lost"), lambda loop: loop.health("scanner", "ready")),
}
# A sale whose terminal is away is looked for, and ends as it ended there.
FOUND = {"card": ("card_unknown", "tender"), "card_unknown": ("done", "attract")}


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "out_of_service"])
@pytest.mark.parametrize("cable", OTHERS)
def test_another_cable_cut_at_every_stage(folder: Path, cable: str, stage: str) -> None:
    """But out of service: with a terminal no trouble of the acceptor closes the kiosk."""
    loop = at_stage(folder, stage, cards=True)
    cut, mend = OTHERS[cable]
    cut(loop)
    loop.run(25_000)
    mend(loop)
    loop.run(BACK_MS)
    ends = (stage, ENDS.get(stage), ENDS.get(ENDS.get(stage, "")), *FOUND.get(stage, ()))
    assert loop.screen in ends, "it stays, or ends as it would have"
    assert_settled(loop)
    leave_search(loop)
    ends_well(loop)
    assert stage != "card_unknown" or loop.terminal.twin.standing() == [5318]


# Every frame of a refund


def _refund(folder: Path, cut: Callable[[Loop], None] | None = None, frame: int = 0) -> Loop:
    """Refund a card, and `cut` at this frame from its beginning on."""
    folder.mkdir()
    loop = Loop(folder, cards=True)
    loop.until(lambda: loop.screen == "attract" and loop.engine.state.devices.terminal.state == "ready")
    to_refunding(loop)
    loop.terminal.frames = 0

    def sever(count: int) -> None:
        if cut is not None and count == frame:
            cut(loop)

    loop.terminal.sever = sever
    return loop


def _frames_of_a_refund(folder: Path) -> int:
    loop = _refund(folder)
    loop.until(lambda: loop.screen == "staff_refund")
    loop.run(BACK_MS)
    return loop.terminal.frames


def _reaches(loop: Loop, frame: int) -> None:
    loop.until(lambda: loop.terminal.frames >= frame)


def _settles(loop: Loop) -> None:
    loop.until(lambda: loop.books.attempt is None, 400_000)


@pytest.mark.parametrize("away_ms", [300, 25_000])
@pytest.mark.parametrize("cable", ["terminal_port", "terminal_line"])
def test_the_terminals_cable_cut_at_every_frame_of_a_refund(folder: Path, cable: str, away_ms: int) -> None:
    """It is made once or not at all, and the journal says which; nobody has to send it again to find out."""
    cut, mend = OTHERS[cable]
    for frame in range(1, _frames_of_a_refund(folder / "whole") + 1):
        loop = _refund(folder / str(frame), cut, frame)
        _reaches(loop, frame)
        loop.run(away_ms)
        mend(loop)
        _settles(loop)
        given = [amount_minor for _, amount_minor in loop.terminal.twin.refunded()]
        assert given in ([], [5318]), frame
        assert [done.amount_minor for done in loop.of(r.CardRefunded)] == given, frame
        assert len(loop.of(r.RefundStarted)) == 1
        assert len(loop.of(r.RefundEnded)) == 1 - len(given)
        ends_well(loop)


# The last state of each journey


def _met(loop: Loop) -> None:
    """The note that meets the bill is on its way into the cassette."""
    paying(loop)
    assert loop.insert(5000)
    loop.until(lambda: loop.device.body.place is Place.STACKING)


def _stopped(loop: Loop) -> None:
    """The resident ends while one more note is drawn in."""
    _to_review(loop)
    loop.touch("put_in_more")
    loop.until(lambda: loop.device.enabled)
    assert loop.insert(2000)
    loop.touch("stop")
    loop.touch("confirm")
    loop.until(lambda: loop.screen == "closing")


def _stop_wanted(loop: Loop) -> None:
    """The resident wants to end while a note is on its way into the cassette."""
    paying(loop)
    assert loop.insert(2000)
    loop.until(lambda: loop.device.body.place is Place.STACKING)
    loop.touch("stop")


def _walked_away(loop: Loop) -> None:
    """Nobody answered the question whether somebody is there."""
    paying(loop)
    loop.until(lambda: loop.screen == "closing", 300_000)


def _told_to_stop(loop: Loop) -> None:
    """The engine ends with a note on its way into the cassette."""
    _stop_wanted(loop)
    loop.tell(events.StopRequested)


@pytest.mark.parametrize("away_ms", [300, 3_000, 25_000])
@pytest.mark.parametrize("journey", [_met, _stopped, _stop_wanted, _walked_away, _told_to_stop])
@pytest.mark.parametrize("way", WAYS)
def test_cut_in_the_last_state(folder: Path, way: str, journey: Callable[[Loop], None], away_ms: int) -> None:
    loop = Loop(folder)
    journey(loop)
    scissors = Scissors(loop, way)
    scissors.cut()
    stays_inhibited(loop, away_ms)
    scissors.mend()
    loop.run(BACK_MS)
    assert_settled(loop)
    ends_well(loop)
    credited = [note.value_minor for paid in loop.of(f.PaymentCompleted)[:-1] for note in paid.notes]
    assert sorted(credited) == sorted(note.value_minor for note in loop.of(f.NoteStacked)[:-1])
    session = {fact.session_id for fact in loop.of(f.PaymentCompleted)[:-1]}
    assert session == {loop.of(f.SessionOpened)[0].session_id}, "the next resident inherits nothing"


# The printer's cable with it


def test_a_receipt_of_long_ago_does_not_come_out_when_the_printer_is_back(folder: Path) -> None:
    """The note that came late is credited; by the time the printer is back, somebody else stands there."""
    loop = Loop(folder)
    _stop_wanted(loop)
    loop.health("printer", "lost")
    scissors = Scissors(loop, "port")
    scissors.cut()
    loop.run(25_000)
    scissors.mend()
    loop.run(BACK_MS)
    assert_settled(loop)
    leaves(loop)
    loop.run(7_200_000)
    loop.health("printer", "ready")
    loop.run(5_000)
    assert loop.prints == []
    assert len(loop.of(f.ReceiptFailed)) == len(loop.of(f.PaymentCompleted)) == 2
    ends_well(loop)
