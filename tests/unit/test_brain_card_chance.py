"""Goal: no order of touches, notes, card results, losses, timers and restarts loses, invents or doubles a cent.

Method: as in test_brain_chance.py, with a terminal beside the acceptor that keeps count of what it really took, tells
it, forgets to tell it, or tells it again. At the end the books equal the cassette and the terminal's own batch.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.brain import events
from kiosk.brain.commands import CloseCardBatch, Command, FindCard
from kiosk.brain.health import TIMERS
from kiosk.brain.state import State
from kiosk.domain import facts as f
from kiosk.domain import tenders as t
from tests.unit import test_brain_chance as cash
from tests.unit.card_world import SERVICE_FEE, CardWorld, card_settings

WAYS_ON = ("keep_partial", "refuse_partial", "cancel_card", "pay_card", "pay_cash", "stop", "confirm", "done")
RESULTS = ("approved", "approved", "approved", "partial", "declined", "cancelled", "not_started")


class Lobby(cash.Street, CardWorld):
    """Acceptor and terminal. `asked` is the question about a transaction that is not answered yet, `closing` the day
    end that the terminal is at: its time has come since morning."""

    def __init__(self, fee: bool) -> None:
        self.asked: FindCard | None = None
        self.closing = ""
        self.away = False
        super().__init__()
        self.state = State(replace(card_settings(*([SERVICE_FEE] if fee else [])), batch_at="04:00"))

    def tell(self, kind: type[events.Event], **values: Any) -> list[Command]:
        orders = super().tell(kind, **values)
        for order in orders:
            if isinstance(order, FindCard):
                self.asked = order
            if isinstance(order, CloseCardBatch):
                assert self.now is None, "a day end while the terminal takes a card"
                assert self.state.books.attempt is None, "a day end before a lost sale was looked for"
                self.closing = order.reference
        return orders

    def batch_ends(self) -> None:
        if self.closing and not self.away:
            self.report += 1
            result = ("approved", "declined", "unknown")[self.report % 3]
            values = {"count": 1, "total_minor": 1, "reason": ""}
            self.tell(events.BatchEnded, report=self.report, reference=self.closing, result=result, **values)
            self.closing = ""

    def cut(self) -> None:
        self.asked = None
        super().cut()
        if not self.away:
            self.meet()

    def card(self, how: tuple[str, bool]) -> None:
        """The transaction ends at the terminal; it is told, or its answer is lost."""
        result, told = how
        if self.now is None:
            return
        partial = result == "partial" and self.now.operation == "sale"
        amount_minor = max(1, self.now.amount_minor // 2) if partial else None
        taken = self.decide_at_terminal("approved" if result == "partial" else result, amount_minor)
        if told and not self.away:
            self.obey(list(self.report_card(taken)))

    def tell_again(self) -> None:
        """The newest end is told once more, or at last."""
        ended = [taken for taken in self.till.values() if taken.result]
        if ended and not self.away:
            self.obey(list(self.report_card(ended[-1])))

    def garbled(self) -> None:
        if self.now is not None and not self.away:
            self.obey(list(self.report_card(self.now, "unknown")))

    def reply(self) -> None:
        order, self.asked = self.asked, None
        if order is not None and not self.away:
            self.obey(list(self.answer(order)))

    def lose_terminal(self) -> None:
        self.away = True
        self.obey(list(self.tell(events.TerminalLost, reason="line")))

    def find_terminal(self) -> None:
        self.away = False
        self.obey(list(self.meet()))

    def settle_all(self) -> None:
        """The power comes back, the terminal gives up what it did not decide, and is asked."""
        self.arrive()
        self.cut()
        if self.moving:
            self.arrive()
        if self.now is not None:
            self.decide_at_terminal("cancelled")
        self.find_terminal()
        self.reply()


CARD_STEPS = st.one_of(
    st.tuples(st.just("pay_by_card"), st.none()),
    st.tuples(st.just("card"), st.tuples(st.sampled_from(RESULTS), st.booleans())),
    st.tuples(st.just("card"), st.tuples(st.sampled_from(RESULTS), st.just(True))),
    st.tuples(
        st.sampled_from(("tell_again", "garbled", "reply", "lose_terminal", "find_terminal", "batch_ends")), st.none()
    ),
    st.tuples(st.just("touch"), st.sampled_from(("keep_partial", "refuse_partial", "cancel_card", "pay_card", "stop"))),
    st.tuples(st.just("fire"), st.sampled_from(("card", "card_look"))),
)
STEPS = st.one_of(cash.STEPS, CARD_STEPS, CARD_STEPS)


def play(lobby: Lobby, name: str, value: Any) -> None:
    if name == "pay_by_card":
        for touch in ("pay_full", "pay_card", "agree_fee"):
            lobby.obey(list(lobby.touch(touch)))
        if lobby.state.scene.request and lobby.stage == "card":
            lobby.tell(events.HeadChecked, request=lobby.state.scene.request, result="same")
    elif name == "card":
        lobby.card(value)
    elif name in ("tell_again", "garbled", "reply", "lose_terminal", "find_terminal", "batch_ends"):
        getattr(lobby, name)()
    else:
        cash.play(lobby, name, value)


def heard_minor(lobby: Lobby) -> int:
    approved = sum(fact.amount_minor for fact in lobby.of(t.CardSaleApproved))
    return approved - sum(fact.amount_minor for fact in lobby.of(t.CardSaleVoided))


def check_all(fee: bool, steps: list[tuple[str, Any]]) -> None:
    lobby = Lobby(fee)
    lobby.boot()
    for name, value in steps:
        play(lobby, name, value)
        assert lobby.state.books.cash_minor == lobby.cassette
        assert lobby.state.books.card_minor == heard_minor(lobby)
        if lobby.stage == "card":
            waits = lobby.state.books.attempt is not None or lobby.state.scene.request
            assert waits, "a page that waits for nothing"
    lobby.settle_all()
    assert lobby.stage == "attract"
    books = lobby.state.books
    assert (books.attempt, books.late) == (None, None)
    assert books.cash_minor == lobby.cassette
    assert books.card_minor == lobby.taken_minor, "an approval was lost, or doubled"
    references = [fact.reference for fact in lobby.of(t.CardSaleApproved)]
    assert len(references) == len(set(references)), "an approval was booked twice"
    done = lobby.of(f.PaymentCompleted)
    stacked = sum(fact.value_minor for fact in lobby.of(f.NoteStacked))
    assert stacked + books.card_minor == sum(fact.total_minor + fact.fee_minor for fact in done)
    assert books.payment is None or not books.payment.holds_money, "a boot closes every payment with money in it"
    listed = [card.reference for fact in done for card in fact.cards]
    assert len(listed) == len(set(listed)), "a card is evidence of two payments"
    numbers = [fact.receipt_number for fact in done]
    assert numbers == [f"RB-07-1-{at + 1:06d}" for at in range(len(numbers))], "receipt numbers have a gap"


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.lists(STEPS, max_size=60))
def test_books_equal_cassette_and_batch_whatever_happens(fee: bool, steps: list[tuple[str, Any]]) -> None:
    check_all(fee, steps)


def likely(chance: random.Random) -> tuple[str, Any]:
    """Return a step as a lobby would see it: more often one that leads somewhere."""
    kinds: tuple[tuple[int, Callable[[], tuple[str, Any]]], ...] = (
        (12, lambda: ("pay_by_card", None)),
        (18, lambda: ("card", (chance.choice(RESULTS), chance.random() < 0.7))),
        (8, lambda: (chance.choice(("tell_again", "garbled", "reply", "lose_terminal")), None)),
        (5, lambda: ("find_terminal", None)),
        (3, lambda: ("fire", "batch")),
        (3, lambda: ("batch_ends", None)),
        (13, lambda: ("touch", chance.choice(WAYS_ON))),
        (5, lambda: ("fire", chance.choice(("card", "card_look")))),
        (10, lambda: ("scan", chance.randint(1, 20000))),
        (9, lambda: ("feed", chance.choice(cash.NOTES))),
        (6, lambda: ("arrive", None)),
        (4, lambda: ("idle", None)),
        (2, lambda: ("cut", None)),
        (3, lambda: ("fire", chance.choice(sorted(set(TIMERS) - {"note_open"})))),
        (2, lambda: ("printer", chance.choice(("lost", "ready")))),
        (2, lambda: ("screen", chance.choice(("lost", "ready", "ready")))),
        (2, lambda: ("online", chance.random() < 0.5)),
        (4, lambda: ("pay", None)),
    )
    (_, step), *_ = chance.choices(kinds, [weight for weight, _ in kinds])
    return step()


@pytest.mark.parametrize("block", range(4))
def test_long_days_in_the_lobby(block: int) -> None:
    """A hundred worlds of 120 likely steps each; what fails names its seed."""
    for seed in range(100 * block, 100 * (block + 1)):
        chance = random.Random(seed)
        print("seed", seed)
        check_all(chance.random() < 0.5, [likely(chance) for _ in range(120)])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(CARD_STEPS, st.tuples(st.just("scan"), st.integers(100, 20000))), max_size=30))
def test_a_sale_is_never_sent_while_the_end_of_another_is_not_known(steps: list[tuple[str, Any]]) -> None:
    """`CardWorld.tell` asserts that no reference is sent twice; here, that no second one is at the terminal."""
    lobby = Lobby(fee=True)
    lobby.boot()
    for name, value in steps:
        play(lobby, name, value)
        assert sum(not taken.result for taken in lobby.till.values()) <= 1
