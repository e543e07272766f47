"""The serial line of ZVT: acknowledge bytes, repeats and their limits; and what a terminal found half-way is told."""

from dataclasses import replace

import pytest

from hardware.cards.zvt import Attempt
from hardware.cards.zvt.frames import Message, framed
from hardware.cards.zvt.handshake import Handshake, answer_to_stray
from hardware.cards.zvt.link import SerialLink, TcpLink
from hardware.cards.zvt.requests import CANCEL, NOT_ISSUED, PLEASE_WAIT, POSITIVE
from hardware.cards.zvt.status import Information

ACK, NAK = b"\x06", b"\x15"
COMMAND = framed(CANCEL.encode())
ANSWER, DONE = framed(POSITIVE.encode()), framed(b"\x06\x0f\x00")
PROGRESS = framed(b"\x04\xff\x01\x0a")


def saying(*messages: Message) -> SerialLink:
    link = SerialLink()
    link.opened(0)
    for message in messages:
        link.say(message)
    return link


def test_a_frame_is_repeated_twice_and_then_given_up() -> None:
    link = saying(CANCEL)
    assert link.send(0) == COMMAND
    assert link.send(4_999) == b""
    assert link.send(5_000) == COMMAND
    assert link.send(10_000) == COMMAND
    assert not link.failed
    assert link.send(15_000) == b""
    assert link.failed


def test_a_frame_that_is_not_received_is_sent_again_at_once() -> None:
    link = saying(CANCEL)
    link.send(0)
    link.receive(NAK, 10)
    assert link.send(10) == COMMAND
    link.receive(ACK, 20)
    assert link.send(9_000) == b""
    assert link.delivered()


def test_one_frame_at_a_time() -> None:
    link = saying(POSITIVE, CANCEL)
    assert link.send(0) == ANSWER
    assert link.send(10) == b""
    link.receive(ACK, 20)
    assert link.send(20) == COMMAND


def test_what_comes_is_acknowledged_and_told_once() -> None:
    link = saying()
    assert [message.code for message in link.receive(PROGRESS, 0)] == [0x04FF]
    assert link.send(0) == ACK
    assert link.receive(PROGRESS, 5_000) == []
    assert link.send(5_000) == ACK


def test_the_same_bytes_after_an_answer_of_ours_are_news() -> None:
    link = saying()
    link.receive(PROGRESS, 0)
    link.say(POSITIVE)
    assert link.send(0) == ACK + ANSWER
    link.receive(ACK, 10)
    assert [message.code for message in link.receive(PROGRESS, 2_000)] == [0x04FF]


def test_an_answer_that_was_not_acknowledged_is_repeated_with_the_question() -> None:
    link = saying()
    link.receive(PROGRESS, 0)
    link.say(POSITIVE)
    link.send(0)
    assert link.receive(PROGRESS, 4_000) == []
    assert link.send(4_000) == ACK + ANSWER


@pytest.mark.parametrize(("said", "heard"), [(CANCEL, ANSWER), (POSITIVE, PROGRESS)])
def test_who_goes_on_has_received(said: Message, heard: bytes) -> None:
    link = saying(said)
    link.send(0)
    assert link.receive(heard, 100)
    assert link.delivered()


def test_a_command_in_return_is_no_acknowledgement() -> None:
    link = saying(CANCEL)
    link.send(0)
    assert link.receive(PROGRESS, 100)
    assert not link.delivered()


def test_damage_and_a_torn_frame_are_refused() -> None:
    link = saying()
    link.receive(DONE[:-1] + b"\x00", 0)
    assert link.send(0) == NAK
    link.receive(DONE[:5], 100)
    assert link.send(250) == b""
    assert link.due_ms() == 300
    assert link.send(300) == NAK
    assert [message.code for message in link.receive(DONE, 400)] == [0x060F]


def test_a_stranger_on_tcp_is_named() -> None:
    link = TcpLink()
    assert link.receive(b"HTTP/1.1 400 Bad Request", 0) == []
    assert "ZVT" in link.failed


# The answer to an approval

APPROVED = Information(result=0, mark="R0043T000471")
ATTEMPT = Attempt("sale", "A1", 4_725, "", sent=True, mark=APPROVED.mark, approved=True)


@pytest.mark.parametrize(
    ("attempt", "commit", "answer"),
    [
        (None, False, NOT_ISSUED),
        (ATTEMPT, False, NOT_ISSUED),
        (ATTEMPT, True, PLEASE_WAIT),
        (replace(ATTEMPT, known=True), False, POSITIVE),
        (replace(ATTEMPT, known=True, mark="R0042T000470"), False, NOT_ISSUED),
        (replace(ATTEMPT, operation="void"), False, POSITIVE),
    ],
)
def test_an_approval_found_half_way_is_final_only_if_it_is_on_disk(
    attempt: Attempt | None, commit: bool, answer: Message
) -> None:
    assert answer_to_stray(APPROVED, attempt, commit) == answer
    assert answer_to_stray(Information(result=0x6C), attempt, commit) == POSITIVE


@pytest.mark.parametrize(("vending", "late", "answer"), [(True, 500, PLEASE_WAIT), (False, 4_000, POSITIVE)])
def test_the_answer_is_kept_back(vending: bool, late: int, answer: Message) -> None:
    handshake = Handshake(1_000, vending)
    assert handshake.answer(1_000 + late - 1) is None
    assert handshake.answer(1_000 + late) == answer
    assert handshake.answer(9_000) is None
    known = Handshake(1_000, vending, known=True)
    assert known.answer(1_000) == POSITIVE
