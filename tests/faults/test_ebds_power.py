"""The power of the acceptor fails at every step of a note: what the host is told must settle the open request.

The table is section 10 of the protocol sheet; the host here is the journal's rule in small.
"""

import json
from pathlib import Path

import pytest

from hardware.acceptors.contract import (
    Connected,
    Enable,
    Fault,
    FaultCleared,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    PoweredUp,
    ReturnNote,
    StackNote,
)
from hardware.sim.control import Refused
from hardware.sim.ebds_device import Acceptor
from hardware.sim.ebds_parts import Settings
from hardware.sim.notes import MOMENTS, Body, Place
from tests.protocol.ebds_bench import ALL, Bench

ROW = {  # moment of the cut to the events from power-up on, MEI-SC policy A
    "accepting": ["PoweredUp", "NoteRejected", "NoteStacked"],
    "escrow": ["PoweredUp", "NoteEscrowed", "NoteReturned", "NoteStacked"],
    "stacking": ["PoweredUp", "NoteStacked"],
    "before_stacked": ["PoweredUp", "NoteStacked"],
    "returning": ["PoweredUp", "NoteRejected"],
}
NOTE = (PoweredUp, NoteEscrowed, NoteReturned, NoteRejected, NoteStacked)


class Journal:
    """One open request, settled by the rule of the architecture: credited, returned or in doubt, once."""

    def __init__(self, bench: Bench, give_back: bool = False) -> None:
        self.bench = bench
        self.open = ""
        self.outcomes: list[str] = []
        self._give_back = give_back
        bench.decide = self.decide

    def decide(self, note: NoteEscrowed) -> None:
        if self._give_back or note.channel == 0 or self.open:
            self.bench.codec.command(ReturnNote(note.escrow))
        else:
            self.open = str(note.channel)
            self.bench.codec.command(StackNote(note.escrow))

    def settle(self) -> None:
        """Fold what was reported into outcomes."""
        for event in self.bench.events:
            if isinstance(event, NoteStacked) and self.open:
                blank_counts = event.power_up and event.clean
                self.outcomes.append(
                    f"credit {event.channel or self.open}" if event.channel or blank_counts else "doubt"
                )
                self.open = ""
            elif isinstance(event, (NoteReturned, NoteRejected)) and self.open:
                self.outcomes.append("returned")
                self.open = ""
        self.bench.events.clear()


def ready(bench: Bench) -> Bench:
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected))
    bench.codec.command(Enable(ALL))
    bench.until(lambda: bench.device.enabled)
    bench.run(500)
    bench.events.clear()
    return bench


def cut_and_restart(bench: Bench, moment: str, value: int = 2000, off_ms: int = 2_000) -> None:
    """Cut by itself at `moment`, stay dark for `off_ms`, start again and wait until it is connected."""
    bench.device.arm("power_cut", moment)
    bench.device.insert(value)
    bench.until(lambda: not bench.device.powered)
    bench.run(off_ms)
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected))
    bench.run(1_000)


@pytest.mark.parametrize("off_ms", [500, 20_000])
@pytest.mark.parametrize("moment", MOMENTS)
def test_each_row_of_the_table(moment: str, off_ms: int) -> None:
    bench = ready(Bench())
    journal = Journal(bench, give_back=moment in ("returning", "escrow"))
    cut_and_restart(bench, moment, off_ms=off_ms)
    events = [event for event in bench.events if isinstance(event, NOTE)]
    kinds = [type(event).__name__ for event in events]
    assert kinds[kinds.index("PoweredUp") :] == ROW[moment]
    after = events[kinds.index("PoweredUp") + 1 :]
    assert all(event.power_up for event in after if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)))
    assert [event.channel for event in after if isinstance(event, (NoteStacked, NoteEscrowed))] == [0] * sum(
        isinstance(event, (NoteStacked, NoteEscrowed)) for event in after
    )
    clean = [event.clean for event in after if isinstance(event, NoteStacked)]
    assert clean in ([], [moment in ("stacking", "before_stacked")])
    assert bench.device.body.place is Place.NOWHERE
    assert bench.device.body.notes.total() + bench.device.body.returned == 1
    journal.settle()
    assert not journal.open


@pytest.mark.parametrize("policy", ["A", "B", "C"])
@pytest.mark.parametrize("moment", ["stacking", "before_stacked"])
def test_an_ordered_note_is_credited_once(policy: str, moment: str) -> None:
    bench = ready(Bench(Settings(policy=policy)))
    journal = Journal(bench)
    cut_and_restart(bench, moment)
    journal.settle()
    assert journal.outcomes == ["credit 5"]
    assert bench.device.body.notes == {2000: 1}


@pytest.mark.parametrize("policy", ["B", "C"])
def test_without_policy_a_a_note_in_escrow_needs_an_operator(policy: str) -> None:
    bench = ready(Bench(Settings(policy=policy)))
    bench.decide = lambda note: None
    bench.device.arm("power_cut", "escrow")
    bench.device.insert(2000)
    bench.until(lambda: not bench.device.powered)
    bench.device.power_on()
    bench.until(lambda: Fault("failure") in bench.events)
    bench.device.clear()
    bench.until(lambda: bench.of(Connected))
    assert FaultCleared("failure") in bench.events
    assert bench.device.body.returned == 1


@pytest.mark.parametrize("profile", ["mei-s2k", "pyramid"])
@pytest.mark.parametrize("reported", ["returned", "rejected"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_device_without_policies_gives_back_what_is_not_stacked(profile: str, reported: str, moment: str) -> None:
    bench = ready(Bench(Settings(profile=profile, given_back_as=reported)))
    journal = Journal(bench, give_back=moment == "returning")
    cut_and_restart(bench, moment)
    assert not [note for note in bench.of(NoteStacked) if not note.channel]
    journal.settle()
    if moment == "stacking":
        assert journal.outcomes == ["returned"]
    if moment == "before_stacked":  # nothing public says otherwise: the request stays open, for the clerk
        assert journal.outcomes == []
        assert journal.open
        assert bench.device.body.notes == {2000: 1}
    else:
        assert bench.device.body.returned == 1


def test_a_lost_report_and_then_a_power_cut_is_still_one_credit() -> None:
    bench = ready(Bench())
    journal = Journal(bench)
    bench.wire.trouble.drop, bench.wire.trouble.when = 99, "stacked"
    bench.device.insert(2000)
    bench.until(lambda: bench.wire.trouble.drop < 98)
    bench.device.power_cut()
    bench.wire.trouble.drop = 0
    bench.run(1_000)
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected))
    journal.settle()
    assert journal.outcomes == ["credit 5"]


def test_a_cut_after_the_report_adds_nothing() -> None:
    bench = ready(Bench())
    journal = Journal(bench)
    bench.ack_after_ms = 50
    bench.device.insert(2000)
    bench.until(bench.stacked)
    bench.device.power_cut()
    bench.run(1_000)
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected))
    journal.settle()
    assert journal.outcomes == ["credit 5"]


def test_a_cut_while_powering_up_again_settles_all_the_same() -> None:
    bench = ready(Bench())
    journal = Journal(bench)
    bench.device.arm("power_cut", "stacking")
    bench.device.insert(2000)
    bench.until(lambda: not bench.device.powered)
    for dark_ms in (300, 6_000):
        bench.run(dark_ms)
        bench.device.power_on()
        bench.run(700)
        bench.device.power_cut()
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected))
    journal.settle()
    assert journal.outcomes == ["credit 5"]


def test_a_report_that_comes_after_the_return_of_the_note_in_escrow_is_no_credit() -> None:
    bench = ready(Bench())
    bench.device.arm("power_cut", "escrow")
    bench.decide = lambda note: None  # STACK was ordered on paper only
    bench.device.insert(2000)
    bench.until(lambda: not bench.device.powered)
    bench.decide = lambda note: bench.codec.command(ReturnNote(note.escrow))
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected))
    [blank] = bench.of(NoteStacked)
    assert (blank.channel, blank.clean, blank.power_up) == (0, False, True)


def test_without_a_cassette_there_is_no_blank_report() -> None:
    bench = ready(Bench())
    bench.device.power_cut()
    bench.device.cassette_out()
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected), 60_000)
    assert not bench.of(NoteStacked)
    assert Fault("cassette_removed") in bench.events


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_twin_continues_from_its_file(moment: str) -> None:
    bench = ready(Bench())
    bench.decide = lambda note: bench.codec.command((ReturnNote if moment == "returning" else StackNote)(note.escrow))
    bench.device.arm("power_cut", moment)
    bench.device.insert(2000)
    bench.until(lambda: not bench.device.powered)
    kept = json.dumps(bench.device.body.to_json())
    again = Bench(device=Acceptor(Settings(), Body.from_json(json.loads(kept))))
    again.decide = lambda note: again.codec.command(ReturnNote(note.escrow))
    again.device.power_on()
    again.until(lambda: again.of(Connected))
    again.run(500)
    kinds = [type(event).__name__ for event in again.events if isinstance(event, NOTE)]
    assert kinds == ROW[moment]
    assert again.device.body.notes.total() + again.device.body.returned == 1


def test_a_dark_device_takes_nothing(tmp_path: Path) -> None:
    device = Acceptor()
    with pytest.raises(Refused, match="off"):
        device.insert(100)
    device.step(1_000)
    assert device.state() == "off"
