"""Ten thousand random and damaged streams into the codec: no exception, and no money that was not reported."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.acceptors.contract import Acknowledge, Event, NoteRejected, NoteReturned, NoteStacked
from hardware.acceptors.ebds import MEI_SC, PYRAMID, EbdsCodec, Profile
from hardware.acceptors.ebds.frames import Frame, Malformed, parse

REPLIES = st.builds(
    lambda kind, toggle, data: Frame(kind, toggle, bytes(byte & 0x7F for byte in data)).encode(),
    st.sampled_from([2, 2, 2, 6, 7, 1, 0, 4]),
    st.integers(0, 1),
    st.binary(min_size=6, max_size=8),
)


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
    """Count well-formed reports with the stacked bit anywhere in the stream, found without the receive buffer."""
    stream = bytes(byte & 0x7F for byte in stream)
    count = 0
    for at in range(len(stream) - 4):
        raw = stream[at : at + stream[at + 1]]
        try:
            frame = parse(raw)
        except (Malformed, IndexError):
            continue
        body = frame.data[1:] if frame.type == 7 else frame.data
        count += frame.type in (2, 7) and len(body) >= 6 and bool(body[0] & 0x10)
    return count


@settings(max_examples=10_000, deadline=None)
@given(
    st.lists(st.one_of(REPLIES, damaged(), st.binary(max_size=12)), max_size=6),
    st.lists(st.integers(1, 300), max_size=3),
    st.sampled_from([MEI_SC, PYRAMID]),
)
def test_no_stream_breaks_the_codec_or_makes_money(chunks: list[bytes], gaps: list[int], profile: Profile) -> None:
    codec = EbdsCodec(profile)
    codec.line_opened(0)
    now_ms, events, stream = 0, list[Event](), b""
    for at, chunk in enumerate(chunks):
        now_ms += gaps[at % len(gaps)] if gaps else 100
        events += codec.tick(now_ms)[1]
        events += codec.feed(chunk, now_ms)
        stream += chunk
        for event in events:
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
                codec.command(Acknowledge(event.report))
        assert codec.due_ms() >= 0
    for _ in range(4):
        now_ms += 250
        events += codec.tick(now_ms)[1]
    assert sum(isinstance(event, NoteStacked) for event in events) <= _stacked_frames(stream)
