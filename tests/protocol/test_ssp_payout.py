"""Change from a recycler: note by note, each durable before the next one is ordered, whatever breaks."""

import pytest

from hardware.acceptors.contract import (
    Cashbox,
    Connected,
    Enable,
    Levels,
    NotePaidOut,
    NoteStacked,
    PayOut,
    PayoutEnded,
    Refused,
)
from hardware.sim.ssp_parts import Settings
from tests.protocol.ssp_bench import ALL, SspBench, recycler

PLAN = {3: 1, 1: 3}  # one of five dollars, three of one
VALUES = {1: 100, 3: 500, 4: 1000}


def filled(settings: Settings | None = None) -> SspBench:
    return recycler(settings, v500=2, v100=4).ready()


def out(bench: SspBench) -> int:
    return sum(value * count for value, count in bench.device.own.handed_out.items())


def told(bench: SspBench) -> int:
    return sum(VALUES[note.channel] for note in bench.of(NotePaidOut))


def ended(bench: SspBench) -> list[tuple[int, str]]:
    return [(end.payout, end.result) for end in bench.of(PayoutEnded)]


def test_levels_are_told_after_connected_and_after_a_change() -> None:
    bench = recycler(v500=2)
    bench.device.power_on()
    bench.until(lambda: bench.of(Levels))
    assert bench.of(Levels)[0].counts == {1: 0, 2: 0, 3: 2, 4: 0, 5: 0, 6: 0, 7: 0}
    assert bench.device.payout.stored == {100, 500, 1000}
    bench.codec.command(Enable(ALL))
    bench.until(lambda: bench.device.enabled)
    bench.device.insert(500)
    bench.until(bench.stacked)
    assert bench.stacked()[0].recycled
    bench.until(lambda: len(bench.of(Levels)) == 2)
    assert bench.of(Levels)[1].counts[3] == 3
    assert not bench.device.own.notes
    bench.run(3_000)
    assert len(bench.of(Levels)) == 2


def test_a_note_that_is_not_kept_goes_into_the_cassette() -> None:
    bench = filled()
    bench.device.insert(2000)
    bench.until(bench.stacked)
    bench.run(2_000)
    assert not bench.stacked()[0].recycled
    assert bench.device.own.notes == {2000: 1}
    assert not bench.of(Cashbox)


@pytest.mark.parametrize("joined", [False, True])
def test_a_full_store_sends_a_note_on_into_the_cassette(joined: bool) -> None:
    settings = Settings("smart-payout", require_key="everything", capacity=6, joins_credit_and_stacked=joined)
    bench = filled(settings)
    bench.device.insert(500)
    bench.until(bench.stacked)
    bench.run(2_000)
    [note] = bench.stacked()
    moved = [event.counts for event in bench.of(Cashbox)]
    assert (note.recycled, moved) == ((False, []) if joined else (True, [{3: 1}]))
    assert bench.device.own.notes == {500: 1}


def test_notes_come_out_largest_first_and_are_told_one_by_one() -> None:
    bench = filled()
    bench.codec.command(PayOut(7, PLAN))
    bench.until(lambda: bench.of(PayoutEnded))
    assert [(note.payout, note.channel) for note in bench.of(NotePaidOut)] == [(7, 3), (7, 1), (7, 1), (7, 1)]
    assert ended(bench) == [(7, "done")]
    assert not any(note.replay for note in bench.of(NotePaidOut))
    assert bench.device.own.handed_out == {500: 1, 100: 3}
    bench.run(2_000)
    assert bench.of(Levels)[-1].counts[1] == 1


def test_the_next_note_waits_until_the_last_is_durable() -> None:
    bench = filled()
    bench.acknowledging = False
    bench.codec.command(PayOut(1, PLAN))
    bench.until(lambda: bench.of(NotePaidOut))
    bench.run(10_000)
    assert out(bench) == 500
    assert len(bench.of(NotePaidOut)) == 1
    bench.acknowledge_all()
    bench.until(lambda: bench.of(PayoutEnded))
    assert out(bench) == told(bench) == 800


@pytest.mark.parametrize("notes", [{3: 3}, {5: 1}, {}, {3: -1}, {9: 1}])
def test_what_is_not_there_is_refused(notes: dict[int, int]) -> None:
    bench = filled()
    with pytest.raises(Refused):
        bench.codec.command(PayOut(1, notes))
    bench.run(3_000)
    assert out(bench) == 0


def test_one_payout_at_a_time_and_none_while_a_note_goes_in() -> None:
    bench = filled()
    bench.codec.command(PayOut(1, {3: 1}))
    with pytest.raises(Refused):
        bench.codec.command(PayOut(2, {1: 1}))
    bench.until(lambda: bench.of(PayoutEnded))
    bench.run(2_000)
    bench.device.insert(500)
    bench.until(lambda: bench.device.state() == "accepting")
    bench.run(500)
    with pytest.raises(Refused):
        bench.codec.command(PayOut(2, {1: 1}))


def test_a_validator_pays_nothing_out() -> None:
    bench = SspBench().ready()
    with pytest.raises(Refused):
        bench.codec.command(PayOut(1, {3: 1}))


def test_the_device_may_refuse() -> None:
    bench = filled()
    bench.device.own.store.clear()  # somebody took them, and nobody said so
    bench.codec.command(PayOut(1, {3: 1}))
    bench.until(lambda: bench.of(PayoutEnded))
    assert ended(bench) == [(1, "refused")]
    assert "not enough" in bench.of(PayoutEnded)[0].detail
    bench.until(lambda: bench.of(Levels))
    assert bench.of(Levels)[-1].counts[3] == 0


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_jam_ends_it_with_what_came_out(count: int) -> None:
    bench = filled()
    bench.codec.command(PayOut(1, PLAN))
    bench.until(lambda: len(bench.of(NotePaidOut)) == count)
    bench.device.arm("jam", "dispensing")
    bench.until(lambda: bench.of(PayoutEnded))
    assert out(bench) == told(bench)
    assert ended(bench) == [(1, "partial" if count else "refused")]


@pytest.mark.parametrize("transit", ["store", "out"])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_power_cut_ends_it_with_what_came_out(transit: str, counted: bool, count: int) -> None:
    settings = Settings(
        "smart-payout", require_key="everything", transit_at_power_up=transit, counts_before_value=counted
    )
    bench = filled(settings)
    bench.codec.command(PayOut(1, PLAN))
    bench.until(lambda: len(bench.of(NotePaidOut)) == count)
    bench.device.arm("power_cut", "dispensing")
    bench.until(lambda: not bench.device.powered)
    bench.run(2_000)
    bench.device.power_on()
    bench.until(lambda: bench.of(PayoutEnded))
    bench.run(5_000)
    assert len(bench.of(PayoutEnded)) == 1
    assert out(bench) == told(bench)
    whole = out(bench) == 800
    assert ended(bench) == [(1, "done" if whole else "partial" if out(bench) else "refused")]
    assert not bench.of(NoteStacked)


@pytest.mark.parametrize("turns", range(0, 4_400, 200))
def test_the_cable_is_pulled_at_any_time_of_it(turns: int) -> None:
    bench = filled()
    bench.codec.command(PayOut(1, PLAN))
    bench.run(turns)
    bench.pull()
    bench.run(3_000)
    bench.plug_in()
    bench.until(lambda: bench.of(PayoutEnded))
    bench.run(8_000)
    assert len(bench.of(PayoutEnded)) == 1
    [end] = bench.of(PayoutEnded)
    assert told(bench) <= out(bench)
    assert told(bench) == out(bench) or end.result == "unknown"


@pytest.mark.parametrize("turns", range(0, 4_400, 200))
def test_the_device_loses_power_at_any_time_of_it(turns: int) -> None:
    bench = filled()
    bench.codec.command(PayOut(1, PLAN))
    bench.run(turns)
    bench.device.power_cut()
    bench.run(2_000)
    bench.device.power_on()
    bench.until(lambda: bench.of(PayoutEnded))
    bench.run(8_000)
    [end] = bench.of(PayoutEnded)
    assert told(bench) <= out(bench)
    assert told(bench) == out(bench) or end.result == "unknown"


@pytest.mark.parametrize("turns", range(300, 3_900, 200))
def test_a_host_that_starts_anew_hears_of_the_note_under_way(turns: int) -> None:
    """What the one before knew, and what the new one is told, is at least what came out; a repeat says so."""
    bench = filled()
    bench.codec.command(PayOut(1, PLAN))
    bench.run(turns)
    known = told(bench)
    bench.reborn()
    bench.until(lambda: bench.of(Connected))
    bench.run(6_000)
    assert all(note.payout == 0 for note in bench.of(NotePaidOut))
    fresh = sum(VALUES[note.channel] for note in bench.of(NotePaidOut) if not note.replay)
    assert known + fresh <= out(bench) <= known + told(bench)
    assert len(bench.of(NotePaidOut)) <= 1
