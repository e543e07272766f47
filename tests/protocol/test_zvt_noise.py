"""Ten thousand random and damaged streams into the codec: no exception, and no approval that was not sent.

The streams of a run come from one seed, which is printed.
"""

import random
import secrets
from collections.abc import Iterator

from hardware.cards.contract import Acknowledge, BatchClosed, Connected, Ended, Event, Lost, Query, Reversed, Sale
from hardware.cards.zvt import Profile, ZvtCodec
from hardware.cards.zvt.frames import framed

ANSWER, BUSY, DONE, NO = b"\x80\0\0", b"\x84\x9c\0", b"\x06\x0f\0", b"\x06\x1e\x01\x6c"
REGISTERED = bytes.fromhex("06 0F 0A 19 10 29 65 00 00 28 49 08 40")
READY, NOTHING = bytes.fromhex("06 0F 01 00"), bytes.fromhex("06 1E 01 FB")
APPROVED = bytes.fromhex("04 0F 05 27 00 87 00 43")
OTHER = bytes.fromhex("04 0F 0C 27 00 87 00 44 04 00 00 00 00 10 00")
DECLINED = bytes.fromhex("04 0F 02 27 05")
PROGRESS = bytes.fromhex("04 FF 01 0A")
OPENING = (ANSWER, REGISTERED, ANSWER, READY, ANSWER, NOTHING)

STREAMS = 10_000
WORDS = (ANSWER, ANSWER, BUSY, DONE, NO, APPROVED, APPROVED, OTHER, DECLINED, PROGRESS, READY, NOTHING)
GAPS_MS = (20, 300, 7_000)


def _words(seed: bytes) -> Iterator[bytes]:
    """Make a word of every three bytes: one of ours, damaged, or the bytes themselves."""
    for at in range(0, len(seed) - 2, 3):
        kind, where, what = seed[at : at + 3]
        word = bytearray(WORDS[kind % len(WORDS)])
        where %= len(word)
        match kind // 64:
            case 2 if what % 3 == 0:
                word[where] ^= 1 << what % 8
            case 2 if what % 3 == 1:
                del word[where]
            case 2:
                word.insert(where, what)
            case 3:
                word = bytearray(seed[at : at + 3 + what % 9])
        yield bytes(word)


def _approvals(stream: bytes) -> int:
    """Count what may be an approval anywhere in the stream, found without the codec."""
    plain = stream.replace(b"\x10\x10", b"\x10")
    starts = [at for at in range(len(plain) - 4) if plain[at : at + 2] == b"\x04\x0f"]
    return sum(b"\x27\x00" in plain[at + 3 : at + 3 + plain[at + 2]] for at in starts)


def test_no_stream_breaks_the_codec_or_approves_a_sale() -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    approved = sum(live(chance.randbytes(chance.randrange(27))) for _ in range(STREAMS))
    assert approved > STREAMS // 200, "the streams hold no approvals worth counting"


def live(seed: bytes) -> int:
    """Feed the stream that `seed` stands for; return how many approvals were told."""
    first, second = seed[:1] or b"\0", seed[1:2] or b"\0"
    serial, gap_ms = first[0] % 2 == 1, GAPS_MS[first[0] // 2 % 3]
    opened = len(OPENING) if second[0] < 200 else second[0] % len(OPENING)
    codec = ZvtCodec(Profile(serial=serial))
    codec.line_opened(0)
    now_ms, stream, approved = 0, b"", 0
    for number, word in enumerate([*OPENING[:opened], *_words(seed[2:])]):
        now_ms += 20 if number < opened else gap_ms
        chunk = b"\x06" + framed(word) if serial else word
        events = codec.tick(now_ms)[1] + codec.feed(chunk, now_ms)
        stream += chunk
        approved += _react(codec, events, now_ms)
        assert codec.due_ms() >= 0
    for _ in range(4):
        now_ms += 60_000
        approved += _react(codec, codec.tick(now_ms)[1], now_ms)
    assert approved <= _approvals(stream), seed.hex()
    return approved


def _react(codec: ZvtCodec, events: list[Event], now_ms: int) -> int:
    """Do what the layer above does; return how many approvals it was told."""
    for event in events:
        match event:
            case Ended(report) | Reversed(report) | BatchClosed(report):
                codec.command(Acknowledge(report))
            case Connected():
                codec.command(Sale("A1", 4725) if codec.attempt is None else Query("A1", "sale", 4725, after=""))
            case Lost():
                codec.line_opened(now_ms)
    return sum(isinstance(event, Ended) and event.result == "approved" for event in events)
