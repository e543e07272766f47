"""Limits by day on PostgreSQL: what an account was paid beside another counts for it."""

from typing import Any

import psycopg

from tests.billing.kiosk import completed, note, uid
from tests.billing.test_postgresql import DEMO_ACCOUNT, enrolled, rows


def test_cash_paid_beside_another_account_counts_for_the_day(
    program: tuple[str, Any], raw: psycopg.Connection[Any]
) -> None:
    kiosk, payment_id = enrolled(program, "pg-limits"), uid()
    demo = DEMO_ACCOUNT.removeprefix("num:")
    other, house = rows(
        raw, "SELECT number, house_number FROM customers_account WHERE number <> %s AND status = 'open' LIMIT 1", demo
    )[0]

    def left_today() -> int:
        answer = kiosk.get("/v1/accounts:resolve", params={"number": other, "check": house})
        (cash,) = [one for one in answer.json()["limits"] if one["tender"] == "cash"]
        return int(cash["left_today_minor"])

    before = left_today()
    lines = [{"account": f"num:{number}", "invoice": "", "amount_minor": 2000} for number in (demo, other)]
    kiosk.journal.add("NoteStacked", note(payment_id, 2000))
    kiosk.journal.add("NoteStacked", note(payment_id, 2000))
    kiosk.journal.add("PaymentCompleted", completed(payment_id, *lines))
    assert [result["disposition"] for result in kiosk.post_all()] == ["posted"] * 3
    assert left_today() == before - 4000
