"""Goal: the acceptor's cable goes at any moment and comes back, and no cent, no session and no person is lost with it.

Method: the closed loop in virtual time. The cable is cut in two ways: the port vanishes with its adapter, or the line
behind the adapter is silent. It is cut at every step of a note, at every stage of a session, and again while the host
reconnects and asks. The other cables (terminal, printer, scanner) go at every stage too. What lies in the twin's
cassette, and what the terminal charged, is then held against the journal.
"""

import tempfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from hardware.acceptors.ebds.frames import MessageType, parse
from hardware.sim.ebds_parts import Settings as TwinSettings
from hardware.sim.notes import Place
from kiosk.brain import events
from kiosk.domain import facts as f
from kiosk.domain.invoice import InvoiceReference
from kiosk.domain.snapshot import SCREENS
from tests.faults.closed_loop import Loop, to_card, to_cash

MEMORY = Path("/dev/shm")
AWAY_MS = (300, 3_000, 25_000, 40_000)
WAYS = ("port", "line")
SILENCE_MS = 5_600  # until silence counts as a lost line: five seconds and a reply's time
BACK_MS = 9_000  # a port tried every two seconds, a silent one given up after five, then the questions


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: what a real sync keeps is proved elsewhere, here it only costs time."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


class Scissors:
    """Cuts the cable of a loop in one of the ways, at once or at a moment, and puts it back."""

    def __init__(self, loop: Loop, way: str) -> None:
        self.loop, self.way = loop, way
        self.cuts = 0

    def cut(self) -> None:
        self.cuts += 1
        (self.loop.pull_cable if self.way == "port" else self.loop.cut_line)()

    def cut_at(self, reached: Callable[[str], bool]) -> None:
        """Cut at the first moment of the host that fits."""

        def watch(name: str) -> None:
            if not self.cuts and reached(name):
                self.cut()

        self.loop.fate.watch = watch

    def mend(self) -> None:
        """Put the cable back. A host that knew of the loss wants no note before it has asked the device."""
        loop, count = self.loop, len(self.loop.sent)
        asked = loop.picture is not None and loop.picture.cash

        def watch(name: str) -> None:
            nonlocal asked
            assert asked or not self.enabling(count), "a note was wanted before the device was asked"
            asked = asked or name == "event AcceptorConnected"

        loop.fate.watch = watch
        loop.plug_in()

    def enabling(self, start: int) -> list[bytes]:
        """The commands sent since `start` that let the device take notes."""
        frames = [parse(raw) for raw in self.loop.sent[start:]]
        return [frame.data for frame in frames if frame.type == MessageType.COMMAND and frame.data[0]]


def stays_inhibited(loop: Loop, away_ms: int) -> None:
    """Let the time away pass. Once the loss is known no cash is offered, and the device takes none without polls."""
    known_ms = loop.clock.now_ms + SILENCE_MS
    loop.until(lambda: not loop._queue_)
    end_ms = loop.clock.now_ms + away_ms
    while loop.clock.now_ms < end_ms:
        loop.step()
        if loop.clock.now_ms >= known_ms:
            assert loop.picture is not None
            assert not loop.picture.cash
            assert not loop.device.enabled


def ends_well(loop: Loop) -> None:
    """The kiosk comes to rest, the books agree, and the next resident pays without anybody's help."""
    leaves(loop)
    loop.come_to_rest()
    before = loop.books.cash_minor
    to_cash(loop, 1000)
    loop.until(lambda: 1000 in loop.device.enabled)
    assert loop.insert(1000)
    loop.until(lambda: loop.screen == "done")
    assert loop.books.cash_minor == before + 1000
    leaves(loop)
    loop.come_to_rest()
    loop.check()


def leaves(loop: Loop) -> None:
    """Whoever stands there goes, wherever they are: what a stage does not offer does nothing."""
    for name in ("stop", "confirm", "cancel_card", "refuse_partial"):
        loop.touch(name)
    loop.until(lambda: not loop._queue_ and loop.screen not in ("closing", "card"), 200_000)
    for name in ("done", "back", "sign_out", "start_over"):
        loop.touch(name)


# Every step of a note


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


def assert_settled(loop: Loop) -> None:
    """What became of the note is known, and the journal has what the cassette has."""
    assert loop.books.note is None, loop.where()
    assert not loop.of(f.NoteInDoubt), "the device had power all the time, so it knew"
    assert loop.cassette_minor == loop.books.cash_minor


def paying(loop: Loop) -> None:
    """A resident has put in ten of fifty dollars and may go on."""
    to_cash(loop, 5318)
    loop.until(lambda: 2000 in loop.device.enabled)
    assert loop.insert(1000)
    loop.until(lambda: loop.books.cash_minor == 1000 and not loop.device.busy)
    loop.until(lambda: 2000 in loop.device.enabled)


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


def _to_staff(loop: Loop) -> None:
    loop.touch("staff")
    loop.touch("key", "1")
    loop.touch("submit")
    loop.until(lambda: not loop._queue_)
    loop.tell(events.PinChecked, request=loop.engine.state.scene.request, who="Dana")


def _to_swap(loop: Loop) -> None:
    _to_done(loop)
    loop.touch("done")
    _to_staff(loop)
    loop.touch("swap_cassette")


def _to_cards(loop: Loop) -> None:
    _to_staff(loop)
    loop.touch("staff_cards")


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
    "tender": _touches("pay_full"),
    "fee": _touches("pay_full", "pay_card"),
    "cash": _touches("pay_full", "pay_cash"),
    "card": lambda loop: to_card(loop, 5318),
    "partial": _to_partial,
    "card_unknown": _to_card_unknown,
    "review": _to_review,
    "closing": _to_closing,
    "done": _to_done,
    "out_of_service": lambda loop: loop.device.fill(),
    "staff_sign_in": lambda loop: loop.touch("staff"),
    "staff_health": _to_staff,
    "staff_swap": _to_swap,
    "staff_cards": _to_cards,
}
# What ends by itself, and where: a stage that waits for no person.
ENDS = {"starting": "attract", "finding": "type_account", "closing": "done", "done": "attract"}
NOBODY = ("attract", "out_of_service", "staff_sign_in", "staff_health", "staff_cards")  # no resident has begun


AT_TERMINAL = ("fee", "card", "partial", "card_unknown", "staff_cards")
NO_READER = ("check",)  # this lobby takes no checks
AFTER_ANOTHER = ("repeat",)  # asked after a payment alone, and the slot is shut


def test_every_screen_is_a_stage_here() -> None:
    assert tuple(STAGES) == tuple(screen for screen in SCREENS if screen not in NO_READER + AFTER_ANOTHER)


def at_stage(folder: Path, stage: str, cards: bool) -> Loop:
    loop = Loop(folder, cards=cards)
    loop.until(lambda: loop.screen == "attract")
    loop.until(lambda: not cards or loop.engine.state.devices.terminal.state == "ready")
    STAGES[stage](loop)
    loop.until(lambda: loop.screen == stage)
    return loop


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
    assert len(loop.of(f.SessionOpened)) == (stage not in NOBODY)
    if stage == "out_of_service":
        loop.device.empty()
    elif stage == "cash":
        loop.until(lambda: loop.device.enabled)
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
    ends_well(loop)
    assert stage != "card_unknown" or loop.terminal.twin.standing() == [5318]


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
