"""Codec against twin over good and bad lines, in virtual time."""

import pytest

from hardware.acceptors.contract import (
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
    Paused,
    PoweredUp,
    Reset,
    Returning,
    ReturnNote,
)
from hardware.acceptors.ebds.frames import parse
from hardware.sim.control import Refused
from hardware.sim.ebds_device import Acceptor
from hardware.sim.ebds_parts import Settings
from hardware.sim.ebds_wire import Wire, seal
from hardware.sim.lines import Weather
from tests.protocol.ebds_bench import ALL, Bench

PROFILES = ("mei-sc", "mei-s2k", "pyramid")
LINES = {
    "whole": Weather(),
    "byte by byte": Weather(byte_by_byte=True),
    "a fifth lost": Weather(loss=0.2),
    "delayed": Weather(delay_ms=60, jitter_ms=80),
    "late": Weather(delay_ms=120, jitter_ms=60),
    "corrupted": Weather(flip=0.01, byte_by_byte=True),
    "all of it": Weather(loss=0.1, flip=0.003, delay_ms=20, jitter_ms=50, byte_by_byte=True),
}


def ready(bench: Bench) -> Bench:
    """Power on, connect, enable everything."""
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected), 120_000)
    bench.codec.command(Enable(ALL))
    bench.until(lambda: bench.device.enabled)
    return bench


def test_a_normal_purchase_is_the_conversation_of_the_sheet() -> None:
    bench = ready(Bench())
    before = len(bench.sent)
    bench.device.insert(2000)
    bench.until(bench.stacked)
    bench.run(500)
    modes = [parse(raw).data[1] for _, raw in bench.sent[before:]]
    assert modes.count(0x3C) == 1
    assert modes[-1] == 0x1C
    assert bench.stacked() == [NoteStacked(2, 5)]
    assert bench.device.body.notes == {2000: 1}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("seed", range(3))
def test_one_note_is_one_report(profile: str, line: str, seed: int) -> None:
    bench = ready(Bench(Settings(profile=profile), LINES[line], seed))
    bench.ack_after_ms = 30 * seed
    for count, value in enumerate((2000, 100, 2000), 1):
        bench.until(lambda: bench.device.enabled and not bench.device.busy)
        bench.device.insert(value)
        if line in ("late", "all of it"):  # so slow that the note may go back before the decision arrives
            bench.until(lambda: not bench.device.busy)
            bench.run(3_000)
        else:
            bench.until(lambda count=count: len(bench.stacked()) == count)
        bench.run(1_000)
    taken = bench.device.body.notes.total()
    assert len(bench.stacked()) == taken
    assert taken + bench.device.body.returned == 3
    assert sorted(bench.device.settings.table[note.channel] for note in bench.stacked()) == sorted(
        bench.device.body.notes.elements()
    )


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("lost", [1, 2, 5, 12])
@pytest.mark.parametrize("flag", ["stacked", "stacking", "escrowed"])
def test_lost_replies_lose_no_report(profile: str, lost: int, flag: str) -> None:
    bench = ready(Bench(Settings(profile=profile)))
    bench.wire.trouble.drop, bench.wire.trouble.when = lost, flag
    bench.device.insert(5000)
    bench.until(bench.stacked)
    bench.run(2_000)
    assert [note.channel for note in bench.stacked()] == [6]
    assert bench.wire.trouble.drop == 0


@pytest.mark.parametrize("trouble", ["corrupt", "echo", "other_toggle"])
@pytest.mark.parametrize("count", [1, 3, 9])
def test_damaged_replies_lose_no_report(trouble: str, count: int) -> None:
    bench = ready(Bench())
    bench.device.insert(2000)
    bench.until(lambda: bench.device.state() == "stacking")
    setattr(bench.wire.trouble, trouble, count)
    bench.until(bench.stacked)
    bench.run(2_000)
    assert len(bench.stacked()) == 1
    assert getattr(bench.wire.trouble, trouble) == 0


@pytest.mark.parametrize("noise", [b"\x05", b"\x02", b"\x02\x7f", b"\x05\x02\x02\x05"])
def test_noise_before_replies_and_single_bytes_change_nothing(noise: bytes) -> None:
    bench = Bench()
    bench.wire.trouble.noise, bench.wire.trouble.fragment = noise, True
    ready(bench).device.insert(1000)
    bench.until(bench.stacked)
    assert [note.channel for note in bench.stacked()] == [4]


@pytest.mark.parametrize("commit_ms", [0, 10, 250, 3_000])
def test_a_slow_commit_holds_the_report(commit_ms: int) -> None:
    bench = ready(Bench())
    bench.ack_after_ms = commit_ms
    bench.device.insert(2000)
    bench.until(bench.stacked)
    at_ms, held = bench.now_ms, bench.sent[-1][1]
    bench.run(commit_ms)
    assert {raw for ms, raw in bench.sent if at_ms <= ms < at_ms + commit_ms} <= {held}
    bench.run(1_000)
    assert {parse(raw).toggle for _, raw in bench.sent[-4:]} == {0, 1}
    assert len(bench.stacked()) == 1


def test_a_second_note_is_its_own_escrow() -> None:
    bench = ready(Bench())
    for count in (1, 2):
        bench.device.insert(500)
        bench.until(lambda count=count: len(bench.stacked()) == count)
        bench.until(lambda: not bench.device.busy)
    assert [note.escrow for note in bench.of(NoteEscrowed)] == [1, 2]


def test_a_second_note_pushed_in_too_early_pauses() -> None:
    bench = ready(Bench())
    bench.device.insert(500)
    with pytest.raises(Refused, match="another note"):
        bench.device.insert(100)
    bench.until(lambda: bench.of(Paused))
    bench.until(bench.stacked)
    assert bench.device.body.notes == {500: 1}


def test_return_and_the_next_note() -> None:
    bench = ready(Bench())
    bench.decide = lambda note: bench.codec.command(ReturnNote(note.escrow))
    bench.device.insert(10000)
    bench.until(lambda: bench.of(NoteReturned))
    bench.run(1_000)
    assert bench.device.body.returned == 1
    assert not bench.stacked()
    assert bench.kinds()[-1] == "Idle"


def test_a_note_nobody_decides_about_goes_back() -> None:
    bench = ready(Bench())
    bench.decide = lambda note: None
    bench.device.insert(2000)
    bench.until(lambda: bench.of(NoteReturned))
    assert bench.device.body.returned == 1


def test_disable_does_not_stop_a_note_already_drawn_in() -> None:
    bench = ready(Bench())
    bench.decide = lambda note: bench.codec.command(ReturnNote(note.escrow))
    bench.device.insert(2000)
    bench.codec.command(Disable())
    bench.until(lambda: bench.of(NoteReturned))
    assert bench.of(NoteEscrowed) == [NoteEscrowed(1, 0)]
    bench.run(1_000)
    assert bench.kinds()[-1] == "Idle"
    with pytest.raises(Refused, match="takes no notes"):
        bench.device.insert(100)


@pytest.mark.parametrize("value", [200, 300, 0])
def test_a_note_not_wanted_or_not_known_is_rejected_once(value: int) -> None:
    bench = ready(Bench())
    bench.codec.command(Enable(frozenset({1, 3})))
    bench.run(300)
    bench.device.insert(value)
    bench.until(lambda: bench.of(NoteRejected))
    bench.run(3_000)
    assert len(bench.of(NoteRejected)) == 1
    assert not bench.of(NoteEscrowed)


def test_rejected_after_the_stack_command_is_no_credit() -> None:
    bench = ready(Bench())
    bench.device.arm("reject", "stacking")
    bench.device.insert(2000)
    bench.until(lambda: bench.of(Returning))
    assert bench.device.body.returned == 0  # it is on its way, and seen to be
    bench.until(lambda: bench.of(NoteRejected))
    bench.run(2_000)
    assert not bench.stacked()
    assert bench.device.body.notes.total() == 0


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_jam_while_stacking_is_a_fault_and_no_credit(by_hand: bool) -> None:
    bench = ready(Bench())
    bench.device.arm("jam", "stacking")
    bench.device.insert(2000)
    bench.until(lambda: Fault("jammed") in bench.events)
    bench.run(3_000)
    assert not bench.stacked()
    bench.device.clear(by_hand)
    bench.until(lambda: FaultCleared("jammed") in bench.events)
    bench.run(2_000)
    assert len(bench.of(NoteRejected)) == (0 if by_hand else 1)
    assert not bench.stacked()
    assert bench.device.body.returned == 1


def test_a_reset_frees_a_jam_and_connects_anew() -> None:
    bench = ready(Bench())
    bench.device.jam()
    bench.until(lambda: Fault("jammed") in bench.events)
    bench.codec.command(Reset())
    bench.until(lambda: len(bench.of(Connected)) == 2)
    assert FaultCleared("jammed") in bench.events
    assert len(bench.of(PoweredUp)) == 2


def test_cassette_out_in_and_its_blank_report() -> None:
    bench = ready(Bench())
    bench.device.cassette_out()
    bench.until(lambda: Fault("cassette_removed") in bench.events)
    assert bench.device.enabled == []
    bench.device.cassette_in()
    bench.until(lambda: FaultCleared("cassette_removed") in bench.events)
    bench.run(2_000)
    assert bench.of(NoteStacked)[-1] == NoteStacked(2, 0, clean=False, self_test=True)


def test_full_cassette_and_fraud() -> None:
    for profile in ("mei-sc", "pyramid"):
        bench = ready(Bench(Settings(profile=profile)))
        bench.device.fill()
        bench.until(lambda bench=bench: Fault("cassette_full") in bench.events)
        bench.device.empty()
        bench.until(lambda bench=bench: FaultCleared("cassette_full") in bench.events)
        bench.device.insert(100)
        bench.device.cheat()
        bench.run(2_000)
        assert bench.events.count(Fault("cheated")) == 1
        assert not bench.stacked()


def test_escrow_time_out_of_the_device_is_programmed() -> None:
    bench = ready(Bench())
    assert bench.device.escrow_timeout_ms == 30_000
    bench.device.insert(2000)
    bench.until(lambda: bench.device.state() == "escrowed")
    bench.pull()
    bench.run(31_000)
    assert bench.device.body.returned == 1


@pytest.mark.parametrize("profile", PROFILES)
def test_a_silent_host_disables_the_device(profile: str) -> None:
    bench = ready(Bench(Settings(profile=profile)))
    bench.pull()
    bench.run(5_500)
    assert bench.device.enabled == []
    assert bench.of(Lost)


def test_slow_polls_never_end_power_up() -> None:
    device = Acceptor()
    device.power_on()
    wire = Wire(device)
    for at in range(60):
        wire.step(500)
        wire.feed(seal(0x10 | at & 1, b"\x00\x1c\x00"))
    assert device.state() == "powering_up"
    for at in range(60):
        wire.step(100)
        wire.feed(seal(0x10 | at & 1, b"\x00\x1c\x00"))
    assert device.state() == "idling"


@pytest.mark.parametrize("idles", [True, False])
def test_both_ways_of_powering_up_are_understood(idles: bool) -> None:
    bench = ready(Bench(Settings(power_up_idles=idles)))
    assert bench.kinds()[:2] == ["PoweredUp", "NoteStacked"]
    assert not [event for event in bench.of(Fault) if event.code == "out_of_service"]


@pytest.mark.parametrize("unknown", ["omnibus", "crc", "silent"])
def test_a_device_without_the_queries_connects_too(unknown: str) -> None:
    bench = Bench(Settings(profile="pyramid"))
    bench.codec = type(bench.codec)()  # the wrong profile: MEI queries to a Pyramid
    bench.codec.line_opened(bench.now_ms)
    bench.wire.unknown_query = unknown
    ready(bench).device.insert(100)
    bench.until(bench.stacked)
    assert bench.of(Connected)[0].identity.serial == ""


# The twin by itself


def test_a_repeated_toggle_brings_the_same_reply_and_clears_nothing() -> None:
    device = Acceptor(Settings(profile="pyramid"))
    device.power_on()
    wire = Wire(device)
    first = wire.feed(seal(0x10, b"\x00\x1c\x00"))
    wire.step(5_000)
    assert wire.feed(seal(0x10, b"\x7f\x1c\x00")) == first
    assert "power_up" in device.report().flags
    wire.feed(seal(0x11, b"\x00\x1c\x00"))
    assert "power_up" not in device.report().flags


@pytest.mark.parametrize(
    "frame", [b"\x02\x08\x10\x7f\x1c\x10\x03\x6a", b"\x02\x08\x10\x7f\x1c\x10\x04\x6b", b"\x02\x04\x10\x14"]
)
def test_a_wrong_frame_gets_no_answer(frame: bytes) -> None:
    device = Acceptor()
    device.power_on()
    assert Wire(device).feed(frame) == []


def test_stack_outside_escrow_and_stack_with_return_are_ignored() -> None:
    bench = ready(Bench())
    device = bench.device
    device.poll(0x7F, True, False)
    assert device.state() == "idling"
    device.insert(100)
    device.step(2_000)
    device.poll(0x7F, True, True)
    assert device.state() == "escrowed"


def test_what_the_device_cannot_do_is_refused() -> None:
    device = Acceptor()
    device.power_on()
    for act in (device.power_on, device.cassette_in):
        with pytest.raises(Refused):
            act()
    with pytest.raises(Refused):
        device.arm("power_cut", "never")
    with pytest.raises(ValueError, match="no such profile"):
        Settings(profile="id003")


def test_power_cycles_seen_twice_are_told_twice() -> None:
    bench = ready(Bench())
    bench.device.power_cut()
    bench.run(1_000)
    bench.device.power_on()
    bench.until(lambda: len(bench.of(Connected)) == 2)
    bench.run(1_000)
    assert len(bench.of(PoweredUp)) == 2
    assert bench.kinds()[-1] == "Idle"
    assert Idle() in bench.events
