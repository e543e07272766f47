"""POST /v1/journal: what is booked, what waits for staff, and what stops a batch."""

import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from billing import clock
from billing.journal import appending
from billing.journal.models import ForkRecord, Payment, Quarantined, Record, SuspenseItem
from billing.journal.records import Wire
from billing.kiosks.models import Chain, Kiosk
from billing.ledger import balances, posting
from billing.ledger.chart import CASH, CLEARING, CREDIT, FORK_SUSPENSE, RECEIVABLE, SUSPENSE
from billing.ledger.models import Entry, Transaction
from billing.ledger.posting import Draft, Line
from tests.billing.kiosk import Client, bills_of, completed, enrolled, line, new_account, note, uid


def balance(account: str, subject: str) -> int:
    return balances.by_subject(account, [subject], "USD").get(subject, 0)


def cash(kiosk: Client, period: int | str = 1) -> int:
    return balance(CASH, f"{kiosk.kiosk_id}/{period}")


def suspense(kiosk: Client) -> list[tuple[str, int, bool]]:
    items = SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id, resolved_at=None).order_by("pk")
    return list(items.values_list("reason", "amount_minor", "memo"))


def outcomes(results: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(result["disposition"], result["reason"]) for result in results]


def pay(kiosk: Client, notes: list[int], *lines: dict[str, Any], **change: Any) -> tuple[str, list[dict[str, Any]]]:
    """Journal a payment of `notes` over `lines`, post everything, and return its id and all results."""
    payment_id = uid()
    for value in notes:
        kiosk.journal.add("NoteStacked", note(payment_id, value))
    kiosk.journal.add("PaymentCompleted", completed(payment_id, *lines, **change))
    return payment_id, kiosk.post_all()


def test_a_payment_lands_on_its_bills(kiosk: Client) -> None:
    account = new_account(2000, 3318)
    first, second = bills_of(account)
    lines = (line(account, first, 2000), line(account, second, 3318), line(account, "", 682))
    payment_id, results = pay(kiosk, [2000, 2000, 2000], *lines)
    assert outcomes(results) == [("posted", "")] * 4
    assert cash(kiosk) == 6000
    assert balance(CLEARING, payment_id) == 0
    assert balance(RECEIVABLE, first.number) == balance(RECEIVABLE, second.number) == 0
    assert balance(CREDIT, account.number) == -682
    assert suspense(kiosk) == []
    payment = Payment.objects.get(payment_id=payment_id)
    assert (payment.total_minor, payment.account_id) == (6000, account.pk)


def test_the_acknowledgement_is_signed_and_names_the_head(kiosk: Client) -> None:
    account = new_account(2000)
    pay(kiosk, [2000], line(account, bills_of(account)[0], 2000))
    acknowledgement = kiosk.post_journal(kiosk.journal.records).json()["acknowledgement"]
    kiosk.server_key.verify(base64.b64decode(acknowledgement["sig"]), acknowledgement["text"].encode())
    said = json.loads(acknowledgement["text"])
    assert (said["kiosk_id"], said["epoch"], said["head_seq"]) == (kiosk.kiosk_id, 1, 2)
    assert said["head_hash"] == kiosk.journal.head
    assert said["ledger_txn_id"] == Transaction.objects.filter(record__chain__kiosk=kiosk.kiosk_id).last().pk


@pytest.mark.parametrize("printed", ["{0}", "{1} {2}", "{1}-{2}"])
def test_a_typed_account_number_names_the_account(kiosk: Client, printed: str) -> None:
    account = new_account(2000)
    typed = "num:" + printed.format(account.number, account.number[:4], account.number[4:])
    pay(kiosk, [2000], line(typed, bills_of(account)[0], 1500), line(typed, "", 500))
    assert balance(RECEIVABLE, bills_of(account)[0].number) == 500
    assert balance(CREDIT, account.number) == -500


def test_a_number_is_no_token(kiosk: Client) -> None:
    account = new_account(2000)
    _, results = pay(kiosk, [2000], line(account.number, "", 2000))
    assert outcomes(results)[-1] == ("suspense", "account-unknown")


def test_a_closed_account_is_paid_into_suspense_and_the_receipt_stays_valid(kiosk: Client, server: str) -> None:
    account = new_account(2000)
    bill = bills_of(account)[0]
    type(account).objects.filter(pk=account.pk).update(status="closed")
    payment_id, results = pay(kiosk, [2000], line(account, bill, 2000))
    assert outcomes(results)[-1] == ("suspense", "account-closed")
    assert (cash(kiosk), balance(CLEARING, payment_id), balance(SUSPENSE, payment_id)) == (2000, 0, -2000)
    assert suspense(kiosk) == [("account-closed", 2000, False)]
    number = f"R-{payment_id[:12]}"
    from billing.api.money import receipt_code

    answer = requests.post(
        f"{server}/v1/receipts/{number}:verify", json={"code": receipt_code(number, payment_id, 2000)}, timeout=30
    )
    assert answer.json()["valid"] is True


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"account": "nobody"}, "account-unknown"),
        ({"account": "num:00000000"}, "account-unknown"),
        ({"invoice": "9999999"}, "invoice-unknown"),
    ],
)
def test_what_a_line_names_wrongly_goes_to_suspense(kiosk: Client, bad: dict[str, str], reason: str) -> None:
    account = new_account(2000)
    payment_id, results = pay(kiosk, [2000], {**line(account, bills_of(account)[0], 2000), **bad})
    assert outcomes(results)[-1] == ("suspense", reason)
    assert balance(SUSPENSE, payment_id) == -2000
    assert balance(RECEIVABLE, bills_of(account)[0].number) == 2000


def test_another_accounts_bill_is_not_paid(kiosk: Client) -> None:
    mine, yours = new_account(2000), new_account(2000)
    _, results = pay(kiosk, [2000], line(mine, bills_of(yours)[0], 2000))
    assert outcomes(results)[-1] == ("suspense", "invoice-unknown")
    assert balance(RECEIVABLE, bills_of(yours)[0].number) == 2000


def test_a_bill_paid_meanwhile_takes_only_what_is_owed(kiosk: Client, server: str) -> None:
    account = new_account(2000)
    bill = bills_of(account)[0]
    pay(kiosk, [2000], line(account, bill, 1500), line(account, "", 500))
    payment_id, results = pay(enrolled(server), [2000], line(account, bill, 2000))
    assert outcomes(results)[-1] == ("suspense", "invoice-overpaid")
    assert (balance(RECEIVABLE, bill.number), balance(SUSPENSE, payment_id)) == (0, -1500)


def test_two_lines_on_one_bill_within_a_batch_see_each_other(kiosk: Client) -> None:
    account = new_account(2000)
    bill = bills_of(account)[0]
    payment_id, _ = pay(kiosk, [3000], line(account, bill, 1500), line(account, bill, 1500))
    assert (balance(RECEIVABLE, bill.number), balance(SUSPENSE, payment_id)) == (0, -1000)


@pytest.mark.parametrize(("notes", "difference"), [([2000, 1000], 1000), ([1000], -1000), ([], -2000)])
def test_lines_that_differ_from_the_cash_are_honoured_and_the_rest_waits(
    kiosk: Client, notes: list[int], difference: int
) -> None:
    account = new_account(2000)
    payment_id, results = pay(kiosk, notes, line(account, bills_of(account)[0], 2000))
    assert outcomes(results)[-1] == ("suspense", "lines-differ-from-cash")
    assert balance(RECEIVABLE, bills_of(account)[0].number) == 0
    assert balance(CLEARING, payment_id) == 0
    assert balance(SUSPENSE, payment_id) == -difference
    assert suspense(kiosk) == [("lines-differ-from-cash", difference, False)]


def test_a_total_that_differs_from_the_lines_is_a_memo(kiosk: Client) -> None:
    account = new_account(2000)
    pay(kiosk, [2000], line(account, bills_of(account)[0], 2000), total_minor=2500)
    assert suspense(kiosk) == [("total-differs-from-lines", 2500, True)]


@pytest.mark.parametrize(
    "change",
    [
        {"lines": None},
        {"lines": [{"account": "a", "invoice": "", "amount_minor": -5}]},
        {"lines": [{"account": "a", "invoice": "", "amount_minor": "5"}]},
        {"lines": [{"account": "a", "amount_minor": 5}]},
        {"lines": ["x"]},
        {"total_minor": 1.5},
        {"receipt_number": "x\x00"},
        {"account": 7},
    ],
)
def test_an_unreadable_completion_empties_clearing_into_suspense(kiosk: Client, change: dict[str, Any]) -> None:
    payment_id, results = pay(kiosk, [2000], **change)
    assert results[-1]["disposition"] == "suspense"
    assert results[-1]["reason"].startswith("unreadable:")
    assert (balance(CLEARING, payment_id), balance(SUSPENSE, payment_id)) == (0, -2000)


@pytest.mark.parametrize("body", [None, [], "text", {}, {"payment_id": 1}, {"payment_id": "p", "currency": "usd"}])
@pytest.mark.parametrize("kind", ["NoteStacked", "NoteUnexpected", "NoteInDoubt", "PaymentCompleted"])
def test_a_body_of_any_shape_is_kept_and_shown(kiosk: Client, kind: str, body: Any) -> None:
    kiosk.journal.add(kind, body)
    (result,) = kiosk.post_all()
    assert result["disposition"] == "memo"
    assert suspense(kiosk) == [(result["reason"], 0, True)]


def test_cash_whose_payment_cannot_be_read_is_still_booked(kiosk: Client) -> None:
    kiosk.journal.add("NoteStacked", {**note("p", 500), "payment_id": None, "cassette_period": "x"})
    (result,) = kiosk.post_all()
    assert (result["disposition"], result["reason"]) == ("suspense", "unreadable:payment_id")
    assert cash(kiosk, "unknown") == 500


def test_an_unexpected_note_is_cash_in_suspense(kiosk: Client) -> None:
    body = note("", 1000, reason="no request")
    kiosk.journal.add("NoteUnexpected", body)
    assert outcomes(kiosk.post_all()) == [("suspense", "note-unexpected")]
    assert (cash(kiosk), balance(SUSPENSE, body["note_id"])) == (1000, -1000)


def test_a_note_of_unknown_value_is_a_memo_and_no_cash(kiosk: Client) -> None:
    body = note("", 0, reason="no_value", channel=0)
    kiosk.journal.add("NoteUnexpected", body)
    assert outcomes(kiosk.post_all()) == [("memo", "note-unvalued")]
    assert cash(kiosk) == 0
    assert suspense(kiosk) == [("note-unvalued", 0, True)]


def test_a_note_in_doubt_is_a_memo_until_the_journal_says_more(kiosk: Client) -> None:
    payment_id = uid()
    doubts = [note(payment_id, 2000), note(payment_id, 500), note(payment_id, 100)]
    for body in doubts:
        kiosk.journal.add("NoteInDoubt", body)
    assert outcomes(kiosk.post_all()) == [("memo", "note-in-doubt")] * 3
    assert cash(kiosk) == 0
    kiosk.journal.add("NoteStacked", doubts[0])
    kiosk.journal.add("NoteReturned", {"note_id": doubts[1]["note_id"], "payment_id": payment_id, "reason": "x"})
    kiosk.post_all()
    assert cash(kiosk) == 2000
    assert suspense(kiosk) == [("note-in-doubt", 100, True)]


def test_a_note_is_booked_once(kiosk: Client) -> None:
    body = note(uid(), 2000)
    kiosk.journal.add("NoteStacked", body)
    kiosk.journal.add("NoteStacked", body)
    assert outcomes(kiosk.post_all()) == [("posted", ""), ("memo", "note-repeated")]
    assert cash(kiosk) == 2000


def test_a_note_found_after_completion_is_completed_by_a_receipt_of_its_own(kiosk: Client) -> None:
    """A kiosk that lost power closes the payment first, and finds the moving note later (docs/wire.md)."""
    account = new_account(2000)
    bill = bills_of(account)[0]
    payment_id, _ = pay(kiosk, [1000], line(account, bill, 1000))
    kiosk.journal.add("NoteStacked", note(payment_id, 500))
    assert outcomes(kiosk.post_all())[-1] == ("posted", "")
    assert balance(CLEARING, payment_id) == -500
    kiosk.journal.add("PaymentCompleted", completed(payment_id, line(account, bill, 500), receipt_number="R-second"))
    assert outcomes(kiosk.post_all())[-1] == ("posted", "")
    assert (balance(CLEARING, payment_id), balance(SUSPENSE, payment_id)) == (0, 0)
    assert balance(RECEIVABLE, bill.number) == 500


def test_a_further_receipt_without_cash_of_its_own_books_nothing(kiosk: Client) -> None:
    account = new_account(2000)
    bill = bills_of(account)[0]
    payment_id, _ = pay(kiosk, [1000], line(account, bill, 1000))
    kiosk.journal.add("PaymentCompleted", completed(payment_id, line(account, bill, 500), receipt_number="R-second"))
    assert outcomes(kiosk.post_all())[-1] == ("memo", "payment-differs")
    assert balance(RECEIVABLE, bill.number) == 1000


def test_a_completion_repeated_under_another_number_books_nothing(kiosk: Client) -> None:
    account = new_account(2000)
    bill = bills_of(account)[0]
    payment_id, _ = pay(kiosk, [1000], line(account, bill, 1000))
    kiosk.journal.add("PaymentCompleted", completed(payment_id, line(account, bill, 1000)))
    kiosk.journal.add("PaymentCompleted", completed(payment_id, line(account, bill, 900)))
    assert outcomes(kiosk.post_all())[2:] == [("kept", "payment-repeated"), ("memo", "payment-differs")]
    assert balance(RECEIVABLE, bill.number) == 1000


def test_other_currencies_never_touch_an_account(kiosk: Client) -> None:
    account, payment_id = new_account(2000), uid()
    kiosk.journal.add("NoteStacked", note(payment_id, 2000, currency="CAD"))
    kiosk.journal.add(
        "PaymentCompleted", completed(payment_id, line(account, bills_of(account)[0], 2000), currency="CAD")
    )
    assert outcomes(kiosk.post_all())[-1] == ("suspense", "other-currency")
    assert balances.by_subject(SUSPENSE, [payment_id], "CAD") == {payment_id: -2000}
    assert balance(RECEIVABLE, bills_of(account)[0].number) == 2000


def test_unknown_kinds_and_fields_are_kept_unread(kiosk: Client) -> None:
    record = kiosk.journal.add("FactOfTomorrow", {"später": [1]}, field_of_tomorrow="ja")
    kiosk.journal.add("CassettePeriodClosed", {"period": 1, "total_minor": 99})
    assert outcomes(kiosk.post_all()) == [("kept", "")] * 2
    assert Record.objects.get(chain__kiosk=kiosk.kiosk_id, seq=1).entry == record["entry"]
    assert not Entry.objects.filter(transaction__record__chain__kiosk=kiosk.kiosk_id).exists()


@pytest.mark.parametrize(
    ("device_time", "state", "doubtful"),
    [("+10y", "trusted", True), ("-10y", "untrusted", True), ("no time", "trusted", True), ("-3d", "trusted", False)],
)
def test_money_is_dated_by_the_kiosk_only_if_its_clock_can_be_believed(
    kiosk: Client, device_time: str, state: str, doubtful: bool
) -> None:
    shifts = {"+10y": timedelta(days=3650), "-10y": -timedelta(days=3650), "-3d": -timedelta(days=3)}
    at = datetime.now(UTC) + shifts.get(device_time, timedelta(0))
    stamp = clock.stamp(at) if device_time in shifts else device_time
    account, payment_id = new_account(2000), uid()
    said = clock.city_date(at).isoformat()
    kiosk.journal.add("NoteStacked", note(payment_id, 2000), device_time=stamp, clock_state=state)
    body = completed(payment_id, line(account, bills_of(account)[0], 2000), value_date=said)
    kiosk.journal.add("PaymentCompleted", body, device_time=stamp, clock_state=state)
    assert outcomes(kiosk.post_all()) == [("posted", "")] * 2
    expected = clock.city_date(clock.now() if doubtful else at)
    dates = Transaction.objects.filter(record__chain__kiosk=kiosk.kiosk_id).values_list("value_date", flat=True)
    assert set(dates) == {expected}
    assert set(Record.objects.filter(chain__kiosk=kiosk.kiosk_id).values_list("clock_doubtful", flat=True)) == {
        doubtful
    }


def test_a_gap_names_the_record_that_is_missing(kiosk: Client) -> None:
    for _ in range(5):
        kiosk.journal.add("SessionOpened", {"session_id": "s"})
    first = kiosk.post_journal(kiosk.journal.records[2:3])
    assert (first.status_code, first.json()["type"], first.json()["expected_seq"]) == (409, "/problems/journal-gap", 1)
    later = kiosk.post_journal([*kiosk.journal.records[:2], kiosk.journal.records[3]])
    assert (later.status_code, len(later.json()["results"])) == (200, 2)
    assert later.json()["stopped"] == {"type": "/problems/journal-gap", "expected_seq": 3}
    assert json.loads(later.json()["acknowledgement"]["text"])["head_seq"] == 2


def test_a_record_twice_in_one_batch_is_there_the_second_time(kiosk: Client) -> None:
    record = kiosk.journal.add("NoteStacked", note(uid(), 2000))
    answer = kiosk.post_journal([record, record]).json()
    assert [result["outcome"] for result in answer["results"]] == ["created", "exists"]
    assert cash(kiosk) == 2000


def test_two_devices_with_one_journal_are_found_at_the_first_difference(kiosk: Client) -> None:
    """A cloned card: the losing branch is kept, its cash is booked once, and the other device goes on."""
    kiosk.journal.add("KioskStarted", {"version": "1", "reason": "boot"})
    shared = note(uid(), 500)
    kiosk.journal.add("NoteStacked", shared)
    clone = kiosk.journal.copy()
    kiosk.journal.add("NoteStacked", note(uid(), 2000))
    kiosk.post_all()
    clone.add("NoteStacked", note(uid(), 1000))
    clone.add("NoteStacked", note(uid(), 100))
    clone.add("NoteStacked", shared)
    clone.add("SessionOpened", {"session_id": "s"})
    for attempt in ([clone.records[2]], clone.records[2:], clone.records[2:]):
        answer = kiosk.post_journal(attempt)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/journal-fork")
        assert answer.json()["expected_seq"] == 3
        assert answer.json()["kept_seq"] == json.loads(attempt[-1]["entry"])["seq"]
    assert ForkRecord.objects.filter(chain__kiosk=kiosk.kiosk_id).count() == 4
    assert cash(kiosk) == 500 + 2000 + 1000 + 100
    assert balance(FORK_SUSPENSE, f"{kiosk.kiosk_id}/1") == -1100
    assert kiosk.get(f"/v1/kiosks/{kiosk.kiosk_id}/head").json()["frozen"] == "journal-fork"
    beat = kiosk.post(f"/v1/kiosks/{kiosk.kiosk_id}/heartbeats", {"boot_id": "b", "counter": 1})
    assert beat.json()["commands"] == []
    assert kiosk.post_journal(kiosk.journal.records).json()["frozen"] == "journal-fork"
    kiosk.journal.add("NoteStacked", note(uid(), 100))  # what is in the box on the winning branch still counts
    assert outcomes(kiosk.post_all())[-1] == ("posted", "")


def test_a_fork_inside_a_batch_keeps_what_went_before(kiosk: Client) -> None:
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    clone = kiosk.journal.copy()
    kiosk.journal.add("SessionOpened", {"session_id": "one"})
    clone.add("NoteStacked", note(uid(), 1000))
    kiosk.post_all()
    answer = kiosk.post_journal(clone.records)
    assert answer.status_code == 200
    assert answer.json()["stopped"] == {"type": "/problems/journal-fork", "expected_seq": 2}
    assert balance(FORK_SUSPENSE, f"{kiosk.kiosk_id}/1") == -1000


def test_a_malformed_record_is_quarantined_once_and_freezes(kiosk: Client) -> None:
    good = kiosk.journal.add("SessionOpened", {"session_id": "s"})
    bad = {**kiosk.journal.copy().add("NoteStacked", note(uid(), 1000)), "sig": "AAAA"}
    answer = kiosk.post_journal([good, bad])
    assert answer.json()["stopped"] == {"type": "/problems/malformed", "expected_seq": 2}
    for _ in range(2):
        again = kiosk.post_journal([bad])
        assert (again.status_code, again.json()["type"], again.json()["seq"]) == (400, "/problems/malformed", 2)
    assert Quarantined.objects.filter(kiosk=kiosk.kiosk_id).count() == 1
    assert Chain.objects.get(kiosk=kiosk.kiosk_id).frozen == "malformed"
    assert cash(kiosk) == 0


@pytest.mark.parametrize("entry", ["\ud800", "[" * 30000, '{"epoch":1e400}', '{"epoch":99}', "x" * 40000])
def test_no_text_upsets_the_door(kiosk: Client, entry: str) -> None:
    answer = kiosk.post_journal([{"entry": entry, "hash": "0" * 64, "sig": ""}])
    assert answer.status_code in (400, 422)
    assert Record.objects.filter(chain__kiosk=kiosk.kiosk_id).count() == 0


@pytest.mark.parametrize("content", [{}, {"records": []}, {"records": [{}]}, {"records": [{"entry": 1}]}, []])
def test_a_request_of_another_shape_is_not_taken(kiosk: Client, content: Any) -> None:
    answer = kiosk.post("/v1/journal", content)
    assert answer.status_code == 422
    assert Chain.objects.get(kiosk=kiosk.kiosk_id).frozen == ""


def test_too_many_and_too_large(kiosk: Client) -> None:
    record = kiosk.journal.add("SessionOpened", {"session_id": "s"})
    assert kiosk.post_journal([record] * 101).status_code == 422
    answer = kiosk.post("/v1/journal", {"records": [], "padding": "x" * 9_000_000})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


def test_an_old_epoch_still_drains_after_a_new_enrolment(kiosk: Client, server: str) -> None:
    renewed = enrolled(server, Kiosk.objects.get(pk=kiosk.kiosk_id))
    kiosk.journal.add("NoteStacked", note(uid(), 2000))
    renewed.journal.add("NoteStacked", note(uid(), 500))
    old_under_new_key = renewed.post_journal(kiosk.journal.records)
    assert json.loads(old_under_new_key.json()["acknowledgement"]["text"])["epoch"] == 1
    renewed.post_all()
    assert (cash(kiosk), cash(kiosk, "2/1")) == (2000, 500), "both epochs have a first period"


def test_a_lost_tail_is_handed_back(kiosk: Client) -> None:
    for number in range(7):
        kiosk.journal.add("SessionOpened", {"session_id": str(number)})
    kiosk.post_all()
    path = f"/v1/kiosks/{kiosk.kiosk_id}/records"
    first = kiosk.get(path, params={"epoch": 1, "after": 2, "limit": 3}).json()
    rest = kiosk.get(path, params={"epoch": 1, "after": first["next"], "limit": 3}).json()
    assert first["records"] + rest["records"] == kiosk.journal.records[2:]
    assert rest["next"] is None
    assert kiosk.get(path, params={"epoch": 9}).status_code == 404


def test_simultaneous_senders_of_one_journal_make_one_ledger(kiosk: Client) -> None:
    for value in (100, 500, 1000, 2000) * 5:
        kiosk.journal.add("NoteStacked", note(uid(), value))
    barrier, statuses = threading.Barrier(4), []

    def send() -> None:
        barrier.wait()
        statuses.append(kiosk.post_journal(kiosk.journal.records).status_code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    assert cash(kiosk) == 18000
    assert Chain.objects.get(kiosk=kiosk.kiosk_id).head_seq == 20


def test_a_head_that_moves_underneath_is_noticed(kiosk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compare-and-set, without the lock in front of it: nothing of the losing attempt stays."""
    kiosk.journal.add("NoteStacked", note(uid(), 2000))
    load = appending.books.load

    def meanwhile(*arguments: Any) -> Any:
        Chain.objects.filter(kiosk=kiosk.kiosk_id).update(head_hash="f" * 64)
        return load(*arguments)

    monkeypatch.setattr(appending.books, "load", meanwhile)
    wires, row = [Wire(**record) for record in kiosk.journal.records], Kiosk.objects.get(pk=kiosk.kiosk_id)
    with pytest.raises(appending.Collision):
        appending.append(row, wires, clock.now())
    monkeypatch.undo()
    assert cash(kiosk) == 0
    assert outcomes(kiosk.post_all()) == [("posted", "")]


def test_a_record_that_cannot_be_posted_blocks_none_behind_it(kiosk: Client) -> None:
    """Something stands in the ledger where the second booking belongs: a memo says so, the rest is posted."""
    for value in (500, 1000, 2000):
        kiosk.journal.add("NoteStacked", note(uid(), value))
    taken = f"{kiosk.kiosk_id}/1/2/{kiosk.journal.records[1]['hash'][:16]}"
    lines = (Line(CASH, "elsewhere", 1), Line(SUSPENSE, "elsewhere", -1))
    posting.post([Draft(taken, "in the way", "USD", clock.city_date(clock.now()), lines)], clock.now())
    assert outcomes(kiosk.post_all()) == [("posted", ""), ("memo", "posting-failed"), ("posted", "")]
    assert cash(kiosk) == 2500
    assert suspense(kiosk) == [("posting-failed", 0, True)]


def test_a_receipt_is_verified_by_its_code_alone(kiosk: Client, server: str) -> None:
    account = new_account(2000)
    payment_id, _ = pay(kiosk, [2000], line(account, bills_of(account)[0], 2000), receipt_number="RB-07-1-000042")
    from billing.api.money import receipt_code

    def verify(number: str, code: str) -> dict[str, Any]:
        answer = requests.post(f"{server}/v1/receipts/{number}:verify", json={"code": code}, timeout=30)
        assert answer.status_code == 200
        return answer.json()  # type: ignore[no-any-return]

    code = receipt_code("RB-07-1-000042", payment_id, 2000)
    today = clock.city_date(clock.now()).isoformat()
    genuine = {"valid": True, "total_minor": 2000, "currency": "USD", "value_date": today, "posted": True}
    assert verify("RB-07-1-000042", code.lower()) == genuine
    assert verify("RB-07-1-000042", "AAAAAAAAAA") == verify("RB-07-1-999999", code) == {"valid": False, "posted": False}
