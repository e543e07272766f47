"""Goal: whatever valid stream of tenders a kiosk journals, debits equal credits and every complete payment is cleared.

Method: seeded streams of payments by notes, cards, checks and change, and of refunds, through the booking code alone
and through the server in random batches with repeats; both must come to what was really taken.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.journal import ageing
from billing.journal.booking import Booker
from billing.journal.models import SuspenseItem
from billing.journal.records import Record, Wire
from billing.journal.terms import Books, KnownAccount, KnownInvoice
from billing.ledger.chart import CARD, CASH, CHECKS, CLEARING, CREDIT, FEES, FORK_SUSPENSE, RECEIVABLE, SUSPENSE
from billing.ledger.models import Entry
from tests.billing.kiosk import Client, bills_of, completed, line, new_account, note
from tests.billing.tenders import approved, check, ended, paid_out, refund, sale, void

Facts = list[tuple[str, dict[str, Any]]]
OURS = (CARD, CASH, CHECKS, CLEARING, FEES, SUSPENSE)


@dataclass
class Stream:
    """Payments as a kiosk may make them, and what the ledger has to say in the end: debit above 0."""

    chance: random.Random
    accounts: list[Any]
    bills: dict[str, tuple[Any, int]]  # invoice number: account, still owed
    facts: Facts = field(default_factory=list)
    truth: Counter[str] = field(default_factory=Counter)
    undo: dict[str, dict[str, Any]] = field(default_factory=dict)  # voids looked for, by the sale
    sold: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict)  # payment: reference: leg, not refunded
    placed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # payment: lines that no refund took back
    count: int = 0
    salt: str = ""  # what tells ids of two branches apart; a reference is minted from the count alone

    def name(self, what: str) -> str:
        self.count += 1
        return f"{what}{self.count}" if what.isupper() else f"{what}{self.salt}{self.count}"

    def say(self, kind: str, body: dict[str, Any]) -> None:
        self.facts.append((kind, body))

    def payment(self) -> None:
        payment_id, tenders = self.name("pay-"), Counter[str]()
        late: list[str] = []
        for _ in range(self.chance.randint(1, 5)):
            choose = self.chance.choice((self.notes, self.card, self.card, self.check, self.lost_card, self.lost_void))
            choose(payment_id, tenders, late)
        self.change(payment_id, tenders)
        self.complete(payment_id, tenders)
        for ref in late:
            self.found_late(payment_id, ref)
        while self.sold and self.chance.random() < 0.4:
            self.refund(self.chance.choice(sorted(self.sold)))

    def sell(self, payment_id: str, ref: str, leg: str, amount: int) -> None:
        self.sold.setdefault(payment_id, {})[ref] = (leg, amount)

    def refund(self, payment_id: str) -> None:
        """Staff give back a card's money, whole or in part; or it is declined, or nobody knows for a while."""
        of = self.chance.choice(sorted(self.sold[payment_id]))
        leg, left = self.sold[payment_id][of]
        amount = self.chance.choice((left, self.chance.randint(1, left)))
        lines = self.due_again(payment_id, amount) if leg == "bill" else []
        body = refund(payment_id, of, amount, *lines, leg=leg, reference=self.name("B"))
        self.say("RefundStarted", body)
        if self.chance.random() < 0.3:
            self.say("RefundUnknown", body)
        if self.chance.random() < 0.3:
            self.say("RefundEnded", {**body, "result": "declined"})
            return
        self.say("CardRefunded", body)
        self.truth[CARD] -= amount
        if leg == "fee":
            self.truth[FEES] += amount
        for back in lines:
            self.take_back(payment_id, back)
        self.sold[payment_id][of] = (leg, left - amount)
        if left == amount:
            del self.sold[payment_id][of]
        if not self.sold[payment_id]:
            del self.sold[payment_id]

    def due_again(self, payment_id: str, amount: int) -> list[dict[str, Any]]:
        found = []
        for paid in reversed(self.placed[payment_id]):
            part = min(amount, paid["amount_minor"])
            if part:
                found.append({**paid, "amount_minor": part})
            amount -= part
        return found

    def take_back(self, payment_id: str, back: dict[str, Any]) -> None:
        same = [paid for paid in self.placed[payment_id] if {**paid, "amount_minor": 0} == {**back, "amount_minor": 0}]
        rest = back["amount_minor"]
        for paid in reversed(same):
            part = min(rest, paid["amount_minor"])
            paid["amount_minor"] -= part
            rest -= part
        if back["invoice"]:
            account, owed = self.bills[back["invoice"]]
            self.bills[back["invoice"]] = (account, owed + back["amount_minor"])
        self.truth[RECEIVABLE if back["invoice"] else CREDIT] += back["amount_minor"]

    def notes(self, payment_id: str, tenders: Counter[str], late: list[str]) -> None:
        value = self.chance.choice((100, 500, 1000, 2000, 10_000))
        self.say("NoteStacked", note(payment_id, value, note_id=self.name("n")))
        tenders["cash"] += value
        self.truth[CASH] += value

    def check(self, payment_id: str, tenders: Counter[str], late: list[str]) -> None:
        amount = self.chance.randint(1, 9000)
        self.say("CheckTaken", check(payment_id, amount, check_id=self.name("c")))
        tenders["check"] += amount
        self.truth[CHECKS] += amount

    def card(self, payment_id: str, tenders: Counter[str], late: list[str]) -> None:
        """A sale with or without a fee leg: approved in part or whole, declined, voided, or found after a search."""
        ref, asked = self.name("S"), self.chance.randint(1, 9000)
        self.say("CardSaleStarted", sale(payment_id, ref, asked))
        if self.chance.random() < 0.3:
            self.say("CardSaleUnknown", sale(payment_id, ref, asked, reason="timeout"))
        if self.chance.random() < 0.3:
            self.say("CardSaleEnded", ended(payment_id, ref, self.chance.choice(("declined", "absent"))))
            return
        amount = self.chance.choice((asked, self.chance.randint(1, asked)))
        self.say("CardSaleApproved", approved(payment_id, ref, amount, asked_minor=asked))
        fee = self.chance.choice((0, 0, 90))
        refused = self.chance.random() < 0.2 if not fee else not self.fee(payment_id, fee, tenders)
        if refused and self.void(payment_id, ref, amount):
            return
        tenders["card"] += amount
        self.truth[CARD] += amount
        self.sell(payment_id, ref, "bill", amount)

    def fee(self, payment_id: str, fee: int, tenders: Counter[str]) -> bool:
        ref = self.name("F")
        self.say("CardSaleStarted", sale(payment_id, ref, fee, leg="fee"))
        if self.chance.random() < 0.3:
            self.say("CardSaleEnded", ended(payment_id, ref))
            return False
        self.say("CardSaleApproved", approved(payment_id, ref, fee, leg="fee"))
        tenders["fee"] += fee
        self.truth[CARD] += fee
        self.truth[FEES] -= fee
        self.sell(payment_id, ref, "fee", fee)
        return True

    def void(self, payment_id: str, ref: str, amount: int) -> bool:
        """Undo a sale; False if it stands after all."""
        undo = void(payment_id, ref, amount, reference=self.name("V"))
        self.say("VoidStarted", undo)
        if self.chance.random() < 0.3:
            self.say("VoidUnknown", undo)
        went_back = self.chance.random() < 0.7
        self.say("CardSaleVoided" if went_back else "VoidEnded", undo)
        return went_back

    def lost_card(self, payment_id: str, tenders: Counter[str], late: list[str]) -> None:
        ref = self.name("L")
        self.say("CardSaleStarted", sale(payment_id, ref, 700))
        self.say("CardSaleUnknown", sale(payment_id, ref, 700, reason="timeout"))
        late.append(ref)

    def lost_void(self, payment_id: str, tenders: Counter[str], late: list[str]) -> None:
        """A sale whose void is still looked for when its payment is completed without it."""
        ref = self.name("U")
        self.say("CardSaleApproved", approved(payment_id, ref, 700, asked_minor=900))
        undo = void(payment_id, ref, 700, reference=self.name("V"))
        self.say("VoidStarted", undo)
        self.say("VoidUnknown", undo)
        self.undo[ref] = undo
        late.append(ref)

    def change(self, payment_id: str, tenders: Counter[str]) -> None:
        for value in (2000, 500, 100):
            if tenders["cash"] >= value and self.chance.random() < 0.3:
                self.say("NotePaidOut", paid_out(payment_id, value, note_id=self.name("o")))
                tenders["cash"] -= value
                tenders["change"] += value
                self.truth[CASH] -= value

    def found_late(self, payment_id: str, ref: str) -> None:
        if ref in self.undo:
            went_back = self.chance.random() < 0.5
            self.say("CardSaleVoided" if went_back else "VoidEnded", self.undo[ref])
            if not went_back:
                self.truth[CARD] += 700
                self.sell(payment_id, ref, "bill", 700)
                self.complete(payment_id, Counter(card=700))
            return
        if self.chance.random() < 0.5:
            self.say("CardSaleEnded", ended(payment_id, ref, "absent"))
            return
        self.say("CardSaleApproved", approved(payment_id, ref, 700, found=True))
        self.truth[CARD] += 700
        self.sell(payment_id, ref, "bill", 700)
        self.complete(payment_id, Counter(card=700))

    def complete(self, payment_id: str, tenders: Counter[str]) -> None:
        total = tenders["cash"] + tenders["card"] + tenders["check"]
        if not total and not tenders["fee"]:
            self.say("PaymentAbandoned", {"payment_id": payment_id, "reason": "declined"})
            return
        lines = self.lines(total)
        self.placed.setdefault(payment_id, []).extend(dict(one) for one in lines)
        more = {"fee_minor": tenders["fee"], "fee_kind": "service", "change_minor": tenders["change"]}
        account = {"account": self.accounts[0].token}
        number = self.name("R-")
        self.say("PaymentCompleted", completed(payment_id, *lines, receipt_number=number, **account, **more))

    def lines(self, total: int) -> list[dict[str, Any]]:
        """Place `total` on bills of any account, the rest as credit."""
        found = []
        for number in self.chance.sample(sorted(self.bills), 2):
            account, owed = self.bills[number]
            part = min(owed, self.chance.randint(0, total))
            if part:
                found.append(line(account, number, part))
                self.bills[number] = (account, owed - part)
                total -= part
                self.truth[RECEIVABLE] -= part
        if total:
            found.append(line(self.chance.choice(self.accounts), "", total))
            self.truth[CREDIT] -= total
        return found


@dataclass(frozen=True)
class Payer:
    """An account as far as a record names it."""

    token: str


def stream(seed: int, accounts: list[Any], bills: dict[str, tuple[Any, int]], payments: int) -> Stream:
    made = Stream(random.Random(seed), accounts, bills)
    for _ in range(payments):
        made.payment()
    return made


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_any_stream_balances_and_clears(seed: int) -> None:
    payers = [Payer(f"a{number}") for number in range(3)]
    bills: dict[str, tuple[Any, int]] = {f"100000{at}": (payers[at % 3], 5000 * (at + 1)) for at in range(6)}
    books = Books("USD")
    for at, payer in enumerate(payers):
        books.accounts[payer.token] = KnownAccount(at, f"{at}", closed=False)
    for number, (payer, owed) in bills.items():
        books.invoices[number] = KnownInvoice(payers.index(payer), owed)
    made = stream(seed, list(payers), bills, 8)
    booker, ledger = Booker("k", 1, books), Counter[str]()
    for seq, (kind, body) in enumerate(made.facts, 1):
        record = Record(Wire("", f"{seq:064x}", ""), seq, kind, "", "", "trusted", body)
        booking = booker.book(record, date(2026, 11, 23))
        assert booking.disposition != "suspense", (seed, kind, booking.reason)
        for part in booking.draft.lines if booking.draft else ():
            ledger[part.account] += part.amount_minor
    assert sum(ledger.values()) == 0
    assert {name: sum_ for name, sum_ in ledger.items() if sum_} == {n: s for n, s in made.truth.items() if s}, seed
    assert set(books.clearing.values()) <= {0}


def owing(accounts: list[Any]) -> dict[str, tuple[Any, int]]:
    """Return what is owed on the bills of `accounts`, by invoice."""
    bills = {bill.number: account for account in accounts for bill in bills_of(account)}
    owed = Entry.objects.filter(account=RECEIVABLE, subject__in=bills).values_list("subject", "amount_minor")
    return {number: (bills[number], amount) for number, amount in owed}


def sums_of(**branch: Any) -> dict[str, int]:
    ledger = Counter[str]()
    for account, amount in Entry.objects.filter(**branch).values_list("account_id", "amount_minor"):
        ledger[account] += amount
    return {name: sum_ for name, sum_ in ledger.items() if sum_}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_server_books_a_stream_in_any_batches(kiosk: Client, seed: int) -> None:
    accounts = [new_account(5000, 9000), new_account(20_000)]
    made = stream(seed, accounts, owing(accounts), 12)
    for kind, body in made.facts:
        kiosk.journal.add(kind, body)
    chance, records, at = random.Random(seed), kiosk.journal.records, 0
    while at < len(records):
        start = max(0, at - chance.randint(0, 5))
        at = min(len(records), at + chance.randint(1, 20))
        assert kiosk.post_journal(records[start:at]).status_code == 200
    ledger = sums_of(transaction__record__chain__kiosk=kiosk.kiosk_id)
    assert ledger == {name: sum_ for name, sum_ in made.truth.items() if sum_}
    assert not SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id, resolved_at=None).exists()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_branches_of_a_fork_are_booked_once(kiosk: Client, seed: int) -> None:
    """Both go on from one count, so they mint the same references for other sales."""
    accounts = [new_account(50_000, 9000), new_account(20_000)]
    mine = stream(seed, accounts, owing(accounts), 4)
    theirs = Stream(random.Random(seed + 100), accounts, dict(mine.bills), count=mine.count, salt="b")
    shared = len(mine.facts)
    for _ in range(6):
        mine.payment()
        theirs.payment()
    for kind, body in mine.facts[:shared]:
        kiosk.journal.add(kind, body)
    lost = kiosk.journal.copy()
    for journal, facts in ((kiosk.journal, mine.facts[shared:]), (lost, theirs.facts)):
        for kind, body in facts:
            journal.add(kind, body)
    chance = random.Random(seed)
    ours, at, branch_at = kiosk.journal.records, shared + 1, shared
    assert kiosk.post_journal(ours[:at]).status_code == 200
    while at < len(ours) or branch_at < len(lost.records):
        step = chance.randint(1, 15)
        if chance.random() < 0.5 and at < len(ours):
            assert kiosk.post_journal(ours[max(0, at - 3) : at + step]).status_code == 200
            at += step
        elif branch_at < len(lost.records):
            assert kiosk.post_journal(lost.records[max(shared, branch_at - 2) : branch_at + step]).status_code == 409
            branch_at += step
    name = f"{kiosk.kiosk_id}/1"
    won = sums_of(transaction__record__chain__kiosk=kiosk.kiosk_id)
    assert won == {account: sum_ for account, sum_ in mine.truth.items() if sum_}
    kept = sums_of(transaction__fork_record__chain__kiosk=kiosk.kiosk_id)
    tenders = {account: theirs.truth[account] for account in (CARD, CASH, CHECKS) if theirs.truth[account]}
    assert kept == tenders | {FORK_SUSPENSE: -sum(tenders.values())}
    assert [found for found in ageing.differences() if found.subject == name] == []
    waiting = SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id, resolved_at=None)
    assert set(waiting.values_list("reason", flat=True)) <= {"journal-fork"}
