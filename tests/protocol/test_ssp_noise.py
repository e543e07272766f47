"""Ten thousand random and damaged streams into the codec: no exception, and no money that was not reported."""

import random
from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.acceptors.contract import Acknowledge, Connected, Event, NotePaidOut, NoteStacked, PayoutEnded
from hardware.acceptors.ssp import NV, NV_ENCRYPTED, SMART_PAYOUT, Profile
from hardware.acceptors.ssp.frames import Frame, Receiver
from tests.protocol.acceptor_bench import REPORTS
from tests.protocol.ssp_bench import Hand, codec

MET = Hand().enabled()
EVENTS = bytes.fromhex("EE EE EE EF EF E2 E1 EC ED EB CC F1 E8 CA CB D2 DC DA 05 00 01 99 D0 07 55 53 44")
CREDITS = (0xEE, 0xE2, 0xCA, 0xCB)
DATA = st.builds(
    lambda code, picks: bytes([code, *(EVENTS[pick % len(EVENTS)] for pick in picks)]),
    st.sampled_from([0xF0, 0xF0, 0xF0, 0xF0, 0xF5, 0xFA, 0x7E]),
    st.lists(st.integers(0, 255), max_size=12),
)
REPLIES = st.builds(lambda flag, data: Frame(flag, data).encode(), st.integers(0, 1), DATA)


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
                frame.insert(at, draw(st.sampled_from([0x7F, draw(st.integers(0, 255))])))
    return bytes(frame)


def _credits(stream: bytes) -> int:
    """Count the bytes that could be a credit in well-formed replies, wherever they stand."""
    frames = Receiver().feed(stream)
    return sum(frame.data.count(code) for frame in frames if frame.data[0] == 0xF0 for code in CREDITS)


def _live(chunks: list[bytes], gaps: list[int], profile: Profile, memory: int | None) -> None:
    host = codec(profile, memory)
    host.line_opened(0)
    now_ms, events, stream = 0, list[Event](), b""
    for at, chunk in enumerate(chunks):
        now_ms += gaps[at % len(gaps)] if gaps else 200
        events += host.tick(now_ms)[1]
        events += host.feed(chunk, now_ms)
        stream += chunk
        for event in events:
            if isinstance(event, REPORTS):
                host.command(Acknowledge(event.report))
        assert host.due_ms() >= 0
    for _ in range(4):
        now_ms += 250
        events += host.tick(now_ms)[1]
    assert sum(isinstance(event, NoteStacked) for event in events) <= _credits(stream)


@settings(max_examples=2_000, deadline=None)
@given(
    st.lists(st.one_of(REPLIES, damaged(), st.binary(max_size=12)), max_size=6),
    st.lists(st.integers(1, 1_200), max_size=3),
    st.sampled_from([NV, NV_ENCRYPTED, SMART_PAYOUT]),
    st.sampled_from([None, 0, 1, 2, 3]),
)
def test_no_stream_breaks_the_codec_or_makes_money(
    chunks: list[bytes], gaps: list[int], profile: Profile, memory: int | None
) -> None:
    _live(chunks, gaps, profile, memory)


def test_nor_does_any_of_many_more() -> None:
    chance = random.Random(20)
    for _ in range(6_000):
        chunks = [_chunk(chance) for _ in range(chance.randrange(6))]
        _live(chunks, [chance.randint(1, 1_200)], chance.choice([NV, NV, SMART_PAYOUT]), chance.choice([None, 2, 3]))


def _data(chance: random.Random) -> bytes:
    code = chance.choice([0xF0, 0xF0, 0xF0, 0xF0, 0xF5, 0xFA, 0x7E])
    return bytes([code, *chance.choices(EVENTS, k=chance.randrange(12))])


def _chunk(chance: random.Random) -> bytes:
    frame = bytearray(Frame(chance.randrange(2), _data(chance)).encode())
    for _ in range(chance.choice([0, 0, 1, 2])):
        at = chance.randrange(len(frame))
        frame[at : at + 1] = chance.choice([b"", bytes([frame[at] ^ 1 << chance.randrange(8)]), b"\x7f\x00"])
    return bytes(frame)


def test_no_replies_to_a_device_that_was_met_break_the_codec_or_make_money() -> None:
    """Every reply bears the right flag: what it tells is believed, and no more."""
    chance = random.Random(22)
    for _ in range(2_000):
        hand, possible = deepcopy(MET), 0
        for data in [_data(chance) for _ in range(chance.randrange(8))]:
            hand.asked()
            hand.answer(data.hex())
            possible += sum(data.count(code) for code in CREDITS)
            if chance.random() < 0.8:
                hand.acknowledge()
        assert sum(isinstance(event, NoteStacked) for event in hand.events) <= possible
        paid = [event for event in hand.events if isinstance(event, (NotePaidOut, PayoutEnded))]
        assert all(event.payout == 0 for event in paid)
        assert hand.codec.due_ms() >= 0
        assert not [event for event in hand.events if isinstance(event, Connected) and not event.identity.table]
