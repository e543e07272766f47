"""Checks in a world: the reader's twin on its line, the pocket under the slot, and who watches both.

The kiosk cannot see the slot. Whoever says that a check is in has dropped it; some drop one and go away.
"""

import random
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from hardware.checks import contract
from hardware.checks.magtek import MagtekCodec
from hardware.sim.checkreader_device import CheckReaderDevice
from kiosk.domain import facts as f
from kiosk.domain import tenders as t
from kiosk.domain.snapshot import CheckView, Snapshot
from kiosk.engine.check_port import translate
from tests.simulation.timeline import FOREVER_MS
from tests.simulation.violation import require

if TYPE_CHECKING:
    from tests.simulation.host import Host
    from tests.simulation.world import World

CHECKS = "check"  # the family in which every kiosk takes them
SHARE = 0.1  # of the worlds of other families
REOPEN_MS = 500
SECRET = b"of one start"

AWAITED = "no check is asked for that is not on disk, or does not fit"
POCKET = "taken <= in the pocket <= asked for"
ONCE = "a check is taken once at most, as it was asked for"
TOLD = "a check that is said to be taken is on disk"
FLAGGED = "no check is taken for an account whose last one came back"
PERIOD = "a closed cassette period says which checks were booked to it"
EVIDENCE = "each check that was taken is in one payment, once"


class Desk:
    """The reader, which outlives every process, and what lies in the pocket: number and amount of each check.

    `plugged` is the reader's cable; so many of the next checks that it reads are `lost` on their way.
    """

    def __init__(self, world: "World") -> None:
        self.world = world
        self.device = CheckReaderDevice()
        self.plugged = True
        self.lost = 0
        self.pocket: Counter[tuple[str, int]] = Counter()
        self._numbers = 1000
        self._awaited: dict[str, t.CheckAwaited] = {}
        self._taken: dict[str, t.CheckTaken] = {}
        self._listed: set[str] = set()
        self._in_period: Counter[int] = Counter()

    @staticmethod
    def of(world: "World", family: str) -> "Desk | None":
        """Return the desk of a world whose kiosk takes checks."""
        there = family == CHECKS or world.chance_of("check reader").random() < SHARE
        return Desk(world) if there else None

    # What people do

    def another(self) -> str:
        """Return the number of a check that nobody has shown yet."""
        self._numbers += 1
        return str(self._numbers)

    def run_through(self, number: str, unread: bool) -> None:
        line = f"T111000025T 12345{'?' if unread else '6'}789U {number}"
        said = self.device.read(line)
        if self.lost:
            self.lost -= 1
        elif said and self.plugged and self.world.host is not None and self.world.host.checks is not None:
            self.world.host.checks.hear(said)

    @property
    def asked_for(self) -> CheckView | None:
        """Return the check that the page asks to be dropped now."""
        picture = self.world.picture if self.world.screen == "check" else None
        view = picture.check_view if picture else None
        return view if view is not None and view.phase == "slot" else None

    def is_in(self, number: str) -> bool:
        return any(number == one for one, _ in self.pocket)

    def drop(self) -> None:
        """Whoever stands there drops the check that the page asks for, if it is not in yet."""
        view = self.asked_for
        if view is None or self.is_in(view.number):
            return
        self.pocket[view.number, view.amount_minor] += 1
        self.world.trace(f"check {view.number} of {view.amount_minor} goes into the pocket")
        known = Counter((fact.number, fact.amount_minor) for fact in self._awaited.values())
        require(self.pocket <= known, AWAITED, f"{view} is on the page, on disk are {known}")

    # What breaks

    def unplug(self) -> None:
        if self.plugged:
            self.plugged = False
            if self.world.host is not None and self.world.host.checks is not None:
                self.world.host.checks.gone("the port is gone")

    def plug_in(self) -> None:
        if not self.plugged:
            self.plugged = True
            if self.world.host is not None and self.world.host.checks is not None:
                self.world.host.checks.open()

    def noise(self, data: bytes) -> None:
        if self.plugged and self.world.host is not None and self.world.host.checks is not None:
            self.world.host.checks.hear(data)

    def mend(self) -> None:
        self.lost, self.device.mute, self.device.settle = 0, False, True
        self.plug_in()

    # The journal, the screen, and what lies in the pocket

    def fact(self, fact: object) -> None:
        match fact:
            case t.CheckAwaited():
                self._await(fact)
            case t.CheckTaken():
                self._take(fact)
            case f.PaymentCompleted():
                for check in fact.checks:
                    taken = self._taken.get(check.check_id)
                    known = taken is not None and taken.payment_id == fact.payment_id
                    require(known and check.check_id not in self._listed, EVIDENCE, f"{fact.receipt_number}: {check}")
                    self._listed.add(check.check_id)
            case f.CassettePeriodClosed():
                booked = self._in_period[fact.period]
                require(fact.check_minor == booked, PERIOD, f"period {fact.period}: {fact.check_minor} of {booked}")

    def _await(self, fact: t.CheckAwaited) -> None:
        """The fact is held against the books after it, which it does not change."""
        payment = self.world.watch.books.payment
        require(payment is not None and payment.payment_id == fact.payment_id, AWAITED, f"{fact} for {payment}")
        assert payment is not None
        require(0 < fact.amount_minor <= payment.left_minor, AWAITED, f"{fact}: {payment.left_minor} is left")
        require(fact.check_id not in self._awaited, ONCE, f"{fact} is asked for twice")
        flagged = self.world.household_of(payment.account).checks_refused
        require(not flagged, FLAGGED, f"{fact} for {payment.account}")
        self._awaited[fact.check_id] = fact

    def _take(self, fact: t.CheckTaken) -> None:
        asked = self._awaited.get(fact.check_id)
        same = asked is not None and (asked.payment_id, asked.number, asked.amount_minor, asked.routing) == (
            fact.payment_id,
            fact.number,
            fact.amount_minor,
            fact.routing,
        )
        require(same and fact.check_id not in self._taken, ONCE, f"{fact}, asked for was {asked}")
        self._taken[fact.check_id] = fact
        self._in_period[fact.cassette_period] += fact.amount_minor

    def shown(self, picture: Snapshot) -> None:
        if picture.notice == "check_taken":
            known = picture.notice_minor in [fact.amount_minor for fact in self._taken.values()]
            require(known, TOLD, f"{picture.notice_minor} is not on disk")
        view = picture.check_view
        if view is not None and view.phase == "slot":
            asked = [(fact.number, fact.amount_minor) for fact in self._awaited.values()]
            require((view.number, view.amount_minor) in asked, AWAITED, f"{view} is on the page and not on disk")

    def step(self) -> None:
        taken = Counter((fact.number, fact.amount_minor) for fact in self._taken.values())
        require(taken <= self.pocket, POCKET, f"{taken - self.pocket} taken and not in the pocket")
        minor = sum(fact.amount_minor for fact in self._taken.values())
        books = self.world.watch.books
        require(books.check_minor == minor, ONCE, f"the books say {books.check_minor} of {minor}")

    def at_rest(self) -> None:
        left = self._taken.keys() - self._listed
        require(not left, EVIDENCE, f"{left} are in no payment")


class CheckLine:
    """One process's end of the line: codec and driver, as CheckPort has them."""

    def __init__(self, host: "Host", desk: Desk) -> None:
        self.host = host
        self.desk = desk
        self.codec = MagtekCodec()
        self._open = False

    def submit(self, command: contract.Command) -> None:
        self.codec.command(command)

    def start(self) -> None:
        if self.desk.plugged:
            self.open()

    def open(self) -> None:
        self._open = True
        self.codec.line_opened(self._now())

    def gone(self, reason: str) -> None:
        self._open = False
        self._tell(contract.Lost(reason))

    def serve(self) -> None:
        if self._open and self.codec.due_ms() <= self._now():
            data, heard = self.codec.tick(self._now())
            self._hear(heard)
            if data and self._open:
                self.hear(self.desk.device.feed(data))

    def due_ms(self) -> int:
        """Return when, in monotonic time, something is to be done."""
        return self.codec.due_ms() if self._open else FOREVER_MS

    def hear(self, data: bytes) -> None:
        if data and self._open:
            self._hear(self.codec.feed(data, self._now()))

    def _hear(self, heard: list[contract.Event]) -> None:
        for event in heard:
            self._tell(event)
            if isinstance(event, contract.Lost):
                self._open = False
                self.host.world.timeline.after(REOPEN_MS, self._reopen)

    def _reopen(self) -> None:
        if self.host.alive and self.desk.plugged and not self._open:
            self.open()

    def _tell(self, event: contract.Event) -> None:
        kind, values = translate(event, SECRET)
        self.host.tell(kind, **values)

    def _now(self) -> int:
        return self.host.world.machine.mono_ms()


def break_reader(desk: Desk, chance: random.Random) -> None:
    """Let something happen to the reader or its line."""
    after = partial(desk.world.timeline.after, chance.choice([300, 3_000, 20_000]))
    match chance.choice(("cable", "cable", "power", "mute", "lost", "noise", "forgets")):
        case "cable":
            desk.unplug()
            after(desk.plug_in)
        case "power":
            desk.device.power_cycle()
        case "mute":
            desk.device.mute = True
            after(partial(setattr, desk.device, "mute", False))
        case "lost":
            desk.lost = chance.choice([1, 2])
        case "noise":
            desk.noise(chance.randbytes(chance.randrange(1, 40)))
        case "forgets":
            desk.device.settle = False
            desk.device.power_cycle()
            after(partial(setattr, desk.device, "settle", True))
