"""What the codec asks at start, and what it makes of the answers."""

import pytest

from hardware.acceptors.contract import Connected, Enable, Fault
from hardware.acceptors.ebds import MEI_SC, EbdsCodec, Profile
from hardware.acceptors.ebds.frames import Frame, parse
from tests.protocol.ebds_hand import ALL, Hand, status


def _interrogate(hand: Hand, answers: dict[int, bytes | None], rounds: int = 60) -> None:
    """Answer queries from `answers` by command byte (or SUB for type 7), None for silence; polls with idling."""
    for _ in range(rounds):
        frame = hand.poll()
        if frame.type == 1:
            hand.say(Frame(2, frame.toggle, status("idling")).encode())
            continue
        reply = answers.get(frame.data[0] if frame.type == 7 else frame.data[2])
        if reply is not None:
            hand.say(Frame(frame.type, frame.toggle, reply).encode())


TABLE = bytes.fromhex(
    "0155534430303 12b3030 025553443030322b3030 035553443030352b3030 045553443030312b3031"
    "055553443030322b3031 065553443030352b3031 075553443030312b3032".replace(" ", "")
)


def _identity(hand: Hand) -> Connected:
    [connected] = [event for event in hand.events if isinstance(event, Connected)]
    return connected


def test_the_device_is_asked_who_it_is() -> None:
    hand = Hand(MEI_SC)
    known = {4: b"SC83", 5: b"12345\0", 8: b"USA_USD".ljust(32, b"\0"), 7: b"286001123"}
    _interrogate(hand, {**known, 6: b"\x06" + status("idling") + TABLE} | {0x04: b"SC83"})
    identity = _identity(hand).identity
    assert (identity.model, identity.serial, identity.firmware) == ("SC83", "12345", "286001 V1.23")
    assert identity.table[7] == ("USD", 10000)
    timeout = next(parse(raw) for raw in hand.sent if parse(raw).type == 7 and parse(raw).data[0] == 4)
    assert timeout.data[4:] == bytes([30, 0])


def test_missing_answers_are_not_fatal_and_each_query_goes_out_twice_at_most() -> None:
    hand = Hand(MEI_SC)
    _interrogate(hand, {})
    identity = _identity(hand).identity
    assert (identity.model, identity.serial, identity.firmware, identity.table) == ("model 54", "", "4.2", {})
    queries = [parse(raw) for raw in hand.sent if parse(raw).type != 1]
    assert max(sum(q.data == query.data and q.type == query.type for q in queries) for query in queries) == 2
    for before, after in zip(hand.sent, hand.sent[1:], strict=False):
        if parse(before).type != 1 and before != after:
            assert parse(after).type == 1  # a late answer must not pass for the answer to the next question


def test_a_wrong_answer_is_a_try_and_a_status_instead_of_an_answer_is_read() -> None:
    hand = Hand(Profile("one", ("variant",)))
    hand.answer("idling")
    hand.answer("idling")
    query = hand.poll()
    assert query.type == 6
    hand.say(Frame(6, query.toggle, bytes([1, 2, 3, 4, 0, 0])).encode())
    hand.answer("idling")
    query = hand.poll()
    assert query.type == 6
    hand.say(Frame(2, query.toggle, status("idling", "jammed")).encode())
    assert Fault("jammed") in hand.events
    assert _identity(hand).identity.variant == ""


@pytest.mark.parametrize(
    ("answers", "detail"),
    [
        ({8: b"CAN_CAD".ljust(32, b"\0")}, "CAD is not for USD"),
        ({6: b"\x06" + bytes(6) + TABLE.replace(b"USD002+01", b"USD002+02")}, "note type 5"),
        ({6: b"\x06" + bytes(6) + TABLE[:50]}, None),
    ],
)
def test_a_device_with_other_notes_stays_inhibited(answers: dict[int, bytes], detail: str | None) -> None:
    hand = Hand(MEI_SC)
    _interrogate(hand, dict(answers))
    hand.do(Enable(ALL))
    for _ in range(3):
        hand.answer("idling")
    wrong = [event for event in hand.events if isinstance(event, Fault)]
    if detail is None:
        assert wrong == []
        assert hand.poll().data[0] == 0x7F
    else:
        assert [fault.code for fault in wrong] == ["wrong_table"]
        assert detail in wrong[0].detail
        assert hand.poll().data[0] == 0


def test_enabled_note_types_are_the_mask() -> None:
    hand = Hand().connected()
    hand.do(Enable(frozenset({1, 3, 7, 9})))
    assert hand.poll().data[0] == 0b1000101


def test_nothing_happens_before_the_line_is_open() -> None:
    codec = EbdsCodec()
    assert codec.feed(b"\x02\x0b", 5) == []
    assert codec.tick(10**9) == (b"", [])
    assert codec.due_ms() > 10**15
    assert not codec.degraded(10**9)
