"""The kiosk of brain_world.py with a card terminal that keeps count of what it really took."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from kiosk.brain import events
from kiosk.brain.apply import fold
from kiosk.brain.commands import CancelCard, Command, FindCard, SellByCard, VoidCard
from kiosk.brain.settings import Settings
from kiosk.brain.state import State
from kiosk.domain.facts import PaymentCompleted
from kiosk.domain.fees import FeeRule
from kiosk.domain.tenders import CardSlip
from tests.unit.brain_world import World, account, settings

SERVICE_FEE = FeeRule("card-2026", "service", date(2020, 1, 1), per_mille=28, least_minor=150)
SLIP = CardSlip(brand="Visa", last4="4242", approval="A1B2C3", application="Visa Credit", aid="A0000000031010")


def card_settings(*fees: FeeRule) -> Settings:
    return replace(settings(), cards=True, card_fees=fees, claim_phone="555 0100")


@dataclass
class Taken:
    """A transaction inside the terminal: `result` "" while it goes on."""

    operation: str
    reference: str
    amount_minor: int
    of: str = ""
    result: str = ""
    told: bool = False


@dataclass
class CardWorld(World):
    """`till` is the terminal's own memory: what it approved is really taken, whatever we have heard of it."""

    state: State = field(default_factory=lambda: State(card_settings()))
    till: dict[str, Taken] = field(default_factory=dict)

    def boot(self) -> "CardWorld":
        super().boot()
        self.meet()
        return self

    def meet(self) -> list[Command]:
        return self.tell(events.TerminalConnected, terminal="RB070001", detail="twin")

    def restart(self) -> list[Command]:
        self.state = State(self.state.settings, fold(self.facts))
        return self.tell(events.Started, reason="restart")

    def tell(self, kind: type[events.Event], **values: Any) -> list[Command]:
        orders = super().tell(kind, **values)
        for order in orders:
            if isinstance(order, SellByCard):
                assert order.reference not in self.till, "a sale was sent twice"
                self.till[order.reference] = Taken("sale", order.reference, order.amount_minor)
            elif isinstance(order, VoidCard):
                assert self.till[order.of].result == "approved", "a void of what was never taken"
                self.till[order.reference] = Taken("void", order.reference, order.amount_minor, order.of)
        return orders

    @property
    def now(self) -> Taken | None:
        """The transaction at the terminal."""
        return next((taken for taken in self.till.values() if not taken.result), None)

    @property
    def taken_minor(self) -> int:
        """What the terminal's own batch says."""
        done = [taken for taken in self.till.values() if taken.result == "approved"]
        undone = {taken.of for taken in done if taken.operation == "void"}
        return sum(t.amount_minor for t in done if t.operation == "sale" and t.reference not in undone)

    def decide_at_terminal(self, result: str, amount_minor: int | None = None) -> Taken:
        """The transaction ends there; nobody has told us yet."""
        taken = self.now
        assert taken is not None
        taken.result = result
        if amount_minor is not None:
            taken.amount_minor = amount_minor
        return taken

    def report_card(self, taken: Taken, result: str = "", found: bool = False) -> list[Command]:
        self.report += 1
        said = result or taken.result
        taken.told = said != "unknown"
        return self.tell(
            events.CardEnded,
            report=self.report,
            operation=taken.operation,
            reference=taken.reference,
            result=said,
            amount_minor=taken.amount_minor if said == "approved" else 0,
            terminal_ref="77" if said == "approved" else "",
            found=found,
            reason="" if said == "approved" else "05",
            slip=SLIP if said == "approved" else CardSlip(),
        )

    def end(self, result: str, amount_minor: int | None = None) -> list[Command]:
        return self.report_card(self.decide_at_terminal(result, amount_minor))

    def answer(self, order: FindCard) -> list[Command]:
        """Say what became of it, if that is certain by now."""
        taken = self.till.get(order.reference)
        if taken is None:
            return self.report_card(Taken(order.operation, order.reference, 0, order.of, "absent"), found=True)
        return self.report_card(taken, "" if taken.result else "unknown", found=True)

    def to_tender(self, balance_minor: int = 5318) -> "CardWorld":
        self.scan(account(balance_minor))
        self.touch("pay_full")
        self.touch("pay_again")  # the same was paid before, in a test that needs two payments
        return self

    def to_card(self, balance_minor: int = 5318) -> "CardWorld":
        self.to_tender(balance_minor)
        self.touch("pay_card")
        return self

    @property
    def stage(self) -> str:
        return self.state.scene.stage


def paid(world: CardWorld) -> PaymentCompleted:
    """Return the only payment that was completed."""
    completed = world.of(PaymentCompleted)
    assert len(completed) == 1
    return completed[0]  # type: ignore[no-any-return]


__all__ = [
    "SERVICE_FEE",
    "SLIP",
    "CancelCard",
    "CardWorld",
    "FindCard",
    "SellByCard",
    "VoidCard",
    "card_settings",
    "paid",
]
