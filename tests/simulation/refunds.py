"""Staff refund cards in a world: who comes and what they choose, and what is refunded against what was paid.

A refund is a matter of three books: the terminal's own record of what it gave back, the journal, and the server's
ledger (audit.py). Staff know what the page says and what it lets them choose.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from hardware.cards import contract
from hardware.printer.document import Columns, Document, Text
from kiosk.domain import facts as f
from kiosk.domain import refunds as r
from kiosk.domain import tenders as t
from kiosk.domain.money import format_minor
from kiosk.domain.snapshot import RefundView
from tests.simulation.households import Household
from tests.simulation.residents import PIN, SECOND_PIN, quiet, sign_in
from tests.simulation.timeline import Life
from tests.simulation.violation import require

if TYPE_CHECKING:
    from tests.simulation.world import World

SHARE = 0.8  # of the worlds with a terminal
LATE_MS = 60_000  # so long after the last resident was to come staff may still come
VISIT_MS = 120_000  # the longest visit of staff
LOOK_MS = 1_000
TRIES, AGAIN_MS = 4, 20_000  # until staff have refunded something
TURNS = 120  # looks at the page in one visit
WRONG_PIN = "999999"

ANNOUNCED = "no refund is asked for that is not on disk, and for its sum"
AGREED_BY = "two people agree to a refund"
WITHIN = "no more is refunded, or may be, than the sale was charged"
DUE = "no more falls due again than its payment paid"
ONCE = "a refund is made once"
MADE = "what the terminal refunded is in the journal or looked for"
SETTLED = "at rest nobody looks for a refund any more"
SAME = "what is on record as refunded is what the terminal refunded"
SLIP = "a slip's figures are its refund's"


class Refunds:
    """`made` are those on record as refunded, by reference; `visits` is how often staff come for one."""

    def __init__(self, world: "World", possible: bool) -> None:
        self.world = world
        chance = world.chance_of("refunds")
        self.visits = chance.choice((1, 2, 3, 4)) if possible and chance.random() < SHARE else 0
        self.until_ms = 0
        self.armed: list[Callable[[], None]] = []  # what goes wrong at the next one
        self.made: dict[str, r.CardRefunded] = {}
        self._pauses = world.chance_of("pauses for refunds")
        self._sales: dict[str, t.CardSaleApproved] = {}
        self._voided: set[str] = set()
        self._receipts: list[str] = []  # of payments by card
        self._paid = Counter[tuple[str, str, str]]()  # by payment, account and invoice: what it paid, and is not due
        self._started: dict[str, r.RefundStarted] = {}
        self._ended: set[str] = set()  # without money, by the kiosk's last word
        self._given_up: set[str] = set()
        self._ordered: set[str] = set()
        self._slips = Counter[str]()

    @property
    def given_minor(self) -> int:
        """Return what is on record as refunded, in cents."""
        return sum(done.amount_minor for done in self.made.values())

    def pause_ms(self) -> int:
        """Return how long nobody comes, so that there is a time for it."""
        return self._pauses.choice((0, 0, 15_000, 40_000)) if self.visits else 0

    def more_comers(self) -> list[Household]:
        """Return who comes besides: there must be payments to refund, and some pay again what was refunded."""
        chance = self.world.chance_of("comers of refunds")
        return [chance.choice(self.world.households) for _ in range(min(self.visits, 3))]

    # What the journal says

    def fact(self, fact: object) -> None:
        match fact:
            case t.CardSaleApproved():
                self._sales[fact.reference] = fact
            case t.CardSaleVoided():
                self._voided.add(fact.of)
            case f.PaymentCompleted():
                self._receipts += [fact.receipt_number] if fact.cards else []
                for line in fact.lines:
                    self._paid[fact.payment_id, line.account, line.invoice] += line.amount_minor
            case r.RefundStarted():
                self._refund_started(fact)
            case r.CardRefunded():
                self._refunded(fact)
            case r.RefundEnded():
                self._ended.add(fact.reference)
                self._given_up.discard(fact.reference)
            case t.CardSearchEnded() if fact.reference in self._started:
                self._given_up.add(fact.reference)

    def _refund_started(self, fact: r.RefundStarted) -> None:
        require(fact.reference not in self._started, ONCE, f"{fact.reference} is announced twice")
        people = bool(fact.by) and bool(fact.second) and fact.by != fact.second
        require(people, AGREED_BY, f"{fact.by!r} and {fact.second!r}")
        sale = self._sales.get(fact.of)
        charged_minor = sale.amount_minor if sale is not None and fact.of not in self._voided else 0
        before_minor = self._back_minor(fact.of)
        within = 0 < fact.amount_minor <= charged_minor - before_minor
        require(within, WITHIN, f"{fact.amount_minor} of {charged_minor}, {before_minor} before: {fact}")
        for line in fact.lines:
            left_minor = self._paid[fact.payment_id, line.account, line.invoice]
            require(0 < line.amount_minor <= left_minor, DUE, f"{line}, {left_minor} are left")
        self._started[fact.reference] = fact

    def _back_minor(self, of: str) -> int:
        """Return what of a sale was refunded, or may have been."""
        refunds = [refund for refund in self._started.values() if refund.of == of]
        return sum(
            self.made[refund.reference].amount_minor if refund.reference in self.made else refund.amount_minor
            for refund in refunds
            if refund.reference in self.made or refund.reference not in self._ended
        )

    def _refunded(self, fact: r.CardRefunded) -> None:
        asked = self._started.get(fact.reference)
        same = asked is not None and (asked.of, asked.payment_id, asked.leg) == (fact.of, fact.payment_id, fact.leg)
        require(same, ANNOUNCED, f"{fact} was never announced")
        require(fact.reference not in self.made, ONCE, f"{fact.reference} is refunded twice")
        self.made[fact.reference] = fact
        self._given_up.discard(fact.reference)
        for line in fact.lines:
            self._paid[fact.payment_id, line.account, line.invoice] -= line.amount_minor

    # The line and the printer

    def ordered(self, order: contract.Refund) -> None:
        """A refund is about to go to the terminal."""
        attempt, sale = self.world.watch.books.attempt, self._sales.get(order.of)
        asked = (order.reference, "refund", order.amount_minor, order.of)
        known = (
            attempt is not None and (attempt.reference, attempt.operation, attempt.amount_minor, attempt.of) == asked
        )
        require(known, ANNOUNCED, f"{order}, on disk is {attempt}")
        require(order.reference not in self._ordered, ONCE, f"{order.reference} is sent to the terminal twice")
        require(sale is not None and order.terminal_ref == sale.terminal_ref, ANNOUNCED, f"{order} is not of {sale}")
        self._ordered.add(order.reference)
        if self.armed:
            self.armed.pop(0)()

    def printed(self, reference: str, kind: str, paper: Document) -> None:
        """A slip came out for who got the money back."""
        done = self.made.get(reference)
        require(done is not None, SLIP, f"{reference} is on paper and not on disk")
        assert done is not None
        words = [item.text for item in paper if isinstance(item, Text)]
        figures = [item.right for item in paper if isinstance(item, Columns)]
        require(any(reference in word for word in (*words, *figures)), SLIP, f"{reference} is not on its slip")
        require(format_minor(done.amount_minor) in figures, SLIP, f"{reference}: {done.amount_minor} in {figures}")
        self._slips[reference] += kind == "refund"
        require(self._slips[reference] <= 1, SLIP, f"{reference} came out twice and does not say so")

    # After every step, and at rest

    def step(self) -> None:
        till = self.world.till
        if till is None:
            return
        held = till.twin.refunded()
        require(len(held) <= len(self._started), ONCE, f"{len(held)} at the terminal, {len(self._started)} announced")
        twice = [name for name, times in Counter(name for name, _ in held if name).items() if times > 1]
        require(not twice, ONCE, f"{twice} at the terminal more than once")
        given = Counter(amount_minor for _, amount_minor in held)
        attempts = [one for one in self.world.watch.books.attempts if one.operation == "refund"]
        maybe = {one.reference: one.amount_minor for one in attempts}
        maybe |= {reference: self._started[reference].amount_minor for reference in self._given_up}
        more = given - self._amounts()
        require(more <= Counter(maybe.values()), MADE, f"{dict(more)} beyond the record, looked for are {maybe}")

    def at_rest(self) -> None:
        till, attempt = self.world.till, self.world.watch.books.attempt
        if till is None:
            return
        maybe = Counter(self._started[reference].amount_minor for reference in self._given_up)
        if attempt is not None and attempt.operation == "refund":
            # As of sales: a terminal that keeps no reference of ours may leave one for people to find.
            lasting = attempt.state == "unknown" and not till.terminal.keeps_references
            require(lasting, SETTLED, f"{attempt}")
            maybe[attempt.amount_minor] += 1
        given, known = Counter(amount_minor for _, amount_minor in till.twin.refunded()), self._amounts()
        more, less = given - known, known - given
        agreed = more <= maybe and less <= maybe
        require(agreed, SAME, f"{dict(given)} at the terminal, {dict(known)} on record, {attempt}")

    def _amounts(self) -> Counter[int]:
        return Counter(done.amount_minor for done in self.made.values())

    # Who comes for one

    def live(self) -> None:
        """Let staff come now and then once a card has paid, also when the residents have gone."""
        chance = self.world.chance_of("staff at refunds")
        for number in range(self.visits):
            at_ms = chance.randrange(20_000, self.world.horizon_ms + LATE_MS)
            self.until_ms = max(self.until_ms, at_ms + VISIT_MS)
            self.world.timeline.live(self._come(number, at_ms))

    def _come(self, number: int, at_ms: int) -> Life:
        yield at_ms
        while not self._receipts and not self.world.repaired:
            yield LOOK_MS
        chance, before = self.world.chance_of(f"refund {number}"), len(self._started)
        for _ in range(TRIES):
            yield from _Visit(self.world, chance, self._receipts).course()
            if len(self._started) > before:
                return
            yield AGAIN_MS


class _Visit:
    """Two members of staff at the kiosk, once. `receipts` are those that people have shown them."""

    def __init__(self, world: "World", chance: random.Random, receipts: list[str]) -> None:
        self.world = world
        self.chance = chance
        self.receipts = receipts
        self.pace_ms = chance.choice((200, 700, 2_000))
        self.cancels = chance.random() < 0.15
        self.again = chance.choice((0, 0, 1, 2))  # refunds after the first

    @property
    def view(self) -> RefundView | None:
        picture = self.world.picture
        staff = picture.staff if picture is not None and self.world.screen else None
        return staff.refund if staff is not None else None

    def course(self) -> Life:
        world = self.world
        yield from quiet(world)
        if world.screen != "attract" or world.repaired:
            return
        yield from sign_in(world)
        for name in ("staff_cards", "staff_refund"):
            world.touch(name)
            yield 300
        for _ in range(TURNS):
            view = self.view
            if view is None or world.screen not in ("staff_refund", "staff_refunding"):
                break
            if view.step == "done" and world.screen == "staff_refund":
                if not self.again:
                    break
                self.again -= 1
            if world.screen == "staff_refunding":
                self._waits()
            elif not view.waiting:
                yield from self._choose(view)
            yield self.pace_ms
        if self.chance.random() < 0.9:  # else nobody is there any more, and the page ends by itself
            world.touch("sign_out")
        yield 300

    def _waits(self) -> None:
        if self.cancels and self.chance.random() < 0.3:
            self.world.touch("cancel_card")

    def _choose(self, view: RefundView) -> Life:
        match view.step:
            case "find":
                self._find(view)
            case "number":
                yield from self._type_number(view)
            case "card":
                self._how_much(view)
            case "amount":
                most_minor = view.card.most_minor if view.card is not None else 0
                part_minor = self.chance.choice((1, max(1, most_minor // 3), most_minor, most_minor + 100))
                yield from self._type(str(part_minor))
            case "why":
                self.world.touch("refund_why", self.chance.choice(r.WHYS))
            case "sign":
                self._expect()
                yield from self._type(self.chance.choice((SECOND_PIN,) * 8 + (PIN, WRONG_PIN)))
            case "done":
                self.world.touch(self.chance.choice(("back", "reprint")))
                yield 300
                self.world.touch("staff_refund")

    def _find(self, view: RefundView) -> None:
        if not view.payments and not self.receipts:
            self.world.touch("back")
        elif view.payments and self.chance.random() < 0.8:
            self.world.touch("refund_payment", self.chance.choice(view.payments).receipt_number)
        else:
            self.world.touch("refund_number")

    def _type_number(self, view: RefundView) -> Life:
        number = self.chance.choice(self.receipts) if self.receipts else f"{view.prefix}000099"
        yield from self._type(number.removeprefix(view.prefix).lstrip("0"))

    def _how_much(self, view: RefundView) -> None:
        cards = [card for card in view.found.cards if card.most_minor] if view.found is not None else []
        if not cards:
            self.world.touch(self.chance.choice(("back", "sign_out")))
            return
        card = self.chance.choice(cards)
        part = card.leg != "fee" and self.chance.random() < 0.5
        self.world.touch("refund_part" if part else "refund_whole", card.reference)

    def _expect(self) -> None:
        """What the terminal will do with it."""
        till = self.world.till
        assert till is not None
        if not self.world.repaired:
            till.twin.returns(self.chance.choice(till.terminal.returns), self.chance.choice((300, 300, 2_000, 20_000)))

    def _type(self, digits: str) -> Life:
        for digit in digits:
            self.world.touch("key", digit)
            yield 50
        self.world.touch("submit")
