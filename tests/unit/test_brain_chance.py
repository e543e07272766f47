"""Goal: no order of touches, notes, faults, timers and restarts loses, invents or doubles a cent.

Method: hypothesis drives the brain against a small acceptor that keeps count of what is really in its cassette.
After every step the fold equals the live state (World.tell); at the end the books equal the cassette.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.brain import claiming, events
from kiosk.brain.commands import EnableAcceptor, ReturnNote, StackNote
from kiosk.brain.health import TIMERS
from kiosk.brain.session import ACTS, ALWAYS
from kiosk.domain import facts as f
from kiosk.domain.claim import WHATS, WHENS
from kiosk.domain.intents import Intent
from kiosk.domain.snapshot import DeviceHealth
from tests.unit.brain_world import CHANNEL, World, account

NOTES = sorted(CHANNEL)
TOUCHES = sorted({name for acts in ACTS.values() for name in acts} | set(ALWAYS) - {"more_time"})
CLAIMING = (
    *(("claim_what", what) for what in WHATS),
    *(("claim_when", when) for when in WHENS),
    *((name, "") for acts in claiming.ACTS.values() for name in acts),
    ("claim", ""),
    ("claim_note", "2000"),
    ("key", "5"),
)


class Street(World):
    """The world with a device that really holds notes: `held` in escrow, `moving` on its way in, `cassette` inside."""

    def __init__(self) -> None:
        super().__init__()
        self.held = 0
        self.moving = 0
        self.cassette = 0

    def feed(self, value_minor: int) -> None:
        """A person pushes a note in; a device that is inhibited takes none."""
        if not self.state.devices.enabled or self.held or self.moving:
            return
        self.held = value_minor
        self.obey(self.hold(value_minor))

    def obey(self, orders: list[object]) -> None:
        for order in orders:
            if isinstance(order, StackNote) and self.held:
                self.held, self.moving = 0, self.held
            elif isinstance(order, ReturnNote) and self.held:
                self.held = 0
                self.obey(list(self.returned()))

    def arrive(self) -> None:
        if self.moving:
            value_minor, self.moving = self.moving, 0
            self.cassette += value_minor
            self.obey(list(self.stacked(value_minor)))

    def refuse(self) -> None:
        """The note was refused after the request and came out again."""
        if self.moving:
            self.moving = 0
            self.obey(list(self.returned("rejected")))

    def idle(self) -> None:
        if not self.moving and not self.held:
            self.obey(list(self.tell(events.AcceptorIdle)))

    def cut(self) -> None:
        """Power of the kiosk fails; the device keeps what it has and reports it when asked again."""
        self.restart()
        for name in ("printer", "scanner", "screen"):
            self.tell(events.HealthChanged, health=DeviceHealth(name, "ready"))
        self.connect()
        if self.held:
            self.obey(list(self.hold(self.held)))


STEPS = st.one_of(
    st.tuples(st.just("touch"), st.sampled_from(TOUCHES)),
    st.tuples(st.just("claim"), st.sampled_from(CLAIMING)),
    st.tuples(st.just("feed"), st.sampled_from(NOTES)),
    st.tuples(st.just("arrive"), st.none()),
    st.tuples(st.just("arrive"), st.none()),
    st.tuples(st.just("refuse"), st.none()),
    st.tuples(st.just("idle"), st.none()),
    st.tuples(st.just("scan"), st.integers(1, 20000)),
    st.tuples(st.just("pay"), st.none()),
    st.tuples(st.just("cut"), st.none()),
    st.tuples(st.just("lost"), st.none()),
    st.tuples(st.just("connect"), st.none()),
    st.tuples(st.just("fire"), st.sampled_from(sorted(set(TIMERS) - {"note_open"}))),
    st.tuples(st.just("screen"), st.sampled_from(["lost", "ready"])),
    st.tuples(st.just("printer"), st.sampled_from(["lost", "ready"])),
    st.tuples(st.just("cassette"), st.none()),
    st.tuples(st.just("online"), st.booleans()),
)


def play(street: Street, name: str, value: object) -> None:
    if name == "touch":
        street.obey(list(street.tell(events.IntentReceived, intent=Intent(str(value)))))
    elif name == "claim":
        street.obey(list(street.tell(events.IntentReceived, intent=Intent(*value))))  # type: ignore[misc]
    elif name == "scan":
        if street.state.scene.stage in ("attract", "type_account", "done"):
            street.scan(account(int(str(value)), int(str(value)) // 2))
    elif name == "pay":
        street.touch("pay_full")
        street.touch("pay_cash")
        if street.state.scene.request:
            street.tell(events.HeadChecked, request=street.state.scene.request, result="same")
    elif name == "lost":
        street.tell(events.AcceptorLost, reason="line")
    elif name == "connect":
        street.connect()
        if street.held:
            street.obey(list(street.hold(street.held)))
    elif name in ("screen", "printer"):
        street.tell(events.HealthChanged, health=DeviceHealth(name, str(value)))
    elif name == "cassette":
        street.tell(events.AcceptorFault, code="cassette_removed", detail="")
        street.tell(events.AcceptorFaultCleared, code="cassette_removed")
    elif name == "online":
        street.tell(events.OnlineChanged, online=bool(value))
    elif name in ("feed", "fire"):
        getattr(street, name)(value)
    else:
        getattr(street, name)()


@settings(max_examples=400, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_books_equal_the_cassette_whatever_happens(steps: list[tuple[str, object]]) -> None:
    street = Street()
    street.boot()
    for name, value in steps:
        play(street, name, value)
        assert street.state.books.cash_minor == street.cassette
    street.arrive()
    street.cut()
    if street.moving:
        street.arrive()
    books = street.state.books
    assert books.cash_minor == street.cassette
    stacked = sum(fact.value_minor for fact in street.of(f.NoteStacked))
    paid = sum(fact.total_minor for fact in street.of(f.PaymentCompleted))
    still_in = books.payment.in_minor if books.payment else 0
    assert stacked == paid + still_in
    assert still_in == 0, "a boot closes every payment with money in it"
    numbers = [fact.receipt_number for fact in street.of(f.PaymentCompleted)]
    assert numbers == [f"RB-07-1-{at + 1:06d}" for at in range(len(numbers))], "receipt numbers have a gap"
    claimed = [fact.claim_number for fact in street.of(f.ClaimOpened)]
    assert claimed == [f"RB-07-C1-{at + 1:06d}" for at in range(len(claimed))], "claim numbers have a gap"
    missing = len(street.of(f.NoteInDoubt)) + len(street.of(f.NoteUnexpected))
    by_kiosk = sum(fact.opened_by != "resident" for fact in street.of(f.ClaimOpened))
    assert by_kiosk <= missing
    assert (by_kiosk > 0) == (missing > 0)


def test_the_slot_is_never_open_without_a_payment() -> None:
    street = Street()
    street.boot()
    assert street.ordered(EnableAcceptor) == []
    street.to_cash()
    assert street.ordered(EnableAcceptor)
