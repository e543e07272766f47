"""What every card terminal owes, whatever its protocol: one suite, run by each family against its own twin.

A family subclasses `TerminalContract` in its own test module and says how to make a bench. All of it is in virtual
time; seeds and places of a cut are parameters, so a failing case names its own.
"""

from abc import ABC, abstractmethod

import pytest

from hardware.cards.contract import (
    Acknowledge,
    BatchClosed,
    Busy,
    Cancel,
    CloseBatch,
    Connected,
    Ended,
    Lost,
    Query,
    Reversed,
    Sale,
    Show,
)
from hardware.sim.lines import Weather
from tests.protocol.terminal_bench import BACK, OUT, Bench

AMOUNT = 4_725
CUTS = range(1, 15)  # writes in one direction from the command on; a cut that is never reached is a sale that ends well
SURE = {"approved", "declined", "cancelled", "not_started", "absent"}


class TerminalContract(ABC):
    """`voids`: it can undo a sale. `keeps_line`: the terminal must be met again within two minutes of a cut."""

    voids = True

    @abstractmethod
    def bench(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        """Return a bench with a codec that is opening and a twin that is off."""

    # What the tests begin with

    def met(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        bench = self.bench(weather, seed)
        bench.twin.power_on()
        bench.until(lambda: bench.of(Connected), 300_000)
        return bench

    def sold(self, reference: str = "K1000001") -> tuple[Bench, Ended]:
        """Return a bench with one approved sale."""
        bench = self.met()
        bench.sell(reference, AMOUNT)
        end = bench.end_of(reference)
        assert end.result == "approved"
        bench.until(bench.idle)
        bench.run(1_000)
        return bench, end

    def settle(self, bench: Bench, reference: str, operation: str = "sale", of: Ended | None = None) -> str:
        """Do what the layer above does until it knows for certain; return how it ended."""
        bench.run(20_000)
        if not bench.plugged:
            bench.plug_in()
        bench.until(lambda: not bench.under_way and bench.idle(), 600_000)
        bench.run(2_000)
        end = bench.ended(reference)
        if end is None or end.result == "unknown":
            of_sale, ref = (of.reference, of.terminal_ref) if of else ("", "")
            end = bench.look_up(reference, AMOUNT, operation, of_sale, ref)
        bench.until(lambda: not bench.twin.busy(), 300_000)
        bench.run(15_000)
        return end.result

    def check_sale(self, bench: Bench, reference: str, result: str) -> None:
        """What was told must be what the terminal holds."""
        assert result in SURE
        undone = [event for event in bench.of(Reversed) if event.reference == reference]
        told = [AMOUNT] if result == "approved" and not undone else []
        assert bench.twin.standing() == told
        assert bench.twin.made() <= 1

    # Meeting

    def test_it_says_who_it_is_and_does_nothing_unasked(self) -> None:
        bench = self.met()
        assert bench.of(Connected)[0].identity.protocol
        bench.run(120_000)
        assert not bench.of(Lost)
        assert len(bench.of(Connected)) == 1
        assert bench.twin.standing() == []

    def test_nothing_is_begun_before_it_is_met(self) -> None:
        bench = self.bench()
        with pytest.raises(Busy):
            bench.do(Sale("K1000001", AMOUNT))

    def test_a_terminal_that_is_switched_off_is_lost_and_met_again(self) -> None:
        bench = self.met()
        bench.twin.power_cut()
        bench.until(lambda: bench.of(Lost), 300_000)
        bench.twin.power_on()
        bench.until(lambda: len(bench.of(Connected)) == 2, 300_000)

    # Sales

    def test_an_approved_sale_says_what_a_receipt_needs(self) -> None:
        bench, end = self.sold()
        assert (end.operation, end.amount_minor, end.found) == ("sale", AMOUNT, False)
        assert end.terminal_ref
        assert end.slip.brand
        assert len(end.slip.last4) == 4
        assert end.slip.approval
        assert bench.twin.standing() == [AMOUNT]

    @pytest.mark.parametrize(
        ("does", "result"), [("decline", "declined"), ("cancel", "cancelled"), ("walk_away", "cancelled")]
    )
    def test_a_sale_that_is_none(self, does: str, result: str) -> None:
        bench = self.met()
        bench.twin.customer(does)
        bench.sell("K1000001", AMOUNT)
        end = bench.end_of("K1000001")
        assert (end.result, end.amount_minor) == (result, 0)
        assert bench.twin.standing() == []
        bench.until(bench.idle)
        bench.run(1_000)
        bench.sell("K1000002", AMOUNT)
        assert bench.end_of("K1000002").result == "approved"

    def test_a_partial_approval_says_how_much(self) -> None:
        bench = self.met()
        bench.twin.customer("partial", part_minor=2_000)
        bench.sell("K1000001", AMOUNT)
        end = bench.end_of("K1000001")
        assert (end.result, end.amount_minor) == ("approved", 2_000)
        assert bench.twin.standing() == [2_000]

    def test_a_question_that_never_left_decides_nothing(self) -> None:
        """The line goes in the moment in which the question is given."""
        bench, sale = self.sold()
        bench.do(Query("K1000001", "sale", AMOUNT, sale.terminal_ref))
        bench.pull()
        bench.plug_in()
        bench.until(lambda: bench.ended("K1000001", found=True), 300_000)
        assert bench.of(Ended)[-1].result in ("approved", "unknown")

    def test_sales_follow_each_other(self) -> None:
        bench = self.met()
        for at in range(1, 4):
            bench.until(bench.idle)
            bench.run(500)
            bench.sell(f"K100000{at}", AMOUNT + at)
            bench.end_of(f"K100000{at}")
        assert bench.twin.standing() == [AMOUNT + at for at in range(1, 4)]
        numbers = [end.report for end in bench.of(Ended)]
        assert numbers == sorted(set(numbers))

    def test_one_thing_at_a_time(self) -> None:
        bench = self.met()
        bench.sell("K1000001", AMOUNT)
        for command in (Sale("K1000002", AMOUNT), Query("K1000001"), CloseBatch("B1000001")):
            with pytest.raises(Busy):
                bench.do(command)
        bench.acknowledging = False
        end = bench.end_of("K1000001")
        with pytest.raises(Busy):
            bench.do(Sale("K1000003", AMOUNT))
        bench.do(Acknowledge(end.report))
        bench.run(10_000)
        bench.sell("K1000004", AMOUNT)
        bench.end_of("K1000004")
        assert bench.twin.standing() == [AMOUNT, AMOUNT]

    @pytest.mark.parametrize("commit_ms", [0, 250, 2_000])
    def test_a_slow_commit_loses_nothing(self, commit_ms: int) -> None:
        bench = self.met()
        bench.ack_after_ms = commit_ms
        for reference in ("K1000001", "K1000002"):
            bench.until(bench.idle)
            bench.run(1_000)
            bench.sell(reference, AMOUNT)
            assert bench.end_of(reference).result == "approved"
            bench.run(commit_ms + 1_000)
        assert bench.twin.standing() == [AMOUNT, AMOUNT]
        assert len(bench.of(Ended)) == 2

    # Cancel

    @pytest.mark.parametrize("after_ms", [0, 100, 1_500, 4_000, 8_000])
    def test_cancel_is_a_request_and_the_end_decides(self, after_ms: int) -> None:
        bench = self.met()
        bench.sell("K1000001", AMOUNT)
        bench.run(after_ms)
        bench.do(Cancel("K1000001"))
        result = self.settle(bench, "K1000001")
        self.check_sale(bench, "K1000001", result)

    def test_cancel_while_it_waits_for_a_card_ends_it(self) -> None:
        bench = self.met()
        bench.twin.customer("walk_away")
        bench.sell("K1000001", AMOUNT)
        bench.until(bench.twin.customer_waits)
        bench.run(1_000)
        bench.do(Cancel("K1000001"))
        bench.until(lambda: bench.ended("K1000001"), 20_000)
        assert bench.end_of("K1000001").result == "cancelled"

    def test_cancel_of_nothing_is_harmless(self) -> None:
        bench = self.met()
        bench.do(Cancel("K1000009"))
        bench.run(5_000)
        bench.sell("K1000001", AMOUNT)
        bench.do(Cancel("K1000009"))
        assert bench.end_of("K1000001").result == "approved"

    # Looking for what became of it

    def test_a_sale_is_found_also_by_one_who_knows_nothing(self) -> None:
        bench, end = self.sold()
        for _ in range(2):
            found = bench.look_up("K1000001", AMOUNT, ref=end.terminal_ref)
            assert (found.result, found.found, found.amount_minor) == ("approved", True, AMOUNT)
            assert (found.reference, found.operation) == ("K1000001", "sale")
            bench.restart_host()
        assert bench.twin.standing() == [AMOUNT]

    def test_a_sale_that_never_was_is_absent(self) -> None:
        bench, _ = self.sold()
        bench.before = bench.last_ref
        end = bench.look_up("K1000002", AMOUNT)
        assert (end.result, end.found, end.amount_minor) == ("absent", True, 0)

    @pytest.mark.parametrize("when", ["card", "host", "booked"])
    @pytest.mark.parametrize("crash", [False, True])
    def test_the_terminals_power_goes_in_a_sale(self, when: str, crash: bool) -> None:
        bench = self.met()
        bench.twin.power_cut_at(when)
        bench.sell("K1000001", AMOUNT)
        bench.run(15_000)
        bench.twin.power_on()
        if crash:
            bench.restart_host()
        result = self.settle(bench, "K1000001")
        self.check_sale(bench, "K1000001", result)
        assert bench.twin.made() == (when == "booked") or result != "approved"

    def test_a_slow_host_is_waited_for(self) -> None:
        bench = self.met()
        bench.twin.customer("approve", host_ms=45_000)
        bench.sell("K1000001", AMOUNT)
        self.check_sale(bench, "K1000001", self.settle(bench, "K1000001"))

    # The plug

    @pytest.mark.parametrize("torn", [False, True])
    @pytest.mark.parametrize("crash", [False, True])
    @pytest.mark.parametrize("direction", [OUT, BACK])
    @pytest.mark.parametrize("write", CUTS)
    def test_the_plug_is_pulled_at_every_write_of_a_sale(
        self, write: int, direction: str, crash: bool, torn: bool
    ) -> None:
        bench = self.met()
        bench.run(3_000)
        bench.sell("K1000001", AMOUNT)
        bench.cut_at(direction, write, torn)
        bench.until(lambda: not bench.plugged or bench.ended("K1000001"), 400_000)
        bench.run(3_000)
        bench.spare()
        if crash:
            bench.restart_host()
        self.check_sale(bench, "K1000001", self.settle(bench, "K1000001"))

    @pytest.mark.parametrize("away_ms", [0, 2_000, 30_000])
    @pytest.mark.parametrize("crash", [False, True])
    @pytest.mark.parametrize("after_ms", [500, 2_900, 4_000, 5_010, 5_100])
    def test_the_plug_is_pulled_at_any_time_of_a_sale(self, after_ms: int, crash: bool, away_ms: int) -> None:
        bench = self.met()
        bench.sell("K1000001", AMOUNT)
        bench.run(after_ms)
        bench.pull()
        bench.run(away_ms)
        if crash:
            bench.restart_host()
        self.check_sale(bench, "K1000001", self.settle(bench, "K1000001"))

    @pytest.mark.parametrize("crash", [False, True])
    @pytest.mark.parametrize("direction", [OUT, BACK])
    @pytest.mark.parametrize("write", CUTS)
    def test_the_plug_is_pulled_at_every_write_of_a_void(self, write: int, direction: str, crash: bool) -> None:
        if not self.voids:
            pytest.skip("it cannot undo a sale")
        bench, sale = self.sold()
        bench.do(bench.void_of(sale, "V1000001"))
        bench.cut_at(direction, write)
        bench.until(lambda: not bench.plugged or bench.ended("V1000001"), 400_000)
        bench.run(3_000)
        bench.spare()
        if crash:
            bench.restart_host()
        result = self.settle(bench, "V1000001", "void", sale)
        assert result in SURE
        assert bench.twin.standing() == ([] if result == "approved" else [AMOUNT])
        assert bench.twin.made() == 1

    # Voids, batches, and the rest

    def test_a_sale_is_undone_once(self) -> None:
        if not self.voids:
            pytest.skip("it cannot undo a sale")
        bench, sale = self.sold()
        bench.do(bench.void_of(sale, "V1000001"))
        end = bench.end_of("V1000001")
        assert (end.operation, end.result, end.amount_minor) == ("void", "approved", AMOUNT)
        assert bench.twin.standing() == []
        bench.until(bench.idle)
        bench.run(1_000)
        bench.do(bench.void_of(sale, "V1000002"))
        again = bench.end_of("V1000002")
        assert again.result in ("declined", "not_started", "unknown")  # never a second time; a Query finds the first
        assert bench.twin.standing() == []

    def test_the_days_batch_is_closed(self) -> None:
        bench, _ = self.sold()
        bench.do(CloseBatch("B1000001"))
        bench.until(lambda: bench.of(BatchClosed), 400_000)
        done = bench.of(BatchClosed)[0]
        assert (done.reference, done.result) == ("B1000001", "approved")
        assert bench.twin.batches_closed() == 1
        bench.until(bench.idle)
        bench.run(1_000)
        bench.sell("K1000002", AMOUNT)
        assert bench.end_of("K1000002").result == "approved"
        assert bench.twin.standing() == [AMOUNT, AMOUNT]

    def test_two_lines_can_be_shown_and_taken_away(self) -> None:
        bench = self.met()
        bench.do(Show(("City of Example", "47.25")))
        bench.run(5_000)
        bench.do(Show())
        bench.run(5_000)
        assert not bench.of(Lost)
        bench.sell("K1000001", AMOUNT)
        assert bench.end_of("K1000001").result == "approved"

    @pytest.mark.parametrize(
        "weather",
        [
            Weather(byte_by_byte=True),
            Weather(delay_ms=60, jitter_ms=80),
            Weather(loss=0.2),
            Weather(flip=0.002),
            Weather(loss=0.05, flip=0.001, delay_ms=20, jitter_ms=50, byte_by_byte=True),
        ],
        ids=["byte by byte", "delayed", "a fifth lost", "damaged", "all of it"],
    )
    @pytest.mark.parametrize("seed", range(3))
    def test_one_sale_on_a_bad_line(self, weather: Weather, seed: int) -> None:
        bench = self.met(weather, seed)
        bench.until(bench.idle, 900_000)
        bench.sell("K1000001", AMOUNT)
        bench.until(lambda: bench.ended("K1000001"), 900_000)
        self.check_sale(bench, "K1000001", self.settle(bench, "K1000001"))
