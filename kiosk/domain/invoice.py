"""What the city asks a resident to pay, as the kiosk may know it: masked, with live balance."""

from collections.abc import Iterable
from dataclasses import dataclass

RULES = ("oldest", "shut_off", "utility")
CHOSEN = "chosen"


@dataclass(frozen=True)
class InvoiceReference:
    """What a scan or typed entry says about a bill. `number` is the account as printed; sums in cents."""

    number: str
    profile: str = ""
    scan: str = ""
    invoice: str = ""
    printed_minor: int | None = None
    printed_due: str = ""
    check: str = ""


@dataclass(frozen=True)
class LinePaid:
    """What goes to one bill, or comes back from it, as records name it. `invoice` "" means credit on the account."""

    account: str
    invoice: str
    amount_minor: int


@dataclass(frozen=True)
class InvoiceLine:
    code: str
    label: str
    amount_minor: int


@dataclass(frozen=True)
class PaidLately:
    """What a kiosk put on a bill; `at` is RFC 3339 UTC."""

    amount_minor: int
    at: str


@dataclass(frozen=True)
class Invoice:
    """One open bill of an account, oldest first in the account's list."""

    id: str
    kind: str
    label: str
    due_date: str
    balance_minor: int
    past_due_minor: int = 0
    shut_off: bool = False
    lines: tuple[InvoiceLine, ...] = ()
    paid_lately: tuple[PaidLately, ...] = ()  # at all kiosks in the last ten minutes, as far as the city knows


@dataclass(frozen=True)
class TenderLimit:
    """The most that the city lets `tender` (cash, card, check) give for an account; None is no limit."""

    tender: str
    payment_minor: int | None = None
    left_today_minor: int | None = None


@dataclass(frozen=True)
class Account:
    """An account as the server shows it to a kiosk: no name or number in full.

    `invoices` are oldest first. `ref` is the server's token, or "num:<number as printed>" when the server was away
    (`live` False).
    """

    ref: str
    last4: str
    name: str = ""
    address: str = ""
    status: str = "open"
    balance_minor: int = 0
    past_due_minor: int = 0
    invoices: tuple[Invoice, ...] = ()
    live: bool = True
    as_of: str = ""
    applied: str = ""  # what a part payment goes to first: oldest, shut_off or utility; "" if the city has not said
    order: tuple[str, ...] = ()  # of bills, by that rule
    limits: tuple[TenderLimit, ...] = ()
    checks_refused: bool = False  # one came back
    cash_report_minor: int = 0  # so much cash has to be reported: staff take it; 0 if the city has not said


@dataclass(frozen=True)
class CartLine:
    """An account in the cart, and how much of it is to be paid."""

    account: Account
    amount_minor: int


def rule_of(accounts: Iterable[Account]) -> str:
    """Return what a payment for all `accounts` goes to first: their rule, or CHOSEN, one after the other as chosen.

    Several that came with different rules, or one without (the server was away), share none.
    """
    rules = [account.applied for account in accounts]
    shared = len(rules) < 2 or (rules[0] in RULES and len(set(rules)) == 1)
    return "".join(rules[:1]) if shared else CHOSEN
