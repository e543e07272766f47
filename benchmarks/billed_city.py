"""A city with as many open bills as residents who will pay one, put into the server's database by its own code.

BILLING_STATE=DIR [BILLING_DATABASE=URL] python -m benchmarks.billed_city COUNT
"""

import json
import sys
from datetime import timedelta

OWED_MINOR = 6000


def fill(count: int) -> list[tuple[str, str]]:
    """Open `count` accounts with a bill of sixty dollars each; return (account's token, bill's number)."""
    from billing import clock
    from billing.customers import billcode, invoicing
    from billing.customers.models import Account, Customer

    now = clock.now()
    today = clock.city_date(now)
    customer = Customer.objects.create(name="Jolene Reyes")
    accounts = Account.objects.bulk_create(
        Account(
            number=billcode.account_number(f"{9_000_000 + place}"),
            token=f"resident-{place}",
            customer=customer,
            house_number="142",
            street="Maple Street",
            opened_on=today,
        )
        for place in range(count)
    )
    charges = (
        invoicing.Charge("water", "Water", 3000),
        invoicing.Charge("sewer", "Sewer", 1275),
        invoicing.Charge("refuse", "Trash and recycling", 1725),
    )
    bills = [
        invoicing.Bill(
            f"9{place:06d}", account, "utility", "Water, sewer and trash", today, today + timedelta(25), charges
        )
        for place, account in enumerate(accounts)
    ]
    invoicing.issue(bills, now)
    return [(bill.account.token, bill.number) for bill in bills]


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(fill(int(sys.argv[1]))))
