"""SQL that keeps rows as they were written, and the check that it is in force."""

from pathlib import Path

from django.db import connection

_SQL = Path(__file__).with_name("sql")
_SEPARATOR = "\n-- next\n"
_STANDING = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'",
}

# Every trigger the money rules rest on, by name. Migrations that rebuild a table on SQLite drop its triggers.
LEDGER_TRIGGERS = frozenset(
    {
        "ledger_transaction_check",
        "ledger_transaction_write",
        "ledger_entry_check",
        "ledger_account_check",
        "ledger_transaction_no_update",
        "ledger_transaction_no_delete",
        "ledger_entry_no_update",
        "ledger_entry_no_delete",
        "ledger_ledgeraccount_no_update",
        "ledger_ledgeraccount_no_delete",
    }
)
LEDGER_TABLES = ("ledger_transaction", "ledger_entry", "ledger_ledgeraccount")
JOURNAL_TABLES = ("journal_record", "journal_forkrecord", "journal_quarantined")
JOURNAL_TRIGGERS = frozenset(f"{table}_no_{verb}" for table in JOURNAL_TABLES for verb in ("update", "delete"))
SUSPENSE_TABLES = ("journal_resolution", "journal_resolutionend")  # rows never change
SUSPENSE_TRIGGERS = frozenset(
    {
        "journal_suspenseitem_check",
        "journal_suspenseitem_resolve",
        "journal_suspenseitem_no_delete",
        "journal_resolution_check",
        "journal_resolutionend_check",
        "journal_resolutionend_resolve",
        "journal_resolutionend_earlier",
        *(f"{table}_no_{verb}" for table in SUSPENSE_TABLES for verb in ("update", "delete")),
    }
)
PROCESSOR_TABLES = ("reports_processorlist", "reports_processorline")
PROCESSOR_TRIGGERS = frozenset(f"{table}_no_{verb}" for table in PROCESSOR_TABLES for verb in ("update", "delete"))
CLAIMS_TRIGGERS = frozenset({"claims_claim_check", "claims_claim_answer", "claims_claim_no_delete"})
ALL_TRIGGERS = LEDGER_TRIGGERS | JOURNAL_TRIGGERS | SUSPENSE_TRIGGERS | PROCESSOR_TRIGGERS | CLAIMS_TRIGGERS


def ledger_statements(vendor: str) -> list[str]:
    """Return the statements that install the ledger's rules on `vendor` ("sqlite" or "postgresql")."""
    return (_SQL / f"{vendor}.sql").read_text(encoding="utf-8").split(_SEPARATOR)


def suspense_statements(vendor: str) -> list[str]:
    """Return the statements that let suspense be resolved by two people alone, once."""
    return (_SQL / f"suspense_{vendor}.sql").read_text(encoding="utf-8").split(_SEPARATOR)


def earlier_statements(vendor: str) -> list[str]:
    """Return the statements that let cash that stands twice be taken back once."""
    return (_SQL / f"earlier_{vendor}.sql").read_text(encoding="utf-8").split(_SEPARATOR)


def tenders_statements(vendor: str) -> list[str]:
    """Return the statements that let the journal and two people answer for cards too. They replace older ones."""
    return (_SQL / f"tenders_{vendor}.sql").read_text(encoding="utf-8").split(_SEPARATOR)


def refunds_statements(vendor: str) -> list[str]:
    """Return the statements that let the journal answer for refunds too. They replace an older one."""
    return (_SQL / f"refunds_{vendor}.sql").read_text(encoding="utf-8").split(_SEPARATOR)


def claims_statements(vendor: str) -> list[str]:
    """Return the statements that let a claim change once, when it is answered."""
    return (_SQL / f"claims_{vendor}.sql").read_text(encoding="utf-8").split(_SEPARATOR)


def append_only_statements(vendor: str, table: str) -> list[str]:
    """Return the statements that refuse UPDATE, DELETE and TRUNCATE on `table`."""
    if vendor == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table}: rows are never changed or removed'); END"
            for verb in ("update", "delete")
        ]
    statements = [
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        f"FOR EACH {'STATEMENT' if verb == 'truncate' else 'ROW'} EXECUTE FUNCTION ledger_refuse()"
        for verb in ("update", "delete", "truncate")
    ]
    # ALWAYS: also when a session claims to be a replica, which switches ordinary triggers off.
    always = [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_{v}" for v in ("update", "delete", "truncate")]
    return statements + always


def missing() -> list[str]:
    """Return the names of triggers that should stand in the database and do not."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING[connection.vendor])
        present = {name for (name,) in cursor.fetchall()}
    return sorted(ALL_TRIGGERS - present)
