"""The kiosk of card_world.py whose staff refund: who is asked for a PIN or a payment answers at once."""

from dataclasses import dataclass, replace
from typing import Any

from kiosk.brain import events
from kiosk.brain.commands import CheckPin, Command, FindPayments, RefundCard
from kiosk.brain.state import State
from kiosk.domain.card_payment import CardPayment
from kiosk.domain.facts import PaymentCompleted
from kiosk.domain.refunds import RefundStarted
from kiosk.engine.look_back import looked_back
from tests.unit.card_world import CardWorld, Taken, card_settings

PINS = {"1": "ana", "2": "bo"}
AT = "2026-11-23T19:42:00.000Z"


@dataclass
class RefundWorld(CardWorld):
    """Payments are looked up as the engine does; `given_minor` is what the terminal gave back by its own memory."""

    pruned: int = 0  # facts at the beginning that are in the archive

    def tell(self, kind: type[events.Event], **values: Any) -> list[Command]:
        orders = super().tell(kind, **values)
        for order in list(orders):
            if isinstance(order, RefundCard):
                assert isinstance(self.facts[-1], RefundStarted), "a refund left before it was on record"
                assert order.reference not in self.till, "a refund was sent twice"
                sale = self.till[order.of]
                assert sale.result == "approved"
                self.till[order.reference] = Taken("refund", order.reference, order.amount_minor, order.of)
            elif isinstance(order, CheckPin):
                orders += self.tell(events.PinChecked, request=order.request, who=PINS.get(order.pin, ""))
            elif isinstance(order, FindPayments):
                orders += self.tell(events.PaymentsFound, request=order.request, payments=self.look_back(order))
        return orders

    def look_back(self, order: FindPayments) -> tuple[CardPayment, ...]:
        history = [(fact, AT) for fact in self.facts[self.pruned :]]
        return looked_back(history, order.receipt_number, order.count)

    def pay(self, balance_minor: int = 5318, result: str = "approve") -> PaymentCompleted:
        self.to_card(balance_minor)
        while self.now is not None:
            self.end("approved")
        self.tell(events.AcceptorIdle)
        self.touch("done")
        done = self.of(PaymentCompleted)[-1]
        assert isinstance(done, PaymentCompleted)
        return done

    def sign_in(self) -> "RefundWorld":
        self.touch("staff")
        self.touch("key", "1")
        self.touch("submit")
        return self

    def to_sign(self, amount: str = "", leg: int = 0) -> "RefundWorld":
        """Up to the second person, for the newest payment; `amount` "" is the whole."""
        self.sign_in()
        self.touch("staff_cards")
        self.touch("staff_refund")
        done = self.of(PaymentCompleted)[-1]
        self.touch("refund_payment", done.receipt_number)
        sale = done.cards[leg].reference
        if amount:
            self.touch("refund_part", sale)
            self.type(amount)
        else:
            self.touch("refund_whole", sale)
        self.touch("refund_why", "paid_twice")
        return self

    def type(self, digits: str) -> None:
        for digit in digits:
            self.touch("key", digit)
        self.touch("submit")

    def refund(self, amount: str = "", leg: int = 0) -> "RefundWorld":
        """Up to the terminal."""
        self.to_sign(amount, leg)
        self.type("2")
        return self

    @property
    def given_minor(self) -> int:
        """What the terminal gave back by its own memory."""
        return sum(t.amount_minor for t in self.till.values() if t.operation == "refund" and t.result == "approved")

    @property
    def result(self) -> str:
        return self.state.scene.refund.result if self.state.scene.refund is not None else ""


def world(**settings: Any) -> RefundWorld:
    made = RefundWorld(State(replace(card_settings(), **settings)))
    made.boot()
    return made
