"""People in front of the kiosk. They know what the page says and what it lets them choose, and nothing else."""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from kiosk.domain.intents import Intent
from kiosk.pages.dispatch import page
from kiosk.pages.language import translator
from tests.simulation.households import Household
from tests.simulation.timeline import Life

if TYPE_CHECKING:
    from tests.simulation.world import World

NOTES = (100, 200, 500, 1000, 2000, 5000, 10000)
PIN, SECOND_PIN = "246810", "135791"  # of two members of staff
LOOK_MS = 250
_ONWARD = ("pay_full", "pay_past_due", "pay_cash", "confirm", "done", "more_time", "allow_credit")
_AT_CARD = ("agree_fee", "keep_partial", "refuse_partial", "pay_cash", "stop", "confirm", "done")
_ENGLISH = translator("en")


class Resident:
    """One household's visit. `pace_ms` is how long this person takes for a step, least and most."""

    def __init__(self, world: "World", house: Household, chance: random.Random) -> None:
        self.world = world
        self.house = house
        self.chance = chance
        self.pace_ms = chance.choice([(600, 3_000), (600, 3_000), (150, 900), (0, 200)])
        self.manner = chance.choice(["patient"] * 6 + ["impatient"] * 2 + ["curious", "absent"])
        self.overpays = chance.random() < 0.2
        self.at_checks = world.chance_of(f"checks of visit {world.visits}")
        self.gone = False

    # What a person can do

    @property
    def screen(self) -> str:
        return self.world.screen

    def touch(self, name: str, value: str = "") -> None:
        if name == "check_in" and self.world.checks is not None:
            self.world.checks.drop()  # nobody says so who has not
        self.world.touch(name, value)

    def think(self) -> int:
        return self.chance.randint(*self.pace_ms)

    def wait(self, until: Callable[[], bool], limit_ms: int) -> Life:
        waited = 0
        while not until() and waited < limit_ms:
            waited += LOOK_MS
            yield LOOK_MS

    def leaves(self) -> bool:
        """A person may walk away at any step, some more than others."""
        return self.chance.random() < {"patient": 0.01, "impatient": 0.06, "curious": 0.05, "absent": 0.4}[self.manner]

    # A visit

    def visit(self) -> Life:
        yield from self.wait(lambda: self.screen == "attract" and self.world.takes_cash, 60_000)
        if self.screen != "attract":
            self.touch("start_over")  # somebody left something on the screen
            yield self.think()
            if self.screen != "attract":
                return
        if self.manner == "curious":
            yield from self.explore()
            return
        yield from self.find_the_bill()
        if self.screen != "invoice" or self.leaves():
            return
        yield self.think()
        yield from self.choose()
        yield self.think()
        if self.screen == "repeat":
            self.touch("pay_again" if self.chance.random() < 0.5 else "leave_it")
        if self.leaves():
            return
        if self.world.checks is not None and self.at_checks.random() < 0.75:
            yield from self.pay_by_check()
            if self.gone:
                return
        if self.world.till is not None and self.chance.random() < 0.8:
            yield from self.pay_by_card()
        else:
            self.touch("pay_cash")
            yield 100
        if self.screen == "cash":
            yield from self.pay()
        yield from self.finish()

    def find_the_bill(self) -> Life:
        if self.chance.random() < 0.2:
            yield from self.type_the_number()
        else:
            self.world.hold_to_reader(self.house.scan)
            if self.chance.random() < 0.1:
                self.world.hold_to_reader(self.house.scan)
        if self.chance.random() < 0.1:
            yield self.think() // 4
            self.touch("start_over")  # it takes too long
        yield from self.wait(lambda: self.screen == "invoice", 8_000)

    def type_the_number(self) -> Life:
        self.touch("type_account")
        yield self.think()
        for text in (self.house.number, self.house.house_number):
            for digit in text:
                self.touch("key", digit)
                yield self.think() // 4
            self.touch("submit")
            yield self.think()

    def choose(self) -> Life:
        if self.chance.random() < 0.75:
            self.touch("pay_full")
            return
        self.touch("pay_other")
        yield self.think()
        for digit in str(self.chance.choice([100, 500, 1234, 2000, self.house.owed_minor + 700])):
            self.touch("key", digit)
            yield self.think() // 4
        self.touch("submit")

    def pay(self) -> Life:
        """Put notes in until the page says that it is enough, or until this person has had enough."""
        tries = 0
        while self.screen == "cash" and tries < 14:
            tries += 1
            if self.leaves():
                return
            taken = self.world.insert(self.pick())
            if taken and self.manner == "impatient" and self.chance.random() < 0.4:
                yield self.chance.choice([0, 100, 700])
                self.world.insert(self.pick())  # a second one at once
            if taken and self.manner == "impatient" and self.chance.random() < 0.2:
                self.touch(self.chance.choice(["stop", "start_over", "back"]))
            yield (900 if taken else 300) + self.think()
            if self.world.till is not None and self.chance.random() < 0.15:
                yield from self.pay_by_card()
            if self.chance.random() < 0.02:
                yield from self.complain()
            if self.overpays and self.chance.random() < 0.3:
                self.touch("allow_credit")
            if self.chance.random() < 0.08:
                self.touch("stop")
                yield self.think()
                if self.screen == "review":
                    self.touch(self.chance.choice(["confirm", "put_in_more"]))
                    yield self.think()
        if self.screen == "cash":
            self.touch("stop")
            yield self.think()
            self.touch("confirm")

    def pay_by_card(self) -> Life:
        """Hold a card to the terminal, and go on with what the page offers until nothing of a card is on it."""
        assert self.world.till is not None
        for turn in range(self.chance.randint(4, 12)):
            if (turn and self.leaves()) or self.screen in ("attract", "done", "out_of_service", ""):
                return
            offered = {intent.name for intent in self.offered()}
            wishes = [wish for wish in self.chance.sample(_AT_CARD, len(_AT_CARD)) if wish in offered]
            if self.screen in ("tender", "cash") and (turn == 0 or self.chance.random() < 0.6):
                wishes.insert(0, "pay_card")
            if turn and self.screen == "cash":
                return
            if self.world.till.undoing and "refuse_partial" in offered and self.chance.random() < 0.8:
                wishes.insert(0, "refuse_partial")
            if self.world.refunds.visits and "agree_fee" in offered and self.chance.random() < 0.8:
                wishes.insert(0, "agree_fee")
            if self.screen == "card":
                wishes = ["cancel_card"] if self.chance.random() < 0.08 else []
            if wishes and wishes[0] in offered:
                if wishes[0] in ("pay_card", "agree_fee"):
                    self.world.till.somebody(self.chance)
                self.touch(wishes[0])
            yield 400 + self.think()
            if self.chance.random() < 0.3:
                self.world.till.somebody(self.chance)  # the second time, for the fee
            yield from self.wait(lambda: self.screen != "card", self.chance.choice([2_000, 30_000, 30_000, 90_000]))

    def pay_by_check(self) -> Life:
        """Write a check for all or a part, and follow the page; some go away with it, or after they dropped it."""
        desk, chance = self.world.checks, self.at_checks
        assert desk is not None
        number, amount_minor = desk.another(), 0
        self.touch("pay_check")
        for _ in range(chance.randint(5, 14)):
            yield 200 + self.think()
            picture = self.world.picture
            view = picture.check_view if picture is not None and self.screen == "check" else None
            if view is None:
                return
            if chance.random() < 0.03:
                self.touch("cancel_check")
            elif view.phase == "read":
                desk.run_through(number, unread=chance.random() < 0.1)
            elif view.phase in ("amount", "again"):
                if view.phase == "amount":
                    most = view.most_minor
                    amount_minor = chance.choice((most, most, max(1, most // 3), 100, most + 700))
                slip = 10 if view.phase == "again" and chance.random() < 0.15 else 0
                for digit in str(amount_minor + slip):
                    self.touch("key", digit)
                    yield self.think() // 4
                self.touch("submit")
            elif view.phase == "slot":
                if chance.random() < 0.9:
                    desk.drop()
                    yield self.think()
                if desk.asked_for is not None and chance.random() < 0.1:
                    self.gone = True
                    return
                self.touch("check_in" if chance.random() < 0.95 or desk.is_in(number) else "cancel_check")
                if chance.random() < 0.1:
                    self.touch("check_in")  # twice, to be sure

    def pick(self) -> int:
        picture = self.world.picture
        fits = picture.payment.allowed_minor if picture and picture.payment else ()
        if fits and self.chance.random() < 0.85:
            return self.chance.choice(fits[-3:])
        return self.chance.choice(NOTES)

    def finish(self) -> Life:
        yield from self.wait(lambda: self.screen in ("done", "attract", "out_of_service"), 20_000)
        if self.chance.random() < 0.05:
            yield from self.complain()
        if self.screen != "done" or self.leaves():
            return
        if self.chance.random() < 0.15:
            yield self.think()
            self.touch("reprint")
        yield from self.wait(self.has_paper, self.chance.choice([0, 1_000, 6_000]))
        if self.screen == "done":
            self.touch("done")

    def complain(self) -> Life:
        """Say that the machine took money, as far as this person gets."""
        self.touch("claim")
        for _ in range(self.chance.randint(2, 9)):
            yield self.think()
            ways = [intent for intent in self.offered() if intent.name.startswith("claim_")]
            intent = self.chance.choice([*ways, Intent("submit"), Intent("confirm")])
            self.touch(intent.name, intent.value)

    def has_paper(self) -> bool:
        picture = self.world.picture
        return picture is None or picture.receipt is None or picture.receipt.printed != "printing"

    def explore(self) -> Life:
        """Press whatever the page offers, and push notes in between."""
        for _ in range(self.chance.randint(5, 40)):
            deed = self.chance.random()
            if deed < 0.35:
                self.world.insert(self.pick())
            elif deed < 0.45:
                self.world.hold_to_reader(self.house.scan)
            else:
                offered = self.offered()
                onward = [intent for intent in offered if intent.name in _ONWARD]
                if offered:
                    intent = self.chance.choice(onward if onward and self.chance.random() < 0.6 else offered)
                    self.touch(intent.name, intent.value)
            yield self.think()

    def offered(self) -> list[Intent]:
        picture = self.world.picture
        if picture is None:
            return []
        seen = page(picture, _ENGLISH)
        choices = [choice.intent for choice in (*seen.choices, *seen.bar) if choice.enabled]
        return [intent for intent in choices if intent.name not in ("staff", "language")]


def collect(world: "World", chance: random.Random) -> Life:
    """Two people of the city carry the notes away, some after telling the kiosk, some without."""
    if chance.random() < 0.7:
        yield from quiet(world)
        yield from sign_in(world)
        world.touch("swap_cassette")
        yield 300
        world.touch("confirm")
        yield 500
        world.take_cassette()
        yield chance.choice([800, 4_000])
        world.put_cassette_back()
        yield 500
        world.touch("sign_out")
    else:
        world.take_cassette()
        yield chance.choice([300, 3_000])
        world.put_cassette_back()


def look_at_the_recycler(world: "World") -> Life:
    """Staff sign in and out where nobody could say what change came out."""
    yield 5_000
    for _ in range(60):
        yield 5_000
        if world.watch.books.payout_unknown and world.watch.books.payout is None:
            yield from quiet(world)
            yield from sign_in(world)
            world.touch("sign_out")
            yield 500


def sign_in(world: "World") -> Life:
    world.touch("staff")
    yield 300
    for digit in PIN:
        world.touch("key", digit)
        yield 50
    world.touch("submit")
    yield 300


def quiet(world: "World") -> Life:
    """Wait a minute at most until nobody is at the kiosk."""
    waited = 0
    while world.screen != "attract" and waited < 60_000:
        waited += LOOK_MS
        yield LOOK_MS
