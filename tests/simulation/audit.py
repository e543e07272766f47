"""The server's side of the watch: its chain against the journal, its ledger against the facts it has."""

import json
from collections import Counter
from typing import TYPE_CHECKING

from billing.ledger.chart import CARD, CASH, CHECKS, CLEARING, CREDIT, RECEIVABLE, SUSPENSE
from kiosk.domain import facts as f
from kiosk.domain import refunds as r
from tests.simulation.violation import require

if TYPE_CHECKING:
    from tests.simulation.watch import Watch

CHAIN = "every record is at the server once, in order"
BALANCE = "debits equal credits"
LEDGER_CASH = "ledger cash is the journal's cash acknowledged"
CARDS = "what the acquirer owes is the journal's sales less its voids and refunds"
CHECKS_IN = "each check is booked to its cassette period"
CLEARED = "clearing is empty when a payment is complete"
PLACED = "what an account paid is on the account or in suspense"
OVERPAID = "no bill is paid beyond what it is"
PERIODS = "each note is booked to its cassette period"


class Audit:
    """Looks again whenever the server's chain has moved, forward or (restored) back."""

    def __init__(self, watch: "Watch") -> None:
        self._watch = watch
        self._looked_at: tuple[object, int] = (None, 0)
        self._same_until = 0

    def step(self) -> None:
        central = self._watch.world.central
        seq = central.head_seq
        at = (self._watch.world.restores, seq)
        if at == self._looked_at:
            return
        self._looked_at = at
        self._chain(seq)
        self._ledger(seq)

    def _chain(self, seq: int) -> None:
        watch = self._watch
        require(seq <= len(watch.entries), CHAIN, f"the server has {seq} records, the journal {len(watch.entries)}")
        start = min(self._same_until, seq) if watch.world.restores == self._restores else 0
        self._restores = watch.world.restores
        held = watch.world.central.entries(start)
        require(len(held) == seq - start, CHAIN, f"{len(held)} entries from {start} to {seq}")
        for place, entry in enumerate(held, start):
            ours = watch.entries[place]
            require(entry == ours, CHAIN, f"record {place + 1} is {json.loads(entry)['kind']} there")
        self._same_until = seq

    _restores = 0

    def _ledger(self, seq: int) -> None:
        balances = self._watch.world.central.balances()
        require(sum(balances.values()) == 0, BALANCE, f"{sum(balances.values())}")
        cash, clearing, paid = Counter[str](), Counter[str](), Counter[str]()
        cards, checks = Counter[str](), Counter[str]()
        kiosk = self._watch.world.who.enrolment.kiosk_id
        for fact in self._watch.facts[:seq]:
            match fact:
                case f.NoteStacked():
                    cash[f"{kiosk}/{fact.cassette_period}"] += fact.value_minor
                    clearing[fact.payment_id] += fact.value_minor
                case f.NoteUnexpected():
                    cash[f"{kiosk}/{fact.cassette_period}"] += fact.value_minor
                case f.NotePaidOut():
                    cash[f"{kiosk}/{fact.cassette_period}"] -= fact.value_minor
                    clearing[fact.payment_id] -= fact.value_minor
                case f.CardSaleApproved():
                    cards[f"{kiosk}/{fact.reference}"] += fact.amount_minor
                    clearing[fact.payment_id] += fact.amount_minor
                case f.CardSaleVoided():
                    cards[f"{kiosk}/{fact.of}"] -= fact.amount_minor
                    clearing[fact.payment_id] -= fact.amount_minor
                case r.CardRefunded():
                    cards[f"{kiosk}/{fact.reference}"] -= fact.amount_minor
                    for line in fact.lines:
                        paid[line.account] -= line.amount_minor
                case f.CheckTaken():
                    checks[f"{kiosk}/{fact.cassette_period}"] += fact.amount_minor
                    clearing[fact.payment_id] += fact.amount_minor
                case f.PaymentCompleted():
                    clearing[fact.payment_id] -= fact.total_minor + fact.fee_minor
                    for line in fact.lines:
                        paid[line.account] += line.amount_minor
        booked = _of(balances, CASH)
        require(booked.total() == cash.total(), LEDGER_CASH, f"{booked.total()} in the ledger, {cash.total()} in facts")
        cash = Counter({period: minor for period, minor in cash.items() if minor})
        require(booked == cash, PERIODS, f"{booked} in the ledger, {cash} in facts")
        cards = Counter({reference: minor for reference, minor in cards.items() if minor})
        require(_of(balances, CARD) == cards, CARDS, f"{_of(balances, CARD)} in the ledger, {cards} in facts")
        require(
            _of(balances, CHECKS) == +checks, CHECKS_IN, f"{_of(balances, CHECKS)} in the ledger, {checks} in facts"
        )
        held = Counter({payment: -minor for payment, minor in _of(balances, CLEARING).items()})
        require(held == +clearing, CLEARED, f"{held} in clearing, {+clearing} of payments that are not complete")
        # A sale that the terminal undid after its payment was complete: the account has what nobody paid.
        undone = -sum(minor for minor in clearing.values() if minor < 0)
        self._accounts(balances, paid, undone)

    def _accounts(self, balances: Counter[tuple[str, str]], paid: Counter[str], undone: int) -> None:
        suspended = -_of(balances, SUSPENSE).total()
        unexpected = sum(
            fact.value_minor for fact in self._watch.facts[: self._same_until] if isinstance(fact, f.NoteUnexpected)
        )
        left = suspended - unexpected + undone
        for house in self._watch.world.households:
            owed = sum(balances[RECEIVABLE, bill.number] for bill in house.bills)
            least = min(balances[RECEIVABLE, bill.number] for bill in house.bills)
            require(least >= 0, OVERPAID, f"{house.number} is {-least} below nothing")
            placed = house.owed_minor - owed - balances[CREDIT, house.number]
            wanted = paid[house.token] + paid[f"num:{house.number}"]
            require(placed <= wanted, PLACED, f"{house.number} got {placed}, paid {wanted}")
            left -= wanted - placed
        require(left == 0, PLACED, f"{left} in suspense that nobody paid")


def _of(balances: Counter[tuple[str, str]], account: str) -> Counter[str]:
    return Counter({subject: minor for (name, subject), minor in balances.items() if name == account and minor})
