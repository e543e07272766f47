"""Staff end the search for a lost card transaction: cards are taken again, and what is told later still counts."""

import pytest

from kiosk.brain import events
from kiosk.brain.limits import card_trouble
from kiosk.domain import tenders as t
from tests.unit.card_world import CardWorld, FindCard, paid


@pytest.fixture
def world() -> CardWorld:
    """A sale is looked for, its holder is gone, and staff are at the page of cards."""
    world = CardWorld().boot()
    world.to_card()
    world.decide_at_terminal("approved")
    world.tell(events.TerminalLost, reason="line")
    world.fire("card_look")
    world.touch("done")
    world.tell(events.AcceptorIdle)
    return world


def to_cards(world: CardWorld) -> None:
    world.touch("staff")
    for digit in "2468":
        world.touch("key", digit)
    world.touch("submit")
    world.tell(events.PinChecked, request=world.state.scene.request, who="Dana")
    world.touch("staff_cards")


def test_cards_are_taken_again_and_no_money_is_booked(world: CardWorld) -> None:
    to_cards(world)
    search = world.picture.staff.search if world.picture.staff else None
    assert search is not None
    assert (search.operation, search.reference, search.amount_minor) == ("sale", "RB0701000001", 5318)
    world.touch("staff_search")
    world.touch("confirm")
    assert [(e.reference, e.by) for e in world.of(t.CardSearchEnded)] == [("RB0701000001", "Dana")]
    assert (world.stage, world.state.scene.notice) == ("staff_cards", "search_ended")
    world.tell(events.TerminalConnected, terminal="OTHER99", detail="twin")
    assert world.ordered(FindCard) == []
    assert not card_trouble(world.state)
    assert world.state.books.card_minor == 0


def test_what_the_old_terminal_tells_after_all_counts(world: CardWorld) -> None:
    to_cards(world)
    world.touch("staff_search")
    world.touch("confirm")
    world.touch("sign_out")
    world.meet()
    world.report_card(next(iter(world.till.values())))
    assert paid(world).total_minor == 5318
    assert world.state.books.card_minor == 5318


def test_going_back_goes_on_looking(world: CardWorld) -> None:
    to_cards(world)
    world.touch("staff_search")
    world.touch("back")
    world.touch("sign_out")
    world.meet()
    assert len(world.ordered(FindCard)) == 1
    assert world.of(t.CardSearchEnded) == []


def test_an_end_that_comes_while_staff_read_is_not_given_up(world: CardWorld) -> None:
    to_cards(world)
    world.touch("staff_search")
    world.meet()
    world.answer(world.ordered(FindCard)[-1])
    assert world.state.books.card_minor == 5318
    world.touch("confirm")
    assert world.of(t.CardSearchEnded) == []
    assert world.stage == "staff_cards"


def test_nothing_is_offered_when_nothing_is_looked_for() -> None:
    world = CardWorld().boot()
    to_cards(world)
    assert world.picture.staff is not None
    assert world.picture.staff.search is None
    world.touch("staff_search")
    assert world.stage == "staff_cards"


def test_a_service_answers_through_any_of_its_readers(world: CardWorld) -> None:
    world.tell(events.TerminalConnected, terminal="tmr_2", detail="twin", central=True)
    world.answer(world.ordered(FindCard)[-1])
    assert paid(world).total_minor == 5318


def given_up_void() -> CardWorld:
    """The void of a partial approval was lost, and staff ended the search for it."""
    world = CardWorld().boot()
    world.to_card()
    world.end("approved", 1000)
    world.touch("refuse_partial")
    world.tell(events.TerminalLost, reason="line")
    world.fire("card_look")
    world.touch("done")
    world.tell(events.AcceptorIdle)
    to_cards(world)
    world.touch("staff_search")
    world.touch("confirm")
    world.touch("sign_out")
    world.meet()
    return world


def test_a_void_that_failed_after_all_brings_its_sale_back() -> None:
    world = given_up_void()
    world.decide_at_terminal("declined")
    world.report_card(list(world.till.values())[-1])
    assert len(world.of(t.VoidEnded)) == 1
    assert (paid(world).total_minor, world.state.books.card_minor) == (1000, 1000)


@pytest.mark.parametrize("result", ["approved", "declined"])
def test_its_end_disturbs_nobody_whose_card_is_asked_for(result: str) -> None:
    world = given_up_void()
    void = world.decide_at_terminal(result)
    world.to_card()
    mine = world.state.books.attempt
    world.report_card(void)
    assert world.state.books.attempt == mine
    assert world.stage == "card"
    assert world.state.scene.card_phase == "asking"
    world.end("approved")
    world.tell(events.AcceptorIdle)
    assert world.state.books.card_minor == world.taken_minor


def test_a_sale_that_was_never_made_is_told_later() -> None:
    world = CardWorld().boot()
    world.to_card()
    world.decide_at_terminal("declined")
    world.tell(events.TerminalLost, reason="line")
    world.fire("card_look")
    world.touch("done")
    world.tell(events.AcceptorIdle)
    to_cards(world)
    world.touch("staff_search")
    world.touch("confirm")
    world.touch("sign_out")
    world.meet()
    world.report_card(next(iter(world.till.values())), found=True)
    assert [ended.result for ended in world.of(t.CardSaleEnded)] == ["declined"]
    assert world.state.books.declines == 0
    assert not card_trouble(world.state)
