"""Stripe: machine and twin in virtual time, one operation after another."""

from functools import partial

import pytest

from hardware.cards.contract import (
    ABSENT,
    APPROVED,
    CANCELLED,
    DECLINED,
    NOT_STARTED,
    UNKNOWN,
    BatchClosed,
    Busy,
    Cancel,
    CloseBatch,
    Connected,
    Ended,
    Fault,
    FaultCleared,
    Identity,
    Lost,
    Query,
    Refund,
    Refused,
    Sale,
    Show,
    Slip,
    Void,
)
from hardware.cards.stripe import Settings as HostSettings
from hardware.sim.stripe_account import Settings
from tests.protocol.stripe_bench import Bench

SALE = Sale("LK7A00000001", 5318)
READER = Settings.reader


def approved(bench: Bench) -> Ended:
    ended = bench.order(SALE)
    assert ended.result == APPROVED
    return ended


def test_the_reader_says_what_it_is() -> None:
    bench = Bench().connect()
    assert bench.of(Connected) == [
        Connected(Identity("stripe", "verifone_ux700", Settings.serial, Settings.firmware, READER, central=True))
    ]
    assert not bench.of(Fault)


def test_a_sale() -> None:
    bench = Bench().connect()
    ended = approved(bench)
    assert (ended.amount_minor, ended.reference, ended.found) == (5318, SALE.reference, False)
    assert bench.prompts() == ["present_card", "authorising"]
    assert bench.moved() == [(SALE.reference, 5318)]
    assert ended.terminal_ref.startswith("pi_")
    assert ended.slip == Slip(
        brand="Visa",
        last4="4242",
        entry="contactless",
        approval="00767J",
        application="Visa Credit",
        aid="A0000000031010",
        tvr="0000008000",
        tsi="E800",
        response_code="3030",
        cryptogram="F692C2F753EAFAB3",
        verified="none",
        terminal_id=READER,
        host_reference=ended.slip.host_reference,
    )
    bench.run(2_000)
    assert bench.account.store.intents[0]["metadata"]["journalled"] == "yes"


def test_what_is_not_acknowledged_is_not_called_journalled_and_keeps_the_next_one_waiting() -> None:
    bench = Bench().connect()
    bench.acknowledging = False
    approved(bench)
    bench.run(5_000)
    assert "journalled" not in bench.account.store.intents[0]["metadata"]
    with pytest.raises(Busy):
        bench.machine.command(Sale("LK7A00000002", 100))


@pytest.mark.parametrize(
    ("card", "entry", "verified", "brand", "aid"),
    [
        ("visa_chip", "chip", "pin", "Visa", "A0000000980840"),
        ("debit_network", "chip", "none", "", "A0000006200620"),  # of which the digits pass the check of a card number
        ("amex", "chip", "signature", "American Express", "A000000025010801"),
        ("swiped", "swipe", "", "Discover", ""),
        ("fallback", "fallback", "", "JCB", ""),
        ("phone", "contactless", "device", "Visa", "A0000000031010"),
    ],
)
def test_receipts(card: str, entry: str, verified: str, brand: str, aid: str) -> None:
    bench = Bench().connect()
    bench.person = partial(bench.account.present, card=card)
    slip = approved(bench).slip
    assert (slip.entry, slip.verified, slip.brand, slip.aid) == (entry, verified, brand, aid)


@pytest.mark.parametrize("survives", [True, False])
def test_a_declined_card_ends_the_attempt_for_good(survives: bool) -> None:
    bench = Bench(Settings(error_survives_cancel=survives)).connect()
    bench.person = partial(bench.account.present, "insufficient_funds")
    ended = bench.order(SALE)
    assert (ended.result, ended.reason, ended.amount_minor) == (DECLINED, "insufficient_funds", 0)
    assert bench.account.store.intents[0]["status"] == "canceled"
    assert bench.order(Query(SALE.reference)).result == DECLINED  # also when nothing is remembered
    assert bench.moved() == []


def test_a_partial_approval_is_what_was_charged() -> None:
    bench = Bench().connect()
    bench.person = partial(bench.account.present, "partial", amount_minor=2000)
    ended = approved(bench)
    assert ended.amount_minor == 2000
    assert bench.moved() == [(SALE.reference, 2000)]


def test_the_person_cancels_at_the_reader() -> None:
    bench = Bench().connect()
    bench.person = bench.account.leave
    ended = bench.order(SALE)
    assert (ended.result, ended.reason) == (CANCELLED, "customer_canceled")


@pytest.mark.parametrize("shown", ["none", "failed"])
def test_the_person_walks_away(shown: str) -> None:
    bench = Bench(Settings(cancelled_action=shown)).connect()
    bench.person = None
    ended = bench.order(SALE)
    assert (ended.result, ended.reason) == (CANCELLED, "no_card_in_time")
    assert bench.account.phase == ""
    bench.account.auto = "approve"
    assert bench.order(Sale("LK7A00000002", 100)).result == APPROVED


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("processing", [True, False])
@pytest.mark.parametrize("at_ms", range(0, 5_000, 170))
def test_cancel_is_a_request_and_the_result_decides(at_ms: int, taken: bool, processing: bool) -> None:
    bench = Bench(Settings(cancel_while_authorising=taken, shows_processing=processing)).connect()
    bench.machine.command(SALE)
    bench.run(at_ms)
    bench.machine.command(Cancel(SALE.reference))
    bench.until(lambda: bench.of(Ended))
    ended = bench.of(Ended)[0]
    assert ended.result == (APPROVED if bench.moved() else CANCELLED)
    bench.run(30_000)
    assert bool(bench.moved()) == (ended.result == APPROVED)


def test_cancel_of_something_else_is_nothing() -> None:
    bench = Bench().connect()
    bench.machine.command(Cancel("NOTHING"))
    bench.machine.command(SALE)
    bench.machine.command(Cancel("LK7A00000009"))
    bench.until(lambda: bench.of(Ended))
    assert bench.of(Ended)[0].result == APPROVED


def test_a_slow_issuer_is_waited_for() -> None:
    bench = Bench().connect()
    bench.account.slow_ms = 60_000
    assert approved(bench).amount_minor == 5318


def test_an_issuer_that_never_answers_leaves_it_unknown_and_a_query_finds_it() -> None:
    bench = Bench().connect()
    bench.account.slow_ms = 250_000
    ended = bench.order(SALE)
    assert (ended.result, ended.reason) == (UNKNOWN, "too_slow")
    assert bench.order(Query(SALE.reference)).result == UNKNOWN
    bench.run(60_000)
    found = bench.order(Query(SALE.reference, terminal_ref=ended.terminal_ref))
    assert (found.result, found.found, found.amount_minor) == (APPROVED, True, 5318)


# The reader


def test_a_busy_reader_has_not_begun() -> None:
    bench = Bench(Settings(error_status=409)).connect()
    bench.account.busy = True
    ended = bench.order(SALE)
    assert (ended.result, ended.reason) == (NOT_STARTED, "terminal_reader_busy")
    assert bench.account.store.intents[0]["status"] == "canceled"


def test_a_reader_that_is_away_is_a_fault_and_a_sale_on_it_has_not_begun() -> None:
    bench = Bench().connect()
    bench.account.set_connected(False)
    ended = bench.order(SALE)
    assert (ended.result, ended.reason) == (NOT_STARTED, "terminal_reader_offline")
    bench.until(lambda: bench.of(Fault))
    assert bench.of(Fault)[0].code == "offline"
    bench.account.set_connected(True)
    bench.until(lambda: bench.of(FaultCleared))
    assert bench.of(FaultCleared) == [FaultCleared("offline")]


@pytest.mark.parametrize("status", [400, 409])
def test_a_timeout_of_the_reader_may_be_false(status: int) -> None:
    bench = Bench(Settings(error_status=status)).connect()
    bench.account.false_timeouts = 1
    assert approved(bench).amount_minor == 5318


def test_a_true_timeout_of_the_reader_ends_as_not_started() -> None:
    bench = Bench().connect()
    bench.account.power_cut()
    ended = bench.order(SALE)
    assert (ended.result, ended.reason) == (NOT_STARTED, "reader_reset")
    assert bench.account.store.intents[0]["status"] == "canceled"


@pytest.mark.parametrize("when", ["waiting", "reading", "before_authorising", "after_authorising"])
def test_a_reader_that_dies(when: str) -> None:
    bench = Bench().connect()
    bench.account.die_at = when
    bench.machine.command(SALE)
    bench.run(30_000)
    bench.account.power_on()
    bench.until(lambda: bench.of(Ended))
    ended = bench.of(Ended)[0]
    assert ended.result == (APPROVED if when == "after_authorising" else CANCELLED)
    assert bool(bench.moved()) == (ended.result == APPROVED)


def test_what_a_process_before_left_on_the_reader_is_taken_from_it_before_it_is_connected() -> None:
    bench = Bench().connect()
    bench.person = None
    bench.machine.command(SALE)
    bench.until(lambda: bench.account.phase == "waiting")
    bench.crash()
    bench.connect()
    assert bench.account.phase == ""
    assert bench.order(Query(SALE.reference)).result == CANCELLED
    assert bench.moved() == []


def test_another_reader_than_configured() -> None:
    bench = Bench(host=HostSettings(READER, serial="OTHER")).connect()
    assert bench.of(Fault)[0].code == "wrong_terminal"
    assert bench.order(SALE).result == NOT_STARTED
    assert bench.sent == bench.sent[:1]  # nothing but the look at the reader


def test_approvals_of_the_test_mode_are_no_money() -> None:
    bench = Bench(Settings(live=False)).connect()
    assert bench.of(Fault)[0].code == "wrong_terminal"
    assert bench.order(SALE).result == NOT_STARTED
    training = Bench(Settings(live=False), HostSettings(READER, live=False)).connect()
    assert approved(training).amount_minor == 5318


def test_a_key_that_is_refused() -> None:
    bench = Bench().connect()
    bench.account.key = "rk_live_other"
    assert bench.order(SALE).result == NOT_STARTED
    bench.until(lambda: bench.of(Fault))
    assert bench.of(Fault)[0].code == "out_of_service"
    assert bench.order(Sale("LK7A00000002", 100)).reason == "out_of_service"
    bench.crash()
    bench.until(lambda: bench.of(Lost))
    bench.run(60_000)
    assert bench.of(Lost) == [Lost("the key is refused")]
    bench.account.key = ""
    bench.connect()


# Commands that make no sense


def test_refused_commands() -> None:
    bench = Bench()
    with pytest.raises(Busy):
        bench.machine.command(SALE)
    bench.connect()
    for order in (Sale("lower", 100), Sale("A" * 17, 100), Sale("", 100), Sale("A1", 0), Void("A 1", "B", 1, "")):
        with pytest.raises(Refused):
            bench.machine.command(order)
    bench.machine.command(SALE)
    for order in (Sale("A2", 100), Query("A2"), CloseBatch("A3"), Show(("x",))):
        with pytest.raises(Busy):
            bench.machine.command(order)
    bench.until(lambda: bench.of(Ended))
    with pytest.raises(Refused, match="used before"):
        bench.machine.command(SALE)


def test_a_reference_that_was_used_by_a_process_before_is_not_sold_again() -> None:
    bench = Bench().connect()
    approved(bench)
    bench.crash()
    bench.connect()
    for amount_minor in (5318, 100):
        ended = bench.order(Sale(SALE.reference, amount_minor))
        assert (ended.result, ended.reason) == (UNKNOWN, "reference_used_before")
        bench.crash()
        bench.connect()
    assert bench.order(Query(SALE.reference)).amount_minor == 5318
    assert bench.moved() == [(SALE.reference, 5318)]


# Money back


def test_a_void_is_the_whole_sale() -> None:
    bench = Bench().connect()
    sale = approved(bench)
    ended = bench.order(Void("LK7A00000002", SALE.reference, 5318, sale.terminal_ref, sale.slip))
    assert (ended.operation, ended.result, ended.amount_minor) == ("void", APPROVED, 5318)
    assert ended.terminal_ref.startswith("re_")
    assert ended.slip.last4 == "4242"
    assert bench.moved("refund") == [("LK7A00000002", 5318)]
    for known in ("", ended.terminal_ref, sale.terminal_ref):
        found = bench.order(Query("LK7A00000002", "void", 5318, known, SALE.reference))
        assert (found.operation, found.result, found.amount_minor) == ("void", APPROVED, 5318)
    again = bench.order(Void("LK7A00000003", SALE.reference, 5318, sale.terminal_ref))
    assert (again.result, again.reason) == (DECLINED, "charge_already_refunded")


def test_refunds_in_part_also_without_the_name_of_the_sale() -> None:
    bench = Bench(Settings(refund_pending_ms=5_000)).connect()
    sale = approved(bench)
    assert bench.order(Refund("R1", SALE.reference, 1000, sale.terminal_ref)).amount_minor == 1000
    assert bench.order(Refund("R2", SALE.reference, 4000, "")).result == APPROVED
    assert bench.order(Refund("R3", SALE.reference, 4000, "")).reason == "amount_too_large"
    assert bench.order(Refund("R4", "NOSUCHSALE", 4000, "")).result == NOT_STARTED
    assert bench.order(Query("R2", "refund")).amount_minor == 4000
    assert bench.moved("refund") == [("R1", 1000), ("R2", 4000)]


def test_a_refund_that_stays_pending_is_unknown() -> None:
    bench = Bench(Settings(refund_pending_ms=60_000)).connect()
    sale = approved(bench)
    ended = bench.order(Refund("R1", SALE.reference, 1000, sale.terminal_ref))
    assert ended.result == UNKNOWN
    bench.run(60_000)
    assert bench.order(Query("R1", "refund", terminal_ref=ended.terminal_ref)).result == APPROVED


# Queries


def test_a_query_for_what_never_was() -> None:
    bench = Bench().connect()
    assert bench.order(Query("NEVER")).result == ABSENT
    sale = approved(bench)
    for known in ("", sale.terminal_ref, "re_Twin999999", "../../x", "pi_Twin999999"):
        assert bench.order(Query("NEVER", terminal_ref=known)).result == ABSENT
        assert bench.order(Query("NEVER", "void", terminal_ref=known, of=SALE.reference)).result == ABSENT


@pytest.mark.parametrize(("day_s", "result"), [(1, UNKNOWN), (20_000, ABSENT)])
def test_beyond_the_longest_list_only_what_is_old_is_called_absent(day_s: int, result: str) -> None:
    """Ten pages are read; search answers for what is older than a day, for it lags."""
    bench = Bench().connect()
    sale = approved(bench)
    first = bench.account.store.intents[0]
    for at in range(1_500):
        other = {"id": f"pi_Other{at:06d}", "created": first["created"] + day_s * at // 100, "metadata": {}}
        bench.account.store.intents.append(first | other)
    assert bench.order(Query("NEVER")).result == result
    assert bench.order(Query(SALE.reference, terminal_ref=sale.terminal_ref)).result == APPROVED
    assert bench.order(Query(SALE.reference)).result == (APPROVED if result == ABSENT else UNKNOWN)


def test_a_request_that_was_lost_and_arrives_after_the_query_moves_nothing() -> None:
    bench = Bench().connect()
    bench.account.auto = "approve"
    bench.late["process_payment_intent"] = 120_000
    ended = bench.order(SALE)
    assert ended.result == NOT_STARTED
    bench.run(200_000)
    assert bench.moved() == []


@pytest.mark.parametrize("after_ms", [500, 31_000, 40_000])
def test_a_void_that_arrives_while_it_is_looked_for_is_found(after_ms: int) -> None:
    bench = Bench().connect()
    sale = approved(bench)
    bench.late["/v1/refunds"] = after_ms
    assert bench.order(Void("LK7A00000002", SALE.reference, 5318, sale.terminal_ref)).result == UNKNOWN
    bench.run(100)
    assert bench.order(Query("LK7A00000002", "void", of=SALE.reference)).result == APPROVED


def test_a_list_with_an_item_that_cannot_be_read_proves_nothing() -> None:
    bench = Bench().connect()
    approved(bench)
    bench.account.store.intents[0]["id"] = "pi_4111111111111111"  # washed away
    assert bench.order(Query(SALE.reference)).result == UNKNOWN


# The rest


def test_the_batch_is_the_processors() -> None:
    bench = Bench().connect()
    bench.machine.command(CloseBatch("B1"))
    bench.until(lambda: bench.of(BatchClosed))
    assert bench.of(BatchClosed) == [BatchClosed(1, "B1", APPROVED, reason="settled_by_the_processor")]


def test_lines_on_the_reader() -> None:
    bench = Bench().connect()
    bench.machine.command(Show(("Thank you", "Take your receipt")))
    bench.run(1_000)
    assert bench.account.display == ["Thank you", "Take your receipt"]
    bench.machine.command(Show())
    bench.run(1_000)
    assert bench.account.display == []
    bench.machine.command(Show(("Hello",)))
    assert approved(bench).amount_minor == 5318
