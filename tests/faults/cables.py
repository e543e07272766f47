"""Cutting a cable of the closed loop and mending it, and what must hold afterwards."""

from collections.abc import Callable

from hardware.acceptors.ebds.frames import MessageType, parse
from kiosk.brain import events
from kiosk.domain import facts as f
from kiosk.engine.look_back import looked_back
from tests.faults.closed_loop import Loop, to_card, to_cash

AWAY_MS = (300, 3_000, 25_000, 40_000)
WAYS = ("port", "line")
SILENCE_MS = 5_600  # until silence counts as a lost line: five seconds and a reply's time
PAID_AT = "2026-11-23T19:42:00.000Z"
BACK_MS = 9_000  # a port tried every two seconds, a silent one given up after five, then the questions


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
    loop.until(lambda: not loop._queue_ and loop.screen not in ("closing", "card", "staff_refunding"), 200_000)
    for name in ("done", "back", "sign_out", "start_over"):
        loop.touch(name)


def assert_settled(loop: Loop) -> None:
    """What became of the note is known, and the journal has what the cassette has."""
    assert loop.books.note is None, loop.where()
    assert not loop.of(f.NoteInDoubt), "the device had power all the time, so it knew"
    assert loop.cassette_minor == loop.books.cash_minor


def sign_in(loop: Loop, who: str = "Dana") -> None:
    loop.touch("staff")
    _sign(loop, who)


def _sign(loop: Loop, who: str) -> None:
    loop.touch("key", "1")
    loop.touch("submit")
    loop.until(lambda: not loop._queue_)
    loop.tell(events.PinChecked, request=loop.engine.state.scene.request, who=who)


def to_refunding(loop: Loop) -> None:
    """A card has paid, and two members of staff have its terminal give all of it back."""
    for _ in ("bill", "fee"):
        loop.terminal.twin.customer("approve")
    to_card(loop, 5318)
    loop.until(lambda: loop.screen == "done")
    loop.touch("done")
    loop.until(lambda: loop.screen == "attract")
    sign_in(loop)
    for name in ("staff_cards", "staff_refund"):
        loop.touch(name)
    loop.until(lambda: loop.screen == "staff_refund" and loop.engine.state.scene.request)
    found = looked_back([(fact, PAID_AT) for fact in loop.facts()], "", 5)
    loop.tell(events.PaymentsFound, request=loop.engine.state.scene.request, payments=found)
    loop.touch("refund_payment", found[0].receipt_number)
    loop.until(lambda: not loop._queue_)
    loop.tell(events.PaymentsFound, request=loop.engine.state.scene.request, payments=found)
    loop.touch("refund_whole", found[0].cards[0].reference)
    loop.touch("refund_why", "paid_twice")
    _sign(loop, "Lee")
    loop.until(lambda: loop.screen == "staff_refunding")


def paying(loop: Loop) -> None:
    """A resident has put in ten of fifty dollars and may go on."""
    to_cash(loop, 5318)
    loop.until(lambda: 2000 in loop.device.enabled)
    assert loop.insert(1000)
    loop.until(lambda: loop.books.cash_minor == 1000 and not loop.device.busy)
    loop.until(lambda: 2000 in loop.device.enabled)
