"""A command whose acknowledge byte was lost is said again: a terminal that heard it may be busy with it."""

import pytest

from hardware.cards.contract import BatchClosed, CloseBatch, Ended, Sale
from hardware.sim.zvt_parts import Settings
from hardware.sim.zvt_wire import message, seal
from tests.protocol.test_zvt_codec import AMOUNT, met


@pytest.mark.parametrize("times", [1, 2])
def test_busy_with_a_command_that_was_said_twice_is_no_refusal_of_it(times: int) -> None:
    """It heard the first one, whose acknowledge byte was lost, and refuses the second because it works."""
    bench = met(Settings(serial=True))
    bench.run(3_000)  # its opening is over
    bench.codec.command(CloseBatch("B1"))
    assert message(0x0650, b"\x00\x00\x00") in bench.codec.tick(bench.now_ms)[0]
    if times == 2:
        bench.codec.tick(bench.now_ms + 5_100)
    events = bench.codec.feed(seal(message(0x84A0, b"")), bench.now_ms + 6_000)
    results = [event.result for event in events if isinstance(event, BatchClosed)]
    assert results == ["declined" if times == 1 else "unknown"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_sale_that_was_said_twice_is_not_believed_to_be_refused(times: int) -> None:
    bench = met(Settings(serial=True))
    bench.codec.command(Sale("A1", AMOUNT))
    bench.codec.tick(bench.now_ms)
    if times == 2:
        bench.codec.tick(bench.now_ms + 5_100)
    events = bench.codec.feed(seal(message(0x84A0, b"")), bench.now_ms + 6_000)
    ends = [event.result for event in events if isinstance(event, Ended)]
    assert ends == ["not_started" if times == 1 else "unknown"]
