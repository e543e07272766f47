"""Stripe as a card terminal: the suite of all terminals, with each habit that the public pages leave open."""

from hardware.cards.contract import BatchClosed, CloseBatch
from hardware.sim.lines import Weather
from hardware.sim.stripe_account import Settings
from tests.protocol.stripe_line import stripe_bench
from tests.protocol.terminal_bench import Bench
from tests.protocol.terminal_contract import TerminalContract


class TestReader(TerminalContract):
    def bench(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        return stripe_bench(Settings(), weather, seed)

    def test_the_days_batch_is_closed(self) -> None:
        """The processor does it by itself: there is nothing to close, and it is said to be closed."""
        bench, _ = self.sold()
        bench.do(CloseBatch("B1000001"))
        bench.until(lambda: bench.of(BatchClosed))
        assert bench.of(BatchClosed)[0].result == "approved"
        bench.run(1_000)
        bench.sell("K1000002")
        assert bench.end_of("K1000002").result == "approved"


class TestReaderWithOtherHabits(TestReader):
    def bench(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        settings = Settings(
            error_status=409, cancel_while_authorising=True, cancelled_action="failed", shows_processing=False
        )
        return stripe_bench(settings, weather, seed)
