"""The central server of most worlds: its own checking, walking and booking code over books in memory.

One world in ten has the whole server instead (django_server.py); both say the same through the same methods.
"""

import copy
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from billing.journal import records as reading
from billing.journal.booking import Booker
from billing.journal.placing import walk
from billing.journal.terms import Books, KnownAccount, KnownInvoice
from billing.ledger.chart import CREDIT, RECEIVABLE
from kiosk.domain.invoice import Account, Invoice
from kiosk.journal import acknowledgement
from kiosk.journal.record import Record, to_wire
from kiosk.posting import outcomes
from kiosk.posting.poster import Server
from tests.simulation.households import TODAY, Household
from tests.simulation.timeline import Timeline


class Central(Server, Protocol):
    """A server as its worlds use it and as the invariants look at it. Sums in cents, debit above 0."""

    @property
    def head_seq(self) -> int: ...

    def entries(self, after_seq: int) -> list[bytes]:
        """Return the entries held after `after_seq`, in order."""
        ...

    def balances(self) -> Counter[tuple[str, str]]:
        """Return the balance of each (account, subject) of the ledger that is not zero."""
        ...

    def backup(self) -> object: ...

    def restore(self, backup: object) -> None: ...

    def close_account(self, number: str) -> None: ...


@dataclass
class Held:
    """All that a backup holds."""

    head: tuple[int, str]
    books: Books
    entries: list[bytes] = field(default_factory=list)
    results: dict[int, tuple[str, str, str]] = field(default_factory=dict)  # seq: hash, disposition, reason
    ledger: Counter[tuple[str, str]] = field(default_factory=Counter)
    references: set[str] = field(default_factory=set)
    frozen: str = ""


class LedgerServer:
    """One kiosk's chain and the city's books."""

    def __init__(
        self,
        timeline: Timeline,
        kiosk: tuple[str, int, str, Ed25519PublicKey],
        key: Ed25519PrivateKey,
        households: Sequence[Household],
    ) -> None:
        """`kiosk` is its id, epoch, nonce and public key."""
        self._timeline = timeline
        self._kiosk_id, self._epoch, nonce, self._kiosk_key = kiosk
        self._key = key
        self._households = households
        books = Books("USD")
        for at, house in enumerate(households):
            known = KnownAccount(at, house.number, closed=False)
            books.accounts[house.token] = books.accounts[f"num:{house.number}"] = known
            for bill in house.bills:
                books.invoices[bill.number] = KnownInvoice(at, bill.amount_minor)
        self._held = Held((0, nonce), books)
        for house in households:
            for bill in house.bills:
                self._held.ledger[RECEIVABLE, bill.number] += bill.amount_minor
                self._held.ledger["revenue-water", bill.number] -= bill.amount_minor

    # What kiosks ask

    def post_journal(self, records: Sequence[Record]) -> outcomes.PostOutcome:
        held = self._held
        checked = []
        for record in records:
            try:
                wire = reading.Wire(**to_wire(record))
                checked.append(reading.check(wire, self._kiosk_key, self._kiosk_id, self._epoch))
            except reading.Malformed as error:
                held.frozen = "malformed"
                return outcomes.Malformed(record.seq, error.why)
        way = walk(held.head, checked, {seq: digest for seq, (digest, _, _) in held.results.items()})
        results = []
        booker = Booker(self._kiosk_id, self._epoch, held.books)
        for record in way.placed:
            known = held.results.get(record.seq)
            if known is None:
                known = self._book(booker, record)
                results.append(outcomes.RecordResult(record.seq, "created", known[1], known[2]))
            else:
                results.append(outcomes.RecordResult(record.seq, "exists", known[1], known[2]))
        held.head = way.head
        if way.stop and way.stop.type == "journal-fork":
            held.frozen = held.frozen or "journal-fork"
        if not results:
            if way.stop and way.stop.type == "journal-fork":
                return outcomes.Fork(way.stop.expected_seq)
            return outcomes.Gap(way.stop.expected_seq if way.stop else 0)
        return outcomes.Posted(self._acknowledged(), tuple(results))

    def _book(self, booker: Booker, record: reading.Record) -> tuple[str, str, str]:
        held = self._held
        booking = booker.book(record, TODAY)
        if booking.draft is not None:
            if booking.draft.reference in held.references:
                raise AssertionError(f"{booking.draft.reference} is posted already")
            held.references.add(booking.draft.reference)
            for line in booking.draft.lines:
                held.ledger[line.account, line.subject] += line.amount_minor
        held.entries.append(record.wire.entry.encode())
        known = (record.hash, booking.disposition, booking.reason)
        held.results[record.seq] = known
        return known

    def _acknowledged(self) -> acknowledgement.Acknowledgement:
        seq, digest = self._held.head
        text = rfc8785.dumps(
            {
                "kiosk_id": self._kiosk_id,
                "epoch": self._epoch,
                "head_seq": seq,
                "head_hash": digest,
                "ledger_txn_id": len(self._held.references),
                "server_time": self._stamp(),
            }
        )
        sig = b64encode(self._key.sign(text)).decode()
        return acknowledgement.read(text.decode(), sig, self._key.public_key())

    def head(self) -> outcomes.HeadSeen:
        seq, digest = self._held.head
        return outcomes.HeadSeen(self._epoch, seq, digest, self._stamp(), self._held.frozen)

    def heartbeat(self, boot_id: str, counter: int, health: Mapping[str, Any]) -> outcomes.HeartbeatTaken:
        del boot_id, counter, health
        return outcomes.HeartbeatTaken(self._stamp(), ("freeze",) if self._held.frozen else (), *self._held.head)

    def resolve(self, *, scan: str = "", number: str = "", check: str = "") -> outcomes.LookUpOutcome:
        for house in self._households:
            typed = number and number == house.number and check == house.house_number
            if typed or (scan and scan == house.scan):
                return outcomes.Found(self._statement(house))
        return outcomes.NotFound()

    def _statement(self, house: Household) -> Account:
        """What is owed after the account's credit, which counts against the oldest bills first."""
        books = self._held.books
        credit = -self._held.ledger[CREDIT, house.number]
        invoices = []
        for bill in house.bills:
            owed = books.invoices[bill.number].owed_minor
            used = min(owed, credit)
            credit -= used
            if owed > used:
                invoices.append(Invoice(bill.number, "utility", "Water", bill.due.isoformat(), owed - used))
        status = "closed" if books.accounts[house.token].closed else "open"
        balance = sum(invoice.balance_minor for invoice in invoices) - credit
        last4 = house.number[-4:]
        refused = house.checks_refused
        rows = tuple(invoices)
        return Account(
            house.token, last4, "J. R.", "", status, balance, 0, rows, as_of=self._stamp(), checks_refused=refused
        )

    def _stamp(self) -> str:
        return self._timeline.utc.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    # What its operators do, and what is looked at

    @property
    def head_seq(self) -> int:
        return self._held.head[0]

    def entries(self, after_seq: int) -> list[bytes]:
        return self._held.entries[after_seq:]

    def balances(self) -> Counter[tuple[str, str]]:
        return self._held.ledger

    def backup(self) -> object:
        return copy.deepcopy(self._held)

    def restore(self, backup: object) -> None:
        assert isinstance(backup, Held)
        self._held = copy.deepcopy(backup)

    def close_account(self, number: str) -> None:
        for name, known in self._held.books.accounts.items():
            if known.number == number:
                self._held.books.accounts[name] = KnownAccount(known.id, known.number, closed=True)
