"""The ZVT codec against its twin in virtual time: the goods handshake, what it finds, and what it lets nobody see."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.cards.contract import (
    Acknowledge,
    Busy,
    Cancel,
    CloseBatch,
    Connected,
    Ended,
    Fault,
    FaultCleared,
    Lost,
    Prompt,
    Query,
    Refund,
    Refused,
    Reversed,
    Sale,
    Void,
)
from hardware.cards.zvt import Attempt, MemoryFile, Profile, ZvtCodec
from hardware.sim.zvt_fields import NUMBER
from hardware.sim.zvt_parts import Settings
from hardware.sim.zvt_wire import message
from tests.protocol.zvt_bench import ZvtBench

AMOUNT = 4_725
SALE, REPEAT, REGISTRATION = 0x0601, 0x0620, 0x0600
BOTH = pytest.mark.parametrize("serial", [False, True])


def met(settings: Settings | None = None, profile: Profile | None = None, keeps: bool = True) -> ZvtBench:
    bench = ZvtBench(settings, profile, keeps=keeps)
    bench.twin.power_on()
    bench.until(lambda: bench.of(Connected))
    return bench


def results(bench: ZvtBench) -> list[tuple[str, str]]:
    return [(end.reference, end.result) for end in bench.of(Ended)]


# The handshake


def answers(bench: ZvtBench) -> list[str]:
    """Return what the kiosk answered to each result."""
    said, asked = [], False
    for direction, data in bench.written:
        if direction == "back":
            asked = asked or data[:2] == b"\x04\x0f"
        elif asked:
            said.append(data[:2].hex())
            asked = False
    return said


def test_the_answer_waits_for_the_commit() -> None:
    bench = met()
    bench.acknowledging = False
    bench.sell("A1", AMOUNT)
    end = bench.end_of("A1")
    bench.run(400)
    assert answers(bench) == []
    assert bench.device.state() == "waiting for kiosk"
    bench.acknowledge_all()
    bench.until(lambda: not bench.twin.busy())
    assert answers(bench) == ["8000"]
    assert (end.result, bench.twin.standing()) == ("approved", [AMOUNT])


def test_a_slow_commit_is_waited_for_and_told_once() -> None:
    bench = met()
    bench.ack_after_ms = 7_000
    bench.sell("A1", AMOUNT)
    bench.end_of("A1")
    bench.run(20_000)
    assert answers(bench) == ["849c", "849c", "849c", "8000"]
    assert results(bench) == [("A1", "approved")]
    assert bench.device.memory.entries[0].state == "stored"


@BOTH
def test_a_journal_that_never_commits_lets_the_terminal_reverse(serial: bool) -> None:
    bench = met(Settings(serial=serial))
    bench.acknowledging = False
    bench.sell("A1", AMOUNT)
    bench.end_of("A1")
    bench.until(lambda: bench.of(Reversed), 120_000)
    undone = bench.of(Reversed)[0]
    assert (undone.reference, undone.amount_minor) == ("A1", AMOUNT)
    assert undone.terminal_ref == bench.end_of("A1").terminal_ref
    assert bench.twin.standing() == []
    bench.acknowledge_all()
    bench.until(bench.idle)
    bench.run(5_000)
    bench.sell("A2", AMOUNT)
    assert bench.end_of("A2").result == "approved"


def test_more_than_was_asked_for_is_not_taken() -> None:
    bench = met()
    bench.device.plan("too_much", AMOUNT + 1)
    bench.sell("A1", AMOUNT)
    end = bench.end_of("A1")
    assert (end.result, end.amount_minor) == ("declined", 0)
    assert bench.twin.standing() == []


def test_an_approval_without_an_amount_is_for_what_was_asked() -> None:
    bench = met(Settings(says_amount=False))
    bench.sell("A1", AMOUNT)
    assert bench.end_of("A1").amount_minor == AMOUNT


def test_a_terminal_that_says_no_and_then_nothing_has_said_no() -> None:
    bench = met(Settings(ends_declined=False))
    bench.device.plan("decline", 0x05)
    bench.sell("A1", AMOUNT)
    end = bench.end_of("A1")
    assert (end.result, end.reason) == ("declined", "05")
    assert not bench.of(Lost)


@BOTH
def test_silence_is_unknown_and_then_found(serial: bool) -> None:
    bench = met(Settings(serial=serial))
    bench.device.plan("stays_silent")
    bench.sell("A1", AMOUNT)
    assert bench.end_of("A1").result == "unknown"
    bench.device.line_lost()
    end = bench.look_up("A1", AMOUNT)
    assert (end.result, end.amount_minor) == ("approved", AMOUNT)
    assert bench.device.commands.count(SALE) == 1


# A sale that may not begin


@pytest.mark.parametrize(("status", "code"), [(0x51, "out_of_service"), (0x9C, "busy"), (0xCC, "printer")])
def test_a_terminal_that_is_not_ready_gets_no_sale(status: int, code: str) -> None:
    bench = met()
    bench.device.status = status
    bench.run(12_000)
    bench.sell("A1", AMOUNT)
    end = bench.end_of("A1")
    assert (end.result, end.reason) == ("not_started", f"{status:02X}")
    assert Fault(code, f"{status:02X}") in bench.events
    assert SALE not in bench.device.commands
    bench.device.status = 0
    bench.until(lambda: FaultCleared(code) in bench.events, 60_000)


def test_a_stranger_at_the_line_gets_no_sale() -> None:
    bench = met(profile=Profile(terminal_id="11111111"))
    assert any(isinstance(event, Fault) and event.code == "wrong_terminal" for event in bench.events)
    bench.sell("A1", AMOUNT)
    assert bench.end_of("A1").result == "not_started"
    assert SALE not in bench.device.commands


def test_another_currency_is_refused() -> None:
    bench = met()
    with pytest.raises(Refused):
        bench.do(Sale("A1", AMOUNT, "EUR"))
    for amount_minor in (0, -1, 10**12):
        with pytest.raises(Refused):
            bench.do(Sale("A1", amount_minor))
    euro = ZvtBench(profile=Profile(currency="EUR"))
    euro.twin.power_on()
    euro.until(lambda: euro.of(Fault))
    assert "6F" in euro.of(Fault)[0].detail or "1E" in euro.of(Fault)[0].detail
    assert not euro.of(Connected)


def test_a_sale_follows_a_status_that_is_fresh() -> None:
    bench = met()
    bench.run(25_000)
    bench.sell("A1", AMOUNT)
    bench.end_of("A1")
    enquiries = [at for at, code in enumerate(bench.device.commands) if code == 0x0501]
    assert bench.device.commands.index(SALE) - 1 in enquiries


def test_a_cancel_before_it_began_sends_nothing() -> None:
    bench = met()
    bench.run(25_000)
    bench.sell("A1", AMOUNT)
    bench.do(Cancel("A1"))
    assert bench.end_of("A1").result == "cancelled"
    assert SALE not in bench.device.commands


@BOTH
def test_a_terminal_that_cannot_be_cancelled_goes_on(serial: bool) -> None:
    bench = met(Settings(serial=serial, aborts=False, present_ms=8_000))
    bench.sell("A1", AMOUNT)
    bench.until(bench.twin.customer_waits)
    bench.do(Cancel("A1"))
    assert bench.end_of("A1").result == "approved"


def test_the_person_is_told_what_to_do() -> None:
    bench = met()
    bench.sell("A1", AMOUNT)
    bench.end_of("A1")
    assert [said.code for said in bench.of(Prompt)] == ["present_card", "present_card", "authorising"]


# Refunds, batches, and a busy terminal


def test_a_refund_is_made_and_found() -> None:
    bench = met()
    bench.sell("A1", AMOUNT)
    sale = bench.end_of("A1")
    bench.until(bench.idle)
    bench.run(1_000)
    bench.do(Refund("R1", "A1", 1_000, sale.terminal_ref))
    end = bench.end_of("R1")
    assert (end.operation, end.result, end.amount_minor) == ("refund", "approved", 1_000)
    found = bench.look_up("R1", 1_000, "refund", "A1", end.terminal_ref)
    assert (found.result, found.amount_minor) == ("approved", 1_000)


def test_a_void_without_a_receipt_number_is_not_begun() -> None:
    bench = met()
    bench.do(Void("V1", "A1", AMOUNT, ""))
    assert bench.end_of("V1").result == "not_started"


def test_only_the_last_sale_can_be_undone() -> None:
    bench = met()
    bench.sell("A1", AMOUNT)
    first = bench.end_of("A1")
    bench.until(bench.idle)
    bench.run(1_000)
    bench.sell("A2", AMOUNT)
    bench.end_of("A2")
    bench.until(bench.idle)
    bench.run(1_000)
    bench.do(bench.void_of(first, "V1"))
    end = bench.end_of("V1")
    assert (end.result, end.reason) == ("declined", "B5")
    assert bench.twin.standing() == [AMOUNT, AMOUNT]


def test_a_busy_terminal_is_asked_again() -> None:
    bench = met()
    bench.sell("A1", AMOUNT)
    bench.end_of("A1")
    bench.until(bench.idle)
    bench.run(1_000)
    bench.device.refusals = 3
    end = bench.look_up("A1", AMOUNT)
    assert end.result == "approved"
    assert Fault("busy", "9C") in bench.events
    assert FaultCleared("busy") in bench.events


def test_a_terminal_that_stays_busy_is_unknown() -> None:
    bench = met()
    bench.device.refusals = 10_000
    bench.do(Query("A1", "sale", AMOUNT))
    assert bench.end_of("A1").result == "unknown"
    bench.until(bench.idle)
    bench.do(CloseBatch("B1"))
    with pytest.raises(Busy):
        bench.do(Sale("A2", AMOUNT))


# What cannot be told apart is unknown


def test_without_memory_the_same_amount_is_not_enough() -> None:
    bench = met(keeps=False)
    bench.sell("A1", AMOUNT)
    bench.end_of("A1")
    bench.until(bench.idle)
    bench.run(1_000)
    bench.restart_host()
    bench.until(bench.idle)
    bench.do(Query("A2", "sale", AMOUNT))
    assert bench.end_of("A2").result == "unknown"


def test_a_terminal_that_cannot_repeat_leaves_it_unknown() -> None:
    bench = met(Settings(nothing_stored=0x83))
    bench.do(Query("A1", "sale", AMOUNT, after=""))
    assert bench.end_of("A1").result == "unknown"


@BOTH
@pytest.mark.parametrize("crash", [False, True])
def test_a_reversal_behind_our_back_is_told_until_it_is_acknowledged(serial: bool, crash: bool) -> None:
    """The approval is on disk, and the answer that would have made it final gets lost."""
    bench = met(Settings(serial=serial))
    bench.sell("A1", AMOUNT)
    bench.until(lambda: bench.of(Ended))
    bench.pull()
    bench.run(40_000)  # a serial terminal waits, sends again, and gives up
    bench.acknowledging = False
    told = []
    for _ in range(2):
        if crash:
            bench.restart_host()
        else:
            bench.plug_in()
        bench.until(lambda: bench.of(Reversed), 120_000)
        told.append(bench.of(Reversed)[-1].reference)
        bench.events.clear()
    assert told == ["A1", "A1"]
    assert bench.twin.standing() == []
    bench.restart_host()
    bench.acknowledging = True
    bench.until(lambda: bench.of(Reversed), 120_000)
    bench.run(60_000)
    bench.restart_host()
    bench.until(bench.idle)
    bench.run(1_000)
    assert not bench.of(Reversed)


@pytest.mark.parametrize("expected", ["", "65000028"])
def test_another_terminal_in_its_place_says_nothing_of_a_sale(expected: str) -> None:
    bench = met(profile=Profile(terminal_id=expected))
    bench.device.plan("stays_silent")
    bench.sell("A1", AMOUNT)
    bench.until(bench.twin.standing)
    bench.device.settings = replace(bench.device.settings, terminal_id="11111111")
    bench.device.memory.entries.clear()
    bench.device.memory.last = 0
    bench.restart_host()
    bench.until(bench.idle)
    bench.do(Query("A1", "sale", AMOUNT, after=""))
    assert bench.end_of("A1").result == "unknown"


@BOTH
def test_a_terminal_that_started_anew_is_registered_again(serial: bool) -> None:
    bench = met(Settings(serial=serial))
    bench.device.registered = False
    bench.do(Query("A1", "sale", AMOUNT, after=""))
    assert bench.end_of("A1").result == "absent"
    bench.until(bench.idle)
    bench.device.registered = False
    bench.run(1_000)
    bench.sell("A2", AMOUNT)
    assert (bench.end_of("A2").result, bench.end_of("A2").reason) == ("not_started", "6B")
    bench.run(5_000)
    bench.sell("A3", AMOUNT)
    assert bench.end_of("A3").result == "approved"


def test_the_sale_before_told_once_more_is_not_this_one() -> None:
    bench = met()
    bench.sell("A1", AMOUNT)
    bench.end_of("A1")
    bench.until(bench.idle)
    bench.run(1_000)
    stored = bench.device.memory.entries[-1]
    bench.sell("A2", AMOUNT)
    bench.until(bench.twin.customer_waits)
    bench.run(300)
    told = bench.codec.feed(message(0x040F, bench.device._information(stored)), bench.now_ms)
    told += bench.codec.feed(message(0x060F, b""), bench.now_ms)
    assert [event.result for event in told if isinstance(event, Ended)] == ["unknown"]


def test_the_end_of_something_else_is_no_registration() -> None:
    bench = ZvtBench()
    bench.run(100)
    for stale in (message(0x8000, b""), message(0x060F, b"")):
        bench.codec.feed(stale, bench.now_ms)
    bench.run(1_000)
    assert not bench.of(Connected)
    bench.twin.power_on()
    bench.until(lambda: bench.of(Connected))
    assert bench.of(Connected)[0].identity.terminal_id == "65000028"


def test_a_crash_before_the_sale_left_is_no_sale() -> None:
    bench = met()
    bench.run(25_000)
    bench.sell("A1", AMOUNT)
    bench.until(lambda: bench.kept is not None)
    assert bench.kept is not None
    assert not bench.kept.sent
    bench.restart_host()
    bench.until(bench.idle)
    bench.do(Query("A1", "sale", AMOUNT))
    assert bench.end_of("A1").result == "absent"


def test_nothing_is_paid_while_a_reversal_is_not_on_disk() -> None:
    bench = met()
    bench.acknowledging = False
    bench.sell("A1", AMOUNT)
    end = bench.end_of("A1")
    bench.until(lambda: bench.of(Reversed), 120_000)
    bench.run(1_000)
    bench.do(Acknowledge(end.report))
    with pytest.raises(Busy):
        bench.do(Sale("A2", AMOUNT))
    bench.do(Query("A1", "sale", AMOUNT, end.terminal_ref))
    bench.until(lambda: bench.ended("A1", found=True))
    assert bench.of(Ended)[-1].result == "absent"


# Card data


def test_a_leaky_terminal_is_told_of_and_its_card_numbers_are_nowhere() -> None:
    bench = met(Settings(leaks=True))
    bench.sell("A1", AMOUNT)
    end = bench.end_of("A1")
    assert (end.result, end.slip.last4) == ("approved", "1111")
    assert any(isinstance(event, Fault) and event.code == "wrong_terminal" for event in bench.events)
    bench.until(bench.idle)
    bench.run(2_000)
    seen = repr([bench.events, bench.kept, *_insides(bench.codec)])
    assert "A1" in seen
    for shape in (NUMBER, NUMBER[:6], str(bytes.fromhex(NUMBER)), repr(bytes.fromhex(NUMBER))[2:-1], "3012"):
        assert shape not in seen
    bench.sell("A2", AMOUNT)
    assert bench.end_of("A2").result == "not_started"


def _insides(thing: object, depth: int = 4) -> list[object]:
    """Return what an object holds, and what that holds."""
    inside = list(vars(thing).values()) if hasattr(thing, "__dict__") else []
    return inside + [deeper for each in inside if depth for deeper in _insides(each, depth - 1)]


# What outlives the process


def test_the_memory_survives_and_damage_to_it_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "attempt.json"
    attempt = Attempt("sale", "A1", AMOUNT, "R0470", sent=True)
    memory = MemoryFile(path)
    assert memory.read() is None
    kept = [attempt]
    memory.keeper(lambda: kept[0])()
    assert MemoryFile(path).read() == attempt
    assert json.loads(path.read_text())["reference"] == "A1"
    for damage in ("", "{", "[]", '{"x": 1}'):
        path.write_text(damage)
        assert MemoryFile(path).read() is None
    assert ZvtCodec(attempt=attempt).attempt == attempt


def test_the_attempt_is_kept_before_the_sale_leaves() -> None:
    bench = met()
    bench.sell("A1", AMOUNT)
    bench.until(lambda: SALE in bench.device.commands)
    assert bench.kept is not None
    assert (bench.kept.reference, bench.kept.before, bench.kept.approved) == ("A1", "", False)
