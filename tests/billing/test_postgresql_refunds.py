"""Refunds on PostgreSQL: what is booked, what waits, the memo that the database lets the journal answer, the pages."""

from typing import Any

import psycopg

from billing.journal.groups import CONFIRM, PROPOSE
from tests.billing.kiosk import completed, note, uid
from tests.billing.tenders import approved, check, reference, refund
from tests.billing.test_postgresql import DEMO_ACCOUNT, Clerk, enrolled, page_of, rows


def test_a_refund_is_booked_and_its_memo_answered(program: tuple[str, Any], raw: psycopg.Connection[Any]) -> None:
    kiosk, payment_id, ref = enrolled(program, "pg-refunds"), uid(), reference()
    credit = {"account": DEMO_ACCOUNT, "invoice": "", "amount_minor": 700}
    body = refund(payment_id, ref, 700, credit)
    for kind, told in (
        ("CardSaleApproved", approved(payment_id, ref, 700)),
        ("PaymentCompleted", completed(payment_id, credit)),
        ("RefundStarted", body),
        ("RefundUnknown", body),
        ("CardRefunded", body),
        ("CardRefunded", refund(payment_id, ref, 100, credit)),
    ):
        kiosk.journal.add(kind, told)
    whole = [result["disposition"] for result in kiosk.post_all()]
    assert whole == ["posted", "posted", "kept", "memo", "posted", "suspense"]
    answered = "SELECT answered_seq FROM journal_suspenseitem WHERE subject = %s AND resolved_at IS NOT NULL"
    assert rows(raw, answered, body["reference"]) == [(5,)]
    owed = "SELECT sum(amount_minor) FROM ledger_entry WHERE account_id = %s AND subject LIKE %s"
    assert rows(raw, owed, "card-receivable", "pg-refunds/%") == [(-100,)]
    assert rows(raw, owed, "suspense", payment_id) == [(100,)]
    assert rows(raw, owed, "clearing", payment_id) == [(0,)]


def test_refunds_awaited_checks_and_a_nameless_note_on_the_pages(
    program: tuple[str, Any], raw: psycopg.Connection[Any]
) -> None:
    ann, bob = Clerk(program, "ann", PROPOSE), Clerk(program, "bob", CONFIRM)
    kiosk, payment_id, ref = enrolled(program, "pg-pages"), uid(), reference()
    credit, nameless = {"account": DEMO_ACCOUNT, "invoice": "", "amount_minor": 900}, note("", 0)
    body = refund(payment_id, ref, 400, {**credit, "amount_minor": 400})
    for kind, told in (
        ("CardSaleApproved", approved(payment_id, ref, 900)),
        ("PaymentCompleted", completed(payment_id, credit)),
        ("RefundStarted", body),
        ("CardRefunded", body),
        ("BatchClosed", {"reference": "B1", "result": "approved", "count": 1, "total_minor": 900, "reason": ""}),
        ("CheckAwaited", check(payment_id, 250, number="8812")),
        ("NoteUnexpected", {**nameless, "channel": 0, "reason": "no_value"}),
    ):
        kiosk.journal.add(kind, told)
    kiosk.post_all()
    ((token,),) = rows(raw, "SELECT token FROM customers_account WHERE number = %s", DEMO_ACCOUNT.removeprefix("num:"))
    assert kiosk.get(f"/v1/accounts/{token}/invoices").status_code == 200
    assert kiosk.post("/v1/quotes", {"account": token, "amount_minor": 100, "tender": "card"}).status_code == 201
    day = ann.page("/admin/reports/day/")
    assert "credit taken back" in day[day.index("<h2>pg-pages</h2>") :]
    assert "1: −$4.00" in ann.page("/admin/reports/cards/?kiosk=pg-pages")
    assert '<td class="field-refunded">$4.00</td>' in ann.page(f"/admin/journal/payment/?q={payment_id}")
    listed = ann.page("/admin/reports/periods/?kiosk=pg-pages")
    assert "and 1 of unknown value" in listed
    assert "1 not said to be in" in listed
    assert "8812" in ann.page("/admin/reports/periods/?kiosk=pg-pages&period=pg-pages/1")
    ((item,),) = rows(raw, "SELECT id FROM journal_suspenseitem WHERE subject = %s", nameless["note_id"])
    form = {"way": "counted", "account": DEMO_ACCOUNT.removeprefix("num:"), "period": "1", "found": "20.00"}
    assert ann.post(page_of(item), step="propose", why="a twenty", **form).status_code == 302
    ((proposal,),) = rows(raw, "SELECT id FROM journal_resolution WHERE item_id = %s", item)
    assert bob.post(page_of(item), step="confirm", proposal=proposal).status_code == 302
    cash = "SELECT sum(amount_minor) FROM ledger_entry WHERE account_id = 'cash' AND subject = 'pg-pages/1'"
    assert rows(raw, cash) == [(2000,)]
    assert "of unknown value" not in ann.page("/admin/reports/periods/?kiosk=pg-pages")
