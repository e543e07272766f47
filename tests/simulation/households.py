"""The city's residents as the server knows them: one account each, with bills and a printed code."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from billing.customers.billcode import BillCode, account_number, encode
from tests.simulation.timeline import BEGINNING

TODAY = BEGINNING.date()
CHANNELS = {1: 100, 2: 200, 3: 500, 4: 1000, 5: 2000, 6: 5000, 7: 10000}  # of the acceptor, in cents


@dataclass(frozen=True)
class Bill:
    number: str
    amount_minor: int
    due: date


@dataclass(frozen=True)
class Household:
    """`token` is the reference that the server gives out; `scan` is what is printed on the oldest bill."""

    number: str
    token: str
    house_number: str
    bills: tuple[Bill, ...]
    checks_refused: bool = False  # one came back

    @property
    def owed_minor(self) -> int:
        return sum(bill.amount_minor for bill in self.bills)

    @property
    def scan(self) -> str:
        oldest = self.bills[0]
        return encode(BillCode(self.number, oldest.number, oldest.amount_minor, oldest.due))


def draw(chance: random.Random, count: int) -> list[Household]:
    """Return `count` households with one to three bills each."""
    households = []
    for at in range(count):
        number = account_number(f"{chance.randrange(1_000_000):06d}{at}"[-7:])
        amounts = [chance.choice((100, 700, 1500, 2500, 5318, 9999)) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
        bills = tuple(
            Bill(f"{at}{position}{chance.randrange(100_000):05d}", amount, TODAY + timedelta(days=30 * position - 5))
            for position, amount in enumerate(amounts)
        )
        households.append(Household(number, f"tok-{number}", str(chance.randrange(1, 999)), bills))
    return households
