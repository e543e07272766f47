"""A ZVT terminal has stored another transaction than the one that is looked for."""

import pytest

from hardware.cards.contract import CloseBatch, Ended, Query
from hardware.sim.zvt_parts import Settings
from tests.protocol.test_zvt_codec import AMOUNT, met
from tests.protocol.zvt_bench import ZvtBench


def test_another_sale_in_between_is_never_taken_for_the_lost_one() -> None:
    bench = met()
    bench.sell("A1", AMOUNT)
    first = bench.end_of("A1")
    bench.until(bench.idle)
    bench.run(1_000)
    bench.sell("A2", AMOUNT)
    bench.end_of("A2")
    bench.until(bench.idle)
    bench.run(1_000)
    bench.do(Query("A1", "sale", AMOUNT, first.terminal_ref))
    bench.until(lambda: bench.ended("A1", found=True))
    assert bench.of(Ended)[-1].result == "unknown"


@pytest.mark.parametrize(("memory", "result"), [("kept", "absent"), ("lost", "unknown")])
def test_a_sale_older_than_the_one_before_is_never_taken_for_the_lost_one(memory: str, result: str) -> None:
    """A2 is reversed behind our back, so A1 is the last one stored; A3 was journalled and never left."""
    bench = met()
    bench.sell("A1", AMOUNT)
    bench.end_of("A1")
    bench.until(bench.idle)
    bench.run(1_000)
    bench.sell("A2", AMOUNT)
    bench.until(lambda: [end for end in bench.of(Ended) if end.reference == "A2"])
    after = bench.end_of("A2").terminal_ref
    bench.pull()
    bench.run(40_000)
    if memory == "lost":
        bench.kept = None
    bench.restart_host()
    bench.plug_in()
    bench.until(bench.idle)
    assert bench.twin.standing() == [AMOUNT]
    bench.do(Query("A3", "sale", AMOUNT, after=after))
    bench.until(lambda: bench.ended("A3", found=True))
    assert bench.of(Ended)[-1].result == result


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("memory", ["kept", "lost"])
@pytest.mark.parametrize("forgets", [True, False])
def test_an_end_of_day_that_nobody_heard_of_misleads_no_search(forgets: bool, memory: str, made: bool) -> None:
    """The process died before its answer. What is then looked for is given a mark of before it, and numbers began anew.

    The journal does not have such an end of day (kiosk/brain/batch.py): nothing wrong may be told for that.
    """
    bench = ZvtBench(Settings(close_forgets=forgets))
    bench.twin.power_on()
    bench.until(bench.idle)
    bench.sell("A1", AMOUNT)
    after = bench.end_of("A1").terminal_ref
    bench.until(bench.idle)
    bench.run(1_000)
    bench.do(CloseBatch("B1"))
    bench.until(lambda: bench.twin.batches_closed() == 1)
    bench.restart_host()
    bench.device.memory.receipts = bench.device.memory.traces = 0
    bench.until(bench.idle)
    if made:
        bench.sell("A2", AMOUNT)
        bench.end_of("A2")
        bench.until(bench.idle)
        bench.run(1_000)
    if memory == "lost":
        bench.kept = None
    bench.restart_host()
    bench.until(bench.idle)
    bench.do(Query("A2", "sale", AMOUNT, after=after))
    bench.until(lambda: bench.ended("A2", found=True))
    certain = "approved" if made else "absent"
    assert bench.of(Ended)[-1].result in ((certain,) if memory == "kept" else (certain, "unknown"))
