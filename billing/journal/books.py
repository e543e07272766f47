"""Loading what the books say about a batch of records, in a handful of queries whatever the batch's size."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from billing import rows
from billing.customers.models import Invoice
from billing.journal.booking import GIVEN
from billing.journal.records import Record
from billing.journal.tenders import KINDS
from billing.journal.terms import (
    CARD_UNKNOWN,
    REFUND_UNKNOWN,
    VOID_UNKNOWN,
    Books,
    KnownAccount,
    KnownInvoice,
    KnownTender,
)
from billing.ledger import balances
from billing.ledger.chart import CLEARING, RECEIVABLE

_TYPED = "num:"
_NOTES = "SELECT note_id FROM journal_bookednote WHERE kiosk_id = {} AND note_id IN {}"
_PAYMENTS = (
    "SELECT payment_id, receipt_number, total_minor FROM journal_payment"
    " WHERE kiosk_id = {} AND (payment_id IN {} OR receipt_number IN {})"
)
_TENDERS = (
    "SELECT what, name, payment_id, amount_minor, fork FROM journal_bookedtender WHERE kiosk_id = {} AND name IN {}"
)
_VOIDING = (
    "SELECT a.payment_id, a.reference, t.amount_minor FROM journal_cardattempt a JOIN journal_bookedtender t"
    " ON t.kiosk_id = a.kiosk_id AND t.what = 'sale' AND t.name = a.reference AND t.payment_id = a.payment_id"
    " WHERE a.kiosk_id = {} AND a.payment_id IN {} AND a.state IN ('voiding', 'void_unknown')"
)
_UNKNOWN = (
    "SELECT reference, of, payment_id, unknown_since, void_reference, void_unknown_since FROM journal_cardattempt"
    " WHERE kiosk_id = {} AND reference IN {}"
)
_REFUNDED = (
    "SELECT a.of, a.payment_id, CAST(SUM(t.amount_minor) AS BIGINT) FROM journal_cardattempt a"
    " JOIN journal_bookedtender t ON t.kiosk_id = a.kiosk_id AND t.what = 'refund' AND t.name = a.reference"
    " AND t.payment_id = a.payment_id AND NOT t.fork"
    " WHERE a.kiosk_id = {} AND a.payment_id IN {} GROUP BY a.of, a.payment_id"
)
# What each payment's transactions placed, less what its refunds took back: all of them went through its clearing.
_GIVEN = (
    "SELECT c.subject, t.currency, e.account_id, e.subject, CAST(-SUM(e.amount_minor) AS BIGINT)"
    " FROM (SELECT DISTINCT transaction_id, subject FROM ledger_entry WHERE account_id = {} AND subject IN {}) c"
    " JOIN ledger_entry e ON e.transaction_id = c.transaction_id JOIN ledger_transaction t ON t.id = c.transaction_id"
    " WHERE e.account_id IN {} GROUP BY c.subject, t.currency, e.account_id, e.subject"
)
_ACCOUNTS = "SELECT id, number, token, status FROM customers_account WHERE token IN {} OR number IN {}"


def load(kiosk_id: str, records: Iterable[Record]) -> Books:
    """Return the books as far as `records` can touch them. Call inside the transaction that will post."""
    records = list(records)
    bodies = [record.body for record in records if isinstance(record.body, dict)]
    payments = _texts(body.get("payment_id") for body in bodies)
    notes = _texts(body.get("note_id") for body in bodies)
    lines = [line for body in bodies for line in _lines(body)]
    references = _texts([*(body.get("account") for body in bodies), *(line.get("account") for line in lines)])
    books = Books(currency=settings.CURRENCY)
    if notes:
        books.notes.update(note for (note,) in rows.select(_NOTES, kiosk_id, notes))
    if names := _tenders(records):
        _load_tenders(books, kiosk_id, names)
    if payments:
        books.clearing = {
            key: -held for key, held in balances.by_subject_and_currency(CLEARING, payments).items() if held
        }
        if any(record.kind == "PaymentCompleted" for record in records):
            for payment_id, reference, amount in rows.select(_VOIDING, kiosk_id, payments):
                books.voiding.setdefault(payment_id, {})[reference] = amount
        if any(record.kind == "CardRefunded" for record in records):
            _load_refunds(books, kiosk_id, payments)
        receipts = _texts(body.get("receipt_number") for body in bodies)
        columns = rows.select(_PAYMENTS, kiosk_id, payments, receipts)
        books.receipts = {receipt: (payment_id, total) for payment_id, receipt, total in columns}
        books.completed = {payment_id for payment_id, _ in books.receipts.values()}
    if references:
        books.accounts = _accounts(references)
    if invoices := _texts(line.get("invoice") for line in lines) - {""}:
        books.invoices = _invoices(invoices)
    return books


def _tenders(records: Iterable[Record]) -> set[str]:
    """Return the names by which these records tell of cards, checks and change."""
    bodies = [record.body for record in records if record.kind in KINDS and isinstance(record.body, dict)]
    return _texts(body.get(name) for body in bodies for name in ("reference", "of", "check_id", "note_id"))


def _load_tenders(books: Books, kiosk_id: str, names: set[str]) -> None:
    for what, name, payment_id, amount, fork in rows.select(_TENDERS, kiosk_id, names):
        books.tenders.setdefault((what, name), []).append(KnownTender(payment_id, amount, bool(fork)))
    for reference, of, payment_id, unknown, void_reference, void_unknown in rows.select(_UNKNOWN, kiosk_id, names):
        if unknown:
            books.unknown.add((REFUND_UNKNOWN if of else CARD_UNKNOWN, reference, payment_id))
        if void_unknown:
            books.unknown.add((VOID_UNKNOWN, void_reference, payment_id))


def _load_refunds(books: Books, kiosk_id: str, payments: set[str]) -> None:
    for of, payment_id, amount in rows.select(_REFUNDED, kiosk_id, payments):
        books.refunded[of, payment_id] = amount
    for payment_id, currency, account, subject, amount in rows.select(_GIVEN, CLEARING, payments, GIVEN):
        books.given.setdefault((payment_id, currency), {})[account, subject] = amount


def _accounts(references: set[str]) -> dict[str, KnownAccount]:
    # Bills print the number in groups of four, and a record may name it as printed.
    numbers = {
        text: "".join(filter(str.isalnum, text[len(_TYPED) :])) for text in references if text.startswith(_TYPED)
    }
    by_name: dict[str, KnownAccount] = {}
    for key, number, token, status in rows.select(_ACCOUNTS, references, set(numbers.values())):
        by_name[token] = by_name[number] = KnownAccount(key, number, status == "closed")
    # Only a token may stand bare: a number without "num:" is no reference.
    wanted = {text: numbers.get(text, text) for text in references if text in numbers or not text.isdigit()}
    return {text: by_name[name] for text, name in wanted.items() if name in by_name}


def _invoices(numbers: set[str]) -> dict[str, KnownInvoice]:
    # Locked in one order, so that two kiosks paying the same invoice see each other and never deadlock.
    found = Invoice.objects.select_for_update().filter(number__in=numbers).order_by("number")
    owners = dict(found.values_list("number", "account_id"))
    owed = balances.by_subject(RECEIVABLE, owners, settings.CURRENCY)
    return {number: KnownInvoice(owner, owed.get(number, 0)) for number, owner in owners.items()}


def _lines(body: dict[str, Any]) -> list[dict[str, Any]]:
    lines = body.get("lines")
    return [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []


def _texts(values: Iterable[Any]) -> set[str]:
    """Return the values that could be identifiers at all (and that every database takes as text)."""
    return {value for value in values if isinstance(value, str) and len(value) <= 64 and "\x00" not in value}
