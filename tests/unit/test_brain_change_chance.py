"""Goal: whatever is told, lost, told again or cut off, change is given once and what is booked came out.

Method: hypothesis drives the brain against a recycler that keeps count of every note in its store and in hands. The
fold equals the live state after every step (World.tell).
"""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.brain import events
from kiosk.brain.commands import EnableAcceptor, PayOut
from kiosk.domain import facts as f
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.brain_world import CHANNEL, account
from tests.unit.change_world import VALUE, Recycler


class Lobby(Recycler):
    """A driver orders note by note, each after the one before it was told and acknowledged."""

    def __init__(self) -> None:
        super().__init__(v100=12, v500=2, v1000=1)
        self.inside = 0  # taken in, in all
        self.before = sum(self.store.elements())
        self.ordering = False  # the driver has an order that has not ended
        self.last: list[int] = []  # told last, may be told again to a new driver

    def tell(self, kind: type[events.Event], **values: object) -> list[object]:  # type: ignore[override]
        orders = super().tell(kind, **values)
        for order in orders:
            if isinstance(order, PayOut):
                assert not self.ordering, "a second order while one is under way"
                self.ordering = True
        return list(orders)

    def visit(self, owed_minor: int) -> None:
        if self.state.scene.stage in ("attract", "done"):
            self.touch("done")
            self.to_cash(account(owed_minor))

    def feed(self, value_minor: int) -> None:
        if CHANNEL[value_minor] in self.state.devices.enabled and not self.ordering:
            before = len(self.of(f.NoteStacked))
            self.insert(value_minor)
            if len(self.of(f.NoteStacked)) > before:
                self.inside += value_minor

    def out(self) -> None:
        if self.ordering and self.left and not self.untold:
            self.come_out()

    def told(self) -> None:
        if self.untold:
            self.last = self.untold[:1]
            self.report_note(self.number if self.ordering else 0)
            if not self.left:
                self.end("done")

    def end(self, result: str) -> None:
        """The driver's order ends: all told, jammed, or it cannot say."""
        if not self.ordering or (self.untold and result != "unknown"):
            return
        self.ordering = False
        self.left = []
        if result == "unknown":
            self.untold = []
        came = bool(self.of(f.NotePaidOut)) and self.last
        self.report_end(result if result != "partial" else "partial" if came else "refused")

    def again(self) -> None:
        """An old report is told to a driver that cannot know it."""
        if self.last and not self.ordering:
            value = self.last[0]
            self.report += 1
            self.tell(events.NotePaidOutReport, report=self.report, payout=0, channel=CHANNEL[value])
            self.report_end("done", 0)

    def cut(self, forgets: bool) -> None:
        """The process dies. The driver's order dies with it; the device may forget what it did not get rid of."""
        self.ordering, self.left, self.number = False, [], 0
        if forgets:
            self.untold = []
        self.restart()
        for name in ("printer", "scanner", "screen"):
            self.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))

    def link(self) -> None:
        """The line is there again: the device tells what it has, then what it holds."""
        super(Recycler, self).connect()
        while self.untold:
            self.told()
        self.tell_levels()

    def settled(self) -> None:
        self.cut(False)
        self.link()
        self.close()

    def held(self) -> int:
        return self.before + self.inside - sum(self.hand)


STEPS = st.one_of(
    st.tuples(st.just("visit"), st.integers(1, 9000)),
    st.tuples(st.just("feed"), st.sampled_from(sorted(CHANNEL))),
    st.tuples(st.just("feed"), st.sampled_from([1000, 2000, 5000])),
    st.tuples(st.just("close"), st.none()),
    st.tuples(st.just("out"), st.none()),
    st.tuples(st.just("told"), st.none()),
    st.tuples(st.just("told"), st.none()),
    st.tuples(st.just("again"), st.none()),
    st.tuples(st.just("end"), st.sampled_from(["partial", "unknown", "partial"])),
    st.tuples(st.just("cut"), st.booleans()),
    st.tuples(st.just("link"), st.none()),
    st.tuples(st.just("lost"), st.none()),
    st.tuples(st.just("fire"), st.sampled_from(["closing", "idle", "stop", "done", "payout", "note_lost"])),
    st.tuples(st.just("touch"), st.sampled_from(["stop", "confirm", "allow_credit", "done", "staff", "sign_out"])),
    st.tuples(st.just("box"), st.none()),
)


def play(lobby: Lobby, name: str, value: object) -> None:
    if name == "lost":
        lobby.tell(events.AcceptorLost, reason="line")
    elif name == "box":
        lobby.tell(events.AcceptorFault, code="cassette_removed", detail="")
        lobby.tell(events.AcceptorFaultCleared, code="cassette_removed")
    elif name == "link":
        if lobby.state.devices.acceptor.state != "ready":
            lobby.link()
    elif value is None:
        getattr(lobby, name)()
    else:
        getattr(lobby, name)(value)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=50), st.booleans())
def test_what_is_booked_as_change_came_out_and_what_came_out_is_booked(
    steps: list[tuple[str, object]], closed: bool
) -> None:
    lobby = Lobby()
    lobby.boot()
    lobby.visit(4318)
    for name, value in steps:
        play(lobby, name, value)
        assert not Counter(lobby.paid_out()) - Counter(lobby.hand), "booked, and in nobody's hand"
    if closed:
        lobby.settled()
        assert lobby.state.books.payout is None
        assert lobby.state.books.payment is None
    started = lobby.of(f.PayoutStarted)
    assert len({fact.payment_id for fact in started}) == len(started), "one payment was given change twice"
    assert len(lobby.ordered(PayOut)) <= len(started)
    if closed and "unknown" not in lobby.ends():
        assert Counter(lobby.paid_out()) == Counter(lobby.hand)
        assert lobby.before + lobby.state.books.cash_minor == lobby.held()
    in_doubt = sum(claim.amount_minor for claim in lobby.of(f.ClaimOpened) if claim.what == "change_in_doubt")
    missing = sum(lobby.hand) - sum(lobby.paid_out())
    if closed:
        assert 0 <= missing <= in_doubt
    paid = sum(fact.total_minor for fact in lobby.of(f.PaymentCompleted))
    open_minor = lobby.state.books.payment.in_minor if lobby.state.books.payment else 0
    assert lobby.state.books.cash_minor == paid + open_minor


def test_the_lobby_of_these_tests_gives_change() -> None:
    lobby = Lobby()
    lobby.boot()
    lobby.visit(4318)
    lobby.feed(5000)
    lobby.close()
    for _ in range(3):
        lobby.out()
        lobby.told()
    assert lobby.hand == [500, 100]
    assert lobby.ends() == ["done"]
    assert lobby.ordered(EnableAcceptor)
    assert set(VALUE.values()) == set(CHANNEL)
