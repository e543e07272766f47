"""Ten thousand random and damaged streams into the codec: no exception, and no approval that was not carried.

The streams of a run come from one seed, which is printed.
"""

import copy
import random
import secrets
from itertools import product

from hardware.cards.contract import Acknowledge, BatchClosed, Codec, Connected, Ended, Event, Query, Sale, Void
from hardware.cards.pax import PaxCodec, Settings
from hardware.cards.pax.frames import seal

ASKED = 4_725
CODES = ["000000", "000000", "000001", "000002", "000003", "000100", "100002", "100009", "100011", "100023", "000007"]
APPROVALS = ("000000", "000002", "000003", "100011")
REFERENCES = ["K1", "K1", "K1", "K2", ""]
KINDS = ["01", "01", "16", "02", ""]
AMOUNTS = ["4725", "4725", "2000", "0", "", "9999", "-5", "4725x"]


def t01(code: str, reference: str, kind: str, amount: str) -> bytes:
    groups = ["0", "T01", "1.35", code, "TEXT", "00\x1fAPPROVAL\x1f1\x1f2\x1f3\x1f1", kind, amount, "1111\x1f4"]
    return seal("\x1c".join([*groups, f"7\x1f{reference}"]))


def r03(code: str, reference: str, kind: str, amount: str) -> bytes:
    text = "NOT FOUND" if code == "100023" else "OK"
    groups = ["0", "R03", "1.35", code, text, "1", "0", "00\x1fAPPROVAL", "01", kind, "", amount, "1111\x1f4"]
    return seal("\x1c".join([*groups, f"7\x1f{reference}"]))


STREAMS = 10_000
FRAMES = [build(*parts) for build in (t01, r03) for parts in product(CODES, REFERENCES, KINDS, AMOUNTS)]
BITS = [b"\x06", b"\x06", b"\x06", b"\x15", b"\x04", b"\x05", b"\x02", b"\x03"]


def damaged(chance: random.Random) -> bytes:
    frame = bytearray(chance.choice(FRAMES))
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
    match chance.randrange(4):
        case 0:
            return chance.choice(BITS)
        case 1:
            return chance.choice(FRAMES)
        case 2:
            return damaged(chance)
    return chance.randbytes(chance.randrange(13))


def carried(stream: bytes) -> list[tuple[str, str, str]]:
    """Return command, kind and amount of every approval of K1 in the stream, found without the receiver."""
    found = []
    for at, byte in enumerate(stream):
        end = stream.find(b"\x03", at)
        if byte != 0x02 or end < 0 or end + 1 >= len(stream):
            continue
        check = 0x03
        for inner in stream[at + 1 : end]:
            check ^= inner
        groups = stream[at + 1 : end].decode("latin-1").split("\x1c")
        if check != stream[end + 1] or len(groups) < 10:
            continue
        trace = groups[9 if groups[1] == "T01" else -1].split("\x1f")
        echoed = trace[1] if len(trace) > 1 else ""
        if groups[1] == "T01" and groups[3] in APPROVALS and echoed in ("K1", ""):
            found.append(("T01", groups[6], groups[7]))
        if groups[1] == "R03" and groups[3] == "000000" and len(groups) > 12 and echoed == "K1":
            found.append(("R03", groups[9], groups[11]))
    return found


def met() -> tuple[Codec, int]:
    """Return a connected codec, opened by hand, and the time."""
    codec, now_ms, events = PaxCodec(Settings(settle_ms=1_000)), 0, list[Event]()
    codec.line_opened(0)
    while not any(isinstance(event, Connected) for event in events):
        now_ms = max(now_ms + 10, min(codec.due_ms(), now_ms + 5_000))
        data, more = codec.tick(now_ms)
        command = data[1:4].decode("latin-1") if data[:1] == b"\x02" else ""
        if command in ("A00", "A78"):
            more += codec.feed(b"\x06" + seal(f"0\x1cA{int(command[1:]) + 1:02d}\x1c1.35\x1c000000\x1cOK\x1c0"), now_ms)
        elif data:
            more += codec.feed(b"\x04", now_ms)
        events += more
    codec.tick(now_ms + 1)
    codec.feed(b"\x04", now_ms + 1)
    return codec, now_ms + 1


COMMANDS = [Sale("K1", ASKED), Sale("K1", ASKED), Void("K1", "K0", ASKED, "7"), Query("K1", "sale", ASKED)]
COMMANDS.append(Query("K1", "void", ASKED, of="K0"))


def live(codec: Codec, now_ms: int, command: Sale | Void | Query, chance: random.Random) -> tuple[list[Ended], bytes]:
    """Give the command and feed a stream; return how it ended and the stream. A sale goes out once, a query never."""
    codec.command(command)
    now_ms += 10
    sent, events = codec.tick(now_ms)
    sales = sent.count(b"T00")
    stream = chance.choice([b"\x06", b""])
    events += codec.feed(stream, now_ms)
    for data in [*(chunk(chance) for _ in range(chance.randrange(8))), b"", b"", b""]:
        now_ms += chance.choice([500, chance.randint(1, 9_000)])
        sent, more = codec.tick(now_ms)
        sales += sent.count(b"T00")
        more += codec.feed(data, now_ms)
        stream += data
        for event in more:
            if isinstance(event, Ended | BatchClosed):
                codec.command(Acknowledge(event.report))
        events += more
        assert codec.due_ms() >= 0
    assert sales == (not isinstance(command, Query))
    return [event for event in events if isinstance(event, Ended)], stream


def test_no_stream_breaks_the_codec_or_makes_money() -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance, approved, (fresh, now_ms) = random.Random(seed), 0, met()
    for _ in range(STREAMS):
        ends, stream = live(copy.deepcopy(fresh), now_ms, chance.choice(COMMANDS), chance)
        assert len(ends) <= 1
        for end in ends:
            if end.result == "approved":
                approved += 1
                amounts = {amount for _, _, amount in carried(stream)}
                assert amounts, (end, stream)
                assert end.operation == "void" or str(end.amount_minor) in amounts, (end, stream)
                assert 0 < end.amount_minor <= ASKED
    assert approved > STREAMS // 200, "the streams hold no approvals worth counting"
