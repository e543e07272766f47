"""The same rules on PostgreSQL: a throw-away cluster, raw SQL against the ledger, kiosks and clerks at two workers."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks import postgresql
from billing.journal.groups import CONFIRM, PROPOSE
from tests.billing.kiosk import Client, claim, enrol_with, note, uid
from tests.billing.lobby import new_lobby
from tests.billing.restoring import PostgresDump
from tests.billing.staff import FORBIDDEN as FORBIDDEN_TO_ONE
from tests.billing.staff import FORBIDDEN_CLAIMS
from tests.billing.tenders import approved, check, ended, paid_out, reference, sale, void
from tests.billing.test_ledger import BAD_LINES, FORBIDDEN, INSERT
from tests.billing.test_program import ROOT, environment

DEMO_ACCOUNT, DEMO_BILL = "num:44170934", "0000101"


def _posted(raw: psycopg.Connection[Any]) -> tuple[int, int]:
    """Return a transaction and one of its entries."""
    reference = uid()
    raw.execute(INSERT.format(reference=reference, lines='[["cash","x",2000],["clearing","x",-2000]]'))  # type: ignore[arg-type]
    query = (
        "SELECT t.id, e.id FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id"
        " WHERE reference = %s"
    )
    rows = raw.execute(query, [reference]).fetchall()
    assert len(rows) == 2
    return rows[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "statement",
    [
        *FORBIDDEN,
        "TRUNCATE ledger_entry",
        "TRUNCATE ledger_transaction CASCADE",
        "UPDATE journal_record SET entry = '{{}}'",
        "SET session_replication_role = replica; DELETE FROM ledger_entry",
        "INSERT INTO ledger_ledgeraccount VALUES ('cash', 'mine', 'asset')"
        " ON CONFLICT (code) DO UPDATE SET title = 'mine'",
    ],
)
def test_raw_sql_cannot_change_what_is_posted(raw: psycopg.Connection[Any], statement: str) -> None:
    transaction, entry = _posted(raw)
    if "journal_record" in statement:
        _post_one(raw)
    before = raw.execute("SELECT count(*), sum(amount_minor * id) FROM ledger_entry").fetchall()
    with pytest.raises(psycopg.errors.IntegrityError):
        raw.execute(statement.format(t=transaction, e=entry))  # type: ignore[arg-type]
    assert raw.execute("SELECT count(*), sum(amount_minor * id) FROM ledger_entry").fetchall() == before


def _post_one(raw: psycopg.Connection[Any]) -> None:
    """A row trigger needs a row."""
    raw.execute(
        "INSERT INTO kiosks_kiosk (id, receipt_prefix, place, suspended, boot_id, counter, health)"
        " VALUES ('raw', 'RAW', '', false, '', 0, '')"
    )
    raw.execute(
        "INSERT INTO kiosks_chain (kiosk_id, epoch, public_key, nonce, head_seq, head_hash, ledger_txn_id, frozen,"
        " enrolled_at, hardware) VALUES ('raw', 1, '', '', 0, '', 0, '', now(), '')"
    )
    raw.execute(
        "INSERT INTO journal_record (chain_id, seq, kind, entry, hash, sig, device_time, clock_doubtful, received_at,"
        " disposition, reason) SELECT id, 1, 'x', '{}', '', '', '', false, now(), 'kept', '' FROM kiosks_chain"
        " WHERE kiosk_id = 'raw'"
    )


@pytest.mark.parametrize("lines", BAD_LINES)
def test_raw_sql_cannot_post_bad_lines(raw: psycopg.Connection[Any], lines: str) -> None:
    reference = uid()
    with pytest.raises(psycopg.Error):
        raw.execute(INSERT.format(reference=reference, lines=lines))  # type: ignore[arg-type]
    query = "SELECT count(*) FROM ledger_transaction WHERE reference = %s"
    assert raw.execute(query, [reference]).fetchone() == (0,)


def enrolled(program: tuple[str, Any], name: str) -> Client:
    url, run = program
    return enrol_with(url, run("enrol-code", "--kiosk", name).strip(), Ed25519PrivateKey.generate())


def test_journals_post_to_two_workers_at_once(program: tuple[str, Any], raw: psycopg.Connection[Any]) -> None:
    kiosks = [enrolled(program, f"pg-{number}") for number in range(3)]
    for kiosk in kiosks:
        payment_id = uid()
        for value in (500, 1000) * 4:
            kiosk.journal.add("NoteStacked", note(payment_id, value))
        paid = {"account": DEMO_ACCOUNT, "invoice": DEMO_BILL, "amount_minor": 6000}
        kiosk.journal.add(
            "PaymentCompleted",
            {
                "payment_id": payment_id,
                "receipt_number": "R-1",
                "account": DEMO_ACCOUNT,
                "lines": [paid],
                "total_minor": 6000,
                "currency": "USD",
                "value_date": "2026-01-01",
            },
        )
    statuses: list[int] = []

    def send(kiosk: Client) -> None:
        for start in (0, 0, 3):
            statuses.append(kiosk.post_journal(kiosk.journal.records[start:]).status_code)

    threads = [threading.Thread(target=send, args=(kiosk,)) for kiosk in kiosks * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 18
    sums = "SELECT coalesce(sum(amount_minor), 0) FROM ledger_entry WHERE account_id = %s AND subject LIKE %s"
    assert raw.execute(sums, ["cash", "pg-%"]).fetchone() == (18000,)
    # The bill of 20.00 is paid once whoever came first; the rest of the three payments waits.
    assert raw.execute(sums, ["receivable", DEMO_BILL]).fetchone() == (0,)
    assert raw.execute(sums, ["suspense", "%"]).fetchone() == (-(18000 - 2000),)
    report = json.loads(program[1]("ledger"))["USD"]
    assert report["debit_minor"] == report["credit_minor"]


def test_rows_that_are_stored_by_the_hundred_meet_every_rule(cluster: str, program: tuple[str, Any]) -> None:
    script = """
import django; django.setup()
from django.db import DataError, IntegrityError
from billing import rows
from billing.journal.models import BookedNote
from billing.kiosks.models import Kiosk
Kiosk.objects.create(pk="pg-rows", receipt_prefix="PG-ROWS")
columns = ("kiosk_id", "note_id")
for notes, error in ((["a", "b", "a"], IntegrityError), (["\\x00"], DataError), (["c"] * 2, IntegrityError)):
    for write in (rows.store, rows.insert):
        try:
            write(BookedNote, columns, [("pg-rows", note) for note in notes])
        except error:
            assert BookedNote.objects.filter(kiosk="pg-rows").count() == 0
        else:
            raise SystemExit(f"{write} took {notes}")
rows.store(BookedNote, columns, [("pg-rows", 'a\\t"\\\\\\nñ')])
assert BookedNote.objects.get(kiosk="pg-rows").note_id == 'a\\t"\\\\\\nñ'
"""
    env = environment() | {
        "BILLING_DATABASE": postgresql.url(cluster, "postgres"),
        "DJANGO_SETTINGS_MODULE": "billing.settings",
    }
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, check=True, timeout=60)


def test_text_that_postgresql_cannot_hold_is_met(program: tuple[str, Any]) -> None:
    kiosk = enrolled(program, "pg-nul")
    kiosk.journal.add("Odd\x00Kind", {"note": "\x00"})
    kiosk.journal.add("NoteStacked", note("p\x00", 500))
    results = kiosk.post_all()
    assert [result["disposition"] for result in results] == ["kept", "suspense"]
    assert kiosk.get("/v1/accounts:resolve", params={"scan": "\x00"}).status_code == 404
    assert kiosk.get("/v1/accounts:resolve", params={"number": "\x00", "check": "\x00"}).status_code == 404
    assert kiosk.get("/v1/kiosks/%00/head").status_code == 403
    beat = {"boot_id": "b", "counter": 1, "health": {"x": "\x00"}}
    assert kiosk.post("/v1/kiosks/pg-nul/heartbeats", beat).status_code == 200


def test_kiosks_fill_a_server_that_was_restored_from_a_dump(
    program: tuple[str, Any], raw: psycopg.Connection[Any], cluster: str, tmp_path: Path
) -> None:
    """As test_restored_server does on SQLite: two shipped engines, one idle and one with a new payment."""
    url, run = program
    number, house = DEMO_ACCOUNT.removeprefix("num:"), "142"
    lobbies = []
    for name in ("set-back-1", "set-back-2"):
        lobbies.append(new_lobby(tmp_path / name, url, run("enrol-code", "--kiosk", name).split()[-1]))
        lobbies[-1].start()
        lobbies[-1].pay(number, house, 500)
    dump = PostgresDump(
        postgresql.binaries(),
        cluster,
        tmp_path / "dump",
        lambda query: [tuple(row) for row in raw.execute(query).fetchall()],
    )
    dump.keep()
    for lobby in lobbies:
        lobby.pay(number, house, 1000, 100)
    before, balance = dump.holds(), run("ledger")
    dump.put_back()
    assert dump.holds() != before
    for lobby in lobbies:
        lobby.run(61)
    assert dump.holds() == before
    assert run("ledger") == balance
    lobbies[1].pay(number, house, 100)
    assert [lobby.frozen for lobby in lobbies] == ["", ""]
    cash = "SELECT subject, SUM(amount_minor) FROM ledger_entry WHERE account_id = 'cash' GROUP BY subject"
    held = dict(raw.execute(cash).fetchall())
    assert [held[f"{lobby.enrolment.kiosk_id}/1"] for lobby in lobbies] == [sum(lobby.box) for lobby in lobbies]


def test_a_claim_sent_by_two_at_once_is_one_claim(program: tuple[str, Any], raw: psycopg.Connection[Any]) -> None:
    kiosk = enrolled(program, "pg-claim")
    kiosk.journal.add("ClaimOpened", claim("C-1", account=DEMO_ACCOUNT, what="\x00", notes=[{"note_id": "\x00"}]))
    threads = [threading.Thread(target=kiosk.post_journal, args=(kiosk.journal.records,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = raw.execute(
        "SELECT number, what, account_id IS NULL FROM claims_claim WHERE kiosk_id = 'pg-claim'"
    ).fetchall()
    assert kept == [("C-1", "", False)]
    found = kiosk.get("/v1/accounts:resolve", params={"number": "44170934", "check": "142"})
    assert found.json()["shut_off_held"]


def test_cards_checks_and_change_of_both_branches(program: tuple[str, Any], raw: psycopg.Connection[Any]) -> None:
    kiosk = enrolled(program, "pg-cards")
    payment_id, other, ref, lost_ref = uid(), uid(), reference(), reference()
    undo = void(payment_id, ref, 700)
    kiosk.journal.add("CardSaleStarted", sale(payment_id, ref, 900))
    branch = kiosk.journal.copy()
    for kind, body in (
        ("CardSaleUnknown", sale(payment_id, ref, 900, reason="timeout")),
        ("CardSaleApproved", approved(payment_id, ref, 700)),
        ("VoidStarted", undo),
        ("VoidUnknown", undo),
        ("NoteStacked", note(payment_id, 1000)),
        ("NotePaidOut", paid_out(payment_id, 500)),
        ("CheckTaken", check(payment_id, 250)),
        ("CardSaleVoided", undo),
    ):
        kiosk.journal.add(kind, body)
    for kind, body in (
        ("CardSaleApproved", approved(other, ref, 400)),
        ("CheckTaken", check(other, 300)),
        ("CardSaleUnknown", sale(other, lost_ref, 900, reason="timeout")),
        ("CardSaleEnded", ended(other, lost_ref)),
    ):
        branch.add(kind, body)
    for _ in range(2):
        kiosk.post_all()
        assert kiosk.post_journal(branch.records[1:]).status_code == 409
    sums = rows(
        raw,
        "SELECT account_id, SUM(amount_minor)::bigint FROM ledger_entry e JOIN ledger_transaction t"
        " ON t.id = e.transaction_id WHERE t.reference LIKE 'pg-cards/%%' GROUP BY 1 ORDER BY 1",
    )
    expected = {"card-receivable": 400, "cash": 500, "checks": 550, "clearing": -750, "fork-suspense": -700}
    assert dict(sums) == expected
    memos = "SELECT reason, answered_seq IS NULL FROM journal_suspenseitem WHERE memo AND subject IN (%s, %s, %s)"
    answered = rows(raw, memos, ref, lost_ref, undo["reference"])
    assert sorted(answered) == [("card-unknown", False), ("card-unknown", False), ("void-unknown", False)]


# Suspense

PASSWORD = "a long pass phrase 42"


class Clerk:
    """A browser that is signed in, with the form's own tokens."""

    def __init__(self, program: tuple[str, Any], name: str, group: str) -> None:
        self._url = program[0]
        program[1]("add-staff", name, "--group", group, said=f"{PASSWORD}\n")
        self._session = requests.Session()
        answer = self.post("/admin/login/", username=name, password=PASSWORD)
        assert answer.status_code == 302, answer.text

    def post(self, path: str, **form: Any) -> requests.Response:
        page = self._session.get(self._url + path, timeout=30)
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)) or {""}
        return self._session.post(
            self._url + path,
            {"csrfmiddlewaretoken": token, **form},
            headers={"Referer": self._url + path},
            allow_redirects=False,
            timeout=30,
        )

    def page(self, path: str) -> str:
        answer = self._session.get(self._url + path, timeout=30)
        assert answer.status_code == 200, path
        return answer.text

    def token(self, path: str) -> str:
        page = self._session.get(self._url + path, timeout=30)
        return re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]

    def press(self, path: str, token: str, **form: Any) -> int:
        answer = self._session.post(
            self._url + path, {"csrfmiddlewaretoken": token, **form}, allow_redirects=False, timeout=30
        )
        return answer.status_code


def page_of(item: int) -> str:
    return f"/admin/journal/suspenseitem/{item}/change/"


@pytest.fixture(scope="module")
def staff(program: tuple[str, Any]) -> list[Clerk]:
    """One who proposes, and two who confirm."""
    return [Clerk(program, name, group) for name, group in (("ann", PROPOSE), ("bob", CONFIRM), ("cy", CONFIRM))]


def rows(raw: psycopg.Connection[Any], query: str, *values: Any) -> list[tuple[Any, ...]]:
    return raw.execute(query, values).fetchall()  # type: ignore[arg-type]


def test_two_who_confirm_together_book_once(
    program: tuple[str, Any], raw: psycopg.Connection[Any], staff: list[Clerk]
) -> None:
    ann, *others = staff
    kiosk = enrolled(program, "pg-suspense")
    notes = [note("", 1000 + number) for number in range(6)]
    for body in notes:
        kiosk.journal.add("NoteUnexpected", {**body, "channel": 4, "reason": "x"})
    kiosk.post_all()
    for body in notes:
        ((item,),) = rows(raw, "SELECT id FROM journal_suspenseitem WHERE subject = %s", body["note_id"])
        number = DEMO_ACCOUNT.removeprefix("num:")
        assert ann.post(page_of(item), step="propose", way="credit", account=number, why="tape").status_code == 302
        ((proposal,),) = rows(raw, "SELECT id FROM journal_resolution WHERE item_id = %s", item)
        tokens = [clerk.token(page_of(item)) for clerk in others]
        gate, answers = threading.Barrier(2), []

        def press(clerk: Clerk, token: str, item: int = item, proposal: int = proposal, gate: Any = gate,
                  answers: Any = answers) -> None:  # fmt: skip
            gate.wait(10)
            answers.append(clerk.press(page_of(item), token, step="confirm", proposal=proposal))

        threads = [threading.Thread(target=press, args=pair) for pair in zip(others, tokens, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200, 302]
        reference = f"suspense/{item}"
        assert rows(raw, "SELECT count(*) FROM ledger_transaction WHERE reference = %s", reference) == [(1,)]
        held = "SELECT sum(amount_minor) FROM ledger_entry WHERE account_id = 'suspense' AND subject = %s"
        assert rows(raw, held, body["note_id"]) == [(0,)]
        ends = "SELECT outcome FROM journal_resolutionend WHERE resolution_id = %s"
        assert rows(raw, ends, proposal) == [("confirmed",)]
        assert rows(raw, "SELECT resolved_at IS NOT NULL FROM journal_suspenseitem WHERE id = %s", item) == [(True,)]
    report = json.loads(program[1]("check-suspense"))
    assert report["differences"] == []


def test_raw_sql_cannot_answer_twice_or_change_a_claim(program: tuple[str, Any], raw: psycopg.Connection[Any]) -> None:
    kiosk = enrolled(program, "pg-answer")
    for number in ("C-1", "C-2"):
        kiosk.journal.add("ClaimOpened", claim(number))
    kiosk.post_all()
    (one,), (done,) = rows(raw, "SELECT id FROM claims_claim WHERE kiosk_id = 'pg-answer' ORDER BY id")
    raw.execute(
        "UPDATE claims_claim SET outcome = 'not_found', words = 'no', answered_by = 'x', answered_at = now()"
        " WHERE id = %s", [done]
    )  # fmt: skip
    for statement in (*FORBIDDEN_CLAIMS, "TRUNCATE claims_claim"):
        print(statement)
        with pytest.raises(psycopg.errors.IntegrityError, match=r"claims|removed"):
            raw.execute(statement.format(claim=one, answered=done))  # type: ignore[arg-type]


@pytest.fixture
def names(program: tuple[str, Any], raw: psycopg.Connection[Any], staff: list[Clerk]) -> dict[str, int]:
    """What the forbidden statements name."""
    kiosk = enrolled(program, f"pg-{uid()[:8]}")
    kiosk.journal.add("NoteUnexpected", {**note("", 3000), "channel": 4, "reason": "x"})
    kiosk.journal.add("NoteInDoubt", {**note(uid(), 1000), "reason": "x"})
    kiosk.journal.add("NoteStacked", note(uid(), 1000))
    kiosk.post_all()
    found = rows(
        raw,
        "SELECT i.id FROM journal_suspenseitem i JOIN kiosks_chain c ON c.id = i.chain_id WHERE c.kiosk_id = %s"
        " ORDER BY i.id",
        kiosk.kiosk_id,
    )
    (item,), (memo,) = found
    number = DEMO_ACCOUNT.removeprefix("num:")
    assert staff[0].post(page_of(item), step="propose", way="credit", account=number, why="x").status_code == 302
    ((proposal, proposer),) = rows(raw, "SELECT id, proposed_by_id FROM journal_resolution WHERE item_id = %s", item)
    ((second,),) = rows(raw, "SELECT id FROM auth_user WHERE username = 'bob'")
    ((posted,),) = rows(raw, "SELECT max(id) FROM ledger_transaction")
    return {
        "item": item,
        "memo": memo,
        "proposal": proposal,
        "proposer": proposer,
        "second": second,
        "posted": posted,
    }


def test_raw_sql_cannot_resolve_suspense_alone(raw: psycopg.Connection[Any], names: dict[str, int]) -> None:
    statements = (
        *FORBIDDEN_TO_ONE,
        "TRUNCATE journal_suspenseitem CASCADE",
        "TRUNCATE journal_resolutionend",
        "SET session_replication_role = replica; DELETE FROM journal_resolution",
        "SET session_replication_role = replica; UPDATE journal_suspenseitem SET resolved_at = now()",
    )
    for statement in statements:
        print(statement)
        with pytest.raises(psycopg.errors.IntegrityError, match=r"suspense|journal_"):
            raw.execute(statement.format(**names))  # type: ignore[arg-type]
    kept = "SELECT resolved_at, resolution, amount_minor FROM journal_suspenseitem WHERE id = %s"
    assert rows(raw, kept, names["item"]) == [(None, "", 3000)]
    assert rows(raw, "SELECT count(*) FROM journal_resolutionend WHERE resolution_id = %s", names["proposal"]) == [(0,)]


def test_the_journal_answers_a_memo_here_too(program: tuple[str, Any], raw: psycopg.Connection[Any]) -> None:
    kiosk = enrolled(program, "pg-answers")
    body = note(uid(), 1000)
    kiosk.journal.add("NoteInDoubt", {**body, "reason": "x"})
    kiosk.journal.add("NoteStacked", body)
    assert [result["disposition"] for result in kiosk.post_all()] == ["memo", "posted"]
    answered = "SELECT answered_seq FROM journal_suspenseitem WHERE subject = %s AND resolved_at IS NOT NULL"
    assert rows(raw, answered, body["note_id"]) == [(2,)]


def test_the_papers_of_a_day_open(program: tuple[str, Any], raw: psycopg.Connection[Any], staff: list[Clerk]) -> None:
    kiosk = enrolled(program, "pg-papers")
    payment_id, ref = uid(), reference()
    for kind, body in (
        ("NoteStacked", note(payment_id, 1000)),
        ("NotePaidOut", paid_out(payment_id, 500)),
        ("CardSaleUnknown", sale(payment_id, ref, 700, reason="timeout")),
        ("CardSaleApproved", approved(payment_id, reference(), 300)),
        ("CheckTaken", check(payment_id, 250)),
        ("BatchClosed", {"reference": "B1", "result": "approved", "count": 1, "total_minor": 300, "reason": ""}),
    ):
        kiosk.journal.add(kind, body)
    kiosk.post_all()
    ann = staff[0]
    day = ann.page("/admin/reports/day/")
    assert day[day.index("<h2>pg-papers</h2>") :].count("$3.00 USD") >= 1
    assert ref in ann.page("/admin/reports/cards/")
    assert "$2.50 USD" in ann.page("/admin/reports/periods/?kiosk=pg-papers")
    assert "1042" in ann.page("/admin/reports/periods/?kiosk=pg-papers&period=pg-papers/1")
    assert "UNKNOWN" in ann.page("/admin/journal/cardattempt/?state=open")
    ((attempt,),) = rows(raw, "SELECT id FROM journal_cardattempt WHERE reference = %s", ref)
    assert "CardSaleUnknown" in ann.page(f"/admin/journal/cardattempt/{attempt}/change/")
