"""CCNET codec against twin over good and bad lines and whatever the sheet leaves open, in virtual time."""

from collections.abc import Callable

import pytest

from hardware.acceptors.ccnet import CcnetCodec
from hardware.acceptors.ccnet.frames import Code, enable_data, parse, seal
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
from hardware.sim.ccnet_device import Validator
from hardware.sim.ccnet_parts import Settings
from hardware.sim.ccnet_wire import Wire
from hardware.sim.control import Refused
from hardware.sim.lines import Weather
from hardware.sim.notes import Place
from tests.protocol.ccnet_bench import ALL, Bench
from tests.protocol.test_ccnet_frames import BY_NUMBER

LINES = {
    "whole": Weather(),
    "byte by byte": Weather(byte_by_byte=True),
    "a fifth lost": Weather(loss=0.2),
    "delayed": Weather(delay_ms=60, jitter_ms=40),
    "late": Weather(delay_ms=160, jitter_ms=40),
    "all of it": Weather(loss=0.05, flip=0.002, delay_ms=20, jitter_ms=40, byte_by_byte=True),
}
DEVICES = {
    "usual": Settings(),
    "once": Settings(latch=False),
    "silent": Settings(nak_broken=False, shows_holding=False, waits_for_reset=False, refuses_before_reset=False),
    "slow": Settings("c100", busy_ms=700, initialize_ms=20_000, told_on_start=False, gives_back_as="rejected"),
}


def ready(bench: Bench) -> Bench:
    """Power on, connect, enable everything."""
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected), 120_000)
    bench.codec.command(Enable(ALL))
    bench.until(lambda: bench.device.enabled)
    return bench


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("seed", range(2))
def test_one_note_is_one_report(device: str, line: str, seed: int) -> None:
    """A device that says things once may lose a report on a bad line: then it is missing, never another's."""
    bench = ready(Bench(DEVICES[device], LINES[line], seed))
    bench.ack_after_ms = 30 * seed
    for value in (2000, 100, 2000):
        bench.until(lambda: _enabling(bench) and bench.device.enabled and not bench.device.busy)
        bench.device.insert(value)
        bench.until(lambda: bench.device.body.place is Place.NOWHERE)
        bench.run(8_000)
    taken = bench.device.body.notes
    told = sorted(bench.device.settings.table[note.channel] for note in bench.stacked())
    assert taken.total() + bench.device.body.returned == 3
    if device == "once" and line in ("a fifth lost", "late", "all of it"):
        assert set(told) <= set(taken)
        assert len(told) <= taken.total()
        assert len(told) == taken.total() or bench.of(Lost)
    else:
        assert told == sorted(taken.elements())


def _enabling(bench: Bench) -> bool:
    """Do what the layers above do about Connected."""
    if bench.codec._connected and not bench.codec._wanted:
        bench.codec.command(Enable(ALL))
    return bench.codec._connected


def test_a_normal_purchase_is_the_conversation_of_the_sheet() -> None:
    bench = ready(Bench())
    bench.run(500)
    before = len(bench.sent)
    bench.device.insert(2000)
    bench.until(bench.stacked)
    bench.run(500)
    commands = [parse(raw)[0] for _, raw in bench.sent[before:] if parse(raw)[0] not in (Code.POLL, 0)]
    assert commands == [Code.STACK, Code.ENABLE_BILL_TYPES, Code.ENABLE_BILL_TYPES, Code.GET_STATUS]
    assert bench.stacked() == [NoteStacked(1, 5)]
    assert bench.device.body.notes == {2000: 1}


@pytest.mark.parametrize("lost", [1, 2, 5, 12])
@pytest.mark.parametrize("state", ["stacked", "stacking", "escrowed"])
def test_lost_replies_lose_no_report(lost: int, state: str) -> None:
    bench = ready(Bench())
    bench.wire.trouble.drop, bench.wire.trouble.when = lost, state
    bench.device.insert(5000)
    bench.until(lambda: bench.stacked() or bench.of(NoteReturned))
    bench.run(3_000)
    assert len(bench.stacked()) == bench.device.body.notes.total()
    assert state == "escrowed" or [note.channel for note in bench.stacked()] == [6]


@pytest.mark.parametrize("trouble", ["corrupt", "echo", "double", "late"])
@pytest.mark.parametrize("count", [1, 3, 9])
def test_damaged_doubled_and_late_replies_lose_and_double_no_report(trouble: str, count: int) -> None:
    bench = ready(Bench())
    bench.device.insert(2000)
    bench.until(lambda: bench.device.state() == "stacking")
    setattr(bench.wire.trouble, trouble, count)
    bench.until(bench.stacked)
    bench.run(6_000)
    assert len(bench.stacked()) == 1
    assert getattr(bench.wire.trouble, trouble) == 0
    assert bench.device.body.place is Place.NOWHERE


def test_a_broken_report_that_is_said_once_is_repeated_on_nak() -> None:
    bench = ready(Bench(Settings(latch=False)))
    bench.device.insert(2000)
    bench.until(lambda: bench.device.body.place is Place.STACKED_UNTOLD)
    bench.wire.trouble.corrupt = 1
    bench.run(3_000)
    assert bench.wire.trouble.corrupt == 0
    assert len(bench.stacked()) == 1


def test_a_report_that_is_said_once_and_lost_leaves_the_note_unknown_and_takes_no_other() -> None:
    """Fire once, and the line swallows it: no credit, no second note, and the layer above starts to doubt."""
    bench = ready(Bench(Settings(latch=False)))
    bench.wire.trouble.drop, bench.wire.trouble.when = 1, "stacked"
    bench.device.insert(2000)
    bench.until(lambda: bench.of(Lost))
    assert not bench.of(NoteStacked)
    assert not bench.of(NoteReturned)
    assert bench.device.enabled == []
    bench.until(lambda: len(bench.of(Connected)) == 2)
    bench.run(40_000)
    assert bench.device.enabled == []


@pytest.mark.parametrize("noise", [b"\x02", b"\x02\x03", b"\x02\x03\x7d", b"\x05\x02\x02\x03\x00"])
def test_noise_before_replies_and_single_bytes_change_nothing(noise: bytes) -> None:
    bench = Bench()
    bench.wire.trouble.noise, bench.wire.trouble.fragment = noise, True
    ready(bench).device.insert(1000)
    bench.until(bench.stacked)
    assert [note.channel for note in bench.stacked()] == [4]


@pytest.mark.parametrize("latch", [True, False])
@pytest.mark.parametrize("commit_ms", [0, 9, 11, 250, 3_000])
def test_a_slow_commit_never_acknowledges_early(commit_ms: int, latch: bool) -> None:
    bench = ready(Bench(Settings(latch=latch)))
    bench.run(500)
    bench.ack_after_ms = commit_ms
    bench.device.insert(2000)
    bench.until(bench.stacked)
    at_ms = bench.now_ms
    bench.run(commit_ms + 1_000)
    early = [raw for ms, raw in bench.sent if at_ms <= ms < at_ms + commit_ms]
    assert BY_NUMBER[2] not in early
    assert len(bench.stacked()) == 1
    assert bench.device.body.place is Place.NOWHERE
    bench.until(lambda: bench.device.enabled)


def test_a_note_nobody_decides_about_is_held_once_and_goes_back() -> None:
    bench = ready(Bench())
    bench.decide = lambda note: None
    bench.device.insert(2000)
    bench.until(lambda: bench.of(NoteReturned))
    assert Returning() in bench.events
    commands = [parse(raw)[0] for _, raw in bench.sent]
    assert (commands.count(Code.HOLD), commands.count(Code.RETURN)) == (1, 1)


def test_at_the_devices_own_limit_it_returns_the_note_and_a_late_decision_is_refused() -> None:
    bench = ready(Bench(Settings(escrow_ms=3_000)))
    bench.decide = lambda note: None
    bench.device.insert(2000)
    bench.until(lambda: bench.of(NoteReturned))
    assert Returning() in bench.events
    assert Code.RETURN not in [parse(raw)[0] for _, raw in bench.sent]


def test_a_host_away_with_a_note_in_escrow_gets_it_returned_by_the_device() -> None:
    bench = ready(Bench())
    bench.decide = lambda note: None
    bench.device.insert(2000)
    bench.until(lambda: bench.of(NoteEscrowed))
    bench.pull()
    bench.run(11_000)
    assert bench.device.body.returned == 1
    bench.plug_in()
    bench.until(lambda: len(bench.of(Connected)) == 2)
    assert len(bench.of(NoteReturned)) == 1


def test_a_second_note_pushed_in_too_early_pauses() -> None:
    bench = ready(Bench())
    bench.device.insert(500)
    with pytest.raises(Refused, match="another note"):
        bench.device.insert(100)
    bench.until(lambda: bench.of(Paused))
    bench.until(bench.stacked)
    assert bench.device.body.notes == {500: 1}


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


def test_a_late_rejection_by_the_stacker_is_a_return_or_stays_unknown() -> None:
    for gives_back_as, told in (("returned", NoteReturned), ("rejected", Lost)):
        bench = ready(Bench(Settings(gives_back_as=gives_back_as)))
        bench.device.arm("reject", "stacking")
        bench.device.insert(2000)
        bench.until(lambda bench=bench, told=told: bench.of(told))
        assert not bench.of(NoteStacked)
        assert not bench.of(NoteRejected)
        assert bench.device.body.returned == 1


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("yields", [True, False])
def test_a_jam_while_stacking_gets_one_reset(by_hand: bool, yields: bool) -> None:
    bench = ready(Bench(Settings(jam_yields=yields)))
    bench.device.arm("jam", "stacking")
    bench.device.insert(2000)
    bench.until(lambda: Fault("jammed") in bench.events)
    bench.run(10_000)
    assert [parse(raw)[0] for _, raw in bench.sent].count(Code.RESET) == 2  # and one at the start
    if not yields:
        assert not bench.of(NoteStacked)
        bench.device.clear(by_hand)
    bench.until(lambda: FaultCleared("jammed") in bench.events)
    bench.run(3_000)
    assert len(bench.of(NoteStacked)) == bench.device.body.notes.total() == yields
    assert bench.device.body.returned == (not yields)


def test_every_fault_of_the_sheet_and_its_end() -> None:
    def act(name: str) -> Callable[[Bench], None]:
        return lambda bench: getattr(bench.device, name)()

    for begin, end, code in (
        ("fill", "empty", "cassette_full"),
        ("cassette_out", "cassette_in", "cassette_removed"),
        ("jam", "clear", "jammed"),
        ("fail", "clear", "failure"),
    ):
        bench = ready(Bench())
        act(begin)(bench)
        bench.until(lambda bench=bench, code=code: [fault for fault in bench.of(Fault) if fault.code == code])
        assert bench.device.enabled == []
        act(end)(bench)
        bench.until(lambda bench=bench, code=code: FaultCleared(code) in bench.events)
        if len(bench.of(Connected)) == 1:
            bench.until(lambda bench=bench: bench.device.enabled or len(bench.of(Connected)) == 2)
        bench.codec.command(Enable(ALL))
        bench.until(lambda bench=bench: bench.device.enabled)
        bench.device.insert(100)
        bench.until(bench.stacked)


@pytest.mark.parametrize("stays", [True, False])
def test_an_alarm_is_told_once_is_no_money_and_ends(stays: bool) -> None:
    bench = ready(Bench(Settings(cheat_stays=stays)))
    bench.device.insert(100)
    bench.run(300)
    bench.device.cheat()
    bench.run(60_000)
    assert bench.events.count(Fault("cheated")) == 1
    assert not bench.of(NoteStacked)
    assert bench.kinds()[-1] == "Idle"


def test_reset_connects_anew() -> None:
    bench = ready(Bench())
    bench.codec.command(Reset())
    bench.until(lambda: len(bench.of(Connected)) == 2)
    assert len(bench.of(PoweredUp)) == 2
    assert bench.device.enabled == []


@pytest.mark.parametrize(
    ("table", "letters", "agrees"),
    [
        ({1: 100, 2: 200, 3: 500, 4: 1000, 5: 2000, 6: 5000, 7: 10000}, "USA", True),
        ({1: 100, 2: 200, 3: 500, 4: 1000, 5: 2000, 6: 5000, 7: 10000, 9: 25}, "USD", True),
        ({1: 100, 2: 500, 3: 1000, 4: 2000, 5: 5000, 6: 10000}, "USA", False),  # without the $2
        ({1: 100, 2: 200, 3: 500, 4: 1000, 5: 2000, 6: 5000, 7: 10000}, "EUR", False),
    ],
)
def test_the_devices_own_table_must_agree(table: dict[int, int], letters: str, agrees: bool) -> None:
    bench = Bench(Settings(table=table, letters=letters))
    bench.device.power_on()
    bench.until(lambda: bench.of(Connected))
    bench.codec.command(Enable(ALL))
    bench.run(3_000)
    assert bool(bench.device.enabled) == agrees
    assert bool(bench.of(Fault)) != agrees


def test_a_device_that_disables_itself_in_silence_is_enabled_again() -> None:
    bench = ready(Bench(Settings(silence_ms=3_000)))
    bench.pull()
    bench.run(4_000)
    assert bench.device.enabled == []
    bench.plugged = True  # the cable, not the port
    bench.until(lambda: bench.device.enabled)
    assert not bench.of(Lost)


def test_enabled_by_an_earlier_process_it_is_disabled_first() -> None:
    bench = ready(Bench())
    bench.restart_host(CcnetCodec())
    bench.until(lambda: bench.of(Connected))
    assert bench.device.enabled == []
    bench.until(lambda: bench.of(Idle))


def test_a_report_held_while_the_process_dies_is_told_to_the_next_as_a_replay() -> None:
    bench = ready(Bench())
    bench.acknowledging = False
    bench.device.insert(2000)
    bench.until(bench.stacked)
    bench.run(300)
    bench.restart_host(CcnetCodec())
    bench.acknowledging = True
    bench.until(lambda: bench.of(Connected))
    assert bench.stacked() == [NoteStacked(1, 5, replay=True)]


# The twin by itself


def _exchange(wire: Wire, *data: bytes) -> list[bytes]:
    return [parse(reply) for each in data for reply in wire.feed(seal(each))]


def _idle(settings: Settings) -> Wire:
    device = Validator(settings)
    device.power_on()
    wire = Wire(device)
    assert _exchange(wire, b"\x33") == [b"\x10"]
    _exchange(wire, b"\x00", b"\x30")
    wire.step(settings.initialize_ms)
    assert _exchange(wire, enable_data(ALL), b"\x33") == [b"\x00", b"\x14"]
    return wire


@pytest.mark.parametrize("latch", [True, False])
def test_the_twin_says_a_report_until_it_is_acknowledged_or_once(latch: bool) -> None:
    wire = _idle(Settings(latch=latch))
    wire.device.insert(2000)
    wire.step(600)
    assert _exchange(wire, b"\x33", b"\x33", b"\x35") == [b"\x80\x04", b"\x80\x04", b"\x00"]
    wire.step(700)
    said = []
    for _ in range(3):
        said += _exchange(wire, b"\x33")
        wire.step(200)
    assert said == ([b"\x81\x04"] * 3 if latch else [b"\x81\x04", b"\x14", b"\x14"])
    _exchange(wire, b"\x00")
    assert _exchange(wire, b"\x33") == [b"\x14"]


def test_the_twin_refuses_what_makes_no_sense_in_its_state() -> None:
    wire = _idle(Settings())
    assert _exchange(wire, b"\x35", b"\x36", b"\x38", b"\x3a", b"\x37", b"\x41", b"\x99") == [b"\x30"] * 7
    assert _exchange(wire, b"\x34\x00", b"\x32\x00", b"\x30\x00") == [b"\x30"] * 3
    assert _exchange(wire, b"\x32\x00\x00\x10", b"\x31") == [b"\x00", b"\x00\x00\x7f\x00\x00\x10"]
    assert _exchange(wire, b"\x39\x01\x12") == [b"\x00"]
    for act in (wire.device.power_on, wire.device.cassette_in):
        with pytest.raises(Refused):
            act()
    with pytest.raises(Refused):
        wire.device.arm("power_cut", "never")
    with pytest.raises(ValueError, match="no such model"):
        Settings("id003")


def test_the_twin_repeats_on_nak_and_says_nak_or_nothing_to_a_broken_frame() -> None:
    for naks in (True, False):
        wire = _idle(Settings(nak_broken=naks))
        wire.device.insert(100)
        assert _exchange(wire, b"\x33", b"\xff", b"\xff") == [b"\x15"] * 3
        assert wire.feed(BY_NUMBER[43]) == ([BY_NUMBER[3]] if naks else [])
        wire.step(30)
        assert _exchange(wire, b"\x33") == [b"\x15"]


def test_the_twin_stacks_a_type_without_its_escrow_bit_unasked() -> None:
    """Why no such mask is ever sent (section 6)."""
    wire = _idle(Settings())
    _exchange(wire, b"\x34\x00\x00\x7f\x00\x00\x00")
    wire.device.insert(2000)
    wire.step(600)
    assert _exchange(wire, b"\x33") == [b"\x17"]


def test_hold_gives_ten_more_seconds() -> None:
    for shows in (True, False):
        wire = _idle(Settings(shows_holding=shows))
        wire.device.insert(2000)
        wire.step(600)
        wire.step(9_000)
        assert _exchange(wire, b"\x38") == [b"\x00"]
        wire.step(9_000)
        assert _exchange(wire, b"\x33") == [b"\x1a" if shows else b"\x80\x04"]
        wire.step(1_500)
        assert _exchange(wire, b"\x33") == [b"\x18"]
        wire.step(500)
        assert _exchange(wire, b"\x33") == [b"\x82\x04"]


def test_a_blind_reset_destroys_what_was_not_told() -> None:
    """Why the codec sends none (section 9.1)."""
    wire = _idle(Settings())
    wire.device.insert(2000)
    wire.step(600)
    _exchange(wire, b"\x35")
    wire.step(700)
    _exchange(wire, b"\x30")
    wire.step(2_000)
    assert _exchange(wire, b"\x33") == [b"\x19"]
