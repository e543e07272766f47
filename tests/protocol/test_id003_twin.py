"""Codec against twin over good and bad lines, in virtual time; and the twin by itself, frame by frame."""

import pytest

from hardware.acceptors.contract import (
    Connected,
    Fault,
    FaultCleared,
    Lost,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    Paused,
    Reset,
    Returning,
    ReturnNote,
    StackNote,
)
from hardware.acceptors.id003.frames import Command, parse
from hardware.sim.control import Refused
from hardware.sim.id003_device import Acceptor
from hardware.sim.id003_parts import CASSETTE_BACK, CLEARS, Settings
from hardware.sim.id003_wire import Wire, seal
from hardware.sim.lines import Weather
from tests.protocol.id003_bench import ALL, Bench

LINES = {
    "whole": Weather(),
    "byte by byte": Weather(byte_by_byte=True),
    "a fifth lost": Weather(loss=0.2),
    "delayed": Weather(delay_ms=60, jitter_ms=80),
    "late": Weather(delay_ms=120, jitter_ms=60),
    "corrupted": Weather(flip=0.01, byte_by_byte=True),
    "all of it": Weather(loss=0.1, flip=0.003, delay_ms=20, jitter_ms=50, byte_by_byte=True),
}


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("seed", range(4))
def test_one_note_is_one_report(line: str, seed: int) -> None:
    bench = Bench(Settings(stacked_polls=seed), LINES[line], seed).ready()
    bench.ack_after_ms = 40 * seed
    for count, value in enumerate((2000, 100, 2000), 1):
        bench.until(lambda: bench.device.enabled and not bench.device.busy)
        bench.device.insert(value)
        bench.until(lambda count=count: bench.device.body.returned + bench.device.body.notes.total() == count)
        bench.run(2_000)
    taken = bench.device.body.notes.total()
    assert taken + bench.device.body.returned == 3
    assert sorted(bench.device.settings.notes[note.channel] for note in bench.stacked()) == sorted(
        bench.device.body.notes.elements()
    )
    if line in ("whole", "byte by byte", "delayed"):
        assert taken == 3
    assert not [note for note in bench.of(NoteStacked) if not note.channel]


@pytest.mark.parametrize("lost", [1, 2, 5, 12])
@pytest.mark.parametrize("word", ["stacked", "stacking", "escrowed"])
def test_lost_replies_lose_no_report(lost: int, word: str) -> None:
    bench = Bench().ready()
    bench.wire.trouble.drop, bench.wire.trouble.when = lost, word
    bench.device.insert(5000)
    bench.until(lambda: bench.device.body.returned or bench.stacked())
    bench.run(2_000)
    assert [note.channel for note in bench.stacked()] == [6] * bench.device.body.notes.total()


@pytest.mark.parametrize("trouble", ["corrupt", "echo"])
@pytest.mark.parametrize("count", [1, 3, 9, 30])
@pytest.mark.parametrize("state", ["accepting", "escrowed", "stacking", "stacked"])
def test_damaged_replies_and_echoes_lose_and_invent_nothing(trouble: str, count: int, state: str) -> None:
    bench = Bench().ready()
    bench.device.insert(5000)
    bench.until(lambda: bench.device.state() == state)
    setattr(bench.wire.trouble, trouble, count)
    bench.run(30_000)
    body = bench.device.body
    assert body.notes.total() + body.returned == 1
    assert [note.channel for note in bench.of(NoteStacked)] == [6] * body.notes.total()


@pytest.mark.parametrize("noise", [b"\x05", b"\xfc", b"\xfc\xff", b"\x11\x13\xfc\x05\x15", bytes(range(5))])
def test_noise_before_every_reply_loses_nothing(noise: bytes) -> None:
    bench = Bench()
    bench.wire.trouble.noise = noise
    bench.ready()
    bench.device.insert(2000)
    bench.until(bench.stacked)
    bench.run(2_000)
    assert len(bench.of(NoteStacked)) == 1


def test_a_line_that_echoes_everything_is_never_connected() -> None:
    bench = Bench()
    bench.wire.echoes = True
    bench.device.power_on()
    bench.device.power_cut()
    bench.run(6_000)
    assert bench.events == [Lost("only its own echo answers")]


def test_a_line_that_begins_to_echo_under_an_idle_device_is_lost() -> None:
    bench = Bench().ready()
    bench.device.power_cut()
    bench.wire.echoes = True
    bench.until(lambda: bench.of(Lost), 8_000)
    assert not bench.of(NoteStacked)


@pytest.mark.parametrize("dumb_ms", [3_000, 60_000])
@pytest.mark.parametrize("commit_ms", [1_000, 5_000, 70_000])
def test_a_unit_that_goes_dumb_over_a_slow_commit_comes_back(dumb_ms: int, commit_ms: int) -> None:
    bench = Bench(Settings(dumb_ms=dumb_ms)).ready()
    bench.ack_after_ms = commit_ms
    bench.device.insert(2000)
    bench.until(bench.stacked)
    bench.run(commit_ms + 20_000)
    bench.enable()
    assert bench.device.body.notes == {2000: 1}
    assert not bench.of(NoteStacked)
    bench.ack_after_ms = 0
    bench.device.insert(500)
    bench.until(bench.stacked)


@pytest.mark.parametrize("after_ms", [200, 3_000, 12_000, 40_000])
@pytest.mark.parametrize("clears", CLEARS)
@pytest.mark.parametrize("by_hand", [True, False])
def test_a_jam_ends_however_it_is_cleared(clears: str, by_hand: bool, after_ms: int) -> None:
    bench = Bench(Settings(clears=clears)).ready()
    bench.device.arm("jam", "stacking")
    bench.device.insert(2000)
    bench.until(lambda: Fault("jammed", "in the stacker") in bench.events)
    bench.run(after_ms)
    bench.device.clear(by_hand=by_hand)
    bench.until(lambda: FaultCleared("jammed") in bench.events)
    bench.until(lambda: bench.device.enabled)
    bench.run(2_000)
    assert not bench.of(NoteStacked)
    assert bool(bench.of(NoteRejected)) == (not by_hand)
    bench.device.insert(500)
    bench.until(bench.stacked)


@pytest.mark.parametrize("back", CASSETTE_BACK)
@pytest.mark.parametrize("state", ["idling", "accepting", "escrowed", "stacking", "stacked"])
def test_a_cassette_taken_and_put_back_loses_and_invents_nothing(back: str, state: str) -> None:
    bench = Bench(Settings(cassette_back=back)).ready()
    if state != "idling":
        bench.device.insert(2000)
        bench.until(lambda: bench.device.state() == state)
    bench.device.cassette_out()
    bench.run(3_000)
    bench.device.cassette_in()
    bench.run(60_000)
    assert FaultCleared("cassette_removed") in bench.events
    body = bench.device.body
    assert body.notes.total() + body.returned == (state != "idling")
    assert len(bench.of(NoteStacked)) == body.notes.total()
    bench.enable()


def test_a_full_cassette_gives_the_note_back_and_is_over_when_it_is_emptied() -> None:
    bench = Bench().ready()
    bench.device.arm("full", "stacking")
    bench.device.insert(2000)
    bench.until(lambda: Fault("cassette_full") in bench.events)
    bench.device.empty()
    bench.until(lambda: FaultCleared("cassette_full") in bench.events)
    bench.run(3_000)
    assert (bench.device.body.returned, len(bench.of(NoteStacked))) == (1, 0)


def test_what_happens_to_people_is_told() -> None:
    bench = Bench().ready()
    bench.decide = lambda note: None
    bench.device.insert(2000)
    bench.until(lambda: bench.of(NoteEscrowed))
    with pytest.raises(Refused, match="another note"):
        bench.device.insert(100)
    bench.until(lambda: bench.of(Paused))
    bench.run(1_500)
    bench.codec.command(ReturnNote(bench.of(NoteEscrowed)[0].escrow))
    bench.until(lambda: bench.of(NoteReturned))
    assert bench.of(Returning)
    bench.until(lambda: not bench.device.busy)
    bench.device.insert(2000)
    bench.until(lambda: len(bench.of(NoteEscrowed)) == 2)
    bench.device.cheat()
    bench.until(lambda: Fault("cheated") in bench.events)
    bench.run(3_000)
    assert not bench.of(NoteStacked)


def test_hold_outlives_a_short_limit_of_the_device() -> None:
    bench = Bench(Settings(escrow_ms=2_600)).ready()
    bench.decide = lambda note: None
    bench.device.insert(2000)
    bench.until(lambda: bench.of(NoteEscrowed))
    bench.run(4_400)
    bench.codec.command(StackNote(bench.of(NoteEscrowed)[0].escrow))
    bench.until(bench.stacked)


def test_a_note_that_the_limit_sent_back_is_returned() -> None:
    bench = Bench(Settings(escrow_ms=1_000)).ready()
    bench.decide = lambda note: None
    bench.device.insert(2000)
    bench.until(lambda: bench.of(NoteRejected))
    bench.run(1_000)
    assert bench.device.body.returned == 1
    assert not bench.of(NoteReturned)


def test_reset_takes_a_held_device_through_its_start() -> None:
    bench = Bench().ready()
    bench.codec.command(Reset())
    bench.until(lambda: bench.device.state() == "starting")
    bench.until(lambda: bench.device.enabled)
    assert not bench.of(Connected)  # it was never away; it takes what was wanted before


def test_an_ivizion_with_euro_notes_is_no_acceptor_for_dollars() -> None:
    bench = Bench(Settings("ivizion"))
    bench.device.power_on()
    bench.until(lambda: bench.of(Fault))
    fault = bench.of(Fault)[0]
    assert fault.code == "wrong_table"
    assert "EUR" in fault.detail
    bench.run(2_000)
    assert bench.device.enabled == []


# The twin by itself


def say(wire: Wire, command: int, data: bytes = b"") -> bytes:
    wire.step(30)
    [answer] = wire.feed(seal(command, data)) or [b""]
    return answer


def test_before_reset_settings_are_refused_and_some_questions_answered() -> None:
    wire = Wire(Acceptor())
    assert say(wire, 0x11) == b""
    wire.device.power_on()
    assert say(wire, 0x11) == seal(0x40)
    for setting, data in ((0xC0, b"\0\0"), (0xC3, b"\0"), (0x89, b""), (0x43, b"")):
        assert say(wire, setting, data) == seal(0x4B)
    assert parse(say(wire, Command.VERSION)).data.startswith(b"W(USA)")
    assert say(wire, 0x83) == seal(0x83, b"\x01")
    assert say(wire, 0x40) == seal(0x50)
    assert say(wire, 0x11) == seal(0x1B)
    wire.step(2_100)
    assert say(wire, 0x11) == seal(0x1A)
    assert say(wire, 0xC0, b"\0\0") == seal(0xC0, b"\0\0")
    assert say(wire, 0xC3, b"\0") == seal(0xC3, b"\0")
    assert say(wire, 0x11) == seal(0x11)
    assert say(wire, 0x80) == seal(0x80, b"\0\0")
    assert say(wire, 0x89) == seal(0x89, b"B001")
    assert say(wire, 0xD0) == seal(0x4B)


def enabled(settings: Settings | None = None) -> Wire:
    wire = Wire(Acceptor(settings))
    wire.device.power_on()
    say(wire, 0x40)
    wire.step(3_000)
    say(wire, 0xC3, b"\0")
    return wire


def test_the_captured_purchase() -> None:
    wire = enabled()
    wire.device.insert(500)
    assert say(wire, 0x11) == seal(0x12)
    wire.step(600)
    assert say(wire, 0x11) == seal(0x13, b"\x63")
    assert say(wire, 0x41) == seal(0x50)
    wire.step(700)
    assert say(wire, 0x11) == say(wire, 0x11) == seal(0x15)
    assert say(wire, 0x50) == b""
    assert say(wire, 0x11) == seal(0x11)


def test_the_captured_return() -> None:
    wire = enabled()
    wire.device.insert(500)
    wire.step(600)
    assert say(wire, 0x43) == seal(0x50)
    assert say(wire, 0x43) == seal(0x4B)
    wire.step(600)
    assert say(wire, 0x11) == seal(0x11)
    assert wire.device.body.returned == 1


@pytest.mark.parametrize("state_ms", [100, 700])
def test_a_silent_host_gets_no_note(state_ms: int) -> None:
    wire = enabled()
    wire.device.insert(500)
    wire.step(state_ms)
    for _ in range(40):
        wire.step(100)
    assert wire.device.body.returned == 1


def test_an_undecided_note_is_rejected_after_ten_seconds_and_hold_begins_anew() -> None:
    wire = enabled()
    wire.device.insert(500)
    wire.step(600)
    for _ in range(70):
        wire.step(100)
        say(wire, 0x11)
    assert say(wire, 0x44) == seal(0x50)
    assert say(wire, 0x11) == seal(0x19)
    for _ in range(60):
        wire.step(100)
        assert say(wire, 0x11) == seal(0x19)
    for _ in range(40):
        wire.step(100)
        say(wire, 0x11)
    assert say(wire, 0x11) in (seal(0x17, b"\x79"), seal(0x11))


def test_disabled_and_unreadable_notes_are_rejected_for_their_reason() -> None:
    wire = enabled()
    say(wire, 0xC0, b"\x04\x00")
    for value, reason in ((500, b"\x79"), (0, b"\x76")):
        wire.device.insert(value)
        wire.step(700)
        assert say(wire, 0x11) == seal(0x17, reason)
        wire.step(2_000)
        assert say(wire, 0x11) == seal(0x11)


def test_options_of_the_sheet_show_on_the_line() -> None:
    wire = enabled(Settings(vend_data=True, stacked_polls=2, knows_stack_2=False, answers_damage=True))
    wire.device.insert(500)
    wire.step(600)
    assert say(wire, 0x42) == seal(0x4B)
    assert say(wire, 0x41) == seal(0x50)
    wire.step(700)
    assert say(wire, 0x11) == seal(0x15, b"\x63")
    say(wire, 0x50)
    assert [say(wire, 0x11) for _ in range(3)] == [seal(0x16), seal(0x16), seal(0x11)]
    assert wire.feed(b"\xfc\x05\x11\x27\x57") == [seal(0x4A)]


def test_a_silly_device_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="no such"):
        Settings(clears="never")
    assert set(Settings().notes) == ALL
