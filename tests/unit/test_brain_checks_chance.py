"""A street of people who do anything with a check: none is lost, doubled or invented."""

from typing import Any

from hypothesis import given
from hypothesis import settings as depth
from hypothesis import strategies as st

from kiosk.brain import events
from kiosk.domain import tenders as t
from kiosk.domain.facts import PaymentCompleted
from tests.unit.check_world import CheckWorld

STEPS = st.one_of(
    st.tuples(st.just("touch"), st.sampled_from(("pay_check", "check_in", "cancel_check", "submit", "start_over"))),
    st.tuples(st.just("key"), st.sampled_from("01239")),
    st.tuples(st.just("type"), st.sampled_from((0, 100, 2000, 3318, 5318, 5319))),
    st.tuples(st.just("feed"), st.sampled_from(("1", "2", "3"))),
    st.tuples(st.just("note"), st.sampled_from((1000, 2000))),
    st.tuples(st.just("do"), st.sampled_from(("scan", "lost", "back", "idle", "restart", "out", "in", "acceptor"))),
)


def _do(world: CheckWorld, name: str) -> None:
    match name:
        case "scan":
            world.tell(events.AcceptorIdle)
            if world.state.scene.stage in ("attract", "done"):
                world.touch("done")
                world.to_check()
        case "lost":
            world.tell(events.CheckReaderLost, reason="line_lost")
        case "back":
            world.tell(events.CheckReaderConnected, detail="")
        case "idle":
            world.fire("idle")
            for _ in range(46):
                world.fire("idle_tick")
        case "restart":
            world.restart()
            world.boot()
        case "out":
            world.tell(events.AcceptorFault, code="cassette_removed", detail="")
        case "in":
            world.tell(events.AcceptorFaultCleared, code="cassette_removed")
        case "acceptor":
            world.tell(events.AcceptorIdle)


@depth(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_whatever_is_done_no_check_is_lost_doubled_or_invented(steps: list[tuple[str, Any]]) -> None:
    world = CheckWorld().boot()
    world.to_check()
    for name, value in steps:
        match name:
            case "touch":
                world.touch(value)
            case "key":
                world.touch("key", value)
            case "note":
                world.touch("pay_cash")
                world.insert(value)
            case "type" | "feed":
                getattr(world, name)(value)
            case "do":
                _do(world, value)
    world.restart()
    awaited = {fact.check_id: fact for fact in world.of(t.CheckAwaited)}
    taken = world.of(t.CheckTaken)
    assert len({fact.check_id for fact in taken}) == len(taken)
    for fact in taken:
        memo = awaited[fact.check_id]
        assert (memo.amount_minor, memo.number, memo.payment_id) == (fact.amount_minor, fact.number, fact.payment_id)
    paid = [check for done in world.of(PaymentCompleted) for check in done.checks]
    assert sorted(check.check_id for check in paid) == sorted(fact.check_id for fact in taken)
    assert sum(check.amount_minor for check in paid) == world.state.books.check_minor
    for done in world.of(PaymentCompleted):
        assert sum(line.amount_minor for line in done.lines) == done.total_minor
    assert all(fact.amount_minor <= 5318 for fact in taken)
