"""Ten thousand random and damaged streams into the codec: no exception, and no money that was not reported.

The streams of a run come from one seed, which is printed.
"""

import random
import secrets

from hardware.acceptors.contract import Acknowledge, Event, NoteRejected, NoteReturned, NoteStacked
from hardware.acceptors.ebds import MEI_SC, PYRAMID, EbdsCodec
from hardware.acceptors.ebds.frames import Frame, Malformed, parse

STREAMS = 10_000
KINDS = [2, 2, 2, 6, 7, 1, 0, 4]


def reply(chance: random.Random) -> bytes:
    """Return a well-formed frame."""
    data = bytes(byte & 0x7F for byte in chance.randbytes(chance.randint(6, 8)))
    return Frame(chance.choice(KINDS), chance.randrange(2), data).encode()


def damaged(chance: random.Random) -> bytes:
    frame = bytearray(reply(chance))
    for _ in range(chance.choice([1, 2])):
        at = chance.randrange(len(frame))
        match chance.choice(["flip", "drop", "add"]):
            case "flip":
                frame[at] ^= 1 << chance.randrange(8)
            case "drop" if len(frame) > 1:
                del frame[at]
            case _:
                frame.insert(at, chance.randrange(256))
    return bytes(frame)


def chunk(chance: random.Random) -> bytes:
    match chance.randrange(3):
        case 0:
            return reply(chance)
        case 1:
            return damaged(chance)
    return chance.randbytes(chance.randrange(13))


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


def live(codec: EbdsCodec, chance: random.Random) -> tuple[list[Event], bytes]:
    """Feed a stream, with a layer above that takes every note; return the events and the stream."""
    codec.line_opened(0)
    now_ms, events, stream = 0, list[Event](), b""
    for _ in range(chance.randrange(7)):
        now_ms += chance.choice([100, chance.randint(1, 300)])
        data = chunk(chance)
        heard = codec.tick(now_ms)[1] + codec.feed(data, now_ms)
        stream += data
        for event in heard:
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
                codec.command(Acknowledge(event.report))
        events += heard
        assert codec.due_ms() >= 0
    for _ in range(4):
        now_ms += 250
        events += codec.tick(now_ms)[1]
    return events, stream


def test_no_stream_breaks_the_codec_or_makes_money() -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance, stacked = random.Random(seed), 0
    for _ in range(STREAMS):
        events, stream = live(EbdsCodec(chance.choice([MEI_SC, PYRAMID])), chance)
        told = sum(isinstance(event, NoteStacked) for event in events)
        assert told <= _stacked_frames(stream), stream.hex()
        stacked += told
    assert stacked > STREAMS // 100, "the streams hold no notes worth counting"
