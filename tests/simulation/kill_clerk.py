"""The city's clerk: bills accounts anew, so that a journey finds the same balance however often it is played.

    python -m tests.simulation.kill_clerk STATE

Each line in is a JSON object of account numbers with the balance they shall have, in cents; each line out is one of
account numbers with what the oldest bill's barcode says.
"""

import json
import os
import sys
from typing import Any

FIRST_BILL = 9_000_001  # above every number of the demo city


def main(state: str) -> None:
    os.environ["BILLING_STATE"] = state
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing.settings")
    import django

    django.setup()
    number = FIRST_BILL
    for line in sys.stdin:
        payloads = {}
        for account, balance_minor in json.loads(line).items():
            payloads[account] = _bring_to(account, balance_minor, number)
            number += 1
        print(json.dumps(payloads), flush=True)


def _bring_to(number: str, balance_minor: int, bill_number: int) -> str:
    """Let the account owe the sum on one bill, and return the barcode of that bill.

    What is left of older bills is paid at the counter: away from the server the kiosk goes by the bill it is shown.
    """
    from billing.customers.models import Account
    from billing.customers.statement import open_bills
    from billing.demo.bills import payload

    account: Any = Account.objects.get(number=number)
    bills, credit = open_bills(account)
    if len(bills) != 1 or bills[0].owed_minor != balance_minor or credit:
        for bill in bills:
            _pay_at_counter(bill, bill_number)
        _issue(account, f"{bill_number:07d}", balance_minor + credit)
        bills, _ = open_bills(account)
    return payload(bills[0])


def _pay_at_counter(bill: Any, bill_number: int) -> None:
    from django.conf import settings

    from billing import clock
    from billing.ledger import posting
    from billing.ledger.chart import COUNTER, RECEIVABLE
    from billing.ledger.posting import Draft, Line

    now = clock.now()
    day = clock.city_date(now)
    reference = f"counter/{bill.invoice.number}/{bill_number}"
    lines = (
        Line(COUNTER, day.isoformat(), bill.owed_minor),
        Line(RECEIVABLE, bill.invoice.number, -bill.owed_minor),
    )
    posting.post([Draft(reference, "Paid at the counter", settings.CURRENCY, day, lines)], now)


def _issue(account: Any, number: str, amount_minor: int) -> None:
    from billing import clock
    from billing.customers.invoicing import Bill, Charge, issue

    now = clock.now()
    today = clock.city_date(now)
    charges = (Charge("water", "Water", amount_minor),)
    issue([Bill(number, account, "utility", "Water", today, today, charges)], now)


if __name__ == "__main__":
    main(sys.argv[1])
