"""Ten thousand random and damaged streams into the codec: no exception, and no money that was not reported."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.acceptors.contract import (
    Acknowledge,
    Enable,
    Event,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    Reset,
    StackNote,
)
from hardware.acceptors.id003 import Id003Codec
from hardware.acceptors.id003.frames import Malformed, Status, parse
from hardware.sim.id003_wire import seal

VEND_VALID, IN_STACKER = Status.VEND_VALID, Status.POWER_UP_IN_STACKER
FINISHED = (Status.IDLING, Status.DISABLED, Status.ACCEPTING, Status.ESCROW, Status.HOLDING)  # its start
STATUSES = st.builds(
    lambda status, data: seal(status, data if status in (0x13, 0x17, 0x49) else b""),
    st.sampled_from(list(Status)),
    st.sampled_from([b"\x65", b"\x63", b"\x6f12", b"\x79", b""]),
)
_ACKNOWLEDGED, _REFUSED, _DAMAGED = seal(0x50), seal(0x4B), seal(0x4A)
_SET = (seal(0x83, b"\x01"), seal(0xC3, b"\x00"), seal(0xC3, b"\x01"))
_NAMED = (seal(0x91, b"7"), seal(0x88, b"W(USA)13-SS ID003-05V112"), seal(0x8A, bytes.fromhex("65011400 61010100")))
FIXED_ANSWERS = (_ACKNOWLEDGED, _REFUSED, _DAMAGED, *_SET, *_NAMED)
ANSWERS = st.sampled_from(FIXED_ANSWERS)
REPLIES = st.one_of(STATUSES, STATUSES, ANSWERS, st.builds(seal, st.integers(0, 255), st.binary(max_size=9)))
ECHO = b"echo"  # stands for what the codec sent last


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    frame = bytearray(draw(REPLIES))
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(frame) - 1))
        match draw(st.sampled_from(["flip", "drop", "add"])):
            case "flip":
                frame[at] ^= 1 << draw(st.integers(0, 7))
            case "drop" if len(frame) > 1:
                del frame[at]
            case _:
                frame.insert(at, draw(st.integers(0, 255)))
    return bytes(frame)


def _codes(stream: bytes) -> list[int]:
    """Return the codes of the well-formed frames anywhere in the stream, found without the receive buffer."""
    codes = []
    for at in range(len(stream) - 4):
        try:
            codes.append(parse(stream[at : at + stream[at + 1]]).code)
        except Malformed:
            continue
    return codes


def _most_stacked(stream: bytes) -> int:
    """Return how many notes the device can have spoken of as stacked."""
    codes = _codes(stream)
    finished = any(code in FINISHED for code in codes)
    return codes.count(VEND_VALID) + (codes.count(IN_STACKER) if finished else 0)


def listen(chunks: list[bytes], gaps: list[int], stacking: int, acknowledges: bool) -> None:
    """Let the codec hear all of it, and hold what it tells against what was said."""
    codec = Id003Codec(stacking=stacking)
    codec.line_opened(0)
    now_ms, events, stream, sent = 0, list[Event](), b"", b""

    def hear(fresh: list[Event]) -> None:
        for event in fresh:
            if isinstance(event, NoteEscrowed):
                codec.command(StackNote(event.escrow))
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)) and acknowledges:
                codec.command(Acknowledge(event.report))
        events.extend(fresh)

    codec.command(Enable(frozenset({5})))
    for at, chunk in enumerate(chunks):
        now_ms += gaps[at % len(gaps)] if gaps else 160
        data, fresh = codec.tick(now_ms)
        hear(fresh)
        sent = data or sent
        heard = sent if chunk == ECHO else chunk
        hear(codec.feed(heard, now_ms))
        stream += heard
        assert codec.due_ms() >= 0
    codec.command(Reset())
    for _ in range(4):
        now_ms += 250
        hear(codec.tick(now_ms)[1])
    assert sum(isinstance(event, NoteStacked) for event in events) <= _most_stacked(stream)


@settings(max_examples=1_000, deadline=None)
@given(
    st.lists(st.one_of(REPLIES, STATUSES, damaged(), st.binary(max_size=12), st.just(ECHO)), max_size=8),
    st.lists(st.integers(1, 400), max_size=3),
    st.sampled_from([0, 5]),
    st.booleans(),
)
def test_no_stream_breaks_the_codec_or_makes_money(
    chunks: list[bytes], gaps: list[int], stacking: int, acknowledges: bool
) -> None:
    listen(chunks, gaps, stacking, acknowledges)


@pytest.mark.parametrize("seed", range(9))
def test_nor_do_a_thousand_longer_ones(seed: int) -> None:
    for number in range(1_000):
        chance = random.Random(f"{seed}/{number}")
        chunks = [_drawn(chance) for _ in range(chance.randrange(30))]
        try:
            listen(chunks, [chance.randint(1, 400) for _ in range(3)], chance.choice((0, 5)), chance.random() < 0.7)
        except Exception as error:
            raise AssertionError(f"stream {seed}/{number}: {chunks}") from error


def _drawn(chance: random.Random) -> bytes:
    status = chance.choice(list(Status))
    data = chance.choice((b"\x65", b"\x63", b"\x6f12", b"\x79")) if status in (0x13, 0x17, 0x49) else b""
    frame = bytearray(chance.choice((seal(status, data), seal(status, data), seal(status, data), *FIXED_ANSWERS)))
    match chance.randrange(8):
        case 0:
            frame[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
        case 1:
            frame += chance.randbytes(chance.randrange(6))
        case 2:
            return ECHO
    return bytes(frame)
