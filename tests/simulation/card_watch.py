"""Who watches the cards of a world: what the journal says of them, against what the terminal holds."""

from collections import Counter
from typing import TYPE_CHECKING

from hardware.cards import contract
from hardware.printer.document import Columns, Document, Text
from kiosk.domain import tenders as t
from tests.simulation.violation import require

if TYPE_CHECKING:
    from tests.simulation.world import World

ANNOUNCED = "no card is asked for without a committed sale, and for its sum"
ONCE = "a card is charged once at most for each attempt"
CHARGED = "what the terminal charged is in the journal or looked for"
TOLD = "the terminal hears of an approval only after its commit"
AGREED = "what is on record as charged is what the terminal charged"
INCIDENT = "an incident slip names its attempt"
SETTLED = "at rest nobody looks for a card any more"


class CardWatch:
    def __init__(self, world: "World") -> None:
        self.world = world
        self._approved: dict[str, t.CardSaleApproved] = {}
        self._voided: set[str] = set()
        self._undone: set[str] = set()  # references of voids
        self._sums: dict[str, int] = {}  # of sales and voids that were announced
        self._given_up: dict[str, int] = {}  # staff ended the search, and no end was told since
        self._started = Counter[str]()
        self._ordered: set[str] = set()
        self._reports: dict[int, contract.Ended] = {}

    def fact(self, fact: object) -> None:
        match fact:
            case t.CardSearchEnded() if fact.reference in self._sums:  # else it was a refund
                self._given_up[fact.reference] = self._sums[fact.reference]
            case t.CardSaleApproved() | t.CardSaleEnded() | t.CardSaleVoided() | t.VoidEnded():
                self._given_up.pop(fact.reference, None)
        match fact:
            case t.CardSaleStarted():
                self._sums[fact.reference] = fact.amount_minor
                self._started[fact.reference] += 1
                require(self._started[fact.reference] == 1, ONCE, f"{fact.reference} is announced twice")
            case t.CardSaleApproved():
                require(fact.reference not in self._approved, ONCE, f"{fact.reference} is approved twice")
                require(fact.reference in self._started, ANNOUNCED, f"{fact.reference} was never announced")
                self._approved[fact.reference] = fact
            case t.VoidStarted():
                self._sums[fact.reference] = fact.amount_minor
                self._undone.add(fact.reference)
            case t.CardSaleVoided():
                require(fact.of not in self._voided, ONCE, f"{fact.of} is voided twice")
                self._voided.add(fact.of)

    def incident(self, reference: str, paper: Document) -> None:
        """The slip for somebody whose card nobody knows of came out."""
        require(reference in self._started or reference in self._undone, INCIDENT, f"{reference} was never announced")
        words = [item.text for item in paper if isinstance(item, Text)]
        figures = [item.right for item in paper if isinstance(item, Columns)]
        require(any(reference in word for word in (*words, *figures)), INCIDENT, f"{reference} is not on its slip")

    # The line

    def ordered(self, command: contract.Command) -> None:
        """A command is about to go to the terminal."""
        attempt = self.world.watch.books.attempt
        match command:
            case contract.Sale(reference, amount_minor):
                known = attempt is not None and (attempt.reference, attempt.amount_minor) == (reference, amount_minor)
                require(known, ANNOUNCED, f"{reference} of {amount_minor}, on disk is {attempt}")
                require(reference not in self._ordered, ONCE, f"{reference} is sent to the terminal twice")
                self._ordered.add(reference)
            case contract.Refund():
                self.world.refunds.ordered(command)
            case contract.CloseBatch():
                self.world.day_end.ordered(command)
            case contract.Acknowledge(report):
                end = self._reports.pop(report, None)
                if end is not None and end.result == contract.APPROVED:
                    self._acknowledged(end)

    def _acknowledged(self, end: contract.Ended) -> None:
        known = {"sale": self._approved, "refund": self.world.refunds.made}.get(end.operation)
        require(known is None or end.reference in known, TOLD, f"{end.reference} is not on disk")

    def told(self, reference: str) -> None:
        """The terminal heard that its approval of this sale is known."""
        require(reference in self._approved, TOLD, f"{reference} is not on disk")

    def reopened(self) -> None:
        """Another process numbers its reports anew."""
        self._reports.clear()

    def heard(self, event: contract.Event) -> None:
        if isinstance(event, contract.Ended):
            self._reports[event.report] = event

    # After every step, and at rest

    def step(self) -> None:
        till, books = self.world.till, self.world.watch.books
        if till is None:
            return
        made, started = till.twin.made(), self._started.total()
        require(made <= started, ONCE, f"{made} sales at the terminal, {started} announced")
        twice = [reference for reference, times in Counter(till.twin.references()).items() if times > 1]
        require(not twice, ONCE, f"{twice} at the terminal more than once")
        open_minor = sum(attempt.amount_minor for attempt in books.attempts if attempt.operation == "sale")
        held = sum(till.twin.standing())
        undoing = sum(attempt.amount_minor for attempt in books.attempts if attempt.operation == "void")
        charged_minor = books.card_minor + self.world.refunds.given_minor
        most = charged_minor + open_minor + undoing + sum(self._given_up.values())
        require(held <= most, CHARGED, f"{held} charged, {most} on record or looked for")

    def at_rest(self) -> None:
        till, books = self.world.till, self.world.watch.books
        if till is None:
            return
        standing = Counter(till.twin.standing())
        amounts = Counter(fact.amount_minor for ref, fact in self._approved.items() if ref not in self._voided)
        attempt = books.attempt if books.attempt is None or books.attempt.operation != "refund" else None
        maybe = Counter(self._given_up.values())
        if attempt is not None:
            # A terminal that keeps no reference of ours may leave one for people to find.
            lasting = attempt.state == "unknown" and not till.terminal.keeps_references
            require(lasting, SETTLED, f"{attempt}")
            maybe[attempt.amount_minor] += 1
        more, less = standing - amounts, amounts - standing
        agreed = more <= maybe and less <= maybe
        require(agreed, AGREED, f"{dict(standing)} at the terminal, {dict(amounts)} on record, {attempt}")
        kept_minor = _sum(amounts) - self.world.refunds.given_minor
        require(books.card_minor == kept_minor, AGREED, f"the books say {books.card_minor}, the facts {kept_minor}")


def _sum(amounts: Counter[int]) -> int:
    return sum(amount * count for amount, count in amounts.items())
