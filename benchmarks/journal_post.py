"""How fast the server takes a kiosk's records, against plain SQL of the same rows; and how long a long queue takes.

The shipped server is a process of its own. Its 100 records over HTTP and the same rows by plain SQL take turns, so that
the machine's moods fall on both alike. Requests are sealed and signed before the clock starts; the drain counts all.
"""

import json
import os
import queue
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from benchmarks import city_server
from benchmarks.city_server import City
from benchmarks.raw_posting import RawPosting
from benchmarks.residents import SESSION_RECORDS, cash_minor, queued
from kiosk.journal.keys import Enrolment
from kiosk.journal.record import to_wire
from kiosk.journal.store import Journal
from kiosk.posting import events
from kiosk.posting.client import BATCH_LIMIT, CentralServer
from kiosk.posting.exchange import plain_session, prepare, send
from kiosk.posting.outcomes import Unavailable
from kiosk.posting.poster import Poster
from kiosk.posting.signing import AnswerVerifier, RequestSigner

LEAST_PER_S = 800
LEAST_RATIO = 0.5
ROUNDS, WARM_UP = 60, 5  # batches; the first connect and fill caches
QUEUED = 50_000
KINDS: dict[str, Callable[[Path], AbstractContextManager[City]]] = {
    "SQLite": city_server.sqlite,
    "PostgreSQL": city_server.on_postgresql,
}


def measure() -> list[dict[str, Any]]:
    """Return, for each database, the rates of posting and of plain SQL, and the drain of a queue."""
    rows = []
    for name, city in KINDS.items():
        rows.append(posting_row(name, city, ROUNDS, WARM_UP))
        rows.append(drain_row(name, city, QUEUED))
    return rows


def posting_row(
    name: str, kind: Callable[[Path], AbstractContextManager[City]], rounds: int, warm_up: int
) -> dict[str, Any]:
    """Return medians over the batches after the warm-up, in records a second, and their ratio."""
    count = BATCH_LIMIT * (rounds + warm_up)
    with tempfile.TemporaryDirectory() as folder, kind(Path(folder)) as city:
        bills = city_server.fill(city, count // SESSION_RECORDS + 1)
        with city.serving() as url:
            enrolment = city.enrolled(url)
        city.copy("raw")
        journal = queued(Path(folder) / "journal.db", enrolment, city.key, bills, count)
        with closing(journal), city.serving() as url:
            posted, raw = in_turns(city, url, enrolment, journal)
        _require_booked(city, count)
    ours, theirs = (BATCH_LIMIT / statistics.median(times[warm_up:]) for times in (posted, raw))
    return {
        "name": f"journal post, {name}",
        "records_per_s": round(ours),
        "raw_per_s": round(theirs),
        "ratio": round(ours / theirs, 2),
        "load": round(os.getloadavg()[0], 1),
        "least_per_s": LEAST_PER_S,
        "least_ratio": LEAST_RATIO,
        "ok": ours >= LEAST_PER_S and ours / theirs >= LEAST_RATIO,
    }


def drain_row(name: str, kind: Callable[[Path], AbstractContextManager[City]], count: int) -> dict[str, Any]:
    """Return how long a kiosk takes to send `count` records that wait in its journal."""
    with tempfile.TemporaryDirectory() as folder, kind(Path(folder)) as city:
        bills = city_server.fill(city, count // SESSION_RECORDS + 1)
        with city.serving() as url:
            enrolment = city.enrolled(url)
            with closing(queued(Path(folder) / "journal.db", enrolment, city.key, bills, count)) as journal:
                start = time.perf_counter()
                drain(journal, CentralServer(url, enrolment, city.key))
                spent_s = time.perf_counter() - start
        _require_booked(city, count)
    return {
        "name": f"drain of {count:,} records, {name}",
        "seconds": round(spent_s, 1),
        "records_per_s": round(count / spent_s),
        "load": round(os.getloadavg()[0], 1),
        "ok": True,
    }


def drain(journal: Journal, server: CentralServer) -> None:
    """Post the whole journal as the engine does: the poster on its thread, the journal on this one."""
    heard: queue.SimpleQueue[events.PostingEvent] = queue.SimpleQueue()
    poster = Poster(server, heard.put, acked_seq=0, boot_id="0" * 32, health=dict, fraction=lambda: 0.0)
    poster.start()
    while journal.acked_seq < journal.head.seq:
        event = heard.get(timeout=60)
        match event:
            case events.RecordsWanted(after_seq):
                poster.supply(after_seq, journal.records(after_seq))
            case events.Acknowledged(ack, _):
                journal.acknowledge(ack)
            case events.Refused() | events.Forked() | events.GapAt() | events.WentOffline():
                raise RuntimeError(f"{event}")
    poster.stop()


def in_turns(city: City, url: str, enrolment: Enrolment, journal: Journal) -> tuple[list[float], list[float]]:
    """Post the journal batch by batch, each followed by its rows in plain SQL; return the seconds of both."""
    posted, raw = list[float](), list[float]()
    signer = RequestSigner(city.key, enrolment.kiosk_id, enrolment.epoch)
    verifier = AnswerVerifier(enrolment.pinned_server_key())
    plain = RawPosting(city, enrolment.kiosk_id, city.key.public_key())
    with closing(plain), plain_session() as session:
        for after_seq in range(0, journal.head.seq, BATCH_LIMIT):
            wires = [to_wire(record) for record in journal.records(after_seq, BATCH_LIMIT)]
            request = prepare("POST", f"{url}/v1/journal", None, {"records": wires})
            nonce = secrets.token_hex(16)
            signer.sign(request, created=int(time.time()), nonce=nonce)
            start = time.perf_counter()
            answer = send(session, request, 30.0, time.monotonic)
            posted.append(time.perf_counter() - start)
            assert not isinstance(answer, Unavailable), answer
            verifier.verify(answer, nonce)
            assert answer.status_code == 200, answer.body
            rows = plain.fetch()
            start = time.perf_counter()
            plain.write(wires, rows)
            raw.append(time.perf_counter() - start)
        assert plain.differences() == []
    return posted, raw


def _require_booked(city: City, count: int) -> None:
    """Raise unless every record is held and every note booked, with nothing in suspense."""
    with closing(city.connect()) as connection:
        held = connection.execute("SELECT COUNT(*) FROM journal_record").fetchone()[0]
        cash = connection.execute("SELECT SUM(amount_minor) FROM ledger_entry WHERE account_id = 'cash'").fetchone()[0]
        doubts = connection.execute("SELECT COUNT(*) FROM journal_suspenseitem").fetchone()[0]
    if (held, cash, doubts) != (count, cash_minor(count), 0):
        raise RuntimeError(f"the books are wrong: {held} records, cash {cash}, {doubts} in suspense")


if __name__ == "__main__":
    outcome = measure()
    print(json.dumps(outcome, indent=1))
    sys.exit(0 if all(row["ok"] for row in outcome) else 1)
