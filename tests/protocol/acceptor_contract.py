"""What every bill acceptor codec owes, whatever its protocol: one suite, run by each family against its own twin.

A family subclasses `AcceptorContract` in its own test module and says how to make a device, a wire, and a codec. All of
it is in virtual time; seeds are parameters, so a failing case names its own.
"""

from abc import ABC, abstractmethod
from itertools import pairwise

import pytest

from hardware.acceptors.contract import (
    Acknowledge,
    Codec,
    Connected,
    Disable,
    Enable,
    Fault,
    FaultCleared,
    Idle,
    Lost,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    NotInEscrow,
    PoweredUp,
    ReturnNote,
    StackNote,
)
from hardware.sim.acceptor import Device, Wire
from hardware.sim.control import Refused
from hardware.sim.lines import Weather
from hardware.sim.notes import MOMENTS, Place
from tests.protocol.acceptor_bench import Bench

VALUE = 2_000
SEEDS = range(4)


class AcceptorContract(ABC):
    """`channels` maps note types of twin and codec to cents; VALUE must be among them."""

    channels: dict[int, int]

    @abstractmethod
    def device(self) -> Device:
        """Return a twin's device that is off and empty."""

    @abstractmethod
    def wire(self, device: Device) -> Wire:
        """Return the twin's side of the line."""

    @abstractmethod
    def codec(self, before: Codec | None = None) -> Codec:
        """Return a new codec. It knows of `before`, the one that died, only what the driver keeps outside."""

    # What the tests begin with

    def connected(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        device = self.device()
        bench = Bench(self.codec(), device, self.wire(device), weather, seed)
        device.power_on()
        bench.until(lambda: bench.of(Connected))
        return bench

    def ready(self, weather: Weather | None = None, seed: int = 0) -> Bench:
        """Return a bench whose acceptor takes every note."""
        bench = self.connected(weather, seed)
        bench.codec.command(Enable(frozenset(self.channels)))
        bench.until(lambda: VALUE in bench.device.enabled)
        return bench

    def holding(self) -> tuple[Bench, NoteEscrowed]:
        """Return a bench with an undecided note in escrow."""
        bench = self.ready()
        bench.decide = lambda note: None
        bench.device.insert(VALUE)
        bench.until(lambda: bench.of(NoteEscrowed))
        return bench, bench.of(NoteEscrowed)[0]

    def value(self, report: NoteStacked) -> int:
        return self.channels.get(report.channel, 0)

    def told_minor(self, bench: Bench) -> int:
        """Return what the codec said was stacked, in cents; blank reports say nothing."""
        return sum(self.value(report) for report in bench.stacked())

    def kept_minor(self, bench: Bench) -> int:
        """Return what lies in the twin's cassette."""
        return sum(value * count for value, count in bench.device.body.notes.items())

    # Connecting

    def test_it_says_who_it_is_and_takes_nothing_unasked(self) -> None:
        bench = self.connected()
        identity = bench.of(Connected)[0].identity
        assert identity.protocol
        bench.run(5_000)
        assert bench.device.enabled == []
        with pytest.raises(Refused):
            bench.device.insert(VALUE)
        assert not bench.of(Lost)

    def test_idle_is_told_once_a_stretch_and_again_after_disable(self) -> None:
        bench = self.ready()
        bench.until(lambda: bench.of(Idle))
        bench.run(3_000)
        before = len(bench.of(Idle))
        bench.run(3_000)
        assert len(bench.of(Idle)) == before
        bench.codec.command(Disable())
        bench.until(lambda: len(bench.of(Idle)) == before + 1)
        assert bench.device.enabled == []

    def test_only_what_was_enabled_is_taken(self) -> None:
        bench = self.connected()
        channel = next(channel for channel, value in self.channels.items() if value == VALUE)
        other = next(value for value in self.channels.values() if value != VALUE)
        bench.codec.command(Enable(frozenset({channel})))
        bench.until(lambda: VALUE in bench.device.enabled)
        assert bench.device.enabled == [VALUE]
        bench.device.insert(other)
        bench.run(8_000)
        assert not bench.stacked()
        assert (bench.device.body.returned, self.kept_minor(bench)) == (1, 0)

    # A note

    @pytest.mark.parametrize("count", [1, 4])
    def test_each_note_is_told_once_with_its_value(self, count: int) -> None:
        bench = self.ready()
        values = sorted(self.channels.values())[:count]
        for at, value in enumerate(values, 1):
            bench.until(lambda: bench.device.enabled and not bench.device.busy)
            bench.device.insert(value)
            bench.until(lambda at=at: len(bench.stacked()) == at)
        bench.run(5_000)
        assert [self.value(report) for report in bench.stacked()] == values
        assert self.kept_minor(bench) == sum(values)
        assert not any(report.replay or report.power_up or report.recycled for report in bench.stacked())
        numbers = [report.report for report in bench.stacked()]
        assert all(before < after for before, after in pairwise(numbers))

    def test_the_device_is_not_told_before_the_report_is_durable(self) -> None:
        bench = self.ready()
        bench.acknowledging = False
        bench.device.insert(VALUE)
        bench.until(bench.stacked)
        bench.run(2_500)
        assert len(bench.stacked()) == 1
        assert bench.device.body.place is Place.STACKED_UNTOLD
        assert not bench.of(Lost)
        bench.acknowledge_all()
        bench.run(2_500)
        assert bench.device.body.place is Place.NOWHERE
        assert len(bench.stacked()) == 1

    def test_a_note_that_is_sent_back_is_told_once_and_is_no_money(self) -> None:
        bench, note = self.holding()
        bench.codec.command(ReturnNote(note.escrow))
        bench.until(lambda: bench.of(NoteReturned) or bench.of(NoteRejected))
        bench.run(5_000)
        assert len(bench.of(NoteReturned)) + len(bench.of(NoteRejected)) == 1
        assert not bench.stacked()
        assert (bench.device.body.returned, self.kept_minor(bench)) == (1, 0)

    def test_an_undecided_note_stays_a_while_and_then_goes_back(self) -> None:
        bench, _ = self.holding()
        bench.run(2_000)
        assert bench.device.body.place is Place.ESCROW
        bench.until(lambda: bench.device.body.returned == 1, 15_000)
        bench.run(3_000)
        assert self.kept_minor(bench) == 0
        assert not bench.stacked()

    def test_a_decision_late_in_the_hold_is_still_obeyed(self) -> None:
        bench, note = self.holding()
        bench.run(3_500)
        bench.codec.command(StackNote(note.escrow))
        bench.until(bench.stacked)
        assert self.kept_minor(bench) == VALUE

    def test_a_decision_about_another_note_or_after_the_first_is_refused(self) -> None:
        bench, note = self.holding()
        for number in (note.escrow + 1, note.escrow - 1):
            with pytest.raises(NotInEscrow):
                bench.codec.command(StackNote(number))
        bench.codec.command(ReturnNote(note.escrow))
        with pytest.raises(NotInEscrow):
            bench.codec.command(StackNote(note.escrow))
        bench.until(lambda: bench.device.body.returned == 1)
        bench.run(2_000)
        with pytest.raises(NotInEscrow):
            bench.codec.command(StackNote(note.escrow))
        assert self.kept_minor(bench) == 0

    def test_notes_have_different_numbers(self) -> None:
        bench = self.ready()
        for count in (1, 2, 3):
            bench.until(lambda: bench.device.enabled and not bench.device.busy)
            bench.device.insert(VALUE)
            bench.until(lambda count=count: len(bench.stacked()) == count)
        assert len({note.escrow for note in bench.of(NoteEscrowed)}) == 3

    def test_a_note_that_cannot_be_read_is_no_money(self) -> None:
        bench = self.ready()
        bench.device.insert(0)
        bench.run(8_000)
        assert not bench.stacked()
        assert not [note for note in bench.of(NoteEscrowed) if note.channel]
        assert bench.device.body.returned == 1

    def test_a_note_refused_after_the_stack_command_is_no_money(self) -> None:
        bench = self.ready()
        bench.device.arm("reject", "stacking")
        bench.device.insert(VALUE)
        bench.until(lambda: bench.of(NoteRejected) or bench.of(NoteReturned))
        bench.run(3_000)
        assert not bench.stacked()
        assert (bench.device.body.returned, self.kept_minor(bench)) == (1, 0)

    # Faults

    @pytest.mark.parametrize("moment", ["accepting", "stacking"])
    def test_a_jam_is_a_fault_and_no_money_until_it_is_cleared(self, moment: str) -> None:
        bench = self.ready()
        bench.device.arm("jam", moment)
        bench.device.insert(VALUE)
        bench.until(lambda: [fault for fault in bench.of(Fault) if fault.code == "jammed"])
        bench.run(2_000)
        assert not bench.stacked()
        bench.device.clear()
        bench.until(lambda: [fault for fault in bench.of(FaultCleared) if fault.code == "jammed"])
        bench.run(3_000)
        assert self.told_minor(bench) == self.kept_minor(bench) == 0

    def test_a_removed_cassette_is_a_fault_until_it_is_back(self) -> None:
        bench = self.ready()
        bench.device.cassette_out()
        bench.until(lambda: [fault for fault in bench.of(Fault) if fault.code == "cassette_removed"])
        assert bench.device.enabled == []
        bench.device.cassette_in()
        bench.until(lambda: [fault for fault in bench.of(FaultCleared) if fault.code == "cassette_removed"])
        bench.run(3_000)
        assert not bench.stacked()

    def test_a_full_cassette_is_a_fault(self) -> None:
        bench = self.ready()
        bench.device.fill()
        bench.until(lambda: [fault for fault in bench.of(Fault) if fault.code == "cassette_full"])
        assert bench.device.enabled == []

    # Interruptions

    def test_a_dead_device_is_lost_and_found_again(self) -> None:
        bench = self.ready()
        bench.device.power_cut()
        bench.until(lambda: bench.of(Lost), 15_000)
        bench.device.power_on()
        bench.plug_in()  # what the driver does after Lost
        bench.events.clear()
        bench.until(lambda: bench.of(Connected))
        assert bench.device.enabled == []  # nobody asked since

    @pytest.mark.parametrize("cable", [False, True])
    def test_a_device_that_speaks_again_after_minutes_has_as_long_as_any_other_to_get_ready(self, cable: bool) -> None:
        """Behind an adapter that stayed, so that nobody opened the line again."""
        bench = self.ready()
        bench.pull() if cable else bench.device.power_cut()
        bench.until(lambda: bench.of(Lost), 15_000)
        bench.run(150_000)
        bench.events.clear()
        bench.mend() if cable else bench.device.power_on()
        bench.until(lambda: bench.of(Connected), 60_000)
        assert not bench.of(Lost)

    @pytest.mark.parametrize("off_ms", [300, 8_000])
    @pytest.mark.parametrize("moment", MOMENTS)
    def test_a_power_cut_loses_and_invents_nothing(self, moment: str, off_ms: int) -> None:
        bench = self._moving(moment, "power_cut")
        bench.run(off_ms)
        bench.device.power_on()
        bench.plug_in()
        bench.until(lambda: bench.of(PoweredUp) or bench.of(Connected))
        bench.run(30_000)
        assert self.told_minor(bench) in (0, self.kept_minor(bench))
        assert len(bench.of(NoteStacked)) <= 2  # with the blank one of a self-test
        notes = [report for report in bench.of(NoteStacked) if not report.self_test]
        assert len(notes) <= bench.device.body.notes.total(), "a report that is no self-test is a note"
        self._all_settled(bench)

    @pytest.mark.parametrize("away_ms", [200, 3_000, 20_000])
    @pytest.mark.parametrize("moment", MOMENTS)
    def test_a_pulled_cable_loses_and_invents_nothing(self, moment: str, away_ms: int) -> None:
        bench = self._moving(moment, "")
        bench.pull()
        bench.run(away_ms)
        bench.plug_in()
        bench.until(lambda: bench.of(Connected))
        bench.run(30_000)
        assert self.told_minor(bench) == self.kept_minor(bench)
        self._all_settled(bench)

    @pytest.mark.parametrize("moment", MOMENTS)
    def test_a_host_that_starts_anew_hears_of_what_was_not_acknowledged(self, moment: str) -> None:
        bench = self._moving(moment, "")
        known = self.told_minor(bench)
        bench.restart_host(self.codec(bench.codec))
        bench.until(lambda: bench.of(Connected))
        bench.run(30_000)
        again = [report for report in bench.stacked() if known]
        assert all(report.replay or report.power_up for report in again)
        assert self.told_minor(bench) + (0 if again else known) == self.kept_minor(bench)
        self._all_settled(bench)

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize(
        "weather", [Weather(loss=0.1), Weather(flip=0.003), Weather(byte_by_byte=True), Weather(loss=0.05, jitter_ms=8)]
    )
    def test_a_bad_line_loses_and_invents_nothing(self, weather: Weather, seed: int) -> None:
        bench = self.ready(weather, seed)
        for count in range(1, 7):
            bench.until(lambda: bench.device.enabled and not bench.device.busy)
            bench.device.insert(VALUE)
            bench.until(lambda count=count: bench.device.body.returned + self.kept_minor(bench) // VALUE == count)
            bench.run(1_500)
            if bench.of(Lost):  # what the layers above do
                bench.events = [event for event in bench.events if not isinstance(event, Lost)]
                bench.plug_in()
                before = len(bench.of(Connected))
                bench.until(lambda before=before: len(bench.of(Connected)) > before)
            bench.codec.command(Enable(frozenset(self.channels)))
        bench.run(10_000)
        assert self.told_minor(bench) == self.kept_minor(bench)

    def _moving(self, moment: str, act: str) -> Bench:
        """Return a bench with a note that has come to `moment`, where `act` (power_cut or nothing) befalls it."""
        bench = self.ready()
        if moment == "returning":
            bench.decide = lambda note: bench.codec.command(ReturnNote(note.escrow))
        elif moment == "escrow":
            bench.decide = lambda note: None
        if act:
            bench.device.arm(act, moment)
        bench.device.insert(VALUE)
        places = {
            "accepting": Place.ACCEPTING,
            "escrow": Place.ESCROW,
            "stacking": Place.STACKING,
            "before_stacked": Place.STACKED_UNTOLD,
            "returning": Place.RETURNING,
        }
        if act:
            bench.until(lambda: not bench.device.powered)
        else:
            bench.until(lambda: bench.device.body.place is places[moment])
        return bench

    def _all_settled(self, bench: Bench) -> None:
        """The note is in the cassette or was handed back; one that still waits is held for a decision."""
        for event in bench.of(NoteStacked):
            bench.codec.command(Acknowledge(event.report))
        held = bench.device.body.place in (Place.ESCROW, Place.STACKED_UNTOLD)
        assert bench.device.body.returned + bench.device.body.notes.total() + held >= 1
        assert bench.device.body.returned + bench.device.body.notes.total() <= 1
