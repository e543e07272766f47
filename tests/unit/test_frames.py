"""Goal: the frames around a note in doubt are kept: far enough back, in order, bounded, and before the process ends.

Method: the ring by itself, with expected figures and with chance; the pure brain; the closed loop with codec and twin.
"""

import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hardware.acceptors import contract
from hardware.acceptors.ebds.frames import parse
from hardware.sim.ebds import EbdsTwin
from hardware.sim.ebds_parts import Settings as TwinSettings
from kiosk.brain import commands, events
from kiosk.brain.state import State
from kiosk.config.model import Acceptor
from kiosk.domain import facts as f
from kiosk.engine.acceptor_port import AcceptorPort
from kiosk.engine.frames import BYTES_MAX, FRAMES_MAX, GAP_MS, FrameRing
from kiosk.engine.hands import KioskHands
from kiosk.engine.inbox import Inbox, Told
from kiosk.journal.record import ENTRY_LIMIT, Envelope, Moment, seal
from tests.faults.closed_loop import Loop, to_cash
from tests.unit.brain_world import World, settings

IDLE = [("out", b"\x10"), ("in", b"\x20"), ("out", b"\x11"), ("in", b"\x21")]


def heard(*frames: tuple[str, bytes], every_ms: int = 50) -> tuple[f.FrameSeen, ...]:
    ring = FrameRing()
    for number, (direction, data) in enumerate(frames):
        ring.hear(direction, data, number * every_ms)
    return ring.frames()


def told(frames: tuple[f.FrameSeen, ...]) -> list[tuple[str, str, int]]:
    return [(frame.direction, frame.hex, frame.times) for frame in frames]


def test_hours_of_idle_polls_take_four_places() -> None:
    frames = heard(*IDLE * 9_000, ("out", b"\x10"), ("in", b"\x2f"))
    round_ = [("out", "10", 9_001), ("in", "20", 9_000), ("out", "11", 9_000), ("in", "21", 9_000)]
    assert told(frames) == [*round_, ("in", "2f", 1)]
    assert (frames[0].at_ms, frames[0].until_ms, frames[4].at_ms) == (0, 36_000 * 50, 36_001 * 50)


def test_a_frame_asked_in_vain_is_held_once() -> None:
    assert told(heard(*[("out", b"\x10")] * 30, ("in", b"\x20"))) == [("out", "10", 30), ("in", "20", 1)]


def test_what_comes_again_after_a_break_stands_in_its_own_place() -> None:
    note = [("out", b"\x10"), ("in", b"\x2e")]
    frames = heard(*IDLE * 3, *note, *IDLE * 2)
    assert [frame.hex for frame in frames] == ["10", "20", "11", "21", "2e", "10", "20", "11", "21"]
    assert [frame.times for frame in frames] == [4, 3, 3, 3, 1, 2, 2, 2, 2]


def test_a_frame_that_the_port_hands_over_in_parts_is_one() -> None:
    ring = FrameRing()
    for data, at_ms in ((b"\x02\x0b", 0), (b"\x21", 5), (b"\x03", 9)):
        ring.hear("in", data, at_ms)
        assert ring.frames()[-1].at_ms == 0, "to ask does not cut the frame"
    ring.hear("in", b"\x99", 9 + GAP_MS + 1)
    assert [(frame.at_ms, frame.hex) for frame in ring.frames()] == [(0, "020b2103"), (30, "99")]


@given(st.lists(st.tuples(st.sampled_from(["in", "out"]), st.binary(min_size=1, max_size=2)), max_size=80))
def test_nothing_is_added_or_lost_and_time_runs_forward(sent: list[tuple[str, bytes]]) -> None:
    ring = FrameRing(frames_max=1_000)
    for number, (direction, data) in enumerate(sent):
        ring.hear(direction, data, number * (GAP_MS + 1))
    held = Counter[tuple[str, str]]()
    for frame in ring.frames():
        held[frame.direction, frame.hex] += frame.times
        assert frame.at_ms <= frame.until_ms
    assert held == Counter((direction, data.hex()) for direction, data in sent)
    starts = [frame.at_ms for frame in ring.frames()]
    assert starts == sorted(set(starts))


@given(st.lists(st.tuples(st.sampled_from(["in", "out"]), st.integers(0, 3)), max_size=80))
def test_the_order_can_be_read_back(sent: list[tuple[str, int]]) -> None:
    """Each frame says when it came first and last, and a round that repeats does so without a break."""
    ring = FrameRing(frames_max=1_000)
    for number, (direction, value) in enumerate(sent):
        ring.hear(direction, bytes([value]), number * (GAP_MS + 1))
    read: dict[int, tuple[str, int]] = {}
    for frame in ring.frames():
        step = (frame.until_ms - frame.at_ms) // (frame.times - 1) if frame.times > 1 else 0
        for turn in range(frame.times):
            read[frame.at_ms + turn * step] = (frame.direction, int(frame.hex, 16))
    assert [read[at] for at in sorted(read)] == sent


def test_the_worst_that_a_line_can_say_fits_an_entry() -> None:
    ring = FrameRing()
    for number in range(10_000):
        ring.hear("in", bytes([number % 251, number % 7]) * BYTES_MAX * 3, 10**15 + number * 1_000)
    frames = tuple(replace(frame, until_ms=2**53 - 1, times=2**53 - 1) for frame in ring.frames())
    assert len(frames) == FRAMES_MAX
    fact = f.FramesKept("acceptor", "i" * 64, frames)
    moment = Moment("i" * 36, "2026-11-23T19:42:07.123Z", "trusted", "0" * 32, 2**53 - 1)
    envelope = Envelope("k" * 40, 2**31, 2**53 - 1, "FramesKept", moment, f.body(fact), "0" * 64)
    assert len(seal(envelope, Ed25519PrivateKey.generate()).entry) < ENTRY_LIMIT
    assert "card" not in json.dumps(f.body(fact))


# The brain


def asked(world: World) -> list[str]:
    return [order.about for order in world.ordered(commands.KeepFrames)]


def test_a_note_in_doubt_or_unexpected_asks_for_the_frames_once() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.fire("note_open")
    (doubt,) = world.of(f.NoteInDoubt)
    assert asked(world) == [doubt.note_id]
    world.stacked(2000)
    (found,) = world.of(f.NoteUnexpected)
    assert asked(world) == [doubt.note_id, found.note_id]
    books = world.state.books
    world.tell(events.FramesTaken, about=doubt.note_id, frames=(f.FrameSeen(1, 1, 1, "out", "02"),))
    assert world.facts[-1] == f.FramesKept("acceptor", doubt.note_id, (f.FrameSeen(1, 1, 1, "out", "02"),))
    assert world.state.books == books


def test_a_fault_that_flutters_around_a_note_asks_once() -> None:
    world = World().boot().to_cash()
    world.tell(events.AcceptorFault, code="jammed", detail="")
    world.tell(events.AcceptorFaultCleared, code="jammed")
    assert asked(world) == []
    world.hold(2000)
    for _ in range(5):
        world.tell(events.AcceptorFault, code="jammed", detail="")
        world.tell(events.AcceptorFaultCleared, code="jammed")
    assert asked(world) == [world.of(f.NoteStackRequested)[0].note_id]


def test_a_plain_payment_asks_for_nothing() -> None:
    world = World().boot().to_cash()
    world.insert(2000)
    assert asked(world) == []


def test_a_stop_waits_for_the_frames() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.restart()
    world.connect()
    world.tell(events.StopRequested)
    world.fire("note_open")
    assert asked(world)
    assert world.ordered(commands.Exit) == []
    world.tell(events.FramesTaken, about=asked(world)[0], frames=())
    assert world.ordered(commands.Exit)


def test_nothing_that_was_heard_before_the_frames_ends_a_stop() -> None:
    world = World().boot().to_cash()
    world.hold(2000)
    world.restart()
    world.connect()
    world.tell(events.StopRequested)
    world.fire("note_open")
    world.tell(events.AcceptorIdle)
    world.tell(events.OnlineChanged, online=False)
    world.fire("catch_up")
    assert world.ordered(commands.Exit) == []
    world.tell(events.FramesTaken, about=asked(world)[0], frames=())
    assert world.ordered(commands.Exit) == [commands.Exit()]


class Line:
    """An acceptor that has said two frames."""

    def submit(self, command: contract.Command) -> None:
        raise AssertionError(f"{command} is not for the device")

    def frames(self) -> tuple[f.FrameSeen, ...]:
        return heard(*IDLE[:2])


def test_the_hands_answer_with_the_frames_of_the_line() -> None:
    none: Any = None
    inbox, rest = Inbox(), dict.fromkeys(("clock", "printer", "papers", "city", "screen", "reader", "watchdog"), none)
    hands = KioskHands(inbox=inbox, acceptor=Line(), staff=(), **rest)
    hands.carry_out(commands.KeepFrames("n"), State(settings()), [])
    assert inbox.take(0) == Told(events.FramesTaken, {"about": "n", "frames": heard(*IDLE[:2])})


# Codec and twin


def test_the_port_keeps_what_went_over_a_real_line(tmp_path: Path) -> None:
    """Whole frames, however the pseudo-terminal cuts them, and what repeats is held once."""
    inbox = Inbox()
    with EbdsTwin(tmp_path / "port", TwinSettings(speed=20)):
        port = AcceptorPort(Acceptor(port=str(tmp_path / "port")), "USD", tmp_path, inbox, None)
        port.thread.start()
        try:
            deadline = time.monotonic() + 15
            while len([frame for frame in port.frames() if frame.times > 3]) < 2:
                assert time.monotonic() < deadline, port.frames()
                inbox.take(50)
        finally:
            port.stop()
            port.thread.join(10)
    frames = port.frames()
    assert {frame.direction for frame in frames} == {"in", "out"}
    assert all(parse(bytes.fromhex(frame.hex)) for frame in frames)
    assert len(frames) < FRAMES_MAX


def test_the_frames_tell_what_the_device_was_told(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    to_cash(loop, 2000)
    loop.until(lambda: loop.insert(2000))
    loop.until(lambda: loop.books.note is not None)
    loop.run(200)
    loop.tell(events.AcceptorFault, code="jammed", detail="")
    loop.until(lambda: loop.of(f.FramesKept))
    (kept,) = loop.of(f.FramesKept)
    assert kept.about == loop.of(f.NoteStackRequested)[0].note_id
    assert {frame.direction for frame in kept.frames} == {"in", "out"}
    assert 4 < len(kept.frames) <= FRAMES_MAX
    assert max(frame.times for frame in kept.frames) > 5, "idle polls were not held together"
    stack = 0x20  # bit 5 of the second data byte: stack what is in escrow
    told_to_stack = [bytes.fromhex(frame.hex)[4] & stack for frame in kept.frames if frame.direction == "out"]
    assert any(told_to_stack)
    assert not told_to_stack[0]
