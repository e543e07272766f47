"""Ten thousand random and damaged streams into the codec: no exception, and no money that was not reported."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.acceptors.ccnet import CcnetCodec
from hardware.acceptors.ccnet.frames import Code, Malformed, State, parse, seal
from hardware.acceptors.contract import (
    Acknowledge,
    Enable,
    Event,
    NoteEscrowed,
    NoteRejected,
    NoteReturned,
    NoteStacked,
    StackNote,
)
from tests.protocol.ccnet_hand import ALL, PLATE, TABLE

STATES = st.sampled_from(list(State)).map(lambda code: bytes([code]))
REPLIES = st.one_of(
    STATES,
    st.builds(lambda state, extra: state + bytes([extra]), STATES, st.integers(0, 255)),
    st.sampled_from([b"\x00", b"\xff", b"\x30", PLATE, TABLE, b"\x81\x04", b"\x80\x04", b"\x17", b"\x14", b"\x19"]),
    st.binary(min_size=1, max_size=9),
).map(seal)


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


def _stacked_frames(stream: bytes) -> int:
    """Count well-formed reports of a stacked note anywhere in the stream, found without the receive buffer."""
    count = 0
    for at in range(len(stream) - 6):
        try:
            data = parse(stream[at : at + stream[at + 2]])
        except Malformed:
            continue
        count += len(data) == 2 and data[0] == State.STACKED
    return count


def _taking() -> tuple[CcnetCodec, int]:
    """Play a device until it takes notes; return its codec and the time."""
    codec, now_ms, state = CcnetCodec(), 0, b"\x19"
    codec.line_opened(0)
    for _ in range(120):
        now_ms = max(now_ms, codec.due_ms())
        data, _ = codec.tick(now_ms)
        asked = parse(data) if data else b"\x00"
        if asked[0] == Code.ENABLE_BILL_TYPES:
            state = b"\x14"
        answers = {Code.POLL: state, Code.IDENTIFICATION: PLATE, Code.GET_BILL_TABLE: TABLE}
        if asked != b"\x00":
            codec.feed(seal(answers.get(Code(asked[0]), b"\x00")), now_ms)
        if codec._connected and not codec._wanted:
            codec.command(Enable(ALL))
        if state == b"\x14":
            return codec, now_ms
    raise AssertionError("it never connects")


TAKING = _taking()


@settings(max_examples=10_000, deadline=None)
@given(
    st.lists(st.one_of(REPLIES, damaged(), st.binary(max_size=12)), max_size=6),
    st.lists(st.integers(1, 300), max_size=3),
    st.booleans(),
)
def test_no_stream_breaks_the_codec_or_makes_money(chunks: list[bytes], gaps: list[int], answered: bool) -> None:
    """`answered`: the device answers what it is asked, until the stream begins."""
    codec, now_ms = copy.deepcopy(TAKING) if answered else (CcnetCodec(), 0)
    if not answered:
        codec.line_opened(0)
    events, stream = list[Event](), b""
    for at, chunk in enumerate(chunks):
        now_ms += gaps[at % len(gaps)] if gaps else 100
        events += codec.tick(now_ms)[1]
        events += codec.feed(chunk, now_ms)
        stream += chunk
        for event in events:
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
                codec.command(Acknowledge(event.report))
        held = codec._watch.held
        if held and not held.decision and any(isinstance(event, NoteEscrowed) for event in events):
            codec.command(StackNote(held.escrow))
        assert codec.due_ms() >= 0
    for _ in range(4):
        now_ms += 250
        events += codec.tick(now_ms)[1]
    assert sum(isinstance(event, NoteStacked) for event in events) <= _stacked_frames(stream)
