"""A PAX sale whose outcome stays away: what the terminal holds is found, and nothing is believed too early."""

from dataclasses import replace
from typing import Literal

import pytest

from hardware.cards.contract import (
    Cancel,
    Connected,
    Ended,
    Fault,
    FaultCleared,
    Lost,
    Prompt,
    Query,
    Refund,
    Refused,
    Sale,
)
from hardware.cards.pax import PaxCodec
from hardware.cards.pax import Settings as HostSettings
from hardware.cards.pax.frames import seal
from hardware.sim.pax_parts import Settings
from tests.protocol.pax_bench import PaxTwin, pax_bench
from tests.protocol.terminal_bench import OUT, Bench

SALE = "K1000001"
AMOUNT = 4_725
OPEN = Settings(busy="answers", cancel="silent", duplicates="off")  # says everything and checks nothing


def met(settings: Settings | None = None, host: HostSettings | None = None) -> Bench:
    bench = pax_bench(settings, host)
    bench.twin.power_on()
    bench.until(lambda: bench.of(Connected))
    bench.run(1_000)
    return bench


def twin(bench: Bench) -> PaxTwin:
    assert isinstance(bench.twin, PaxTwin)
    return bench.twin


def sold(bench: Bench, reference: str = SALE) -> Ended:
    bench.sell(reference, AMOUNT)
    end = bench.end_of(reference)
    bench.until(bench.idle)
    bench.run(15_000)
    return end


def sales_sent(bench: Bench) -> int:
    return sum(data.count(b"T00") for direction, data in bench.written if direction == OUT)


# Not found is not yet absent


@pytest.mark.parametrize("crash", [False, True])
def test_a_sale_that_is_still_at_its_host_is_not_absent(crash: bool) -> None:
    """The terminal answers "not found" all the while, and cannot be stopped."""
    bench = met(OPEN)
    sold(bench, "K1000000")  # the codec has seen the terminal rest
    bench.twin.customer("approve", host_ms=100_000)
    bench.sell(SALE, AMOUNT + 1)
    bench.run(10_000)
    bench.pull()
    bench.run(500)
    if crash:
        bench.restart_host()
    else:
        bench.plug_in()
    end = bench.look_up(SALE, AMOUNT + 1)
    assert (end.result, end.amount_minor, end.found) == ("approved", AMOUNT + 1, True)
    assert bench.twin.standing() == [AMOUNT, AMOUNT + 1]


def test_absent_takes_two_answers_and_the_longest_sale() -> None:
    bench = met(OPEN)
    begun_ms = bench.now_ms
    end = bench.look_up(SALE, AMOUNT)
    assert end.result == "absent"
    assert bench.now_ms - begun_ms >= 160_000
    questions = sum(b"R02" in data for _, data in bench.written)
    begun_ms = bench.now_ms
    assert bench.look_up("K1000002", AMOUNT).result == "absent"
    assert 5_000 <= bench.now_ms - begun_ms < 10_000
    assert sum(b"R02" in data for _, data in bench.written) == questions + 2


def test_an_answer_that_comes_late_is_what_the_query_looked_for() -> None:
    bench = met()
    bench.twin.customer("approve", host_ms=40_000)
    bench.sell(SALE, AMOUNT)
    bench.run(5_000)
    bench.do(Cancel(SALE))
    assert bench.end_of(SALE).result == "unknown"  # it did not stop, and said nothing
    bench.run(100)
    end = bench.look_up(SALE, AMOUNT)
    assert (end.result, end.found) == ("approved", True)
    assert sales_sent(bench) == 1


def test_a_late_refusal_ends_the_wait() -> None:
    bench = met()
    bench.twin.customer("decline", host_ms=40_000)
    bench.sell(SALE, AMOUNT)
    bench.run(5_000)
    bench.do(Cancel(SALE))
    assert bench.end_of(SALE).result == "unknown"
    bench.run(40_000)
    begun_ms = bench.now_ms
    assert bench.look_up(SALE, AMOUNT).result == "absent"
    assert bench.now_ms - begun_ms < 10_000


# Answers to something else


def answer(command: str, code: str, *groups: str) -> bytes:
    return seal("\x1c".join(["0", command, "1.35", code, "OK", *groups]))


def asked(command: Sale | Query) -> tuple[PaxCodec, int]:
    """Return a codec, met by hand, whose `command` has just left."""
    codec, now_ms = PaxCodec(HostSettings(check_store_and_forward=False, settle_ms=0)), 0
    codec.line_opened(0)
    for reply in (b"\x04", b"\x06" + answer("A01", "000000", "53236566"), b"\x04"):
        now_ms += 10
        codec.tick(now_ms)
        codec.feed(reply, now_ms)
    codec.tick(now_ms)
    codec.feed(b"\x04", now_ms)
    codec.command(command)
    assert codec.tick(now_ms)[0][1:4] == (b"T00" if isinstance(command, Sale) else b"R02")
    return codec, now_ms


def test_the_last_answer_repeated_is_not_the_answer_to_this_sale() -> None:
    """An abort names no reference. One that comes before our request is taken belongs to the sale before."""
    codec, now_ms = asked(Sale(SALE, AMOUNT))
    assert codec.feed(answer("T01", "100002"), now_ms) == []
    assert codec.tick(now_ms)[0] == b"\x06"
    assert codec.feed(b"\x06", now_ms) == [Prompt(SALE, "present_card")]
    assert codec.feed(answer("T01", "100002", "", "01", "0", "", "9\x1fK9"), now_ms) == []
    ends = codec.feed(answer("T01", "100002"), now_ms)
    assert [end.result for end in ends if isinstance(end, Ended)] == ["cancelled"]


def test_a_duplicate_without_a_reference_decides_nothing() -> None:
    codec, now_ms = asked(Sale(SALE, AMOUNT))
    codec.feed(b"\x06", now_ms)
    ends = codec.feed(answer("T01", "100011"), now_ms)
    assert [end.result for end in ends if isinstance(end, Ended)] == ["unknown"]


@pytest.mark.parametrize(("number", "result"), [("7", "cancelled"), ("8", "approved")])
def test_only_a_void_of_that_very_sale_undoes_it(number: str, result: str) -> None:
    """A terminal that overlooks what it was asked for tells of any void."""

    def record(kind: str, reference: str, number: str) -> bytes:
        trace = f"{number}\x1f{reference}"
        return b"\x06" + answer("R03", "000000", "1", "0", "00", "01", kind, "", "4725", "1111", trace)

    codec, now_ms = asked(Query(SALE, "sale", AMOUNT))
    assert codec.feed(record("01", SALE, "7"), now_ms) == []
    for _ in range(2):
        codec.tick(now_ms)
        codec.feed(b"\x04", now_ms)
    codec.tick(now_ms)
    ends = codec.feed(record("16", "V9", number), now_ms)
    assert [end.result for end in ends if isinstance(end, Ended)] == [result]


def test_a_record_of_another_reference_decides_nothing() -> None:
    codec, now_ms = asked(Query(SALE, "sale", AMOUNT))
    other = answer("R03", "000000", "1", "0", "00", "01", "01", "", "4725", "1111", "7\x1fK9")
    ends = codec.feed(b"\x06" + other, now_ms)
    assert [end.result for end in ends if isinstance(end, Ended)] == ["unknown"]


# What goes wrong on the way


@pytest.mark.parametrize(
    ("trouble", "count", "told"),
    [
        ("lose_ack", 1, "approved"),
        ("nak", 1, "unknown"),
        ("lose_answer", 1, "unknown"),
        ("corrupt", 1, "approved"),
        ("corrupt", 2, "approved"),
        ("corrupt", 3, "unknown"),
        ("twice", 4, "approved"),
        ("lose_eot", 1, "approved"),
        ("lose_eot", 9, "approved"),
    ],
)
def test_a_sale_leaves_once_whatever_happens_to_it(trouble: str, count: int, told: str) -> None:
    bench = met(replace(OPEN, busy="silent"))
    setattr(twin(bench).trouble, trouble, count)
    end = sold(bench)
    assert end.result == told
    if told == "unknown":
        end = bench.look_up(SALE, AMOUNT)
    assert end.result == ("approved" if bench.twin.standing() else "absent")
    assert sales_sent(bench) == 1
    bench.until(bench.idle)
    bench.run(20_000)
    setattr(twin(bench).trouble, trouble, 0)
    assert sold(bench, "K1000002").result == "approved"
    assert len(bench.of(Ended)) == len({end.report for end in bench.of(Ended)})


@pytest.mark.parametrize("link", ["serial", "tcp"])
def test_an_answer_without_acknowledgement_and_reference_is_no_refusal(link: Literal["serial", "tcp"]) -> None:
    bench = met(OPEN, HostSettings(link=link))
    twin(bench).trouble.lose_ack = 1
    bench.twin.customer("receive_error_paid")
    assert sold(bench).result == "unknown"
    assert bench.look_up(SALE, AMOUNT).result == "approved"
    assert bench.twin.standing() == [AMOUNT]


@pytest.mark.parametrize("form", ["split", "glue", "packets"])
def test_answers_arrive_in_any_form(form: str) -> None:
    bench = met()
    setattr(twin(bench).trouble, form, True)
    assert sold(bench).result == "approved"
    end = bench.look_up(SALE, AMOUNT)
    assert (end.result, end.amount_minor, end.slip.last4) == ("approved", AMOUNT, "1111")


def test_the_terminal_hears_that_we_know_only_after_the_commit() -> None:
    bench = met()
    bench.acknowledging = False
    bench.sell(SALE, AMOUNT)
    bench.end_of(SALE)
    before = len(bench.written)
    bench.run(8_000)
    assert not [data for direction, data in bench.written[before:] if direction == OUT]
    bench.acknowledge_all()
    bench.run(1_000)
    assert [data for direction, data in bench.written[before:] if direction == OUT] == [b"\x06"]
    assert len(bench.of(Ended)) == 1


def test_a_host_that_dies_before_the_commit_finds_the_sale() -> None:
    bench = met()
    bench.acknowledging = False
    bench.sell(SALE, AMOUNT)
    bench.end_of(SALE)
    bench.restart_host()
    bench.acknowledging = True
    assert bench.look_up(SALE, AMOUNT).result == "approved"
    assert bench.twin.made() == 1


# What the terminal says


@pytest.mark.parametrize(("does", "result"), [("receive_error_paid", "approved"), ("receive_error", "absent")])
def test_a_receive_error_decides_nothing(does: str, result: str) -> None:
    bench = met()
    bench.twin.customer(does)
    end = sold(bench)
    assert (end.result, end.reason) == ("unknown", "100009")
    assert bench.look_up(SALE, AMOUNT).result == result


def test_a_duplicate_answer_is_read_and_not_thrown_away() -> None:
    """The sheet: if the same reference is sent by mistake, the first transaction comes back."""
    bench = met()
    first = sold(bench)
    bench.restart_host()
    bench.until(bench.idle)
    again = sold(bench)
    assert (again.result, again.reason, again.amount_minor) == ("approved", "100011", AMOUNT)
    assert (again.terminal_ref, again.slip.approval) == (first.terminal_ref, first.slip.approval)
    assert (bench.twin.made(), bench.twin.standing()) == (1, [AMOUNT])


def test_a_duplicate_of_another_sale_was_not_made() -> None:
    bench = met(Settings(duplicates="card"))
    sold(bench)
    again = sold(bench, "K1000002")
    assert (again.result, again.reason, again.amount_minor) == ("declined", "100011", 0)
    assert bench.twin.standing() == [AMOUNT]


@pytest.mark.parametrize("record", ["beside", "replaces"])
def test_a_sale_that_somebody_voided_at_the_terminal_is_not_paid(record: str) -> None:
    bench = met(Settings(void_record=record))
    sale = sold(bench)
    bench.do(bench.void_of(sale, "V1000001"))
    bench.end_of("V1000001")
    bench.until(bench.idle)
    bench.restart_host()
    end = bench.look_up(SALE, AMOUNT)
    assert (end.result, end.reason, end.amount_minor) == ("cancelled", "voided", 0)
    end = bench.look_up("V1000001", AMOUNT, "void", SALE, sale.terminal_ref)
    assert (end.operation, end.result, end.amount_minor) == ("void", "approved", AMOUNT)
    bench.until(bench.idle)
    bench.do(bench.void_of(sale, "V1000002"))
    again = bench.end_of("V1000002")
    assert (again.result, again.reason) == ("unknown", "100021")
    assert bench.look_up("V1000002", AMOUNT, "void", SALE, sale.terminal_ref).result == "approved"


def test_a_void_by_the_hosts_reference() -> None:
    bench = met(None, HostSettings(void_by="host_reference", void_type="17"))
    bench.do(bench.void_of(sold(bench), "V1000001"))
    assert bench.end_of("V1000001").result == "approved"
    assert bench.twin.standing() == []


def test_a_refund_and_its_query() -> None:
    bench = met()
    sale = sold(bench)
    bench.do(Refund("R1000001", SALE, 1_000, sale.terminal_ref, slip=sale.slip))
    end = bench.end_of("R1000001")
    assert (end.operation, end.result, end.amount_minor) == ("refund", "approved", 1_000)
    bench.until(bench.idle)
    assert bench.look_up("R1000001", 1_000, "refund", SALE).result == "approved"
    assert [record.amount_minor for record in twin(bench).terminal.memory.refunds()] == [1_000]


# The terminal itself


def test_the_wrong_terminal_takes_no_money() -> None:
    bench = met(None, HostSettings(serial="11111111"))
    assert [(fault.code, fault.detail) for fault in bench.of(Fault)] == [("wrong_terminal", "53236566")]
    with pytest.raises(Refused, match="wrong_terminal"):
        bench.do(Sale(SALE, AMOUNT))


def test_the_wrong_terminal_is_not_believed_that_it_has_none() -> None:
    bench = met(None, HostSettings(serial="11111111"))
    with pytest.raises(AssertionError, match="never found"):
        bench.look_up(SALE, AMOUNT)
    assert {end.result for end in bench.of(Ended)} == {"unknown"}


def test_a_terminal_that_stores_sales_takes_none_and_is_not_believed_that_it_has_none() -> None:
    bench = met(Settings(store_and_forward=True))
    assert bench.of(Connected)[0].identity.store_and_forward
    with pytest.raises(Refused, match="store_and_forward"):
        bench.do(Sale(SALE, AMOUNT))
    with pytest.raises(AssertionError, match="never found"):
        bench.look_up(SALE, AMOUNT)


def test_an_offline_approval_is_no_money() -> None:
    bench = met()
    bench.twin.customer("stored")
    end = sold(bench)
    assert (end.result, end.amount_minor, end.reason) == ("unknown", 0, "000001")
    assert [fault.code for fault in bench.of(Fault)] == ["store_and_forward"]


def test_a_terminal_without_its_host_says_so_until_it_is_asked_again() -> None:
    bench = met()
    bench.twin.customer("offline")
    assert sold(bench).result == "not_started"
    assert [fault.code for fault in bench.of(Fault)] == ["offline"]
    bench.until(lambda: bench.of(FaultCleared), 40_000)
    assert sold(bench, "K1000002").result == "approved"


def test_a_terminal_that_is_busy_with_something_else_is_busy_and_not_lost() -> None:
    bench = met(Settings(busy="eot"))
    bench.sell(SALE, AMOUNT)
    bench.twin.customer("walk_away")
    bench.run(1_000)
    bench.twin.customer("walk_away")
    twin(bench).terminal.settings = replace(twin(bench).terminal.settings, cancel="silent")
    twin(bench).terminal.cancel = lambda: None  # type: ignore[method-assign]
    bench.restart_host()
    bench.until(lambda: bench.of(Fault))
    assert bench.of(Fault)[0].code == "busy"
    bench.until(lambda: bench.of(Connected), 120_000)
    assert [cleared.code for cleared in bench.of(FaultCleared)] == ["busy"]
    assert not bench.of(Lost)


def test_the_person_is_told_to_present_the_card_once_the_terminal_waits() -> None:
    bench = met()
    sold(bench)
    assert bench.of(Prompt) == [Prompt(SALE, "present_card")]


def test_a_terminal_that_tells_too_much_is_not_repeated() -> None:
    bench = met()
    bench.twin.customer("leak")
    end = sold(bench)
    assert (end.result, end.slip.last4, end.slip.brand) == ("approved", "", "Visa")
    assert "4111111111111111" not in repr(bench.events)
    assert "DOE" not in repr(bench.events)
