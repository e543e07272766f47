"""Ten thousand random and damaged streams into the CCNET codec: no exception, and no money that was not reported.

The streams of a run come from one seed, which is printed; each is fed to a new codec or to one that takes notes.
"""

import copy
import random
import secrets

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

STREAMS = 10_000
KNOWN = [b"\x00", b"\xff", b"\x30", PLATE, TABLE, b"\x81\x04", b"\x80\x04", b"\x17", b"\x14", b"\x19"]


def reply(chance: random.Random) -> bytes:
    """Return a well-formed frame."""
    state = bytes([chance.choice(list(State))])
    return seal(
        chance.choice(
            [state, state + chance.randbytes(1), chance.choice(KNOWN), chance.randbytes(chance.randrange(1, 9))]
        )
    )


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
    match chance.randrange(6):
        case 0 | 1 | 2:
            return reply(chance)
        case 3 | 4:
            return damaged(chance)
    return chance.randbytes(chance.randrange(12))


def stacked_frames(stream: bytes) -> int:
    """Count well-formed reports of a stacked note anywhere in the stream, found without the receive buffer."""
    count = 0
    for at in range(len(stream) - 6):
        try:
            data = parse(stream[at : at + stream[at + 2]])
        except Malformed:
            continue
        count += len(data) == 2 and data[0] == State.STACKED
    return count


def taking() -> tuple[CcnetCodec, int]:
    """Play a device until it takes notes; return its codec and the time."""
    codec, now_ms, state = CcnetCodec(), 0, b"\x19"
    codec.line_opened(0)
    while state != b"\x14":
        now_ms = max(now_ms, codec.due_ms())
        assert now_ms < 60_000, "it never connects"
        data, _ = codec.tick(now_ms)
        asked = parse(data) if data else b"\x00"
        if asked[0] == Code.ENABLE_BILL_TYPES:
            state = b"\x14"
        answers = {Code.POLL: state, Code.IDENTIFICATION: PLATE, Code.GET_BILL_TABLE: TABLE}
        if asked != b"\x00":
            codec.feed(seal(answers.get(Code(asked[0]), b"\x00")), now_ms)
        if codec._connected and not codec._wanted:
            codec.command(Enable(ALL))
    return codec, now_ms


def live(codec: CcnetCodec, now_ms: int, chance: random.Random) -> tuple[list[Event], bytes]:
    """Feed a stream, with a layer above that takes every note; return the events and the stream."""
    events, stream = list[Event](), b""
    for _ in range(chance.randrange(10)):
        now_ms += chance.randrange(1, 300)
        heard = codec.tick(now_ms)[1]
        data = chunk(chance)
        stream += data
        heard += codec.feed(data, now_ms)
        for event in heard:
            if isinstance(event, (NoteStacked, NoteReturned, NoteRejected)):
                codec.command(Acknowledge(event.report))
        held = codec._watch.held
        if held and not held.decision and any(isinstance(event, NoteEscrowed) for event in heard):
            codec.command(StackNote(held.escrow))
        events += heard
        assert codec.due_ms() >= 0
    for _ in range(4):
        now_ms += 250
        events += codec.tick(now_ms)[1]
    return events, stream


def test_no_stream_breaks_the_codec_or_makes_money() -> None:
    seed = secrets.randbits(40)
    print(f"seed {seed}")
    ready, ready_ms = taking()
    told = 0
    for number in range(STREAMS):
        chance = random.Random(f"{seed}/{number}")
        codec, now_ms = (copy.deepcopy(ready), ready_ms) if number % 2 else (CcnetCodec(), 0)
        if not number % 2:
            codec.line_opened(0)
        events, stream = live(codec, now_ms, chance)
        stacked = sum(isinstance(event, NoteStacked) for event in events)
        assert stacked <= stacked_frames(stream), f"{seed}/{number}"
        told += stacked
    assert told > STREAMS // 100  # they do say something
