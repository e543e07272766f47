"""Stripe: the plug is pulled at every frame of a sale and of a void, and every request may arrive late.

Goal: never two sales, never a lost approval, never an approval without money. Method: count the frames (requests and
answers) of an undisturbed run, then cut the line before each of them in turn. The host goes on with what it knows or
is started anew and knows nothing; the Query that follows is compared with the processor's books.
"""

from collections.abc import Callable
from functools import cache

import pytest

from hardware.cards.contract import (
    ABSENT,
    APPROVED,
    CANCELLED,
    DECLINED,
    NOT_STARTED,
    UNKNOWN,
    Connected,
    Ended,
    Lost,
    Query,
    Sale,
    Void,
)
from tests.protocol.stripe_bench import Bench

SALE = Sale("LK7A00000001", 5318)
NEXT = Sale("LK7A00000002", 700)
VOID = "LK7A00000003"
NO_MONEY = (ABSENT, CANCELLED, DECLINED, NOT_STARTED)
SOON_MS, LATER_MS = 3_000, 60_000  # before the line is called lost, and after


def plugged() -> Bench:
    bench = Bench().connect()
    bench.frames = 0
    return bench


def sell(bench: Bench) -> None:
    bench.machine.command(SALE)
    bench.until(lambda: bench.of(Ended))


def give_back(bench: Bench) -> None:
    bench.machine.command(Void(VOID, SALE.reference, SALE.amount_minor, bench.of(Ended)[0].terminal_ref))
    bench.until(lambda: len(bench.of(Ended)) > 1)


@cache
def frames_of(*steps: Callable[[Bench], None]) -> int:
    """Return how many frames the last step has when nothing goes wrong, with the mark that follows it."""
    bench = plugged()
    for step in steps:
        bench.frames = 0
        step(bench)
    bench.run(500)
    return bench.frames


SALE_FRAMES = range(frames_of(sell))
VOID_FRAMES = range(frames_of(sell, give_back))


def test_the_runs_have_the_frames_that_are_cut() -> None:
    assert len(SALE_FRAMES) >= 12
    assert len(VOID_FRAMES) >= 2


def cut(bench: Bench, at: int, out_ms: int, crash: bool) -> None:
    """Let the line die at a frame of what was just ordered, and come back."""
    ended = len(bench.of(Ended))
    bench.frames, bench.cut_at = 0, at
    bench.until(lambda: not bench.plugged)
    if crash:
        bench.crash()
    bench.run(out_ms)
    bench.plugged, bench.cut_at = True, None
    if crash:
        bench.connect()
    else:
        bench.until(lambda: len(bench.of(Ended)) > ended)
        bench.until(lambda: len(bench.of(Connected)) > len(bench.of(Lost)))


def agrees(bench: Bench, ended: Ended, booked: list[tuple[str, int]]) -> None:
    """What is told must be what the books hold; unknown is no answer to a query once the line is back."""
    if ended.result == APPROVED:
        assert booked == [(ended.reference, ended.amount_minor)]
    else:
        assert ended.result in NO_MONEY
        assert booked == []


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("out_ms", [SOON_MS, LATER_MS])
@pytest.mark.parametrize("at", SALE_FRAMES)
def test_a_sale_cut_at_every_frame(at: int, out_ms: int, crash: bool) -> None:
    bench = plugged()
    bench.machine.command(SALE)
    cut(bench, at, out_ms, crash)
    told = bench.of(Ended)
    if not crash and told[0].result != UNKNOWN:
        agrees(bench, told[0], bench.moved())
    found = bench.order(Query(SALE.reference))
    agrees(bench, found, bench.moved())
    before = bench.moved()
    bench.run(300_000)  # nothing moves afterwards
    assert bench.moved() == before
    bench.person = bench.account.present
    bench.connect()
    assert bench.order(NEXT).result == APPROVED
    assert bench.moved() == [*before, (NEXT.reference, NEXT.amount_minor)]
    assert sum("process_payment_intent" in call.request.path for call in bench.sent) <= 2


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("out_ms", [SOON_MS, LATER_MS])
@pytest.mark.parametrize("at", VOID_FRAMES)
def test_a_void_cut_at_every_frame(at: int, out_ms: int, crash: bool) -> None:
    bench = plugged()
    sell(bench)
    bench.run(500)
    bench.machine.command(Void(VOID, SALE.reference, SALE.amount_minor, bench.of(Ended)[0].terminal_ref))
    cut(bench, at, out_ms, crash)
    found = bench.order(Query(VOID, "void", SALE.amount_minor, of=SALE.reference))
    agrees(bench, found, bench.moved("refund"))
    assert bench.order(Query(SALE.reference)).result == APPROVED
    assert bench.moved() == [(SALE.reference, SALE.amount_minor)]


@pytest.mark.parametrize("after_ms", [5_000, 30_000, 90_000, 240_000])
@pytest.mark.parametrize(
    "request_of", ["/v1/payment_intents", "process_payment_intent", "cancel_action", "/cancel", "latest_charge"]
)
@pytest.mark.parametrize("leaves", [True, False])
def test_every_request_of_a_sale_may_be_lost_and_still_arrive(request_of: str, after_ms: int, leaves: bool) -> None:
    bench = plugged()
    if leaves:
        bench.person = bench.account.leave
    else:
        bench.person, bench.account.auto = None, "approve"
    bench.late[request_of] = after_ms
    sell(bench)
    told = bench.of(Ended)[0]
    if told.result == UNKNOWN:
        bench.until(lambda: len(bench.of(Connected)) > len(bench.of(Lost)))
        told = bench.order(Query(SALE.reference, terminal_ref=told.terminal_ref))
    bench.run(400_000)
    agrees(bench, told, bench.moved())


@pytest.mark.parametrize("kind", ["lose_request", "lose_answer", "garble", "conflict", "throttle", "fail"])
@pytest.mark.parametrize(
    "when", ["create", "process", "look", "reader", "cancel_action", "cancel_intent", "refund", "list", "mark"]
)
@pytest.mark.parametrize("count", [1, 3, 60])
def test_trouble_on_the_way_of_every_request(kind: str, when: str, count: int) -> None:
    """What is lost, cut short, in conflict, throttled or broken at the API: of a sale, a query and a void."""
    bench = plugged()
    trouble = bench.door.trouble
    trouble.when = when
    setattr(trouble, kind, count)
    sell(bench)
    setattr(trouble, kind, 0)
    told = bench.of(Ended)[0]
    bench.run(60_000)
    setattr(trouble, kind, min(count, 3))
    found = bench.order(Query(SALE.reference))
    setattr(trouble, kind, 0)
    bench.run(60_000)
    for ended in (told, found, bench.order(Query(SALE.reference))):
        if ended.result != UNKNOWN:
            agrees(bench, ended, bench.moved())
    if not bench.moved():
        return
    setattr(trouble, kind, count)
    paid = bench.account.store.intents[0]["id"]
    voided = bench.order(Void(VOID, SALE.reference, SALE.amount_minor, paid))
    setattr(trouble, kind, 0)
    bench.run(60_000)
    bench.connect()
    agrees(bench, bench.order(Query(VOID, "void", of=SALE.reference)), bench.moved("refund"))
    if voided.result != UNKNOWN:
        agrees(bench, voided, bench.moved("refund"))


def test_an_api_that_goes_while_nothing_happens_is_said_once_and_comes_back() -> None:
    bench = plugged()
    bench.plugged = False
    bench.run(600_000)
    assert bench.of(Lost) == [Lost("the payment service cannot be reached")]
    bench.plugged = True
    bench.run(20_000)
    assert len(bench.of(Connected)) == 2
