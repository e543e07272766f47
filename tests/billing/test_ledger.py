"""The ledger's rules, tried with raw SQL behind the program's back."""

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import IntegrityError
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.ledger import balances, guards, posting
from billing.ledger.chart import CASH, CLEARING, SUSPENSE
from billing.ledger.models import Transaction
from billing.ledger.posting import Draft, Line, Unbalanced
from tests.billing.kiosk import uid

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = date(2026, 11, 23)

_INSERT_ENTRY = "INSERT INTO ledger_entry (transaction_id, line, account_id, subject, amount_minor)"

# Statements that must fail on every database, with {t} a transaction and {e} an entry of it.
FORBIDDEN = (
    "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE id = {e}",
    "UPDATE ledger_entry SET account_id = 'suspense' WHERE id = {e}",
    "UPDATE ledger_transaction SET currency = 'EUR' WHERE id = {t}",
    "UPDATE ledger_transaction SET lines = '[]' WHERE id = {t}",
    "UPDATE ledger_ledgeraccount SET code = 'mine' WHERE code = 'cash'",
    "DELETE FROM ledger_entry WHERE id = {e}",
    "DELETE FROM ledger_entry",
    "DELETE FROM ledger_transaction WHERE id = {t}",
    "DELETE FROM ledger_ledgeraccount WHERE code = 'fork-suspense'",
    f"{_INSERT_ENTRY} VALUES ({{t}}, 2, 'cash', 'x', 5)",
    f"{_INSERT_ENTRY} VALUES ({{t}}, 0, 'cash', 'x', 5)",
    f"{_INSERT_ENTRY}"
    " SELECT transaction_id, line, account_id, subject, amount_minor FROM ledger_entry WHERE id = {e}",
)

# Lines that no database may take.
BAD_LINES = (
    '[["cash","x",100],["clearing","p",-99]]',
    '[["cash","x",100]]',
    "[]",
    "{}",
    '"text"',
    '[["cash","x",0],["clearing","p",0]]',
    '[["cash","x",1.5],["clearing","p",-1.5]]',
    '[["cash","x",1.0],["clearing","p",-1.0]]',
    '[["cash","x","100"],["clearing","p","-100"]]',
    '[["cash","x",100,1],["clearing","p",-100,1]]',
    '[["cash",null,100],["clearing","p",-100]]',
    '[["no such account","x",100],["clearing","p",-100]]',
    '[["cash","x",20000000000000000000],["clearing","p",-20000000000000000000]]',
    "[100, -100]",
)

INSERT = (
    "INSERT INTO ledger_transaction (reference, description, currency, value_date, posted_at, lines) "
    "VALUES ('{reference}', 'd', 'USD', '2026-11-23', '2026-11-23 12:00:00+00:00', '{lines}')"
)


@pytest.fixture
def raw(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(database, isolation_level=None, timeout=20)
    yield connection
    connection.close()


def posted(*lines: Line) -> Transaction:
    return posting.post([Draft(uid(), "test", "USD", DAY, lines)], NOW)[0]


def pair(subject: str, amount_minor: int) -> tuple[Line, Line]:
    return Line(CASH, subject, amount_minor), Line(CLEARING, subject, -amount_minor)


def test_a_posted_transaction_has_its_entries() -> None:
    subject = uid()
    transaction = posted(*pair(subject, 2000))
    rows = transaction.entries.order_by("line").values_list("account_id", "subject", "amount_minor")
    assert list(rows) == [(CASH, subject, 2000), (CLEARING, subject, -2000)]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_raw_sql_cannot_change_what_is_posted(raw: sqlite3.Connection, statement: str) -> None:
    transaction = posted(*pair(uid(), 2000))
    before = raw.execute("SELECT * FROM ledger_entry").fetchall()
    with pytest.raises(sqlite3.IntegrityError, match="ledger"):
        raw.execute(statement.format(t=transaction.pk, e=transaction.entries.first().pk))
    assert raw.execute("SELECT * FROM ledger_entry").fetchall() == before


@pytest.mark.parametrize("lines", BAD_LINES)
def test_raw_sql_cannot_post_bad_lines(raw: sqlite3.Connection, lines: str) -> None:
    reference = uid()
    with pytest.raises(sqlite3.Error):
        raw.execute(INSERT.format(reference=reference, lines=lines))
    assert not Transaction.objects.filter(reference=reference).exists()


@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE"])
def test_replacing_is_met_too(raw: sqlite3.Connection, verb: str) -> None:
    transaction = posted(*pair(uid(), 2000))
    lines = '[["cash","x",1],["clearing","p",-1]]'
    statement = INSERT.format(reference=transaction.reference, lines=lines).replace("INSERT", verb, 1)
    with pytest.raises(sqlite3.IntegrityError, match="never replaced"):
        raw.execute(statement)
    with pytest.raises(sqlite3.IntegrityError, match="never replaced"):
        raw.execute(f"{verb} INTO ledger_ledgeraccount (code, title, kind) VALUES ('cash', 'mine', 'asset')")
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(f"{verb} INTO ledger_entry SELECT * FROM ledger_entry WHERE transaction_id = {transaction.pk}")
    assert transaction.entries.count() == 2


def test_an_entry_must_be_a_line_of_its_transaction(raw: sqlite3.Connection) -> None:
    """Even where the trigger that writes entries is gone, only the transaction's own lines may be written."""
    entry = "INSERT INTO ledger_entry (transaction_id, line, account_id, subject, amount_minor) VALUES (?, ?, ?, ?, ?)"
    raw.execute("BEGIN IMMEDIATE")
    try:
        raw.execute("DROP TRIGGER ledger_transaction_write")
        statement = INSERT.format(reference=uid(), lines='[["cash","x",100],["clearing","x",-100]]')
        (pk,) = raw.execute(statement + " RETURNING id").fetchone()
        for wrong in ((0, "cash", "x", 101), (0, "cash", "y", 100), (0, "suspense", "x", 100), (2, "cash", "x", 100)):
            with pytest.raises(sqlite3.IntegrityError, match="their transaction alone"):
                raw.execute(entry, (pk, *wrong))
        raw.execute(entry, (pk, 0, "cash", "x", 100))
    finally:
        raw.execute("ROLLBACK")


def test_ignoring_conflicts_lets_nothing_in(raw: sqlite3.Connection) -> None:
    reference = uid()
    statement = INSERT.format(reference=reference, lines=BAD_LINES[0]).replace("INSERT", "INSERT OR IGNORE", 1)
    with pytest.raises(sqlite3.IntegrityError):
        raw.execute(statement)
    assert not Transaction.objects.filter(reference=reference).exists()


def test_a_balanced_raw_insert_is_whole(raw: sqlite3.Connection) -> None:
    """Raw SQL may post, but only what is balanced, and its entries come with it."""
    reference = uid()
    raw.execute(INSERT.format(reference=reference, lines='[["cash","x",100],["clearing","p",-100]]'))
    assert Transaction.objects.get(reference=reference).entries.count() == 2


def test_all_guards_stand(raw: sqlite3.Connection) -> None:
    assert guards.missing() == []
    (sql,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'ledger_entry_no_delete'").fetchone()
    raw.execute("DROP TRIGGER ledger_entry_no_delete")
    try:
        assert guards.missing() == ["ledger_entry_no_delete"]
    finally:
        raw.execute(sql)


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_every_named_guard_is_installed(vendor: str) -> None:
    statements = guards.ledger_statements(vendor) + guards.suspense_statements(vendor)
    statements += guards.earlier_statements(vendor) + guards.claims_statements(vendor)
    for table in (
        *guards.LEDGER_TABLES,
        *guards.JOURNAL_TABLES,
        *guards.SUSPENSE_TABLES,
        *guards.PROCESSOR_TABLES,
    ):
        statements += guards.append_only_statements(vendor, table)
    created = {name for text in statements for name in re.findall(r"CREATE TRIGGER (\w+)", text)}
    always = {name for text in statements for name in re.findall(r"ENABLE ALWAYS TRIGGER (\w+)", text)}
    assert created >= guards.ALL_TRIGGERS
    assert always == (created if vendor == "postgresql" else set())


def test_a_draft_must_balance() -> None:
    with pytest.raises(Unbalanced):
        Draft("r", "d", "USD", DAY, (Line(CASH, "x", 100), Line(CLEARING, "x", -99)))
    with pytest.raises(Unbalanced):
        Draft("r", "d", "USD", DAY, (Line(CASH, "x", 0), Line(CLEARING, "x", 0)))


def test_one_event_is_posted_once_and_a_batch_is_all_or_none() -> None:
    first = posted(*pair(uid(), 100))
    fresh = Draft(uid(), "fresh", "USD", DAY, pair("x", 5))
    with pytest.raises(IntegrityError):
        posting.post([fresh, Draft(first.reference, "again", "USD", DAY, pair("x", 5))], NOW)
    assert not Transaction.objects.filter(reference=fresh.reference).exists()


def test_a_reversal_takes_it_back_once() -> None:
    subject = uid()
    original = posted(Line(CASH, subject, 700), Line(CLEARING, subject, -500), Line(SUSPENSE, subject, -200))
    reversal = posting.reverse(original, "entered twice", DAY, NOW)
    assert reversal.reverses_id == original.pk
    for account in (CASH, CLEARING, SUSPENSE):
        assert balances.by_subject(account, [subject], "USD") == {subject: 0}
    with pytest.raises(IntegrityError):
        posting.reverse(original, "once more", DAY, NOW)
    posting.reverse(reversal, "it was right after all", DAY, NOW)
    assert balances.by_subject(CASH, [subject], "USD") == {subject: 700}


def test_currencies_are_kept_apart() -> None:
    subject = uid()
    posted(*pair(subject, 100))
    posting.post([Draft(uid(), "euro", "EUR", DAY, pair(subject, 33))], NOW)
    assert balances.by_subject(CASH, [subject], "USD") == {subject: 100}
    assert balances.by_subject_and_currency(CASH, [subject]) == {(subject, "USD"): 100, (subject, "EUR"): 33}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-(10**12), 10**12).filter(bool), min_size=1, max_size=12))
def test_whatever_is_posted_the_trial_balance_is_zero(amounts: list[int]) -> None:
    subject = uid()
    lines = [Line(CASH, subject, amount) for amount in amounts]
    if sum(amounts):
        lines.append(Line(SUSPENSE, subject, -sum(amounts)))
    if len(lines) > 1:
        posted(*lines)
    for report in balances.trial_balance().values():
        assert report["debit_minor"] == report["credit_minor"]
        assert sum(account["balance_minor"] for account in report["accounts"]) == 0
