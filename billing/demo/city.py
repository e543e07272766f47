"""The City of Riverbend: a believable small city, the same in every seeding.

Known accounts stand in assets/demo/city.json, for scripts and demonstrations. The others are drawn from a seeded
generator. Dates count from the day of seeding, so that what is past due stays past due.
"""

import base64
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from billing import clock
from billing.customers import billcode, invoicing
from billing.customers.invoicing import Bill, Charge
from billing.customers.models import Account, City, Customer, Service
from billing.demo import names
from billing.kiosks.models import Kiosk
from billing.ledger import posting
from billing.ledger.chart import COUNTER, CREDIT, RECEIVABLE
from billing.ledger.posting import Draft, Line

CITY_FILE = Path(__file__).resolve().parents[2] / "assets" / "demo" / "city.json"
_SERVICE_DETAIL = {"water": '5/8" meter', "sewer": "residential", "refuse": "96 gallon cart", "licence": ""}


@dataclass(frozen=True)
class Home:
    """An account to be opened, with its bills and what came in for them."""

    number: str
    name: str
    house_number: str
    street: str
    status: str
    services: tuple[str, ...]
    bills: tuple[dict[str, Any], ...]
    paid: tuple[str, ...] = ()  # numbers of bills paid at the counter
    credit_minor: int = 0


def seed() -> bool:
    """Fill an empty database and return True; leave one that has accounts alone and return False."""
    if Account.objects.exists():
        return False
    city = json.loads(CITY_FILE.read_text(encoding="utf-8"))
    homes = [*(_known(item) for item in city["known"]), *_drawn(city)]
    now = clock.now()
    today = clock.city_date(now)
    with transaction.atomic():
        City.objects.create(**{name: city[name] for name in ("name", "hall", "postal", "phone", "web")})
        kiosk = city["kiosk"]
        Kiosk.objects.get_or_create(
            pk=kiosk["id"], defaults={"receipt_prefix": kiosk["receipt_prefix"], "place": kiosk["place"]}
        )
        accounts = _open_accounts(homes, today)
        bills = [_bill(bill, accounts[home.number], today) for home in homes for bill in home.bills]
        invoicing.issue(bills, now)
        posting.post(list(_receipts(homes, {bill.number: bill for bill in bills}, today)), now)
    return True


def token(number: str) -> str:
    """Return the demo token of an account: fixed, unlike those of a real city, which are random."""
    digest = hashlib.sha256(f"riverbend|{number}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:20]


def _known(item: dict[str, Any]) -> Home:
    return Home(
        number=item["number"],
        name=item["name"],
        house_number=item["house_number"],
        street=item["street"],
        status=item["status"],
        services=tuple(item["services"]),
        bills=tuple(item["invoices"]),
        credit_minor=item.get("credit_minor", 0),
    )


def _open_accounts(homes: list[Home], today: date) -> dict[str, Account]:
    customers = Customer.objects.bulk_create(Customer(name=home.name) for home in homes)
    accounts = Account.objects.bulk_create(
        Account(
            number=home.number,
            token=token(home.number),
            customer=customer,
            house_number=home.house_number,
            street=home.street,
            status=home.status,
            opened_on=today - timedelta(days=400 + int(home.number[-4:]) % 3000),
            closed_on=today - timedelta(days=40) if home.status == "closed" else None,
        )
        for home, customer in zip(homes, customers, strict=True)
    )
    Service.objects.bulk_create(
        Service(account=account, kind=kind, detail=_SERVICE_DETAIL[kind], active=home.status == "open")
        for home, account in zip(homes, accounts, strict=True)
        for kind in home.services
    )
    return {account.number: account for account in accounts}


def _bill(bill: dict[str, Any], account: Account, today: date) -> Bill:
    return Bill(
        number=bill["number"],
        account=account,
        kind=bill["kind"],
        label=bill["label"],
        issued_on=today + timedelta(days=bill["issued_days"]),
        due_date=today + timedelta(days=bill["due_days"]),
        charges=tuple(Charge(**charge) for charge in bill["charges"]),
        shut_off=bill.get("shut_off", False),
    )


def _receipts(homes: list[Home], bills: dict[str, Bill], today: date) -> Iterator[Draft]:
    for home in homes:
        for number in home.paid:
            bill = bills[number]
            total = sum(charge.amount_minor for charge in bill.charges)
            yield _receipt(f"counter/{number}", min(today, bill.due_date), Line(RECEIVABLE, number, -total))
        if home.credit_minor:
            yield _receipt(f"deposit/{home.number}", today, Line(CREDIT, home.number, -home.credit_minor))


def _receipt(reference: str, day: date, line: Line) -> Draft:
    cash = Line(COUNTER, day.isoformat(), -line.amount_minor)
    return Draft(reference, "Paid at the counter", settings.CURRENCY, day, (cash, line))


def _drawn(city: dict[str, Any]) -> Iterator[Home]:
    """Draw accounts until the city has as many as it says."""
    chance = random.Random(city["seed"])  # believable, not secret
    taken = {item["number"] for item in city["known"]}
    following = iter(range(1001, 9_999_999))
    for _ in range(city["accounts"] - len(taken)):
        number = billcode.account_number(f"{chance.randrange(1_000_000, 9_999_999)}")
        while number in taken:
            number = billcode.account_number(f"{chance.randrange(1_000_000, 9_999_999)}")
        taken.add(number)
        yield _home(chance, number, following)


def _home(chance: random.Random, number: str, following: Iterator[int]) -> Home:
    business = chance.random() < 0.12
    services = ("water", "sewer", "refuse", "licence") if business else ("water", "sewer", "refuse")
    fate = chance.choices(("current", "late", "shut_off", "paid", "closed"), (68, 13, 4, 11, 4))[0]
    months = 2 if fate in ("late", "shut_off") else 1
    bills = [_utility_bill(chance, next(following), back, fate) for back in range(months, -1, -1)]
    paid = [bills[0]["number"]] if fate in ("current", "late") else []
    if fate in ("paid", "closed"):
        paid = [bill["number"] for bill in bills]
    if business and fate != "closed":
        bills.append(_licence_bill(chance, next(following)))
    return Home(
        number=number,
        name=names.business(chance) if business else names.person(chance),
        house_number=str(chance.choice((chance.randrange(1, 99), chance.randrange(100, 2999)))),
        street=names.street(chance),
        status="closed" if fate == "closed" else "open",
        services=services,
        bills=tuple(bills),
        paid=tuple(paid),
        credit_minor=chance.choice((0, 0, 412, 1000, 2350)) if fate in ("paid", "closed") else 0,
    )


def _utility_bill(chance: random.Random, number: int, months_back: int, fate: str) -> dict[str, Any]:
    gallons = chance.randrange(12, 110) * 100
    charges: list[dict[str, Any]] = [
        {"code": "water", "label": f"Water, {gallons:,} gallons", "amount_minor": 1840 + gallons * 52 // 100},
        {"code": "sewer", "label": "Sewer", "amount_minor": 1610 + gallons * 31 // 100},
        {"code": "refuse", "label": "Trash and recycling", "amount_minor": 1725},
    ]
    overdue = months_back > 0 and fate in ("late", "shut_off")
    if overdue:
        fee = max(1000, sum(charge["amount_minor"] for charge in charges) // 10)
        charges.append({"code": "late_fee", "label": "Late fee", "amount_minor": fee})
    issued = -10 - 30 * months_back
    return {
        "number": f"{number:07d}",
        "kind": "utility",
        "label": "Water, sewer and trash",
        "issued_days": issued,
        "due_days": issued + 25,
        "shut_off": fate == "shut_off" and months_back > 0,
        "charges": charges,
    }


def _licence_bill(chance: random.Random, number: int) -> dict[str, Any]:
    kind, fee = chance.choice(names.LICENCES)
    return {
        "number": f"{number:07d}",
        "kind": "licence",
        "label": "Business licence renewal",
        "issued_days": -20,
        "due_days": chance.choice((-3, 10, 25, 40)),
        "charges": [
            {"code": "licence", "label": kind, "amount_minor": fee},
            {"code": "other", "label": "State accessibility fee", "amount_minor": 400},
        ],
    }
