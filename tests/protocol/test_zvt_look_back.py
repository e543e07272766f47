"""A ZVT terminal has stored another transaction than the one that is looked for."""

import pytest

from hardware.cards.contract import Ended, Query
from tests.protocol.test_zvt_codec import AMOUNT, met


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
