"""The brain's world with a recycler that really holds notes: what it does with them, and what it tells of that."""

from collections import Counter
from typing import Any

from kiosk.brain import events
from kiosk.brain.commands import AcknowledgeReport, Command, PayOut
from kiosk.domain import facts as f
from tests.unit.brain_world import CHANNEL, USD, World

VALUE = dict(USD)


class Recycler(World):
    """`store` is what can be paid out, `left` what an order still is to bring, `hand` what persons took."""

    def __init__(self, **held: int) -> None:
        """Fill the store: v500=2 are two notes of five dollars."""
        super().__init__()
        self.store = Counter({int(name[1:]): count for name, count in held.items()})
        self.hand: list[int] = []
        self.left: list[int] = []
        self.number = 0  # of the order, as this run of the driver knows it
        self.untold: list[int] = []  # notes in hands that no report was acknowledged for

    def tell_levels(self) -> None:
        counts = tuple((CHANNEL[value], self.store[value]) for value in sorted(CHANNEL))
        self.tell(events.LevelsChanged, counts=counts)

    def connect(self) -> None:
        super().connect()
        self.tell_levels()

    def tell(self, kind: type[events.Event], **values: Any) -> list[Command]:
        orders = super().tell(kind, **values)
        for order in orders:
            if isinstance(order, PayOut):
                self.number = order.payout
                self.left = sorted((VALUE[ch] for ch, count in order.notes for _ in range(count)), reverse=True)
        return orders

    def close(self) -> None:
        """The path is empty: a payment that waits for that goes on."""
        self.tell(events.AcceptorIdle)

    def pay(self, value_minor: int) -> None:
        """Put a note in, and let the payment end if it is met."""
        self.insert(value_minor)
        self.close()

    def come_out(self) -> None:
        """The next note is in the person's hand; nothing is told of it yet."""
        value = self.left.pop(0)
        self.store[value] -= 1
        self.hand.append(value)
        self.untold.append(value)

    def report_note(self, number: int | None = None) -> list[Command]:
        self.report += 1
        told = self.number if number is None else number
        orders = self.tell(events.NotePaidOutReport, report=self.report, payout=told, channel=CHANNEL[self.untold[0]])
        assert AcknowledgeReport(self.report) in orders
        self.untold.pop(0)
        return orders

    def report_end(self, result: str, number: int | None = None, detail: str = "") -> list[Command]:
        self.report += 1
        told = self.number if number is None else number
        return self.tell(events.PayoutEndedReport, report=self.report, payout=told, result=result, detail=detail)

    def give(self) -> None:
        """All that was ordered comes out."""
        while self.left:
            self.come_out()
            self.report_note()
        self.report_end("done")

    def paid_out(self) -> list[int]:
        return [fact.value_minor for fact in self.of(f.NotePaidOut)]

    def ends(self) -> list[str]:
        return [fact.result for fact in self.of(f.PayoutEnded)]
